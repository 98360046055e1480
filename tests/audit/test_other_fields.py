"""Fields of WFDB and ISHNE headers that leave their standards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holter2sleep.audit.findings import Finding
from holter2sleep.audit.ishne_fields import ishne_field_findings, read_raw_ishne
from holter2sleep.audit.wfdb_fields import checksum_finding, read_raw_wfdb, wfdb_field_findings
from tests.io.test_ishne import RAMP, ishne_bytes

GOOD = "night 2 250 1000 22:30:00 01/02/2020\nnight.dat 16 200/mV 16 0 0 0 0 ECG\nnight.dat 16 100/l 16 0 0 0 0 Resp\n"


def wfdb(tmp_path: Path, header: str, n_bytes: int | None = 4000) -> set[str]:
    path = tmp_path / "night.hea"
    path.write_text(header)
    if n_bytes is not None:
        (tmp_path / "night.dat").write_bytes(b"\0" * n_bytes)
    return {finding.id for finding in wfdb_field_findings(path, read_raw_wfdb(path))}


def test_a_wfdb_header_by_the_standard_has_no_finding(tmp_path: Path) -> None:
    assert wfdb(tmp_path, GOOD) == set()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("22:30:00 01/02/2020", "22:30:00 2020-02-01", "wfdb_iso_date"),
        ("22:30:00", "half-past-ten", "wfdb_clock"),
        ("200/mV", "0", "wfdb_no_gain"),
        ("200/mV", "-200/mV", "wfdb_negative_gain"),
        (" ECG", "", "field_label"),
        ("Resp", "ECG", "field_label_twice"),
        (" 1000 22:30:00 01/02/2020", "", "wfdb_no_length"),
        (" 1000 ", " 1500 ", "wfdb_size"),
    ],
)
def test_a_wfdb_field_outside_the_standard_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert wfdb(tmp_path, GOOD.replace(old, new)) == {expected}


def test_a_record_line_without_rate_and_a_missing_file_are_named(tmp_path: Path) -> None:
    header = GOOD.replace(" 250 1000 22:30:00 01/02/2020", "")
    assert wfdb(tmp_path, header, None) == {"wfdb_no_rate", "wfdb_no_length", "signal_file_missing"}


def test_a_signal_file_of_twelve_bits_has_three_bytes_for_two_samples(tmp_path: Path) -> None:
    header = GOOD.replace("night.dat 16", "night.dat 212")
    assert wfdb(tmp_path, header, 3000) == set()
    assert wfdb(tmp_path, header, 2000) == {"wfdb_size"}


def test_the_checksum_is_the_sum_of_the_samples_modulo_65536(tmp_path: Path) -> None:
    counts = np.array([30_000, 30_000, 10_000, -5])
    path = tmp_path / "night.hea"
    path.write_text(f"night 1 250 4\nnight.dat 16 200/mV 16 0 0 {69_995 - 65_536} 0 ECG\n")
    signal = read_raw_wfdb(path).signals[0]
    millivolt = (counts / 200).astype(np.float32)
    assert checksum_finding(signal, millivolt, 1.0) is None
    wrong = checksum_finding(signal, millivolt + np.float32(0.005), 1.0)
    assert wrong is not None
    assert wrong.id == "wfdb_checksum"


@pytest.mark.parametrize(
    ("checksums", "first", "expected"),
    [((0, 0), 30_000, "info"), ((0, 0), 0, "info"), ((0, 0), 7, "info"), ((0, 5), 30_000, "warning")],
)
def test_checksums_of_0_throughout_were_never_written(
    tmp_path: Path, checksums: tuple[int, int], first: int, expected: str
) -> None:
    lines = [f"night.dat 16 200/mV 16 0 {first} {checksum} 0 ECG{i}" for i, checksum in enumerate(checksums)]
    path = tmp_path / "night.hea"
    path.write_text("\n".join(["night 2 250 4", *lines]) + "\n")
    raw = read_raw_wfdb(path)
    millivolt = (np.array([30_000, 30_000, 10_000, -5]) / 200).astype(np.float32)
    found = checksum_finding(raw.signals[0], millivolt, 1.0, raw.has_checksums)
    assert found is not None
    assert found.severity == expected
    assert ("first sample" in found.found) == (first == 7)
    assert checksum_finding(raw.signals[0], millivolt[:0], 1.0, raw.has_checksums) is None


# --- ISHNE -----------------------------------------------------------------------------------------


def ishne(tmp_path: Path, content: bytes) -> list[Finding]:
    path = tmp_path / "night.ecg"
    path.write_bytes(content)
    raw = read_raw_ishne(path)
    assert raw is not None
    return ishne_field_findings(raw)


def test_an_ishne_file_by_the_standard_has_no_finding(tmp_path: Path) -> None:
    assert ishne(tmp_path, ishne_bytes(RAMP, variable=b"comment")) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"crc": 0}, "ishne_crc"),
        ({"crc": 77}, "ishne_crc"),
        ({"n_announced": 123}, "ishne_count"),
        ({"ecg_offset": 500}, "ishne_offset"),
        ({"sex": 7}, "ishne_fields"),
        ({"recorded": (31, 2, 2008)}, "ishne_fields"),
        ({"clock": (25, 0, 0)}, "ishne_fields"),
        ({"resolution_nv": 0}, "ishne_fields"),
        ({"fs": 0}, "ishne_fields"),
        ({"leads": (77,)}, "ishne_fields"),
    ],
)
def test_an_ishne_field_outside_the_standard_is_named(
    tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    assert {finding.id for finding in ishne(tmp_path, ishne_bytes(RAMP, **changes))} == {expected}  # type: ignore[arg-type]


def test_an_ishne_file_cut_within_a_sample_is_truncated(tmp_path: Path) -> None:
    found = {finding.id for finding in ishne(tmp_path, ishne_bytes(RAMP)[:-1])}
    assert found == {"truncated", "ishne_count"}


@pytest.mark.parametrize("content", [b"", b"ISHNE1.0", b"ANN  1.0" + bytes(600)])
def test_what_is_no_ishne_recording_has_no_fields(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ecg"
    path.write_bytes(content)
    assert read_raw_ishne(path) is None


@pytest.mark.realdata
def test_the_one_real_ishne_file_has_a_wrong_count_and_no_checksum(shared_data: Path) -> None:
    raw = read_raw_ishne(shared_data / "hrv_reference/MarcusVollmer_HRV/1-300m.ecg")
    assert raw is not None
    assert [finding.id for finding in ishne_field_findings(raw)] == ["ishne_crc", "ishne_count"]
    assert raw.n_samples == 300_000
