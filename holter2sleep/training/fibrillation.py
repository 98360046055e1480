"""Fit the weights of the AF model: `python -m holter2sleep.training.fibrillation DATA`.

DATA holds the development recordings (PhysioNet, ODC-BY 1.0): `afdb_rr` (5 people, AF annotated), `mitdb` (the records
of de Chazal's training half with their reference beats), `cinc2017_validation` (hand-held strips of 30 s labelled
N, O or A; beats detected), and as rhythms without AF `nsrdb` (the first seven), `slpdb` and `apnea-ecg` (no rhythm
notes: taken to hold none). The other records of `mitdb` and `nsrdb`, `cpsc2021` and `mimic_perform_af` are not read.

The weights of the intervals are fitted on all of them; those of the P waves then on the records with a waveform,
with the intervals' log odds as offset, so that no evidence leaves the intervals alone to speak.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.optimize import minimize

from holter2sleep.evaluate.ec57 import EpisodeAgreement, compare_episodes, gross_episodes
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.heart.detect import detect_beats
from holter2sleep.heart.faults import find_faults
from holter2sleep.heart.fibrillation import FEATURES, WEIGHTS, AfModel, AfRules, find_fibrillation, rr_features
from holter2sleep.heart.intervals import touches_v, trusted_rr
from holter2sleep.heart.irregularity import irregularity
from holter2sleep.heart.p_waves import PWaves, p_waves
from holter2sleep.io import read_recording
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.night import AF_KINDS, Beats, Float, Recording, Source
from holter2sleep.recipe import load_recipe
from holter2sleep.spans import EMPTY, Spans, as_spans, contains
from holter2sleep.training.mitdb import DS1
from holter2sleep.waveform import Waveform

N_NSRDB = 7  # records of nsrdb to fit on, in alphabetical order; the others are for the report
FULL_BEATS = 200  # a record with fewer weighs less: a strip of 30 s is not worth a night
FEWEST_BEATS = 16
RIDGE = 1e-3
STEP = 7  # beats: windows of 30 overlap, and every seventh says the same
# The absence of P waves moves the log odds by 2 x this at most: junctional and paced rhythms have none either, nor
# does a lead that does not show them, and hardly any of those are among the records.
LARGEST_P_ABSENT = 0.75


@dataclass(frozen=True)
class Record:
    """One development record; `waves` is None without a waveform."""

    folder: str
    name: str
    beats: Beats
    af: Spans
    waves: PWaves | None = None

    @property
    def index(self) -> np.ndarray:
        """Intervals between usable beats, none of them V: those the detector looks at."""
        return np.flatnonzero(trusted_rr(self.beats, whole(self.beats)) & ~touches_v(self.beats))


@dataclass(frozen=True)
class Rows:
    """What the fit sees: one row for every few beats."""

    rr: Float  # (n, n_features)
    waves: Float  # (n, 2), absent and present
    in_af: Float  # (n,), 0 or 1
    weight: Float  # (n,)


def whole(beats: Beats) -> Spans:
    """All time from the first beat to the last."""
    return as_spans([(beats.time_s[0] - 1, beats.time_s[-1] + 1)])


# --- reading ---------------------------------------------------------------------------------------


def read_afdb(path: Path) -> Record:
    """Beats with an AF mark for each interval."""
    facts = loadmat(path, squeeze_me=True)
    time_s = facts["qrs"] / float(facts["Fs"])
    pairs = np.column_stack([time_s[:-1], time_s[1:]])[np.asarray(facts["targetsRR"]).astype(bool)]
    return Record("afdb_rr", path.stem, Beats.at(time_s[np.diff(time_s, prepend=-1.0) > 0]), as_spans(pairs))


def read_without_af(path: Path) -> Record:
    """A list of beats that is taken to hold no AF."""
    beats = read_recording(path).given_beats
    if beats is None:
        raise ValueError(f"{path}: holds no beats")
    return Record(path.parent.name, path.stem, beats, EMPTY)


def read_mitdb(path: Path) -> Record:
    """Reference beats, rhythm notes and the first lead."""
    recording = read_recording(path.with_suffix(".hea"))
    beats = read_beats(path, recording.fs)
    beats = beats.but(amplitude_mv=_height_mv(recording, beats))
    return Record("mitdb", path.stem, beats, read_rhythm_spans(path, AF_KINDS), _waves_of(recording, beats))


def _waves_of(recording: Recording, beats: Beats) -> PWaves:
    return p_waves(recording, beats) or PWaves.unknown(len(beats))


def _height_mv(recording: Recording, beats: Beats) -> np.ndarray:
    """Signal at each R against its median, mV. array (n_beats,) float32."""
    ecg = np.asarray(recording.ecg, np.float32)
    at = np.clip(np.rint(beats.time_s * float(recording.fs or 1)).astype(int), 0, len(ecg) - 1)
    return ecg[at] - np.nanmedian(ecg)


def read_cinc(path: Path, label: str) -> Record:
    """A hand-held strip with detected beats: all of it AF, or none."""
    ecg = loadmat(path)["val"][0].astype(np.float32) / 1000
    source = Source(path.name, "MATLAB", "", "mV", 1.0)
    recording = Recording(path.stem, source, len(ecg) / 300, 300.0, ecg=Waveform.of(ecg))
    recipe = load_recipe()
    found = detect_beats(recording, find_faults(recording, recipe.faults), recipe.beats)
    beats = Beats.at(found.time_s).but(amplitude_mv=found.amplitude_mv.astype(np.float32))
    af = as_spans([(0.0, recording.duration_s)]) if label == "A" else EMPTY
    return Record("cinc2017_validation", path.stem, beats, af, _waves_of(recording, beats))


def read_development(data: Path) -> Iterator[Record]:
    """All records to fit on; of apnea-ecg's second headers (`..er`) none."""
    yield from map(read_afdb, sorted((data / "afdb_rr").glob("*.mat")))
    yield from map(read_without_af, sorted((data / "nsrdb").glob("*.atr"))[:N_NSRDB])
    yield from map(read_without_af, sorted((data / "slpdb").glob("*.ecg")))
    yield from map(read_without_af, sorted((data / "apnea-ecg").glob("[abc][0-9][0-9].qrs")))
    yield from map(read_mitdb, filter(Path.exists, (data / "mitdb" / f"{name}.atr" for name in DS1)))
    strips = data / "cinc2017_validation"
    for line in (strips / "REFERENCE.csv").read_text().split():
        name, label = line.split(",")
        if label in "NOA":
            yield read_cinc(strips / f"{name}.mat", label)


# --- fitting ---------------------------------------------------------------------------------------


def rows_of(record: Record) -> Rows | None:
    """Rows of one record; AF and the rest weigh as much as a record each. None with hardly any beats."""
    index = record.index
    if len(index) < FEWEST_BEATS:
        return None
    rr = rr_features(irregularity(record.beats.rr_s[index]))
    waves = record.waves or PWaves.unknown(len(record.beats))
    in_af = contains(record.af, record.beats.time_s[index] - 0.001).astype(np.float64)
    count = np.where(in_af > 0, in_af.sum(), (1 - in_af).sum())
    weight = np.minimum(1.0, count / FULL_BEATS) / count
    every = slice(None, None, STEP)
    both = np.column_stack([waves.absent[index], waves.present[index]])
    return Rows(rr[every], both[every], in_af[every], weight[every])


def pooled(parts: Sequence[Rows]) -> Rows:
    """The rows of many records; AF as a whole weighs as much as all else."""
    rr, waves, in_af, weight = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("rr", "waves", "in_af", "weight")
    )
    return Rows(rr, waves, in_af, weight / np.where(in_af > 0, weight[in_af > 0].sum(), weight[in_af == 0].sum()))


def fit_intervals(rows: Rows) -> Float:
    """Bias and weights of a logistic regression with a little ridge on standardised features; Newton's method."""
    mean = np.average(rows.rr, axis=0, weights=rows.weight)
    spread = np.sqrt(np.average((rows.rr - mean) ** 2, axis=0, weights=rows.weight))
    x = np.column_stack([np.ones(len(rows.rr)), (rows.rr - mean) / spread])
    beta, ridge = np.zeros(x.shape[1]), RIDGE * rows.weight.sum() * np.diag(np.r_[0.0, np.ones(len(mean))])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-x @ beta))
        slope = x.T @ (rows.weight * (chance - rows.in_af)) + ridge @ beta
        beta = beta - np.linalg.solve((x * (rows.weight * chance * (1 - chance))[:, None]).T @ x + ridge, slope)
    return np.r_[beta[0] - (beta[1:] / spread) @ mean, beta[1:] / spread]


def fit_waves(rows: Rows, intervals: Float) -> tuple[float, float]:
    """Weights of absent and present P waves, the intervals' log odds given."""
    offset, sign = intervals[0] + rows.rr @ intervals[1:], 2 * rows.in_af - 1

    def loss(weights: Float) -> float:
        log_odds = offset + rows.waves @ (weights * np.array([1.0, -1.0]))
        return float((rows.weight * np.logaddexp(0.0, -sign * log_odds)).sum())

    found = minimize(loss, [0.5, 0.5], bounds=[(0.0, LARGEST_P_ABSENT), (0.0, 5.0)]).x
    return float(found[0]), float(found[1])


def fit_model(records: Sequence[Record]) -> AfModel:
    """The model of some records."""
    parts = [(record.waves is not None, rows) for record in records if (rows := rows_of(record)) is not None]
    intervals = fit_intervals(pooled([rows for _, rows in parts]))
    with_waveform = [rows for has_waveform, rows in parts if has_waveform]
    absent, present = fit_waves(pooled(with_waveform), intervals)
    return AfModel(float(intervals[0]), intervals[1:], absent, present)


def left_out(records: Sequence[Record]) -> dict[str, float]:
    """Agreement on afdb, %, each record called by a model that was fitted on all others."""
    rules = load_recipe().rhythm.af
    agreements, seconds = [], 0.0
    for record in records:
        if record.folder == "afdb_rr":
            model = fit_model([other for other in records if other is not record])
            agreements.append(_agreement(record, find_of(record, model, rules)))
            seconds += float(np.ptp(whole(record.beats)))
    total = gross_episodes(agreements)
    false_s = total.test_s - total.overlap_s
    return {
        "duration_sensitivity": round(100 * total.overlap_s / total.reference_s, 2),
        "duration_specificity": round(100 * (1 - false_s / (seconds - total.reference_s)), 2),
    }


def find_of(record: Record, model: AfModel, rules: AfRules) -> Spans:
    """AF of a record by its intervals and P waves."""
    beats = record.beats
    waves = record.waves or PWaves.unknown(len(beats))
    trusted = trusted_rr(beats, whole(beats))
    return find_fibrillation(beats, trusted, waves, rules, model).spans


def _agreement(record: Record, found: Spans) -> EpisodeAgreement:
    return compare_episodes(record.af, found, whole(record.beats))


def as_text(model: AfModel, records: Sequence[Record]) -> str:
    """The weights as JSON, with what they were fitted on."""
    names = [record.folder for record in records]
    facts = {
        "data": "PhysioNet, ODC-BY 1.0; see holter2sleep/training/fibrillation.py",
        "n_records": {folder: names.count(folder) for folder in sorted(set(names))},
        "left_out_afdb": left_out(records),
        "bias": round(model.bias, 4),
        "rr": {name: round(float(weight), 4) for name, weight in zip(FEATURES, model.rr, strict=True)},
        "p_absent": round(model.p_absent, 4),
        "p_present": round(model.p_present, 4),
    }
    return json.dumps(facts, indent=1) + "\n"


def main() -> None:
    """Write the weights beside the detector, or to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    records = list(read_development(options.data))
    options.out.write_text(as_text(fit_model(records), records), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
