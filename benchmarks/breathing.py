"""Breathing rate from the ECG against impedance: `python -m benchmarks.breathing FOLDER [section.key=value ...]`.

FOLDER is mimic_perform_af; keys of the recipe may be changed. Of its records those that hold both are used, 20 min
each; epochs of 30 s, windows of 60 s. The reference is kept where two ways of reading the impedance agree within 2/min
(`breathing_reference`). Beside ours: a constant rate and the subject's own median (floors: the second knows the
answer), and neurokit2's four ECG-derived respirations, read by its own troughs and by the peak of their spectrum.
Intervals: 2,000 bootstrap samples of subjects, one record each.
All records are development: method and limits were looked at on them.
"""

from __future__ import annotations

import itertools
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import neurokit2
import numpy as np
import wfdb
from numpy.typing import NDArray

from benchmarks.breathing_reference import reference_rates
from holter2sleep.analyze import analyze_night
from holter2sleep.autonomic.breathing_rate import confident, find_breathing
from holter2sleep.heart.qrs_sizes import QrsSizes
from holter2sleep.heart.shape import beat_shapes
from holter2sleep.io.options import ReadOptions
from holter2sleep.io.wfdb import read_wfdb
from holter2sleep.night import EPOCH_S, NN, Beats, EpochGrid
from holter2sleep.recipe import Recipe, load_recipe

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

WITHIN_BPM = 2.0
CONSTANT_BPM = 16.0
PEERS = ("vangent2019", "soni2019", "charlton2016", "sarkar2015")
N_BOOTSTRAP = 2000
BORDERS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
WANTED_SHARE = 0.95  # right, of the epochs above a limit of confidence chosen on the other subjects


@dataclass(frozen=True)
class Result:
    """One record: what impedance says of each epoch, and what each method does."""

    name: str
    reference: Float  # NaN where it is not believed
    rates: dict[str, Float]  # by method, NaN where it says nothing
    confidence: Float
    confident: Bool

    @property
    def af(self) -> bool:
        """Whether it was chosen for its atrial fibrillation."""
        return "non_af" not in self.name

    def errors(self, method: str) -> Float:
        """Absolute error of each epoch, NaN where either side says nothing."""
        return np.abs(self.rates[method] - self.reference)


def results(folder: Path, recipe: Recipe) -> Iterator[Result]:
    """Every record that has a respiration signal."""
    for header in sorted(folder.glob("*.hea")):
        record = wfdb.rdrecord(str(header.with_suffix("")))
        place = {name.split(",")[0]: at for at, name in enumerate(record.sig_name)}
        if "resp" in place:
            respiration = record.p_signal[:, place["resp"]]
            yield result(header, record.sig_name[place["ECG"]], respiration, float(record.fs), recipe)


def result(header: Path, label: str, respiration: Float, fs: float, recipe: Recipe) -> Result:
    """One record by ours and by the peers."""
    recording = read_wfdb(header, header.stem, ReadOptions(label))
    night = analyze_night(recording, recipe)
    centre_s, window_s = night.grid.onset_s + EPOCH_S / 2, recipe.breathing.window_s
    reference = reference_rates(respiration, fs, centre_s, window_s)
    shape = beat_shapes(recording, night.beats.time_s, recipe.shape)
    sizes = None if shape is None else shape.sizes
    none = NN(np.empty(0), np.empty(0), np.empty(0, bool))
    rates = {
        "ours": night.respiration.rate_bpm,
        "ours, QRS sizes alone": find_breathing(night.beats, none, sizes, night.grid, recipe.breathing).rate_bpm,
        "ours, intervals alone": find_breathing(night.beats, night.nn, None, night.grid, recipe.breathing).rate_bpm,
        "constant": np.full(night.grid.n, CONSTANT_BPM),
        "own median": np.full(night.grid.n, np.nanmedian(reference)),
    }
    rates |= peer_rates(np.asarray(recording.ecg), fs, centre_s, window_s)
    confidence = np.nan_to_num(night.respiration.confidence.astype(np.float64))
    return Result(header.stem, reference, rates, confidence, confident(night.respiration, recipe.breathing))


def peer_rates(ecg: Float, fs: float, centre_s: Float, window_s: float) -> dict[str, Float]:
    """Rates by neurokit2's respirations, its own beats and both readings."""
    hz = round(fs)
    _, beats = neurokit2.ecg_peaks(neurokit2.ecg_clean(ecg, hz), hz)
    heart_rate = neurokit2.ecg_rate(beats["ECG_R_Peaks"], hz, desired_length=len(ecg))
    rates = {}
    for method in PEERS:
        respiration = neurokit2.ecg_rsp(heart_rate, hz, method=method)
        windows = [window_of(respiration, fs, at_s, window_s) for at_s in centre_s]
        rates[f"nk {method}, troughs"] = np.array([troughs_bpm(window, hz) for window in windows])
        rates[f"nk {method}, spectrum"] = np.array([spectral_bpm(window, fs) for window in windows])
    return rates


def window_of(values: Float, fs: float, centre_s: float, window_s: float) -> Float:
    """The values around a time, as far as there are any."""
    first, last = round((centre_s - window_s / 2) * fs), round((centre_s + window_s / 2) * fs)
    return values[max(0, first) : last]


def troughs_bpm(window: Float, fs: int) -> float:
    """neurokit2's own reading: mean rate between troughs."""
    try:
        troughs = neurokit2.rsp_findpeaks(window - window.mean(), fs)["RSP_Troughs"]
    except (ValueError, IndexError):  # no trough at all
        return np.nan
    return 60 * fs / float(np.diff(troughs).mean()) if len(troughs) > 1 else np.nan


def spectral_bpm(window: Float, fs: float) -> float:
    """Peak of the Hann-weighted spectrum within 0.1 to 0.7 Hz."""
    values = (window - window.mean()) * np.hanning(len(window))
    n = 1 << 15
    hz = np.fft.rfftfreq(n, 1 / fs)
    inside = (hz >= 0.1) & (hz <= 0.7)
    return float(60 * hz[inside][np.abs(np.fft.rfft(values, n))[inside].argmax()])


# --- figures ---------------------------------------------------------------------------------------


def figures(of: list[Result], method: str, everywhere: bool) -> tuple[float, float, float]:
    """Median absolute error, share within 2/min, share of reference epochs that the method answers."""
    errors = np.concatenate([r.errors(method)[np.isfinite(r.reference)] for r in of])
    trusted = np.concatenate([(r.confident | everywhere)[np.isfinite(r.reference)] for r in of])
    answered = errors[trusted & np.isfinite(errors)]
    if len(answered) == 0:
        return np.nan, np.nan, 0.0
    return float(np.median(answered)), 100 * float(np.mean(answered <= WITHIN_BPM)), 100 * len(answered) / len(errors)


def with_interval(of: list[Result], method: str, everywhere: bool, rng: np.random.Generator) -> str:
    """The three figures with their 95 % intervals over subjects."""
    drawn = [[of[i] for i in rng.integers(0, len(of), len(of))] for _ in range(N_BOOTSTRAP)]
    samples = np.array([figures(sample, method, everywhere) for sample in drawn])
    low, high = np.nanpercentile(samples, [2.5, 97.5], axis=0)
    texts = [
        f"{v:5.2f} ({a:.2f} to {b:.2f})" for v, a, b in zip(figures(of, method, everywhere), low, high, strict=True)
    ]
    return "  ".join(f"{text:24}" for text in texts)


def print_records(found: list[Result]) -> None:
    """A line a record: ours, over all answered epochs and the confident ones."""
    print("record                    ref  median | MAE all  within | confident of ref  MAE  within")
    for r in found:
        mae, within, _ = figures([r], "ours", everywhere=True)
        sure_mae, sure_within, share = figures([r], "ours", everywhere=False)
        n = int(np.isfinite(r.reference).sum())
        print(
            f"{r.name:25} {n:3d}  {np.nanmedian(r.reference):6.1f} | {mae:7.2f}  {within:5.0f}% |"
            f" {share:15.0f}% {sure_mae:5.2f}  {sure_within:5.0f}%"
        )


def print_pooled(found: list[Result]) -> None:
    """Ours where confident and everywhere, the floors, the peers."""
    rng = np.random.default_rng(0)
    groups: dict[str, Callable[[Result], bool]] = {
        "all": lambda _: True,
        "AF": lambda r: r.af,
        "not AF": lambda r: not r.af,
    }
    for group, member in groups.items():
        of = [r for r in found if member(r)]
        n_kept = sum(int(np.isfinite(r.reference).sum()) for r in of)
        n, n_sure = sum(len(r.reference) for r in of), sum(int(r.confident.sum()) for r in of)
        print(f"\n{group}: {len(of)} records, reference kept in {n_kept} of {n} epochs ({100 * n_kept / n:.0f} %);")
        print(f"ours confident in {n_sure} of all {n} epochs ({100 * n_sure / n:.0f} %)")
        print(f"{'':32} median error, /min       within 2/min, %          answered, % of reference epochs")
        print(f"{'ours, confident':32} {with_interval(of, 'ours', False, rng)}")
        for method in found[0].rates:
            print(f"{method:32} {with_interval(of, method, True, rng)}")


def print_calibration(found: list[Result]) -> None:
    """How often epochs of each confidence are right, and a limit chosen without the subject it is used on."""
    right = [r.errors("ours") <= WITHIN_BPM for r in found]
    kept = [np.isfinite(r.errors("ours")) for r in found]
    confidence = np.concatenate([r.confidence[k] for r, k in zip(found, kept, strict=True)])
    hit = np.concatenate([a[k] for a, k in zip(right, kept, strict=True)])
    print("\nconfidence   epochs  right")
    for low, high in itertools.pairwise(BORDERS):
        inside = (confidence >= low) & ((confidence < high) | (high == 1.0))
        print(f"{low:.2f} - {high:.2f}  {inside.sum():5d}  {100 * hit[inside].mean():5.1f} %")
    subject = np.repeat(np.arange(len(found)), [k.sum() for k in kept])
    chosen = [least_limit(confidence[subject != i], hit[subject != i]) for i in range(len(found))]
    sure = confidence >= np.array(chosen)[subject]
    print(f"limit for {100 * WANTED_SHARE:.0f} % right, chosen on the others: {min(chosen):.2f} to {max(chosen):.2f};")
    print(f"right {100 * hit[sure].mean():.1f} % of {100 * sure.mean():.0f} % of the epochs")


def least_limit(confidence: Float, right: Bool) -> float:
    """The lowest confidence above which the wanted share is right."""
    limits = np.arange(0.3, 1.0, 0.01)
    good = [np.mean(right[confidence >= limit]) >= WANTED_SHARE for limit in limits]
    return float(limits[int(np.argmax(good))])


def print_noise(recipe: Recipe) -> None:
    """How much of a night is called confident when sizes and intervals hold no breathing at all, by two limits."""
    limits = (0.8, recipe.breathing.least_confidence)
    print(f"\nnight of 4 h without breathing: % of the epochs above {limits[0]} / {limits[1]} at 50, 65, 90 beats/min")
    for name, exponent in (("white", 0.0), ("1/f", 1.0)):
        for shared in (0.0, 0.8):
            texts = []
            for heart_bpm in (50, 65, 90):
                seen = np.concatenate([noise_night(exponent, shared, heart_bpm, seed, recipe) for seed in range(3)])
                texts.append(" / ".join(f"{100 * np.mean(seen >= limit):4.1f}" for limit in limits))
            print(f"  {name:5} correlation of the sizes {shared:.1f}: {'   '.join(texts)}")


def noise_night(exponent: float, shared: float, heart_bpm: float, seed: int, recipe: Recipe) -> Float:
    """Confidence of epochs where every series is noise, of which the sizes share a part."""
    rng, n = np.random.default_rng(seed), round(4 * 60 * heart_bpm)
    intervals_ms = 60000 / heart_bpm * (1 + 0.03 * noise(rng, n, exponent))
    beats = Beats.at(np.cumsum(intervals_ms) / 1000)
    nn = NN(beats.time_s[1:], intervals_ms[1:], np.arange(n - 1) > 0)
    common = np.sqrt(shared) * noise(rng, n, exponent)
    own = (np.sqrt(1 - shared) * noise(rng, n, exponent) for _ in range(5))
    sizes = QrsSizes(*((1 + 0.05 * (common + each)).astype(np.float32) for each in own))
    grid = EpochGrid.covering(float(beats.time_s[-1]))
    return np.nan_to_num(find_breathing(beats, nn, sizes, grid, recipe.breathing).confidence)


def noise(rng: np.random.Generator, n: int, exponent: float) -> Float:
    """Noise of unit variance whose power falls as the given power of frequency."""
    hz = np.fft.rfftfreq(n)
    weight = np.r_[0.0, hz[1:] ** (-exponent / 2)]
    values = np.fft.irfft(weight * (rng.standard_normal(len(hz)) + 1j * rng.standard_normal(len(hz))), n)
    return values / values.std()


def main(folder: Path, settings: tuple[str, ...]) -> None:
    """Print every table, with some of the recipe's keys changed."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    recipe = load_recipe("overnight", ("staging.stager=clock", *settings))
    found = list(results(folder, recipe))
    print_records(found)
    print_pooled(found)
    print_calibration(found)
    print_noise(recipe)


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]))
