"""Respiratory events, cyclic variation and surges on scored nights: `python -m benchmarks.apnea DATA`.

DATA holds `apnea-ecg`, `hugcdn2014_rr` and `slpdb`. The shipped networks and trees were fitted to the first two: what
they reach there is development, and what counts is the cross-validated table, which the training script has stored
beside the weights. slpdb (R&K epochs of 30 s with event marks; 11 men) was heard by none of them. The limits of surges
were chosen on it, those of cyclic variation on apnea-ecg.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from holter2sleep.analyze import analyze_night
from holter2sleep.autonomic.apnea import CALIBRATION, WEIGHTS, calibrated, mean_logits, read_parts
from holter2sleep.autonomic.cvhr import find_cvhr
from holter2sleep.evaluate.minutes import auc
from holter2sleep.evaluate.stages import accuracy
from holter2sleep.io.annotations import read_annotations
from holter2sleep.io.beatfiles import read_beat_recording
from holter2sleep.night import EPOCH_S, Bool, Float, Night, Text
from holter2sleep.recipe import Recipe, load_recipe
from holter2sleep.training.apnea_data import ScoredNight, read_apnea_ecg, read_hugcdn
from holter2sleep.training.apnea_figures import figures

FIGURES = (WEIGHTS.with_name("apnea_figures.json"), WEIGHTS.with_name("apnea_by_record.json"))
# README.st of slpdb
RESPIRATORY = {"H", "HA", "OA", "X", "CA", "CAA"}
AROUSAL = {"HA", "X", "CAA", "LA", "A"}
NO_SLEEP = ("", "W", "MT")
SLPDB_HZ = 250
MODERATE_PER_H = 15.0


@dataclass(frozen=True)
class Marked:
    """A night of slpdb: what the program makes of it, and what was marked in each epoch."""

    night: Night
    stage: Text
    respiratory: Bool
    arousal: Bool
    n_respiratory: int  # marks; an epoch may have several

    @property
    def asleep(self) -> Bool:
        """Epochs scored as sleep."""
        return ~np.isin(self.stage, NO_SLEEP)


def read_marked(beats: Path, recipe: Recipe) -> Marked:
    """One record, beats alone."""
    night = analyze_night(read_beat_recording(beats, beats.stem), recipe)
    marks = read_annotations(beats.with_suffix(".st"))
    epoch = (marks.sample // round(SLPDB_HZ * EPOCH_S)).astype(int)  # the first is stamped at sample 1
    words = {int(e): text.split() for e, text in zip(epoch, marks.text, strict=True) if e < night.grid.n and text}
    notes = [words.get(e, [""]) for e in range(night.grid.n)]
    return Marked(
        night,
        np.array([note[0] for note in notes]),
        np.array([bool(RESPIRATORY & set(note[1:])) for note in notes]),
        np.array([bool(AROUSAL & set(note[1:])) for note in notes]),
        sum(word in RESPIRATORY for note in notes for word in note[1:]),
    )


# --- tables ----------------------------------------------------------------------------------------


def show_figures(title: str, found: dict[str, Any]) -> None:
    """Three lines a data set."""
    print(f"\n{title}")
    for source, of_set in found.items():
        if source == "alignment":
            print(f"  labels later than the chances by, s: {of_set}")
            continue
        low, high = of_set["accuracy_95_interval"]
        counted = f"{of_set['n_nights']} nights, {of_set['n_subjects']} subjects, {of_set['n_minutes']} minutes"
        print(f"  {source:12} {counted}: accuracy {of_set['accuracy']:.3f} ({low:.3f}-{high:.3f}), {_rates(of_set)}")
        clock, majority = of_set["clock"], of_set["majority_accuracy"]
        print(f"  {'':12} floors: majority {majority:.3f}, clock {clock['accuracy']:.3f} (AUC {clock['auc']:.3f})")
        for name, score in (("recordings", "mean chance"), ("recordings_by_share", "share of epochs called")):
            told = ", ".join(f"{question} {area:.3f}" for question, area in of_set[name].items())
            print(f"  {'':12} AUC of recordings by the {score}: {told}")


def _rates(of_set: dict[str, Any]) -> str:
    names = {"sensitivity": "Se", "specificity": "Sp", "kappa": "kappa", "auc": "AUC", "ece": "ECE"}
    return ", ".join(f"{short} {of_set[name]:.3f}" for name, short in names.items())


def show_stored() -> None:
    """What the training script has found of subjects it had not heard."""
    for path in FIGURES:
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            show_figures(f"Cross-validated, stored in {path.name}", stored["cross_validated"])
            for title, found in stored.get("across_sets", {}).items():
                show_figures(f"{title} alone, not calibrated, stored in {path.name}", found)


def show_shipped(nights: list[ScoredNight]) -> None:
    """The shipped networks and trees on the nights they were fitted to."""
    parts = read_parts(WEIGHTS)
    chances = {
        night.name: calibrated(mean_logits(parts, night.mended, len(night.target)), parts[CALIBRATION])
        for night in nights
    }
    show_figures("Shipped networks and trees, development: trained on these nights", figures(nights, chances, seed=0))
    known = [night for night in nights if np.isfinite(night.ahi_per_h)]
    ahi = np.array([night.ahi_per_h for night in known])
    show_rank("  mean chance and AHI (development)", ahi, np.array([chances[night.name].mean() for night in known]))


def show_cycles(nights: list[ScoredNight], recipe: Recipe) -> None:
    """Cycles of the heart rate an hour against the AHI."""
    known = [night for night in nights if np.isfinite(night.ahi_per_h)]
    per_h = [3600 * len(find_cvhr(night.nn, recipe.cvhr)) / (EPOCH_S * len(night.target)) for night in known]
    print("\nCyclic variation of heart rate (development: apnea-ecg)")
    show_rank("  cvhr_index and AHI, apnea-ecg", np.array([night.ahi_per_h for night in known]), np.array(per_h))


def show_rank(title: str, ahi_per_h: Float, index: Float) -> None:
    """Rank correlation, and how well an AHI of 15 and more is told."""
    rho = stats.spearmanr(ahi_per_h, index).statistic
    area = auc(ahi_per_h >= MODERATE_PER_H, index)
    print(f"{title}: n {len(index)}, Spearman {rho:.3f}, AUC at AHI >= 15 {'-' if area is None else f'{area:.3f}'}")


def show_marked(nights: list[Marked], recipe: Recipe) -> None:
    """Events and arousals marked in slpdb."""
    marked = [night for night in nights if night.respiratory.any()]  # slp41 has no marks
    print(f"\nslpdb, {len(marked)} records with marks, epochs of 30 s (not heard in the fit)")
    for where in ("all staged", "asleep"):
        masks = [night.asleep if where == "asleep" else ~np.isin(night.stage, ("", "MT")) for night in marked]
        p = [night.night.respiration.p_respiratory for night in marked]
        show_epochs(f"respiratory events, {where}", p, [night.respiratory for night in marked], masks)
    p = [night.night.respiration.p_arousal for night in marked]
    show_epochs("arousals, asleep (development)", p, [n.arousal for n in marked], [n.asleep for n in marked])
    hours = np.array([night.asleep.sum() / 120 for night in marked])
    events = np.array([night.n_respiratory for night in marked]) / hours
    cycles = np.array([len(night.night.episodes.of("CVHR")) / (night.night.usable_s / 3600) for night in marked])
    show_rank("  cvhr_index and marked events an hour of sleep", events, cycles)
    shares = np.array([np.nanmean(night.night.respiration.p_respiratory) for night in marked])
    show_rank("  mean chance and marked events an hour of sleep", events, shares)
    arousals = np.array([(night.arousal & night.asleep).sum() for night in marked]) / hours
    surges = np.array([len(night.night.episodes.of("SURGE")) / (night.night.usable_s / 3600) for night in marked])
    print(f"  surges and marked arousals an hour: Spearman {stats.spearmanr(arousals, surges).statistic:.3f}")


def show_epochs(title: str, chances: list[Float], truths: list[Bool], masks: list[Bool]) -> None:
    """Accuracy, area and floor over the epochs judged."""
    judged = [mask & np.isfinite(p) for p, mask in zip(chances, masks, strict=True)]
    p = np.concatenate([p[keep] for p, keep in zip(chances, judged, strict=True)])
    truth = np.concatenate([t[keep] for t, keep in zip(truths, judged, strict=True)])
    counts = np.bincount(2 * truth + (p >= 0.5), minlength=4).reshape(2, 2)
    own = [auc(t[keep], p[keep]) for p, t, keep in zip(chances, truths, judged, strict=True)]
    within = np.mean([area for area in own if area is not None])
    majority = max(truth.mean(), 1 - truth.mean())
    print(f"  {title}: {len(p)} of {sum(mask.sum() for mask in masks)} epochs judged, accuracy {accuracy(counts):.3f}")
    print(f"    (majority {majority:.3f}), AUC {auc(truth, p):.3f}, mean AUC within a record {within:.3f}")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    logging.disable(logging.WARNING)
    recipe = load_recipe()
    nights = [*read_apnea_ecg(data / "apnea-ecg", recipe.nn), *read_hugcdn(data / "hugcdn2014_rr", recipe.nn)]
    show_stored()
    show_shipped(nights)
    show_cycles(nights, recipe)
    show_marked([read_marked(path, recipe) for path in sorted((data / "slpdb").glob("*.ecg"))], recipe)


if __name__ == "__main__":
    main()
