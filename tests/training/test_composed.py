"""Stretches composed of rhythms and beat shapes: what is planted is there, and in the classes that are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from click.testing import CliRunner
from made_nights import detected, simulated
from scipy.io import savemat

from holter2sleep.cli import main
from holter2sleep.errors import RecordingError, UsageError
from holter2sleep.evaluate.ec57 import match_beats
from holter2sleep.night import Beats
from holter2sleep.simulate.files import write_night
from holter2sleep.spans import EMPTY, as_spans
from holter2sleep.training import composed, encoder_run, patients, views
from holter2sleep.training.composed import TIME_S, Donor, Rhythm

RNG = np.random.default_rng(0)
STEADY = Rhythm(Beats.at(np.arange(0.5, 900, 0.8)), EMPTY)


def waves(centre_s: float, width_s: float, height: float = 1.0) -> np.ndarray:
    return height * np.exp(-0.5 * ((TIME_S - centre_s) / width_s) ** 2)


def donor(width_s: float = 0.012) -> Donor:
    normal = waves(0, width_s) + waves(-0.16, 0.02, 0.15) + waves(0.3, 0.04, 0.3)
    wide = waves(0, 0.04, 1.5) - waves(0.25, 0.06, 0.5)
    rows = [np.repeat(row[None, None], 6, axis=0).astype(np.float32) for row in (normal, wide)]
    return Donor(*rows)


# --- rhythm ----------------------------------------------------------------------------------------


def test_a_stretch_is_of_plain_beats_and_begins_at_its_start() -> None:
    labels = np.full(len(STEADY.beats), "N")
    labels[300:] = "Q"
    stretch = composed.stretch_of([Rhythm(STEADY.beats.but(label=labels), EMPTY)], RNG)
    assert set(stretch.beats.label.tolist()) == {"N"}
    assert 0 <= stretch.beats.time_s[0] < stretch.beats.time_s[-1] < composed.STRETCH_S


def test_a_rhythm_without_a_plain_stretch_is_told() -> None:
    with pytest.raises(UsageError, match="no stretch"):
        composed.stretch_of([Rhythm(STEADY.beats.but(label=np.full(len(STEADY.beats), "Q")), EMPTY)], RNG)


def test_the_time_in_af_moves_with_the_beats() -> None:
    rhythm = Rhythm(STEADY.beats, as_spans([(0.0, 900.0)]))
    stretch = composed.stretch_of([rhythm], np.random.default_rng(3))
    np.testing.assert_allclose(stretch.af, [[0, composed.STRETCH_S]], atol=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_planted_beats_are_early_and_only_a_v_leaves_the_sinus_node_alone(seed: int) -> None:
    before = STEADY.beats.where(slice(0, 140))
    after = composed.with_ectopy(before, np.random.default_rng(seed))
    planted = after.label != "N"
    rr_s = np.diff(after.time_s, prepend=after.time_s[0] - 0.8)
    alone = planted & ~np.roll(planted, 1) & ~np.roll(planted, 2)
    assert (rr_s[alone] < 0.8).all()
    assert rr_s.min() >= composed.SHORTEST_RR_S - 1e-9
    if "S" in after.label:
        assert after.time_s[-1] < before.time_s[-1]
    else:
        np.testing.assert_array_equal(after.time_s[~planted], before.time_s[~planted])


# --- shapes ----------------------------------------------------------------------------------------


def test_shapes_are_cut_where_beats_stand_free() -> None:
    night = simulated("ectopy", hours=0.5, pvc_per_hour=120.0, bursts_per_hour=0.0)
    found = composed.donor_of([night.recording], night.beats)
    assert found is not None
    assert len(found.normal) == composed.MOST_SHAPES
    assert len(found.ventricular) >= composed.FEWEST_SHAPES
    likeness = [np.corrcoef(row[0], found.normal.mean(axis=(0, 1)))[0, 1] for row in found.normal]
    assert min(likeness) > 0.9
    assert composed.donor_of([night.recording], night.beats.where(slice(0, 3))) is None


def test_a_wider_beat_has_a_wider_qrs_and_p_and_t_follow_their_factors() -> None:
    rows = donor().normal[:, 0]
    same = composed.altered(rows, 1, 1, 1)
    np.testing.assert_allclose(same, rows, atol=1e-6)
    wide = composed.altered(rows, 1.5, 0, -1)
    above = [(row > 0.5).sum() for row in (rows[0], wide[0])]
    assert above[1] / above[0] == pytest.approx(1.5, abs=0.15)
    assert np.abs(wide[0][TIME_S < -0.14]).max() == 0
    assert wide[0][TIME_S > 0.2].min() == pytest.approx(-rows[0][TIME_S > 0.2].max(), rel=0.05)


# --- waveform --------------------------------------------------------------------------------------


def test_the_beats_of_a_stretch_are_found_where_they_were_put() -> None:
    made = next(composed.compose([STEADY], [donor()], 1, 1))
    found = detected(made.recording)
    pairs = match_beats(made.rhythm.beats.time_s, found.time_s, 0.15)
    assert len(pairs) > 0.97 * len(made.rhythm.beats)
    assert len(pairs) > 0.97 * len(found.time_s)


def test_beats_in_af_have_no_p_wave_and_the_line_trembles() -> None:
    flat = {kind: donor().normal[:, 0] for kind in "NSV"} | {"A": composed.altered(donor().normal[:, 0], 1, 0, 1)}
    beats = Beats.at(np.arange(0.5, 119, 1.0))
    p_wave = np.round((beats.time_s[1:] - 0.16) * composed.FS).astype(int)
    rest = np.round((beats.time_s[1:] - 0.4) * composed.FS).astype(int)
    plain, in_af = (
        composed.waveform(Rhythm(beats, as_spans(af)), flat, np.random.default_rng(2)) for af in ([], [(0, 120)])
    )
    assert np.median(plain[p_wave] - plain[rest]) == pytest.approx(0.15, abs=0.05)
    assert abs(np.median(in_af[p_wave] - in_af[rest])) < 0.05
    assert in_af[rest].std() > plain[rest].std()


def test_what_is_told_of_a_stretch_is_what_was_planted() -> None:
    labels = np.full(len(STEADY.beats), "N")
    labels[::4] = "V"
    rhythm = Rhythm(STEADY.beats.but(label=labels), EMPTY)
    at = patients.TARGETS.index("share_v")
    for patient in patients.composed_patients([rhythm], [donor()], 3, 0):
        assert np.nanmean(patient.targets[:, 0, at]) >= 0.2
        assert not patient.real


def test_the_same_seed_gives_the_same_samples() -> None:
    one, again = (next(composed.compose([STEADY], [donor()], 1, 7)) for _ in range(2))
    np.testing.assert_array_equal(np.asarray(one.recording.ecg), np.asarray(again.recording.ecg))


# --- files -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of beats with a V every tenth and AF in its second half."""
    folder = tmp_path_factory.mktemp("rhythm")
    n = 1000
    samples = np.arange(1, n + 1) * 200
    symbols, notes = ["V" if i % 10 == 0 else "N" for i in range(n)], [""] * n
    symbols[0], notes[0] = "+", "(N"
    symbols[500], notes[500] = "+", "(AFIB"
    wfdb.wrann("beats", "atr", samples, symbols, aux_note=notes, fs=250, write_dir=str(folder))
    return folder / "beats.atr"


def test_a_rhythm_is_read_with_its_classes_and_its_af(annotated: Path) -> None:
    rhythm = composed.read_rhythm(annotated)
    assert (rhythm.beats.label == "V").sum() == 98
    np.testing.assert_allclose(rhythm.af, [[501 * 0.8, 1000 * 0.8]])


@pytest.mark.parametrize("name", ["broken.atr", "broken.mat", "words.mat"])
def test_a_file_that_is_no_rhythm_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "words.mat":
        savemat(path, {"words": np.arange(3)})
    else:
        path.write_bytes(b"nothing of the kind")
    with pytest.raises(RecordingError, match=name):
        composed.read_rhythm(path)


@pytest.mark.realdata
def test_a_rhythm_of_afdb_has_its_af(shared_data: Path) -> None:
    rhythm = composed.read_rhythm(shared_data / "afdb_rr" / "afdb_1.mat")
    assert len(rhythm.beats) == 40233
    assert 0 < np.diff(rhythm.af).sum() < rhythm.beats.time_s[-1]


def command(out: Path, annotated: Path, nights: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    noise = {kind: RNG.normal(size=20_000).astype(np.float32) for kind in views.NOISES}
    monkeypatch.setattr(encoder_run, "read_noises", lambda _: noise)
    (nights / "split.csv").write_text("recording_id,subject,part\nn0,a,fit\n")
    small = ["--simulated", "0", "--composed", "3", "--epochs", "1", "--steps", "1", "--patients", "2"]
    given = ["--noise", str(nights), "--rhythms", str(annotated), "--split", str(nights / "split.csv")]
    done = CliRunner().invoke(main, ["train", "encoder", str(nights / "n0.edf"), *given, "--out", str(out), *small])
    return done.exit_code, done.output, done.stderr


def test_an_encoder_learns_from_composed_stretches_too(
    annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = simulated("ectopy", hours=0.5, pvc_per_hour=120.0, bursts_per_hour=0.0)
    write_night(tmp_path / "n0.edf", night, 0)
    wfdb.wrann(
        "n0",
        "atr",
        np.round(night.beats.time_s * 250).astype(int),
        night.beats.label.tolist(),
        fs=250,
        write_dir=str(tmp_path),
    )
    code, said, _ = command(tmp_path / "out", annotated, tmp_path, monkeypatch)
    assert code == 0, said
    assert "n_composed_fit = 3" in (tmp_path / "out" / "card.toml").read_text()


def test_recordings_without_a_v_beat_give_no_shapes_for_one(
    annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_night(tmp_path / "n0.edf", simulated("clean", hours=0.05), 0)
    code, said, _ = command(tmp_path / "out", annotated, tmp_path, monkeypatch)
    assert code == 2
    assert "shows V beats" in said
