"""Quantiles of many beats at once are those of numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from holter2sleep.heart.quantile import quantile_along


@given(
    arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-1e3, 1e3)),
    st.floats(0, 1),
    st.sampled_from([0, 1, -1]),
)
def test_a_quantile_is_that_of_numpy(values: np.ndarray, share: float, axis: int) -> None:
    np.testing.assert_allclose(quantile_along(values, share, axis), np.quantile(values, share, axis=axis), atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 7, 500])
def test_half_is_the_median_in_the_type_of_the_values(n: int) -> None:
    values = np.random.default_rng(n).normal(0, 1, (n, 5)).astype(np.float32)
    found = quantile_along(values, 0.5, axis=0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.median(values, axis=0), rtol=1e-6)
