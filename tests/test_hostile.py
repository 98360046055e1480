"""Whatever lies in a folder of recordings: no traceback, no hang, no folder that looks finished."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from edf_bytes import EdfFile, Signal, plain
from hypothesis import given, settings
from hypothesis import strategies as st
from made_nights import RECIPE, simulated
from reading import read_or_refusal

from holter2sleep.audit.check import AuditOptions, audit_file
from holter2sleep.cli import main
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.io import read_recording
from holter2sleep.io.export import write_edf
from holter2sleep.night import Recording

ROOT = Path(__file__).resolve().parents[1]
TEXT = st.text(st.characters(max_codepoint=255), max_size=8)
NUMBER = st.one_of(st.integers(-(10**7), 10**8).map(str), st.floats().map(str), TEXT)


def run(*arguments: str | Path, seconds: float = 30, **options: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "holter2sleep", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, **options)  # type: ignore[call-overload, no-any-return]


def assert_told(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The exit code of the contract, one line that names what was found, no traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Four minutes of a good EDF."""
    path = tmp_path_factory.mktemp("hostile") / "night.edf"
    write_edf(path, simulated("clean", hours=1 / 15, fs=128.0).recording)
    return path.read_bytes()


# --- headers that lie ------------------------------------------------------------------------------


@settings(max_examples=150, deadline=2000)
@given(
    fixed=st.dictionaries(
        st.sampled_from(["patient", "recording", "date", "time", "header_bytes", "reserved", "n_records", "record_s"]),
        NUMBER,
        max_size=4,
    ),
    n_signals=st.one_of(st.just("2"), st.just("9999"), NUMBER),
    physical=st.tuples(NUMBER, NUMBER),
    digital=st.tuples(NUMBER, NUMBER),
    unit=TEXT,
    label=TEXT.map(lambda text: f"ECG{text}"),
)
def test_any_header_field_may_lie(
    tmp_path_factory: pytest.TempPathFactory,
    fixed: dict[str, str],
    n_signals: str,
    physical: tuple[str, str],
    digital: tuple[str, str],
    unit: str,
    label: str,
) -> None:
    ecg = Signal(label, plain().signals[0].digital, 256, unit, physical, digital)
    file = EdfFile([ecg, plain().signals[1]], 20, fields={**fixed, "n_signals": n_signals})
    path = tmp_path_factory.getbasetemp() / "lie.edf"
    path.write_bytes(file.tobytes())
    found = read_or_refusal(path)
    if isinstance(found, Recording):
        assert found.ecg is not None
        assert len(found.ecg[:5000]) <= path.stat().st_size
    else:
        assert found.startswith("lie.edf")
        assert "\n" not in found


@settings(max_examples=60, deadline=2000)
@given(
    onsets=st.lists(st.one_of(st.floats(-1e9, 1e9), st.integers(0, 100)).map("{:+g}".format), min_size=3, max_size=3)
)
def test_any_time_stamps_are_a_time_line_or_refused(
    tmp_path_factory: pytest.TempPathFactory, onsets: list[str]
) -> None:
    ecg = Signal("ECG", plain().signals[0].digital[: 3 * 256], 256)
    path = tmp_path_factory.getbasetemp() / "stamps.edf"
    path.write_bytes(EdfFile([ecg], 3, reserved="EDF+D", onsets=onsets).tobytes())
    found = read_or_refusal(path)
    if isinstance(found, Recording):
        assert found.ecg is not None
        last = np.asarray(found.ecg[len(found.ecg) - 256 :])
        np.testing.assert_allclose(last, (ecg.digital[-256:] + 32768) * 10 / 65535 - 5, atol=1e-3)
        assert found.duration_s <= 32 * 86400


@pytest.mark.parametrize("size", [0, 1, 255, 256, 700, 5000])
def test_random_bytes_are_refused_in_one_line(tmp_path: Path, size: int) -> None:
    for suffix in (".edf", ".bdf", ".hea", ".ecg", ".atr", ".txt", ".csv", ".parquet", ".h5", ".gdf", ".xyz"):
        path = tmp_path / f"noise{suffix}"
        path.write_bytes(np.random.default_rng(size).bytes(size))
        found = read_or_refusal(path)
        assert isinstance(found, str), suffix
        assert found.startswith(path.name)
        assert "\n" not in found


def test_a_bounded_run_of_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.fuzz", "--seconds", "8", "--seed", "20", "--keep", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split(" cases,")[0].split()[-1]) > 0  # a busy machine makes few


# --- more than there can be -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    "n.csv n.tsv n.txt n.ibi n.hrm n.atr n.qrs n.ari n.parquet n.set n.vhdr n.lay n.eeg n.hea n.ann n.ecg".split(),
)
def test_a_file_far_larger_than_any_of_its_kind_is_refused_by_its_size_or_first_bytes(
    tmp_path: Path, name: str
) -> None:
    heads = {".parquet": b"PAR1", ".ann": b"ANN  1.0", ".ecg": b"ISHNE1.0", ".csv": b"time_s\n1\n2\n"}
    path = tmp_path / name
    path.write_bytes(heads.get(path.suffix, b""))
    os.truncate(path, 100 << 30)
    found = read_or_refusal(path)
    assert isinstance(found, str)
    assert found.startswith(name)
    assert len(found) < 1000


def test_more_rows_than_a_month_has_beats_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    pl.select(time_s=pl.repeat(1.0, 9_000_000)).write_parquet(path)
    assert path.stat().st_size < 100_000
    found = read_or_refusal(path)
    assert isinstance(found, str)
    assert "9,000,000 rows" in found


@pytest.mark.parametrize("n_signals", ["9999", "2e7", "9e6", "1e9"])
def test_signals_that_the_file_cannot_hold_are_refused_before_they_are_read(
    tmp_path: Path, short: bytes, n_signals: str
) -> None:
    path = tmp_path / "many.edf"
    path.write_bytes(short[:252] + n_signals.encode().ljust(4) + short[256:])
    os.truncate(path, 1_000_000 if n_signals == "9999" else 8 << 30)
    tracemalloc.start()
    found = read_or_refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 5e6  # bytes
    tracemalloc.stop()
    assert isinstance(found, str)
    assert "signals announced" in found


def test_data_records_that_are_absurd_are_refused_and_long_ones_read_in_part(tmp_path: Path) -> None:
    def made(name: str, n_samples: int, record_s: str, n_notes: int, n_bytes: int) -> Path:
        ecg = Signal("ECG", np.empty(0, np.int64), n_samples)
        notes = Signal("EDF Annotations", np.empty(0, np.int64), n_notes)
        path = tmp_path / name
        path.write_bytes(EdfFile([ecg, notes], 0, record_s=record_s).header())
        os.truncate(path, path.stat().st_size + n_bytes)
        return path

    notes, days = made("notes.edf", 256, "1", 99_999_999, 20 << 30), made("days.edf", 25_600_000, "100000", 4, 20 << 30)
    assert "MB of annotations" in str(read_or_refusal(notes))
    assert "days" in str(read_or_refusal(days))
    night = read_recording(made("night.edf", 7_372_800, "28800", 30, 2 * 7_372_830))  # eight hours in one record
    assert night.ecg is not None
    tracemalloc.start()
    assert night.ecg[5_000_000:5_000_256].shape == (256,)
    assert tracemalloc.get_traced_memory()[1] < 10e6  # bytes; the whole record is 60 MB of floats
    tracemalloc.stop()


def test_minutes_spread_over_a_month_cost_no_more_than_minutes(tmp_path: Path) -> None:
    n = 600
    ecg = Signal("ECG", np.tile(plain().signals[0].digital, n // 20 + 1)[: n * 256], 256)
    onsets = [f"+{4000 * i}" for i in range(n)]
    path = tmp_path / "rare.edf"
    path.write_bytes(EdfFile([ecg], n, reserved="EDF+D", onsets=onsets).tobytes())
    recording = read_recording(path)
    started = time.perf_counter()
    faults = find_faults(recording, RECIPE.faults)
    assert len(detect_beats(recording, faults, RECIPE.beats).time_s) == 0
    assert time.perf_counter() - started < 5  # s; a second and a half, and twenty when each ten minutes told all gaps
    tracemalloc.start()
    audited = audit_file(path, AuditOptions(), RECIPE)
    assert tracemalloc.get_traced_memory()[1] < 500e6  # bytes; the samples of a month would be 2.6 GB
    tracemalloc.stop()
    assert audited.exit_code == 4


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\v", b"\x85"])
def test_more_lines_than_a_month_has_beats_are_refused_before_they_are_split(tmp_path: Path, line_end: bytes) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(line_end * 9_000_000)
    found = read_or_refusal(path)
    assert isinstance(found, str)
    assert "lines" in found


def test_more_samples_than_a_month_has_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.parquet"
    pl.select(ecg=pl.repeat(1.0, 5000)).write_parquet(path)
    assert isinstance(read_or_refusal(path, fs=250.0), Recording)
    monkeypatch.setattr("holter2sleep.io.signal_batches._MAX_PARQUET_ROWS", 4999)
    assert "5,000 rows" in str(read_or_refusal(path, fs=250.0))


def test_memory_that_is_not_there_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: bytes) -> None:
    def claim(*_: object) -> None:
        raise MemoryError

    path = tmp_path / "night.edf"
    path.write_bytes(short)
    monkeypatch.setattr("holter2sleep.io.edf.read_edf_header", claim)
    found = read_or_refusal(path)
    assert isinstance(found, str)
    assert "memory" in found


def test_a_line_of_megabytes_is_never_quoted_whole(tmp_path: Path) -> None:
    long = "7" * 2_000_000
    for name, content in {
        "a.hea": f"a 1 250 1000\n{long} 16 200\n",
        "b.hea": f"b 1 {long} 1000\n",
        "c.txt": f"800\n{long}\n",
        "d.csv": f"time_s,label\n0.5,{long}\n",
        "e.csv": f"{long},{long}\n1,2\n",
    }.items():
        path = tmp_path / name
        path.write_text(content)
        found = read_or_refusal(path)
        assert isinstance(found, str)
        assert len(found) < 2000


# --- files that are none ---------------------------------------------------------------------------


def test_links_that_run_in_circles_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    loop = tmp_path / "loop.edf"
    loop.symlink_to(loop)
    pipe = tmp_path / "pipe.edf"
    os.mkfifo(pipe)
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "nowhere.edf").symlink_to(tmp_path / "gone.edf")
    for link in (loop, tmp_path / "nowhere.edf"):
        assert_told(run("analyze", link, "--out", tmp_path / "out"), 2, f"{link.name}: a link that leads to no file")
    assert_told(run("analyze", pipe, "--out", tmp_path / "out"), 3, "pipe.edf")
    assert_told(run("analyze", "/dev/zero", "--out", tmp_path / "out"), 3, "zero")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_is_refused(tmp_path: Path, short: bytes) -> None:
    path = tmp_path / "secret.edf"
    path.write_bytes(short)
    path.chmod(0)
    assert_told(run("analyze", path, "--out", tmp_path / "out"), 3, "secret.edf", "Permission denied")


def test_names_with_blanks_and_other_alphabets_are_names(tmp_path: Path, short: bytes) -> None:
    path = tmp_path / "nuit d'été 夜 1.edf"
    path.write_bytes(short)
    assert_told(run("analyze", path, "--out", tmp_path / "aus gabe", "--no-report"), 0)
    assert (tmp_path / "aus gabe" / "nuit d'été 夜 1" / "run.json").is_file()


def test_a_full_disk_leaves_no_folder_that_looks_finished(tmp_path: Path, short: bytes) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(short)

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = run("analyze", path, "--out", tmp_path / "out", preexec_fn=small_disk)
    assert_told(done, 1, "night")
    assert list((tmp_path / "out").rglob("run.json")) == []
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_stops_a_simulation_in_one_line(tmp_path: Path) -> None:
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    for name in ("night.edf", "night.hea"):
        done = run("simulate", "--out", tmp_path / name, "--hours", "0.05", preexec_fn=small_disk)
        assert_told(done, 1, f"{name}: cannot be written", "Make room")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("words", [["--help"], ["phenotypes"], ["audit", "{night}", "--json"]])
def test_output_that_cannot_be_printed_is_one_line(tmp_path: Path, short: bytes, words: list[str]) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(short)
    command = [sys.executable, "-m", "holter2sleep", *(word.format(night=path) for word in words)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert_told(done, 1, "Error: the output: cannot be written (No space left on device)")
    assert done.stderr.count("\n") == 1


def test_a_place_that_is_locked_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def locked(*_: object) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", "locked/beats.csv")

    monkeypatch.setattr("pathlib.Path.exists", locked)
    for words in (["audit", "a.edf", "--csv", "t.csv"], ["simulate", "--out", "a.edf"], ["report", "night"]):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 2, done.output
        assert "Permission denied" in " ".join(done.output.split())


@pytest.mark.parametrize(("code", "exit_code"), [(errno.EROFS, 2), (errno.ENOSPC, 1)])
def test_a_disk_that_is_locked_or_full_is_told_with_what_would_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, exit_code: int
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), "head")

    monkeypatch.setattr("holter2sleep.report.pdf.write_report", failing)
    done = CliRunner().invoke(main, ["report", str(tmp_path / "night")])
    assert done.exit_code == exit_code, done.output
    assert f"head: cannot be written ({os.strerror(code)}); choose another place" in " ".join(done.output.split())


def test_a_run_that_is_killed_leaves_nothing_that_looks_finished(tmp_path: Path, short: bytes) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(short)
    started = subprocess.Popen([sys.executable, "-m", "holter2sleep", "analyze", path, "--out", tmp_path / "out"])
    while not list(tmp_path.glob("out/.*night*")):  # the folder it works in; drawing the report takes a second more
        assert started.poll() is None
        time.sleep(0.002)
    started.kill()
    started.wait()
    assert not (tmp_path / "out" / "night").exists()
    assert_told(run("analyze", path, "--out", tmp_path / "out", "--no-report"), 0)
    assert sorted(found.name for found in (tmp_path / "out").iterdir()) == ["night"]
