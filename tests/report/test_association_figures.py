"""Figures of a study can be drawn of any table that a study can give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from holter2sleep.cohort.association.partial import PARTIAL_SCHEMA
from holter2sleep.cohort.association.results import ASSOCIATION_SCHEMA
from holter2sleep.report.associations import write_figures
from holter2sleep.report.flow_chart import Box, draw_flow
from holter2sleep.report.forest import draw_forest
from holter2sleep.report.partial_residuals import binned, draw_partial_residuals
from holter2sleep.report.volcano import draw_volcano, spread

WIDTH_MM = 180.0


def table(n: int, scale: str = "difference", model: str = "m", **changes: object) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    estimates = rng.normal(0, 1, n)
    rows = [
        {
            "model": model,
            "outcome": "sbp",
            "exposure": f"x_{i}__night",
            "kind": "main",
            "status": "ok",
            "scale": scale,
            "per": "1 SD (0.5 log(x))",
            "transform": "log(x)",
            "label": f"Exposure $number$ {i}",
            "estimate": value,
            "ci_low": value - 0.6,
            "ci_high": value + 0.6,
            "std_error": 0.3,
            "n": 1000,
            "p": float(10 ** -(3 * abs(value))),
            "q": float(10 ** -(2 * abs(value))),
            "fdr_family": model,
            **changes,
        }
        for i, value in enumerate(estimates)
    ]
    return pl.DataFrame(rows, ASSOCIATION_SCHEMA)


def words(figure: Figure) -> list[str]:
    """Everything that is written on a figure."""
    figure.draw_without_rendering()
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_a_forest_of_many_exposures_shows_the_surest_and_says_so() -> None:
    rows = table(300)
    found = words(draw_forest(rows, WIDTH_MM))
    assert any("45 of 300 exposures, those with the smallest p" in text for text in found)
    assert rows.sort("p")["label"][0] in found
    assert rows.sort("p")["label"][-1] not in found


def test_ratios_are_written_as_ratios_on_a_logarithmic_axis() -> None:
    rows = table(1, "log hazard ratio").with_columns(
        estimate=pl.lit(np.log(2.0)), ci_low=pl.lit(np.log(1.5)), ci_high=pl.lit(np.log(3.0))
    )
    figure = draw_forest(rows, WIDTH_MM)
    assert "2.00 (1.50 to 3.00)" in words(figure)
    assert "Hazard ratio (95 % CI)" in words(figure)
    ticks = dict(
        zip(figure.axes[1].get_xticks(), (t.get_text() for t in figure.axes[1].get_xticklabels()), strict=True)
    )
    assert ticks[0.0] == "1"


def test_a_row_without_an_estimate_says_its_status() -> None:
    nothing = dict.fromkeys(("estimate", "std_error", "ci_low", "ci_high", "p", "q"), None)
    rows = pl.concat([table(2), table(1, status="separated", **nothing)])
    assert "no estimate: separated" in words(draw_forest(rows, WIDTH_MM))
    assert "no estimate: separated" in words(draw_forest(rows[2:], WIDTH_MM))


def test_subgroups_stand_under_their_exposure() -> None:
    rows = pl.concat([table(2), table(2, kind="subgroup", subgroup="sex=F")])
    found = words(draw_forest(rows, WIDTH_MM))
    assert sum(text.strip() == "sex=F" for text in found) == 2


def test_one_interval_that_dwarfs_the_others_does_not_set_the_axis() -> None:
    rows = table(12).with_columns(ci_high=pl.when(pl.int_range(12) == 3).then(1e6).otherwise("ci_high"))
    assert draw_forest(rows, WIDTH_MM).axes[1].get_xlim()[1] < 20


def test_a_volcano_names_what_is_sure_and_three_where_nothing_is() -> None:
    rows = table(100)
    found = words(draw_volcano(rows, WIDTH_MM))
    assert rows.sort("p")["label"][0] in found
    unsure = rows.with_columns(q=pl.lit(0.9))
    assert sum(text.startswith("Exposure") for text in words(draw_volcano(unsure, WIDTH_MM))) == 3


def test_a_p_of_0_has_a_place_on_a_volcano() -> None:
    rows = table(20).with_columns(p=pl.when(pl.int_range(20) == 3).then(0.0).otherwise("p"))
    assert np.isfinite(draw_volcano(rows, WIDTH_MM).axes[0].get_ylim()).all()


def test_names_beside_a_volcano_never_overlap() -> None:
    for wanted in ([0.5] * 12, [0.9, 0.88, 0.02, 0.01, 0.0], [1.0]):
        places = spread(np.array(wanted), 0.05)
        assert (np.diff(places) <= -0.05 + 1e-9).all()
        assert places[-1] >= 0.0


def test_equal_values_are_averaged_together() -> None:
    x = np.array([0.0] * 95 + [1.0, 2.0, 3.0, 4.0, 5.0])
    at, mean, reach = binned(x, x * 2, np.ones(100))
    assert at.tolist() == [0.0, 3.0]
    assert mean.tolist() == [0.0, 6.0]
    assert reach[0] == 0.0


def test_the_flow_says_who_was_left_out_at_each_step() -> None:
    boxes = [Box(("Nights", "100 nights"), ""), Box(("age >= 18 " * 20, "90 nights"), "10 left out")]
    found = words(draw_flow(boxes, WIDTH_MM))
    assert "10 left out" in found
    assert "90 nights" in found


def residuals() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "model": ["a / b"] * 50,
            "exposure": ["x_3__night"] * 50,
            "label": ["Exposure 3"] * 50,
            **{name: rng.normal(size=50) for name in ("x", "component", "residual")},
            "weight": np.ones(50),
        },
        PARTIAL_SCHEMA,
    )


@pytest.mark.parametrize("scale", ["difference", "log odds ratio"])
def test_nights_are_dots_only_where_the_outcome_is_a_number(scale: str) -> None:
    figure = draw_partial_residuals(residuals(), table(10, scale, "a / b"), WIDTH_MM)
    n_points = max(len(line.get_xdata()) for line in figure.axes[0].lines)
    assert n_points == (50 if scale == "difference" else 10)


def test_all_figures_are_written_as_pdf_and_png(tmp_path: Path) -> None:
    rows = pl.concat([table(10, model="a / b"), table(3, model="a b")])
    write_figures(tmp_path, rows, residuals(), [Box(("Nights", "50"), "")], "Title")
    names = ["flow", "forest_a_b", "forest_a_b_2", "partial_residuals_a_b", "volcano_a_b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{name}.{kind}" for name in names for kind in ("pdf", "png")
    )
