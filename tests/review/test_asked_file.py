"""Files of corrections: separators, clock times, and the log of a night as corrections of another."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from edited_nights import DURATION_S, editable, logged, same

from holter2sleep.clock import Clock
from holter2sleep.edits import changes_in_force
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.review.apply import apply
from holter2sleep.review.ask import change_of, changes_of
from holter2sleep.review.asked_file import read_asked

EVENING = Clock(datetime(2024, 3, 12, 22, 41))
NIGHT_S = 27000.0


def read(folder: Path, text: str, clock: Clock | None = EVENING, duration_s: float = NIGHT_S) -> list[dict]:
    path = folder / "c.csv"
    path.write_text(text, encoding="utf-8")
    return read_asked(path, clock, duration_s)


@pytest.mark.parametrize(
    "text",
    [
        "kind,start_s,end_s\nnote,21600.5,21700\n",
        "kind;start_s;end_s\r\nnote;21600,5;21700\r\n",  # Excel with a decimal comma
        "kind\tstart_s\tend_s\nnote\t21600.5\t21700\n",
        "kind,start_s,end_s\nnote,04:41:00.5,04:42:40\n",
        "kind,start_s,end_s\nnote,2024-03-13T04:41:00.5,04:42:40\n",
        "kind,start_s,end_s\nnote, 21600.50 ,2.17e4\n",
    ],
)
def test_one_note_may_be_written_in_many_ways(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == [{"kind": "note", "start_s": 21600.5, "end_s": 21700.0}]


def test_a_clock_time_follows_summer_time_where_the_zone_is_known(tmp_path: Path) -> None:
    spring = Clock(datetime(2024, 3, 30, 22, 0), "Europe/Berlin")  # two o'clock is three
    assert read(tmp_path, "kind,time_s\nbeat_delete,04:00\n", spring) == [{"kind": "beat_delete", "time_s": 18000.0}]


@pytest.mark.parametrize(
    ("cell", "clock", "duration_s", "says"),
    [
        ("soon", EVENING, NIGHT_S, "row 1: time_s 'soon' is no number; expected seconds from the start, or a clock"),
        ("04:41", None, NIGHT_S, "row 1: time_s '04:41': when the night began is unknown; give seconds"),
        ("04:41", EVENING, 100_000.0, "row 1: time_s '04:41': the recording is longer than a day; give the date"),
    ],
)
def test_a_time_that_says_nothing_is_told(
    tmp_path: Path, cell: str, clock: Clock | None, duration_s: float, says: str
) -> None:
    with pytest.raises(RecordingError, match=says):
        read(tmp_path, f"kind,time_s\nbeat_delete,{cell}\n", clock, duration_s)


@pytest.mark.parametrize("cell", ["25:00", "4:4", "a:b"])
def test_a_clock_time_that_is_none_is_told(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UsageError, match=f"row 1: time_s '{cell}': expected local time"):
        read(tmp_path, f"kind,time_s\nbeat_delete,{cell}\n")


def test_numbers_that_are_no_times_have_no_clock(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"row 1: first_epoch '04:41' is no number$"):
        read(tmp_path, "kind,first_epoch\nstage,04:41\n")


ALL_KINDS = (
    {"kind": "beat_relabel", "time_s": 100.5, "label": "S"},
    {"kind": "beat_add", "time_s": 50.0, "label": "V"},
    {"kind": "beat_delete", "time_s": 60.5},
    {"kind": "episode_add", "episode": "VT", "start_s": 200.0, "end_s": 210.0},
    {"kind": "episode_change", "episode": "VT", "start_s": 200.0, "end_s": 210.0}
    | {"new_episode": "SVTA", "new_start_s": 201.0, "new_end_s": 209.0},
    {"kind": "episode_delete", "episode": "SVTA", "start_s": 201.0, "end_s": 209.0},
    {"kind": "stage", "first_epoch": 2, "last_epoch": 3, "stage": "R"},
    {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "a, b"},
    {"kind": "confirm", "first_epoch": 0, "last_epoch": 1},
    {"kind": "confirm", "time_s": 70.5},
    {"kind": "stage", "first_epoch": 5, "last_epoch": 5, "stage": "W"},
    {"kind": "undo", "number": 11},
)


def test_the_log_of_a_night_asks_for_what_holds_in_it_and_leaves_the_same_tables(tmp_path: Path) -> None:
    edits = logged(*ALL_KINDS)
    path = tmp_path / "edits.jsonl"
    path.write_text("".join(f"{edit.line}\n" for edit in edits), encoding="utf-8")
    asked = read_asked(path, None, DURATION_S)
    assert asked == list(ALL_KINDS[:10])
    changes = changes_of(asked, editable(), (), DURATION_S, str)
    holding = changes_in_force(edits)
    assert [(c.kind, c.target, c.before, c.after) for c in changes] == [
        (edit.kind, edit.target, edit.before, edit.after) for edit in holding
    ]
    assert same(apply(editable(), logged(*asked)), apply(editable(), edits))


def test_a_log_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text(logged(ALL_KINDS[0])[0].line.replace('"S"', '"V"') + "\n", encoding="utf-8")
    with pytest.raises(RecordingError, match="row 1: a broken line of a log"):
        read_asked(path, None, DURATION_S)


def test_an_episode_that_is_not_there_is_told_with_those_that_are() -> None:
    def refused(episode: str) -> str:
        with pytest.raises(UsageError) as error:
            change_of(
                {"kind": "episode_delete", "episode": episode, "start_s": 1.0, "end_s": 2.0}, night, (), DURATION_S
            )
        return str(error.value)

    night = editable()
    kind, start_s, end_s = night.episodes.select("kind", "start_s", "end_s").row(0)
    assert f"there are 1: {start_s:.1f} to {end_s:.1f} s" in refused(kind)
    assert refused("SVTA").endswith("the night has no SVTA")
