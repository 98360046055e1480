"""Each field of an EDF header that leaves the standard is named by its id, and no other is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holter2sleep.audit.edf_fields import edf_field_findings, read_raw_header
from holter2sleep.audit.findings import Finding
from tests.io.edf_bytes import FS_HZ, N_RECORDS, EdfFile, Signal, ecg_digital, plain

PLUS = {"patient": "MCH-0234567 F 02-MAY-1951 Haagse_Harry", "recording": "Startdate 02-MAR-2020 EMG561 BK/JOP Sony"}
STAMPS = [f"+{i}" for i in range(N_RECORDS)]


def found_in(tmp_path: Path, content: bytes) -> list[Finding]:
    path = tmp_path / "night.edf"
    path.write_bytes(content)
    raw = read_raw_header(path)
    assert raw is not None
    return edf_field_findings(raw)


def ids(tmp_path: Path, file: EdfFile) -> set[str]:
    return {finding.id for finding in found_in(tmp_path, file.tobytes())}


def ecg(**changes: object) -> Signal:
    usual: dict[str, object] = {"label": "ECG", "digital": ecg_digital(FS_HZ * N_RECORDS), "samples_per_record": FS_HZ}
    return Signal(**(usual | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "file",
    [
        plain(),
        plain(reserved="EDF+C", onsets=STAMPS, fields=PLUS),
        plain(reserved="EDF+D", onsets=STAMPS, fields=PLUS | {"patient": "X X X X", "recording": "Startdate X X X X"}),
        plain(kind="BDF", reserved="24BIT"),
    ],
    ids=["EDF", "EDF+C", "EDF+D anonymous", "BDF"],
)
def test_a_file_by_the_standard_has_no_finding(tmp_path: Path, file: EdfFile) -> None:
    if file.kind == "BDF":
        for signal in file.signals:
            signal.digital_range = ("-8388608", "8388607")
    assert ids(tmp_path, file) == set()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"patient": "Müller".encode()}, "field_not_ascii"),
        ({"patient": "M\xfcller"}, "field_not_ascii"),
        ({"patient": b"tab\there"}, "field_not_ascii"),
        ({"recording": "   pushed right"}, "field_padding"),
        ({"recording": b"zeros".ljust(80, b"\0")}, "field_padding"),
        ({"date": "01/02/26"}, "field_date"),
        ({"date": "00.00.00"}, "field_date"),
        ({"date": ""}, "field_date"),
        ({"time": "22:30:00"}, "field_time"),
        ({"time": "25.00.00"}, "field_time"),
        ({"header_bytes": "512"}, "header_bytes"),
        ({"reserved": "made by us"}, "field_reserved"),
        ({"record_s": "-1"}, "field_record_duration"),
        ({"record_s": "0"}, "field_record_duration"),
        ({"n_records": "20,0"}, "field_number"),
        ({"n_records": "many"}, "field_number"),
        ({"n_signals": "0"}, "field_n_signals"),
        ({"n_signals": "9999"}, "field_n_signals"),
        ({"recording": "Startdate 03-MAR-2020 X X X"}, "start_disagrees"),
    ],
)
def test_a_field_outside_the_standard_is_named(tmp_path: Path, fields: dict[str, str | bytes], expected: str) -> None:
    assert ids(tmp_path, plain(fields=fields)) - {"field_number"} == {expected} - {"field_number"}
    assert expected in ids(tmp_path, plain(fields=fields))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"label": ""}, "field_label"),
        ({"physical": ("-5,0", "5,0")}, "field_number"),
        ({"physical": ("5", "5")}, "field_physical_range"),
        ({"physical": ("5", "-5")}, "field_inverted_range"),
        ({"digital_range": ("7", "7")}, "field_digital_range"),
        ({"digital_range": ("32767", "-32768")}, "field_digital_range"),
        ({"digital_range": ("-40000", "32767")}, "field_digital_range"),
        ({"unit": "counts"}, "field_unit"),
        ({"unit": ""}, "field_unit"),
    ],
)
def test_a_signal_outside_the_standard_is_named(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    assert ids(tmp_path, EdfFile([ecg(**changes)], N_RECORDS)) == {expected}


def test_equal_labels_are_told_and_annotation_signals_may_share_theirs(tmp_path: Path) -> None:
    assert ids(tmp_path, EdfFile([ecg(), ecg()], N_RECORDS)) == {"field_label_twice"}


def test_a_data_record_above_the_limit_of_edf_is_told(tmp_path: Path) -> None:
    n = 61440 // 2 + 1
    assert ids(tmp_path, EdfFile([ecg(digital=ecg_digital(n), samples_per_record=n)], 1)) == {"record_size"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"patient": "Harry Haagse"}, "edfplus_patient"),
        ({"patient": "X female 02-MAY-1951 X"}, "edfplus_patient"),
        ({"patient": "X F 1951-05-02 X"}, "edfplus_patient"),
        ({"recording": "hello"}, "edfplus_recording"),
        ({"recording": "Startdate 02-MAR-2020"}, "edfplus_recording"),
        ({"recording": "Startdate 02.03.2020 X X X"}, "edfplus_recording"),
    ],
)
def test_subfields_of_edf_plus_are_checked(tmp_path: Path, fields: dict[str, str | bytes], expected: str) -> None:
    assert ids(tmp_path, plain(reserved="EDF+C", onsets=STAMPS, fields=PLUS | fields)) == {expected}
    assert expected not in ids(tmp_path, plain(fields=fields)), "plain EDF has no subfields"


def test_edf_plus_needs_an_annotation_signal(tmp_path: Path) -> None:
    assert ids(tmp_path, plain(reserved="EDF+C", fields=PLUS)) == {"edfplus_no_annotations"}


def test_an_annotation_signal_in_lower_case_is_named_and_taken_for_one(tmp_path: Path) -> None:
    file = plain(reserved="EDF+C", onsets=STAMPS, fields=PLUS)
    content = file.tobytes().replace(b"EDF Annotations", b"EDF annotations")
    assert {finding.id for finding in found_in(tmp_path, content)} == {"edfplus_annotation_label"}


def test_no_finding_shows_what_the_patient_and_recording_fields_hold(tmp_path: Path) -> None:
    secret = {"patient": "SECRET Sécret 1/2/1950 Geheim Zusatz", "recording": "Startdate ??? SECRET Geheim Zusatz"}
    for file in (plain(fields=secret), plain(reserved="EDF+C", onsets=STAMPS, fields=secret)):
        told = " ".join(finding.found for finding in found_in(tmp_path, file.tobytes()))
        assert told
        assert not {word for word in ("SECRET", "Sécret", "1950", "Geheim", "Zusatz") if word in told}


def test_random_headers_never_break_the_check(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    good = plain(reserved="EDF+C", onsets=STAMPS).tobytes()
    for _ in range(200):
        content = bytearray(good)
        for at in rng.integers(8, 1024, 12):
            content[at] = rng.integers(0, 256)
        found_in(tmp_path, bytes(content))
