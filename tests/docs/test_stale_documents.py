"""What the documents name exists; what does not is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.tools.repository import ROOT
from docs.tools.stale import complaints, documents

PAGE = ROOT / "docs" / "made.md"  # where a made page would lie; it is never written


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_everything_a_document_names_is_there(path: Path) -> None:
    assert list(complaints(path, path.read_text(encoding="utf-8"))) == []


def test_the_documents_are_those_of_the_whole_project() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in documents()}
    assert {"README.md", "CONTRIBUTING.md", "docs/index.md", "benchmarks/README.md", "sample_data/README.md"} <= names
    assert "holter2sleep/autonomic/weights/README.md" in names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```sh\nholter2sleep analyse night.edf\n```", "holter2sleep has no command 'analyse'"),
        ("```sh\n.venv/bin/holter2sleep analyze night.edf --colour red\n```", "--colour"),
        ("```sh\nholter2sleep batch manifest.csv --out x --sharp 1/2\n```", "--sharp"),
        ("```sh\nholter2sleep batch status results --colour\n```", "--colour"),
        ("```sh\nholter2sleep analyze a.csv --unit mA\n```", "'mA' is not one of"),
        ("```sh\nholter2sleep export n \\\n  --format docx\n```", "'docx' is not one of"),
        ("```sh\nmake cheque\n```", "make has no target 'cheque'"),
        ("```sh\npython -m benchmarks.holder DATA\n```", "benchmarks.holder: no such module"),
        ("```sh\npython -m benchmarks.holter DATA --rapidly\n```", "--rapidly: no such option"),
        ("see `holter2sleep modles list`", "no command 'modles'"),
        ("give `--beets FILE`", "no command has --beets"),
        ("in `holter2sleep/io/eddf.py`", "no file holter2sleep/io/eddf.py"),
        ("in `io/eddf.py`", "no file io/eddf.py"),
        ("in `hypnodensities.parquet`", "no file hypnodensities.parquet"),
        ("the column `rmsd__rem`", "no column rmsd__rem"),
        ("the column `rmssd__remm`", "no column rmssd__remm"),
        ("the phenotype `heart_rate_midmost`", "nothing is called heart_rate_midmost"),
        ("the choice `rhythm.paws_s`", "nothing is called rhythm.paws_s"),
        ("hash `" + "0" * 64 + "`", "no file of the project has the SHA-256"),
        ("[here](nowhere.md)", "link to nowhere.md: no such file"),
        ("[here](../README.md#nowhere)", "link to ../README.md#nowhere: no such heading"),
        ("# A heading\n[here](#another)", "no such heading"),
    ],
)
def test_what_is_not_there_is_told(text: str, found: str) -> None:
    told = list(complaints(PAGE, text))
    assert len(told) == 1
    assert found in told[0]


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nholter2sleep batch manifest.csv --out x | head -3  # the first\n```",
        "```sh\nholter2sleep --help\nholter2sleep -v cohort results --exclude cohort\n```",
        "`holter2sleep review NIGHT_DIR --who NAME` and `--language de`",
        "`rmssd__rem`, `heart_rate_mean__hour_03`, `rhythm.pause_s`, `epochs.parquet`, `io/edf.py`, `EPOCH_SCHEMA`",
        "[a heading of a generated page](commands.md#holter2sleep-analyze), [away](https://example.org)",
        "In `made/by_this.toml`:\n\n```toml\nbrand_new_key = 1\n```\n\nand `brand_new_key`, `made/by_this.toml`",
    ],
)
def test_what_is_there_is_not_complained_of(text: str) -> None:
    assert list(complaints(PAGE, text)) == []
