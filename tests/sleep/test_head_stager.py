"""A head in a folder: what it needs is found or told, each branch may be missing, its stages are those it learned."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_heads import write_head
from made_nights import analysed
from staging_nights import asking_for, evidence_of, steady_beats

from holter2sleep.errors import UsageError, WeightsError
from holter2sleep.night import SCHEMES
from holter2sleep.provenance import models_sha256
from holter2sleep.sleep.staging import Evidence, get_stager, stage_sleep
from holter2sleep.sleep.staging.head import merging
from holter2sleep.sleep.staging.head_card import HEAD, head_sha256
from holter2sleep.sleep.staging.head_encoder import _Estimate
from holter2sleep.training.staging_nights import evidence_of as evidence_of_night

HOURS = 0.5


@pytest.fixture(scope="module")
def with_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_head(tmp_path_factory.mktemp("head"), with_encoder=True)


@pytest.fixture(scope="module")
def night() -> Evidence:
    """With a waveform."""
    return evidence_of_night(analysed("healthy", hours=HOURS, fs=100.0))


def test_the_stages_of_a_coarser_scheme_are_sums(tmp_path: Path) -> None:
    evidence = evidence_of(steady_beats(1800.0), 1800.0)
    fine, _ = get_stager(str(write_head(tmp_path / "fine"))).stage(evidence)
    coarse, _ = get_stager(str(write_head(tmp_path / "coarse", scheme="CARDIO3"))).stage(evidence)
    assert coarse.shape[1] == len(SCHEMES["CARDIO3"])
    np.testing.assert_allclose(coarse, np.column_stack([fine[:, 0], fine[:, 1:4].sum(axis=1), fine[:, 4]]), atol=1e-6)


def test_each_stage_counts_as_one_of_the_scheme() -> None:
    assert merging("CARDIO4").argmax(axis=1).tolist() == [0, 1, 1, 2, 3]
    assert all((merging(scheme).sum(axis=1) == 1).all() for scheme in SCHEMES)


def test_the_waveform_changes_the_answer_and_its_beats_alone_are_said_to_be_all(
    with_encoder: Path, night: Evidence
) -> None:
    stager = get_stager(str(with_encoder))
    both, notes = stager.stage(night)
    assert notes == ()
    beats = dataclasses.replace(night, recording=night.recording.but(ecg=None, given_beats=night.beats))
    alone, notes = stager.stage(beats)
    assert notes == ("stages: from the beats alone, for the recording holds no waveform for the encoder clef-small",)
    assert not np.isnan(alone[:-1]).any()
    assert np.nanmax(np.abs(both - alone)) > 0.01


def test_a_stretch_without_trusted_waveform_is_staged_from_its_neighbours_beats(
    with_encoder: Path, night: Evidence
) -> None:
    usable = night.quality.usable.copy()
    usable[20:30] = False
    quality = dataclasses.replace(night.quality, usable=usable)
    proba, _ = get_stager(str(with_encoder)).stage(dataclasses.replace(night, quality=quality))
    assert not np.isnan(proba[:-1]).any()


def test_the_head_says_its_figure_and_is_the_scorer(with_encoder: Path, night: Evidence) -> None:
    hypnogram, notes = stage_sleep(night, asking_for(str(with_encoder)))
    assert hypnogram.scorer == "head drawn"
    assert "no external validation; internal kappa 0.25 (nobody)" in notes[0]


def test_a_head_without_encoder_loads_no_torch(tmp_path: Path) -> None:
    folder = write_head(tmp_path)
    code = (
        f"import sys; from holter2sleep.sleep.staging import get_stager; get_stager({str(folder)!r});"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_changed_networks_or_another_card_are_seen(tmp_path: Path) -> None:
    known = {models_sha256(str(write_head(tmp_path / str(seed), seed=seed))) for seed in (0, 1)}
    assert len(known) == 2
    card = tmp_path / "0" / "card.toml"
    card.write_text(card.read_text().replace("0.25", "0.75"))
    assert models_sha256(str(tmp_path / "0")) not in known


def test_words_of_progress_come_when_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    clock = iter([0.0, 2.0, 10.0, 12.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    estimate = _Estimate(said.append)
    for done in (40, 200, 240):
        estimate(done, 800)
    assert said == ["waveform 25 % encoded, about 30 s left"]


# --- what cannot be used ---------------------------------------------------------------------------


def test_a_folder_without_a_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no head of `holter2sleep train head` \(card.toml: No such file"):
        get_stager(str(tmp_path))


def test_what_a_folder_lacks_is_named_before_a_recording_is_read(tmp_path: Path) -> None:
    (write_head(tmp_path) / HEAD).unlink()
    with pytest.raises(WeightsError, match=rf"\({HEAD}: No such file or directory\); give its --out folder"):
        head_sha256(tmp_path)


def test_a_path_that_is_no_folder_is_no_stager(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="or the folder of a head"):
        get_stager(str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("before", "after"),
    [("title =", "titel ="), ("scheme = ", "scheme = 3 + "), ("AASM5", "AASM7"), ("[weights]", "[gewichte]")],
)
def test_a_card_that_is_none_is_refused(tmp_path: Path, before: str, after: str) -> None:
    card = write_head(tmp_path) / "card.toml"
    card.write_text(card.read_text().replace(before, after))
    with pytest.raises(WeightsError, match=r"card\.toml: cannot be used as the card of a head"):
        get_stager(str(tmp_path))


def test_other_networks_than_the_cards_are_refused(tmp_path: Path) -> None:
    write_head(tmp_path)
    (tmp_path / "head.npz").write_bytes(b"PK")
    with pytest.raises(WeightsError, match="these are other weights than the validated ones"):
        get_stager(str(tmp_path))
    (tmp_path / "head.npz").unlink()
    with pytest.raises(WeightsError, match=r"its folder has no 'head\.npz'; take the folder as"):
        get_stager(str(tmp_path))


def test_a_missing_or_other_encoder_says_what_to_do(tmp_path: Path, night: Evidence) -> None:
    stager = get_stager(str(write_head(tmp_path, with_encoder=True)))
    encoder = tmp_path / "encoder.safetensors"
    encoder.write_bytes(encoder.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match=r"taught with was .*; copy the file of that hash to"):
        stager.stage(night)
    encoder.unlink()
    with pytest.raises(WeightsError, match="is not there; copy the file of that hash to"):
        stager.stage(night)


def test_a_registered_encoder_that_is_not_installed_says_how_to_get_it(tmp_path: Path, night: Evidence) -> None:
    card = write_head(tmp_path, with_encoder=True) / "card.toml"
    card.write_text(card.read_text().replace('file = "encoder.safetensors"', 'installable = "clef-small"'))
    with pytest.raises(WeightsError, match=r"needs the encoder clef-small: .*holter2sleep models install clef-small"):
        get_stager(str(tmp_path)).stage(night)
