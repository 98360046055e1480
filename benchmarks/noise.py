"""Noise-stress records, as `nst` of the WFDB package makes them.

Five clean minutes, then two noisy and two clean ones in turn; levels by the normal QRS complexes.

References
----------
Moody, Muldrow, Mark (1984) A noise stress test for arrhythmia detectors. Computers in Cardiology 11:381-384.
Moody, WFDB Applications Guide, nst(1) and sigamp(1).
"""

from __future__ import annotations

import numpy as np

from benchmarks.detectors import Annotated
from holter2sleep.night import Float
from holter2sleep.spans import Spans, as_spans
from holter2sleep.training.noise_stress import gain_for

CLEAN_S, SEGMENT_S = 300.0, 120.0
LEVELS_DB = (24, 18, 12, 6, 0, -6)


def noisy_spans(duration_s: float) -> Spans:
    """The stretches to which noise is added."""
    starts = np.arange(CLEAN_S, duration_s, 2 * SEGMENT_S)
    return as_spans(np.column_stack([starts, np.minimum(starts + SEGMENT_S, duration_s)]))


def with_noise(record: Annotated, noise: Float, level_db: float) -> Annotated:
    """The record with noise of the given level in its noisy stretches, without steps at their borders."""
    ecg, fs = np.asarray(record.recording.ecg, np.float64), float(record.recording.fs or 0)
    normal = record.reference.beats.where(np.isin(record.reference.beats.label, ["N", "S"]))
    gain = gain_for(ecg, normal.time_s, noise, fs, level_db)
    added = np.zeros(len(ecg))
    for start_s, end_s in noisy_spans(len(ecg) / fs):
        first, behind = round(start_s * fs), min(round(end_s * fs), len(ecg), len(noise))
        if behind > first:
            added[first:behind] = added[first - 1] + gain * (noise[first:behind] - noise[first])
            added[behind:] = added[behind - 1]
    recording = record.recording.but(ecg=(ecg + added).astype(np.float32))
    return Annotated(record.name, recording, record.reference)
