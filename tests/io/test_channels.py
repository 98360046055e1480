"""The ECG is found by label, else by its signal, and never confused with what only sounds or looks like one."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import wfdb
from made_signals import FS, ecg, eeg, pulse, respiration
from test_ishne import ishne_bytes

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording
from holter2sleep.io.channels import Channel, Look, choose_ecg
from holter2sleep.io.electrodes import compare_channels
from holter2sleep.io.labels import ecg_rank
from holter2sleep.io.options import ReadOptions

FILE = Path("night.edf")


def channels(*labels: str, fs: float = 256.0) -> list[Channel]:
    return [Channel(label, fs) for label in labels]


@pytest.mark.parametrize(
    "label",
    ["ECG", "EKG", "ECG1", "ECG 2", "EKG #1", "ECGI", "ECG II", "ECG_IIHF", "ECG L-ECG R", "ECGL", "EKG1-EKG2",
     "ECG1-ECG2", "MLII", "I", "II", "ii", "V5", "ECG ECG1", "ECG, lead II of the monitor", "EKG-II", "aVF",
     "ECG_I", "ECG_II", "ECG #1", "ECG I2", "ECGI-0", "ECGII-1", "EKG_L-Cz", "EKG-R", "ECG1-EC", "ECG3",  # NSRR
     "POL ECG", "POL Ecg", "POL  ECG-", "EKG-Ref", "ECG II-REF", "EKG.", "ECG(II)", "ECG Lead II", "EKG1 - EKG2",
     "LA-RA", "ECG LA-RA", "ECG EKG2-EKG", "EKG2-EKG", "ECGLA-ECGRA", "ECGR-ECGL", "EKG L", "ECG+", "ECG LL",
     "CM5", "CC5", "NASA", "modV1", "mV5", "ES EASI", "ECG ES", "ECG Patch"],
)  # fmt: skip
def test_labels_of_the_cohorts_are_ecg(label: str) -> None:
    assert ecg_rank(label) is not None


@pytest.mark.parametrize(
    "label",
    ["HR", "DHR", "H.R.", "Pulse", "PLETH", "Pleth", "ECG_HR", "ECG quality", "EKG rate", "RR", "EMG Chin", "EEG C3-A2",
     "EOG(L)", "Chest", "THOR RES", "SpO2", "EDF Annotations", "Status", "FECG", "", "A1", "x", "Resp ECG", "Channel 1",
     "CH1", "C1", "C3-M2", "POL X1", "POL C3", "POL E", "X1-X2", "ECG pulse", "PPG", "Nasal", "Leg/L", "LA"],
)  # fmt: skip
def test_other_signals_are_not_ecg(label: str) -> None:
    assert ecg_rank(label) is None


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        (("V5", "MLII"), "MLII"),
        (("I", "II", "III"), "II"),
        (("ECG1", "ECG2"), "ECG1"),
        (("ECG 2", "ECG"), "ECG"),
        (("V1", "I"), "I"),
        (("EEG", "HR", "EKG", "Pleth"), "EKG"),
        (("ECG Wrist", "ECG L-ECG R"), "ECG L-ECG R"),
        (("ECG L", "ECG"), "ECG"),
        (("ECG_I", "ECG_II", "ECG_IIHF"), "ECG_II"),
        (("EEG C3-Ref", "EKG-Ref", "POL X1"), "EKG-Ref"),
        (("V1", "CM5", "NASA"), "CM5"),
    ],
)
def test_preference_is_the_documented_one(labels: tuple[str, ...], chosen: str) -> None:
    assert choose_ecg(channels(*labels), ReadOptions(), FILE).name == chosen


def test_the_leads_not_taken_are_named() -> None:
    (warning,) = choose_ecg(channels("V5", "MLII"), ReadOptions(), FILE).warnings
    assert "took 'MLII'" in warning
    assert "'V5'" in warning
    assert choose_ecg(channels("ECG", "SpO2"), ReadOptions(), FILE).warnings == ()


def test_left_minus_right_whatever_their_order() -> None:
    choice = choose_ecg(channels("SpO2", "ECG R", "ECG L"), ReadOptions(), FILE)
    assert (choice.index, choice.minus, choice.name) == (2, 1, "ECG L - ECG R")


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (("EKG RA", "EKG LA"), "EKG LA - EKG RA"),
        (("ECG+", "ECG-"), "ECG+ - ECG-"),
        (("POL  ECG-", "POL Ecg", "EEG C3-Ref"), "POL Ecg - POL  ECG-"),
        (("EKG_L-Cz", "EKG_R-Cz"), "EKG_L-Cz - EKG_R-Cz"),
    ],
)
def test_two_electrodes_by_name_are_subtracted_and_it_is_said(labels: tuple[str, ...], name: str) -> None:
    choice = choose_ecg(channels(*labels), ReadOptions(), FILE)
    assert (choice.name, choice.found_by) == (name, "label")
    assert choice.warnings == (f"two chest electrodes: their difference {name} is the lead",)


def test_electrodes_of_different_rates_are_not_subtracted() -> None:
    choice = choose_ecg([Channel("ECG L", 256), Channel("ECG R", 128)], ReadOptions(), FILE)
    assert (choice.name, choice.minus) == ("ECG L", None)


def test_a_faulty_lead_gives_way_to_a_sound_one() -> None:
    assert choose_ecg([Channel("ECG", 256, "flat"), Channel("V5", 256)], ReadOptions(), FILE).name == "V5"


def test_a_named_channel_is_taken_exactly_or_else_without_case() -> None:
    assert choose_ecg(channels("ecg", "ECG"), ReadOptions("ECG"), FILE).index == 1
    assert choose_ecg(channels("EEG", "Wrist"), ReadOptions("wrist"), FILE).index == 1
    assert choose_ecg(channels("MLII", "V5"), ReadOptions("V5"), FILE).name == "V5"


def test_a_channel_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(
        RecordingError, match=r"night\.edf: no channel 'II'\. Channels: 'C3', 'SpO2'\. Choose one with --channel"
    ):
        choose_ecg(channels("C3", "SpO2"), ReadOptions("II"), FILE)


def test_no_ecg_lists_the_channels_up_to_a_limit() -> None:
    with pytest.raises(
        RecordingError, match=r"no ECG channel found by label.*'A0'.* and 104 more\. Choose one with --channel"
    ):
        choose_ecg(channels(*(f"A{i}" for i in range(144))), ReadOptions(), FILE)
    with pytest.raises(RecordingError, match="holds no signal channel"):
        choose_ecg([], ReadOptions(), FILE)


def test_a_named_channel_that_cannot_be_used_says_why() -> None:
    with pytest.raises(RecordingError, match="channel 'ECG' cannot be used: flat"):
        choose_ecg([Channel("ECG", 256, "flat")], ReadOptions("ECG"), FILE)


# --- with a look at the signals --------------------------------------------------------------------


def looking_at(*signals: np.ndarray) -> Look:
    return lambda index: signals[index].astype(np.float32)


def test_without_a_label_the_signal_with_the_heart_is_taken_and_the_runner_up_named() -> None:
    choice = choose_ecg(
        channels("X1", "X2", "Chest", fs=FS), ReadOptions(), FILE, looking_at(eeg(1), ecg(2), respiration(3))
    )
    assert (choice.index, choice.found_by) == (1, "signal")
    assert choice.score is not None
    assert choice.score > 0.9
    assert "'X2' was taken by its signal" in choice.warnings[0]
    assert "next 'X1' 0.0" in choice.warnings[0]


def test_a_chest_channel_is_taken_when_it_holds_the_heart() -> None:
    assert choose_ecg(channels("C3", "Chest", fs=FS), ReadOptions(), FILE, looking_at(eeg(1), ecg(2))).name == "Chest"


def test_a_file_without_a_heart_is_refused_with_what_speaks_against_each_channel() -> None:
    signals = looking_at(eeg(1), pulse(2), ecg(3), respiration(4))
    with pytest.raises(RecordingError) as refused:
        choose_ecg(
            [Channel("C3", FS), Channel("X9", FS), Channel("Pleth", FS), Channel("Flow", 32.0, "too slow")],
            ReadOptions(),
            FILE,
            signals,
        )
    told = str(refused.value)
    assert "night.edf: no ECG channel found by label, and none by its signal" in told
    assert "'X9' (too smooth for QRS complexes)" in told
    assert "'Pleth' (no ECG by its label), 'Flow' (too slow)" in told
    assert "'C3' (" in told


def test_a_faulty_labelled_ecg_gives_way_to_the_signal() -> None:
    choice = choose_ecg(
        [Channel("ECG", FS, "flat range"), Channel("X1", FS)], ReadOptions(), FILE, looking_at(eeg(1), ecg(2))
    )
    assert choice.name == "X1"
    assert "'ECG': flat range" in choice.warnings[0]


def test_a_single_labelled_ecg_is_taken_without_a_look() -> None:
    def never(_index: int) -> np.ndarray:
        raise AssertionError("nobody asked to look")

    assert choose_ecg(channels("EEG", "ECG"), ReadOptions(), FILE, never).name == "ECG"


def test_a_lead_without_beats_gives_way_to_one_with_them() -> None:
    choice = choose_ecg(channels("MLII", "V5", fs=FS), ReadOptions(), FILE, looking_at(eeg(1), ecg(2)))
    assert choice.name == "V5"
    assert "'MLII' shows no beats in the middle of the recording" in choice.warnings
    both = choose_ecg(channels("MLII", "V5", fs=FS), ReadOptions(), FILE, looking_at(ecg(1), ecg(2)))
    assert both.name == "MLII"
    neither = choose_ecg(channels("MLII", "V5", fs=FS), ReadOptions(), FILE, looking_at(eeg(1), eeg(2)))
    assert neither.name == "MLII"


# --- two electrodes or two leads -------------------------------------------------------------------


def electrodes() -> tuple[np.ndarray, np.ndarray]:
    """A heart seen by two electrodes, each against one reference on the head."""
    heart, reference = ecg(5), 0.15 * eeg(6)
    rng = np.random.default_rng(7)
    return tuple(part * heart + reference + rng.normal(0, 0.005, len(heart)) for part in (0.6, -0.4))


@pytest.mark.parametrize("labels", [("ECG1", "ECG2"), ("EKG 1", "EKG 2"), ("ECG ECG1", "ECG ECG2")])
def test_numbered_electrodes_are_subtracted_on_evidence(labels: tuple[str, ...]) -> None:
    choice = choose_ecg(channels(*labels, fs=FS), ReadOptions(), FILE, looking_at(*electrodes()))
    assert (choice.index, choice.minus) == (0, 1)
    assert "two electrodes with one reference" in choice.warnings[0]
    assert "of what is not heart is in both alike" in choice.warnings[0]


def test_without_a_look_numbered_channels_stay_leads_and_the_other_is_named() -> None:
    choice = choose_ecg(channels("ECG1", "ECG2", fs=FS), ReadOptions(), FILE)
    assert (choice.name, choice.minus) == ("ECG1", None)
    assert "also there: 'ECG2'" in choice.warnings[0]


def test_numbered_leads_are_not_subtracted() -> None:
    heart, rng = ecg(5), np.random.default_rng(8)
    leads = [part * heart + rng.normal(0, 0.03, len(heart)) for part in (1.0, 0.7)]
    assert choose_ecg(channels("ECG1", "ECG2", fs=FS), ReadOptions(), FILE, looking_at(*leads)).minus is None
    opposite = [leads[0], -leads[1]]
    assert choose_ecg(channels("ECG1", "ECG2", fs=FS), ReadOptions(), FILE, looking_at(*opposite)).minus is None


def test_the_clearest_pair_of_three_is_taken() -> None:
    first, second = electrodes()
    third = first + np.random.default_rng(9).normal(0, 0.2, len(first))
    choice = choose_ecg(channels("ECG1", "ECG2", "ECG3", fs=FS), ReadOptions(), FILE, looking_at(first, third, second))
    assert choice.name == "ECG1 - ECG3"


@pytest.mark.parametrize("folder", ["mitdb", "svdb", "cpsc2021"])
def test_two_true_leads_of_real_recordings_are_never_subtracted(shared_data: Path, folder: str) -> None:
    records = sorted((shared_data / folder).glob("*.hea"))[:6]
    assert records
    for record in records:
        name = str(record.with_suffix(""))
        whole = wfdb.rdrecord(name, sampto=min(60000, wfdb.rdheader(name).sig_len))
        pair = compare_channels(*whole.p_signal.T[:2], whole.fs)
        assert not pair.is_electrodes, (record.name, pair)


# --- weak labels, other organs ---------------------------------------------------------------------


@pytest.mark.parametrize("label", ["ECG Lead Off", "ECG Noise", "EKG Temp", "ECG IBI", "EKG_Off"])
def test_what_an_ecg_recorder_notes_beside_the_lead_is_no_lead(label: str) -> None:
    assert ecg_rank(label) is None


def test_a_weak_label_without_beats_gives_way_to_a_signal_with_them() -> None:
    square = np.repeat([0.0, 1.0], len(ecg(1)) // 2)
    choice = choose_ecg(channels("ECG Wrist", "X1", fs=FS), ReadOptions(), FILE, looking_at(square, ecg(1)))
    assert (choice.name, choice.found_by) == ("X1", "signal")
    assert "'ECG Wrist' shows no beats" in choice.warnings[0]
    kept = choose_ecg(channels("ECG Wrist", "X1", fs=FS), ReadOptions(), FILE, looking_at(ecg(1), ecg(2)))
    assert kept.name == "ECG Wrist"


@pytest.mark.parametrize("label", ["EMG Chin", "Chin1-Chin2", "EOG-L", "E1-M2", "LOC", "C3-M2", "EEG Fpz-Cz", "LEG/L"])
def test_the_heart_in_muscles_eyes_and_brain_is_no_ecg(label: str) -> None:
    look = looking_at(ecg(1))
    with pytest.raises(RecordingError, match="no ECG by its label"):
        choose_ecg(channels(label, fs=FS), ReadOptions(), FILE, look)
    found = choose_ecg(channels(label, "X1", fs=FS), ReadOptions(), FILE, looking_at(ecg(1), ecg(2, noise=0.1)))
    assert found.name == "X1"


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (("ECG1-M2", "ECG2-M2"), "ECG1-M2 - ECG2-M2"),
        (("ECG-L-M1", "ECG-R-M1"), "ECG-L-M1 - ECG-R-M1"),
        (("ECG pos", "ECG neg"), "ECG pos - ECG neg"),
        (("L ECG", "R ECG"), "L ECG - R ECG"),
        (("ECG RA", "ECG LA", "ECG RL"), "ECG LA - ECG RA"),
    ],
)
def test_electrodes_in_other_spellings_are_subtracted(labels: tuple[str, ...], name: str) -> None:
    first, second = electrodes()
    signals = (second, first, second) if labels[0] == "ECG RA" else (first, second)
    assert choose_ecg(channels(*labels, fs=FS), ReadOptions(), FILE, looking_at(*signals)).name == name


def test_channels_called_electrodes_that_cancel_are_not_subtracted() -> None:
    lead = ecg(1)
    choice = choose_ecg(channels("ECG L", "ECG R", fs=FS), ReadOptions(), FILE, looking_at(lead, lead.copy()))
    assert (choice.minus, choice.name) == (None, "ECG L")
    assert "cancel one another" in choice.warnings[0]


# --- what the user or an archive's profile says ----------------------------------------------------


def test_a_lead_that_is_hardly_there_gives_way_to_one_that_is_and_it_is_said() -> None:
    leads = [Channel("II", 125.0, share=0.02), Channel("MCL1", 125.0, share=0.9)]
    choice = choose_ecg(leads, ReadOptions(), FILE)
    assert choice.name == "MCL1"
    assert "'II' (2.0%)" in choice.warnings[0]
    assert choose_ecg([Channel("II", 125.0, share=0.5), leads[1]], ReadOptions(), FILE).name == "II"
    assert choose_ecg(leads, ReadOptions(channel="II"), FILE).name == "II"


def test_the_labels_of_an_archive_go_before_our_ranking() -> None:
    options = ReadOptions(labels=("EKG2", "ECG V5", "ECG"))
    assert choose_ecg(channels("MLII", "ECG", "ECG V5"), options, FILE).name == "ECG V5"
    assert choose_ecg(channels("MLII", "V1"), options, FILE).name == "MLII"
    faulty = [Channel("ECG V5", 256, "flat"), Channel("ECG", 256), Channel("II", 256)]
    assert choose_ecg(faulty, options, FILE).name == "ECG"


def test_a_pair_of_an_archive_or_the_user_is_subtracted() -> None:
    choice = choose_ecg(channels("ECG", "ECG1", "ECG2"), ReadOptions(labels=("ECG1-ECG2", "ECG")), FILE)
    assert (choice.index, choice.minus, choice.name) == (1, 2, "ECG1 - ECG2")
    assert "as told" in choice.warnings[0]
    told = choose_ecg(channels("X-1", "X-2"), ReadOptions("X-1-X-2"), FILE)
    assert (told.index, told.minus, told.found_by) == (0, 1, "user")
    literal = choose_ecg(channels("ECG1", "ECG2", "ECG1-ECG2"), ReadOptions(labels=("ECG1-ECG2",)), FILE)
    assert (literal.index, literal.minus) == (2, None)


# --- two electrodes in different units -------------------------------------------------------------


def test_electrodes_in_different_units_are_subtracted_in_one(tmp_path: Path) -> None:
    left, right = np.round(1000 * ecg(1)) / 1000, np.round(300 * ecg(2)) / 1000
    wanted = left - right
    rows = "\n".join(f"{a:.3f},{1000 * b:.0f}" for a, b in zip(left, right, strict=True))
    (tmp_path / "t.csv").write_text(f"ECG L [mV],ECG R [uV]\n{rows}\n")
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for name, values, unit in (("ECG_L", left, "mV"), ("ECG_R", 1000 * right[:-5], "uV")):
            file[name] = values
            file[name].attrs.update({"fs": FS, "unit": unit})
    counts = np.column_stack([1000 * left, 1000 * right]).round().astype("<i2")
    (tmp_path / "t.dat").write_bytes(counts.tobytes())
    lines = ["t.dat 16 1000/mV 16 0 0 0 0 ECG L", "t.dat 16 1/uV 16 0 0 0 0 ECG R"]
    (tmp_path / "t.hea").write_text(f"t 2 {FS:g} {len(left)}\n" + "\n".join(lines) + "\n")
    for name, options in (("t.csv", {"fs": FS}), ("t.h5", {}), ("t.hea", {})):
        found = read_recording(tmp_path / name, **options)
        assert found.ecg is not None
        np.testing.assert_allclose(found.ecg[:], wanted[: len(found.ecg)], atol=2e-3, err_msg=name)


def test_a_difference_that_is_asked_for_is_computed_of_an_ishne_file_too(tmp_path: Path) -> None:
    lead = 1000 * ecg(1)
    counts = np.column_stack([lead, 0.25 * lead]).round().astype(int)
    content = ishne_bytes(counts, leads=(5, 7), resolution_nv=1000)
    (tmp_path / "t.ecg").write_bytes(content)
    found = read_recording(tmp_path / "t.ecg", channel="ECG I-ECG III")
    one = read_recording(tmp_path / "t.ecg", channel="ECG I")
    np.testing.assert_allclose(found.ecg, 0.75 * np.asarray(one.ecg), atol=2e-3)
