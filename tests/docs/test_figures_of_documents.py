"""Figures that stand in documents are those of the files that the training scripts wrote."""

from __future__ import annotations

import re

import pytest

from docs.tools.figures import APNOEA, CLASSES, FIBRILLATION, STAGING, read_figures
from docs.tools.repository import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
APNOEA_CARD = (ROOT / "holter2sleep" / "autonomic" / "weights" / "README.md").read_text(encoding="utf-8")
STAGES, MINUTES = read_figures(STAGING), read_figures(APNOEA)["cross_validated"]


def row(text: str, name: str) -> str:
    """The row of a table that begins with a name."""
    return next(line for line in text.splitlines() if line.startswith(f"| {name}"))


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def test_the_readme_has_the_kappa_of_stages_with_its_interval() -> None:
    own = STAGES["3_classes"]
    low, high = own["kappa_interval"]
    told = row(README, "stages W / NREM / R, kappa")
    assert f"{own['kappa']:.2f} (95 % interval {low:.2f} to {high:.2f})" in told
    assert f"clock alone, left out, {own['clock_kappa']:.2f}" in told


def test_the_readme_has_the_kappa_of_other_numbers_of_classes() -> None:
    kappas = ", ".join(f"{STAGES[f'{n}_classes']['kappa']:.2f}" for n in CLASSES if n != 3)
    assert f"| {kappas} |" in row(README, "stages, two, four and five classes")
    assert all(STAGES[f"{n}_classes"]["clock_kappa"] < 0 for n in CLASSES)


def test_the_readme_has_the_kappa_of_the_surer_half() -> None:
    own = STAGES["3_classes"]
    told = row(README, "the same, the surer half")
    assert f"| {own['kappa_by_coverage']['0.5']:.2f} |" in told
    assert f"at full coverage {own['kappa']:.2f}; calibration error {own['calibration_error']:.2f}" in told


def test_what_a_waveform_costs_is_told() -> None:
    costs = [STAGES[f"{n}_classes"]["kappa"] - STAGES["beats_found"][f"{n}_classes"]["kappa"] for n in CLASSES]
    assert max(map(abs, costs)) < 0.03
    assert "from beats found in a waveform they are within 0.03" in README.replace("\n", " ")


def test_the_readme_has_the_accuracy_of_respiratory_minutes() -> None:
    told = row(README, "respiratory minutes, accuracy")
    for own in MINUTES.values():
        low, high = own["accuracy_95_interval"]
        assert f"{percent(own['accuracy'])} % ({percent(low)} to {percent(high)})" in told
    majorities = ", ".join(percent(own["majority_accuracy"]) for own in MINUTES.values())
    assert f"majority {majorities}" in told


def test_the_readme_has_the_time_in_fibrillation() -> None:
    own = read_figures(FIBRILLATION)["left_out_afdb"]
    shares = f"{own['duration_sensitivity']:.1f} / {own['duration_specificity']:.1f} %"
    assert f"| {shares} |" in row(README, "AF time, Se / Sp")
    assert f"{own['duration_sensitivity']:.2f} and {own['duration_specificity']:.2f} %" in BENCHMARKS


@pytest.mark.parametrize("key", ["sensitivity", "specificity", "kappa"])
def test_the_card_of_the_respiratory_networks_has_the_figures_of_their_file(key: str) -> None:
    order = ("sensitivity", "specificity", "kappa").index(key)
    cells = row(APNOEA_CARD, "sensitivity, specificity, kappa").strip("| ").split(" | ")[1:]
    assert [cell.split(", ")[order] for cell in cells] == [f"{own[key]:.3f}" for own in MINUTES.values()]


@pytest.mark.parametrize(
    ("name", "key"),
    [("AUC of minutes", "auc"), ("expected calibration error", "ece"), ("floor: majority", "majority_accuracy")],
)
def test_the_card_has_the_other_figures_too(name: str, key: str) -> None:
    cells = row(APNOEA_CARD, name).strip("| ").split(" | ")[1:]
    assert cells == [f"{own[key]:.3f}" for own in MINUTES.values()]


def test_the_detectors_of_the_readme_are_those_of_the_benchmark() -> None:
    told = row(README, "QRS detection")
    for name in ("holter2sleep", "sleepecg", "neurokit2", "xqrs"):
        found = re.search(rf"^{name} +42 +\d+ +\d+ +([\d.]+) +([\d.]+)", BENCHMARKS, re.MULTILINE)
        assert found
        alone = re.sub(r" \([^)]*\)", "", told)
        assert f"{found[1]} / {found[2]}" in alone


def test_intervals_of_the_readme_are_those_of_the_benchmark() -> None:
    found = re.search(r"^holter2sleep +" + r"([\d.]+) +" * 5 + r"([\d.]+)$", BENCHMARKS, re.MULTILINE)
    assert found
    se, se_low, se_high, p, p_low, p_high = found.groups()
    assert f"| {se} ({se_low} to {se_high}) / {p} ({p_low} to {p_high}) % |" in row(README, "QRS detection")
    table = BENCHMARKS.partition("| set | V Se | V +P | S Se | S +P | AF time Se |")[2]
    ds2, every = (row(table, name).split(" | ")[1:] for name in ("DS2", "all"))
    for name, cells in (
        ("ventricular beats", ds2[:2]),
        ("supraventricular beats", ds2[2:4]),
        ("AF time, Se / +P", every[4:]),
    ):
        assert all(f"({cell.strip(' |')})" in row(README, name) for cell in cells)


def test_noise_at_6_db_is_that_of_the_benchmark() -> None:
    motion, muscle = re.findall(r"^\| 6 dB \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", BENCHMARKS, re.MULTILINE)
    for name, figures in (("the same in electrode motion", motion), ("the same in muscle noise", muscle)):
        assert all(figure in row(README, name) for figure in figures)


def test_breathing_is_that_of_the_benchmark() -> None:
    told = row(README, "breathing rate")
    ours = row(BENCHMARKS, "**ours, confident**").split(" | ")
    assert f"error {ours[1].replace(' (', '/min (')}" in told
    assert f"confident ({ours[3].partition(' %')[0]} % of the epochs)" in told
    assert f"constant 16/min {row(BENCHMARKS, 'floor: 16/min').split(' | ')[1].split(' ')[0]}" in told


def test_associations_are_those_of_the_benchmark() -> None:
    text = BENCHMARKS.partition("| 500 studies of 400 nights |")[2].partition("| 500 families")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    kept = [float(cells[1]) for cells in rows if "(floor)" not in cells[0]]
    floors = [cells[1] for cells in rows if "(floor)" in cells[0]]
    told = row(README, "95 % intervals of associations")
    assert f"{len(kept)} kinds of regression" in told
    assert f"| {min(kept)} to {max(kept)} % |" in told
    assert " and ".join(floors) in told
    assert f"| {row(BENCHMARKS, '0 true').split(' | ')[1]} % (" in row(README, "families of 200 exposures")
