"""The fusion head: planted stages are told, a second opinion is weighed, what is missing is survived."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_nights import simulated
from staging_nights import asking_for, evidence_of, faulty_beats, irregular_beats, steady_beats

from holter2sleep.analyze import analyze_night
from holter2sleep.evaluate.stages import compare_stages, kappa
from holter2sleep.night import MERGED, SCHEMES, Hypnogram, Subject
from holter2sleep.recipe import load_recipe
from holter2sleep.sleep.staging import Evidence, Stager, get_stager, stage_sleep
from holter2sleep.sleep.staging.cards import read_card
from holter2sleep.sleep.staging.second_opinion import TOGETHER, SecondOpinion, agreed
from holter2sleep.sleep.staging.stage import _most_probable
from holter2sleep.training.staging import WEIGHTS

HOUR_S = 3600.0
FUSION = asking_for("fusion")


@pytest.fixture(scope="module")
def stager() -> Stager:
    return get_stager("fusion")


def beats_of(name: str, seed: int) -> tuple[Evidence, Hypnogram]:
    """Evidence from the true beats of a synthetic night, and its true stages."""
    truth = simulated(name, seed)
    recording = truth.recording
    facts = {"start": recording.start, "subject": recording.subject}
    return evidence_of(truth.beats.time_s, recording.duration_s, **facts), truth.hypnogram


def test_planted_stages_are_told_better_than_by_the_clock() -> None:
    counts = {"fusion": np.zeros((3, 3), np.int64), "clock": np.zeros((3, 3), np.int64)}
    for name, seed in (("healthy", 1), ("apnea", 1)):
        evidence, truth = beats_of(name, seed)
        for stager, total in counts.items():
            found, _ = stage_sleep(evidence, asking_for(stager))
            total += compare_stages(truth, coarse(found)).counts
    assert kappa(counts["fusion"]) > kappa(counts["clock"]) + 0.1


def coarse(hypnogram: Hypnogram) -> Hypnogram:
    """W, NREM, R."""
    letters = [MERGED["CARDIO3"].get(letter, letter) for letter in hypnogram.stage.tolist()]
    return Hypnogram(hypnogram.grid, np.array(letters), "CARDIO3", hypnogram.scorer)


def test_letters_merge_to_the_most_probable_coarser_class(stager: Stager) -> None:
    evidence = evidence_of(steady_beats(4 * HOUR_S), 4 * HOUR_S)
    hypnogram, _ = stage_sleep(evidence, FUSION)
    assert hypnogram.proba is not None
    three = np.column_stack([hypnogram.proba[:, columns].sum(axis=1) for columns in TOGETHER])
    known = hypnogram.stage != "U"
    merged = coarse(hypnogram).stage[known]
    assert (merged == np.array(SCHEMES["CARDIO3"])[three[known].argmax(axis=1)]).all()


def test_sleep_divided_among_four_stages_is_not_wake() -> None:
    proba = np.array([[0.3, 0.2, 0.25, 0.05, 0.2], [0.6, 0.1, 0.1, 0.1, 0.1], [0.1, 0.2, 0.25, 0.4, 0.05]], "f4")
    assert _most_probable(proba, "AASM5").tolist() == ["N2", "W", "N2"]  # light sleep 0.45 before N3 0.4
    assert _most_probable(np.array([[0.3, 0.3, 0.4, 0.0]], "f4"), "CARDIO4").tolist() == ["N3"]
    assert _most_probable(np.full((1, 3), np.nan, "f4"), "CARDIO3").tolist() == ["U"]


def test_two_views_that_agree_stay_and_the_second_may_be_silent() -> None:
    own = np.array([[0.2, 0.1, 0.3, 0.1, 0.3], [0.2, 0.1, 0.3, 0.1, 0.3]], "f4")
    opinion = np.array([[0.2, 0.5, 0.3], [np.nan] * 3], "f4")
    np.testing.assert_allclose(agreed(own, opinion), own, atol=1e-6)


def test_both_views_count_the_same() -> None:
    own = np.array([[0.8, 0.02, 0.06, 0.02, 0.1]], "f4")
    opinion = np.array([[0.1, 0.8, 0.1]], "f4")
    found = agreed(own, opinion)[0]
    assert found[0] == pytest.approx(found[1:4].sum(), rel=1e-3)  # 0.8 and 0.1 against 0.1 and 0.8
    assert found[2] / found[1] == pytest.approx(3, rel=1e-3)


def test_false_beats_hardly_move_the_second_opinion() -> None:
    beat_s = steady_beats(4 * HOUR_S)
    false_s = beat_s[200::300] + 0.37  # one in 300: what a detector made of moderate noise
    opinion = SecondOpinion()
    clean, disturbed = (
        opinion.of(evidence_of(times_s, 4 * HOUR_S)) for times_s in (beat_s, np.sort(np.r_[beat_s, false_s]))
    )
    assert np.nanmean(np.abs(clean - disturbed)) < 0.05


def test_what_is_not_known_of_the_person_changes_little(stager: Stager) -> None:
    beat_s = steady_beats(6 * HOUR_S)
    known, _ = stager.stage(evidence_of(beat_s, 6 * HOUR_S))
    unknown, notes = stager.stage(evidence_of(beat_s, 6 * HOUR_S, start=None, subject=Subject()))
    assert np.nanmean(np.abs(known - unknown)) < 0.05
    assert notes == (
        "stages: the second opinion assumes a start at 22:30, an age of 60 years, either sex, for it is not known",
    )


def test_a_hole_is_without_stages_and_the_rest_is_not(stager: Stager) -> None:
    proba, _ = stager.stage(evidence_of(faulty_beats(4 * HOUR_S), 4 * HOUR_S))
    assert np.isnan(proba[190:270]).all()  # beats are missing from 5000 to 8700 s
    assert not np.isnan(proba[np.r_[0:160, 295:395, 410:470]]).any()


def test_irregular_beats_all_night_are_answered_with_doubt(stager: Stager) -> None:
    proba, _ = stager.stage(evidence_of(irregular_beats(6 * HOUR_S), 6 * HOUR_S))
    assert np.nanmean(proba.max(axis=1)) < 0.85


def test_twenty_beats_are_survived(stager: Stager) -> None:
    proba, _ = stager.stage(evidence_of(np.arange(20.0), 900.0))
    assert np.isnan(proba[10:]).all()


def test_the_card_states_the_figures_that_the_training_wrote() -> None:
    card = read_card("fusion")
    figures = json.loads((WEIGHTS / "fusion_figures.json").read_text())
    assert card.internal_kappa == figures["3_classes"]["kappa"]
    said = " ".join(card.figures)
    for n_classes in (2, 3, 4, 5):
        found = figures[f"{n_classes}_classes"]
        low, high = found["kappa_interval"]
        assert f"{n_classes} classes: kappa {found['kappa']:.3f} ({low:.3f} to {high:.3f})" in said
        assert found["kappa"] > found["clock_kappa"] + 0.1
        assert found["calibration_error"] <= 0.06
        of_found = figures["beats_found"][f"{n_classes}_classes"]
        assert (
            f"{n_classes} classes {of_found['kappa']:.3f}, calibration error {of_found['calibration_error']:.3f}"
            in said
        )
        of_waveform = figures["waveform"][f"{n_classes}_classes"]
        assert of_found["kappa"] > found["kappa"] - 0.03
        assert of_waveform["kappa"] > found["kappa"] - 0.03
        assert max(of_found["calibration_error"], of_waveform["calibration_error"]) <= 0.06
    below = [figures["3_classes"]["kappa"] - figures[way]["3_classes"]["kappa"] for way in ("waveform", "beats_found")]
    limits = " ".join(read_card("fusion-waveform").limits)
    assert "stands {:.3f} below given beats with three classes, fusion {:.3f}".format(*below) in limits
    curve = figures["3_classes"]["kappa_by_coverage"]
    assert ", ".join(f"{100 * float(share):.0f} % {value:.3f}" for share, value in curve.items()) in said
    assert curve["0.5"] > curve["1"]


def test_staging_loads_no_torch() -> None:
    code = (
        "import sys; from holter2sleep.sleep.staging import get_stager; get_stager('fusion');"
        "sys.exit(' '.join({'torch', 'sleepecg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"


@pytest.mark.realdata
def test_the_shipped_weights_stage_their_own_training_nights(shared_data: Path) -> None:
    from holter2sleep.io import read_recording
    from holter2sleep.io.hypnograms import read_hypnogram

    recording = read_recording(shared_data / "slpdb" / "slp32.ecg")
    night = analyze_night(recording, load_recipe("overnight", ("staging.stager=fusion",)))
    scored, _ = read_hypnogram(shared_data / "slpdb" / "slp32.st", night.grid, recording.wall_clock)
    assert kappa(compare_stages(scored, night.hypnogram).counts) > 0.3
