"""A recording as a file: EDF+C, EDF+D when something is missing, or WFDB.

No library writes EDF+D, so the format is written here; other libraries read it back in the tests.

References
----------
Kemp B, Olivan J. European data format 'plus' (EDF+), an EDF alike standard format for the exchange of physiological
data. Clin Neurophysiol 2003;114:1755-1761.
"""

from __future__ import annotations

import logging
import re
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holter2sleep.clock import NO_DATE, date_known
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.io.annotation_write import wfdb_comments
from holter2sleep.io.edf_write import Annotation, AnnotationSignal, HeaderFields, SignalFields, encoded, time_text
from holter2sleep.io.subjects import MONTHS
from holter2sleep.night import Recording, Subject
from holter2sleep.spans import runs as runs_of
from holter2sleep.waveform import BLOCK_SAMPLES, Waveform
from holter2sleep.whole_files import write_files

log = logging.getLogger(__name__)

Digital = NDArray[np.int16]

RANGES_MV = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0)  # the smallest that holds the signal is taken
DIGITAL_MAX = 25_000  # a count is 0.2 uV in the range of 5 mV
WFDB_MISSING = -32_768  # WFDB format 16: no sample
RECORD_S = (1, 2, 4, 5, 8, 10, 20, 25, 40, 50)  # lengths of data record tried in turn
_LARGEST_COUNT = 32_767
_LARGEST_RANGE_MV = 9999.0  # 7 digits of uV


@dataclass(frozen=True)
class Scale:
    """Counts of a written lead: the largest one, and the millivolt it stands for."""

    digital_max: int
    range_mv: float

    @classmethod
    def of_step(cls, step_mv: float, largest_mv: float) -> Scale | None:
        """The scale on which a count is `step_mv`; None when 16 bits or the header cannot hold the largest amplitude.

        Of the largest counts that will do, the one whose microvolts suffer least from the width of a header field.
        """
        largest_count = round(largest_mv / step_mv)
        if not 0 < largest_count <= _LARGEST_COUNT or _LARGEST_COUNT * step_mv > _LARGEST_RANGE_MV:
            return None
        found = [cls(n, n * step_mv) for n in range(largest_count, _LARGEST_COUNT + 1)]
        return min(found, key=lambda scale: abs(float(_range_uv(scale)) / (1000 * scale.range_mv) - 1))

    def counts(self, ecg: NDArray[np.float32]) -> Digital:
        """Millivolt to counts; what is missing gets the value that WFDB reserves for it."""
        counts = np.rint(ecg * np.float32(self.digital_max / self.range_mv))
        return np.where(np.isnan(counts), WFDB_MISSING, counts).astype(np.int16)


@dataclass(frozen=True)
class _Lead:
    """A lead and what one look at all of it tells."""

    ecg: Waveform
    largest_mv: float
    runs: tuple[tuple[int, int], ...]  # first sample, and the one behind the last, of each stretch without a gap


@dataclass(frozen=True)
class _Plan:
    """How a lead lies in the data records of an EDF file."""

    lead: _Lead
    fs: float
    n_samples: int  # per data record
    record_s: float
    fraction_s: float  # of the start, which the header's clock cannot say

    @property
    def first_records(self) -> list[int]:
        """Data record that each run begins with, and the number of all of them."""
        return list(accumulate((-(-(end - start) // self.n_samples) for start, end in self.lead.runs), initial=0))

    @property
    def is_continuous(self) -> bool:
        """Whether nothing is missing, so that EDF+C can hold it."""
        return len(self.lead.runs) == 1 and self.lead.runs[0][0] == 0

    def stamp(self, first_records: list[int], record: int) -> bytes:
        """Time of a data record."""
        run = bisect_right(first_records, record) - 1
        onset_s = self.lead.runs[run][0] / self.fs + (record - first_records[run]) * self.record_s + self.fraction_s
        return b"+" + time_text(onset_s)


def write_edf(path: Path, recording: Recording, annotations: Iterable[Annotation] = ()) -> None:
    """Write the lead as EDF+C, or as EDF+D when samples are missing (NaN).

    The birth date, the only place of EDF+ for an age, is 1 January of the year that gives the age. A last data record
    that is not full repeats the last sample, and the file says so in an annotation.

    Raises
    ------
    RecordingError
        No waveform or no sample, an amplitude beyond all ranges, or a gap shorter than the rest of a data record.
    """
    write_files({path: edf_blocks(recording, annotations)})


def edf_blocks(
    recording: Recording, annotations: Iterable[Annotation] = (), scale: Scale | None = None
) -> Iterator[bytes]:
    """The bytes that `write_edf` writes, in pieces: memory does not grow with the recording.

    `scale` says which millivolt a count stands for; without it the smallest of `RANGES_MV` that holds the lead.

    Raises
    ------
    RecordingError
        As `write_edf`.
    """
    lead = _looked_at(recording)
    scale = scale or Scale(DIGITAL_MAX, _range_mv(recording, lead.largest_mv))
    plan = _plan(recording, lead)
    first_records = plan.first_records
    notes = encoded([*annotations, *_filled(plan)], plan.fraction_s)
    times = AnnotationSignal("EDF", first_records[-1], lambda record: plan.stamp(first_records, record), notes)
    yield _header(recording, plan, scale, times).tobytes()
    at = 0
    for samples in _data_records(plan, scale):
        tals = times.rows(at, at + len(samples))
        yield np.concatenate([samples.astype("<i2").view(np.uint8), tals], axis=1).tobytes()
        at += len(samples)


def write_wfdb(path: Path, recording: Recording) -> None:
    """Write the lead as a WFDB record of format 16: `path` is the header, the signal lies beside it.

    Missing samples carry the value the format reserves for them; age and sex go into a comment such as `44 M`.

    Raises
    ------
    RecordingError
        No waveform or no sample, or an amplitude beyond all ranges.
    UsageError
        A file name that WFDB does not allow as the name of a record.
    """
    import wfdb  # here, because it loads pandas

    if not re.fullmatch(r"[\w-]+", path.stem, re.ASCII):
        raise UsageError(f"{path.name}: a WFDB record is named with letters, digits, '_' and '-' only")
    lead = _looked_at(recording)
    range_mv = _range_mv(recording, lead.largest_mv)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        wfdb.wrsamp(
            path.stem,
            fs=_fs(recording),
            units=["mV"],
            sig_name=[recording.channel or "ECG"],
            d_signal=Scale(DIGITAL_MAX, range_mv).counts(lead.ecg[:])[:, np.newaxis].astype(np.int64),
            fmt=["16"],
            adc_gain=[DIGITAL_MAX / range_mv],
            baseline=[0],
            comments=wfdb_comments(recording.subject),
            base_datetime=recording.start,
            write_dir=folder,
        )
        for suffix in (".dat", ".hea"):  # the header last: a record without it does not exist
            (Path(folder) / path.stem).with_suffix(suffix).replace(path.with_suffix(suffix))


# --- samples ---------------------------------------------------------------------------------------


def _looked_at(recording: Recording) -> _Lead:
    """The lead, its largest amplitude and its stretches without a gap."""
    file, ecg = recording.source.file, recording.ecg
    if ecg is None:
        raise RecordingError(f"{file}: beats without waveform; export the beats as annotations instead")
    largest_mv, edges = 0.0, []
    for first in range(0, len(ecg), BLOCK_SAMPLES):
        block = ecg[first : first + BLOCK_SAMPLES]
        present = ~np.isnan(block)
        largest_mv = max(largest_mv, float(np.abs(block[present]).max(initial=0.0)))
        edges += (first + np.column_stack(runs_of(present))).tolist()
    if not edges:
        raise RecordingError(f"{file}: no sample to write, the whole lead is missing")
    runs = [edges[0]]
    for start, end in edges[1:]:
        if start == runs[-1][1]:  # the border of a block
            runs[-1][1] = end
        else:
            runs.append([start, end])
    return _Lead(ecg, largest_mv, tuple((start, end) for start, end in runs))


def _fs(recording: Recording) -> float:
    if recording.fs is None:
        raise RecordingError(f"{recording.source.file}: no sampling rate")
    return recording.fs


def _range_mv(recording: Recording, largest_mv: float) -> float:
    for range_mv in RANGES_MV:
        if largest_mv <= range_mv:
            return range_mv
    raise RecordingError(
        f"{recording.source.file}: amplitude of {largest_mv:.4g} mV; at most {RANGES_MV[-1]:g} mV can be an ECG. "
        "Check the unit"
    )


def _record_length(fs: float) -> tuple[int, float]:
    """Samples and seconds of a data record; a whole number of seconds if the rate allows it."""
    for seconds in RECORD_S:
        if abs(fs * seconds - round(fs * seconds)) < 1e-6:
            return round(fs * seconds), float(seconds)
    n_samples = max(1, round(fs))
    return n_samples, float(_field(n_samples / fs))


def _field(value: float) -> str:
    """A number in the eight characters of a header field."""
    return f"{value:.8f}"[:8].rstrip("0").rstrip(".")


def _range_uv(scale: Scale) -> str:
    """The range in seven characters, which leaves one for the sign of the minimum."""
    text = f"{1000 * scale.range_mv:.7f}"[:7]
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plan(recording: Recording, lead: _Lead) -> _Plan:
    fs = _fs(recording)
    n_samples, record_s = _record_length(fs)
    for (start, end), (next_start, _) in pairwise(lead.runs):
        if end + -(end - start) % n_samples > next_start:
            raise RecordingError(
                f"{recording.source.file}: a gap is shorter than what is left of its data record, which EDF+D cannot "
                "hold; write WFDB (.hea) instead"
            )
    return _Plan(lead, fs, n_samples, record_s, recording.start.microsecond / 1e6 if recording.start else 0.0)


def _filled(plan: _Plan) -> list[Annotation]:
    """A note for each last data record of a run that has to be filled."""
    rests = [(end / plan.fs, -(end - start) % plan.n_samples) for start, end in plan.lead.runs]
    n_repeated = sum(n for _, n in rests)
    log.info("EDF+: %d stretches, %d samples repeated to fill data records", len(rests), n_repeated)
    return [(end_s, n / plan.fs, "Last sample repeated to fill the data record") for end_s, n in rests if n]


def _data_records(plan: _Plan, scale: Scale) -> Iterator[Digital]:
    """The data records in order, some at a time. arrays (n_records, n_samples)."""
    step = max(1, BLOCK_SAMPLES // plan.n_samples) * plan.n_samples
    for start, end in plan.lead.runs:
        for first in range(start, end, step):
            counts = scale.counts(plan.lead.ecg[first : min(first + step, end)])
            yield np.pad(counts, (0, -len(counts) % plan.n_samples), mode="edge").reshape(-1, plan.n_samples)


# --- header ----------------------------------------------------------------------------------------


def edf_date(date: datetime) -> str:
    """Date as the EDF+ subfields have it, such as 02-MAR-2020."""
    return f"{date.day:02d}-{MONTHS[date.month - 1]}-{date.year:04d}"


def _birth_date(subject: Subject, start: datetime | None) -> str:
    if subject.age_years is None or start is None:
        return "X"
    return f"01-JAN-{start.year - int(subject.age_years):04d}"


def patient_field(subject: Subject, start: datetime | None) -> str:
    """Patient field that says sex and age and nothing else; the age as 1 January of the year that gives it."""
    return f"X {subject.sex or 'X'} {_birth_date(subject, start)} X"


def _header(recording: Recording, plan: _Plan, scale: Scale, times: AnnotationSignal) -> HeaderFields:
    start = recording.start or datetime.combine(NO_DATE, time())
    dated = start if date_known(start) else None
    range_uv = _range_uv(scale)
    lead = SignalFields(
        recording.channel or "ECG",
        "",
        "uV",
        f"-{range_uv}",
        range_uv,
        str(-scale.digital_max),
        str(scale.digital_max),
        "",
        str(plan.n_samples),
    )
    return HeaderFields(
        "EDF+C" if plan.is_continuous else "EDF+D",
        patient_field(recording.subject, dated),
        f"Startdate {edf_date(dated) if dated else 'X'} X X X",
        f"{start:%d.%m.%y}",
        f"{start:%H.%M.%S}",
        times.n_records,
        _field(plan.record_s),
        (lead, times.fields),
    )
