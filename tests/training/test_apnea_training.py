"""The script that fits the respiratory networks and trees: what it hears, and that the package computes the same."""

from __future__ import annotations

import csv
import dataclasses
import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from apnea_nights import beats_with_cycles, rr_with_cycles
from made_annotations import write_annotations
from made_nights import RECIPE, nn_of

from holter2sleep.autonomic.apnea import AHI, CALIBRATION, read_parts
from holter2sleep.autonomic.apnea_net import logits
from holter2sleep.autonomic.apnea_series import CHANNELS, PER_EPOCH, apnea_series
from holter2sleep.autonomic.apnea_trees import trees_logits
from holter2sleep.errors import UsageError
from holter2sleep.night import NN
from holter2sleep.training import apnea, apnea_net, apnea_trees, apnea_warped
from holter2sleep.training.apnea_data import folds_by_subject, intervals_of_rr, read_apnea_ecg, read_hugcdn
from holter2sleep.training.apnea_figures import SCORES, figures, minutes_of, of_recordings

RNG = np.random.default_rng(0)
HOURS = 0.5
FACTS = {"a01": "51 M 175 102", "a02": "51 M 175 102", "a03": "40 F 160 70", "b01": "44 F 170 63", "c01": "31 M 184 74"}


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Half an hour of each record, the second half with apnoeas in the ill."""
    apnea_ecg, hugcdn = tmp_path_factory.mktemp("apnea-ecg"), tmp_path_factory.mktemp("hugcdn")
    rows = []
    for seed, (name, person) in enumerate(FACTS.items()):
        ill = name[0] == "a"
        beats = beats_with_cycles(HOURS, 900.0 if ill else np.inf, seed=seed)
        write_annotations(apnea_ecg / f"{name}.qrs", [(t, "N") for t in beats.time_s], n_samples=180_000)
        marks = [(60.0 * m, "A" if ill and m >= 15 else "N") for m in range(30)]
        write_annotations(apnea_ecg / f"{name}.apn", marks, n_samples=180_000)
        rows.append(f"{name} 30 15 15 1 1 1 {40.0 if ill else 0.0} {person}")
    write_annotations(apnea_ecg / "a01er.apn", [(0.0, "A")])
    (apnea_ecg / "additional-information.txt").write_text("Record Length ...\n" + "\n".join(rows) + "\n")
    for seed, name in enumerate(("C1", "C2", "D1", "D2", "ND1")):
        rr_s = rr_with_cycles(HOURS, np.inf if name[0] == "C" else 900.0, seed=10 + seed)
        label = np.zeros(31, np.uint8) if name[0] == "C" else (np.arange(31) >= 15).astype(np.uint8)
        np.savez(hugcdn / f"{name}.npz", rr_ms=(1000 * rr_s).astype(np.float32), apnea_per_minute=label)
    return apnea_ecg, hugcdn


def test_each_night_is_read_once_and_people_are_told_by_their_facts(sets: tuple[Path, Path]) -> None:
    nights = read_apnea_ecg(sets[0], RECIPE.nn)
    assert [night.name for night in nights] == sorted(FACTS)
    assert [night.subject for night in nights] == ["a01", "a01", "a03", "b01", "c01"]
    assert nights[0].target.tolist() == [0.0] * 30 + [1.0] * 30
    assert [night.ahi_per_h for night in nights] == [40.0, 40.0, 40.0, 0.0, 0.0]


def test_groups_are_read_from_the_names(sets: tuple[Path, Path]) -> None:
    nights = read_hugcdn(sets[1], RECIPE.nn)
    assert [night.group for night in nights] == ["C", "C", "D", "D", "ND"]
    assert len(nights[0].target) == 62


def test_a_break_of_the_series_is_no_interval() -> None:
    for intervals in intervals_of_rr(np.array([0.8] * 30 + [np.nan] + [0.9] * 30), RECIPE.nn):
        assert len(intervals) == 60
        assert intervals.adjacent.sum() == 58
        assert intervals.end_s[-1] == pytest.approx(51.0)


def test_judges_are_taught_by_mended_intervals() -> None:
    nn, mended = intervals_of_rr(np.array([0.8] * 30 + [1.6] + [0.8] * 30), RECIPE.nn)
    assert len(nn) == 60
    assert len(mended) == 62
    np.testing.assert_allclose(mended.nn_ms, 800.0)


def test_folders_without_nights_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Apnea-ECG"):
        read_apnea_ecg(tmp_path, RECIPE.nn)
    with pytest.raises(UsageError, match="HuGCDN2014"):
        read_hugcdn(tmp_path, RECIPE.nn)


def test_a_subject_is_in_one_fold(sets: tuple[Path, Path]) -> None:
    nights = [*read_apnea_ecg(sets[0], RECIPE.nn), *read_hugcdn(sets[1], RECIPE.nn)]
    folds = folds_by_subject(nights, 3, seed=0)
    assert set(folds) == {night.subject for night in nights}
    assert set(folds.values()) == {0, 1, 2}
    assert folds == folds_by_subject(nights, 3, seed=0)


def test_a_piece_keeps_its_labels_with_its_swings(sets: tuple[Path, Path]) -> None:
    night = read_apnea_ecg(sets[0], RECIPE.nn)[0]
    labelled = apnea_net.Labelled("x", apnea_series(night.nn, 60), night.target)
    course = apnea_net.Course(length=60, hidden_size=0.0)
    ill, well = [], []
    for _ in range(20):
        series, target = apnea_net.piece(labelled, course, RNG)
        size = np.abs(series[CHANNELS.index("swing")]).reshape(60, PER_EPOCH).mean(axis=1)
        ill.append(size[target == 1])
        well.append(size[target == 0])
    assert np.median(np.concatenate(ill)) > 2 * np.median(np.concatenate(well))


def test_the_network_in_torch_is_that_of_the_package() -> None:
    torch.manual_seed(0)
    net = apnea_net.Net(apnea_net.Course(), 2).eval()
    series = RNG.normal(size=(len(CHANNELS), 50 * PER_EPOCH)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(series)[None])[0].numpy()
    weights = {name: weight.numpy().T for name, weight in net.state_dict().items()}
    np.testing.assert_allclose(logits(weights, series), expected, atol=2e-5)


def test_the_same_seed_gives_the_same_weights() -> None:
    night = apnea_net.Labelled("x", apnea_series(nn_of([900.0] * 2000), 60), np.zeros(60, np.float32))
    once, again = (apnea_net.fit([night], apnea_net.Course(steps=2, batch=2)) for _ in range(2))
    assert all((once[name] == again[name]).all() for name in once)


def labelled_by_a_rule(source: str, n: int) -> apnea_trees.Measured:
    """Measures of which two in product, and a third, make the label."""
    measures = np.random.default_rng(n).normal(size=(n, 8)).astype(np.float32)
    target = (measures[:, 0] * measures[:, 1] + measures[:, 2] > 0).astype(np.float32)
    return apnea_trees.Measured(source, measures, np.repeat(target[::2], 2))


def test_the_trees_of_the_package_are_those_of_scikit_learn() -> None:
    night, growth = labelled_by_a_rule("x", 3000), apnea_trees.Growth(trees=20, least=20)
    model = apnea_trees.grown([night], growth, seed=0)
    trees = apnea_trees.exported(model)
    np.testing.assert_allclose(trees_logits(trees, night.measures), model.decision_function(night.measures), atol=1e-5)
    asked = np.unique(trees["threshold"])
    assert len(asked) > 50
    at_thresholds = np.stack([asked, np.nextafter(asked, np.float32(np.inf))]).reshape(-1, 1) * np.ones(8, np.float32)
    np.testing.assert_allclose(trees_logits(trees, at_thresholds), model.decision_function(at_thresholds), atol=1e-5)


def test_trees_of_nights_that_teach_nothing_say_how_many_minutes_are_respiratory() -> None:
    target = np.repeat(np.arange(200) % 4 == 0, 2).astype(np.float32)
    night = apnea_trees.Measured("x", np.zeros((400, 3), np.float32), target)
    said = trees_logits(apnea_trees.fit_trees([night], apnea_trees.Growth(trees=3), seed=0), night.measures)
    np.testing.assert_allclose(said, np.log(0.25 / 0.75), atol=1e-5)


def test_trees_give_each_set_the_same_say() -> None:
    """Of one set all minutes are respiratory, of another, ten times larger, none: even odds."""
    large = apnea_trees.Measured("large", np.zeros((4000, 3), np.float32), np.zeros(4000, np.float32))
    small = apnea_trees.Measured("small", np.zeros((400, 3), np.float32), np.ones(400, np.float32))
    said = trees_logits(apnea_trees.fit_trees([large, small], apnea_trees.Growth(trees=3), seed=0), small.measures)
    np.testing.assert_allclose(said, 0.0, atol=1e-5)


def test_the_same_seed_grows_the_same_trees() -> None:
    night, growth = labelled_by_a_rule("x", 1000), apnea_trees.Growth(trees=3, least=20)
    once, again, other = (apnea_trees.fit_trees([night], growth, seed) for seed in (1, 1, 2))
    assert all((once[name] == again[name]).all() for name in once)
    assert (once["measure"] != other["measure"]).any()


def test_calibration_takes_back_overconfidence(sets: tuple[Path, Path]) -> None:
    nights = read_hugcdn(sets[1], RECIPE.nn)
    said = {night.name: np.where(RNG.random(62) < 0.8, 1, -1) * (2 * night.target - 1) * 8.0 for night in nights}
    found = apnea.fit_calibration(nights, said)
    assert 8 * found["scale"][0] == pytest.approx(np.log(0.8 / 0.2), abs=0.3)


def test_calibration_is_at_its_optimum_and_each_set_has_the_same_say(sets: tuple[Path, Path]) -> None:
    """Of log odds +-8 that are right in a share p, the best scale makes them ln(p / (1 - p)): one set beside three."""
    one = read_hugcdn(sets[1], RECIPE.nn)[:1]
    others = [dataclasses.replace(one[0], source="other", name=f"o{i}", subject=f"o{i}") for i in range(3)]
    known = one[0].target >= 0
    right = np.ones(len(known))
    right[np.flatnonzero(known)[: known.sum() // 4]] = -1
    said = 8.0 * right * (2 * one[0].target - 1)
    alone = apnea.fit_calibration(one, {one[0].name: said})["scale"][0]
    share = (right[known] > 0).mean()
    assert 8 * alone == pytest.approx(np.log(share / (1 - share)), abs=1e-3)
    raw = {one[0].name: said, **{night.name: 8.0 * (2 * night.target - 1) for night in others}}
    both = apnea.fit_calibration([*one, *others], raw)["scale"][0]
    equal = (share + 1) / 2  # a quarter of one set wrong, none of the other
    assert 8 * both == pytest.approx(np.log(equal / (1 - equal)), abs=1e-3)


def test_figures_of_perfect_chances_are_perfect(sets: tuple[Path, Path]) -> None:
    nights = read_apnea_ecg(sets[0], RECIPE.nn)
    found = figures(nights, {night.name: night.target.astype(np.float64) for night in nights}, seed=0)
    assert found["apnea-ecg"]["accuracy"] == 1.0
    assert found["apnea-ecg"]["recordings"]["a against c"] == 1.0
    assert found["apnea-ecg"]["recordings_by_share"]["a against c"] == 1.0
    assert found["apnea-ecg"]["n_subjects"] == 4
    assert found["apnea-ecg"]["clock"]["accuracy"] < 1.0
    assert len(minutes_of(nights[0], np.zeros(60)).reference) == 30


def test_a_recording_is_told_by_its_mean_chance_and_by_the_share_that_is_called(sets: tuple[Path, Path]) -> None:
    """An ill night a quarter of which is called for sure, and a well one that is nearly called throughout."""
    nights = read_apnea_ecg(sets[0], RECIPE.nn)
    ill = {night.name: np.r_[np.ones(10), np.zeros(30)] for night in nights if night.group == "a"}
    chances = {night.name: ill.get(night.name, np.full(40, 0.49)) for night in nights}
    areas = [of_recordings(nights, chances, score)["a against c"] for score in SCORES.values()]
    assert areas == [0.0, 1.0]


def test_the_script_runs_from_folders_to_weights(
    sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apnea_net.Course, "batch", 2)
    monkeypatch.setattr(apnea, "Growth", lambda: apnea_trees.Growth(trees=2, bins=4))
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    out = tmp_path / "apnea.npz"
    argv = ["apnea", *map(str, sets), "--out", str(out), "--steps", "2", "--nets", "1"]
    monkeypatch.setattr(sys, "argv", argv)
    apnea.main()
    assert set(read_parts(out)) == {"net0", "trees0", CALIBRATION, AHI}
    figures_of_run = json.loads((tmp_path / "apnea_figures.json").read_text())
    assert figures_of_run["cross_validated"]["hugcdn2014"]["n_nights"] == 5
    assert "trained on apnea-ecg" in figures_of_run["across_sets"]
    with (tmp_path / "apnea_split.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 10


def test_a_warped_night_is_longer_and_swings_less_with_its_labels_in_place(sets: tuple[Path, Path]) -> None:
    night = read_apnea_ecg(sets[0], RECIPE.nn)[0]
    own = apnea_warped.warped(night, 1.15, 0.6)
    assert len(own.target) == 2 * int(1.15 * 30)
    assert own.mended.end_s[-1] == pytest.approx(1.15 * night.mended.end_s[-1])
    assert np.log(own.mended.nn_ms).std() == pytest.approx(0.6 * np.log(night.mended.nn_ms).std())
    assert np.median(own.mended.nn_ms) == pytest.approx(1.15 * np.median(night.mended.nn_ms))
    assert abs(int(np.argmax(own.target)) - 1.15 * np.argmax(night.target)) <= 1
    assert own.target.tolist() == sorted(own.target.tolist())


def test_a_night_warped_by_nothing_is_the_night(sets: tuple[Path, Path]) -> None:
    night = read_apnea_ecg(sets[0], RECIPE.nn)[0]
    own = apnea_warped.warped(night, 1.0, 1.0)
    np.testing.assert_allclose(own.mended.nn_ms, night.mended.nn_ms)
    assert own.target.tolist() == night.target.tolist()


def test_trees_hear_each_night_once_as_it_is_and_once_in_every_warp(sets: tuple[Path, Path]) -> None:
    nights = read_apnea_ecg(sets[0], RECIPE.nn)
    heard = apnea_warped.with_warped(nights)
    assert heard[: len(nights)] == nights
    assert len(heard) == len(nights) * (1 + len(apnea_warped.WARPS))


def test_a_night_without_intervals_is_warped_without_error(sets: tuple[Path, Path]) -> None:
    night = dataclasses.replace(read_apnea_ecg(sets[0], RECIPE.nn)[0], mended=NN.none())
    assert len(apnea_warped.warped(night, 1.15, 0.6).mended) == 0
