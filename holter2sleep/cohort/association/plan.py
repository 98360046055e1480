"""The plan of an association study: which nights, which models, as written before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Family = Literal["gaussian", "binomial", "poisson", "negative_binomial", "cox"]
Transform = Literal["dictionary", "none", "log", "logit", "sqrt", "rank"]

SUBJECT = "subject"  # column of nights.parquet that names a person
DICTIONARY = "dictionary"  # transform: what the phenotype dictionary says of each exposure
BY_MODEL, BY_DOMAIN = "model", "domain"  # families of tests; any other word is a family's own name

# Which families a model of several nights a subject is defined for here: a random intercept needs a normal outcome, and
# the dispersion of a negative binomial is not estimated by GEE.
REPEATED: dict[str, tuple[str, ...]] = {"mixed": ("gaussian",), "gee": ("gaussian", "binomial", "poisson")}
COUNTS = ("poisson", "negative_binomial")


@dataclass(frozen=True)
class Study:
    """What the study is called, and what should be known of it."""

    title: str
    notes: str = ""


@dataclass(frozen=True)
class Selection:
    """Which nights of the cohort are studied.

    `filters` and `exclusions` hold rules such as `age >= 18`; each is a step of the flow, in this order. `nights` is
    all of a subject's, or the first in the order of the column `order`.
    """

    filters: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    nights: Literal["all", "first"] = "all"
    order: str = "recording_id"


@dataclass(frozen=True)
class Model:
    """One outcome against each of many exposures, one regression an exposure.

    Covariates are columns; text is a category, and so is `C(site)` of a column of numbers. A subgroup is a column of
    categories, or a rule such as `age < 60`.
    """

    name: str
    family: Family
    exposures: tuple[str, ...]
    outcome: str = ""
    time: str = ""
    event: str = ""
    covariates: tuple[str, ...] = ()
    transform: Transform = "dictionary"
    outcome_transform: Literal["none", "log", "logit", "sqrt", "rank"] = "none"
    per: Literal["sd", "unit"] = "sd"
    interactions: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    cluster: str = ""
    offset: str = ""
    repeated: Literal["none", "mixed", "gee"] = "none"
    missing: Literal["complete"] = "complete"
    separation: Literal["null", "firth"] = "null"
    fdr: str = BY_MODEL
    measurement_error: Literal["none", "regression_calibration", "simex"] = "none"

    @property
    def outcome_column(self) -> str:
        """Column of the outcome; of a Cox model, of the event."""
        return self.event or self.outcome

    @property
    def time_column(self) -> str:
        """Column of the time to event or censoring; empty but for Cox models."""
        return (self.time or self.outcome) if self.family == "cox" else ""

    @property
    def outcome_name(self) -> str:
        """What the tables call the outcome."""
        return self.outcome or self.event

    @property
    def group_column(self) -> str:
        """Column of what is alike: the cluster that is named, the subject of repeated nights, or nothing."""
        return self.cluster or (SUBJECT if self.repeated != "none" else "")


@dataclass(frozen=True)
class Plan:
    """A whole study."""

    study: Study
    cohort: Selection
    model: tuple[Model, ...]


def faults_of(model: Model) -> Iterator[str]:
    """What of a model contradicts itself, in words for its author."""
    cox, repeated, gauss = model.family == "cox", model.repeated, model.family == "gaussian"
    if not model.exposures:
        yield 'exposures is empty; give names or patterns, such as ["rmssd__rem", "*__night"]'
    if not cox and not model.outcome:
        yield "outcome is missing; name a column of cohort/nights.parquet"
    if cox and model.time_column == model.outcome_column:
        yield 'a cox model needs two columns: time = "years", event = "died"'
    if not cox and (model.time or model.event):
        yield f'time and event belong to family = "cox", not {model.family!r}'
    if model.offset and model.family not in COUNTS:
        yield f"offset is the time over which was counted: of families {' and '.join(COUNTS)}, not {model.family!r}"
    if repeated != "none" and model.family not in REPEATED[repeated]:
        known = ", ".join(REPEATED[repeated])
        yield f"repeated = {repeated!r} knows {known}, not {model.family}; take cluster = {SUBJECT!r}"
    if model.outcome_transform != "none" and not gauss:
        yield f'outcome_transform belongs to family = "gaussian", not {model.family!r}'
    if model.separation == "firth" and (model.family != "binomial" or model.group_column):
        yield 'separation = "firth" is for family = "binomial" without cluster or repeated nights'
    if model.measurement_error != "none" and model.transform == "rank":
        yield 'measurement_error needs a scale that intervals can be put on; transform = "rank" has none'
    if model.measurement_error != "none" and model.separation == "firth":
        yield 'measurement_error and separation = "firth" have no common method; drop one'
    if extra := [name for name in model.interactions if name not in model.covariates]:
        yield f"interactions: {', '.join(map(repr, extra))} among covariates is missing; a product needs its parts"
