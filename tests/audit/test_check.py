"""A whole audit: each point a file can break is found under its id, and the verdict is that of analyze."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from holter2sleep.audit.check import AuditOptions, audit_file
from holter2sleep.audit.facts import Audit
from holter2sleep.audit.findings import KINDS, SEVERITIES, TOPICS, finding, worst
from holter2sleep.audit.table import as_csv, row_of
from holter2sleep.audit.text import as_text, kinds_as_text
from holter2sleep.io.export import write_edf, write_wfdb
from holter2sleep.profiles import load_profile
from tests.io.edf_bytes import FS_HZ, N_RECORDS, EdfFile, Signal, plain
from tests.io.test_ishne import ishne_bytes
from tests.made_nights import RECIPE, simulated

STAMPS = [f"+{i}" for i in range(N_RECORDS)]


def audited(path: Path, **options: object) -> Audit:
    return audit_file(path, AuditOptions(**options), RECIPE)  # type: ignore[arg-type]


def written(tmp_path: Path, content: bytes, name: str = "night.edf") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def ids(audit: Audit) -> set[str]:
    return {found.id for found in audit.findings}


@pytest.fixture(scope="module")
def night_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of a synthetic night as EDF+."""
    path = tmp_path_factory.mktemp("night") / "night.edf"
    write_edf(path, simulated("clean", hours=0.5).recording)
    return path


def night_digital(n_records: int, scale: float = 6553.5) -> np.ndarray:
    """A clean lead in counts of a range of -5 to 5 mV, `n_records` seconds at 256 Hz."""
    ecg = np.asarray(simulated("clean", hours=0.5).recording.ecg[: n_records * FS_HZ])
    return np.round(np.nan_to_num(ecg) * scale).astype(np.int64)


def minutes(n_records: int = 300, **changes: object) -> EdfFile:
    signal = {key: changes.pop(key) for key in ("unit", "physical", "label") if key in changes}
    ecg = Signal(**({"label": "ECG", "digital": night_digital(n_records), "samples_per_record": FS_HZ} | signal))  # type: ignore[arg-type]
    return EdfFile([ecg], n_records, **changes)  # type: ignore[arg-type]


# --- the table of findings -------------------------------------------------------------------------


def test_every_kind_of_finding_has_a_topic_a_severity_a_meaning_and_a_consequence() -> None:
    for name, kind in KINDS.items():
        assert kind.topic in TOPICS, name
        assert kind.severity in SEVERITIES, name
        assert kind.means, name
        assert kind.does, name
    assert {kind.topic for kind in KINDS.values()} == set(TOPICS)


def test_an_unknown_id_is_our_mistake_and_named() -> None:
    with pytest.raises(ValueError, match="did you mean 'gaps'"):
        finding("gap", "x")
    assert worst((finding("gaps", "x"), finding("zone_unknown", "x"))) == "warning"
    assert worst(()) == "info"


def test_the_list_of_ids_is_complete() -> None:
    listed = kinds_as_text()
    assert all(f"{name} (" in listed for name in KINDS)


# --- verdict ---------------------------------------------------------------------------------------


def test_a_clean_night_can_be_analysed_and_raises_no_warning_but_of_identity(night_file: Path) -> None:
    audit = audited(night_file)
    assert audit.exit_code == 0
    assert "30 min of 30 min can be analysed" in audit.verdict
    assert {found.id for found in audit.findings if found.severity != "info"} <= {"identity"}
    assert audit.container.format == "EDF+C"
    assert audit.container.strict_reader_opens is True
    assert audit.clock.duration_s == 1800.0
    assert audit.scale.r_mv == pytest.approx(1.1, abs=0.3)


@pytest.mark.parametrize(("n_records", "code", "expected"), [(60, 4, "not_enough_signal"), (180, 0, "little_signal")])
def test_too_little_signal_is_counted_as_analyze_counts_it(
    tmp_path: Path, n_records: int, code: int, expected: str
) -> None:
    audit = audited(written(tmp_path, minutes(n_records).tobytes()))
    assert audit.exit_code == code
    assert expected in ids(audit)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.edf"),
        (b"\0" * 5000, "zeros.edf"),
        (b"0       " + b"\xff" * 600, "random.edf"),
        (plain(fields={"n_signals": "9999"}).tobytes(), "signals.edf"),
        (plain(fields={"record_s": "nan"}).tobytes(), "duration.edf"),
        (plain().header(), "header only.edf"),
        (plain().tobytes()[:300], "cut.edf"),
        (b"ISHNE1.0", "cut.ecg"),
        (b"no header\n", "text.hea"),
        (b"night 1 250 1000\nnight.dat 16 200 16 0 0 0 0 ECG\n", "no signal file.hea"),
        (b"PK\x03\x04 zip", "zip.edf"),
        (b"hello, world", "note.txt"),
        (b"\xff\xfe\x00", "bad.csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_file_ends_with_code_3_and_an_error_not_with_a_traceback(
    tmp_path: Path, content: bytes, name: str
) -> None:
    audit = audited(written(tmp_path, content, name))
    assert audit.exit_code == 3
    assert worst(audit.findings) == "error"
    assert "check_failed" not in ids(audit)
    assert str(tmp_path) not in json.dumps(audit.as_json())
    assert as_text(audit)


def test_a_missing_path_is_wrong_use(tmp_path: Path) -> None:
    audit = audited(tmp_path / "nobody.edf")
    assert (audit.exit_code, ids(audit)) == (2, {"missing_path"})


def test_mutated_headers_never_break_an_audit(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    good = plain(reserved="EDF+C", onsets=STAMPS).tobytes()
    for i in range(40):
        content = bytearray(good)
        for at in rng.integers(160, 1024, 6):
            content[at] = rng.choice(np.frombuffer(b" 0919-.,+eEX\x00\xff", np.uint8))
        audit = audited(written(tmp_path, bytes(content), f"{i}.edf"))
        assert audit.exit_code in (0, 3, 4)
        assert "check_failed" not in ids(audit), [found.found for found in audit.findings]


# --- container and fields --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected", "code"),
    [
        (minutes(fields={"n_records": "-1"}).tobytes(), "records_unknown", 0),
        (minutes(fields={"n_records": "299"}).tobytes(), "records_announced", 0),
        (minutes().tobytes() + b"x" * 100, "trailing_bytes", 0),
        (minutes().tobytes()[:-100], "truncated", 0),
        (minutes(fields={"header_bytes": "1"}).tobytes(), "header_bytes", 0),
        (minutes(fields={"time": "22:30:00"}).tobytes(), "strict_reader", 0),
        (minutes(fields={"date": "xx"}).tobytes(), "field_date", 0),
    ],
)
def test_a_bent_file_is_read_and_the_bend_is_told(tmp_path: Path, content: bytes, expected: str, code: int) -> None:
    audit = audited(written(tmp_path, content))
    assert expected in ids(audit)
    assert audit.exit_code == code


def test_ishne_is_audited_like_the_others(tmp_path: Path) -> None:
    counts = (night_digital(300, 1000.0) * 1000 // 4878)[:, None]
    audit = audited(written(tmp_path, ishne_bytes(counts, fs=256, crc=0), "night.ecg"))
    assert "ishne_crc" in ids(audit)
    assert audit.exit_code == 0
    assert audit.identity == ("sex", "birth date")
    assert [channel.label for channel in audit.channels] == ["ECG II"]


def test_wfdb_checksum_is_that_of_the_samples(tmp_path: Path) -> None:
    path = tmp_path / "night.hea"
    write_wfdb(path, simulated("clean", hours=0.1).recording)
    assert "wfdb_checksum" not in ids(audited(path))
    data = bytearray((tmp_path / "night.dat").read_bytes())
    data[2000] ^= 1
    (tmp_path / "night.dat").write_bytes(bytes(data))
    assert "wfdb_checksum" in ids(audited(path))


# --- clock and continuity --------------------------------------------------------------------------


def test_gaps_of_edf_d_are_listed(tmp_path: Path) -> None:
    onsets = [f"+{i + (100 if i >= 150 else 0)}" for i in range(300)]
    audit = audited(written(tmp_path, minutes(reserved="EDF+D", onsets=onsets).tobytes()))
    assert audit.continuity.gaps == ((150.0, 250.0),)
    assert (audit.continuity.n_runs, audit.continuity.total_gap_s, audit.continuity.longest_gap_s) == (2, 100, 100)
    assert "gaps" in ids(audit)
    assert "missing_samples" not in ids(audit), "the gap is told once"
    continuous = audited(written(tmp_path, minutes(reserved="EDF+C", onsets=onsets).tobytes()))
    assert {"gaps", "gaps_in_continuous"} <= ids(continuous)


def test_overlapping_records_are_an_error_and_counted(tmp_path: Path) -> None:
    onsets = [f"+{i - (5 if i >= 150 else 0)}" for i in range(300)]
    audit = audited(written(tmp_path, minutes(reserved="EDF+D", onsets=onsets).tobytes()))
    assert audit.exit_code == 3
    assert audit.continuity.n_overlaps == 1
    assert "overlaps" in ids(audit)


@pytest.mark.parametrize(("early_s", "n_overlaps"), [(0.0, 0), (0.001, 0), (0.2, 1), (0.7, 1), (1.5, 1)])
def test_a_record_that_begins_a_little_before_the_one_before_ends_is_an_overlap(
    tmp_path: Path, early_s: float, n_overlaps: int
) -> None:
    stamps = [f"+{i - early_s * (i >= 150):g}" for i in range(300)]
    audit = audited(written(tmp_path, minutes(reserved="EDF+C", onsets=stamps).tobytes()))
    assert audit.continuity.n_overlaps == n_overlaps
    assert ("overlaps" in ids(audit)) == (audit.exit_code == 3) == bool(n_overlaps)


def test_stamps_that_run_against_the_samples_are_a_drift(tmp_path: Path) -> None:
    onsets = [f"+{i * 1.005:.4f}" for i in range(300)]
    audit = audited(written(tmp_path, minutes(reserved="EDF+C", onsets=onsets).tobytes()))
    assert audit.clock.drift_s_per_h == pytest.approx(18.0, abs=0.1)
    assert "clock_drift" in ids(audit)


@pytest.mark.parametrize(
    ("date", "expected"),
    [("01.02.86", "date_shifted"), ("01.01.85", "start_no_date"), ("01.02.84", "date_future"), ("", "start_no_date")],
)
def test_dates_that_cannot_be_true_are_told(tmp_path: Path, date: str, expected: str) -> None:
    audit = audited(written(tmp_path, minutes(fields={"date": date, "recording": ""}).tobytes()))
    assert expected in ids(audit)


def test_neither_date_nor_time_is_an_unknown_start(tmp_path: Path) -> None:
    audit = audited(written(tmp_path, minutes(fields={"date": "", "time": "", "recording": ""}).tobytes()))
    assert "start_unknown" in ids(audit)
    assert audit.clock.start is None


def test_a_night_of_clock_changes_is_told_when_the_zone_is_given(tmp_path: Path) -> None:
    night = simulated("clean", hours=0.5).recording
    path = tmp_path / "night.edf"
    write_edf(path, night.but(start=datetime(2024, 3, 31, 1, 45)))
    assert "zone_unknown" in ids(audited(path))
    audit = audited(path, tz="Europe/Berlin")
    assert "dst_night" in ids(audit)
    assert audit.clock.start == "2024-03-31T01:45:00+01:00"
    assert audit.clock.end == "2024-03-31T03:15:00+02:00"
    assert "dst_night" not in ids(audited(path, tz="Asia/Tokyo"))


# --- channels, scale, polarity ---------------------------------------------------------------------


def test_the_lead_taken_the_others_and_a_dead_channel_are_marked(tmp_path: Path) -> None:
    n = 300
    signals = [
        Signal("SpO2", np.full(n, 97), 1, "%", ("0", "100")),
        Signal("ECG II", night_digital(n), FS_HZ),
        Signal("V5", night_digital(n), FS_HZ),
    ]
    audit = audited(written(tmp_path, EdfFile(signals, n).tobytes()))
    assert [(c.label, c.role, c.constant) for c in audit.channels] == [
        ("SpO2", None, True),
        ("ECG II", "taken", False),
        ("V5", "runner-up", False),
    ]
    assert {"channel_taken", "channel_several", "channel_constant"} <= ids(audit)
    assert audit.channels[1].uv_per_count == pytest.approx(10_000 / 65_535)
    assert audited(written(tmp_path, EdfFile(signals, n).tobytes()), channel="V5").channel == "V5"


@pytest.mark.parametrize(("unit", "factor"), [("V", 1e-3), ("uV", 1e3)])
def test_a_wrong_unit_is_suspected_with_the_factor_that_helps(tmp_path: Path, unit: str, factor: float) -> None:
    audit = audited(written(tmp_path, minutes(unit=unit).tobytes()))
    assert "scale_suspect" in ids(audit)
    assert audit.scale.proposed_factor == pytest.approx(factor)
    assert any("--unit" in text for text in audit.helps)
    assert "scale_suspect" not in ids(audited(written(tmp_path, minutes(unit=unit).tobytes()), unit="mV"))


def test_an_upside_down_lead_is_told_and_a_turned_range_turns_it(tmp_path: Path) -> None:
    audit = audited(written(tmp_path, minutes(physical=("5", "-5")).tobytes()))
    assert audit.polarity.inverted is True
    assert {"inverted", "field_inverted_range"} <= ids(audit)


# --- beats, annotations, identity, profile ---------------------------------------------------------


def test_beats_without_waveform_are_audited(tmp_path: Path) -> None:
    lines = "\n".join(str(800 + i % 7) for i in range(1000))
    audit = audited(written(tmp_path, lines.encode(), "rr.txt"))
    assert audit.exit_code == 0
    assert {"beats_only", "beats_unclassified"} <= ids(audit)
    assert audit.beats is not None
    assert audit.beats.rate_median_bpm == pytest.approx(60 / 0.803, rel=0.01)
    unsorted = "time_s,label\n" + "\n".join(f"{t},N" for t in [*range(400), 5, 6])
    assert "beats_cleaned" in ids(audited(written(tmp_path, unsorted.encode(), "beats.csv")))


def test_annotations_in_and_beside_the_file_are_found_with_their_span(tmp_path: Path) -> None:
    notes = {0: "+10\x14Lights off\x14\x00", 20: "+290\x14Lights on\x14\x00"}
    stamps = [f"+{i}" for i in range(300)]
    path = written(tmp_path, minutes(reserved="EDF+C", onsets=stamps, notes=notes).tobytes())
    (tmp_path / "night.hypnogram.csv").write_text(
        "onset,duration,stage\n" + "\n".join(f"{30 * i},30,N2" for i in range(10))
    )
    (tmp_path / "night-rpoint.csv").write_text("rubbish")
    audit = audited(path)
    facts = {(fact.kind, fact.n, fact.first_s, fact.last_s) for fact in audit.annotations}
    assert ("lights", 2, 10.0, 290.0) in facts
    assert ("hypnogram", 10, 0.0, 300.0) in facts
    assert {"annotations_found", "annotations_broken"} <= ids(audit)
    (tmp_path / "night.hypnogram.csv").write_text("onset,duration,stage\n0,30,N2\n")
    assert "annotations_span" in ids(audited(path))


def test_identity_is_told_by_field_and_never_shown(tmp_path: Path) -> None:
    fields = {
        "patient": "ID77 F 02-MAY-1951 Secret_Name",
        "recording": "Startdate 02-MAR-2020 HOSP9 Techie Brand",
    }
    stamps = [f"+{i}" for i in range(300)]
    audit = audited(written(tmp_path, minutes(reserved="EDF+C", onsets=stamps, fields=fields).tobytes()))
    assert audit.identity == (
        "patient code",
        "sex",
        "birth date",
        "patient name",
        "hospital code",
        "technician",
        "equipment",
    )
    everything = json.dumps(audit.as_json()) + as_text(audit) + as_csv([audit])
    assert not {word for word in ("ID77", "1951", "Secret", "HOSP9", "Techie", "Brand") if word in everything}
    free = audited(written(tmp_path, minutes(fields={"patient": "Secret Name 1951", "recording": ""}).tobytes()))
    assert free.identity == ("patient field",)
    anonymous = {"patient": "X F X X", "recording": "Startdate 02-MAR-2020 X X X"}
    sex = audited(written(tmp_path, minutes(fields=anonymous).tobytes()))
    assert [found.severity for found in sex.findings if found.id == "identity"] == ["info"]


def test_departures_from_a_profile_are_told(tmp_path: Path) -> None:
    audit = audited(written(tmp_path, minutes(label="EKG").tobytes()), profile=load_profile("shhs"))
    assert {"profile_label", "profile_name", "profile_dates"} <= ids(audit)
    assert "profile_rate" not in ids(audit)
    right = audited(written(tmp_path, minutes().tobytes(), "shhs1-200001.edf"), profile=load_profile("shhs"))
    assert not ids(right) & {"profile_label", "profile_name", "profile_rate", "profile_unit"}
    assert right.profile == "shhs"
    assert {"profile_rate"} <= ids(audited(written(tmp_path, minutes().tobytes()), profile=load_profile("mros")))
    unit = audited(written(tmp_path, minutes(unit="uV").tobytes()), profile=load_profile("shhs"))
    assert "profile_unit" in ids(unit)


# --- packets ---------------------------------------------------------------------------------------


def test_planted_packet_faults_reach_the_report(tmp_path: Path) -> None:
    lead = np.asarray(simulated("healthy", hours=0.4).recording.ecg[: 1200 * FS_HZ])
    digital = np.round(lead * 6553.5).astype(np.int64)
    for first in range(20_000, 300_000, 40_000):
        digital[first + 256 : first + 512] = digital[first : first + 256]
        digital[first + 10_000 : first + 10_100] = digital[first + 9_999]
    signal = Signal("ECG", digital, FS_HZ)
    audit = audited(written(tmp_path, EdfFile([signal], 1200).tobytes()))
    assert {"repeated_blocks", "held_samples"} <= ids(audit)
    assert audit.signal is not None
    assert audit.signal.repeated_blocks == 7
    assert audit.signal.repeated_s == pytest.approx(7.0, abs=0.1)
    assert audit.signal.held_packets == 7


# --- text and tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [50, 80, 100])
def test_the_text_fits_the_terminal(night_file: Path, tmp_path: Path, width: int) -> None:
    broken = written(tmp_path, minutes(fields={"date": "xx", "n_records": "-1", "patient": "M\xfcller"}).tobytes())
    for path in (night_file, broken, tmp_path / "nobody.edf"):
        lines = as_text(audited(path), width).splitlines()
        assert max(map(len, lines)) <= width
        assert lines[0] == path.name
        assert lines[1].startswith("analyze would ")


def test_the_keys_of_the_json_are_the_same_for_every_file(night_file: Path, tmp_path: Path) -> None:
    objects = [audited(path).as_json() for path in (night_file, tmp_path / "nobody.edf")]
    assert list(objects[0]) == list(objects[1])
    assert set(objects[0]) == {field.name for field in dataclasses.fields(Audit)} | {"analysable"}
    assert [one["analysable"] for one in objects] == [True, False]
    json.dumps(objects, allow_nan=False)


def test_a_row_of_the_table_holds_what_a_cohort_is_filtered_by(night_file: Path, tmp_path: Path) -> None:
    audits = [audited(night_file), audited(tmp_path / "nobody.edf")]
    rows = as_csv(audits).splitlines()
    assert len(rows) == 3
    row = row_of(audits[0])
    assert (row["exit_code"], row["channel"], row["fs"], row["n_gaps"], row["polarity"]) == (0, "ECG", 256.0, 0, 1)
    assert rows[0].split(",") == list(row)


# --- real recordings -------------------------------------------------------------------------------


@pytest.mark.realdata
def test_known_oddities_of_real_files_are_found(shared_data: Path) -> None:
    expected = {
        "reader_samples/edfize_broken/invalid-date.edf": ({"field_date", "no_records"}, 3),
        "reader_samples/mne-python/duplicate_channel_labels.edf": ({"field_label_twice"}, 3),
        "hrv_reference/MarcusVollmer_HRV/1-300m.ecg": ({"ishne_crc", "ishne_count"}, 0),
        "cinc2017_validation/A00001.hea": ({"wfdb_iso_date", "wfdb_checksum"}, 4),
        "mitdb/100.hea": ({"channel_several", "start_unknown"}, 0),
        "slpdb/slp01a.ecg": ({"date_shifted", "beats_only"}, 0),
    }
    for name, (wanted, code) in expected.items():
        audit = audited(shared_data / name)
        assert wanted <= ids(audit), name
        assert audit.exit_code == code, name
    unwritten = audited(shared_data / "cinc2017_validation/A00001.hea").findings
    assert {found.severity for found in unwritten if found.id == "wfdb_checksum"} == {"info"}
    true_date = audited(shared_data / "slpdb/slp01a.ecg", profile=load_profile("slpdb"))
    assert "date_shifted" not in ids(true_date)
    assert audited(shared_data / "mitdb/100.hea").signal.mains_hz == 60.0  # type: ignore[union-attr]


# --- what must not even be opened ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["night.edf", "night.txt", "night.hea"])
def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    (tmp_path / f"zero_{name}").symlink_to("/dev/zero")
    for path in (tmp_path / name, tmp_path / f"zero_{name}"):
        assert audited(path).exit_code == 3


def test_signal_files_elsewhere_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.dat").write_bytes(bytes(4321))
    path = written(tmp_path / "in", b"night 1 250 100\n../secret.dat 16 200 16 0 0 0 0 ECG\n", "night.hea")
    found = audited(path)
    assert found.exit_code == 3
    assert found.container.file_bytes == path.stat().st_size
    assert "check_failed" not in ids(found)
    assert "4321" not in as_text(found, 100)


@pytest.mark.parametrize("rate", ["nan", "inf", "-inf", "1e400"])
def test_a_number_that_json_does_not_have_is_null(tmp_path: Path, rate: str) -> None:
    path = written(tmp_path, f"night 1 {rate} 100\nnight.dat 16 {rate} 16 0 0 0 0 ECG\n".encode(), "night.hea")
    assert json.loads(json.dumps(audited(path).as_json(), allow_nan=False))["exit_code"] == 3
