"""`report`: languages, the plain page, and what a wrong wish is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_runs import ok, run
from pypdf import PdfReader

from holter2sleep.folders import holds_only
from holter2sleep.phenotypes.files import DRAWN, NIGHT_FILES


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished night of twenty minutes."""
    folder = tmp_path_factory.mktemp("nights")
    ok("simulate", "--preset", "short", "--out", folder / "short.edf")
    ok("analyze", folder / "short.edf", "--out", folder)
    return folder / "short"


def test_analyze_leaves_the_sentences_beside_the_report(night: Path) -> None:
    content = json.loads((night / "narrative.json").read_text(encoding="utf-8"))
    assert content["recording_id"] == "short"
    assert content["language"] == "en"
    assert content["sentences"][0]["rule"].startswith("R-QUAL-")


def test_report_in_german_tells_the_same_rules(night: Path) -> None:
    before = json.loads((night / "narrative.json").read_text(encoding="utf-8"))["sentences"]
    ok("report", night, "--language", "de")
    after = json.loads((night / "narrative.json").read_text(encoding="utf-8"))
    assert after["language"] == "de"
    assert [each["rule"] for each in after["sentences"]] == [each["rule"] for each in before]
    assert [each["values"] for each in after["sentences"]] == [each["values"] for each in before]
    assert "unbestätigt" in PdfReader(night / "report.pdf").pages[0].extract_text()


def test_plain_page_is_a_file_of_its_own_and_the_night_stays_ours(night: Path) -> None:
    result = run("report", night, "--plain", "--language", "de")
    assert result.output.strip().endswith("person.pdf")
    assert "Fünf Zahlen" in PdfReader(night / "person.pdf").pages[0].extract_text()
    assert holds_only(night, NIGHT_FILES | DRAWN)
    again = run("analyze", night.parent / "short.edf", "--out", night.parent)
    assert "nothing to do" in again.output


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--language", "fr"), 5, "Language 'fr'"),
        (("--language", "none.toml"), 5, "cannot be read"),
        (("--plain", "--layout", "mine.toml"), 2, "leave --layout and"),
        (("--plain", "--full-disclosure"), 2, "give one of them"),
        (("--recording", "short.edf"), 2, "--recording is read for --full-disclosure"),
        (("--full-disclosure", "--recording", "none.edf"), 2, "none.edf"),
    ],
)
def test_wish_that_cannot_be_met_says_so_and_leaves_the_report(
    night: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    before = (night / "report.pdf").read_bytes()
    result = run("report", night, *words)
    assert result.exit_code == code
    assert message in " ".join(result.output.replace("│", " ").split())  # click draws a box around it
    assert (night / "report.pdf").read_bytes() == before


# --- full disclosure -------------------------------------------------------------------------------


def test_full_disclosure_finds_the_recording_beside_the_results(night: Path) -> None:
    assert ok("report", night, "--full-disclosure", "--language", "de").output.strip().endswith("full_disclosure.pdf")
    assert "Jede Minute" in PdfReader(night / "full_disclosure.pdf").pages[0].extract_text()
    assert holds_only(night, NIGHT_FILES | DRAWN)


def test_recording_that_was_moved_or_changed_is_asked_for_by_name(night: Path, tmp_path: Path) -> None:
    shutil.copytree(night, tmp_path / "away" / "short")
    result = run("report", tmp_path / "away" / "short", "--full-disclosure")
    assert result.exit_code == 3
    assert "short.edf" in result.output
    assert "--recording FILE" in " ".join(result.output.split())
    ok("report", tmp_path / "away" / "short", "--full-disclosure", "--recording", night.parent / "short.edf")


def test_beats_alone_have_no_waveform_to_print(tmp_path: Path) -> None:
    beats = "time_s\n" + "".join(f"{0.9 * i:.3f}\n" for i in range(500))
    (tmp_path / "beats.csv").write_text(beats)
    ok("analyze", tmp_path / "beats.csv", "--out", tmp_path / "out")
    result = run("report", tmp_path / "out" / "beats", "--full-disclosure")
    assert result.exit_code == 3
    assert "made from beats alone (beats.csv)" in " ".join(result.output.split())
    assert not (tmp_path / "out" / "beats" / "full_disclosure.pdf").exists()
