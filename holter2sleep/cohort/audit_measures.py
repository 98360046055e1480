"""What an audit looks at in each night: missing numbers, undecided epochs, the signal, and who was left out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import polars as pl

from holter2sleep.cohort.epochs import read_epochs
from holter2sleep.cohort.sources import Source
from holter2sleep.errors import RecordingError
from holter2sleep.night import UNSCORED
from holter2sleep.phenotypes.cohort_folder import COHORT, is_sealed
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.phenotypes.wide import parted

log = logging.getLogger(__name__)

ALL_MISSING = "missing_share"
MISSING = "missing__"  # before the name of a phenotype
ABSTENTION = ("unscored_share", "low_confidence_share", "respiratory_indeterminate_share")
SIGNAL = ("analysable_share", "sqi_percent", "lead_off_share", "noise_share")
FLOW = ("failed_share", "excluded_share")
WORDS = {
    ALL_MISSING: "missing numbers, %",
    "unscored_share": "epochs without a stage, %",
    "low_confidence_share": "staged epochs whose stage is less likely than not, %",
    "respiratory_indeterminate_share": "epochs whose breathing cannot be judged, %",
    "analysable_share": "analysable time, %",
    "sqi_percent": "signal quality index x 100",
    "lead_off_share": "epochs with lead off, %",
    "noise_share": "noisy epochs, %",
    "failed_share": "recordings that failed, %",
    "excluded_share": "nights left out by the exclusions, %",
    "kappa": "kappa against the scored hypnogram",
    "calibration_error": "expected calibration error of the stages",
}
_EPOCH_COLUMNS = ("stage", "confidence", "p_respiratory")


def kind_of(measure: str) -> str:
    """Kind of a measure, which has its margin."""
    kinds = {
        **dict.fromkeys(ABSTENTION, "abstention"),
        **dict.fromkeys(SIGNAL, "signal"),
        **dict.fromkeys(FLOW, "flow"),
        "kappa": "agreement",
        "calibration_error": "calibration",
    }
    return kinds.get(measure, "missing")


def words_of(measure: str) -> str:
    """A measure as a person reads it."""
    if measure.startswith(MISSING):
        return f"nights without {load_dictionary()[measure.removeprefix(MISSING)].label}, %"
    return WORDS[measure]


def measure_table(
    source: Source, directory: Path, low_confidence: float, show: Callable[[str], None] = lambda _: None
) -> pl.DataFrame:
    """One row a night, a column a measure; null where it does not apply. Failed recordings have rows of their own.

    Missing is a phenotype of the whole night whose status is not ok; `missing_share` is the share of all of them. The
    share of epochs with low confidence is of those staged with a confidence; a hypnogram scored by hand has none.
    """
    nights = source.nights
    missing = [
        (100.0 * pl.col(name).is_null()).alias(f"{MISSING}{key[0]}")
        for name in nights.columns
        if (key := parted(name)) and key[1] == "night"
    ]
    signal = [
        pl.lit(None, pl.Float64).alias(name) if column not in nights.columns else (scale * pl.col(column)).alias(name)
        for name, column, scale in _SIGNAL_COLUMNS
    ]
    epochs = [_of_epochs(Path(folder), low_confidence, show) for folder in source.runs["folder"]]
    undecided = pl.DataFrame(epochs, dict.fromkeys(ABSTENTION, pl.Float64))
    share = pl.mean_horizontal(missing) if missing else pl.lit(None, pl.Float64)
    table = nights.select("recording_id", "subject", share.alias(ALL_MISSING), *missing, *signal).hstack(undecided)
    table = table.with_columns(failed_share=pl.lit(0.0)).join(
        _excluded(directory, nights), on="recording_id", how="left", maintain_order="left"
    )
    return pl.concat([table, _failed(source)], how="diagonal")


_SIGNAL_COLUMNS = (
    ("analysable_share", "analysable_share__night", 1.0),
    ("sqi_percent", "sqi_mean__night", 100.0),
    ("lead_off_share", "lead_off_share__night", 1.0),
    ("noise_share", "noise_share__night", 1.0),
)


def _of_epochs(folder: Path, low_confidence: float, show: Callable[[str], None]) -> dict[str, float | None]:
    """Shares of a night's epochs that are left undecided; unknown where its table of epochs is broken."""
    show(folder.name)
    try:
        epochs = read_epochs(folder, *_EPOCH_COLUMNS)
    except RecordingError as error:
        log.warning("%s; its epochs are not counted", error)
        return dict.fromkeys(ABSTENTION)
    confidence = epochs.filter(pl.col("stage") != UNSCORED)["confidence"].drop_nulls()
    return {
        "unscored_share": _percent(epochs["stage"] == UNSCORED),
        "low_confidence_share": _percent(confidence < low_confidence),
        "respiratory_indeterminate_share": _percent(epochs["p_respiratory"].is_null()),
    }


def _percent(is_so: pl.Series) -> float | None:
    share = is_so.mean()
    return None if share is None else 100.0 * float(str(share))


def _excluded(directory: Path, nights: pl.DataFrame) -> pl.DataFrame:
    """Which nights the exclusions of the last `cohort` took; null where there was none, or it is not finished."""
    folder = directory / COHORT
    share = pl.lit(None, pl.Float64)
    if is_sealed(folder) and (folder / "excluded.csv").is_file():
        out = pl.read_csv(folder / "excluded.csv", infer_schema=False)["recording_id"]
        share = 100.0 * pl.col("recording_id").is_in(out.implode())
    return nights.select("recording_id", excluded_share=share)


def _failed(source: Source) -> pl.DataFrame:
    """Recordings of the manifest without a night; a subject of their own where the manifest names none."""
    columns, schema = source.members.columns, {"recording_id": pl.String, "subject": pl.String}
    if columns is None:
        return pl.DataFrame(schema=schema).with_columns(failed_share=pl.lit(None, pl.Float64))
    failed = columns.filter(~pl.col("recording_id").is_in(source.nights["recording"].implode()))
    subject = pl.col("subject_id") if "subject_id" in columns.columns else pl.lit(None, pl.String)
    return failed.select("recording_id", subject=pl.coalesce(subject, "recording_id"), failed_share=pl.lit(100.0))
