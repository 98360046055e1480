"""The log: a chain of lines, and what they do to tables."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from edited_nights import DURATION_S, editable, logged, same
from hypothesis import given, settings
from hypothesis import strategies as st

from holter2sleep.clock import Clock
from holter2sleep.edits import LOG, Edit, changes_in_force, in_force, read_edits, told
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.review.apply import apply, scored_by_hand, without_episode
from holter2sleep.review.ask import change_of
from holter2sleep.review.session import next_redo, next_undo

ROOT = "0" * 64
RELABEL = {"kind": "beat_relabel", "time_s": 50.5, "label": "V"}
STAGE = {"kind": "stage", "first_epoch": 2, "last_epoch": 4, "stage": "R"}
NOTE = {"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "artefact, not a beat (Müller)"}
ADD_AF = {"kind": "episode_add", "episode": "AFIB", "start_s": 100.0, "end_s": 150.0}

asked = st.one_of(
    st.builds(
        lambda i, letter: {"kind": "beat_relabel", "time_s": i + 0.5, "label": letter},
        st.integers(0, 299),
        st.sampled_from("NSVFQ"),
    ),
    st.builds(lambda i: {"kind": "beat_delete", "time_s": i + 0.5}, st.integers(0, 299)),
    st.builds(
        lambda i, letter: {"kind": "beat_add", "time_s": i + 1.0, "label": letter},
        st.integers(0, 298),
        st.sampled_from("NSVFQ"),
    ),
    st.builds(
        lambda a, n, s: {"kind": "stage", "first_epoch": a, "last_epoch": min(9, a + n), "stage": s},
        st.integers(0, 9),
        st.integers(0, 4),
        st.sampled_from(["W", "N1", "N3", "R"]),
    ),
    st.builds(
        lambda a, n, k: {"kind": "episode_add", "episode": k, "start_s": float(a), "end_s": float(a + n)},
        st.integers(0, 250),
        st.integers(1, 49),
        st.sampled_from(["AFIB", "VT"]),
    ),
    st.just({"kind": "episode_delete", "episode": "PAUSE", "start_s": 200.5, "end_s": 203.5}),
    st.just(
        {
            "kind": "episode_change",
            "episode": "AFIB",
            "start_s": 10.5,
            "end_s": 70.5,
            "new_episode": "AFL",
            "new_start_s": 12.0,
            "new_end_s": 60.0,
        }
    ),
    st.builds(lambda k: {"kind": "undo", "number": k}, st.integers(1, 8)),
)


def made_of(many: list[dict]) -> tuple[Edit, ...]:
    """The edits of those requests that can be made."""
    edits: tuple[Edit, ...] = ()
    tables = editable()
    for each in many:
        try:
            change = change_of(each, apply(tables, edits), edits, DURATION_S)
        except UsageError:
            continue
        edits = (
            *edits,
            Edit(len(edits) + 1, "A", "t", **vars(change), before_sha256=edits[-1].sha256 if edits else ROOT),
        )
    return edits


def undone(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits, and behind them an undo of each that holds, the last first."""
    while (number := next_undo(edits)) is not None:
        change = change_of({"kind": "undo", "number": number}, apply(editable(), edits), edits, DURATION_S)
        edits = (*edits, Edit(len(edits) + 1, "A", "t", **vars(change), before_sha256=edits[-1].sha256))
    return edits


@settings(max_examples=100, deadline=None)
@given(st.lists(asked, max_size=8))
def test_undoing_everything_gives_the_tables_as_they_were(many: list[dict]) -> None:
    assert same(apply(editable(), undone(made_of(many))), editable())


@settings(max_examples=100, deadline=None)
@given(st.lists(asked, max_size=8), st.integers(0, 8))
def test_edits_may_be_applied_in_parts(many: list[dict], cut: int) -> None:
    edits = made_of(many)
    assert same(apply(apply(editable(), edits[:cut]), edits[cut:]), apply(editable(), edits))


@settings(max_examples=100, deadline=None)
@given(st.lists(asked, max_size=8))
def test_what_holds_is_all_that_the_tables_show(many: list[dict]) -> None:
    edits = made_of(many)
    assert scored_by_hand(10, edits).sum() <= 10
    if not changes_in_force(edits):
        assert same(apply(editable(), edits), editable())


def test_a_beat_is_relabelled_and_nothing_else_is_changed() -> None:
    after = apply(editable(), logged(RELABEL)).beats
    changed = after.filter(pl.col("label") != editable().beats["label"])
    assert changed.select("time_s", "label", "confidence", "p_s", "p_v").rows() == [(50.5, "V", None, 0.0, 1.0)]
    assert after.filter(pl.col("time_s") != 50.5).equals(editable().beats.filter(pl.col("time_s") != 50.5))


def test_beats_are_added_and_deleted_in_the_order_of_time() -> None:
    edits = logged({"kind": "beat_delete", "time_s": 10.55}, {"kind": "beat_add", "time_s": 11.0, "label": "S"})
    beats = apply(editable(), edits).beats
    assert beats["time_s"][9:12].to_list() == [9.5, 11.0, 11.5]
    assert beats["label"][10] == "S"


def test_an_episode_whose_ends_have_moved_is_still_the_one_that_was_deleted() -> None:
    moved = editable().episodes.with_columns(start_s=pl.col("start_s") + 4.0)
    edits = logged({"kind": "episode_delete", "episode": "AFIB", "start_s": 10.5, "end_s": 70.5})
    tables = editable()
    assert apply(type(tables)(tables.beats, moved, tables.epochs), edits).episodes["kind"].to_list() == ["PAUSE"]


def test_the_rate_of_an_added_episode_is_that_of_its_beats() -> None:
    row = apply(editable(), logged(ADD_AF)).episodes.filter(start_s=100.0)
    assert row.select("n_beats", "rate_bpm", "stage_at_onset").rows() == [(50, 60.0, "N2")]


def test_of_two_alike_only_the_very_one_is_taken_out() -> None:
    two = pl.DataFrame([(10.0, 70.0, "VT"), (60.0, 80.0, "VT")], schema=["start_s", "end_s", "kind"], orient="row")
    left = without_episode(two, {"kind": "VT", "start_s": 60.0, "end_s": 80.0})
    assert left.rows() == [(10.0, 70.0, "VT")]


def test_a_redo_takes_back_the_undo_and_a_new_edit_ends_it() -> None:
    edits = logged(RELABEL, {"kind": "undo", "number": 1})
    assert (next_undo(edits), next_redo(edits)) == (None, 2)
    again = logged(RELABEL, {"kind": "undo", "number": 1}, {"kind": "undo", "number": 2})
    assert list(in_force(again)) == [3, 1]
    assert (next_undo(again), next_redo(again)) == (1, None)
    assert same(apply(editable(), again), apply(editable(), again[:1]))
    assert next_redo(logged(RELABEL, {"kind": "undo", "number": 1}, STAGE)) is None


def test_two_undos_are_redone_one_after_the_other() -> None:
    first = ({"kind": "undo", "number": 2}, {"kind": "undo", "number": 1})
    edits = logged(RELABEL, STAGE, *first)
    assert next_redo(edits) == 4
    edits = logged(RELABEL, STAGE, *first, {"kind": "undo", "number": 4})
    assert next_redo(edits) == 3
    edits = logged(RELABEL, STAGE, *first, {"kind": "undo", "number": 4}, {"kind": "undo", "number": 3})
    assert next_redo(edits) is None
    assert [edit.number for edit in changes_in_force(edits)] == [1, 2]


def test_what_was_built_on_cannot_be_undone_before_that() -> None:
    edits = logged(RELABEL, {**RELABEL, "label": "S"})
    with pytest.raises(UsageError, match="undo that first"):
        change_of({"kind": "undo", "number": 1}, apply(editable(), edits), edits, DURATION_S)


# --- the chain --------------------------------------------------------------------------------------


def written(folder: Path, edits: tuple[Edit, ...]) -> Path:
    (folder / LOG).write_text("".join(f"{edit.line}\n" for edit in edits), encoding="utf-8")
    return folder / LOG


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    edits = logged(RELABEL, STAGE, NOTE, {"kind": "undo", "number": 1})
    written(tmp_path, edits)
    assert read_edits(tmp_path, ROOT) == edits
    assert read_edits(tmp_path / "none", ROOT) == ()


def test_every_changed_byte_breaks_the_chain(tmp_path: Path) -> None:
    path = written(tmp_path, logged(RELABEL, NOTE))
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(RecordingError, match=r"line [12]"):
            read_edits(tmp_path, ROOT)


def test_a_line_that_is_taken_out_or_moved_breaks_the_chain(tmp_path: Path) -> None:
    edits = logged(RELABEL, STAGE, NOTE)
    for order in ((0, 2), (1, 2), (1, 0, 2), (0, 1, 1, 2)):
        written(tmp_path, tuple(edits[i] for i in order))
        with pytest.raises(RecordingError, match=r"does not follow the line before|was made on other tables"):
            read_edits(tmp_path, ROOT)


def test_a_log_of_another_night_is_refused(tmp_path: Path) -> None:
    written(tmp_path, logged(RELABEL))
    with pytest.raises(RecordingError, match=r"line 1: it was made on other tables than these.*Put back a copy"):
        read_edits(tmp_path, "1" * 64)


@pytest.mark.parametrize("line", ["{", "[]", "null", "{}", '{"number": 1}', "\udcff", '{"a": ' * 2000])
def test_a_line_that_is_none_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, logged(RELABEL))
    path.write_bytes(path.read_bytes() + line.encode("utf-8", "surrogateescape") + b"\n")
    with pytest.raises(RecordingError, match=r"edits\.jsonl, line 2"):
        read_edits(tmp_path, ROOT)


def test_a_line_cut_short_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, logged(RELABEL, STAGE))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError, match="line 2: it has no end"):
        read_edits(tmp_path, ROOT)


def test_a_line_holds_who_when_what_before_and_after() -> None:
    facts = json.loads(logged(STAGE)[0].line)
    assert list(facts) == ["number", "who", "when", "kind", "target", "before", "after", "before_sha256", "sha256"]
    assert (facts["before"], facts["after"]) == (["N2"] * 3, ["R"] * 3)


def test_edits_are_told_in_words() -> None:
    from datetime import datetime

    clock = Clock(datetime(2026, 1, 31, 23, 0))
    beat, stage, episode, undo = logged(RELABEL, STAGE, ADD_AF, {"kind": "undo", "number": 1})
    assert vars(told(beat, clock)) == {"what": "beat relabel at 23:00:50.50", "before": "N", "after": "V"}
    assert vars(told(stage, clock)) == {"what": "stage, epochs 2 to 4", "before": "3 N2", "after": "3 R"}
    place = "0:01:40.00 from start to 0:02:30.00 from start"
    assert vars(told(episode, None)) == {"what": f"episode add AFIB, {place}", "before": "-", "after": "AFIB"}
    moved = {
        "episode": "AFIB",
        "start_s": 10.5,
        "end_s": 70.5,
        "new_episode": "AFL",
        "new_start_s": 12,
        "new_end_s": 60,
    }
    (change,) = logged({"kind": "episode_change", **moved})
    assert told(change, clock).before == "AFIB"
    assert told(change, clock).after == "AFL 23:00:12.00 to 23:01:00.00"
    assert vars(told(undo, clock)) == {"what": "undo of 1: beat relabel at 23:00:50.50", "before": "V", "after": "N"}


# --- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "kind None"),
        ({"kind": "beat_move"}, "kind 'beat_move': expected one of"),
        ({"kind": "beat_relabel", "time_s": 50.5}, "label None: expected one of N, S, V, F, Q"),
        ({"kind": "beat_relabel", "time_s": "50.5", "label": "V"}, "time_s '50.5': expected a number"),
        ({"kind": "beat_relabel", "time_s": float("nan"), "label": "V"}, "time_s nan"),
        ({"kind": "beat_relabel", "time_s": True, "label": "V"}, "time_s True"),
        ({"kind": "beat_relabel", "time_s": 50.0, "label": "V"}, "no beat within 150 ms of 50.000 s"),
        ({"kind": "beat_add", "time_s": 50.6, "label": "V"}, "a beat is within 150 ms"),
        ({"kind": "beat_add", "time_s": 300.1, "label": "V"}, "from 0 to 300"),
        ({"kind": "episode_add", "episode": "XX", "start_s": 1.0, "end_s": 2.0}, "episode 'XX'"),
        ({"kind": "episode_add", "episode": "VT", "start_s": 2.0, "end_s": 2.0}, "a start before the end"),
        ({"kind": "episode_add", "episode": "AFIB", "start_s": 20.0, "end_s": 60.0}, "there already"),
        (
            {
                "kind": "episode_change", "episode": "PAUSE", "start_s": 200.5, "end_s": 203.5,
                "new_episode": "AFIB", "new_start_s": 60.0, "new_end_s": 80.0,
            },
            "AFIB is there already",
        ),
        ({"kind": "episode_delete", "episode": "VT", "start_s": 10.5, "end_s": 70.5}, "no VT from 10.5"),
        ({"kind": "stage", "first_epoch": 3, "last_epoch": 2, "stage": "W"}, "the first before the last"),
        ({"kind": "stage", "first_epoch": 3, "last_epoch": 10, "stage": "W"}, "from 0 to 9"),
        ({"kind": "stage", "first_epoch": 3.5, "last_epoch": 4, "stage": "W"}, "a whole number"),
        ({"kind": "stage", "first_epoch": 3, "last_epoch": 4, "stage": "U"}, "stage 'U'"),
        ({"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "  "}, "a note of 1 to 1000"),
        ({"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": "\ud800"}, "a note of 1 to 1000"),
        ({"kind": "note", "start_s": 1.0, "end_s": 2.0, "text": ["x"]}, "a note of 1 to 1000"),
        ({"kind": "confirm", "time_s": 1.0}, "no beat within"),
        ({"kind": "undo", "number": 1}, "does not hold any more, or there is none"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_words(asked: dict, says: str) -> None:
    with pytest.raises(UsageError) as told_:
        change_of(asked, editable(), (), DURATION_S)
    assert says in str(told_.value)
