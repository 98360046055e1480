"""Figures that stand in documents are those of the files that the training scripts wrote."""

from __future__ import annotations

import re

import numpy as np
import pytest

from docs.tools.figures import APNOEA, CLASSES, FIBRILLATION, STAGING, read_figures, with_interval
from docs.tools.repository import ROOT
from holter2sleep.models import list_model_cards
from holter2sleep.sleep.staging.cards import read_card

README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
CARDS = {card.name: card for card in list_model_cards()}
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


def kappas(cell: str) -> list[float]:
    return [float(value) for value in cell.split()]


def test_what_a_waveform_costs_is_told() -> None:
    for way in ("beats_found", "waveform"):
        costs = [STAGES[f"{n}_classes"]["kappa"] - STAGES[way][f"{n}_classes"]["kappa"] for n in CLASSES]
        assert max(map(abs, costs)) < 0.03
    cell = r"((?:0\.\d{3} ?){4}) \|"
    draws = re.findall(rf"^\| \d+ \| {cell} {cell} {cell}$", BENCHMARKS, re.MULTILINE)
    given, found, waveform = (np.array([kappas(draw[i]) for draw in draws]) for i in range(3))
    assert len(draws) == 6
    assert (given - found).max() < 0.02
    assert (given - waveform).mean(axis=0).max() < 0.03
    assert "they were no more than 0.02 lower in any of six draws" in README.replace("\n", " ")
    lost, lost_with_waveform = f"{(given - found).max():.3f}", f"{(given - waveform).max():.3f}"
    limits = " ".join(read_card("fusion-waveform").limits)
    assert f"at most {lost_with_waveform} (with two classes 0.030), fusion {lost}" in limits
    assert f"at most {lost} below the given beats" in " ".join(read_card("fusion").figures)


def test_the_card_has_the_kappa_of_the_waveform_alone() -> None:
    shipped, _, _ = BENCHMARKS.partition("\n(b) Heads as `train head` makes them")
    cells = r"\| (\d) \| -0\.\d+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \| (0\.\d{3}) \|"
    rows = re.findall(f"^{cells}", shipped, re.MULTILINE)
    assert [int(n) for n, _ in rows] == list(CLASSES)
    told = ", ".join(f"{n} classes {value}" for n, value in rows)
    assert f"without beats and second opinion, kappa: {told} (" in " ".join(read_card("fusion-waveform").figures)


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


# --- cards -----------------------------------------------------------------------------------------


def said(name: str, begin: str) -> str:
    """The figure of a card that begins so."""
    return next(figure for figure in CARDS[name].figures if figure.startswith(begin))


def detectors(n_records: int, columns: str) -> dict[str, tuple[str, ...]]:
    """Numbers of each detector in the benchmark's tables of so many records."""
    text = BENCHMARKS if n_records == 42 else BENCHMARKS.partition("On DS2 alone")[2]
    names = ("holter2sleep", "sleepecg", "neurokit2", "xqrs")
    found = {name: re.search(rf"^{name} +{columns}", text, re.MULTILINE) for name in names}
    return {name: match.groups() for name, match in found.items() if match}


@pytest.mark.parametrize(("n_records", "begin"), [(17, "the whole detector on DS2"), (42, "all 42 records")])
def test_the_card_of_the_detector_has_the_figures_of_the_benchmark(n_records: int, begin: str) -> None:
    told, found = said("qrs", begin), detectors(n_records, r"([\d.]+) +" * 5 + r"([\d.]+)$")
    se, se_low, se_high, p, p_low, p_high = found["holter2sleep"]
    assert f"{se} % ({se_low} to {se_high}), " in told
    assert f"{p} % ({p_low} to {p_high})" in told
    for name, shown in (("sleepecg", "SleepECG"), ("neurokit2", "NeuroKit2"), ("xqrs", "xqrs")):
        assert f"{shown} {found[name][0]} / {found[name][3]}" in told


def test_the_card_of_the_detector_has_its_figures_within_50_ms() -> None:
    within = detectors(42, r"42 +\d+ +\d+ +[\d.]+ +[\d.]+ +([\d.]+) +([\d.]+) +([\d.]+)")["holter2sleep"]
    told = said("qrs", "the same 42 within 50 ms")
    assert f"{within[0]} / {within[1]} %; {within[2]} % of the normal R times" in told


@pytest.mark.parametrize(("level", "begin"), [("6 dB", "noise not heard at 6 dB"), ("0 dB", "at 0 dB")])
def test_the_card_of_the_detector_has_its_figures_in_noise(level: str, begin: str) -> None:
    rows = re.findall(rf"^\| {level} \| (.+) \|$", BENCHMARKS, re.MULTILINE)
    cells = next(cells for cells in (found.split(" | ") for found in rows) if len(cells) == 6)
    told = said("qrs", begin)
    assert f"electrode motion {cells[0]} %, SleepECG {cells[1]}" in told
    assert f"muscle {cells[3]} %, SleepECG {cells[4]}" in told


def classes_of(name: str) -> tuple[list[str], list[str]]:
    """Figures of a set in the benchmark's table of classes, and the ends of their intervals, V and S in turn."""
    head, line = "| set | V Se / +P |", BENCHMARKS.partition("| set | V Se | V +P | S Se | S +P |")[2]
    values = [value for cell in cells_of(BENCHMARKS.partition(head)[2], name)[:2] for value in cell.split(" / ")]
    return values, cells_of(line, name)[:4]


def cells_of(text: str, name: str) -> list[str]:
    return row(text, name).strip("| ").split(" | ")[1:]


@pytest.mark.parametrize(("name", "begin"), [("DS2", "the whole analysis on DS2"), ("all", "all 38 records")])
def test_the_card_of_the_classes_has_the_figures_of_the_benchmark(name: str, begin: str) -> None:
    told = said("classes", begin)
    for value, ends in zip(*classes_of(name), strict=True):
        assert f"{value} % ({ends})" in told


def test_what_the_cards_say_of_the_hard_beats_is_in_the_benchmark() -> None:
    own = CARDS["classes"]
    assert "without record 232 54 / 51 %" in own.headline
    assert "without\n232 S is 54 / 51" in BENCHMARKS
    heard = "V 91.7 / 85.7{0}, S 46.5 / 45.5{0}, F 6.8 / 18.8{0}"
    assert heard.format(" %") in said("classes", "DS1 by networks")
    assert heard.format("") in BENCHMARKS
    assert "16 of 16 people" in said("classes", "the interval of n_veb")
    couplets = cells_of(BENCHMARKS.partition("| set | V Se / +P |")[2], "DS2")[2:4]
    assert f"V {couplets[0]} %, S {couplets[1]} %" in said("classes", "couplets")


def test_the_card_of_fibrillation_has_the_figures_of_the_benchmark() -> None:
    own, table = CARDS["af"], BENCHMARKS.partition("| set | records | AF, min of h |")[2]
    sensitivity, specificity = cells_of(table, "`mimic_perform_af`")[2:4]
    assert (
        f"mimic_perform_af, 25 records of 20 min, sensitivity {sensitivity}, specificity {specificity}," in own.headline
    )
    sensitivity = cells_of(table, "`cpsc2021`")[2]
    assert f"sensitivity {sensitivity.removesuffix(')')};" in said("af", "cpsc2021")
    assert f"{cells_of(table, '`nsrdb`')[4]} of the time called AF" in said("af", "nsrdb")


@pytest.mark.parametrize(("name", "begin"), [("DS2", "AF time, records not fitted on"), ("all", "MIT-BIH, 38 records")])
def test_the_card_of_fibrillation_has_the_figures_of_mitdb(name: str, begin: str) -> None:
    values = cells_of(BENCHMARKS.partition("| set | V Se / +P |")[2], name)[4].split(" / ")
    ends = cells_of(BENCHMARKS.partition("| set | V Se | V +P | S Se | S +P |")[2], name)[4:]
    for value, interval in zip(values, ends, strict=True):
        assert f"{value} % ({interval})" in said("af", begin)


def test_the_card_of_fibrillation_has_what_the_fit_wrote() -> None:
    own, weights = read_figures(FIBRILLATION)["left_out_afdb"], read_figures(FIBRILLATION)
    told = said("af", "5 records of the MIT-BIH Atrial Fibrillation")
    assert f"sensitivity {own['duration_sensitivity']} %, specificity {own['duration_specificity']} %" in told
    words = {"afdb_rr": "5 records", "cinc2017_validation": "182 strips", "mitdb": "21 records", "nsrdb": "7 records"}
    for folder, counted in words.items():
        assert counted.startswith(f"{weights['n_records'][folder]} ")
        assert counted in CARDS["af"].trained_on


def test_the_card_of_respiratory_events_has_the_figures_of_their_file() -> None:
    own = CARDS["apnea"]
    assert own.n_subjects == sum(found["n_subjects"] for found in MINUTES.values())
    for name, found in zip(("Apnea-ECG", "HuGCDN2014"), MINUTES.values(), strict=True):
        accuracy = with_interval(found["accuracy"], found["accuracy_95_interval"])
        assert f"{accuracy} on {name}, majority {found['majority_accuracy']:.3f}" in own.headline
        told = said("apnea", f"{name} likewise")
        for key, word in (("sensitivity", "sensitivity"), ("specificity", "specificity"), ("kappa", "kappa")):
            assert f"{word} {found[key]:.3f}" in told
        assert (
            f"AUC {with_interval(found['auc'], found['auc_95_interval'])}, calibration error {found['ece']:.3f}" in told
        )
        clock = found["clock"]
        assert told.endswith(f"accuracy {clock['accuracy']:.3f}, AUC {clock['auc']:.3f}")


def test_the_card_of_respiratory_events_has_the_figures_across_sets() -> None:
    told = said("apnea", "taught by the other set alone")
    for found in (each for of_source in read_figures(APNOEA)["across_sets"].values() for each in of_source.items()):
        if found[0] in MINUTES:
            own = found[1]
            accuracy = with_interval(own["accuracy"], own["accuracy_95_interval"])
            assert f"{accuracy}, AUC {own['auc']:.3f}" in told


def test_the_card_of_respiratory_events_has_the_figures_of_recordings() -> None:
    told = said("apnea", "recordings, AUC")
    for found in MINUTES.values():
        assert all(f"{question} {area:.3f}" in told for question, area in found["recordings"].items())
    by_share = [[f"{area:.3f}" for area in found["recordings_by_share"].values()] for found in MINUTES.values()]
    assert "; ".join(map(", ".join, by_share)) in told


def test_the_card_of_respiratory_events_has_the_figures_of_a_set_not_heard() -> None:
    told = said("apnea", "slpdb")
    stated = re.search(
        r"accuracy ([\d.]+) \(majority ([\d.]+)\), AUC ([\d.]+), mean AUC within a record ([\d.]+)", told
    )
    assert stated
    accuracy, majority, auc, within = map(float, stated.groups())
    in_percent = f"accuracy {100 * accuracy:.1f} % (majority {100 * majority:.1f} %), AUC {auc:.2f}"
    assert f"{in_percent}, mean\nAUC within a record {within:.2f}" in BENCHMARKS
