"""The scripts that fit the staging head: what is fitted is what the package computes, and nobody judges his own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from holter2sleep.errors import UsageError
from holter2sleep.evaluate.classes import CLASSES, UNKNOWN, merge_of, merged
from holter2sleep.sleep.staging.fusion import both_views, calibrated, stage_chances
from holter2sleep.sleep.staging.fusion_net import REACH, logits, standardised
from holter2sleep.training import staging
from holter2sleep.training.fusion import Course, FusionNet, TrainingNight, fit, piece, scale_of
from holter2sleep.training.semi_synthetic_nights import SHAPES
from holter2sleep.training.staging import (
    WAVE_DROPOUT,
    WEIGHTS,
    Answers,
    Material,
    check_course,
    digest,
    figures_left_out,
    fit_networks,
    staged,
    with_opinion,
)
from holter2sleep.training.staging_figures import beside, clock_left_out, figures_of
from holter2sleep.training.staging_nights import codes_of
from holter2sleep.training.staging_teachers import pooled
from holter2sleep.training.subject_split import FIT, read_split
from holter2sleep.training.temperature import calibrated_left_out, fit_temperature

N_FEATURES, N_DIMENSIONS = 4, 6


def night(subject: str, seed: int, n: int = 400, *, embedded: bool = False) -> TrainingNight:
    """A night whose first feature tells the stage; its second, and the embedding, hold nothing but noise."""
    rng = np.random.default_rng(seed)
    stage = np.repeat(rng.integers(0, 5, n // 20), 20)
    features = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    features[:, 0] += 2 * stage
    taught = np.full((n, 3), np.nan, np.float32)
    embedding = rng.normal(size=(n, N_DIMENSIONS)).astype(np.float32) if embedded else None
    return TrainingNight(subject, subject, features, stage, taught, embedding)


@pytest.mark.parametrize("embedded", [False, True], ids=["beats alone", "with an embedding"])
def test_numpy_computes_what_torch_does(embedded: bool) -> None:
    one = night("a", 0, embedded=embedded)
    features = one.features.copy()
    features[30:60] = np.nan  # beats missing
    embedding = one.embedding
    if embedding is not None:
        embedding = embedding.copy()
        embedding[50:90] = np.nan  # waveform missing, for a while both
    net = FusionNet(N_FEATURES, N_DIMENSIONS if embedded else 0, Course(1, 0)).eval()
    weights = {"mean": features[0] * 0 + 1, "sd": features[0] * 0 + 3}
    weights |= {name: array.numpy().T for name, array in net.state_dict().items()}
    with torch.inference_mode():
        expected = net(
            torch.from_numpy(standardised(weights, features))[None],
            torch.from_numpy(np.isfinite(features).any(axis=1))[None],
            None if embedding is None else torch.from_numpy(embedding)[None],
        )[0].numpy()
    np.testing.assert_allclose(logits(weights, features, embedding), expected, atol=2e-5)


def test_what_is_fitted_tells_the_stages_of_another_night() -> None:
    nights = [night(str(i), i) for i in range(6)]
    other = night("new", 99)
    found = stage_chances([fit(nights, [], Course(120, 0, dropout=0.0))], other.features)
    assert (found.argmax(axis=1) == other.stage).mean() > 0.8


def test_a_head_with_both_branches_works_without_either() -> None:
    nights = [night(str(i), i, embedded=True) for i in range(6)]
    nights = [
        TrainingNight(n.name, n.subject, n.features, n.stage, n.taught, (n.features @ np.ones((4, 6))).astype("f4"))
        for n in nights
    ]
    network = fit(nights, [], Course(150, 0, dropout=0.0))
    other = night("new", 99)
    embedding = (other.features @ np.ones((4, 6))).astype(np.float32)
    nothing = np.full_like(other.features, np.nan)
    for features, waves in ((other.features, None), (other.features, embedding), (nothing, embedding)):
        found = stage_chances([network], features, waves)
        assert (found.argmax(axis=1) == other.stage).mean() > 0.5  # chance: 0.2


def test_half_of_an_answer_with_a_waveform_is_that_of_the_beats() -> None:
    one = night("new", 99, embedded=True)
    networks = [fit([night("a", i, embedded=True)], [], Course(5, i)) for i in range(2)]
    alone, fused = stage_chances(networks, one.features), stage_chances(networks, one.features, one.embedding)
    assert not np.allclose(alone, fused, atol=1e-3)
    np.testing.assert_allclose(both_views(networks, one.features, one.embedding), (alone + fused) / 2, atol=1e-6)
    np.testing.assert_array_equal(both_views(networks, one.features, None), alone)


def test_teachers_alone_teach_their_classes() -> None:
    one = night("a", 0)
    nights = [night(str(i), i) for i in range(4)]
    three = np.eye(3, dtype=np.float32)[np.array([0, 1, 1, 1, 2])]
    taught = [TrainingNight(n.name, n.subject, n.features, n.stage, three[n.stage]) for n in nights]
    blank = TrainingNight("b", "b", nights[0].features, np.full(400, UNKNOWN), nights[0].taught)
    blank.stage[0] = 0  # a loss needs one
    found = merged(stage_chances([fit([blank], taught, Course(120, 0, dropout=0.0))], one.features), 3).argmax(axis=1)
    assert (found == np.array([0, 1, 1, 1, 2])[one.stage]).mean() > 0.8


def test_the_same_seed_gives_the_same_weights() -> None:
    once, again = (fit([night("a", 0)], [], Course(3, 1)) for _ in range(2))
    assert all((once[name] == again[name]).all() for name in once)


def test_a_piece_beyond_the_end_is_unknown() -> None:
    short = piece([night("a", 0, n=100)], np.random.default_rng(0))
    outside = np.isnan(short.features).all(axis=1)
    assert outside.sum() >= 320 - 100
    assert (short.stage[outside] == UNKNOWN).all()


def test_an_answer_hangs_on_half_an_hour_to_each_side_and_not_on_the_length_of_the_night() -> None:
    one = night("a", 0)
    weights = fit([one], [], Course(3, 0))
    whole, part = logits(weights, one.features), logits(weights, one.features[100:300])
    np.testing.assert_allclose(part[REACH:-REACH], whole[100 + REACH : 300 - REACH], atol=1e-5)


def test_a_feature_that_no_night_knows_says_nothing() -> None:
    features = np.ones((5, 2), np.float32)
    features[:, 1] = np.nan
    scale = scale_of([features])
    assert (scale["mean"][1], scale["sd"][1]) == (0.0, 1.0)
    assert all(array.dtype == np.float32 for array in scale.values())


def test_temperature_takes_back_overconfidence() -> None:
    rng = np.random.default_rng(0)
    stage = rng.integers(0, 5, 4000)
    said = np.where(rng.random(4000) < 0.6, stage, rng.integers(0, 5, 4000))
    chance = np.where(np.arange(5) == said[:, None], 0.96, 0.01).astype(np.float32)
    temperature = fit_temperature([chance], [stage])
    assert calibrated(chance, temperature).max(axis=1).mean() == pytest.approx((said == stage).mean(), abs=0.02)


def test_the_temperature_of_a_subject_comes_from_the_others() -> None:
    rng = np.random.default_rng(0)
    nights = [night(subject, i) for i, subject in enumerate("aab")]
    chances = [rng.dirichlet(np.ones(5), 400).astype(np.float32) for _ in nights]
    before = calibrated_left_out(nights, chances)
    turned = [TrainingNight("b", "b", nights[2].features, nights[2].stage[::-1].copy(), nights[2].taught)]
    after = calibrated_left_out([*nights[:2], *turned], chances)
    assert (before[2] == after[2]).all()  # his own stages do not matter
    assert not (before[0] == after[0]).all()


def test_pooled_teachers_are_neither_where_both_know_nothing() -> None:
    share = np.array([[0.12, 0.68, 0.20]])
    sure = np.array([[0.8, 0.1, 0.1]])
    np.testing.assert_allclose(pooled(sure, share), sure)
    np.testing.assert_allclose(pooled(share, share), share)


def test_merged_chances_are_sums() -> None:
    chance = np.array([[0.1, 0.2, 0.3, 0.25, 0.15]])
    np.testing.assert_allclose(merged(chance, 4), [[0.1, 0.5, 0.25, 0.15]])
    np.testing.assert_allclose(merged(chance, 3), [[0.1, 0.75, 0.15]])
    np.testing.assert_allclose(merged(chance, 2), [[0.1, 0.9]])


def test_figures_of_perfect_answers_are_one_and_the_floor_is_not() -> None:
    nights = [night(subject, i) for i, subject in enumerate("abcd")]
    figures = figures_of(nights, [np.eye(5)[n.stage] for n in nights], clock_left_out(nights))
    for n_classes in CLASSES:
        found = figures[f"{n_classes}_classes"]
        assert found["kappa"] == 1.0
        assert found["kappa_interval"] == [1.0, 1.0]
        assert found["calibration_error"] == 0.0
        assert found["clock_kappa"] < 0.2


def test_letters_outside_the_scheme_are_unknown() -> None:
    assert codes_of(np.array(["W", "U", "R", "N3", "L", "NREM"])).tolist() == [0, UNKNOWN, 4, 3, 5, 6]


def test_who_is_left_out_is_so_with_given_and_with_found_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    given, found, again = ([night(s, i) for s in "abc"] for i in range(3))
    material = Material(given, found, again, [], [], [], [], [], (), ())
    seen: list[list[str]] = []
    monkeypatch.setattr(staging, "fit", lambda nights, *_: seen.append([one.subject for one in nights]))
    fit_networks(material, 1, 0, without="b")
    fit_networks(material, 1, 0)
    assert seen == [["a", "c"] * 4, ["a", "b", "c"] * 4]


def test_pieces_of_given_beats_are_as_frequent_as_those_of_all_waveforms() -> None:
    given, found, again = ([night(s, i) for s in "ab"] for i in (0, 1, 2))
    scored = Material(given, found, [*again, *again], [], [], [], [], [], (), ()).scored
    assert len(scored) == 12
    assert sum(any(one is each for each in given) for one in scored) == 6


def test_a_control_that_is_held_back_is_so_in_its_waveform_too() -> None:
    taught, found = ([night(s, i) for s in "abc"] for i in (0, 1))
    material = Material([], [], [], [], taught, found, [], [], (), ()).without_taught([night("b", 7)])
    assert (material.taught, material.taught_found) == ([taught[0], taught[2]], [found[0], found[2]])


def test_networks_are_taught_on_controls_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    given, taught, found = ([night(s, i)] for i, s in enumerate("aab"))
    seen: list[tuple[list[TrainingNight], Course]] = []
    monkeypatch.setattr(staging, "fit", lambda _, nights, course, __: seen.append((nights, course)))
    fit_networks(Material(given, given, [], [], taught, found, [], [], (), ()), 2, 5)
    assert [nights for nights, _ in seen] == [[*taught, *found]] * 2
    assert [(course.seed, course.wave_dropout) for _, course in seen] == [(5, WAVE_DROPOUT), (6, WAVE_DROPOUT)]


def test_numbers_of_an_embedding_are_dropped_out_as_the_course_says() -> None:
    net = FusionNet(N_FEATURES, N_DIMENSIONS, Course(1, 0, dropout=0.2, wave_dropout=0.7))
    assert (net.dropout.p, net.dropout_wave.p) == (0.2, 0.7)
    nothing = torch.zeros(1, 50, N_FEATURES), torch.zeros(1, 50, dtype=torch.bool)
    waves = torch.ones(1, 50, N_DIMENSIONS)
    net.dropout_channels.p, net.dropout.p = 0.0, 0.0
    assert not torch.allclose(net(*nothing, waves), net(*nothing, waves))  # drawn anew each time
    net.dropout_wave.p = 0.0
    torch.testing.assert_close(net(*nothing, waves), net(*nothing, waves))


def test_a_left_out_night_is_staged_as_the_stager_does() -> None:
    one = night("a", 0, embedded=True)
    half = dataclasses.replace(one, embedding=one.embedding.astype(np.float16))
    networks = [fit([one], [], Course(3, 1))]
    expected = both_views(networks, half.features, half.embedding.astype(np.float32))
    np.testing.assert_array_equal(staged(networks, half), expected)
    assert not np.allclose(expected, staged(networks, dataclasses.replace(half, embedding=None)), atol=1e-3)


def test_beats_alone_are_so_in_every_part() -> None:
    parts = [[night("a", i, embedded=True)] for i in range(3)]
    material = Material([], parts[0], parts[1], [], [], parts[2], [], [], (), ()).beats_alone
    shown = [*material.found, *material.found_again, *material.taught_found]
    assert [one.embedding for one in shown] == [None, None, None]


def judged_material(*, embedded: bool) -> Material:
    """Four people, whose nights are known from given and from found beats; nobody has a second opinion."""
    given, found = (
        [night(s, i) for i, s in enumerate("abcd")],
        [night(s, i, embedded=embedded) for i, s in enumerate("abcd")],
    )
    silent = [np.full((len(one.stage), 3), np.nan, np.float32) for one in (*given, *found)]
    return Material(given, found, [], silent, [], [], [], [], (), ())


def test_a_folder_with_folds_of_another_course_is_refused(tmp_path: Path) -> None:
    check_course(tmp_path, {"seed": 0, "encoder": None})
    check_course(tmp_path, {"seed": 0, "encoder": None})
    with pytest.raises(UsageError, match="give a folder of its own"):
        check_course(tmp_path, {"seed": 1, "encoder": None})


def test_nights_with_a_changed_feature_have_another_digest() -> None:
    own = [night("a", 0), night("b", 1)]
    changed = own[1].features + np.float32(1e-3)
    assert digest(own) == digest([night("a", 0), night("b", 1)])
    assert digest(own) != digest([own[0], dataclasses.replace(own[1], features=changed)])


def figures_of_answers(material: Material, own: Answers) -> dict:
    return figures_left_out(material, own, with_opinion(material, own))


def test_found_nights_are_judged_with_the_waveform_and_without() -> None:
    ways = judged_material(embedded=True).ways
    assert list(ways) == ["beats_given", "beats_found", "waveform"]
    assert all(one.embedding is None for one in ways["beats_found"])
    assert all(one.embedding is not None for one in ways["waveform"])
    assert list(judged_material(embedded=False).ways) == ["beats_given", "beats_found"]


def test_figures_tell_what_the_waveform_brings() -> None:
    material = judged_material(embedded=True)
    right = [np.eye(5, dtype=np.float32)[one.stage] for one in material.found]
    wrong = [np.full((len(one.stage), 5), 0.2, np.float32) for one in material.found]
    figures = figures_of_answers(material, {"beats_given": right, "beats_found": wrong, "waveform": right})
    assert figures["waveform"]["5_classes"]["kappa"] == figures["5_classes"]["kappa"] == 1.0
    assert figures["beats_found"]["5_classes"]["kappa"] == 0.0
    for n_classes in CLASSES:
        found = figures["waveform_more"][f"{n_classes}_classes"]
        assert found == {"kappa": 0.0, "ours_more": 1.0, "interval": [1.0, 1.0]}
    alone = figures_of_answers(judged_material(embedded=False), {"beats_given": right, "beats_found": right})
    assert not {"waveform", "waveform_more"} & set(alone)


def test_the_second_opinion_on_a_night_is_that_on_its_beats() -> None:
    material = judged_material(embedded=True)
    ours = [object() for _ in range(8)]
    told = dataclasses.replace(material, opinions=ours)
    assert told.opinion_on("beats_given") == ours[:4]
    assert told.opinion_on("beats_found") == told.opinion_on("waveform") == ours[4:]


def test_an_embedding_of_another_width_is_refused() -> None:
    both = fit([night("a", 0, embedded=True)], [], Course(3, 1))
    beats = fit([night("a", 0)], [], Course(3, 1))
    one = night("b", 1, embedded=True)
    assert one.embedding is not None
    with pytest.raises(ValueError, match="embedding of 5 numbers an epoch, the network was taught with 6"):
        logits(both, one.features, one.embedding[:, :5])
    with pytest.raises(ValueError, match="embedding of 6 numbers an epoch, the network was taught with 0"):
        logits(beats, one.features, one.embedding)


def test_no_subject_is_both_scored_and_taught() -> None:
    split = json.loads((WEIGHTS / "fusion_split.json").read_text())
    assert len(set(split["scored"].values())) == 11
    assert not set(split["scored"]) & set(split["taught"])


def test_the_encoder_has_learned_from_no_man_and_no_shape_that_the_head_is_judged_on() -> None:
    split = json.loads((WEIGHTS / "fusion_split.json").read_text())
    learned = set(read_split(Path(staging.__file__).with_name("encoder_split.csv")).names(FIT))
    assert len(learned) > 100
    assert not learned & {*SHAPES, *split["scored"], *split["scored"].values()}


def test_weights_are_small() -> None:
    assert (WEIGHTS / "fusion.npz").stat().st_size < 1 << 20


def test_a_better_stager_has_more_kappa_than_another_on_the_same_nights() -> None:
    nights = [night(subject, i) for i, subject in enumerate("abcd")]
    right = [np.eye(5, dtype=np.float32)[n.stage] for n in nights]
    three = [np.eye(3, dtype=np.float32)[np.array(merge_of(CLASSES[5], 3))[n.stage]] for n in nights]
    wrong = [np.full((len(n.stage), 3), 1 / 3, np.float32) for n in nights]
    assert beside(nights, right, three) == {"kappa": 1.0, "ours_more": 0.0, "interval": [0.0, 0.0]}
    assert beside(nights, right, wrong) == {"kappa": 0.0, "ours_more": 1.0, "interval": [1.0, 1.0]}
