"""What became of the recordings before a study: told in its methods and flow, never that of another table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_runs import ok, run
from made_studies import LINEAR, nights_table, studied, write_plan

from holter2sleep.cohort.association.write import flow_boxes

STEP = {"step": "long", "rule": "duration_h >= 4", "nights_excluded": 2, "nights_left": 120, "subjects_left": 120}
FLOW: dict[str, Any] = {
    "entered": 127,
    "failed": 3,
    "not_analysed": 1,
    "unreadable": 1,
    "nights_finished": 122,
    "made_by": {"version": {"0.1.0": 122}, "recipe_sha256": {"0123456789abcdef": 122}, "scorer": {"fusion": 122}},
    "exclusions": "cohort",
    "steps": [STEP],
    "nights": 120,
    "subjects": {"entered": 126, "without_a_night": 4, "excluded": 2, "kept": 120},
}
ENTERED = "127 recordings of 126 subjects entered; 4 failed and 1 were not analysed, which left 122 nights."


def folder_with(tmp_path: Path, flow: str) -> Path:
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort" / "flow.json").write_text(flow, encoding="utf-8")
    return tmp_path


def test_methods_begin_with_who_entered_the_cohort(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, json.dumps(FLOW))
    studied(folder, nights_table(120), LINEAR)
    ok("associate", folder, "--plan", folder / "plan.toml")
    words = (folder / "associations" / "methods.md").read_text(encoding="utf-8")
    assert ENTERED in words
    assert "Rules of the cohort (cohort), in order: duration_h >= 4 (2 left out)." in words
    assert "analysed by holter2sleep 0.1.0 (122), recipe 0123456789ab (122), with stages by fusion (122)." in words
    facts = json.loads((folder / "associations" / "study.json").read_text(encoding="utf-8"))
    assert facts["cohort"]["flow"] == FLOW


def test_the_flow_chart_begins_with_the_recordings_and_each_count_follows_from_the_one_above(tmp_path: Path) -> None:
    boxes = flow_boxes(studied(folder_with(tmp_path, json.dumps(FLOW)), nights_table(120), LINEAR))
    assert [(box.lines[1], box.beside) for box in boxes[:4]] == [
        ("127 recordings of 126 persons", ""),
        ("122 nights of 122 persons", "4 failed, 1 not analysed"),
        ("120 nights of 120 persons", "2 nights left out"),
        ("120 nights of 120 persons", ""),
    ]


def test_the_flow_of_another_table_of_nights_is_not_told(tmp_path: Path) -> None:
    found = studied(folder_with(tmp_path, json.dumps(FLOW)), nights_table(80), LINEAR)
    assert found.before is None
    assert flow_boxes(found)[0].lines[1] == "80 nights of 80 persons"


@pytest.mark.parametrize("flow", ["", "[]", '{"entered": 3}'])
def test_a_broken_flow_is_told_by_name(tmp_path: Path, flow: str) -> None:
    folder = folder_with(tmp_path, flow)
    nights_table(120).write_parquet(folder / "cohort" / "nights.parquet")
    result = run("associate", folder, "--plan", write_plan(tmp_path / "plan.toml", LINEAR))
    assert result.exit_code == 3
    assert "flow.json: broken" in result.output
    assert "run: holter2sleep cohort" in result.output
