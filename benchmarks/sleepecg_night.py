"""SleepECG's own way through a night, as its documentation shows it: read, beats, features, three stages.

`python -m benchmarks.sleepecg_night NIGHT.edf` prints how many beats and epochs it found. The network needs Keras
(extra `bench`), which is told to compute with torch; without Keras the run ends after the features, and says so.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is imported

import mne
import sleepecg

FEATURES_ONLY = "features only"


def main() -> None:
    """Beats and stages of one file; no report, no tables."""
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    raw = mne.io.read_raw_edf(sys.argv[1], include=["ECG"], preload=True)
    fs = raw.info["sfreq"]
    beats = sleepecg.detect_heartbeats(raw.get_data()[0], fs)
    record = sleepecg.SleepRecord(
        sleep_stage_duration=30, recording_start_time=raw.info["meas_date"].time(), heartbeat_times=beats / fs
    )
    if importlib.util.find_spec("keras"):
        stages = sleepecg.stage(sleepecg.load_classifier("wrn-gru-mesa", "SleepECG"), record)
        print(f"{len(beats)} beats, {len(stages)} epochs")
    else:
        chosen = ["hrv-time", "hrv-frequency"]  # all of them would want an actigraph's counts
        sleepecg.extract_features([record], lookback=240, lookforward=270, feature_selection=chosen)
        print(f"{len(beats)} beats, {FEATURES_ONLY}: Keras is not installed")


if __name__ == "__main__":
    main()
