"""Pseudonyms that stay, keys that are kept safe, recordings that tell of nobody."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import threading
import unicodedata
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.clock import NO_DATE
from holter2sleep.errors import UsageError
from holter2sleep.night import Recording, Source, Subject
from holter2sleep.privacy import deidentified, private_file_name, pseudonym, read_or_make_key, without_names

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def recording(**facts: object) -> Recording:
    """A recording whose every text holds the name of a person."""
    values: dict[str, object] = {
        "recording_id": "zaphod",
        "source": Source("zaphod.edf", "EDF", "abc", "zaphod", 1.0),
        "start": datetime(2020, 3, 2, 22, 30, 5, 250_000),
        "zone": "Europe/Berlin",
        "subject": Subject(97.0, "F"),
        "channel": "ECG Zaphod",
        "warnings": ("start unknown: date 'Zaphod'", "zaphod.edf: header says 2020-03-02, 'ECG II' was taken"),
        **facts,
    }
    return Recording(duration_s=4.0, fs=100.0, ecg=np.arange(400) / 400, **values)  # type: ignore[arg-type]


# --- pseudonyms ------------------------------------------------------------------------------------


def test_a_pseudonym_is_the_start_of_the_keyed_hash() -> None:
    digest = hmac.new(KEY, b"subject 7", hashlib.sha256).digest()
    bits = int.from_bytes(digest[:10], "big")
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    expected = "".join(letters[bits >> (5 * (15 - i)) & 31] for i in range(16))
    assert pseudonym(KEY, "subject 7") == f"h2s-{expected}"


def test_a_pseudonym_never_changes() -> None:
    assert pseudonym(KEY, "subject 7") == pseudonym(bytes(KEY), "subject 7")
    assert pseudonym(KEY, "subject 7") != pseudonym(OTHER, "subject 7")
    assert pseudonym(KEY, "M\u00fcller") == pseudonym(KEY, "Mu\u0308ller ")


def as_hashed(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()


@given(st.lists(st.text(max_size=20), unique_by=as_hashed, max_size=20), st.binary())
def test_identities_that_differ_have_pseudonyms_that_differ_and_name_folders(names: list[str], key: bytes) -> None:
    found = {pseudonym(key, name) for name in names}
    assert len(found) == len(names)
    assert all(len(one) == 20 and one.isascii() and one == one.lower() for one in found)


def test_ten_thousand_identities_do_not_collide() -> None:
    assert len({pseudonym(KEY, str(i)) for i in range(10_000)}) == 10_000


def test_a_file_name_keeps_the_suffix_of_a_recording_and_no_other() -> None:
    assert private_file_name(KEY, "zaphod.EDF") == pseudonym(KEY, "zaphod") + ".edf"
    assert private_file_name(KEY, "night.zaphod") == pseudonym(KEY, "night")


# --- key -------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_the_owner_alone_and_the_user_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "study.key"
    key = read_or_make_key(path)
    assert "study.key: a new key was made" in caplog.text
    assert key.hex() not in caplog.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    caplog.clear()
    assert read_or_make_key(path) == key
    assert caplog.text == ""
    assert (len(key), bytes.fromhex(path.read_text().strip())) == (32, key)
    assert read_or_make_key(tmp_path / "second.key") != key
    assert sorted(p.name for p in tmp_path.iterdir()) == ["second.key", "study.key"]


def test_a_key_others_can_read_is_used_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "study.key"
    path.write_text(KEY.hex().upper() + "\n")
    path.chmod(0o644)
    assert read_or_make_key(path) == KEY
    assert "others can read this key" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"secret", "6 characters that are no key"),
        (KEY.hex().encode()[:-2], "62 characters that are no key"),
        (KEY.hex().encode() + b"00", "66 characters that are no key"),
        (b"z" * 64, "64 characters that are no key"),
        (bytes(range(128, 192)), "64 characters that are no key"),
    ],
)
def test_what_is_no_key_is_refused_untouched_and_unquoted(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "study.key"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"^study\.key: .*{message}") as caught:
        read_or_make_key(path)
    assert "secret" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_device_and_a_large_file_are_no_key(tmp_path: Path) -> None:
    large = tmp_path / "large.key"
    large.touch()
    os.truncate(large, 5 << 30)
    for path, found in ((Path("/dev/zero"), "a device"), (large, "a large file"), (tmp_path, "no file")):
        with pytest.raises(UsageError, match=found):
            read_or_make_key(path)


def test_a_key_that_cannot_be_read_or_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_or_make_key(tmp_path)
    with pytest.raises(UsageError, match="cannot be written"):
        read_or_make_key(tmp_path / "nowhere" / "study.key")
    (tmp_path / "dangling.key").symlink_to(tmp_path / "nothing")
    with pytest.raises(UsageError, match="cannot be read"):
        read_or_make_key(tmp_path / "dangling.key")


def test_workers_that_start_together_share_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(read_or_make_key(tmp_path / "k"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(keys), len(set(keys))) == (16, 1)
    assert os.listdir(tmp_path) == ["k"]  # noqa: PTH208


# --- recordings ------------------------------------------------------------------------------------


def test_a_recording_loses_names_date_zone_and_high_age_and_keeps_clock_and_samples() -> None:
    given_one = recording()
    found = deidentified(given_one, KEY)
    assert found.recording_id == pseudonym(KEY, "zaphod")
    assert found.source.file == pseudonym(KEY, "zaphod") + ".edf"
    assert found.start == datetime.combine(NO_DATE, datetime(2020, 3, 2, 22, 30, 5, 250_000).time())
    assert (found.zone, found.subject, found.channel, found.source.unit) == (None, Subject(90.0, "F"), "ECG", None)
    np.testing.assert_array_equal(found.ecg[:], given_one.ecg[:])  # type: ignore[index]
    assert found.warnings == (
        "start unknown: date '...'",
        f"{pseudonym(KEY, 'zaphod')}.edf: header says (date), 'ECG II' was taken",
    )
    assert "zaphod" not in repr(found).casefold()


@pytest.mark.parametrize(("age", "told"), [(None, None), (0.5, 0.5), (89.0, 89.0), (89.5, 90.0), (104.0, 90.0)])
def test_ages_over_89_become_90(age: float | None, told: float | None) -> None:
    assert deidentified(recording(subject=Subject(age, "M")), KEY).subject == Subject(told, "M")


def test_an_unknown_start_stays_unknown() -> None:
    assert deidentified(recording(start=None), KEY).start is None


def test_twice_is_as_good_as_once_for_the_recording_id() -> None:
    once = deidentified(recording(), KEY)
    assert deidentified(once, KEY).recording_id == once.recording_id
    named_before = recording(recording_id=pseudonym(KEY, "zaphod"))
    assert deidentified(named_before, KEY).recording_id == once.recording_id


@pytest.mark.parametrize(
    ("label", "told"),
    [("ECG", "ECG"), ("EKG 2", "EKG 2"), ("MLII", "MLII"), ("ECG L - ECG R", "ECG L - ECG R"), ("Zaphod", "ECG")],
)
def test_only_labels_of_leads_are_told(label: str, told: str) -> None:
    assert deidentified(recording(channel=label), KEY).channel == told


@pytest.mark.parametrize("unit", ["uV", "mV", "V", "4878 nV", "\u00b5V"])
def test_a_voltage_is_told_as_a_unit(unit: str) -> None:
    assert deidentified(recording(source=Source("a.edf", "EDF", "", unit)), KEY).source.unit == unit


def test_warnings_keep_what_is_technical() -> None:
    for text in (
        "number of data records: header says 7, the file holds 20; the file was trusted",
        "several ECG leads: took 'ECG II'; also there: 'V5' (choose with --channel)",
        "100 bytes after the last record ignored",
    ):
        assert without_names(text, {"night": "h2s-x", "": "y"}) == text
    dates = "from 2020-03-02T22:30:00 or 02.03.20 or 02/03/2020 or 02-MAR-2020 to 23:10:00"
    assert without_names(dates, {}) == "from (date)T22:30:00 or (date) or (date) or (date) to 23:10:00"
    assert without_names("no header smith.hea beside smith", {"smith": "h2s-x"}) == "no header h2s-x.hea beside h2s-x"
