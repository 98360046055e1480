"""Stages in two to five classes."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.evaluate.classes import CLASSES, UNKNOWN, codes, common_classes, merge_of, merge_stages, merged

STAGES = np.array(["W", "N1", "N2", "N3", "R", "U"])


def test_five_stages_become_fewer_and_unscored_stays() -> None:
    assert merge_stages(STAGES, 5).tolist() == STAGES.tolist()
    assert merge_stages(STAGES, 4).tolist() == ["W", "L", "L", "N3", "R", "U"]
    assert merge_stages(STAGES, 3).tolist() == ["W", "NREM", "NREM", "NREM", "R", "U"]
    assert merge_stages(STAGES, 2).tolist() == ["W", "sleep", "sleep", "sleep", "sleep", "U"]


def test_stage_coarser_than_the_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="NREM"):
        merge_stages(np.array(["W", "NREM"]), 5)


@pytest.mark.parametrize("n_classes", CLASSES)
def test_codes_of_letters_and_merged_chances_say_the_same(n_classes: int) -> None:
    found = codes(STAGES, n_classes)
    assert found[-1] == UNKNOWN
    column = merge_of(CLASSES[5], n_classes)
    assert found[:-1].tolist() == list(column)
    assert merged(np.eye(5), n_classes).argmax(axis=1).tolist() == list(column)


def test_letters_outside_the_scheme_are_unknown() -> None:
    assert codes(np.array(["W", "U", "R", "N3"]), 5).tolist() == [0, UNKNOWN, 4, 3]


def test_what_two_schemes_can_say_is_what_the_coarser_says() -> None:
    assert common_classes("AASM5", "CARDIO3") == common_classes("CARDIO3", "CARDIO4") == 3
