"""What an encoder of ours is worth: `python -m benchmarks.probes DATA WEIGHTS`, with a file of `train encoder`.

Linear probes by subject on embeddings of 10 s windows, each against the same network with random weights (three draws,
figures averaged), against features made by hand, and against the numbers the encoder was taught to tell, as the
pipeline measures them. DATA holds the sets as PhysioNet gives them. Test subjects were not seen in pre-training
(`holter2sleep/training/encoder_split.csv`): of mitdb de Chazal's DS2, of cinc2017 the half kept for testing, of
mimic_perform_af all. But for the beats of mitdb they are tested in five folds, each by a probe that is fitted to the
other folds too: of rhythm, the records of DS1 at hand hold no window in AF. Intervals of 95 % come from drawing whole
test subjects.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import holter2sleep
from benchmarks.linear_probe import FIGURES, bootstrapped, mean_figure, probe
from benchmarks.probe_features import HAND_MADE, OURS, RANDOM, TAUGHT, Features, Seen
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.io import read_recording
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.night import Float, Recording
from holter2sleep.recipe import load_recipe
from holter2sleep.sleep.staging.profiles import PROFILES, WINDOW_S, encoder_windows
from holter2sleep.spans import covers
from holter2sleep.training.mitdb import DS1, DS2
from holter2sleep.training.physiology import heard_by_pipeline
from holter2sleep.training.subject_split import TEST, SubjectSplit, read_split

SPLIT = Path(holter2sleep.__file__).parent / "training" / "encoder_split.csv"
FOLDS = 5  # of test subjects, where too few are left to fit to
STRIPS = ("N", "A", "O", "~")  # sinus, AF, other rhythm, too noisy
BEATS = ("N", "S", "V")  # the rarest kind of beat in the window
RHYTHMS = {"sinus": ("N",), "AF": ("AFIB", "AFL"), "bi-, trigeminy": ("B", "T")}
NO_CLASS = -1

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """Rows to probe: features by name, classes, subjects; which may be tested on."""

    x: dict[str, list[Float]]
    y: Codes
    who: Codes
    is_test: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Iterable[tuple[dict[str, list[Float]], Codes, bool]]) -> Labelled:
        """Of subjects: features, classes, and whether each is for testing."""
        parts = list(parts)
        x = {
            name: [np.concatenate([part[0][name][i] for part in parts]) for i in range(len(parts[0][0][name]))]
            for name in parts[0][0]
        }
        n = [len(part[1]) for part in parts]
        y = np.concatenate([part[1] for part in parts])
        return cls(x, y, np.repeat(np.arange(len(parts)), n), np.repeat([part[2] for part in parts], n)).known()

    def known(self) -> Labelled:
        """The rows that have a class."""
        keep = self.y != NO_CLASS
        x = {name: [rows[keep] for rows in runs] for name, runs in self.x.items()}
        return Labelled(x, self.y[keep], self.who[keep], self.is_test[keep])


# --- reading ---------------------------------------------------------------------------------------


def seen_of(recording: Recording) -> Seen:
    """Windows side by side of a recording, with what the pipeline hears in it."""
    start_s = np.arange(0.0, recording.duration_s - WINDOW_S + 1e-6, WINDOW_S)
    windows, usable = encoder_windows(recording, start_s, PROFILES["clef"])
    beats, af = heard_by_pipeline(recording, load_recipe())
    return Seen(windows[usable], start_s[usable], beats, af, recording.duration_s)


def cinc_strips(data: Path, features: Features, split: SubjectSplit) -> Labelled:
    """Strips of 30 s: the mean over their windows."""
    parts = []
    for line in (data / "REFERENCE.csv").read_text().split():
        name, label = line.split(",")
        seen = seen_of(read_recording(data / f"{name}.hea"))
        if len(seen.windows):
            x = {name: [rows.mean(axis=0, keepdims=True) for rows in runs] for name, runs in features.of(seen).items()}
            parts.append((x, np.array([STRIPS.index(label)]), split.part[name] == TEST))
    return Labelled.joined(parts)


def mitdb_windows(data: Path, features: Features, split: SubjectSplit) -> tuple[Labelled, Labelled]:
    """Windows of DS1 and DS2 by their beats and by their rhythm."""
    by_beats, by_rhythm = [], []
    for name in sorted({*DS1, *DS2} & set(split.part) - {"201"}):  # 201 and 202 are one person
        path = data / f"{name}.hea"
        seen = seen_of(read_recording(path))
        x, is_test = features.of(seen), split.part[name] == TEST
        by_beats.append((x, classes_of_beats(path, seen.start_s), is_test))
        by_rhythm.append((x, classes_of_rhythm(path, seen.start_s), is_test))
    return Labelled.joined(by_beats), Labelled.joined(by_rhythm)


def classes_of_beats(path: Path, start_s: Float) -> Codes:
    """V where there is a V, else S where there is an S, else N; none where F or Q is, or no beat."""
    beats = read_beats(path.with_suffix(".atr"))
    first, last = np.searchsorted(beats.time_s, np.stack([start_s, start_s + WINDOW_S]))
    found = ["".join(sorted(set(beats.label[i:j].tolist()))) for i, j in zip(first, last, strict=True)]
    return np.array([BEATS.index(max(kinds)) if kinds and set(kinds) <= set(BEATS) else NO_CLASS for kinds in found])


def classes_of_rhythm(path: Path, start_s: Float) -> Codes:
    """The rhythm that lasts the whole window."""
    out = np.full(len(start_s), NO_CLASS)
    for i, codes in enumerate(RHYTHMS.values()):
        spans = read_rhythm_spans(path.with_suffix(".atr"), codes)
        out[covers(spans, start_s, start_s + WINDOW_S)] = i
    return out


def mimic_windows(data: Path, features: Features) -> Labelled:
    """Every window of a record is AF, or not, by the record's name."""
    parts = []
    for path in sorted(data.glob("*.hea")):
        seen = seen_of(read_recording(path))
        parts.append((features.of(seen), np.full(len(seen.windows), int("non_af" not in path.stem)), True))
    return Labelled.joined(parts)


# --- probing ---------------------------------------------------------------------------------------


def folds_of(rows: Labelled, n_folds: int) -> Iterator[NDArray[np.bool_]]:
    """Test rows of each fold of test subjects."""
    people = np.unique(rows.who[rows.is_test])
    for i in range(n_folds):
        yield np.isin(rows.who, people[i::n_folds])


def chances_of(rows: Labelled, name: str, n_classes: int, n_folds: int) -> list[Float]:
    """Chances for the rows for testing, by probes fitted to everybody else: of each fold, or of them all at once."""
    made = []
    for x in rows.x[name]:
        chance = np.zeros((len(rows.y), n_classes))
        for out in folds_of(rows, n_folds):
            chance[out] = probe(x[~out], rows.y[~out], rows.who[~out], x[out], n_classes)
        made.append(chance[rows.is_test])
    return made


def report(title: str, rows: Labelled, n_classes: int, n_folds: int) -> None:
    """Print the figures of each description, and how far ours is from the others."""
    y, who = rows.y[rows.is_test], rows.who[rows.is_test]
    count = ", ".join(str(n) for n in np.bincount(y, minlength=n_classes))
    print(f"\n**{title}**: {len(np.unique(who))} test subjects, {len(y)} rows ({count})\n")
    print("| features | accuracy | macro F1 | AUC |\n|---|---|---|---|")
    made = {name: chances_of(rows, name, n_classes, n_folds) for name in (OURS, RANDOM, HAND_MADE, TAUGHT)}
    for name, runs in made.items():
        cells = [_cell(figure, y, who, lambda kind, at, runs=runs: _figure(kind, y, runs, at)) for figure in FIGURES]
        print(f"| {name} | {' | '.join(cells)} |")
    for name in (RANDOM, HAND_MADE, TAUGHT):
        differ = partial(_difference, y=y, ours=made[OURS], theirs=made[name])
        print(f"| ours less {name} | {' | '.join(_cell(figure, y, who, differ, '+') for figure in FIGURES)} |")


def _figure(kind: str, y: Codes, runs: list[Float], at: NDArray[np.intp]) -> float:
    return mean_figure(kind, y[at], [chance[at] for chance in runs])


def _difference(kind: str, at: NDArray[np.intp], y: Codes, ours: list[Float], theirs: list[Float]) -> float:
    return _figure(kind, y, ours, at) - _figure(kind, y, theirs, at)


def _cell(kind: str, y: Codes, who: Codes, figure: Callable[[str, NDArray[np.intp]], float], sign: str = "") -> str:
    low, high = bootstrapped(partial(figure, kind), who)
    return f"{figure(kind, np.arange(len(y))):{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def main() -> None:
    """Print the table of each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    features, split = Features(given.weights), read_split(SPLIT)
    strips = cinc_strips(given.data / "cinc2017_validation", features, split)
    report("cinc2017 strips: N, A, O, noise", strips, len(STRIPS), FOLDS)
    by_beats, by_rhythm = mitdb_windows(given.data / "mitdb", features, split)
    report("mitdb windows, rarest beat: N, S, V", by_beats, len(BEATS), 1)
    report(f"mitdb windows, rhythm: {', '.join(RHYTHMS)}", by_rhythm, len(RHYTHMS), FOLDS)
    rows = mimic_windows(given.data / "mimic_perform_af", features)
    report("mimic_perform_af windows: not AF, AF", rows, 2, FOLDS)


if __name__ == "__main__":
    main()
