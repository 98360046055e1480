"""`holter2sleep audit` from the command line: exit codes of analyze, text, JSON, table, fixed copy."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from holter2sleep.audit.findings import KINDS
from holter2sleep.cli import main
from holter2sleep.io.export import write_edf
from holter2sleep.simulate import preset, simulate_night
from tests.io.edf_bytes import plain


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night, a file that is too short, one that is none, and one without ECG."""
    folder = tmp_path_factory.mktemp("cohort")
    write_edf(folder / "good.edf", simulate_night(preset("short"), np.random.default_rng(0)).recording)
    (folder / "short.edf").write_bytes(plain().tobytes())
    (folder / "empty.edf").write_bytes(b"")
    odd = plain()
    odd.signals[0].label = "Snore"
    (folder / "no_ecg.edf").write_bytes(odd.tobytes())
    return folder


@pytest.mark.parametrize("name", ["good.edf", "short.edf", "empty.edf", "no_ecg.edf", "missing.edf"])
def test_the_exit_code_is_that_of_analyze(folder: Path, tmp_path: Path, name: str) -> None:
    analysed = run("analyze", folder / name, "--out", tmp_path, "--no-report")
    audited = run("audit", folder / name)
    assert audited.exit_code == analysed.exit_code
    assert "Traceback" not in audited.output


@pytest.mark.parametrize("n_beats", [50, 1000])
def test_the_exit_code_of_beats_is_that_of_analyze(tmp_path: Path, n_beats: int) -> None:
    rr = tmp_path / "rr.txt"
    rr.write_text("\n".join(str(800 + i % 7) for i in range(n_beats)))
    analysed = run("analyze", rr, "--out", tmp_path / "out", "--no-report")
    assert run("audit", rr).exit_code == analysed.exit_code


def test_one_input_is_an_object_and_several_are_a_list(folder: Path) -> None:
    one = json.loads(run("audit", folder / "good.edf", "--json").stdout)
    assert (one["file"], one["exit_code"], one["analysable"], one["channel"]) == ("good.edf", 0, True, "ECG")
    assert {found["id"] for found in one["findings"]} <= set(KINDS)
    assert set(one["findings"][0]) == {"id", "severity", "found", "means", "does"}
    several = run("audit", folder / "good.edf", folder / "short.edf", "--json")
    assert [found["file"] for found in json.loads(several.stdout)] == ["good.edf", "short.edf"]
    assert several.exit_code == 4
    assert "2/2 short.edf" in several.stderr


def test_a_folder_gives_a_row_for_each_recording_and_the_worst_code(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "audit.csv"
    result = run("audit", folder, "--csv", table)
    assert result.exit_code == 4
    rows = list(csv.DictReader(table.read_text().splitlines()))
    codes = {row["file"]: row["exit_code"] for row in rows}
    assert codes == {"good.edf": "0", "short.edf": "4", "empty.edf": "3", "no_ecg.edf": "3"}
    again = run("audit", folder, "--csv", table)
    assert again.exit_code == 2
    assert "--overwrite" in again.output
    assert run("audit", folder, "--csv", table, "--overwrite").exit_code == 4


def test_a_pattern_without_match_and_a_missing_path_are_wrong_use_but_the_others_are_audited(folder: Path) -> None:
    result = run("audit", folder / "*.bdf", folder / "good.edf")
    assert result.exit_code == 2
    assert "analyze would run" in result.output


def test_every_id_is_listed_without_an_input() -> None:
    result = run("audit", "--list-findings")
    assert result.exit_code == 0
    assert all(name in result.output for name in KINDS)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--profile", "shs"), 5, "did you mean 'shhs'"),
        (("--tz", "Europe/Berln"), 2, "Europe/Berlin"),
        (("--keep-identity",), 2, "belong to --fix"),
        (("--fix", "x.edf", "--keep-identity", "--deidentify"), 2, "exclude one another"),
        (("--csv", "/nowhere/at/all.csv"), 2, "cannot be written"),
        (("--channel", "V9"), 3, "no channel 'V9'"),
    ],
)
def test_wrong_options_end_with_one_line(folder: Path, words: tuple[str, ...], code: int, message: str) -> None:
    result = run("audit", folder / "good.edf", *words)
    assert result.exit_code == code
    assert message in " ".join(result.output.split())


def test_fix_writes_a_copy_that_the_strict_reader_opens(folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.edf"
    content = bytearray((folder / "good.edf").read_bytes())
    content[176:184] = b"22:30:00"
    odd.write_bytes(bytes(content))
    fixed = tmp_path / "fixed.edf"
    result = run("audit", odd, "--fix", fixed)
    assert result.exit_code == 0, result.output
    before = json.loads(run("audit", odd, "--json").stdout)
    after = json.loads(run("audit", fixed, "--json").stdout)
    assert before["container"]["strict_reader_opens"] is False
    assert after["container"]["strict_reader_opens"] is True
    assert run("audit", folder / "good.edf", folder / "short.edf", "--fix", fixed).exit_code == 2


def test_an_audit_loads_neither_torch_nor_matplotlib(folder: Path) -> None:
    code = f"""
import sys
from holter2sleep.cli import main
try:
    main(["audit", {str(folder / "good.edf")!r}])
except SystemExit as end:
    print("code", end.code)
print("loaded", *(name for name in ("torch", "matplotlib", "wfdb", "pandas", "mne") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["code 0", "loaded"]


def test_a_full_disk_leaves_the_table_that_was_there(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "audit.csv"
    table.write_text("old\n")

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))

    command = [
        sys.executable,
        "-m",
        "holter2sleep",
        "audit",
        str(folder / "empty.edf"),
        "--csv",
        str(table),
        "--overwrite",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=small_disk)
    assert done.returncode == 1
    assert "audit.csv: cannot be written" in done.stderr
    assert "defect" not in done.stderr
    assert (table.read_text(), list(tmp_path.iterdir())) == ("old\n", [table])


def test_the_table_is_never_written_over_a_file_that_is_audited(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    content = (folder / "short.edf").read_bytes()
    path.write_bytes(content)
    (tmp_path / "same.csv").hardlink_to(path)
    for csv_file in (path, tmp_path / "same.csv"):
        result = run("audit", path, "--csv", csv_file, "--overwrite")
        assert result.exit_code == 2
        assert "one of the files to audit" in result.output
    assert path.read_bytes() == content
    both = tmp_path / "both.edf"
    assert run("audit", path, "--csv", both, "--fix", both).exit_code == 2


def test_no_cell_of_the_table_is_a_formula(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "=1+1.edf").write_bytes((folder / "short.edf").read_bytes())
    run("audit", tmp_path / "=1+1.edf", "--csv", tmp_path / "t.csv")
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text().splitlines())
    assert row["file"] == "'=1+1.edf"


def test_json_of_a_cut_file_is_all_that_is_printed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.edf"
    path.write_bytes((folder / "good.edf").read_bytes()[:100_077])
    command = [sys.executable, "-m", "holter2sleep", "audit", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout)["file"] == "cut.edf"
