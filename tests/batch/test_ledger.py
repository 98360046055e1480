"""The ledger: what was written before a kill is there after it, and nobody writes what another one does."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holter2sleep.batch.ledger import (
    DONE,
    FAILED,
    Failure,
    Ledger,
    Record,
    count_records,
    open_ledger,
    read_ledger,
    read_runs,
    runs_folder,
)
from holter2sleep.errors import OutputError, UsageError


def facts(shard: tuple[int, int] = (1, 1), manifest: str = "m") -> dict[str, Any]:
    return {"version": "1", "manifest_sha256": manifest, "shard": shard}


def test_what_is_written_is_read_again_with_every_field(tmp_path: Path) -> None:
    failure = Failure("é", "read", "RecordingError", 'with "quotes"\nand lines')
    records = [
        Record("a", DONE, "x", ("a_night01", "a_night02"), "a_nights", 0, seconds=1.5),
        Record("é", FAILED, "y", exit_code=3, failures=(failure,), traceback="t"),
    ]
    with open_ledger(tmp_path, facts()) as ledger:
        for record in records:
            ledger.add(record)
    assert read_ledger(tmp_path) == {record.recording_id: record for record in records}


def test_the_latest_record_of_a_night_counts(tmp_path: Path) -> None:
    with open_ledger(tmp_path, facts((1, 2))) as one, open_ledger(tmp_path, facts((2, 2))) as two:
        two.add(Record("a", FAILED, "x", exit_code=3))
        one.add(Record("a", DONE, "x"))
    assert read_ledger(tmp_path)["a"].status == DONE


@pytest.mark.parametrize("torn", [b'{"recording_id": "c", "sta', b"\x00\x00\x00", b"{", b"\xff\xfe"])
def test_a_torn_line_is_passed_over(tmp_path: Path, torn: bytes) -> None:
    with open_ledger(tmp_path, facts()) as ledger:
        ledger.add(Record("a", DONE, "x"))
    (file,) = runs_folder(tmp_path).glob("*.jsonl")
    file.write_bytes(file.read_bytes() + torn)
    assert set(read_ledger(tmp_path)) == {"a"}
    assert count_records(file) == 1
    assert not read_runs(tmp_path)[0].is_live


def test_a_run_is_live_until_its_file_is_closed(tmp_path: Path) -> None:
    with open_ledger(tmp_path, facts()):
        assert [run.is_live for run in read_runs(tmp_path)] == [True]
    assert [run.is_live for run in read_runs(tmp_path)] == [False]


def test_a_run_that_was_killed_is_not_live(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pathlib import Path; from holter2sleep.batch.ledger import *\n"
        f"with open_ledger(Path({str(tmp_path)!r}), {facts()!r}) as ledger:\n"
        "    ledger.add(Record('a', DONE, 'x')); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert [run.is_live for run in read_runs(tmp_path)] == [False]
    assert set(read_ledger(tmp_path)) == {"a"}


@pytest.mark.parametrize("other", [facts(), facts((1, 2)), facts((2, 3)), facts((2, 2), "other")])
def test_a_second_run_that_could_write_the_same_nights_is_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    with open_ledger(tmp_path, facts((1, 2))):
        with pytest.raises(UsageError, match=r"writing shard 1/2 here"), open_ledger(tmp_path, other):
            pass
    assert len(read_runs(tmp_path)) == 1  # it left nothing
    with open_ledger(tmp_path, other):  # once the first has ended, all may
        pass


def test_parts_of_one_manifest_are_written_at_once(tmp_path: Path) -> None:
    with open_ledger(tmp_path, facts((1, 2))) as one, open_ledger(tmp_path, facts((2, 2))) as two:
        one.add(Record("a", DONE, "x"))
        two.add(Record("b", DONE, "x"))
        assert set(read_ledger(tmp_path)) == {"a", "b"}


@pytest.mark.parametrize("n_written", [0, 5, None])
def test_a_full_disk_ends_the_run_with_a_word(tmp_path: Path, n_written: int | None) -> None:
    class Full(io.FileIO):
        def write(self, _content: object) -> int:
            if n_written is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return n_written

    with Full(tmp_path / "full", "w") as file:
        with pytest.raises(OutputError, match="cannot be written"):
            Ledger(file).add(Record("a", DONE, "x"))  # type: ignore[arg-type]


def test_a_folder_without_a_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert (read_ledger(tmp_path), read_runs(tmp_path)) == ({}, [])
