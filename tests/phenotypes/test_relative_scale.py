"""Counts that nobody scales: no number of millivolt is written, and where a size is printed it is called relative."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from made_nights import RECIPE, simulated
from pypdf import PdfReader

from holter2sleep.analyze import analyze_night
from holter2sleep.audit.check import AuditOptions, audit_file
from holter2sleep.audit.text import as_text
from holter2sleep.cli import main
from holter2sleep.io import read_recording
from holter2sleep.io.export import write_edf
from holter2sleep.phenotypes.table import phenotype_table


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes in a file that calls its unit counts."""
    path = tmp_path_factory.mktemp("counts") / "night.edf"
    write_edf(path, simulated("clean", hours=1 / 3).recording)
    content = bytearray(path.read_bytes())
    n = int(content[252:256])
    unit = 256 + n * 96  # behind labels and transducers
    content[unit : unit + 8] = b"counts  "
    low = unit + 8 * n
    for at, text in ((low, b"-25000  "), (low + 8 * n, b"25000   ")):
        content[at : at + 8] = text
    path.write_bytes(bytes(content))
    return path


def test_the_height_of_r_is_not_applicable_without_a_scale_and_the_rest_is_as_ever() -> None:
    recording = simulated("clean", hours=1 / 3).recording
    relative = recording.but(source=dataclasses.replace(recording.source, relative_scale=True))
    one, other = (phenotype_table(analyze_night(r, RECIPE), RECIPE) for r in (recording, relative))
    is_height = pl.col("phenotype").is_in(["r_amplitude", "t_amplitude"])
    assert set(other.filter(is_height)["status"]) == {"not_applicable"}
    assert other.filter(is_height)["value"].null_count() == other.filter(is_height).height
    assert "ok" in set(one.filter(is_height)["status"])
    assert one.filter(~is_height).equals(other.filter(~is_height))


def test_a_run_says_that_its_amplitudes_are_relative_and_prints_no_millivolt(counts: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["analyze", str(counts), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    run = json.loads((tmp_path / "night" / "run.json").read_text())
    assert run["unit"]["relative"] is True
    words = " ".join(page.extract_text() for page in PdfReader(tmp_path / "night" / "report.pdf").pages)
    assert "amplitudes are in relative units" in words
    assert "25 mm/s; relative units: nobody says what a millivolt is" in " ".join(words.split())
    for millivolt in ("10 mm/mV", "pulse 1 mV", "factor to mV"):
        assert millivolt not in words


def test_a_run_with_a_scale_is_not_relative(tmp_path: Path) -> None:
    write_edf(tmp_path / "night.edf", simulated("clean", hours=1 / 3).recording)
    assert read_recording(tmp_path / "night.edf").source.relative_scale is False


def test_an_audit_calls_counts_relative(counts: Path) -> None:
    audit = audit_file(counts, AuditOptions(), RECIPE)
    text = as_text(audit, 200)
    assert audit.scale.relative
    assert "relative units" in text
    assert not [line for line in text.splitlines() if line.startswith("R waves") and "mV" in line]


@pytest.mark.parametrize(("unit", "relative"), [("", True), ("mV", False)])
def test_a_table_without_a_unit_is_relative_only_where_the_user_gives_none(
    tmp_path: Path, unit: str, relative: bool
) -> None:
    path = tmp_path / "night.csv"
    path.write_text("ECG\n" + "\n".join(str(v % 4095 - 2047) for v in range(60 * 250)) + "\n")
    options = {"unit": unit} if unit else {}
    assert read_recording(path, fs=250.0, **options).source.relative_scale is relative


def test_counts_of_a_wfdb_record_are_relative(tmp_path: Path) -> None:
    (tmp_path / "night.hea").write_text("night 1 250 800\nnight.dat 16 1/adu 16 0 0 0 0 ECG\n")
    (tmp_path / "night.dat").write_bytes(np.arange(800, dtype="<i2").tobytes())
    assert read_recording(tmp_path / "night.hea").source.relative_scale is True
