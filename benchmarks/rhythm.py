"""Rhythm episodes on annotated records, by EC57: `python -m benchmarks.rhythm DATA [set ...]`.

DATA holds the sets as PhysioNet gives them. Each is analysed by the one path, from the waveform where there is one;
agreement is of the whole record (the sets are short: no learning period is left out) over its analysable time.
Reference episodes count whatever their length. For each set: the figures, and the records that lose most of them, with
the rhythms in which the time was lost. `development` marks records that the weights and limits were chosen on.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.people import Rates, rates_of
from holter2sleep import analyze
from holter2sleep.evaluate.ec57 import EpisodeAgreement, compare_episodes, gross_episodes, ratio
from holter2sleep.evaluate.rhythms import read_rhythm_spans
from holter2sleep.heart.rhythm import find_episodes
from holter2sleep.io import read_recording
from holter2sleep.io.beatfiles import read_beats
from holter2sleep.night import AF_KINDS, Beats, Episodes, Float
from holter2sleep.recipe import Recipe, load_recipe
from holter2sleep.spans import EMPTY, Spans, as_spans, complement, duration, intersection
from holter2sleep.training.fibrillation import DS1, N_NSRDB, read_afdb

SHORTEST_S = 30.0  # reference episodes of at least this length have an onset to be met
WORST = 6  # records named
# Rhythm notes that say in which rhythm time was lost.
NOTES = ("AFIB", "AFL", "N", "SBR", "B", "T", "SVTA", "VT", "NOD", "P", "PREX", "BII", "VFL", "IVR", "AB")


@dataclass(frozen=True)
class Result:
    """One record: what the reference says, what was found."""

    name: str
    development: bool
    reference: Spans
    found: Episodes
    usable: Spans
    notes: dict[str, Spans]
    person: str | None = None  # None: each record is of another

    @property
    def af(self) -> Spans:
        """Time called AF."""
        return self.found.of(*AF_KINDS).spans

    @property
    def agreement(self) -> EpisodeAgreement:
        """Of AF time."""
        return compare_episodes(self.reference, self.af, self.usable)


# --- sets ------------------------------------------------------------------------------------------


def by_waveform(path: Path, reference: Spans | None, development: bool, recipe: Recipe) -> Result:
    """One WFDB record by the one path; its rhythm notes are the reference unless one is given."""
    night = analyze.analyze_night(read_recording(path), recipe)
    marks = path.with_suffix(".atr")
    notes = {kind: read_rhythm_spans(marks, [kind]) for kind in NOTES} if marks.exists() else {}
    known = read_rhythm_spans(marks, AF_KINDS) if reference is None else reference
    return Result(path.stem, development, known, night.episodes, night.usable_spans, notes)


def by_beats(name: str, beats: Beats, reference: Spans, development: bool, recipe: Recipe) -> Result:
    """One list of beats."""
    usable = as_spans([(beats.time_s[0], beats.time_s[-1])])
    return Result(name, development, reference, find_episodes(beats, usable, recipe.rhythm), usable, {})


def mitdb(data: Path, recipe: Recipe) -> Iterator[Result]:
    """DS1 of de Chazal is development."""
    for path in sorted((data / "mitdb").glob("*.hea")):
        yield by_waveform(path, None, path.stem in DS1, recipe)


def cpsc2021(data: Path, recipe: Recipe) -> Iterator[Result]:
    """Segments of a few minutes or less; their names are `data_` person `_` segment."""
    for path in sorted((data / "cpsc2021").glob("*.hea")):
        yield replace(by_waveform(path, None, False, recipe), person=path.stem.rpartition("_")[0])


def mimic_perform_af(data: Path, recipe: Recipe) -> Iterator[Result]:
    """Whole records are AF, or not, by their name."""
    for path in sorted((data / "mimic_perform_af").glob("*.hea")):
        reference = EMPTY if "non_af" in path.stem else as_spans([(0.0, 1e5)])
        yield by_waveform(path, reference, False, recipe)


def afdb_rr(data: Path, recipe: Recipe) -> Iterator[Result]:
    """Beats of five AFDB records; all development, so see `left_out_afdb` beside the weights too."""
    for path in sorted((data / "afdb_rr").glob("*.mat")):
        record = read_afdb(path)
        yield by_beats(path.stem, record.beats, record.af, True, recipe)


def nsrdb(data: Path, recipe: Recipe) -> Iterator[Result]:
    """Beats of healthy days."""
    for i, path in enumerate(sorted((data / "nsrdb").glob("*.atr"))):
        yield by_beats(path.stem, read_beats(path), EMPTY, i < N_NSRDB, recipe)


def sddb(data: Path, recipe: Recipe) -> Iterator[Result]:
    """Machine-made reference: indicative."""
    for path in sorted((data / "sddb").glob("*.ari")):
        yield by_beats(path.stem, read_beats(path), read_rhythm_spans(path, AF_KINDS), False, recipe)


SETS: dict[str, Callable[[Path, Recipe], Iterator[Result]]] = {
    "afdb_rr": afdb_rr,
    "mitdb": mitdb,
    "cpsc2021": cpsc2021,
    "mimic_perform_af": mimic_perform_af,
    "nsrdb": nsrdb,
    "sddb": sddb,
}


# --- figures ---------------------------------------------------------------------------------------


def line_of(title: str, results: list[Result]) -> str:
    """Pooled figures of AF time, with 95 % intervals by drawing people, and of AF episodes."""
    total = gross_episodes([result.agreement for result in results])
    usable_s = sum(duration(result.usable) for result in results)
    met = {
        "episode Se": (ratio(total.n_reference_met, total.n_reference), None, None),
        "episode +P": (ratio(total.n_test_met, total.n_test), None, None),
    }
    told = [f"{name} {_percent(*rate)}" for name, rate in {**times_of(results), **met}.items()]
    counted = f"{len(results):3} records, {usable_s / 3600:6.1f} h, AF {total.reference_s / 60:6.1f} min"
    return f"{title:28} {counted}: {'  '.join(told)}"


def times_of(results: list[Result]) -> Rates:
    """Shares of time: of AF found, of other time not called AF, of what is called AF rightly; of all called wrongly."""
    measures = {
        "time Se": lambda s: ratio(s[0], s[1]),
        "time Sp": lambda s: ratio(s[3] - s[1] - s[2] + s[0], s[3] - s[1]),
        "time +P": lambda s: ratio(s[0], s[2]),
        "false AF of time": lambda s: ratio(s[2] - s[0], s[3]),
    }
    return rates_of(
        [result.person or result.name for result in results], [_seconds_of(result) for result in results], measures
    )


def _seconds_of(result: Result) -> Float:
    """Found rightly, AF, called AF, usable. array (4,)."""
    agreement = result.agreement
    return np.array([agreement.overlap_s, agreement.reference_s, agreement.test_s, duration(result.usable)])


def _percent(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" + ("" if low is None or high is None else f" ({100 * low:.2f} to {100 * high:.2f})")


def borders_of(results: list[Result]) -> str:
    """How far the onsets and ends of the longer reference episodes are from the nearest found."""
    far: dict[str, list[float]] = {"onset": [], "end": []}
    for result in results:
        for start_s, end_s in _long(result.reference):
            met = result.af[(result.af[:, 0] < end_s) & (result.af[:, 1] > start_s)]
            if len(met):
                far["onset"].append(abs(met[0, 0] - start_s))
                far["end"].append(abs(met[-1, 1] - min(end_s, result.usable[-1, 1])))
    return "  ".join(f"{k}: median {np.median(v):.1f} s off ({len(v)})" for k, v in far.items() if v)


def _long(spans: Spans) -> Spans:
    """Episodes of at least 30 s; what interrupts one for less is not an end."""
    joined = as_spans(spans + np.array([0.0, SHORTEST_S])) - np.array([0.0, SHORTEST_S])
    return joined[joined[:, 1] - joined[:, 0] >= SHORTEST_S]


def by_record(results: list[Result]) -> str:
    """Records called AF when at least half of their analysable time is."""
    called = [duration(intersection(r.af, r.usable)) >= 0.5 * duration(r.usable) for r in results]
    right = [call == (len(r.reference) > 0) for call, r in zip(called, results, strict=True)]
    wrong = ", ".join(r.name for ok, r in zip(right, results, strict=True) if not ok)
    return f"records right: {sum(right)} of {len(results)}{'; wrong: ' + wrong if wrong else ''}"


def worst(results: list[Result]) -> Iterator[str]:
    """The records that lose most, and in which rhythms."""

    def lost(result: Result) -> tuple[Spans, Spans]:
        reference, found = (intersection(s, result.usable) for s in (result.reference, result.af))
        return intersection(reference, complement(found, 0, 1e7)), intersection(found, complement(reference, 0, 1e7))

    ranked = sorted(results, key=lambda result: -sum(map(duration, lost(result))))
    for result in ranked[:WORST]:
        missed, false = lost(result)
        if duration(missed) + duration(false) >= 1.0:
            where = {kind: duration(intersection(span, false)) for kind, span in result.notes.items()}
            told = ", ".join(f"{kind} {seconds:.0f} s" for kind, seconds in where.items() if seconds >= 1)
            yield (
                f"    {result.name:24} missed {duration(missed):6.0f} s  false {duration(false):6.0f} s"
                f"{'  (' + told + ')' if told else ''}{'  development' if result.development else ''}"
            )


RUN_KINDS = {"SVTA": ("SVTA",), "VT": ("VT",), "IVR": ("IVR",), "B": ("B",), "T": ("T",), "BII": ("BII",)}


def runs_of(results: list[Result]) -> Iterator[str]:
    """Agreement of the other rhythms that are noted."""
    for note, kinds in RUN_KINDS.items():
        pairs = [
            compare_episodes(r.notes.get(note, EMPTY), r.found.of(*kinds).spans, r.usable) for r in results if r.notes
        ]
        if pairs and (total := gross_episodes(pairs)).n_reference:
            yield (
                f"    {note:5} {total.n_reference_met}/{total.n_reference} episodes met, "
                f"{total.overlap_s:.0f} of {total.reference_s:.0f} s; found {total.n_test}, {total.n_test_met} of them "
                f"noted, {total.test_s:.0f} s"
            )


def main() -> None:
    """Print the figures of each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", default=[name for name in SETS if name != "sddb"])
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    analyze.MINIMUM_S = 10.0  # segments of cpsc2021 last less than the two minutes of a night
    recipe = load_recipe()
    recipe = replace(recipe, staging=replace(recipe.staging, stager="clock"))  # stages are of no concern here
    for name in options.sets:
        results = list(SETS[name](options.data, recipe))
        print(line_of(name, results))
        for title, part in (("development", True), ("not developed on", False)):
            chosen = [result for result in results if result.development == part]
            if 0 < len(chosen) < len(results):
                print(line_of(f"    {title}", chosen))
        print(*filter(None, [borders_of(results), by_record(results) if name == "mimic_perform_af" else ""]), sep="\n")
        print(*worst(results), *runs_of(results), sep="\n", end="\n\n", flush=True)


if __name__ == "__main__":
    main()
