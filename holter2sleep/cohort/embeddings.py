"""What an encoder sees in each night of a cohort, pooled over stages: a table for late fusion with other things known.

An embedding is no phenotype: its numbers have no unit and mean nothing one by one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from holter2sleep.cohort.sources import find_runs
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.night import STAGE_STRATA, Recording, Source
from holter2sleep.phenotypes.cohort_folder import COHORT
from holter2sleep.phenotypes.epochs import quality_of
from holter2sleep.phenotypes.files import read_table
from holter2sleep.review.recording import find_waveform
from holter2sleep.sleep.staging.installed import hash_of
from holter2sleep.waveform import Waveform
from holter2sleep.whole_files import whole

if TYPE_CHECKING:
    from holter2sleep.sleep.staging.encoder import Net1D
    from holter2sleep.sleep.staging.profiles import Profile

FILE = "embeddings.parquet"
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "recording_id": pl.String,
    "stratum": pl.String,  # night, or a stage
    "n_epochs": pl.Int64,  # with an embedding, in the stratum
    "embedding": pl.List(pl.Float32),  # mean over the epochs of mean and SD over their windows
    "encoder": pl.String,
    "encoder_sha256": pl.String,
}


@dataclass(frozen=True)
class Encoder:
    """A network with the windows it wants to see, and what it is called."""

    network: Net1D
    profile: Profile
    name: str
    sha256: str


@dataclass(frozen=True)
class Embedded:
    """The table that was written, and the nights that have no row, with the reason."""

    path: Path
    n_nights: int
    without: dict[str, str]


def read_encoder(name_or_file: str) -> Encoder:
    """An encoder by the name of `models list`, or from a file.

    Raises
    ------
    UsageError
        Neither a file nor a name.
    WeightsError
        It is not installed, or no encoder.
    """
    from holter2sleep.sleep.staging.encoder_weights import find_encoder_file  # torch: only where nights are encoded

    path, network, profile = find_encoder_file(name_or_file)
    name = path.name if Path(name_or_file).is_file() else name_or_file
    return Encoder(network, profile, name, hash_of(path, "sha256"))


def embed_cohort(
    directory: Path, encoder: Encoder, recordings: Path | None, begin: Callable[[int], Callable[[str], None]]
) -> Embedded:
    """Write `cohort/embeddings.parquet`: a row for each night and stratum of every night whose recording is found.

    Nights that an earlier, stopped run has finished with the same encoder are not done again.

    Raises
    ------
    UsageError
        No such folder.
    RecordingError
        No night in it.
    """
    runs = {folder: run for folder, run in find_runs(directory).items() if run}
    parts = directory / COHORT / f".embeddings_{encoder.sha256[:16]}"
    parts.mkdir(parents=True, exist_ok=True)
    files, told, without = _by_name(recordings), begin(len(runs)), dict[str, str]()
    for folder, run in runs.items():
        told(run["recording_id"])
        part = parts / f"{run['recording_id']}.parquet"
        try:
            if not part.is_file():
                table = night_table(folder, run, encoder, files.get(run["input"]["file"]))
                with whole(part) as new:
                    table.write_parquet(new)
        except RecordingError as error:
            without[run["recording_id"]] = str(error)
    kept = [pl.read_parquet(path) for path in sorted(parts.glob("*.parquet"))]
    path = directory / COHORT / FILE
    with whole(path) as new:
        pl.concat([pl.DataFrame(schema=SCHEMA), *kept]).write_parquet(new)
    for part in parts.iterdir():
        part.unlink()
    parts.rmdir()
    return Embedded(path, len(kept), without)


def night_table(folder: Path, run: dict[str, Any], encoder: Encoder, recording: Path | None) -> pl.DataFrame:
    """The rows of one night.

    Raises
    ------
    RecordingError
        Its recording is not found, holds no waveform, or the night was made by an earlier version.
    """
    from holter2sleep.sleep.staging.embeddings import epoch_embeddings

    if "usable" not in run:
        raise RecordingError(f"{folder}: made by an earlier version; run analyze --overwrite on its recording")
    if run["channel"] is None:
        raise RecordingError(f"{folder}: beats only, there is no waveform to encode")
    ecg = find_waveform(folder, run, recording)
    if ecg is None:
        raise RecordingError(f"{folder}: its recording {run['input']['file']} is not found; give --recordings FOLDER")
    epochs = read_table(folder / "epochs.parquet")
    z = epoch_embeddings(_recording(run, ecg), quality_of(run, epochs), encoder.network, encoder.profile)
    return _pooled(run["recording_id"], epochs["stage"].to_numpy(), z, encoder)


def _recording(run: dict[str, Any], ecg: Waveform) -> Recording:
    source = Source(**run["input"])
    return Recording(run["recording_id"], source, run["duration_s"], run["fs"], channel=run["channel"], ecg=ecg)


def _pooled(name: str, stage: np.ndarray, z: np.ndarray, encoder: Encoder) -> pl.DataFrame:
    """Means over the epochs of each stratum that have an embedding; no row for a stratum without any."""
    known = np.isfinite(z).all(axis=1)
    masks = {"night": known, **{k: known & np.isin(stage, list(letters)) for k, (letters, _) in STAGE_STRATA.items()}}
    rows = [
        (name, stratum, int(mask.sum()), z[mask].mean(axis=0, dtype=np.float64).tolist(), encoder.name, encoder.sha256)
        for stratum, mask in masks.items()
        if mask.any()
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _by_name(recordings: Path | None) -> dict[str, Path]:
    """Files below a folder by name; of two of one name the first, whose hash then tells whether it is the one.

    Raises
    ------
    UsageError
        No such folder.
    """
    if recordings is None:
        return {}
    if not recordings.is_dir():
        raise UsageError(f"--recordings {recordings}: no such folder")
    return {path.name: path for path in sorted(_files(recordings), reverse=True)}


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)
