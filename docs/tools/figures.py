"""Figures of quality, from the files that the training scripts wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from docs.tools.markdown import table
from docs.tools.repository import ROOT

STAGING = "holter2sleep/sleep/staging/weights/fusion_figures.json"
CLOCK = "holter2sleep/sleep/staging/clock_table.json"
APNOEA = "holter2sleep/autonomic/weights/apnea_figures.json"
FIBRILLATION = "holter2sleep/heart/af_weights.json"
CLASSES = (2, 3, 4, 5)
SETS = {"apnea-ecg": "Apnea-ECG", "hugcdn2014": "HuGCDN2014"}


def read_figures(path: str) -> dict[str, Any]:
    """A file of figures."""
    found: dict[str, Any] = json.loads((ROOT / path).read_text(encoding="utf-8"))
    return found


def with_interval(value: float, ends: Sequence[float], digits: int = 3) -> str:
    """A figure and its interval.

    Examples
    --------
    >>> with_interval(0.452, (0.349, 0.552), 2)
    '0.45 (0.35 to 0.55)'
    """
    return f"{value:.{digits}f} ({ends[0]:.{digits}f} to {ends[1]:.{digits}f})"


def staging() -> str:
    """Agreement of the shipped stager, by the number of classes."""
    figures = read_figures(STAGING)
    heads = ["classes", "kappa", "accuracy", "majority", "macro F1", "calibration error", "clock alone, kappa"]
    heads += ["surer half of the epochs, kappa", "beats found in a made waveform, kappa"]
    heads += ["those and the waveform (`fusion-waveform`), kappa"]
    return table(heads, [_staging_row(n, figures) for n in CLASSES])


def _staging_row(n: int, figures: dict[str, Any]) -> list[str]:
    own, found, seen = (part[f"{n}_classes"] for part in (figures, figures["beats_found"], figures["waveform"]))
    shares = (own[name] for name in ("accuracy", "majority_accuracy", "macro_f1", "calibration_error", "clock_kappa"))
    kappas = [with_interval(each["kappa"], each["kappa_interval"]) for each in (own, found, seen)]
    return [
        str(n),
        kappas[0],
        *(f"{share:.3f}" for share in shares),
        f"{own['kappa_by_coverage']['0.5']:.3f}",
        *kappas[1:],
    ]


def staging_classes() -> str:
    """How well each stage is told from all others."""
    figures = read_figures(STAGING)
    rows = [
        [
            str(n),
            ", ".join(f"{stage} {kappa:.3f}" for stage, kappa in figures[f"{n}_classes"]["kappa_of_class"].items()),
        ]
        for n in CLASSES
    ]
    return table(["classes", "kappa of each class against the others"], rows)


def staging_peers() -> str:
    """What the second opinion alone reaches on the same epochs, and how much the stager has more."""
    other = read_figures(STAGING)["second_opinion_alone"]
    rows = [[f"{other['kappa']:.3f}", with_interval(other["ours_more"], other["interval"])]]
    return table(
        ["SleepECG's network on the same epochs, three classes, kappa", "the shipped stager has more by"], rows
    )


def clock() -> str:
    """The floor of staging."""
    figures = read_figures(CLOCK)
    rows = [[str(figures["n_subjects"]), f"{figures['n_epochs']:,}", f"{figures['left_out_kappa']:.3f}"]]
    return table(["nights", "epochs", "kappa, each night staged by the others"], rows)


def apnoea() -> str:
    """Respiratory minutes, cross-validated by subject and trained on the other set."""
    figures = read_figures(APNOEA)
    rows = [*_apnoea_rows(figures["cross_validated"], "")]
    for source, targets in figures["across_sets"].items():
        rows += _apnoea_rows(targets, f", {source} alone")
    heads = ["judged on", "subjects", "minutes", "accuracy", "majority", "sensitivity", "specificity", "kappa", "AUC"]
    return table(heads, rows)


def _apnoea_rows(sets: dict[str, Any], trained: str) -> Iterator[list[str]]:
    for name, own in ((name, sets[name]) for name in SETS if name in sets):
        counts = [str(own["n_subjects"]), f"{own['n_minutes']:,}"]
        accuracy = with_interval(own["accuracy"], own["accuracy_95_interval"])
        rest = [f"{own[key]:.3f}" for key in ("majority_accuracy", "sensitivity", "specificity", "kappa")]
        auc = with_interval(own["auc"], own["auc_95_interval"])
        yield [SETS[name] + trained, *counts, accuracy, *rest, auc]


def fibrillation() -> str:
    """Time in atrial fibrillation, each recording left out of the fit in turn."""
    figures = read_figures(FIBRILLATION)
    found = figures["left_out_afdb"]
    shares = [f"{found[f'duration_{name}']:.1f} %" for name in ("sensitivity", "specificity")]
    return table(
        ["recordings", "sensitivity of AF time", "specificity"], [[str(figures["n_records"]["afdb_rr"]), *shares]]
    )
