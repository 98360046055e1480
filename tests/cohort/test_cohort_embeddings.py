"""Embeddings of a cohort: means over the stages of what the encoder sees, for the nights whose recording is found."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_runs import ok, run
from made_heads import write_encoder

from holter2sleep.cohort.embeddings import SCHEMA, embed_cohort, night_table, read_encoder
from holter2sleep.cohort.sources import find_runs
from holter2sleep.io import read_recording
from holter2sleep.night import STAGE_STRATA, Quality
from holter2sleep.simulate.cohort import write_cohort
from holter2sleep.sleep.staging.embeddings import epoch_embeddings
from holter2sleep.spans import as_spans

PIPELINES = Path(__file__).parents[2] / "pipelines"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short nights, their recordings in a folder of their own."""
    made = tmp_path_factory.mktemp("cohort")
    write_cohort(made / "recordings", 3, 3, 0.2, 100.0, seed=5)
    for path in sorted((made / "recordings").glob("*.edf")):
        ok("analyze", path, "--hypnogram", path.with_suffix(".hypnogram.csv"), "--out", made / "out", "--no-report")
    write_encoder(made / "encoder.safetensors")
    return made


def test_each_stratum_holds_the_mean_of_its_epochs(cohort: Path) -> None:
    encoder = read_encoder(str(cohort / "encoder.safetensors"))
    folder = cohort / "out" / "p01_1"
    run_facts = json.loads((folder / "run.json").read_text())
    path = cohort / "recordings" / "p01_1.edf"
    table = night_table(folder, run_facts, encoder, path)
    epochs = pl.read_parquet(folder / "epochs.parquet")
    columns = (epochs[name].to_numpy() for name in ("quality_flags", "sqi", "usable"))
    quality = Quality(*columns, as_spans(run_facts["usable"]))
    z = epoch_embeddings(read_recording(path), quality, encoder.network, encoder.profile)
    known = np.isfinite(z).all(axis=1)
    for stratum, n, mean in table.select("stratum", "n_epochs", "embedding").iter_rows():
        letters = STAGE_STRATA[stratum][0] if stratum != "night" else set(epochs["stage"])
        mask = known & epochs["stage"].is_in(list(letters)).to_numpy()
        assert n == mask.sum()
        np.testing.assert_allclose(mean, z[mask].mean(axis=0), rtol=1e-5, atol=1e-6)
    assert {"night", "wake"} <= set(table["stratum"])


def test_the_command_finds_recordings_below_a_folder_and_leaves_no_parts(cohort: Path, tmp_path: Path) -> None:
    out = shutil.copytree(cohort / "out", tmp_path / "out")
    words = ("cohort", "embed", out, "--encoder", cohort / "encoder.safetensors", "--recordings", cohort)
    result = ok(*words)
    assert "3 nights with an embedding, 0 without" in result.output
    table = pl.read_parquet(out / "cohort" / "embeddings.parquet")
    assert table.schema == pl.Schema(SCHEMA)
    assert table["recording_id"].unique().sort().to_list() == ["p01_1", "p02_1", "p03_1"]
    assert not list((out / "cohort").glob(".embeddings*"))
    before = (out / "cohort" / "embeddings.parquet").read_bytes()
    ok(*words)
    assert (out / "cohort" / "embeddings.parquet").read_bytes() == before


def test_the_shipped_encoder_needs_no_installation(cohort: Path, tmp_path: Path) -> None:
    out = shutil.copytree(cohort / "out", tmp_path / "out")
    ok("cohort", "embed", out, "--encoder", "h2s-encoder-small", "--recordings", cohort)
    table = pl.read_parquet(out / "cohort" / "embeddings.parquet")
    assert table["encoder"].unique().to_list() == ["h2s-encoder-small"]
    assert table["embedding"].list.len().unique().to_list() == [512]


def test_a_stopped_run_goes_on_where_it_was(cohort: Path, tmp_path: Path) -> None:
    out = shutil.copytree(cohort / "out", tmp_path / "out")
    encoder = read_encoder(str(cohort / "encoder.safetensors"))
    seen: list[str] = []

    def stop_at_the_third(_: int):
        def told(name: str) -> None:
            seen.append(name)
            if len(seen) == 3:
                raise KeyboardInterrupt

        return told

    with pytest.raises(KeyboardInterrupt):
        embed_cohort(out, encoder, cohort / "recordings", stop_at_the_third)
    assert not (out / "cohort" / "embeddings.parquet").exists()
    (tmp_path / "moved").mkdir()
    shutil.copy(cohort / "recordings" / f"{seen[2]}.edf", tmp_path / "moved")  # only the last is still at hand
    found = embed_cohort(out, encoder, tmp_path / "moved", lambda _: lambda _: None)
    assert (found.n_nights, found.without) == (3, {})


def test_a_recording_that_is_not_found_or_another_one_is_told(cohort: Path, tmp_path: Path) -> None:
    out = shutil.copytree(cohort / "out", tmp_path / "out")
    (tmp_path / "other").mkdir()
    shutil.copy(cohort / "recordings" / "p02_1.edf", tmp_path / "other" / "p01_1.edf")
    result = ok("cohort", "embed", out, "--encoder", cohort / "encoder.safetensors", "--recordings", tmp_path / "other")
    assert "0 nights with an embedding, 3 without" in result.output
    assert "not the recording that" in result.output
    assert "give --recordings FOLDER" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--encoder", "nothing.ckpt"), "no such file; encoders to install: clef-small"),
        (("--encoder", "clef-small"), "models install clef-small"),
        (("--encoder", "ENCODER", "--recordings", "nowhere"), "no such folder"),
    ],
)
def test_wishes_that_cannot_be_met_say_what_would_work(cohort: Path, words: tuple[str, ...], said: str) -> None:
    asked = [str(cohort / "encoder.safetensors") if word == "ENCODER" else word for word in words]
    result = run("cohort", "embed", cohort / "out", *asked)
    assert result.exit_code in (2, 6)
    assert said in " ".join(str(result.exception or result.output).split()) + " ".join(result.output.split())


def test_late_fusion_finds_an_outcome_that_lies_in_the_embedding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    ill = rng.integers(0, 2, 60)
    names = [f"n{i}" for i in range(120)]
    who = np.arange(120) % 60
    z = rng.normal(size=(120, 20))
    z[:, 0] += 4.0 * ill[who]
    (tmp_path / "cohort").mkdir()
    nights = {
        "recording_id": names,
        "subject": [f"s{i}" for i in who],
        "age": rng.normal(60, 9, 120),
        "sex": ["M"] * 120,
    }
    pl.DataFrame({**nights, "ill": ill[who]}).write_parquet(tmp_path / "cohort" / "nights.parquet")
    rows = [(name, "sleep", 100, row.tolist(), "drawn", "0") for name, row in zip(names, z, strict=True)]
    pl.DataFrame(rows, schema=SCHEMA, orient="row").write_parquet(tmp_path / "cohort" / "embeddings.parquet")
    monkeypatch.setattr(sys, "argv", ["late_fusion.py", str(tmp_path), "--outcome", "ill"])
    runpy.run_path(str(PIPELINES / "examples" / "late_fusion.py"), run_name="__main__")
    printed = [line.split(" AUC ") for line in capsys.readouterr().out.splitlines() if " AUC " in line]
    auc = {name.strip(): float(figures.split()[0]) for name, figures in printed}
    assert auc["embedding"] > 0.85
    assert auc["age, sex"] < 0.75


def test_beats_alone_have_no_embedding(cohort: Path) -> None:
    (folder, facts), *_ = find_runs(cohort / "out").items()
    encoder = read_encoder(str(cohort / "encoder.safetensors"))
    with pytest.raises(Exception, match="beats only"):
        night_table(folder, {**facts, "channel": None}, encoder, None)
