"""A night as an EDF+ file of annotations: stages, beats, episodes, lights, unusable time.

There is no signal in it but `EDF Annotations`, and one data record an epoch: mne shows only the annotations within the
data records. Stages carry the standard texts of EDF+ (`Sleep stage W`); what has no standard text is named by our code.

References
----------
Kemp B, Olivan J. European data format 'plus' (EDF+). Clin Neurophysiol 2003;114:1755-1761, section 2.2. Standard texts:
edfplus.info/specs/edftexts.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

from holter2sleep.clock import NO_DATE, date_known
from holter2sleep.export.finished import FinishedNight
from holter2sleep.io.edf_write import Annotation, AnnotationSignal, HeaderFields, encoded, time_text
from holter2sleep.io.export import edf_date, patient_field
from holter2sleep.night import EPOCH_S

# AASM letters as EDF+ writes them, N for sleep that is not REM; L (N1 or N2) has no standard text
STAGE_TEXT = {"NREM": "Sleep stage N", "U": "Sleep stage ?"}
EPISODE_TEXT = {"AFIB": "Atrial fibrillation"}
UNUSABLE = "Signal unusable"


def edf_files(night: FinishedNight, name: str) -> dict[str, bytes]:
    """Contents by file name; the name does not clash with that of the recording."""
    start = night.clock.at(0.0) if night.clock else None
    fraction_s = start.microsecond / 1e6 if start else 0.0
    notes = encoded(annotations_of(night), fraction_s)
    signal = AnnotationSignal("EDF", night.grid.n, lambda i: b"+" + time_text(EPOCH_S * i + fraction_s), notes)
    content = _header(night, start, signal).tobytes() + signal.rows(0, night.grid.n).tobytes()
    return {f"{name}_annotations.edf": content}


def annotations_of(night: FinishedNight) -> Iterator[Annotation]:
    """Everything the file says: onset s, duration s or None, text."""
    for onset_s, end_s, stage in night.stage_runs:
        yield onset_s, end_s - onset_s, STAGE_TEXT.get(stage, f"Sleep stage {stage}")
    for time_s, label in zip(night.beats.time_s.tolist(), night.beats.label.tolist(), strict=True):
        yield time_s, None, f"Beat {label}"
    episodes = night.episodes
    for start_s, end_s, kind in zip(
        *(column.tolist() for column in (episodes.start_s, episodes.end_s, episodes.kind)), strict=True
    ):
        yield start_s, end_s - start_s, EPISODE_TEXT.get(kind, kind)
    for start_s, end_s in night.unreadable.tolist():
        yield start_s, end_s - start_s, UNUSABLE
    if night.lights is not None:
        yield night.lights.off_s, None, "Lights off"
        yield night.lights.on_s, None, "Lights on"


def _header(night: FinishedNight, start: datetime | None, signal: AnnotationSignal) -> HeaderFields:
    shown = start or datetime.combine(NO_DATE, time())
    startdate = edf_date(shown) if start is not None and date_known(start) else "X"
    return HeaderFields(
        "EDF+C",
        patient_field(night.subject, start),
        f"Startdate {startdate} X X holter2sleep_{night.version}",
        f"{shown:%d.%m.%y}",
        f"{shown:%H.%M.%S}",
        night.grid.n,
        f"{EPOCH_S:g}",
        (signal.fields,),
    )
