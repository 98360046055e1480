"""The ECG is found by label, and never confused with what only sounds like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from holter2sleep.errors import RecordingError
from holter2sleep.io.channels import Channel, choose_ecg, ecg_rank

FILE = Path("night.edf")


def channels(*labels: str, fs: float = 256.0) -> list[Channel]:
    return [Channel(label, fs) for label in labels]


@pytest.mark.parametrize(
    "label",
    ["ECG", "EKG", "ECG1", "ECG 2", "EKG #1", "ECGI", "ECG II", "ECG_IIHF", "ECG L-ECG R", "ECGL", "EKG1-EKG2",
     "ECG1-ECG2", "MLII", "I", "II", "ii", "V5", "ECG ECG1", "ECG, lead II of the monitor", "EKG-II", "aVF"],
)  # fmt: skip
def test_labels_of_the_cohorts_are_ecg(label: str) -> None:
    assert ecg_rank(label) is not None


@pytest.mark.parametrize(
    "label",
    ["HR", "DHR", "H.R.", "Pulse", "PLETH", "Pleth", "ECG_HR", "ECG quality", "EKG rate", "RR", "EMG Chin", "EEG C3-A2",
     "EOG(L)", "Chest", "THOR RES", "SpO2", "EDF Annotations", "Status", "FECG", "", "A1", "x", "Resp ECG"],
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
    ],
)
def test_preference_is_the_documented_one(labels: tuple[str, ...], chosen: str) -> None:
    assert choose_ecg(channels(*labels), None, FILE).name == chosen


def test_the_leads_not_taken_are_named() -> None:
    (warning,) = choose_ecg(channels("V5", "MLII"), None, FILE).warnings
    assert "took 'MLII'" in warning
    assert "'V5'" in warning
    assert choose_ecg(channels("ECG", "SpO2"), None, FILE).warnings == ()


def test_left_minus_right_whatever_their_order() -> None:
    choice = choose_ecg(channels("SpO2", "ECG R", "ECG L"), None, FILE)
    assert (choice.index, choice.minus, choice.name) == (2, 1, "ECG L - ECG R")


def test_electrodes_of_different_rates_are_not_subtracted() -> None:
    choice = choose_ecg([Channel("ECG L", 256), Channel("ECG R", 128)], None, FILE)
    assert (choice.name, choice.minus) == ("ECG L", None)


def test_a_faulty_lead_gives_way_to_a_sound_one() -> None:
    assert choose_ecg([Channel("ECG", 256, "flat"), Channel("V5", 256)], None, FILE).name == "V5"


def test_a_named_channel_is_taken_exactly_or_else_without_case() -> None:
    assert choose_ecg(channels("ecg", "ECG"), "ECG", FILE).index == 1
    assert choose_ecg(channels("EEG", "Wrist"), "wrist", FILE).index == 1
    assert choose_ecg(channels("MLII", "V5"), "V5", FILE).name == "V5"


def test_a_channel_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(
        RecordingError, match=r"night\.edf: no channel 'II'\. Channels: 'C3', 'SpO2'\. Choose one with --channel"
    ):
        choose_ecg(channels("C3", "SpO2"), "II", FILE)


def test_no_ecg_lists_the_channels_up_to_a_limit() -> None:
    with pytest.raises(
        RecordingError, match=r"no ECG channel found by label.*'A0'.* and 104 more\. Choose one with --channel"
    ):
        choose_ecg(channels(*(f"A{i}" for i in range(144))), None, FILE)
    with pytest.raises(RecordingError, match="holds no signal channel"):
        choose_ecg([], None, FILE)


def test_a_named_channel_that_cannot_be_used_says_why() -> None:
    with pytest.raises(RecordingError, match="channel 'ECG' cannot be used: flat"):
        choose_ecg([Channel("ECG", 256, "flat")], "ECG", FILE)
