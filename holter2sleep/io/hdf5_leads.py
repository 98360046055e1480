"""The leads that an HDF5 file may hold: columns of its numeric datasets, and what attributes say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from holter2sleep.io.labels import ecg_rank
from holter2sleep.io.options import ReadOptions

_COLUMN_NAMES = re.compile(
    r"columns?|channels?|(channel|column|signal|lead)_?(names?|labels?)|names|labels|leads", re.I
)
# Names that say nothing of what is in a dataset: its group does.
_SAYS_NOTHING = re.compile(r"data|signals?|sig|values?|samples?|wave_?forms?|raw|array|series|time_?series|y", re.I)
_TIME_NAMES = re.compile(r"t|times?|time_?(s|ms|stamps?)|stamps?|index", re.IGNORECASE)
_MAX_OBJECTS = 10_000  # of a file's groups and datasets looked at
_MAX_CHANNELS = 256  # the shorter side of a table of samples
_LARGE_CHUNK_BYTES = 1 << 22  # of smaller ones HDF5 may unpack one again
_MAX_CHUNK_BYTES = 1 << 28  # HDF5 unpacks a whole chunk to give one sample of it


@dataclass(frozen=True)
class Lead:
    """A column of a dataset."""

    dataset: str  # path in the file
    column: int | None  # None: the dataset has one dimension
    along: int  # the axis of time
    n_samples: int
    label: str  # last name of the path that says anything, or the column's name
    n_columns: int = 1
    is_named: bool = True  # whether the file names the column
    chunk: tuple[int, int] | None = None  # samples and columns of a chunk, where it is a large one

    @property
    def full_name(self) -> str:
        """What --channel may name: the dataset's path, with the column's label where there are several."""
        is_whole = self.label == label_of(self.dataset)
        return self.dataset if is_whole else f"{self.dataset}/{self.label}"

    @property
    def names(self) -> tuple[str, ...]:
        """Likewise, and the last part of it alone, case folded."""
        return self.full_name.casefold(), self.full_name.rpartition("/")[2].casefold()


def label_of(path: str) -> str:
    """The last name in the path of a dataset that says what it is; the last of all where none does.

    Examples
    --------
    >>> label_of("acquisition/ECG/data"), label_of("ecg"), label_of("data")
    ('ECG', 'ecg', 'data')
    """
    names = path.split("/")
    return next((name for name in reversed(names) if not _SAYS_NOTHING.fullmatch(name)), names[-1])


def leads_of(file: Any) -> tuple[list[Lead], list[str]]:
    """Columns of samples in the file, and why other datasets hold none."""
    leads: list[Lead] = []
    passed_over: list[str] = []
    for name, dataset in _datasets(file):
        fault = _fault(dataset)
        if fault is None:
            leads += _columns(file, name, dataset)
        elif fault:
            passed_over.append(f"{name!r}: {fault}")
    return leads, passed_over


def worth_looking(leads: list[Lead], options: ReadOptions) -> tuple[list[Lead], str | None]:
    """As many leads as a recording may have, those with the name that is asked for or of an ECG first, and a note."""
    if len(leads) <= _MAX_CHANNELS:
        return leads, None
    wanted = (options.channel or "").strip().strip("/").casefold()

    def rank(index: int) -> tuple[bool, bool, int]:
        names = leads[index].full_name.casefold(), leads[index].label.casefold()
        return wanted not in names, ecg_rank(leads[index].label) is None, index

    kept = sorted(sorted(range(len(leads)), key=rank)[:_MAX_CHANNELS])
    note = f"{len(leads)} datasets and columns of samples: {_MAX_CHANNELS} were looked at, those named as an ECG first"
    return [leads[i] for i in kept], note


def said_in(file: Any) -> Iterator[tuple[str, str, Any]]:
    """Attributes, and datasets of text or of a single value: which of both, its name, what it holds."""
    import h5py

    for name, item in _objects(file):
        yield from (("attribute", key, value) for key, value in attributes(item))
        if not isinstance(item, h5py.Dataset) or item.shape is None or not 0 < item.size <= _MAX_CHANNELS:
            continue
        if item.dtype.kind in "OS" or item.size == 1 or item.attrs.get("MATLAB_class") == b"char":
            is_chars = item.attrs.get("MATLAB_class") == b"char"
            yield "dataset", name.rpartition("/")[2], "text" if is_chars else plain_value(item[()])


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    """Datasets of the file itself, each once."""
    import h5py

    return ((name, item) for name, item in _objects(file) if isinstance(item, h5py.Dataset))


def _objects(file: Any) -> Iterator[tuple[str, Any]]:
    """Groups and datasets of the file itself, each once; links to elsewhere are not followed."""
    import h5py

    waiting, seen = [("", file)], set()
    for _ in range(_MAX_OBJECTS):
        if not waiting:
            return
        name, item = waiting.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        yield name, item
        if isinstance(item, h5py.Group):
            inside = [key for key in item if isinstance(item.get(key, getlink=True), h5py.HardLink)]
            inside = [key for key in inside if not key.startswith("#")]  # MATLAB keeps parts of objects there
            waiting += [(f"{name}/{key}".strip("/"), item[key]) for key in sorted(inside, reverse=True)]


def _fault(dataset: Any) -> str | None:
    """Why a dataset holds no samples; empty when it is not meant to, None when it may hold some."""
    if dataset.shape is None or dataset.size <= _MAX_CHANNELS or dataset.attrs.get("MATLAB_class") == b"char":
        return ""
    if dataset.dtype.kind not in "fiu":
        return f"{'compound values' if dataset.dtype.names else 'no numbers'}"
    if dataset.ndim > 2 or (dataset.ndim == 2 and min(dataset.shape) > _MAX_CHANNELS):
        return f"its shape {dataset.shape} is not samples by channels"
    if dataset.external or dataset.is_virtual:
        return "its samples lie in other files"
    if dataset.id.get_storage_size() == 0:
        return "no sample was ever written to it"
    if dataset.chunks and np.prod([float(n) for n in dataset.chunks]) * dataset.dtype.itemsize > _MAX_CHUNK_BYTES:
        return "its chunks are too large to be unpacked"
    return "" if _TIME_NAMES.fullmatch(_name_of(dataset)) else None


def _name_of(dataset: Any) -> str:
    """Last part of the path of a dataset."""
    return str(dataset.name).rpartition("/")[2]


def _columns(file: Any, name: str, dataset: Any) -> list[Lead]:
    """A lead a column; the longer side is time, whoever wrote the file (MATLAB turns tables round)."""
    if dataset.ndim == 1:
        return [Lead(name, None, 0, int(dataset.shape[0]), label_of(name), chunk=_large_chunk(dataset, 0))]
    along = int(np.argmax(dataset.shape))
    n_samples, n_columns = int(dataset.shape[along]), int(dataset.shape[1 - along])
    names = _column_names(dataset, n_columns) or _column_names(dataset.parent, n_columns)
    labels = names or [label_of(name) if n_columns == 1 else f"{label_of(name)} {i + 1}" for i in range(n_columns)]
    is_named = names is not None
    chunk = _large_chunk(dataset, along)
    return [Lead(name, i, along, n_samples, labels[i], n_columns, is_named, chunk) for i in range(n_columns)]


def _large_chunk(dataset: Any, along: int) -> tuple[int, int] | None:
    """Samples and columns of the chunks of a dataset; None where they are small, or it has none."""
    if not dataset.chunks or np.prod([float(n) for n in dataset.chunks]) * dataset.dtype.itemsize < _LARGE_CHUNK_BYTES:
        return None
    sizes = [int(n) for n in dataset.chunks]
    return (sizes[0], 1) if len(sizes) == 1 else (sizes[along], sizes[1 - along])


def _column_names(item: Any, n_columns: int) -> list[str] | None:
    for key, value in attributes(item):
        names = value.split(",") if isinstance(value, str) else value
        if _COLUMN_NAMES.fullmatch(key) and isinstance(names, list) and len(names) == n_columns:
            return [str(name).strip() for name in names]
    return None


def bare_key(key: str) -> str:
    """A name without case, blanks, underscores and hyphens.

    Examples
    --------
    >>> bare_key("Sampling Rate"), bare_key("fs_Hz")
    ('samplingrate', 'fshz')
    """
    return re.sub(r"[\s_-]", "", key.casefold())


def attributes(item: Any) -> Iterator[tuple[str, Any]]:
    """Attributes as text, number or list; those that HDF5 cannot give are passed over."""
    for key in list(item.attrs)[:_MAX_CHANNELS]:
        try:
            # h5py gives a name that is no UTF-8 as it is
            name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
            yield name, plain_value(item.attrs[key])
        except (OSError, TypeError, ValueError, KeyError):
            continue


def plain_value(value: Any) -> Any:
    """A text, a float, or a list of them out of what h5py gives."""
    if isinstance(value, np.ndarray):
        values = [plain_value(one) for one in value.ravel()[:_MAX_CHANNELS]]
        return values[0] if len(values) == 1 else values
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, str):  # h5py keeps bytes that are no UTF-8 as surrogates, which no file can be written with
        return value.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
    return float(value) if isinstance(value, (int, float, np.number)) else value
