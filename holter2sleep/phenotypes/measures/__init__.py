"""A part of a night to the values of one domain of the dictionary.

Each function returns values by phenotype name with the number of items and the seconds they rest on.
A value of NaN means too little data; None means that the night has no such thing (REM latency without REM).
"""

from __future__ import annotations

from collections.abc import Callable

from holter2sleep.night import Night
from holter2sleep.phenotypes.dictionary import handled_name, handlings_of
from holter2sleep.phenotypes.measures.breathing import cvhr_measures, respiration_measures, respiratory_measures
from holter2sleep.phenotypes.measures.complexity import (
    capacity_measures,
    complexity_measures,
    fluctuation_measures,
    fragmentation_domain_measures,
    multiscale_domain_measures,
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
from holter2sleep.phenotypes.measures.respiratory import (
    ahi_measures,
    coupling_measures,
    respiratory_share_measures,
    surge_measures,
)
from holter2sleep.phenotypes.measures.rhythm import rate_measures, rhythm_measures, supraventricular_measures
from holter2sleep.phenotypes.measures.signal import averaged_beat_measures, morphology_measures, quality_measures
from holter2sleep.phenotypes.measures.sleep import sleep_domain_measures
from holter2sleep.phenotypes.measures.variability import (
    hrv_frequency_measures,
    hrv_geometric_measures,
    hrv_lomb_measures,
    hrv_segment_measures,
    hrv_time_measures,
    nn_measures,
    window_measures,
)
from holter2sleep.recipe import Recipe

Formula = Callable[[Night, Night, Recipe], Measured]

# Which function fills which domain of the dictionary.
_OWN_FORMULAS: dict[str, Formula] = {
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
    "hrv_geometric": hrv_geometric_measures,
    "hrv_segments": hrv_segment_measures,
    "hrv_windows": window_measures,
    "hrv_frequency": hrv_frequency_measures,
    "hrv_lomb": hrv_lomb_measures,
    "complexity": complexity_measures,
    "multiscale": multiscale_domain_measures,
    "fluctuation": fluctuation_measures,
    "fragmentation": fragmentation_domain_measures,
    "capacity": capacity_measures,
    "turbulence": turbulence_domain_measures,
    "sleep": sleep_domain_measures,
    "cvhr": cvhr_measures,
    "respiratory": respiratory_measures,
    "respiratory_share": respiratory_share_measures,
    "ahi": ahi_measures,
    "coupling": coupling_measures,
    "surges": surge_measures,
    "respiration": respiration_measures,
}


def _handled(formula: Formula, handling: str) -> Formula:
    """The same formula where ectopic beats are handled in another way."""

    def measures(part: Night, night: Night, recipe: Recipe) -> Measured:
        found = formula(part.handled(handling), night.handled(handling), recipe)
        return found.renamed(lambda name: handled_name(name, handling))

    return measures


def _in_all_handlings(domain: str, formula: Formula) -> dict[str, Formula]:
    """A domain's formula, and behind it those of its other handlings of ectopic beats."""
    return {domain: formula, **{handled_name(domain, how): _handled(formula, how) for how in handlings_of(domain)}}


FORMULAS: dict[str, Formula] = {
    name: formula for domain, own in _OWN_FORMULAS.items() for name, formula in _in_all_handlings(domain, own).items()
}
