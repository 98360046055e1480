"""Sleep measures of both sides, by minutes one can count."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from made_stages import hypnogram, staged

from holter2sleep.evaluate.sleep_agreement import agreement_table, measure_table
from holter2sleep.phenotypes.dictionary import load_dictionary


def both(table: pl.DataFrame, measure: str) -> tuple[float | None, float | None]:
    return table.filter(pl.col("measure") == measure).select("reference", "test").row(0)


def test_measures_of_a_worked_night() -> None:
    """Two minutes later asleep, one minute of wake less, REM where the reference has N2."""
    reference = ["W"] * 4 + ["N2"] * 20 + ["W"] * 4 + ["N3"] * 12
    test = ["W"] * 8 + ["N2"] * 8 + ["R"] * 8 + ["W"] * 2 + ["N3"] * 14
    table = measure_table([staged("n", hypnogram(reference), hypnogram(test))])
    expected = {
        "tst": (16.0, 15.0),
        "se": (80.0, 75.0),
        "waso": (2.0, 1.0),
        "sol": (2.0, 4.0),
        "rem_min": (0.0, 4.0),
        "rem_latency": (None, 4.0),
        "light_min": (10.0, 4.0),
        "n3_min": (6.0, 7.0),
        "nrem_min": (16.0, 11.0),
    }
    assert {name: both(table, name) for name in table["measure"]} == expected


def test_a_coarse_scheme_says_fewer_measures() -> None:
    fine, coarse = hypnogram(["W", "N2", "R"]), hypnogram(["W", "NREM", "R"], "CARDIO3")
    names = measure_table([staged("n", fine, coarse)])["measure"].to_list()
    assert "nrem_min" in names
    assert not {"n3_min", "light_min"} & set(names)


def test_what_one_side_leaves_unscored_is_no_difference() -> None:
    reference = np.array(["W"] * 10 + ["N2"] * 90)
    test = reference.copy()
    reference[20:30], test[50:60] = "U", "U"
    table = measure_table([staged("n", hypnogram(reference), hypnogram(test))])
    assert both(table, "tst") == (35.0, 35.0)


def test_too_much_unscored_withholds_the_measures_of_that_night() -> None:
    stage = np.array(["N2"] * 100)
    unscored = stage.copy()
    unscored[:40] = "U"
    nights = [staged("a", hypnogram(stage), hypnogram(unscored)), staged("b", hypnogram(stage), hypnogram(stage))]
    table = measure_table(nights)
    assert both(table, "tst") == (None, None)
    assert agreement_table(table, 0).filter(pl.col("measure") == "tst")["n_nights"].to_list() == [1]


def test_a_planted_bias_is_found_with_its_label_and_unit() -> None:
    """Each night's test has four epochs of sleep more, and the amount of sleep varies: no slope."""
    nights = []
    for i in range(8):
        stage = np.array(["W"] * (40 - 2 * i) + ["N2"] * (60 + 2 * i))
        more = stage.copy()
        more[40 - 2 * i - 4 : 40 - 2 * i] = "N2"
        nights.append(staged(f"n{i}", hypnogram(stage), hypnogram(more)))
    (row,) = agreement_table(measure_table(nights), 0).filter(pl.col("measure") == "tst").to_dicts()
    assert (row["bias"], row["bias_low"], row["bias_drawn_high"], row["sd"], row["slope"]) == pytest.approx(
        (2.0, 2.0, 2.0, 0.0, 0.0)
    )
    assert (row["label"], row["unit"]) == (load_dictionary()["tst"].label, "min")
