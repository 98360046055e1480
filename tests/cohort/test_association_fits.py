"""Each kind of regression against a closed form, statsmodels by hand, and data that answer nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.discrete.discrete_model import Logit, NegativeBinomial
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.genmod import families
from statsmodels.genmod.cov_struct import Exchangeable
from statsmodels.genmod.generalized_estimating_equations import GEE
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM

from holter2sleep.cohort.association.design import standardised
from holter2sleep.cohort.association.firth import firth
from holter2sleep.cohort.association.fits import Fit, NoEstimate, Problem
from holter2sleep.cohort.association.regressions import linear, logistic, negative_binomial, poisson
from holter2sleep.cohort.association.repeated import gee_of, mixed
from holter2sleep.cohort.association.survival import cox

RNG = np.random.default_rng(3)
N = 300
COLUMNS, _ = standardised(RNG.normal(size=(N, 3)) @ np.array([[1, 0.3, 0], [0, 1, 0.2], [0, 0, 1]]))
DESIGN = np.column_stack([np.ones(N), COLUMNS])
LINE = DESIGN @ np.array([-0.3, 0.4, 0.2, -0.1])
GROUP = np.arange(N) // 2
YEARS = RNG.uniform(0.5, 2, N)
OUTCOMES = {
    "gaussian": LINE + RNG.normal(size=N),
    "binomial": (RNG.random(N) < 1 / (1 + np.exp(-LINE))).astype(float),
    "counts": RNG.poisson(YEARS * np.exp(LINE) * RNG.gamma(2, 0.5, N)).astype(float),
}
TIME = np.round(RNG.exponential(np.exp(-LINE)), 2) + 0.01  # rounded: ties
EVENT = (RNG.random(N) < 0.7).astype(float)


def problem(outcome: Any, **more: Any) -> Problem:
    return Problem(outcome, DESIGN, ("intercept", "a", "b", "c"), **more)


def two_groups(outcome: Any, exposed: Any, **more: Any) -> Problem:
    """Outcomes against an indicator, as 0 and 1: coefficients are those of textbooks."""
    return Problem(np.asarray(outcome, float), np.column_stack([np.ones(len(outcome)), exposed]), ("1", "x"), **more)


def table_2x2(a: int, b: int, c: int, d: int) -> Problem:
    """`a` events and `b` others among the exposed, `c` and `d` among the rest."""
    return two_groups(np.repeat([1, 0, 1, 0], [a, b, c, d]), np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d]))


def test_least_squares_of_two_groups_is_the_difference_of_their_means() -> None:
    first, second = np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 5.0, 8.0])
    found = linear(two_groups([*first, *second], [0] * 4 + [1] * 3))
    assert found.estimate[0] == pytest.approx(2.0)
    # HC3 divides each residual by 1 - 1/n of its group: variance = sum of e^2 / (n - 1)^2 of either group
    se = np.sqrt(((first - 3) ** 2).sum() / 9 + ((second - 5) ** 2).sum() / 4)
    assert found.std_error[0] == pytest.approx(se)
    assert found.ci_high[0] == pytest.approx(2 + stats.t.ppf(0.975, 5) * se)


def test_logistic_regression_of_a_fourfold_table_is_woolfs() -> None:
    found = logistic(table_2x2(12, 28, 5, 35))
    assert found.estimate[0] == pytest.approx(np.log(12 * 35 / (28 * 5)))
    assert found.std_error[0] == pytest.approx(np.sqrt(1 / 12 + 1 / 28 + 1 / 5 + 1 / 35), rel=1e-5)


def test_poisson_regression_of_two_groups_is_the_ratio_of_their_rates() -> None:
    counts, years = np.array([3.0, 5.0, 4.0, 9.0, 11.0]), np.array([1.0, 2.0, 1.5, 1.0, 2.0])
    found = poisson(two_groups(counts, [0, 0, 0, 1, 1], offset=np.log(years)))
    assert found.estimate[0] == pytest.approx(np.log((20 / 3) / (12 / 4.5)))


def test_firths_estimate_of_a_fourfold_table_adds_a_half_to_each_cell() -> None:
    for cells in ((12, 28, 5, 35), (9, 11, 0, 20)):  # the second is separated
        a, b, c, d = np.array(cells) + 0.5
        found = firth(table_2x2(*cells))
        assert found.estimate[0] == pytest.approx(np.log(a * d / (b * c)), abs=1e-6)
        assert found.ci_low[0] < found.estimate[0] < found.ci_high[0]


def test_firths_interval_and_p_agree_about_no_association() -> None:
    found = firth(table_2x2(9, 11, 0, 20))
    assert (found.ci_low[0] > 0) == (found.p[0] < 0.05)
    assert np.isfinite(found.ci_high[0])


def test_with_many_rows_firth_and_maximum_likelihood_are_the_same() -> None:
    rows = problem(OUTCOMES["binomial"])
    ours, usual = firth(rows), logistic(rows)
    assert ours.estimate == pytest.approx(usual.estimate, rel=0.05)
    assert ours.ci_high == pytest.approx(usual.ci_high, rel=0.05)


BY_HAND: dict[str, tuple[Callable[[Problem], Fit], Problem, Callable[[], Any]]] = {
    "linear": (
        linear,
        problem(OUTCOMES["gaussian"]),
        lambda: OLS(OUTCOMES["gaussian"], DESIGN).fit(cov_type="HC3", use_t=True),
    ),
    "linear, clusters": (
        linear,
        problem(OUTCOMES["gaussian"], group=GROUP),
        lambda: OLS(OUTCOMES["gaussian"], DESIGN).fit(cov_type="cluster", cov_kwds={"groups": GROUP}, use_t=True),
    ),
    "logistic": (logistic, problem(OUTCOMES["binomial"]), lambda: Logit(OUTCOMES["binomial"], DESIGN).fit(disp=0)),
    "logistic, clusters": (
        logistic,
        problem(OUTCOMES["binomial"], group=GROUP),
        lambda: Logit(OUTCOMES["binomial"], DESIGN).fit(
            disp=0, cov_type="cluster", cov_kwds={"groups": GROUP}, use_t=True
        ),
    ),
    "poisson": (
        poisson,
        problem(OUTCOMES["counts"], offset=np.log(YEARS)),
        lambda: GLM(OUTCOMES["counts"], DESIGN, family=families.Poisson(), exposure=YEARS).fit(cov_type="HC1"),
    ),
    "negative binomial": (
        negative_binomial,
        problem(OUTCOMES["counts"], offset=np.log(YEARS)),
        lambda: NegativeBinomial(OUTCOMES["counts"], DESIGN, exposure=YEARS).fit(disp=0, method="newton"),
    ),
    "mixed": (
        mixed,
        problem(OUTCOMES["gaussian"] + np.repeat(RNG.normal(size=N // 2), 2), group=GROUP),
        lambda: MixedLM(BY_HAND["mixed"][1].outcome, DESIGN, groups=GROUP).fit(method="lbfgs"),
    ),
    "gee": (
        gee_of("binomial"),
        problem(OUTCOMES["binomial"], group=GROUP),
        lambda: GEE(
            OUTCOMES["binomial"], DESIGN, groups=GROUP, family=families.Binomial(), cov_struct=Exchangeable()
        ).fit(),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_fit_equals_statsmodels_called_by_hand(name: str) -> None:
    fit, rows, by_hand = BY_HAND[name]
    ours, theirs = fit(rows), by_hand()
    assert ours.estimate[0] == pytest.approx(theirs.params[1], rel=1e-3)
    assert ours.std_error[0] == pytest.approx(theirs.bse[1], rel=1e-3)
    if theirs.use_t:
        assert ours.p[0] == pytest.approx(theirs.pvalues[1], rel=1e-3)


def test_cox_regression_equals_statsmodels_and_a_worked_likelihood() -> None:
    ours = cox(problem(EVENT, time=TIME))
    theirs = PHReg(TIME, COLUMNS, status=EVENT, ties="efron").fit()
    assert ours.estimate[0] == pytest.approx(theirs.params[0], rel=1e-6)
    assert ours.std_error[0] == pytest.approx(theirs.bse[0], rel=1e-6)
    # events at 1 (exposed), 2 (not), 3 (exposed), 4 (not): L = e/(2e+2) x 1/(e+2) x e/(e+1), with e the hazard ratio;
    # its summit is looked for on a fine grid
    small = cox(two_groups([1, 1, 1, 1], [1, 0, 1, 0], time=np.array([1.0, 2.0, 3.0, 4.0])))
    ratios = np.exp(np.linspace(-4, 4, 800_001))
    likelihood = ratios**2 / (2 * ratios + 2) / (ratios + 2) / (ratios + 1)
    assert small.estimate[0] == pytest.approx(np.log(ratios[likelihood.argmax()]), abs=1e-4)


@pytest.mark.parametrize("name", ["linear", "logistic", "poisson", "cox"])
def test_rows_written_twice_add_nothing_to_what_clusters_know(name: str) -> None:
    fits = {"linear": linear, "logistic": logistic, "poisson": poisson, "cox": cox}
    outcome = {"linear": OUTCOMES["gaussian"], "logistic": OUTCOMES["binomial"], "poisson": OUTCOMES["counts"]}
    once = Problem(
        outcome.get(name, EVENT), DESIGN, ("1", "a", "b", "c"), group=np.arange(N), time=TIME if name == "cox" else None
    )
    twice = Problem(
        np.tile(once.outcome, 2),
        np.tile(DESIGN, (2, 1)),
        once.names,
        group=np.tile(np.arange(N), 2),
        time=np.tile(TIME, 2) if name == "cox" else None,
    )
    alone = Problem(twice.outcome, twice.design, once.names, time=twice.time)
    # the small-sample factor of a sandwich counts rows, and Efron's rule breaks the ties of the copies
    same = {"linear": 1e-2, "logistic": 1e-2, "poisson": 1e-2, "cox": 3e-2}[name]
    assert fits[name](twice).std_error[0] == pytest.approx(fits[name](once).std_error[0], rel=same)
    assert fits[name](alone).std_error[0] < 0.8 * fits[name](once).std_error[0]


# --- data that answer nothing -----------------------------------------------------------------------


def status_of(fit: Callable[[Problem], Fit], rows: Problem) -> tuple[str, str]:
    with pytest.raises(NoEstimate) as caught:
        fit(rows)
    return caught.value.status, caught.value.reason


@pytest.mark.parametrize("cells", [(10, 0, 0, 10), (10, 10, 0, 20), (0, 15, 6, 9)])
def test_a_table_with_an_empty_cell_is_separated(cells: tuple[int, int, int, int]) -> None:
    status, reason = status_of(logistic, table_2x2(*cells))
    assert status == "separated"
    assert "x tells the outcomes apart" in reason


def test_a_number_that_tells_outcomes_apart_but_for_one_tie_is_separated() -> None:
    x = np.arange(20.0)
    outcome = (x >= 10).astype(float)
    assert status_of(logistic, two_groups(outcome, x - 9.5))[0] == "separated"
    overlapping = outcome.copy()
    overlapping[[9, 10]] = overlapping[[10, 9]]
    assert np.isfinite(logistic(two_groups(overlapping, x - 9.5)).estimate[0])


def test_a_huge_effect_that_is_not_separated_has_an_estimate() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    found = logistic(two_groups(rng.random(4000) < 1 / (1 + np.exp(-8 * x)), x))
    assert found.estimate[0] == pytest.approx(8, abs=1)


@pytest.mark.parametrize("fit", [poisson, negative_binomial])
def test_counts_that_are_all_0_in_one_group_are_separated(fit: Callable[[Problem], Fit]) -> None:
    counts = [0] * 15 + [1, 4, 0, 2, 5, 0, 3, 9, 1, 0]
    status, reason = status_of(fit, two_groups(counts, [1.0] * 15 + [0.0] * 10))
    assert status == "separated"
    assert "x has counts of 0" in reason


def test_events_of_one_group_only_are_separated_in_a_cox_model() -> None:
    time = np.linspace(1, 5, 40)
    exposed = np.tile([1.0, 0.0], 20)
    status, reason = status_of(cox, two_groups(exposed, exposed, time=time))
    assert status == "separated"
    assert reason.startswith("x:")


def outcome_of(fit: Callable[[Problem], Fit], rows: Problem) -> str:
    try:
        return "ok" if fit(rows).std_error[0] > 0 else "no error"
    except NoEstimate as found:
        return found.status


def test_mixed_and_gee_of_identical_nights_end_with_numbers_or_a_status() -> None:
    twice = np.repeat(np.arange(N // 2), 2)
    rows = Problem(OUTCOMES["gaussian"][twice], DESIGN[twice], ("1", "a", "b", "c"), group=twice)
    assert {outcome_of(fit, rows) for fit in (mixed, gee_of("gaussian"))} <= {"ok", "failed"}
