"""AASM sleep measures: worked nights, properties, real hypnograms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.night import EpochGrid, Hypnogram, Lights
from holter2sleep.sleep.architecture import SleepRules, sleep_measures

RULES = SleepRules(max_unscored_share=0.2)
LENIENT = SleepRules(max_unscored_share=1.0)


def hypnogram(text: str, scheme: str = "AASM5") -> Hypnogram:
    """One word an epoch; `W*4` repeats."""
    words = [part.partition("*") for part in text.split()]
    stages = [stage for stage, _, count in words for _ in range(int(count or 1))]
    return Hypnogram(EpochGrid.covering(30.0 * len(stages)), np.array(stages), scheme, "by hand")


def measures(text: str, scheme: str = "AASM5", rules: SleepRules = RULES, lights: Lights | None = None) -> dict:
    night = hypnogram(text, scheme)
    return sleep_measures(night, lights or Lights(0.0, night.grid.duration_s, "recording"), rules)


def test_a_worked_night() -> None:
    # 20 min: W 4, N1 2, N2 10, N3 6, W 2, N2 4, R 6, N1 2, W 4 epochs of half a minute
    found = measures("W*4 N1*2 N2*10 N3*6 W*2 N2*4 R*6 N1*2 W*4")
    assert found == pytest.approx(
        {
            "tib": 20.0,
            "unscored_min": 0.0,
            "tst": 15.0,
            "se": 75.0,
            "wake_min": 5.0,
            "n1_min": 2.0,
            "n1_pct": 100 * 2 / 15,
            "n2_min": 7.0,
            "n2_pct": 100 * 7 / 15,
            "n3_min": 3.0,
            "n3_pct": 20.0,
            "light_min": 9.0,
            "light_pct": 60.0,
            "nrem_min": 12.0,
            "nrem_pct": 80.0,
            "rem_min": 3.0,
            "rem_pct": 20.0,
            "spt": 16.0,
            "sol": 2.0,
            "waso": 3.0,
            "rem_latency": 12.0,
            "sleep_midpoint_h": (2 + 18) / 2 / 60,
            "n_awakenings": 1.0,
            "awakening_index": 4.0,
            "stage_shifts_per_h": 6 / 0.25,
            "sleep_fragmentation_index": 2 / 0.25,  # to W once, to N1 once
            "rem_fragmentation_index": 1 / 0.05,  # once out of 3 min of R
        }
    )


def test_lights_off_and_on_cut_the_night_by_the_middle_of_the_epoch() -> None:
    # off at 75 s: the epoch 60-90 s has its middle there and is in bed; on at 284 s: 270-300 s, middle 285 s, is not
    found = measures("N2*2 W N2*6 N2", lights=Lights(75.0, 284.0, "option"))
    assert found["tib"] == pytest.approx(209 / 60)
    assert found["tst"] == 3.0
    assert found["sol"] == pytest.approx(15 / 60)
    assert found["waso"] == 0.0


def test_an_epoch_whose_middle_is_lights_off_is_in_bed_and_one_whose_middle_is_lights_on_is_not() -> None:
    assert measures("N2*3", lights=Lights(15.0, 75.0, "option"))["tst"] == 1.0


def test_wake_after_the_final_awakening_is_waso_but_no_awakening() -> None:
    found = measures("N2*4 W*4")
    assert (found["waso"], found["n_awakenings"], found["spt"]) == (2.0, 0.0, 2.0)


def test_asleep_at_lights_off_is_a_latency_of_zero_even_in_mid_epoch() -> None:
    found = measures("N2*8", lights=Lights(10.0, 240.0, "option"))
    assert (found["sol"], found["se"]) == (0.0, 100.0)


def test_rem_at_sleep_onset_has_no_latency() -> None:
    found = measures("W*2 R*4 N2*4")
    assert (found["rem_latency"], found["sol"]) == (0.0, 1.0)


def test_a_night_without_rem_has_no_rem_latency_but_zero_minutes() -> None:
    found = measures("W*2 N2*8")
    assert (found["rem_latency"], found["rem_min"], found["rem_pct"]) == (None, 0.0, 0.0)


def test_a_night_awake_has_no_onset_and_no_rates() -> None:
    found = measures("W*10")
    assert (found["tst"], found["se"], found["spt"], found["n_awakenings"]) == (0.0, 0.0, 0.0, 0.0)
    undefined = ("sol", "waso", "rem_latency", "sleep_midpoint_h", "awakening_index", "n2_pct", "stage_shifts_per_h")
    assert all(found[name] is None for name in undefined)


def test_a_night_without_any_stage_leaves_time_in_bed_only() -> None:
    found = measures("U*10")
    assert (found.pop("tib"), found.pop("unscored_min")) == (5.0, 5.0)
    assert set(found.values()) == {None}


def test_more_unscored_time_than_allowed_withholds_the_measures() -> None:
    assert measures("N2*8 U*2")["tst"] == 4.0  # 20 %
    assert measures("N2*7 U*3")["tst"] is None
    assert measures("N2*7 U*3", rules=LENIENT)["tst"] == 3.5


def test_unscored_epochs_are_neither_sleep_nor_wake_and_hide_no_shift() -> None:
    found = measures("W N2*4 U*2 W*2 U N2*2 U N2*2 W", rules=LENIENT)
    assert found["unscored_min"] == 2.0
    assert found["waso"] == 1.5
    assert found["n_awakenings"] == 1.0
    assert found["stage_shifts_per_h"] == pytest.approx(2 / (8 / 120))


def test_rem_is_left_as_often_as_another_stage_follows_it_and_never_at_the_end_of_sleep() -> None:
    found = measures("W N2*4 R*5 W R*4 N1 R*3 U R*2 N2*2 R*6 W", rules=LENIENT)
    assert found["rem_fragmentation_index"] == pytest.approx(3 / (20 / 120))
    assert measures("W N2*4 W")["rem_fragmentation_index"] is None


@pytest.mark.parametrize(
    ("scheme", "stages", "absent"),
    [
        ("CARDIO3", "W NREM*6 R*2 W", {"n1_min", "n2_pct", "n3_min", "light_min", "sleep_fragmentation_index"}),
        ("CARDIO4", "W L*4 N3*2 R*2 W", {"n1_min", "n2_pct", "sleep_fragmentation_index"}),
    ],
)
def test_what_the_scheme_cannot_say_is_absent(scheme: str, stages: str, absent: set[str]) -> None:
    found = measures(stages, scheme)
    assert not absent & set(found)
    assert (found["nrem_min"], found["rem_min"], found["tst"]) == (3.0, 1.0, 4.0)


def test_lights_on_before_lights_off_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at 10\.0 s and 20\.0 s"):
        sleep_measures(hypnogram("W*4"), Lights(20.0, 10.0, "option"), RULES)
    with pytest.raises(ValueError, match=r"at 20\.0 s and 20\.0 s"):
        sleep_measures(hypnogram("W*4"), Lights(20.0, 20.0, "option"), RULES)


stages_aasm = st.lists(st.sampled_from(["W", "N1", "N2", "N3", "R", "U"]), min_size=1, max_size=60)


@given(stages_aasm)
def test_the_parts_of_the_night_add_up(stages: list[str]) -> None:
    found = measures(" ".join(stages), rules=LENIENT)
    assert found["tst"] + found["wake_min"] + found["unscored_min"] == pytest.approx(found["tib"])
    assert found["nrem_min"] + found["rem_min"] == pytest.approx(found["tst"])
    assert found["light_min"] + found["n3_min"] == pytest.approx(found["nrem_min"])
    if found["tst"]:
        assert found["waso"] <= found["wake_min"] <= found["waso"] + found["sol"]
        assert found["tst"] <= found["spt"] <= found["tib"]
        assert found["nrem_pct"] + found["rem_pct"] == pytest.approx(100)


@given(stages_aasm, st.integers(0, 20))
def test_a_longer_wake_before_sleep_moves_onset_and_nothing_after_it(stages: list[str], n_more: int) -> None:
    before = measures(" ".join(stages), rules=LENIENT)
    after = measures(" ".join(["W"] * n_more + stages), rules=LENIENT)
    for name in ("tst", "waso", "spt", "rem_latency", "n_awakenings", "stage_shifts_per_h"):
        assert after[name] == before[name], name
    if before["tst"]:
        assert after["sol"] == pytest.approx(before["sol"] + 0.5 * n_more)


@pytest.mark.realdata
def test_minutes_of_the_ucddb_nights_are_half_the_lines_of_their_files(shared_data: Path) -> None:
    letters = {"0": "W", "1": "R", "2": "N1", "3": "N2", "4": "N3", "5": "N3"}
    totals: dict[str, float] = dict.fromkeys(("wake_min", "rem_min", "n1_min", "n2_min", "n3_min", "unscored_min"), 0.0)
    paths = sorted((shared_data / "ucddb_hypnograms").glob("*_stage.txt"))
    for path in paths:
        found = measures(" ".join(letters.get(code, "U") for code in path.read_text().split()))
        for name in totals:
            totals[name] += found[name]
    assert len(paths) == 25
    epochs = {"wake_min": 4707, "rem_min": 3016, "n1_min": 3403, "n2_min": 6985, "n3_min": 2663, "unscored_min": 15}
    assert totals == {name: n / 2 for name, n in epochs.items()}


# Sleep efficiency of the set's own table (SubjectDetails.xls), %
PUBLISHED_SE = {"002": 84, "005": 63, "007": 90, "010": 92, "014": 79, "020": 78, "024": 83, "028": 68}


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "published_pct"), PUBLISHED_SE.items())
def test_sleep_efficiency_is_near_the_published_one(shared_data: Path, name: str, published_pct: int) -> None:
    codes = (shared_data / "ucddb_hypnograms" / f"ucddb{name}_stage.txt").read_text().split()
    letters = {"0": "W", "1": "R", "2": "N1", "3": "N2", "4": "N3", "5": "N3"}
    found = measures(" ".join(letters.get(code, "U") for code in codes))
    assert found["se"] == pytest.approx(published_pct, abs=3)  # the table's lights-off and lights-on are not given
