"""Whether an association study keeps what it promises: intervals, false discoveries, corrections, time.

`python -m benchmarks.associate [part ...]` prints Markdown tables; parts are coverage, discoveries, rare, errors and
speed, without words all of them. Everything is simulated with known truth: exposure and covariate of each night,
outcomes whose margin is exactly the model's, nights of one subject tied by a normal copula.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from holter2sleep.cohort.association.design import standardised
from holter2sleep.cohort.association.estimate import rows_of
from holter2sleep.cohort.association.fits import Fit, NoEstimate, Problem
from holter2sleep.cohort.association.model_data import model_data
from holter2sleep.cohort.association.plan import Model
from holter2sleep.cohort.association.plan_file import read_plan
from holter2sleep.cohort.association.regressions import linear, logistic, poisson
from holter2sleep.cohort.association.results import with_q
from holter2sleep.cohort.association.study import exposure_of, study
from holter2sleep.night import Float

BETA, GAMMA = 0.4, 0.3  # of exposure and covariate, on the scale of each link
TIED = 0.7  # correlation of outcomes, and of exposures, within a subject of two nights
X, NIGHTS = "rmssd__rem", 400
MODEL = Model("m", "gaussian", (X,), "y", covariates=("age",), transform="none", per="unit")
COX = {"outcome": "", "time": "t", "event": "d", "family": "cox"}
Draw = Callable[[Float, Float], dict[str, Float]]  # chance of each night, linear part -> columns of the outcome

DRAWS: dict[str, Draw] = {
    "gaussian": lambda u, line: {"y": line + stats.norm.ppf(u)},
    "skewed": lambda u, line: {"y": line + (1 + 0.5 * np.abs(line)) * (stats.expon.ppf(u) - 1)},
    "binomial": lambda u, line: {"y": (u < 1 / (1 + np.exp(-line))).astype(float)},
    "poisson": lambda u, line: {"y": stats.poisson.ppf(u, np.exp(line))},
    "negative_binomial": lambda u, line: {"y": stats.nbinom.ppf(u, 2, 2 / (2 + np.exp(line)))},
    "cox": lambda u, line: _survival(-np.log(u) / np.exp(line)),
}

# What is measured: outcome, nights a subject, what the plan says.
CASES: dict[str, tuple[str, int, dict[str, str]]] = {
    "linear": ("gaussian", 1, {}),
    "linear, skewed and unequal errors": ("skewed", 1, {}),
    "linear, two nights, no cluster (floor)": ("gaussian", 2, {}),
    "linear, two nights, clusters": ("gaussian", 2, {"cluster": "subject"}),
    "linear, two nights, mixed": ("gaussian", 2, {"repeated": "mixed"}),
    "linear, two nights, GEE": ("gaussian", 2, {"repeated": "gee"}),
    "logistic": ("binomial", 1, {"family": "binomial"}),
    "logistic, two nights, clusters": ("binomial", 2, {"family": "binomial", "cluster": "subject"}),
    "logistic, two nights, GEE": ("binomial", 2, {"family": "binomial", "repeated": "gee"}),
    "Poisson": ("poisson", 1, {"family": "poisson"}),
    "Poisson of overdispersed counts": ("negative_binomial", 1, {"family": "poisson"}),
    "negative binomial": ("negative_binomial", 1, {"family": "negative_binomial"}),
    "Cox": ("cox", 1, COX),
    "Cox, two nights, no cluster (floor)": ("cox", 2, COX),
    "Cox, two nights, clusters": ("cox", 2, {**COX, "cluster": "subject"}),
}
SEVERAL = ("linear, two nights, GEE", "linear, two nights, mixed")


def _survival(time_to_event: Float) -> dict[str, Float]:
    """Follow-up of one unit for all."""
    return {"t": np.minimum(time_to_event, 1.0), "d": (time_to_event < 1.0).astype(float)}


def made_nights(draw: Draw, rng: np.random.Generator, n: int, nights_each: int) -> pl.DataFrame:
    """Nights with exposure, covariate and an outcome of known coefficients."""
    subject = np.arange(n) // nights_each

    def normal() -> Float:
        tied = TIED if nights_each > 1 else 0.0
        own, shared = rng.normal(size=n), rng.normal(size=n)[subject]
        return np.sqrt(tied) * shared + np.sqrt(1 - tied) * own

    x, age = normal(), normal()
    columns = draw(stats.norm.cdf(normal()), BETA * x + GAMMA * age - 0.5)
    ids = [f"r{i}" for i in range(n)]
    return pl.DataFrame({"recording_id": ids, "subject": [f"s{i}" for i in subject], X: x, "age": age, **columns})


def estimate_of(table: pl.DataFrame, model: Model, ends: pl.DataFrame | None = None) -> dict[str, float]:
    """The row of the exposure."""
    data = model_data(table, model, "benchmark")
    return next(rows_of(data, exposure_of(data, X, table[X].to_numpy(), ends)))


def coverage(case: str, n_times: int, n: int = NIGHTS) -> tuple[float, float, float]:
    """Share of intervals that hold the truth; mean estimate / truth; mean standard error / SD of the estimates."""
    outcome, nights_each, changes = CASES[case]
    model = dataclasses.replace(MODEL, **changes)  # type: ignore[arg-type]
    tables = (made_nights(DRAWS[outcome], np.random.default_rng([7, i]), n, nights_each) for i in range(n_times))
    return _kept([estimate_of(table, model) for table in tables])


def _kept(rows: list[dict[str, float]]) -> tuple[float, float, float]:
    found = pl.DataFrame([row for row in rows if row["status"] == "ok"], infer_schema_length=None)
    inside = ((found["ci_low"] < BETA) & (found["ci_high"] > BETA)).mean()
    spread = float(np.std(found["estimate"].to_numpy(), ddof=1))
    return float(inside), float(found["estimate"].mean()) / BETA, float(found["std_error"].mean()) / spread  # type: ignore[arg-type,operator]


def discoveries(n_times: int, n_null: int, n_true: int, n: int = 300) -> tuple[float, float]:
    """Share of families with a false discovery, and the mean share of false ones among what q < 0.05 calls."""
    any_false, share = [], []
    for i in range(n_times):
        rng = np.random.default_rng([8, i])
        null, true = rng.normal(size=(n, n_null)), rng.normal(size=(n, n_true))
        y = 0.25 * true.sum(axis=1) + rng.normal(size=n)
        columns = {f"x__{k}": column for k, column in enumerate(np.column_stack([true, null]).T)}
        ids = {"recording_id": [f"r{k}" for k in range(n)], "subject": [f"s{k}" for k in range(n)]}
        table = pl.DataFrame({**ids, "y": y, "age": rng.normal(size=n), **columns})
        data = model_data(table, MODEL, "benchmark")
        rows = [next(rows_of(data, exposure_of(data, name, table[name].to_numpy(), None))) for name in columns]
        called = with_q(pl.DataFrame([{"p": row["p"], "fdr_family": "m"} for row in rows]))["q"].to_numpy() < 0.05
        any_false.append(bool(called[n_true:].any()))
        share.append(called[n_true:].sum() / max(called.sum(), 1))
    return float(np.mean(any_false)), float(np.mean(share))


def corrected(outcome: str, reliability: float, way: str, n_times: int, n: int = NIGHTS) -> tuple[float, float, float]:
    """As `coverage`, of an exposure whose errors leave that share of its variance true; sizes of errors differ."""
    family = {"family": "binomial"} if outcome == "binomial" else {}
    model = dataclasses.replace(MODEL, measurement_error=way, **family)  # type: ignore[arg-type]
    rows = []
    for i in range(n_times):
        rng = np.random.default_rng([9, i])
        table = made_nights(DRAWS[outcome], rng, n, 1)
        sizes = np.sqrt((1 / reliability - 1) * rng.choice([0.4, 1.6], n))
        seen = table[X].to_numpy() + rng.normal(0, sizes)
        reach = stats.norm.ppf(0.975) * sizes
        ends = pl.DataFrame({"ci_low": seen - reach, "ci_high": seen + reach}) if way != "none" else None
        rows.append(estimate_of(table.with_columns(pl.Series(X, seen)), model, ends))
    return _kept(rows)


def rejected(fit: Callable[[Problem], Fit], draw: Draw, n_varied: int, n_times: int, n: int) -> float:
    """Share of null associations with p < 0.05 of an exposure that is 0 but in a few nights."""
    low = []
    for i in range(n_times):
        rng = np.random.default_rng([10, i])
        x = np.where(np.arange(n) < n_varied, rng.lognormal(0, 0.5, n), 0.0)
        columns, _ = standardised(np.column_stack([x, rng.normal(size=n)]))
        outcome = draw(rng.uniform(size=n), np.zeros(n))["y"]
        try:
            low.append(fit(Problem(outcome, np.column_stack([np.ones(n), columns]), ("1", "x", "z"))).p[0] < 0.05)
        except NoEstimate:  # a few nights are soon separated
            continue
    return float(np.mean(low))


# --- tables ----------------------------------------------------------------------------------------


def coverage_lines(n_times: int = 500) -> Iterator[str]:
    """Coverage of every kind of model."""
    yield f"| {n_times} studies, {NIGHTS} nights | intervals with truth, % | estimate / truth | SE / SD of estimates |"
    yield "|---|---|---|---|"
    for case in CASES:
        inside, ratio, error = coverage(case, n_times)
        yield f"| {case} | {100 * inside:.1f} | {ratio:.3f} | {error:.3f} |"


def discovery_lines(n_times: int = 500) -> Iterator[str]:
    """Families of tests without, and with, something to find."""
    yield f"| {n_times} families of 200 exposures, q < 0.05 | with a false discovery, % | false among those called, % |"
    yield "|---|---|---|"
    for n_true in (0, 20):
        any_false, share = discoveries(n_times, 200 - n_true, n_true)
        yield f"| {n_true} true | {100 * any_false:.1f} | {100 * share:.1f} |"


def error_lines(n_times: int = 200) -> Iterator[str]:
    """Naive and corrected estimates of an exposure measured with error."""
    yield f"| {n_times} studies, {NIGHTS} nights | reliability | method | intervals with truth, % | estimate / truth |"
    yield "|---|---|---|---|---|"
    for outcome in ("gaussian", "binomial"):
        for reliability in (0.9, 0.7, 0.5):
            for way in ("none", "regression_calibration", "simex"):
                inside, ratio, _ = corrected(outcome, reliability, way, n_times)
                yield f"| {outcome} | {reliability} | {way} | {100 * inside:.1f} | {ratio:.3f} |"


def rare_lines(n_times: int = 1000) -> Iterator[str]:
    """How often exposures that a few nights have seem associated when they are not."""
    yield f"| {n_times} null studies, {NIGHTS} nights; so many exposed | linear p < 0.05, % | logistic | Poisson |"
    yield "|---|---|---|---|"
    methods = ((linear, "gaussian"), (logistic, "binomial"), (poisson, "poisson"))
    for n_varied in (2, 5, 10, 20, 50):
        shares = [100 * rejected(fit, DRAWS[name], n_varied, n_times, NIGHTS) for fit, name in methods]
        yield f"| {n_varied} | {' | '.join(f'{share:.1f}' for share in shares)} |"


def speed_lines() -> Iterator[str]:
    """Seconds of reading a few columns of a wide table, and of families of 500 exposures."""
    yield "| work | s |"
    yield "|---|---|"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for n, n_columns, n_used in ((10_000, 800, 5), (5_000, 800, 500)):
            rng = np.random.default_rng(0)
            table = made_nights(DRAWS["gaussian"], rng, n, 1)
            more = {f"sdnn__s{i:03d}": rng.lognormal(size=n) for i in range(n_columns - 1)}
            (folder / "cohort").mkdir(exist_ok=True)
            table.with_columns(**more).write_parquet(folder / "cohort" / "nights.parquet")
            yield f"| {n:,} nights x {n_columns} columns, linear, {n_used} exposures | {_seconds(folder, n_used):.1f} |"
    for case in ("logistic", "Poisson", "negative binomial", "Cox", "Cox, two nights, clusters", *SEVERAL):
        yield f"| 5,000 nights, one exposure, {case} (processor time) | {_processor_seconds(case, 5_000):.2f} |"


def _processor_seconds(case: str, n: int) -> float:
    """Time of one estimate, libraries loaded."""
    coverage(case, 2, 100)
    outcome, nights_each, changes = CASES[case]
    table = made_nights(DRAWS[outcome], np.random.default_rng(0), n, nights_each)
    start = time.process_time()
    estimate_of(table, dataclasses.replace(MODEL, **changes))  # type: ignore[arg-type]
    return time.process_time() - start


def _seconds(folder: Path, n_exposures: int) -> float:
    """Time of a study from its plan to its tables."""
    names = ", ".join(f'"sdnn__s{i:03d}"' for i in range(n_exposures))
    plan = folder / "plan.toml"
    model = f'[[model]]\nname = "m"\nfamily = "gaussian"\noutcome = "y"\nexposures = [{names}]\ncovariates = ["age"]\n'
    plan.write_text(f'[study]\ntitle = "speed"\n{model}', encoding="utf-8")
    start = time.perf_counter()
    study(folder, read_plan(plan), lambda _n: lambda _name: None)
    return time.perf_counter() - start


PARTS = {
    "coverage": coverage_lines,
    "discoveries": discovery_lines,
    "rare": rare_lines,
    "errors": error_lines,
    "speed": speed_lines,
}


def main() -> None:
    """Print the tables that are asked for."""
    for name in sys.argv[1:] or PARTS:
        for line in PARTS[name]():
            print(line, flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
