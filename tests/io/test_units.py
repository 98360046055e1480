"""A unit becomes a factor to mV by the file, by the user or by a rule that is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holter2sleep.errors import UsageError
from holter2sleep.io.lead import survey
from holter2sleep.io.units import UNITS, Size, unit_of_factor, unit_scale
from holter2sleep.waveform import Waveform


@pytest.mark.parametrize(
    ("written", "to_mv"),
    [
        *(("nV", 1e-6), ("uV", 1e-3), ("µV", 1e-3), ("μV", 1e-3), ("mV", 1.0), ("V", 1e3)),
        *(("UV", 1e-3), ("MV", 1.0), ("mv", 1.0), (" mV ", 1.0), ("mV.", 1.0), ("m.V", 1.0), ("u V", 1e-3)),
        *(("[mV]", 1.0), ("(uV)", 1e-3), ("microV", 1e-3), ("microvolts", 1e-3), ("Millivolt", 1.0), ("Volt", 1e3)),
        *(("nanovolt", 1e-6), ("milliV", 1.0)),
        ("µV".encode().decode("latin-1"), 1e-3),  # UTF-8 bytes of the micro sign read as latin-1
        ("μV".encode().decode("latin-1"), 1e-3),  # of the Greek letter
    ],
)
def test_every_writing_of_a_voltage_is_known(written: str, to_mv: float) -> None:
    scale = unit_scale(written, 5.0)
    assert (scale.to_mv, scale.decided_by, scale.warning) == (to_mv, "header", None)
    assert scale.unit == written


@pytest.mark.parametrize(
    ("written", "largest", "to_mv"),
    [("?V", 3276.8, 1e-3), (".V", 5000.0, 1e-3), ("\ufffdV", 800.0, 1e-3), ("æV", 800.0, 1e-3), (".V", 0.01, 1e3)],
)
def test_a_lost_sign_before_the_v_is_the_micro_unless_the_range_is_of_volts(
    written: str, largest: float, to_mv: float
) -> None:
    scale = unit_scale(written, largest)
    assert scale.to_mv == to_mv
    assert scale.warning is not None


@pytest.mark.parametrize(
    ("written", "largest", "to_mv"),
    [
        ("", 0.0033, 1e3),
        ("", 3.3, 1.0),
        ("", 3200.0, 1e-3),
        ("bpm", 5.0, 1.0),
        ("%", 9000.0, 1e-3),
        ("NU", 1.0, 1.0),
        ("adu", 5.0, 1.0),
    ],
)
def test_a_blank_or_unknown_unit_is_decided_by_the_range(written: str, largest: float, to_mv: float) -> None:
    scale = unit_scale(written, largest)
    assert (scale.to_mv, scale.decided_by) == (to_mv, "range")
    assert "assumed from the range" in str(scale.warning)


@pytest.mark.parametrize(
    ("written", "largest"),
    [("counts", 4095.0), ("ADU", 2047.0), ("raw", 0.0), ("LSB", 9000.0), ("", 32767.0), ("", 2048.0), ("a.u.", 0.0)],
)
def test_counts_are_taken_as_microvolts_and_their_amplitudes_called_relative(written: str, largest: float) -> None:
    scale = unit_scale(written, largest)
    assert (scale.to_mv, scale.decided_by) == (1e-3, "none")
    assert "relative" in str(scale.warning)


@pytest.mark.parametrize(
    ("written", "size", "to_mv"),
    [
        ("", Size(9000.0, 1.2), 1.0),  # a glitch in mV
        ("", Size(310.0, 0.002), 1e3),  # a drift in V
        ("", Size(480.0, 240.0), 1e-3),  # a small ECG in uV
        ("", Size(5.0, 0.0), 1.0),  # nothing usual: the largest tells
        ("a.u.", Size(9000.0, 1.2), 1.0),
    ],
)
def test_where_the_samples_were_looked_at_their_usual_size_decides(written: str, size: Size, to_mv: float) -> None:
    scale = unit_scale(written, size)
    assert (scale.to_mv, scale.decided_by) == (to_mv, "range")
    if size.usual:
        assert f"99.9 % within +-{size.usual:g}" in str(scale.warning)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("n", [10_000, 400_000, 3_000_000])
def test_neither_a_glitch_nor_an_offset_nor_a_drift_changes_the_usual_size(factor: float, n: int) -> None:
    clean = np.random.default_rng(3).normal(0, 0.5 * factor, n).astype(np.float32)
    odd = clean + np.float32(200 * factor) + np.linspace(0, n / 1000 * factor, n, dtype=np.float32)
    odd[n // 2] = 3e4 * factor
    odd[n // 3 : n // 3 + 10] = np.nan
    usual = [survey(Waveform.of(values), 250.0).size.usual for values in (clean, odd)]
    assert usual[0] == pytest.approx(1.65 * factor, rel=0.25)
    assert usual[1] == pytest.approx(usual[0], rel=0.2)
    largest = survey(Waveform.of(odd), 250.0).size.largest
    assert largest == pytest.approx(3e4 * factor)


def test_a_lead_without_a_sample_has_no_size() -> None:
    found = survey(Waveform.of(np.full(5000, np.nan, np.float32)), 250.0)
    assert found.size == Size(0.0, 0.0)
    assert found.gaps.tolist() == [[0.0, 20.0]]


def test_nothing_known_at_all_is_told() -> None:
    assert unit_scale("", 0.0).decided_by == "none"
    assert unit_scale("", float("nan")).warning


def test_a_unit_per_bit_is_told() -> None:
    scale = unit_scale("uV/bit", 3000.0)
    assert scale.to_mv == 1e-3
    assert "'uV/bit' read as uv" in str(scale.warning)


@pytest.mark.parametrize("unit", UNITS)
def test_the_user_decides_whatever_the_file_says(unit: str) -> None:
    for written in ("mV", "", "counts", "V"):
        scale = unit_scale(written, 32767.0, forced=unit)
        assert (scale.to_mv, scale.decided_by, scale.unit) == (UNITS[unit], "option", written)
    assert unit_of_factor(scale.to_mv) == unit
    assert unit_scale("mV", 5.0, forced="mV").warning is None
    assert unit_scale("mV", 5.0, forced="UV").warning == "unit UV as given, in place of 'mV' in the file"


def test_a_unit_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="--unit 'kg': expected one of V, mV, uV, nV"):
        unit_scale("mV", 5.0, forced="kg")


@given(st.text(max_size=12), st.floats())
def test_no_text_and_no_range_breaks_the_rule(written: str, largest: float) -> None:
    scale = unit_scale(written, largest)
    assert scale.to_mv in UNITS.values()
    assert scale.decided_by == "header" or scale.warning
