"""Fit the networks and trees that find apnoeas in the beats: `python -m holter2sleep.training.apnea APNEA_ECG HUGCDN`.

APNEA_ECG is the folder of the Apnea-ECG Database (PhysioNet, ODC-BY 1.0), HUGCDN that of the RR series of HuGCDN2014
(CC BY 4.0). Both are fitted to five folds of subjects first, each judging the subjects it has not heard; these
chances give the figures, the calibration and the regression of the apnoea-hypopnoea index. Then the networks and trees
that are shipped are fitted to all. Nothing is chosen on the way.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from holter2sleep.autonomic.ahi import fit_ahi
from holter2sleep.autonomic.apnea import AHI, CALIBRATION, NETWORK, TREES, WEIGHTS, calibrated, mean_logits
from holter2sleep.autonomic.apnea_measures import apnea_measures
from holter2sleep.autonomic.apnea_series import Series, apnea_series
from holter2sleep.heart.weights import Arrays, joined, write_weights
from holter2sleep.night import Float
from holter2sleep.recipe import load_recipe
from holter2sleep.training.apnea_data import APNEA_ECG, ScoredNight, folds_by_subject, read_apnea_ecg, read_hugcdn
from holter2sleep.training.apnea_figures import alignment, figures
from holter2sleep.training.apnea_net import Course, Labelled, fit
from holter2sleep.training.apnea_trees import Growth, Measured, fit_trees
from holter2sleep.training.apnea_warped import with_warped

log = logging.getLogger(__name__)

N_FOLDS = 5
LOG_SCALES = (-3.0, 3.0)  # within which the scale of the calibration lies

Parts = dict[str, Arrays]  # networks and trees by name
Raw = Mapping[str, Float]  # log odds of a night's epochs by its name, before calibration


def main() -> None:
    """Write the weights, the split and the figures where the package keeps them, or to `--out`."""
    options = _arguments()
    rules = load_recipe().nn
    nights = [*read_apnea_ecg(options.apnea_ecg, rules), *read_hugcdn(options.hugcdn, rules)]
    if options.by_record:
        nights = [dataclasses.replace(night, subject=night.name) for night in nights]
    course = Course(steps=options.steps, seed=options.seed)
    folds = folds_by_subject(nights, N_FOLDS, options.seed)
    raw = cross_validated(nights, folds, course, options.nets)
    found = {"cross_validated": figures(nights, chances_across(nights, folds, raw), options.seed)}
    if not options.by_record:
        found["across_sets"] = across_sets(nights, course, options.nets, options.seed)
        parts = fit_all(nights, course, options.nets)
        write_weights(options.out, as_kept(joined(**shipped(nights, raw, parts))))
        write_split(options.out.with_name("apnea_split.csv"), nights, folds)
    name = "apnea_by_record.json" if options.by_record else "apnea_figures.json"
    options.out.with_name(name).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("apnea_ecg", type=Path)
    parser.add_argument("hugcdn", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument(
        "--by-record", action="store_true", help="only figures, with a person's nights in several folds"
    )
    for name, value in {"nets": 3, "steps": Course.steps, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    return parser.parse_args()


def fit_all(nights: Sequence[ScoredNight], course: Course, n_nets: int) -> Parts:
    """Networks, and trees, of different seeds, all fitted to the same nights; the trees to warped ones too."""
    labelled = [Labelled(night.source, _series(night), night.target) for night in nights]
    measured = [Measured(night.source, apnea_measures(_series(night)), night.target) for night in with_warped(nights)]
    seeds = [course.seed + 100 * i for i in range(n_nets)]
    networks = {f"{NETWORK}{i}": fit(labelled, dataclasses.replace(course, seed=seed)) for i, seed in enumerate(seeds)}
    return {**networks, **{f"{TREES}{i}": fit_trees(measured, Growth(), seed) for i, seed in enumerate(seeds)}}


def _series(night: ScoredNight) -> Series:
    return apnea_series(night.mended, len(night.target))


def cross_validated(nights: Sequence[ScoredNight], folds: Mapping[str, int], course: Course, n_nets: int) -> Raw:
    """Log odds of every night by networks and trees that have heard none of its subject."""
    raw: dict[str, Float] = {}
    for fold in sorted(set(folds.values())):
        log.info("fold %d", fold)
        heard = [night for night in nights if folds[night.subject] != fold]
        parts = fit_all(heard, dataclasses.replace(course, seed=course.seed + fold), n_nets)
        raw |= judged([night for night in nights if folds[night.subject] == fold], parts)
    return raw


def judged(nights: Sequence[ScoredNight], parts: Parts) -> Raw:
    """Mean log odds of each night's epochs."""
    return {night.name: mean_logits(parts, night.mended, len(night.target)) for night in nights}


def chances_across(nights: Sequence[ScoredNight], folds: Mapping[str, int], raw: Raw) -> Raw:
    """Chances of each night, calibrated on the nights of the other folds."""
    chances: dict[str, Float] = {}
    for fold in sorted(set(folds.values())):
        calibration = fit_calibration([night for night in nights if folds[night.subject] != fold], raw)
        own = [night.name for night in nights if folds[night.subject] == fold]
        chances |= {name: calibrated(raw[name], calibration) for name in own}
    return chances


def across_sets(nights: Sequence[ScoredNight], course: Course, n_nets: int, seed: int) -> dict[str, object]:
    """Figures of the nights of the other set, by what was fitted to one; the chances are not calibrated."""
    found: dict[str, object] = {}
    for source in sorted({night.source for night in nights}):
        heard = [night for night in nights if night.source == source]
        others = [night for night in nights if night.source != source]
        raw = judged(others, fit_all(heard, course, n_nets))
        plain = {"scale": np.ones(1, np.float32)}
        chances = {name: calibrated(each, plain) for name, each in raw.items()}
        found[f"trained on {source}"] = {**figures(others, chances, seed), "alignment": alignment(others, raw)}
    return found


def fit_calibration(nights: Sequence[ScoredNight], raw: Raw) -> dict[str, NDArray[np.float32]]:
    """Scale of the log odds by maximum likelihood, each data set with the same say (Guo 2017, temperature scaling).

    No shift: the two sets are labelled by different customs, and one shift for both makes both worse.
    """
    x, y, weight = (np.concatenate(column) for column in zip(*_weighted(nights, raw), strict=True))

    def loss(log_scale: float) -> float:
        odds = np.exp(log_scale) * x
        return float((weight * (np.logaddexp(0.0, odds) - y * odds)).sum())

    found = minimize_scalar(loss, bounds=LOG_SCALES, method="bounded", options={"xatol": 1e-6})
    return {"scale": np.exp([found.x]).astype(np.float32)}


def _weighted(nights: Sequence[ScoredNight], raw: Raw) -> list[tuple[Float, NDArray[np.float32], Float]]:
    length = {source: sum(len(n.target) for n in nights if n.source == source) for source in {n.source for n in nights}}
    return [
        (raw[night.name], night.target, np.full(len(night.target), len(nights) / length[night.source]))
        for night in nights
    ]


def shipped(nights: Sequence[ScoredNight], raw: Raw, parts: Parts) -> dict[str, Arrays]:
    """The networks and trees with the calibration and the regression of the index, both from nights not heard."""
    calibration = fit_calibration(nights, raw)
    known = [night for night in nights if night.source == APNEA_ECG]
    share = np.array([calibrated(raw[night.name], calibration).mean() for night in known])
    ahi: Arrays = fit_ahi(share, np.array([night.ahi_per_h for night in known]), [night.subject for night in known])
    return {**parts, CALIBRATION: calibration, AHI: ahi}


def as_kept(arrays: Arrays) -> Arrays:
    """Weights of networks in half precision; all else stays as it is."""
    return {name: array.astype(np.float16) if name.startswith(NETWORK) else array for name, array in arrays.items()}


def write_split(path: Path, nights: Sequence[ScoredNight], folds: Mapping[str, int]) -> None:
    """Which fold of the cross-validation each night was in."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["set", "record", "subject", "fold"])
        rows.writerows([night.source, night.name, night.subject, folds[night.subject]] for night in nights)


if __name__ == "__main__":
    main()
