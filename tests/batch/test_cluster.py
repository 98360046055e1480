"""Nights on a cluster: with a client that has the two methods of Dask's, and with Dask itself where it is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from batch_work import do
from command_runs import run
from made_cohorts import FAST, write_cohort

from holter2sleep.batch.cluster import run_here, run_on_cluster
from holter2sleep.batch.ledger import read_ledger
from holter2sleep.batch.limits import Limits
from holter2sleep.batch.worker import Lost

ROOT = Path(__file__).parents[2]
LONG = Limits(time_s=120.0)


class Threads:
    """Two threads of this process in place of a cluster."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)
        self.cancelled = 0

    def submit(self, function: Callable[..., Any], *args: Any, pure: bool) -> Future[Any]:
        assert not pure  # a night that is tried again is no old result
        return self._pool.submit(function, *args)

    def cancel(self, futures: list[Future[Any]]) -> None:
        self.cancelled = sum(future.cancel() for future in futures)


def test_each_task_is_answered_once_and_lost_ones_are_told() -> None:
    answers = dict(run_on_cluster(["a", "die", "b", "exit"], do, Threads(), LONG))
    assert {task for task, answer in answers.items() if isinstance(answer, Lost)} == {"die", "exit"}
    assert answers["a"].startswith("a by")


def test_a_task_that_the_cluster_loses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_args: object) -> None:
        raise ConnectionError("the node is gone")

    monkeypatch.setattr("holter2sleep.batch.cluster.run_here", lost)
    assert dict(run_on_cluster(["a"], do, Threads(), LONG)) == {"a": Lost("ConnectionError", "the node is gone")}


def test_closing_calls_off_what_waits() -> None:
    client = Threads()
    answers = run_on_cluster([f"a{i}" for i in range(50)], do, client, LONG)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert client.cancelled > 0


def test_limits_hold_on_the_cluster() -> None:
    found = run_here(do, "hang", Limits(time_s=0.5))
    assert isinstance(found, Lost)
    assert found.error == "LimitExceeded"


def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    manifest = write_cohort(tmp_path / "data", 1)
    result = run("batch", manifest, "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1", *FAST)
    assert result.exit_code == 2
    assert "holter2sleep[cluster]" in result.output


@pytest.mark.slow
def test_dask_itself_fills_the_folder(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    manifest = write_cohort(tmp_path / "data", 3)
    code = f"""
from distributed import LocalCluster
import sys
from click.testing import CliRunner
from holter2sleep.cli import main
if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        words = ["batch", {str(manifest)!r}, "--out", {str(tmp_path / "out")!r}, *{FAST!r}]
        result = CliRunner().invoke(main, [*words, "--scheduler", cluster.scheduler_address])
    print(result.output)
    sys.exit(result.exit_code)
"""
    (tmp_path / "cluster.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "cluster.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {record.status for record in read_ledger(tmp_path / "out").values()} == {"done"}
    assert {path.name for path in (tmp_path / "out").glob("n*")} == {"n0", "n1", "n2"}
