"""A part of a night to the values of one domain of the dictionary.

Each function returns values by phenotype name with the number of items and the seconds they rest on.
A value of NaN means too little data; None means that the night has no such thing (REM latency without REM).
"""

from __future__ import annotations

from collections.abc import Callable

from holter2sleep.night import Night
from holter2sleep.phenotypes.measures.breathing import cvhr_measures, respiration_measures, respiratory_measures
from holter2sleep.phenotypes.measures.complexity import (
    capacities_of,
    complexity_of,
    fluctuation_of,
    fragmentation_of,
    multiscale_of,
    of_night,
    turbulence_domain_measures,
)
from holter2sleep.phenotypes.measures.measured import Measured
from holter2sleep.phenotypes.measures.night_shape import (
    awakening_measures,
    circadian_measures,
    contrast_measures,
    cycle_measures,
    day_measures,
    dipping_measures,
    night_course_measures,
    presleep_dip_measures,
    third_measures,
)
from holter2sleep.phenotypes.measures.rhythm import rate_measures, rhythm_measures, supraventricular_measures
from holter2sleep.phenotypes.measures.signal import averaged_beat_measures, morphology_measures, quality_measures
from holter2sleep.phenotypes.measures.sleep import sleep_domain_measures
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
    "presleep_dip": presleep_dip_measures,
    "night_course": night_course_measures,
    "sleep_cycles": cycle_measures,
    "rem_against_nrem": contrast_measures,
    "thirds": third_measures,
    "awakenings": awakening_measures,
    "daily_wave": circadian_measures,
    "night_against_day": day_measures,
    "rhythm": rhythm_measures,
    "supraventricular": supraventricular_measures,
    "nn": nn_measures,
    "hrv_time": hrv_time_measures,
    "hrv_segments": hrv_segment_measures,
    "hrv_frequency": hrv_frequency_measures,
    "complexity": of_night(complexity_of),
    "multiscale": of_night(multiscale_of),
    "fluctuation": of_night(fluctuation_of),
    "fragmentation": of_night(fragmentation_of),
    "capacity": of_night(capacities_of),
    "turbulence": turbulence_domain_measures,
    "sleep": sleep_domain_measures,
    "cvhr": cvhr_measures,
    "respiratory": respiratory_measures,
    "respiration": respiration_measures,
}
