"""Nights whose minutes were scored for apnoeas: Apnea-ECG and HuGCDN2014, as training material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.autonomic.mended import mended_intervals
from holter2sleep.autonomic.nn import NnRules, nn_intervals, normal_intervals
from holter2sleep.errors import UsageError
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.io.minutes import read_minutes
from holter2sleep.night import EPOCH_S, NN, Beats, Episodes, Float
from holter2sleep.spans import as_spans, runs

APNEA_ECG, HUGCDN = "apnea-ecg", "hugcdn2014"
COPY = "er"  # `a01er` is the night of a01 again
FACTS = "additional-information.txt"  # of Apnea-ECG: AHI, age, sex, height, weight
# The intervals of HuGCDN2014 are about a minute shorter than its labels, and nobody says where they begin. The chances
# of a network that had heard Apnea-ECG alone fit the labels best with the first interval at the first minute or up to
# 30 s before it (33 nights with 5 % and more of events; the training script keeps the quartiles as `alignment`).
HUGCDN_OFFSET_S = 0.0


@dataclass(frozen=True)
class ScoredNight:
    """One night: its intervals and, epoch by epoch, whether an apnoea or hypopnoea was scored."""

    name: str
    source: str
    subject: str
    nn: NN
    mended: NN
    target: NDArray[np.float32]  # (n_epochs,), two equal ones a minute
    ahi_per_h: float  # NaN where unknown
    group: str  # a, b, c of Apnea-ECG; D, ND, C of HuGCDN2014


def read_apnea_ecg(folder: Path, rules: NnRules) -> list[ScoredNight]:
    """The nights with scored minutes, each once.

    Nights of people of the same age, sex, height and weight are taken as one subject's, who has the name of the first:
    35 nights are of 25 people.

    Raises
    ------
    UsageError
        None there.
    """
    names = sorted(path.stem for path in folder.glob("*.apn") if not path.stem.endswith(COPY))
    if not names:
        raise UsageError(f"{folder}: no .apn file; give the folder of the Apnea-ECG Database")
    facts = _facts(folder / FACTS)
    first_of = {person: name for name, (_, person) in reversed(facts.items())}
    return [_of_apnea_ecg(folder / name, facts[name][0], first_of[facts[name][1]], rules) for name in names]


def _facts(path: Path) -> dict[str, tuple[float, str]]:
    """AHI, and what tells the person, of each record of the table (columns 8, and 9 to 12)."""
    rows = [line.split() for line in path.read_text(encoding="latin-1").splitlines()]
    table = [row for row in rows if len(row) == 12 and row[1].isdigit()]
    return {row[0]: (float(row[7]), "-".join(row[8:12])) for row in table}


def _of_apnea_ecg(record: Path, ahi_per_h: float, subject: str, rules: NnRules) -> ScoredNight:
    _, is_event = read_minutes(record.with_suffix(".apn"))
    intervals = _intervals([read_beats(record.with_suffix(".qrs"))], rules)
    return ScoredNight(record.name, APNEA_ECG, subject, *intervals, _epochs(is_event), ahi_per_h, record.name[0])


def read_hugcdn(folder: Path, rules: NnRules) -> list[ScoredNight]:
    """The nights of HuGCDN2014, one a subject.

    Raises
    ------
    UsageError
        None there.
    """
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise UsageError(f"{folder}: no .npz file; give the folder of the RR series of HuGCDN2014")
    return [_of_hugcdn(path, rules) for path in paths]


def _of_hugcdn(path: Path, rules: NnRules) -> ScoredNight:
    with np.load(path) as file:
        rr_s, is_event = file["rr_ms"].astype(np.float64) / 1000, file["apnea_per_minute"]
    name, group = path.stem, path.stem.rstrip("0123456789")
    return ScoredNight(
        name, HUGCDN, f"{HUGCDN}-{name}", *intervals_of_rr(rr_s, rules), _epochs(is_event), np.nan, group
    )


def intervals_of_rr(rr_s: Float, rules: NnRules, offset_s: float = HUGCDN_OFFSET_S) -> tuple[NN, NN]:
    """NN and mended ones of intervals one after another; across a break (NaN), of unknown length, none is adjacent."""
    end_s = offset_s + np.cumsum(np.nan_to_num(rr_s))
    pieces = [Beats.at(np.r_[end_s[a] - rr_s[a], end_s[a:b]]) for a, b in zip(*runs(np.isfinite(rr_s)), strict=True)]
    return _intervals(pieces, rules)


def _intervals(pieces: Sequence[Beats], rules: NnRules) -> tuple[NN, NN]:
    """NN and mended intervals of a night that is known in pieces."""
    spans = [as_spans([(0.0, beats.time_s[-1] + 1.0)]) for beats in pieces]
    own = list(zip(pieces, spans, strict=True))
    nn = [nn_intervals(beats, Episodes.none(), usable, rules) for beats, usable in own]
    mended = [mended_intervals(normal_intervals(beats, Episodes.none(), usable), rules) for beats, usable in own]
    return _joined(nn), _joined(mended)


def _joined(pieces: Sequence[NN]) -> NN:
    return NN(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("end_s", "nn_ms", "adjacent")))


def _epochs(is_event: NDArray[np.generic]) -> NDArray[np.float32]:
    """The minute's label for both of its epochs."""
    return np.repeat(is_event.astype(np.float32), round(60.0 / EPOCH_S))


def folds_by_subject(nights: Sequence[ScoredNight], n_folds: int, seed: int) -> dict[str, int]:
    """Fold of each subject; the groups of both sets are dealt out evenly."""
    rng = np.random.default_rng(seed)
    group = {night.subject: (night.source, night.group) for night in reversed(nights)}
    folds: dict[str, int] = {}
    for own in sorted(set(group.values())):
        for subject in rng.permutation(sorted(s for s in group if group[s] == own)):
            folds[str(subject)] = len(folds) % n_folds
    return folds
