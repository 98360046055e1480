"""Which stretches of ECG a reader should see: the strips of a night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.errors import RecipeError
from holter2sleep.night import AF_KINDS, EPOCH_S, Float, Night
from holter2sleep.spans import Spans, contains, intersection

FEWEST_STRIPS = 4  # one finding, one clean reference, two of the worst epochs still analysed
N_WORST = 2
MOST_OF_A_KIND = 5  # more show nothing new
RATE_INTERVALS = 8  # as the phenotypes heart_rate_min and heart_rate_max average

VENTRICULAR = (("VT", "ventricular run"), ("COUPLET_V", "ventricular couplet"))
SUPRAVENTRICULAR = (("SVTA", "supraventricular run"), ("COUPLET_S", "supraventricular couplet"))


BLOCKS = (("BIII", "slow rhythm without P waves, third-degree block?"), ("BII", "dropped beat, second-degree block?"))


@dataclass(frozen=True)
class StripRules:
    """How many strips, how long."""

    n: int
    length_s: float


@dataclass(frozen=True)
class Strip:
    """One strip; the fields are the columns of `strips.parquet`."""

    strip: str  # letter that the text points to
    reason: str
    start_s: float
    fs: float
    ecg_mv: NDArray[np.float32]  # without NaN
    stage: str
    clock: str | None  # HH:MM:SS of the strip's start


Candidate = tuple[str, float]  # reason, time of interest in s


def choose_strips(night: Night, rules: StripRules) -> list[Strip]:
    """Strips worth a reader's look, in order of interest; none where the night has no waveform.

    Findings come first: longest pause, onset of AF, suspected block, ventricular and supraventricular ectopy, highest
    and lowest rate, one of each, then a second of each, and so on. The last three are always a clean reference and two
    of the worst epochs still analysed, so that a reader can judge the detector. A strip lies wholly in analysable
    signal.

    Raises
    ------
    RecipeError
        `strips.n` below 4.
    """
    if rules.n < FEWEST_STRIPS:
        raise RecipeError(f"strips.n is {rules.n}: a night shows at least {FEWEST_STRIPS} strips")
    if night.recording.ecg is None:
        return []
    chosen: list[Candidate] = []
    findings, rates = ([group(night) for group in groups] for groups in (FINDINGS, RATES))
    for group in (*findings, *rates, *findings * (MOST_OF_A_KIND - 1)):
        if len(chosen) < rules.n - 1 - N_WORST:
            _take_next_fitting(group, chosen, night, rules.length_s)
    for group in (_clean_epochs(night), *[_worst_epochs(night)] * N_WORST):
        _take_next_fitting(group, chosen, night, rules.length_s)
    return [_strip(letter(i), reason, start_s, night, rules) for i, (reason, start_s) in enumerate(chosen)]


def letter(index: int) -> str:
    """Name of a strip: A to Z, then AA to AZ and so on.

    Examples
    --------
    >>> [letter(i) for i in (0, 25, 26, 52)]
    ['A', 'Z', 'AA', 'BA']
    """
    before, own = divmod(index, 26)
    return (letter(before - 1) if before else "") + chr(ord("A") + own)


def _take_next_fitting(candidates: Iterator[Candidate], chosen: list[Candidate], night: Night, length_s: float) -> None:
    """Append the next candidate whose strip lies in good signal and shows something new."""
    for reason, time_s in candidates:
        start_s = fitting_start(night.usable_spans, time_s, length_s)
        if start_s is None or any(abs(start_s - other) < length_s for _, other in chosen):
            continue
        if np.isfinite(_samples(night, start_s, length_s)).all():
            chosen.append((reason, start_s))
            return


def fitting_start(usable: Spans, time_s: float, length_s: float) -> float | None:
    """Start of a strip with `time_s` as near its middle as one usable span allows; None where none does.

    Examples
    --------
    >>> fitting_start(np.array([[0.0, 100.0]]), 2.0, 8.0)
    0.0
    """
    around = usable[(usable[:, 0] <= time_s) & (time_s < usable[:, 1])]
    if len(around) == 0 or around[0, 1] - around[0, 0] < length_s:
        return None
    return float(np.clip(time_s - length_s / 2, around[0, 0], around[0, 1] - length_s))


def _samples(night: Night, start_s: float, length_s: float) -> NDArray[np.float32]:
    ecg, fs = night.recording.ecg, night.recording.fs
    if ecg is None or fs is None:
        raise ValueError("a strip needs a waveform")
    first = round(start_s * fs)
    return ecg[first : first + round(length_s * fs)]


def _strip(letter: str, reason: str, start_s: float, night: Night, rules: StripRules) -> Strip:
    recording = night.recording
    clock = recording.clock(start_s)
    middle = night.grid.epoch_of(start_s + rules.length_s / 2)
    return Strip(
        strip=letter,
        reason=reason,
        start_s=start_s,
        fs=float(recording.fs or 0.0),
        ecg_mv=_samples(night, start_s, rules.length_s),
        stage=str(night.hypnogram.stage[middle]),
        clock=f"{clock:%H:%M:%S}" if clock else None,
    )


# --- what is worth a look --------------------------------------------------------------------------


def _pauses(night: Night) -> Iterator[Candidate]:
    pauses = night.episodes.of("PAUSE")
    length_s = pauses.end_s - pauses.start_s
    for place, i in enumerate(np.argsort(-length_s, kind="stable")):
        yield (
            f"{'pause' if place else 'longest pause'} {length_s[i]:.1f} s",
            float((pauses.start_s[i] + pauses.end_s[i]) / 2),
        )


def _af_onsets(night: Night) -> Iterator[Candidate]:
    for start_s in night.episodes.of(*AF_KINDS).start_s:
        yield "onset of AF pattern", float(start_s)


def _suspected_blocks(night: Night) -> Iterator[Candidate]:
    for kind, name in BLOCKS:
        for episode_s in night.episodes.of(kind).start_s:
            yield f"review: {name}", float(episode_s)


def _ventricular(night: Night) -> Iterator[Candidate]:
    yield from _ectopy(night, VENTRICULAR, "V", "ventricular ectopic beat")


def _supraventricular(night: Night) -> Iterator[Candidate]:
    yield from _ectopy(night, SUPRAVENTRICULAR, "S", "supraventricular ectopic beat")


def _ectopy(night: Night, kinds: tuple[tuple[str, str], ...], label: str, word: str) -> Iterator[Candidate]:
    """Longest runs first, the fastest one second, then couplets, then single beats."""
    for kind, name in kinds:
        episodes = night.episodes.of(kind)
        order = np.argsort(-episodes.n_beats, kind="stable").tolist()
        fastest = order[1:] and int(np.argmax(np.nan_to_num(episodes.rate_bpm)))
        if fastest in order[1:]:
            order.insert(1, order.pop(order.index(fastest)))
        for i in order:
            yield f"{name}, {episodes.n_beats[i]} beats", float((episodes.start_s[i] + episodes.end_s[i]) / 2)
    for time_s in night.beats.time_s[(night.beats.label == label) & night.beats.usable]:
        yield word, float(time_s)


def _highest_rate(night: Night) -> Iterator[Candidate]:
    mean_rr_s, time_s = _mean_rr(night)
    for i in np.argsort(mean_rr_s, kind="stable"):
        yield f"highest heart rate, {RATE_INTERVALS} intervals", float(time_s[i])


def _lowest_rate(night: Night) -> Iterator[Candidate]:
    mean_rr_s, time_s = _mean_rr(night)
    for i in np.argsort(-mean_rr_s, kind="stable"):
        yield f"lowest heart rate, {RATE_INTERVALS} intervals", float(time_s[i])


def _mean_rr(night: Night) -> tuple[Float, Float]:
    """Mean of successive intervals that lie in good signal, and the middle of each stretch."""
    times = night.beats.time_s
    if len(times) <= RATE_INTERVALS:
        return np.empty(0), np.empty(0)
    first, last = times[:-RATE_INTERVALS], times[RATE_INTERVALS:]
    span = _span_index(night.usable_spans, times)
    bad = np.concatenate([[0], np.cumsum(~night.beats.usable | (span < 0))])
    whole = (span[:-RATE_INTERVALS] == span[RATE_INTERVALS:]) & (
        bad[RATE_INTERVALS + 1 :] == bad[: -RATE_INTERVALS - 1]
    )
    return ((last - first) / RATE_INTERVALS)[whole], ((first + last) / 2)[whole]


def _span_index(spans: Spans, time_s: Float) -> NDArray[np.int64]:
    """Which span holds each time; -1 where none does."""
    index = np.searchsorted(spans[:, 0], time_s, side="right") - 1
    return np.where(contains(spans, time_s), index, -1)


def _clean_epochs(night: Night) -> Iterator[Candidate]:
    """Best signal first, epochs with findings last."""
    grid = night.grid
    found = np.zeros(grid.n, bool)
    found[grid.epoch_of(night.beats.time_s[night.beats.label != "N"])] = True
    for start_s, end_s in intersection(night.episodes.spans, night.spans):
        found[grid.epoch_of(start_s) : grid.epoch_of(end_s) + 1] = True
    for i in np.lexsort((-_sqi(night, -np.inf), found)):
        yield "clean reference, highest signal quality", float(grid.onset_s[i] + EPOCH_S / 2)


def _worst_epochs(night: Night) -> Iterator[Candidate]:
    for i in np.argsort(_sqi(night, np.inf), kind="stable"):
        yield "lowest signal quality still analysed", float(night.grid.onset_s[i] + EPOCH_S / 2)


def _sqi(night: Night, unknown: float) -> Float:
    """SQI of the usable epochs; `unknown` where there is none."""
    sqi = night.quality.sqi.astype(np.float64)
    return np.where(night.quality.usable & np.isfinite(sqi), sqi, unknown)


FINDINGS = (_pauses, _af_onsets, _suspected_blocks, _ventricular, _supraventricular)
RATES = (_highest_rate, _lowest_rate)
