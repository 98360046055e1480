"""Intraclass correlations: how much of a number's spread lies between subjects rather than between their nights.

References
----------
Shrout PE, Fleiss JL (1979) Intraclass correlations: uses in assessing rater reliability. Psychol Bull 86:420-428.
Donner A (1986) A review of inference procedures for the intraclass correlation coefficient in the one-way random
effects model. Int Stat Rev 54:67-82 (subjects with different numbers of nights).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import Float


@dataclass(frozen=True)
class Nested:
    """Sums over each subject's nights, for many numbers at once; arrays (n_subjects, n_numbers).

    Subjects with fewer than two nights that have a number count nothing in it: one night says nothing of repetition.
    """

    n: Float  # nights
    mean: Float
    squares: Float  # sum of squared distances from the subject's mean

    @classmethod
    def of(cls, values: Float, subject: NDArray[np.int64]) -> Nested:
        """The sums of values (n_nights, n_numbers), NaN where absent; `subject` is a number from 0 for each night."""
        n_subjects = int(subject.max(initial=-1)) + 1
        known = np.isfinite(values)
        filled = np.where(known, values, 0.0)
        n = _by_subject(known.astype(float), subject, n_subjects)
        mean = _by_subject(filled, subject, n_subjects) / np.maximum(n, 1)
        away = np.where(known, values - mean[subject], 0.0)
        repeated = n > 1
        squares = _by_subject(away**2, subject, n_subjects)
        return cls(np.where(repeated, n, 0.0), np.where(repeated, mean, 0.0), np.where(repeated, squares, 0.0))

    def spread(self, weight: Float) -> Spread:
        """Mean squares with each subject counted so many times; weight (n_draws, n_subjects), 1 for the data as is."""
        return Spread(
            n_subjects=weight @ (self.n > 0),
            n_nights=weight @ self.n,
            n_squared=weight @ self.n**2,
            total=weight @ (self.n * self.mean),
            total_squared=weight @ (self.n * self.mean**2),
            within=weight @ self.squares,
        )


@dataclass(frozen=True)
class Spread:
    """The sums that an analysis of variance of one way needs; arrays (n_draws, n_numbers)."""

    n_subjects: Float
    n_nights: Float
    n_squared: Float  # sum of squared numbers of nights
    total: Float
    total_squared: Float  # sum of n x squared mean of each subject
    within: Float

    @property
    def mean(self) -> Float:
        """Grand mean; NaN where no subject has two nights."""
        return _ratio(self.total, self.n_nights)

    @property
    def within_sd(self) -> Float:
        """Standard deviation of a subject's nights."""
        return np.sqrt(_ratio(self.within, self.n_nights - self.n_subjects))

    @property
    def icc(self) -> Float:
        """ICC(1,1): reliability of one night. NaN with fewer than two subjects, or where no value differs."""
        within = _ratio(self.within, self.n_nights - self.n_subjects)
        # numbers that are all the same leave a rest of rounding, of which no ratio may be formed
        between_squares = self.total_squared - _ratio(self.total**2, self.n_nights)
        between_squares = np.where(between_squares > 1e-12 * self.total_squared, between_squares, 0.0)
        between = _ratio(between_squares, self.n_subjects - 1)
        nights = _ratio(self.n_nights - _ratio(self.n_squared, self.n_nights), self.n_subjects - 1)
        return _ratio(between - within, between + (nights - 1) * within)


def _by_subject(values: Float, subject: NDArray[np.int64], n_subjects: int) -> Float:
    total = np.zeros((n_subjects, values.shape[1]))
    np.add.at(total, subject, values)
    return total


def _ratio(part: Float, whole: Float) -> Float:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 0)


def two_way(table: Float) -> tuple[float, float]:
    """ICC(2,1) and ICC(3,1) of a full table: single nights with, and without, what the number of the night adds to all.

    ICC(2,1) asks whether nights agree; ICC(3,1) whether they order subjects alike, which a first night that differs for
    everybody does not disturb. NaN with fewer than two subjects or nights, or where no value differs.

    Parameters
    ----------
    table
        array (n_subjects, n_nights) without missing values.
    """
    n, k = table.shape
    if n < 2 or k < 2:
        return np.nan, np.nan
    rows, columns, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    between = k * ((rows - grand) ** 2).sum() / (n - 1)
    judges = n * ((columns - grand) ** 2).sum() / (k - 1)
    error = ((table - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
    agreement, consistency = between + (k - 1) * error + k * (judges - error) / n, between + (k - 1) * error
    shared = between - error
    return float(shared / agreement) if agreement > 0 else np.nan, float(
        shared / consistency
    ) if consistency > 0 else np.nan
