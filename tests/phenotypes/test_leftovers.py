"""What a killed run leaves behind, and a full disk: nothing that looks finished, nothing lost, one clear line."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from long_recordings import days_of_beats

from holter2sleep.cli import main
from holter2sleep.errors import OutputError
from holter2sleep.phenotypes.files import fill_folder, sweep_leftovers

WRITE = """
import sys, time
from pathlib import Path
from holter2sleep.phenotypes.files import fill_folder

def write(new):
    (new / "half.txt").write_text("half")
    print("writing", flush=True)
    time.sleep(60)

fill_folder(Path(sys.argv[1]), write)
"""


def writer(folder: Path) -> subprocess.Popen[str]:
    """A process in the middle of filling a folder."""
    process = subprocess.Popen([sys.executable, "-c", WRITE, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def test_the_scratch_of_a_killed_run_is_swept_up_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    process = writer(tmp_path / "night")
    try:
        (scratch,) = tmp_path.iterdir()
        assert scratch.name.startswith(".night.")
        sweep_leftovers(tmp_path)
        assert (scratch / "new" / "half.txt").exists()
    finally:
        killed(process)
    assert not (tmp_path / "night").exists()
    sweep_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def scratch_of(folder: Path, pid: int) -> Path:
    """The name that a process would give its scratch folder."""
    names: list[Path] = []
    fill_folder(folder.with_name("other"), lambda new: names.append(new.parent))
    parts = names[0].name.removeprefix(".other.").split("-")
    return folder.with_name(f".{folder.name}.{parts[0]}-{parts[1]}-{pid}-{parts[3]}")


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_killed_run_that_nobody_asked_about_counts_as_ended(tmp_path: Path) -> None:
    """As in a container, whose first process seldom asks."""
    process = writer(tmp_path / "night")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays listed
    sweep_leftovers(tmp_path)
    left = list(tmp_path.iterdir())
    killed(process)
    assert left == []


def test_a_night_caught_between_the_two_moves_is_put_back(tmp_path: Path) -> None:
    scratch = scratch_of(tmp_path / "a night.01", dead_pid())
    (scratch / "old").mkdir(parents=True)
    (scratch / "old" / "run.json").write_text("mine")
    (scratch / "new").mkdir()
    sweep_leftovers(tmp_path)
    assert (tmp_path / "a night.01" / "run.json").read_text() == "mine"
    assert not scratch.exists()


def test_a_finished_night_is_not_replaced_by_what_stood_there_before(tmp_path: Path) -> None:
    scratch = scratch_of(tmp_path / "night", dead_pid())
    (scratch / "old").mkdir(parents=True)
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "run.json").write_text("new")
    sweep_leftovers(tmp_path)
    assert (tmp_path / "night" / "run.json").read_text() == "new"
    assert not scratch.exists()


def test_what_others_named_or_another_machine_left_stays(tmp_path: Path) -> None:
    ours = scratch_of(tmp_path / "night", dead_pid())
    machine = ours.name.split("-")[1]
    other = ours.with_name(ours.name.replace(machine, "0" * 8))
    link = ours.with_name(ours.name + "x")
    target = tmp_path / "target"
    for folder in (other, target, tmp_path / ".night.tmp-1-2-3", tmp_path / ".night.h2s-notes", tmp_path / "night"):
        folder.mkdir()
    link.symlink_to(target)
    before = sorted(tmp_path.iterdir())
    sweep_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_a_full_disk_leaves_what_was_there_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    fill_folder(folder, lambda new: (new / "a.txt").write_text("first") and None)

    def write(new: Path) -> None:
        (new / "a.txt").write_text("second")
        with Path("/dev/full").open("w") as full:
            full.write("x")

    with pytest.raises(OutputError, match=r"night: cannot be written \(No space left on device\)"):
        fill_folder(folder, write)
    assert (folder / "a.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["night"]


@pytest.mark.parametrize("limit_kb", [4, 64])
def test_a_run_on_a_full_disk_ends_with_one_line(tmp_path: Path, limit_kb: int) -> None:
    """No file may grow above the limit, which every library meets where a full disk would stop it."""
    beats = days_of_beats(1.0, ())
    (tmp_path / "b.csv").write_text("\n".join(["time_s", *map(str, beats.time_s.tolist())]))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * limit_kb, 1024 * limit_kb))

    done = subprocess.run(
        [sys.executable, "-m", "holter2sleep", "analyze", str(tmp_path / "b.csv"), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        preexec_fn=limited,
        check=False,
        env={**os.environ, "MPLCONFIGDIR": str(tmp_path)},
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert "cannot be written (File too large" in error
    assert "Make room" in error
    assert list((tmp_path / "out").iterdir()) == []


def test_the_next_run_sweeps_up(tmp_path: Path) -> None:
    process = writer(tmp_path / "out" / "night")
    killed(process)
    assert len(list((tmp_path / "out").iterdir())) == 1
    CliRunner().invoke(main, ["analyze", str(tmp_path / "nowhere.edf"), "--out", str(tmp_path / "out")])
    assert list((tmp_path / "out").iterdir()) == []
