"""The Poincare plot and the histogram show the intervals that were measured."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from holter2sleep.report.axes import BEAT_COLOURS
from holter2sleep.report.point_cloud import draw_points
from holter2sleep.report.rr_section import _draw_histogram, successive
from holter2sleep.report.words import load_words


def test_no_pair_spans_a_gap() -> None:
    assert successive(np.array([0.8, np.nan, 0.9, 1.0])).tolist() == [False, False, False, True]


def test_a_point_lies_in_the_pixel_of_its_values_and_beyond_the_limits_on_the_edge() -> None:
    ax = Figure().add_subplot()
    draw_points(ax, np.array([0.25, 9.0]), np.array([0.75, -9.0]), np.array(["N", "N"]), (0, 1, 0, 1), (100, 100))
    picture = np.asarray(ax.get_images()[0].get_array())
    rows, columns = np.nonzero(picture[:, :, 3])
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 99), (75, 25)]


def test_a_rare_kind_is_drawn_over_a_common_one() -> None:
    ax = Figure().add_subplot()
    x = np.array([0.5, 0.5])
    draw_points(ax, x, x, np.array(["V", "N"]), (0, 1, 0, 1), (10, 10))
    picture = np.asarray(ax.get_images()[0].get_array())
    assert to_hex(picture[5, 5]) == BEAT_COLOURS["V"]


def test_the_histogram_counts_every_interval_of_each_kind() -> None:
    ax = Figure().add_subplot()
    rr_s = np.r_[np.full(50, 0.91), np.full(3, 0.51), 5.0, np.nan]
    kind = pl.Series(["N"] * 50 + ["V"] * 3 + ["N", "N"]).to_numpy()
    _draw_histogram(ax, rr_s, kind, (0.4, 1.2), load_words())
    counts = {str(patch.get_label()).split()[0]: patch.get_data().values for patch in ax.patches}
    assert counts["N"].sum() == 51  # the one of 5 s on the edge
    assert counts["V"].sum() == 3
    assert counts["V"][np.searchsorted(ax.patches[0].get_data().edges, 0.51, "right") - 1] == 3
