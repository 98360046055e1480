"""Fixed files: the same samples under a header that every reader accepts, and nothing of the person."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import edfio
import numpy as np
import pyedflib
import pytest
from numpy.typing import NDArray

from holter2sleep.analyze import analyze_night
from holter2sleep.audit import fix
from holter2sleep.audit.fix import SIDECAR_SUFFIX, FixReport, write_fixed
from holter2sleep.audit.steps import step_mv
from holter2sleep.errors import Holter2SleepError, RecordingError, UsageError
from holter2sleep.io import read_recording
from holter2sleep.io.edf_annotations import read_edf_annotations, record_onsets
from holter2sleep.io.edf_header import read_edf_header
from holter2sleep.io.edf_samples import digital_samples
from holter2sleep.io.export import write_edf, write_wfdb
from holter2sleep.io.vocabulary import is_known_label
from holter2sleep.night import Recording, Source, Subject
from holter2sleep.recipe import load_recipe
from holter2sleep.waveform import Waveform

sys.path.insert(0, str(Path(__file__).parents[1] / "io"))

from edf_bytes import FS_HZ, N_RECORDS, EdfFile, Signal, ecg_digital, plain

Counts = list[NDArray[np.int64]]

SECRET = "Zaphod_Beeblebrox"
PERSON = {
    "patient": f"HOSP4711 F 02-MAR-1960 {SECRET}",
    "recording": "Startdate 02-MAR-2020 ADMIN99 Dr_Who Box_5150 and_more",
}


def stamps(gap_s: float = 0.0, first_s: float = 0.0) -> list[str]:
    """Time stamps of the plain file, with a gap behind the eighth record."""
    return [f"+{first_s + i + (gap_s if i >= 8 else 0):.10g}" for i in range(N_RECORDS)]


def put(tmp_path: Path, file: EdfFile | bytes, name: str = "in.edf") -> Path:
    path = tmp_path / name
    path.write_bytes(file if isinstance(file, bytes) else file.tobytes())
    return path


def fixed(path: Path, identity: str = "plain", name: str = "") -> tuple[Path, FixReport]:
    out = path.with_name(name or f"fixed{path.suffix.lower()}")
    return out, write_fixed(path, out, identity, overwrite=True)  # type: ignore[arg-type]


def counts_by_edfio(path: Path) -> Counts:
    edf = (edfio.read_bdf if path.suffix == ".bdf" else edfio.read_edf)(path)
    assert edf.annotations is not None
    assert edf.patient is not None
    assert edf.recording is not None
    return [signal.digital for signal in edf.signals]


def counts_by_pyedflib(path: Path) -> Counts:
    with pyedflib.EdfReader(str(path)) as edf:
        edf.getHeader()
        edf.readAnnotations()
        return [edf.readSignal(i, digital=True) for i in range(edf.signals_in_file)]


def counts_by_us(path: Path) -> Counts:
    header = read_edf_header(path)
    kept = [s for s in header.signals if not s.is_annotation and s.samples_per_record]
    return [digital_samples(path, header, signal, 0, header.n_records) for signal in kept]


def assert_same(found: Counts, expected: Iterable[NDArray[np.int64]]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def header_text(path: Path) -> str:
    content = path.read_bytes()
    return content[: 256 * (1 + int(content[252:256]))].decode("ascii" if path.suffix == ".edf" else "latin-1")


# --- odd files -------------------------------------------------------------------------------------

ODD_FIELDS: dict[str, dict[str, str | bytes]] = {
    "records unknown": {"n_records": "-1"},
    "fewer records announced": {"n_records": "7"},
    "records blank": {"n_records": ""},
    "time with colons": {"time": "22:30:00"},
    "date with slashes": {"date": "02/03/20"},
    "date of zeros": {"date": "00.00.00"},
    "date and time are words": {"date": "Zaphod", "time": "Beeble"},
    "a year beyond two digits": {"date": "02.03.yy", "recording": "Startdate 02-MAR-2120 X X X"},
    "a year before EDF": {"date": "02.03.yy", "recording": "Startdate 02-MAR-1961 X X X"},
    "latin-1 name": {"patient": "X M 01-JAN-1960 M\xfcller".encode("latin-1")},
    "free text": {"patient": "Zaphod Beeblebrox, born long ago", "recording": "ward 5, Dr Who"},
    "blank patient and recording": {"patient": "", "recording": ""},
    "wrong header size": {"header_bytes": "1024"},
    "strange reserved field": {"reserved": "made by hand"},
    "comma in record duration": {"record_s": "1,0"},
    "zero bytes as filling": {"patient": b"X X X X".ljust(80, b"\0")},
}


def odd_files() -> dict[str, EdfFile | bytes]:
    files: dict[str, EdfFile | bytes] = {name: plain(fields=fields) for name, fields in ODD_FIELDS.items()}
    ecg, spo2 = plain().signals
    changed = {
        "comma decimals": replace(ecg, physical=("-5,0", "5,0")),
        "minimum above maximum": replace(ecg, physical=("5", "-5")),
        "no physical range": replace(ecg, physical=("0", "0")),
        "words as range": replace(ecg, physical=("low", "high")),
        "digital range turned": replace(ecg, digital_range=("32767", "-32768")),
        "digital range beyond 16 bit": replace(ecg, digital_range=("0", "65535")),
        "exponents": replace(ecg, physical=("-5e0", "+5E0")),
        "micro sign in the unit": replace(ecg, unit="\xb5V"),
        "letters outside ASCII in the label": replace(ecg, label="\xc9CG \xb5"),
        "a label that means annotations": replace(ecg, label=""),
    }
    files |= {name: replace(plain(), signals=[one, spo2]) for name, one in changed.items()}
    files["equal labels"] = replace(plain(), signals=[ecg, replace(spo2, label="ECG"), replace(spo2, label="ECG")])
    files["a signal without samples"] = replace(plain(), signals=[Signal("Empty", spo2.digital[:0], 0), ecg, spo2])
    files["cut in mid-record"] = plain().tobytes()[:-100]
    files["bytes behind the end"] = plain().tobytes() + bytes(100)
    files["EDF+D without a gap"] = plain(reserved="EDF+D", onsets=stamps())
    files["EDF+C that jitters"] = plain(reserved="EDF+C", onsets=[f"+{i + 0.004 * (i % 3)}" for i in range(N_RECORDS)])
    files["a late first stamp"] = plain(reserved="EDF+C", onsets=stamps(first_s=100.25))
    files["BDF"] = EdfFile([replace(ecg, digital=ecg.digital * 100), spo2], N_RECORDS, kind="BDF", reserved="24BIT")
    return files


@pytest.mark.parametrize("identity", ["plain", "keep", "drop"])
@pytest.mark.parametrize("name", odd_files())
def test_an_odd_file_becomes_one_that_edfio_and_pyedflib_read_alike(name: str, identity: str, tmp_path: Path) -> None:
    path = put(tmp_path, odd_files()[name], "in.bdf" if name == "BDF" else "in.edf")
    before = path.read_bytes()
    out, report = fixed(path, identity)
    truth = counts_by_us(path)
    for read in (counts_by_edfio, counts_by_us, *(() if out.read_bytes()[174:176] == b"yy" else (counts_by_pyedflib,))):
        assert_same(read(out), truth)
    assert report.format in ("EDF+C", "BDF+C")
    assert report.changes
    # an unknown start stays unknown, which the reader says
    told = "start unknown" if name == "date and time are words" else "birth date"
    assert not [note for note in read_edf_header(out).warnings if "birth date" not in note and told not in note]
    assert path.read_bytes() == before


def test_the_analysis_reads_the_same_millivolts_from_the_fixed_file(tmp_path: Path) -> None:
    for name, file in odd_files().items():
        path = put(tmp_path, file, "in.bdf" if name == "BDF" else "in.edf")
        try:
            original = read_recording(path, channel="ECG")
        except RecordingError:
            continue
        again = read_recording(fixed(path)[0], channel="ECG")
        rounded = 1e-4 if name == "digital range beyond 16 bit" else 0.0  # eight characters do not hold the new range
        np.testing.assert_allclose(again.ecg[:], original.ecg[:], rtol=0, atol=rounded, err_msg=name)
        assert (again.fs, again.duration_s) == (original.fs, original.duration_s)
        if original.start is not None:
            assert again.start == original.start


def test_a_night_gives_the_same_beats_and_stages_from_its_fixed_file(tmp_path: Path) -> None:
    file = plain(fields={"date": "02/03/20", "n_records": "-1", **PERSON})
    beat = np.exp(-((np.arange(-60, 196) / 6.0) ** 2)) * 6000
    pulses = np.concatenate([np.roll(beat, int(shift)) for shift in np.random.default_rng(2).normal(0, 6, 400)])
    pulses += np.random.default_rng(3).normal(0, 60, len(pulses))
    file = replace(file, signals=[replace(file.signals[0], digital=pulses.astype(np.int64))], n_records=400)
    path = put(tmp_path, file)
    recipe = load_recipe()
    first, second = (analyze_night(read_recording(p), recipe) for p in (path, fixed(path)[0]))
    np.testing.assert_array_equal(first.beats.time_s, second.beats.time_s)
    np.testing.assert_array_equal(first.hypnogram.stage, second.hypnogram.stage)
    assert len(first.beats) > 300
    assert first.recording.subject == second.recording.subject == Subject(60.0, "F")


# --- time line -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["EDF", "BDF"])
def test_gaps_stay_gaps_and_stamps_stay_as_they_are(kind: str, tmp_path: Path) -> None:
    onsets = [f"+{i + (7.25 if i >= 8 else 0) + 0.0003 * (i % 2):.4f}" for i in range(N_RECORDS)]
    notes = {0: "+2.5\x1530\x14Sleep stage W\x14\x00", 9: "+16.5\x14Lights off\x14\x00"}
    path = put(tmp_path, plain(kind=kind, reserved=f"{kind}+D", onsets=onsets, notes=notes), f"in.{kind.lower()}")
    out, report = fixed(path)
    assert report.format == f"{kind}+D"
    np.testing.assert_array_equal(record_onsets(out, read_edf_header(out)), [float(onset) for onset in onsets])
    assert read_edf_annotations(out) == [(2.5, 30.0, "Sleep stage W"), (16.5, None, "Lights off")]
    assert_same(counts_by_edfio(out), counts_by_us(path))
    np.testing.assert_array_equal(read_recording(out).gaps, read_recording(path).gaps)


def test_edf_c_whose_stamps_have_a_gap_becomes_edf_d(tmp_path: Path) -> None:
    onsets = [f"+{i + (3 if i >= 8 else 0) + 0.006 * (i % 2):.3f}" for i in range(N_RECORDS)]
    path = put(tmp_path, plain(reserved="EDF+C", onsets=onsets))
    out, report = fixed(path)
    assert report.format == "EDF+D"
    original, again = read_recording(path), read_recording(out)
    np.testing.assert_array_equal(again.ecg[:], original.ecg[:])
    np.testing.assert_array_equal(again.gaps, original.gaps)


def test_a_first_stamp_of_more_than_a_second_moves_the_start_and_keeps_the_fraction(tmp_path: Path) -> None:
    notes = {3: "+104.75\x14Lights off\x14\x00"}
    path = put(tmp_path, plain(reserved="EDF+C", onsets=stamps(first_s=100.25), notes=notes))
    out, _ = fixed(path)
    assert edfio.read_edf(out).startdatetime == datetime(2020, 3, 2, 22, 31, 40, 250_000)
    assert read_recording(out).start == read_recording(path).start
    assert read_edf_annotations(out) == [(4.5, None, "Lights off")]


@pytest.mark.parametrize("dialect", ["EDF+C", "EDF+D"])
def test_records_that_overlap_or_go_back_are_refused_in_one_line(dialect: str, tmp_path: Path) -> None:
    path = put(tmp_path, plain(reserved=dialect, onsets=stamps(gap_s=-0.5)))
    with pytest.raises(RecordingError, match=r"^in\.edf: data record 9 starts 0\.500 s before record 8 ends") as caught:
        fixed(path)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["in.edf"]


def test_missing_stamps_are_written(tmp_path: Path) -> None:
    onsets = stamps(gap_s=5)
    onsets[12] = "?"
    out, report = fixed(put(tmp_path, plain(reserved="EDF+D", onsets=onsets)))
    assert "1 missing" in [change.before for change in report.changes]
    assert record_onsets(out, read_edf_header(out))[12] == 17.0


# --- ranges ----------------------------------------------------------------------------------------


def test_a_channel_without_a_scale_gets_a_neutral_range_and_keeps_its_samples(tmp_path: Path) -> None:
    file = plain()
    file.signals[1].physical = ("0", "0")
    out, report = fixed(put(tmp_path, file))
    signal = edfio.read_edf(out).signals[1]
    assert (signal.physical_min, signal.physical_max, signal.physical_dimension) == (-32768, 32767, "counts")
    np.testing.assert_array_equal(signal.digital, file.signals[1].digital)
    (change,) = [change for change in report.changes if change.field == "ranges of signal 2"]
    assert (change.before, change.after) == ("0, 0, -32768, 32767", "-32768, 32767, -32768, 32767")


def test_physical_minimum_above_maximum_is_legal_and_stays(tmp_path: Path) -> None:
    file = plain()
    file.signals[0].physical = ("5", "-5")
    signal = edfio.read_edf(fixed(put(tmp_path, file))[0]).signals[0]
    assert (signal.physical_min, signal.physical_max) == (5, -5)


def test_labels_become_unique_in_sixteen_characters(tmp_path: Path) -> None:
    digital = ecg_digital(N_RECORDS * FS_HZ)
    labels = ["ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP", "ECG", "ECG 2", "ECG", ""]
    file = EdfFile([Signal(label, digital, FS_HZ) for label in labels], N_RECORDS)
    out, _ = fixed(put(tmp_path, file))
    expected = ("ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMN 2", "ECG", "ECG 2", "ECG 3", "Signal 6")
    assert edfio.read_edf(out).labels == expected


# --- the person ------------------------------------------------------------------------------------


def test_by_default_sex_age_and_date_stay_and_the_person_goes(tmp_path: Path) -> None:
    notes = {2: "+2\x14patient talks\x14\x00"}
    out, report = fixed(put(tmp_path, plain(fields=PERSON, reserved="EDF+C", onsets=stamps(), notes=notes)))
    text = header_text(out)
    assert text[8:88].rstrip() == "X F 01-JAN-1960 X"
    assert text[88:168].rstrip() == "Startdate 02-MAR-2020 X X X"
    assert read_recording(out).subject == Subject(60.0, "F")
    assert [note[2] for note in read_edf_annotations(out)] == ["patient talks"]
    befores = {change.field: change.before for change in report.changes}
    assert befores["patient field"] == "held an id, a birth date, a name"
    assert befores["recording field"] == "held code, technician, equipment or other free text"


def test_an_age_before_the_birthday_survives(tmp_path: Path) -> None:
    path = put(tmp_path, plain(fields={"patient": "X M 03-MAR-1960 X"}))
    out, _ = fixed(path)
    assert read_recording(path).subject == read_recording(out).subject == Subject(59.0, "M")


def test_all_valid_subfields_are_kept_when_asked_and_made_legal(tmp_path: Path) -> None:
    fields = {**PERSON, "patient": "HOSP4711 f 02-mar-1960 Z\xe4phod extra".encode("latin-1")}
    text = header_text(fixed(put(tmp_path, plain(fields=fields)), "keep")[0])
    assert text[8:88].rstrip() == "HOSP4711 F 02-MAR-1960 Zaphod extra"
    assert text[88:168].rstrip() == PERSON["recording"]
    free = {"patient": "Zaphod Beeblebrox", "recording": "ward 5"}
    text = header_text(fixed(put(tmp_path, plain(fields=free)), "keep")[0])
    assert text[8:88].rstrip() == "X X X X Zaphod Beeblebrox"
    assert text[88:168].rstrip() == "Startdate 02-MAR-2020 X X X ward 5"


def test_de_identified_nothing_of_the_person_or_the_date_is_left(tmp_path: Path) -> None:
    notes = {0: "+0\x14Lights off\x14\x00", 2: f"+2\x1530\x14{SECRET}\x14\x00", 5: "+5\x14Sleep stage N2\x14\x00"}
    file = plain(fields=PERSON, reserved="EDF+C", onsets=stamps(first_s=0.5), notes=notes)
    file.signals[1].label = SECRET[:16]
    path = put(tmp_path, file, f"{SECRET}.edf")
    out, report = fixed(path, "drop", "out.edf")
    text = header_text(out)
    assert text[8:88].rstrip() == "X F X X"
    assert text[88:168].rstrip() == "Startdate X X X X"
    assert text[168:184] == "01.01.8522.30.00"
    assert [note[2] for note in read_edf_annotations(out)] == ["Lights off", "annotation", "Sleep stage N2"]
    assert read_edf_annotations(out)[1][:2] == (1.5, 30.0)
    assert report.n_annotations_replaced == 1
    everything = out.read_bytes()[:1024] + b"".join(p.read_bytes() for p in tmp_path.glob("*.json"))
    for word in ("Zaphod", "Beeble", "HOSP", "ADMIN", "Who", "5150", "1960", "2020", "MAR"):
        assert word.encode() not in everything, word
    assert read_recording(out).start == datetime(1985, 1, 1, 22, 30, 0, 500_000)
    assert counts_by_pyedflib(out)


def test_the_changes_never_quote_what_stood_in_a_field_of_the_wrong_kind(tmp_path: Path) -> None:
    words = {"date": "Zaphod", "time": "Beeble", "n_records": "Zaphod", "header_bytes": "Beeble", "reserved": "Zaphod"}
    file = plain(fields=words)
    file.signals[0].physical = ("Zaphod", "Beeble")
    file.signals[0].unit, file.signals[1].label = "\xe9Zaphod", "\xe9Beeble"
    _, report = fixed(put(tmp_path, file))
    befores = " ".join(f"{change.before} {change.why}" for change in report.changes)
    assert "Zaphod" not in befores
    assert "Beeble" not in befores


def test_transducers_and_filters_that_are_no_filters_go_when_de_identified(tmp_path: Path) -> None:
    content = bytearray(plain().tobytes())
    first_transducer, first_prefilter = 256 + 2 * 16, 256 + 2 * (16 + 80 + 5 * 8)
    content[first_transducer : first_transducer + 14] = b"Box 5150 Z\xe9ro "
    content[first_prefilter : first_prefilter + 22] = b"HP:0.1Hz LP:75Hz N:50 "
    content[first_prefilter + 80 : first_prefilter + 86] = b"Zaphod"
    path = put(tmp_path, bytes(content))
    kept = edfio.read_edf(fixed(path)[0]).signals
    assert (kept[0].transducer_type, kept[0].prefiltering) == ("Box 5150 Zero", "HP:0.1Hz LP:75Hz N:50")
    dropped = edfio.read_edf(fixed(path, "drop")[0]).signals
    assert (dropped[0].transducer_type, dropped[0].prefiltering) == ("", "HP:0.1Hz LP:75Hz N:50")
    assert dropped[1].prefiltering == ""


def test_usual_labels_are_known_and_names_are_not() -> None:
    usual = [
        "EEG C3-A2",
        "EOG LOC-A2",
        "EMG Chin",
        "ECG L",
        "EKG1-EKG2",
        "MLII",
        "V5",
        "SaO2",
        "Resp nasal",
        "Thor RES",
    ]
    assert [label for label in usual if not is_known_label(label)] == ["Thor RES"]
    assert not any(is_known_label(label) for label in ("ECG Smith", "Zaphod", "EEG C3 Li", ""))


# --- files -----------------------------------------------------------------------------------------


def test_the_sidecar_lists_every_change_and_names_the_input(tmp_path: Path) -> None:
    path = put(tmp_path, plain(fields={"time": "22:30:00"}))
    _, report = fixed(path)
    told = json.loads((tmp_path / f"fixed.edf{SIDECAR_SUFFIX}").read_text())
    assert told["input"] == {"file": "in.edf", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert {"field": "start time", "before": "22:30:00", "after": "22.30.00", "why": "hh.mm.ss"} in told["changes"]
    assert len(told["changes"]) == len(report.changes)
    assert (told["output"]["format"], told["identity"]) == ("EDF+C", "plain")
    assert json.loads(fixed(path, "drop")[1].as_json())["input"]["file"] is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fixed.edf", f"fixed.edf{SIDECAR_SUFFIX}", "in.edf"]


def test_a_fixed_file_has_nothing_left_to_fix(tmp_path: Path) -> None:
    for name, file in odd_files().items():
        suffix = "bdf" if name == "BDF" else "edf"
        out, _ = fixed(put(tmp_path, file, f"in.{suffix}"))
        again, report = fixed(out, name=f"again.{suffix}")
        assert (report.changes, again.read_bytes()) == ((), out.read_bytes()), name


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    path = put(tmp_path, plain())
    (tmp_path / "link.edf").symlink_to(path)
    (tmp_path / "hard.edf").hardlink_to(path)
    for name in ("in.edf", "link.edf", "hard.edf"):
        with pytest.raises(UsageError, match=rf"{name}: is the input itself"):
            write_fixed(path, tmp_path / name, overwrite=True)
    assert path.read_bytes() == plain().tobytes()


def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path, out = put(tmp_path, plain()), tmp_path / "out.edf"
    out.write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"out\.edf: is there already"):
        write_fixed(path, out)
    assert out.read_bytes() == b"mine"
    write_fixed(path, out, overwrite=True)
    assert out.read_bytes()[:8] == b"0       "


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/out.edf", "folder it should go to does not exist"),
        ("out.bdf", "what is written is EDF; name it out.edf"),
        ("out", "name it out.edf"),
        ("folder.edf", "is a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused(name: str, message: str, tmp_path: Path) -> None:
    path = put(tmp_path, plain())
    (tmp_path / "folder.edf").mkdir()
    with pytest.raises(UsageError, match=message):
        write_fixed(path, tmp_path / name)


def test_bdf_stays_bdf(tmp_path: Path) -> None:
    path = put(tmp_path, plain(kind="BDF"), "in.bdf")
    with pytest.raises(UsageError, match=r"BDF stays BDF.* name it out\.bdf"):
        write_fixed(path, tmp_path / "out.edf")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_closed_disk_leaves_no_file_behind(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, plain())

    class Full(io.FileIO):
        def writelines(self, blocks: Iterable[bytes]) -> None:  # type: ignore[override]
            for content in blocks:
                self.write(content)
                if self.tell() > 2000:
                    raise OSError(code, "No space left on device")

    read = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode="r", **how: (Full if mode == "wb" else read)(path, mode, **how))
    with pytest.raises(UsageError, match=r"out\.edf: cannot be written \(No space left on device\)"):
        write_fixed(path, tmp_path / "out.edf")
    assert [p.name for p in tmp_path.iterdir()] == ["in.edf"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (plain().header(), "holds no data record"),
        (plain(fields={"record_s": "0"}).tobytes(), "data records of 0 s"),
        (EdfFile([], 2, "0", reserved="EDF+C", onsets=["+0", "+0"]).tobytes(), "annotations only"),
        (plain().tobytes()[:200], "not a complete EDF"),
        (b"nothing of the kind", "not a complete EDF"),
        (b"", "empty"),
    ],
)
def test_what_cannot_be_fixed_is_refused_by_name(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(Holter2SleepError, match=rf"^in\.edf: .*{message}"):
        fixed(put(tmp_path, content))
    assert [p.name for p in tmp_path.iterdir()] == ["in.edf"]


def test_the_blocks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, plain(reserved="EDF+D", onsets=stamps(gap_s=4)))
    whole = fixed(path)[0].read_bytes()
    monkeypatch.setattr(fix, "_BLOCK_BYTES", 1500)
    assert fixed(path)[0].read_bytes() == whole


# --- other formats ---------------------------------------------------------------------------------


def lead(counts: NDArray[np.int64], step_mv: float) -> Recording:
    ecg = (counts * step_mv).astype(np.float32)
    facts = {"start": datetime(2020, 3, 2, 22, 30), "subject": Subject(93.0, "F"), "channel": "ECG"}
    return Recording("in", Source("in.hea", "WFDB", ""), len(ecg) / 200, 200.0, ecg=ecg, **facts)  # type: ignore[arg-type]


def test_the_lead_of_a_wfdb_record_keeps_its_counts(tmp_path: Path) -> None:
    counts = np.random.default_rng(3).integers(-2000, 2000, 200 * 60)
    write_wfdb(tmp_path / "in.hea", lead(counts, 0.0002))
    out, report = fixed(tmp_path / "in.hea", name="out.edf")
    np.testing.assert_array_equal(counts_by_pyedflib(out)[0], counts)
    assert "the same counts" in [change.after for change in report.changes]
    np.testing.assert_allclose(read_recording(out).ecg[:], read_recording(tmp_path / "in.hea").ecg[:], rtol=3e-7)
    assert read_recording(out).subject == Subject(93.0, "F")
    with pytest.raises(UsageError, match=r"name it out\.edf"):
        write_fixed(tmp_path / "in.hea", tmp_path / "out.hea")


def test_a_de_identified_lead_has_no_date_and_no_age(tmp_path: Path) -> None:
    write_wfdb(tmp_path / "in.hea", lead(np.arange(4000) % 300, 0.005))
    again = read_recording(fixed(tmp_path / "in.hea", "drop", "out.edf")[0])
    assert (again.start, again.subject) == (datetime(1985, 1, 1, 22, 30), Subject(None, "F"))


def test_values_without_a_step_are_rounded_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert step_mv(Waveform.of(np.zeros(5000))) is None
    assert step_mv(Waveform.of(np.full(5000, np.nan))) is None
    values = np.random.default_rng(4).normal(size=4000).astype(np.float32)
    assert step_mv(Waveform.of(values)) is None
    monkeypatch.setattr(fix, "read_recording", lambda _: lead(np.zeros(4000), 1.0).but(ecg=Waveform.of(values)))
    out, report = fixed(put(tmp_path, b"0.1,0.2", "in.csv"), name="out.edf")
    assert "rounded" in [change.after for change in report.changes]
    np.testing.assert_allclose(read_recording(out).ecg[:], values, atol=0.00011)


@pytest.mark.parametrize("offset", [0, 5000])
@pytest.mark.parametrize("step", [0.005, 1 / 1027.3, 4.878e-3, 0.0001])
def test_the_step_of_any_digitised_lead_is_found(step: float, offset: int) -> None:
    wave = np.rint(3000 * np.sin(np.arange(20_000) / 30) + offset) * step
    found = step_mv(Waveform.of(wave))
    assert found is not None
    assert found[0] == pytest.approx(step, rel=1e-6)


def test_beats_without_waveform_cannot_be_fixed(tmp_path: Path) -> None:
    path = put(tmp_path, b"time_s\n" + b"\n".join(b"%d.5" % i for i in range(400)), "in.csv")
    with pytest.raises(RecordingError, match="beats without waveform"):
        fixed(path, name="out.edf")


# --- real files ------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_every_sample_file_with_signals_is_fixed_and_read_by_three_readers(shared_data: Path, tmp_path: Path) -> None:
    files = [p for p in sorted((shared_data / "reader_samples").rglob("*")) if p.suffix.lower() in (".edf", ".bdf")]
    refused = []
    for path in files:
        out = tmp_path / f"out{path.suffix.lower()}"
        try:
            write_fixed(path, out, overwrite=True)
        except RecordingError as error:
            refused.append(re.sub(r"\. What.*", "", str(error).partition(": ")[2]))
            continue
        truth = counts_by_us(path)
        for read in (counts_by_edfio, counts_by_pyedflib, counts_by_us):
            assert_same(read(out), truth)
        assert not read_edf_header(out).warnings
        assert [note[2] for note in read_edf_annotations(out)] == [note[2] for note in read_edf_annotations(path)]
    assert set(refused) == {"annotations only, no signal", "the file holds no data record"}
    assert len(files) - len(refused) >= 25


def test_a_recording_of_ours_needs_no_change(tmp_path: Path) -> None:
    write_edf(tmp_path / "in.edf", lead(np.arange(4000) % 300, 0.005))
    out, report = fixed(tmp_path / "in.edf")
    assert report.changes == ()
    assert_same(counts_by_edfio(out), counts_by_us(tmp_path / "in.edf"))
