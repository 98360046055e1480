"""Probabilities of the SleepECG package itself for two made-up nights: `python make_golden.py`.

Needs an environment with sleepecg, keras and torch; KERAS_BACKEND=torch. Writes `sleepecg_mesa.npz`, made with
sleepecg 0.6.0, keras 3 and torch 2.13.0.
"""

from __future__ import annotations

import sys
from datetime import time
from pathlib import Path

import numpy as np
import sleepecg
from sleepecg.io.sleep_readers import Gender, SubjectData

sys.path.insert(0, str(Path(__file__).parents[1]))
from staging_nights import START, faulty_beats, steady_beats

HERE = Path(__file__).parent


def stages_by_the_package(beat_s: np.ndarray, start: time | None, subject: SubjectData) -> np.ndarray:
    """Columns undefined, NREM, REM, wake."""
    classifier = sleepecg.load_classifier("wrn-gru-mesa", "SleepECG")
    record = sleepecg.SleepRecord(
        sleep_stage_duration=30, recording_start_time=start, heartbeat_times=beat_s, subject_data=subject
    )
    return sleepecg.stage(classifier, record, return_mode="prob")


def main() -> None:
    """Write both nights."""
    known = stages_by_the_package(faulty_beats(4.5 * 3600), START.time(), SubjectData(age=60, gender=Gender.MALE))
    unknown = stages_by_the_package(steady_beats(2 * 3600 + 17), None, SubjectData())
    np.savez_compressed(HERE / "sleepecg_mesa.npz", known=known, unknown=unknown)


if __name__ == "__main__":
    main()
