"""The examples for clusters say what the command line understands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from holter2sleep.assets import asset
from holter2sleep.cli import main

FOLDER = Path(__file__).parents[2] / "pipelines" / "cluster"


def understood(words: list[str]) -> dict[str, Any]:
    """What the command line makes of the words behind `holter2sleep batch`."""
    command = main.commands["batch"].commands["run"]  # type: ignore[attr-defined]
    return dict(command.make_context("run", words).params)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_a_task_of_the_slurm_array_works_on_its_shard(tmp_path: Path) -> None:
    program = tmp_path / "holter2sleep"
    program.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" > {tmp_path / "words"}\n', encoding="utf-8")
    program.chmod(0o755)
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "20", "SLURM_CPUS_PER_TASK": "4"}
    environment = {**os.environ, **slurm, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", FOLDER / "slurm_array.sh", "m.csv", "my results"], env=environment, check=True)
    first, *words = (tmp_path / "words").read_text(encoding="utf-8").splitlines()
    found = understood(words)
    assert (first, found["manifest"], found["out"]) == ("batch", Path("m.csv"), Path("my results"))
    assert (found["shard"], found["jobs"]) == ((3, 20), 4)


def test_the_dask_example_hands_over_its_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cluster:
        scheduler_address = "tcp://10.0.0.1:8786"

        def __init__(self, **_options: object) -> None: ...

        def __enter__(self) -> Cluster:
            return self

        def __exit__(self, *_: object) -> None: ...

        def adapt(self, maximum_jobs: int) -> None: ...

    called: list[list[str]] = []
    jobqueue = types.ModuleType("dask_jobqueue")
    jobqueue.SLURMCluster = Cluster  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dask_jobqueue", jobqueue)
    monkeypatch.setattr(sys, "argv", ["slurm_dask.py", "m.csv", "results"])
    monkeypatch.setattr(subprocess, "call", lambda words: called.append(words) or 3)
    with pytest.raises(SystemExit) as end:
        exec(compile((FOLDER / "slurm_dask.py").read_text(encoding="utf-8"), "slurm_dask.py", "exec"), {})
    assert end.value.code == 3
    found = understood(called[0][2:])
    assert (found["scheduler"], found["with_cohort"]) == (Cluster.scheduler_address, True)


def test_examples_are_no_recipes() -> None:
    with pytest.raises(FileNotFoundError, match=r"there is: (\w+\.toml, )*\w+\.toml$"):
        asset("pipelines", "slurm_array.sh")
