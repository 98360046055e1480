"""The exam every registered stager that needs no waveform inherits, and a head in a folder too."""

from __future__ import annotations

import numpy as np
import pytest
from made_heads import write_head
from staging_nights import asking_for, evidence_of, faulty_beats, irregular_beats, steady_beats

from holter2sleep.night import SCHEMES, Subject
from holter2sleep.sleep.staging import Evidence, Stager, get_stager, stage_sleep
from holter2sleep.sleep.staging.cards import read_card
from holter2sleep.sleep.staging.registry import STAGERS

HOUR_S = 3600.0


# The others are user-installed: they sit the exam in test_cardiosomnography.py.
OF_BEATS = [name for name in STAGERS if not read_card(name).needs_waveform]


@pytest.fixture(scope="module", params=[*OF_BEATS, "a head", "a head with an encoder"])
def name(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """By which the stager is asked for."""
    if request.param in OF_BEATS:
        return str(request.param)
    return str(write_head(tmp_path_factory.mktemp("head"), with_encoder=request.param != "a head"))


@pytest.fixture(scope="module")
def stager(name: str) -> Stager:
    return get_stager(name)


@pytest.fixture(scope="module")
def night() -> Evidence:
    return evidence_of(steady_beats(6 * HOUR_S), 6 * HOUR_S)


def answers(stager: Stager, evidence: Evidence) -> np.ndarray:
    """Probabilities, after the checks that hold for every answer."""
    proba, notes = stager.stage(evidence)
    assert proba.shape == (evidence.grid.n, len(SCHEMES[stager.card.scheme]))
    assert proba.dtype == np.float32
    assert all(isinstance(note, str) for note in notes)
    silent = np.isnan(proba).any(axis=1)
    assert np.isnan(proba[silent]).all()
    assert (proba[~silent] >= 0).all()
    assert proba[~silent].sum(axis=1) == pytest.approx(1, abs=1e-5)
    return proba


def test_a_whole_night_is_answered_from_end_to_end(stager: Stager, night: Evidence) -> None:
    proba = answers(stager, night)
    assert not np.isnan(proba[:-1]).any()  # the last epoch may end after the last beat


def test_the_same_night_gives_the_same_bytes_twice(stager: Stager, night: Evidence) -> None:
    assert answers(stager, night).tobytes() == answers(stager, night).tobytes()


def test_a_fresh_stager_gives_the_same_bytes(name: str, stager: Stager, night: Evidence) -> None:
    assert answers(get_stager(name), night).tobytes() == answers(stager, night).tobytes()


def test_unusable_epochs_are_unscored(name: str) -> None:
    evidence = evidence_of(steady_beats(2 * HOUR_S), 2 * HOUR_S, unusable_epochs=slice(40, 90))
    rules = asking_for(name)
    hypnogram, _ = stage_sleep(evidence, rules)
    assert (hypnogram.stage[40:90] == "U").all()
    assert hypnogram.proba is not None
    assert np.isnan(hypnogram.proba[40:90]).all()
    assert (hypnogram.stage[:40] != "U").all()


def test_nothing_known_of_person_or_clock_still_gives_stages(stager: Stager) -> None:
    evidence = evidence_of(steady_beats(HOUR_S), HOUR_S, start=None, subject=Subject())
    assert not np.isnan(answers(stager, evidence)[:-1]).any()


@pytest.mark.parametrize("minutes", [3, 20])
def test_short_beat_files_are_answered(stager: Stager, minutes: int) -> None:
    evidence = evidence_of(steady_beats(60.0 * minutes), 60.0 * minutes)
    assert not np.isnan(answers(stager, evidence)[:-1]).any()


@pytest.mark.parametrize("beat_s", [[], [12.0], [12.0, 13.0]], ids=["none", "one", "two"])
def test_hardly_any_beat_is_survived(stager: Stager, beat_s: list[float]) -> None:
    answers(stager, evidence_of(np.array(beat_s), 900.0))


def test_no_usable_beat_at_all_is_a_night_without_stages(name: str) -> None:
    evidence = evidence_of(steady_beats(900.0), 900.0, unusable_epochs=slice(None))
    hypnogram, _ = stage_sleep(evidence, asking_for(name))
    assert (hypnogram.stage == "U").all()


def test_a_night_of_irregular_intervals_is_answered(stager: Stager) -> None:
    proba = answers(stager, evidence_of(irregular_beats(6 * HOUR_S), 6 * HOUR_S))
    assert not np.isnan(proba[:-1]).any()


def test_an_hour_without_beats_leaves_the_rest_answered(stager: Stager) -> None:
    proba = answers(stager, evidence_of(faulty_beats(4 * HOUR_S), 4 * HOUR_S))
    far_from_the_hole = np.r_[0:150, 310:380]
    assert not np.isnan(proba[far_from_the_hole]).any()


def test_the_card_names_data_licence_and_limits(stager: Stager) -> None:
    card = stager.card
    assert card.scheme in SCHEMES
    assert card.title
    assert card.trained_on
    assert card.licence
    assert card.source
    assert card.limits
    assert (card.external_kappa is None) == (card.external_cohort is None)
    assert (card.internal_kappa is None) == (card.internal_cohort is None)
