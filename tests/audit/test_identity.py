"""Fields that hold what may tell who was recorded are named, whatever the format, and never shown."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from holter2sleep.audit.check import AuditOptions, audit_file
from holter2sleep.audit.facts import Audit
from holter2sleep.audit.headers import audit_header
from holter2sleep.audit.text import as_text
from tests.io.edf_bytes import FS_HZ, N_RECORDS, plain
from tests.io.test_ishne import RAMP, ishne_bytes
from tests.made_nights import RECIPE, simulated

POLAR = "[Params]\nInterval=238\nDate=20200302\nStartTime=22:30:00.0\n[Note]\n{note}\n[HRData]\n" + "812\n" * 400
STAMPS = [f"+{i}" for i in range(N_RECORDS)]


def audited(path: Path) -> Audit:
    return audit_file(path, AuditOptions(), RECIPE)


def edf_identity_of(tmp_path: Path, transducer: str = "", note: str = "") -> tuple[str, ...]:
    """What an EDF+ file with this transducer and this annotation tells; patient and recording are anonymous."""
    notes = {3: f"+3\x14{note}\x14\x00"} if note else {}
    content = bytearray(plain(reserved="EDF+C", onsets=STAMPS, notes=notes).tobytes())
    at = 256 + 3 * 16  # behind the labels of three signals
    content[at : at + 80] = transducer.encode().ljust(80)
    path = tmp_path / "night.edf"
    path.write_bytes(content)
    return audit_header(path).identity


@pytest.mark.parametrize("transducer", ["", "AgAgCl electrode", "none", "?", "Oral-nasal thermistors", "Marker button"])
def test_a_transducer_in_the_usual_words_tells_nothing(tmp_path: Path, transducer: str) -> None:
    assert edf_identity_of(tmp_path, transducer) == ()


def test_a_transducer_with_a_name_or_a_serial_number_is_named_by_its_signal(tmp_path: Path) -> None:
    assert edf_identity_of(tmp_path, "Patch of Mrs Smith") == ("transducer of signal 1",)
    assert edf_identity_of(tmp_path, "Patch 004711") == ("transducer of signal 1",)


def test_annotations_in_the_usual_words_tell_nothing_and_free_text_is_counted(tmp_path: Path) -> None:
    assert edf_identity_of(tmp_path, note="Lights off") == ()
    assert edf_identity_of(tmp_path, note="Mrs Smith coughs") == ("free text in 1 annotation",)


def test_every_text_of_an_ishne_header_is_named(tmp_path: Path) -> None:
    path = tmp_path / "night.ecg"
    content = bytearray(ishne_bytes(RAMP, variable=b"Mrs Smith", sex=0, birth=(-9, -9, -9)))
    path.write_bytes(content)
    assert audit_header(path).identity == ("variable block",)
    for name, at in (("recorder type", 232), ("proprietary field", 274), ("reserved field", 434)):
        bent = content.copy()
        bent[at : at + 5] = b"Smith"
        path.write_bytes(bent)
        assert audit_header(path).identity == (name, "variable block")


def test_notes_of_a_polar_file_are_told_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "night.hrm"
    path.write_text(POLAR.format(note="Mrs Smith, after dinner"))
    audit = audited(path)
    assert audit.identity == ("notes in [Note]",)
    assert "Smith" not in json.dumps(audit.as_json()) + as_text(audit)
    path.write_text(POLAR.format(note=""))
    assert audited(path).identity == ()


def test_attributes_and_texts_of_an_hdf5_file_are_named_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "night.h5"
    with h5py.File(path, "w") as file:
        ecg = file.create_dataset("ecg", data=np.asarray(simulated("clean", hours=0.5).recording.ecg[: 300 * FS_HZ]))
        ecg.attrs.update({"fs": 256.0, "units": "mV", "label": "ECG"})
        file.attrs["format_version"] = "1.2"
    assert audited(path).identity == ()
    with h5py.File(path, "a") as file:
        file.attrs.update({"PatientName": "Smith", "subject_id": 4711, "comment": "coughs"})
        file["info/referred_by"] = "Dr Jones"
    audit = audited(path)
    assert set(audit.identity) == {
        "attribute for 'patient'",
        "attribute for 'subject'",
        "text in 1 attributes of other names",
        "text in 1 datasets of other names",
    }
    everything = json.dumps(audit.as_json()) + as_text(audit)
    assert not any(word in everything for word in ("Smith", "4711", "coughs", "Jones"))


@pytest.mark.parametrize("name", ["night.h5", "night.hrm", "night.mat"])
@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + bytes(300), b"\xff\xfe\0\0" * 50])
def test_a_broken_file_tells_nothing_and_breaks_no_audit(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    audit = audited(path)
    assert audit.exit_code == 3
    assert audit.identity == ()
    assert "check_failed" not in {found.id for found in audit.findings}
