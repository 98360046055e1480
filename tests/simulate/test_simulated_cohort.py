"""The cohort of the worked example holds the association it announces."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from holter2sleep.simulate.cohort import AGE_SLOPE, SLOPE, draw_people, night_plan, write_cohort


def test_the_planted_slope_is_in_the_people() -> None:
    people = draw_people(20_000, np.random.default_rng(0))
    age = np.array([person.age for person in people])
    design = np.column_stack([np.ones(len(people)), [p.log_breaks for p in people], (age - age.mean()) / age.std()])
    found = np.linalg.lstsq(design, np.array([person.log_burden for person in people]), rcond=None)[0]
    assert found[1:] == pytest.approx([SLOPE, AGE_SLOPE], abs=0.02)


def test_a_night_has_the_burden_of_its_person_and_its_episodes_do_not_meet() -> None:
    rng = np.random.default_rng(0)
    for person in draw_people(50, rng):
        plan = night_plan(person, 1, 6.0, 128.0, rng)
        spans = plan.spans("af")
        assert (spans[1:, 0] >= spans[:-1, 1]).all()
        percent = 100 * (spans[:, 1] - spans[:, 0]).sum() / plan.duration_s
        assert np.log(percent) == pytest.approx(np.clip(person.log_burden, np.log(0.6), np.log(40)), abs=0.7)


def test_people_with_two_nights_come_twice_and_every_file_is_there(tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "nights", 2, 3, 0.1, 100.0, seed=3)
    rows = list(csv.DictReader(manifest.read_text(encoding="utf-8").splitlines()))
    assert [row["subject_id"] for row in rows] == ["p01", "p02", "p01"]
    assert [row["visit"] for row in rows] == ["1", "1", "2"]
    assert all((manifest.parent / row[column]).is_file() for row in rows for column in ("path", "hypnogram"))
    first = (manifest.parent / "p01_1.edf").read_bytes()
    write_cohort(tmp_path / "again", 2, 3, 0.1, 100.0, seed=3)
    assert (tmp_path / "again" / "p01_1.edf").read_bytes() == first
