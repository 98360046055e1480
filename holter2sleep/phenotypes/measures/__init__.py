"""A part of a night to the values of one domain of the dictionary.

Each function returns values by phenotype name with the number of items and the seconds they rest on.
A value of NaN means too little data; None means that the night has no such thing (REM latency without REM).
"""

from __future__ import annotations

from collections.abc import Callable

from holter2sleep.night import Night
from holter2sleep.phenotypes.measures.breathing import cvhr_measures, respiration_measures, respiratory_measures
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.phenotypes.measures.rhythm import rate_measures, rhythm_measures, supraventricular_measures
from holter2sleep.phenotypes.measures.signal import averaged_beat_measures, morphology_measures, quality_measures
from holter2sleep.phenotypes.measures.sleep import dipping_measures, sleep_domain_measures
from holter2sleep.phenotypes.measures.variability import (
    hrv_frequency_measures,
    hrv_segment_measures,
    hrv_time_measures,
    nn_measures,
)
from holter2sleep.recipe import Recipe

# Which function fills which domain of the dictionary.
FORMULAS: dict[str, Callable[[Night, Night, Recipe], Measured]] = {
    "quality": quality_measures,
    "morphology": morphology_measures,
    "averaged_beat": averaged_beat_measures,
    "rate": rate_measures,
    "dipping": dipping_measures,
    "rhythm": rhythm_measures,
    "supraventricular": supraventricular_measures,
    "nn": nn_measures,
    "hrv_time": hrv_time_measures,
    "hrv_segments": hrv_segment_measures,
    "hrv_frequency": hrv_frequency_measures,
    "sleep": sleep_domain_measures,
    "cvhr": cvhr_measures,
    "respiratory": respiratory_measures,
    "respiration": respiration_measures,
}
