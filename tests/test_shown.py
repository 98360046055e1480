"""A usual run names channels and units, and nobody."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_nights import recording_of, simulated
from pypdf import PdfReader

from holter2sleep.cli import main
from holter2sleep.io.export import write_edf
from holter2sleep.shown import shown_file, shown_label, shown_recording, shown_unit, shown_warning

USUAL = (
    "ECG", "EKG", "ECG II", "MLII", "ECG L - ECG R", "EKG1-EKG2", "ECG LA-RA", "Lead I", "LeadII", "V5", "modV1", "X",
    "ECG_chest", "EKG Channel 3", "CH1", "POL ECG", "ECG1-Ref", "ECGWaveform", "ECG Patch", "EKG_L-Cz", "aVF", "C4-A1",
    "ECG 12 bit", "ECG+", "II, 3", "Signal 4", "SpO2", "EOG(L)", "ECG Lead II", "ECGI-0", "ES", "cs_ECG", "dEKG-Li",
)  # fmt: skip


@pytest.mark.parametrize("label", USUAL)
def test_usual_labels_are_shown_as_they_are(label: str) -> None:
    assert shown_label(label) == label


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("ECG Smith", "ECG ..."),
        ("Müller_ECG", "..._ECG"),
        ("ECG 19520304", "ECG ..."),
        ("ECG 4.3.1952", "ECG ..."),
        ("II Zaphod-Beeblebrox", "II ...-..."),
        ("ECG id77712345", "ECG ..."),
        ("ECGSmith", "..."),
        ("", ""),
    ],
)
def test_names_and_long_numbers_in_labels_are_not_shown(label: str, shown: str) -> None:
    assert shown_label(label) == shown
    assert shown_label(shown) == shown, "twice is as good as once"


@pytest.mark.parametrize("unit", ["mV", "uV", "µV", "2500 nV", "V", "", "adu", "counts", "%"])
def test_units_are_shown_as_they_are(unit: str) -> None:
    assert shown_unit(unit) == unit


def test_what_warnings_quote_is_cleaned_and_what_is_technical_stays() -> None:
    own = {"smith.edf"}
    for kept in ("several ECG leads: took 'ECG'; also there: 'ECG II', 'V5'", "unit 'uV' read as 22:30 '1.5'"):
        assert shown_warning(kept, own) == kept
    assert shown_warning("'smith.edf': 'ECG Smith' shows no beats", own) == "'smith.edf': 'ECG ...' shows no beats"


def test_a_recording_keeps_its_name_and_says_that_its_label_is_another() -> None:
    made = recording_of(np.zeros(500), channel="ECG Smith", warnings=("the difference ECG Smith is the lead",))
    shown = shown_recording(made)
    assert (shown.recording_id, shown.source.file, shown.channel) == (made.recording_id, made.source.file, "ECG ...")
    assert shown.warnings[0] == "the difference ECG ... is the lead"
    assert "shown as 'ECG ...'" in shown.warnings[1]


def test_a_usual_recording_is_not_changed() -> None:
    made = recording_of(np.zeros(500), channel="ECG", warnings=("several ECG leads: took 'ECG'",))
    shown = shown_recording(made)
    assert (shown.channel, shown.warnings, shown.source) == (made.channel, made.warnings, made.source)


def test_a_scored_file_is_named_where_it_is_called_as_the_recording() -> None:
    made = recording_of(np.zeros(500))
    assert shown_file("made-nsrr.xml", made) == "made-nsrr.xml"
    assert shown_file("Zaphod.xml", made) == "a scored file (.xml)"
    assert shown_file("Zaphod", made) == "a scored file (no suffix)"


def test_neither_label_nor_unit_nor_scored_file_brings_a_name_into_a_run(tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    write_edf(path, simulated("clean", hours=1 / 3).recording.but(channel="ECG Zaphod"))
    scored = tmp_path / "Zaphod Beeblebrox.txt"
    scored.write_text("W\n" * 10 + "N2\n" * 30)
    result = CliRunner().invoke(
        main, ["-v", "analyze", str(path), "--out", str(tmp_path / "o"), "--hypnogram", str(scored)]
    )
    assert result.exit_code == 0, result.output
    run = json.loads((tmp_path / "o" / "night" / "run.json").read_text())
    assert (run["channel"], run["hypnogram"]["scorer"]) == ("ECG ...", "a scored file (.txt)")
    words = " ".join(page.extract_text() for page in PdfReader(tmp_path / "o" / "night" / "report.pdf").pages)
    for content in (json.dumps(run), words, result.output):
        assert not re.search("zaphod|beeblebrox", content, re.IGNORECASE)
