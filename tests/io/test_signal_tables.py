"""Waveforms as text or Parquet: what a person would see in the table is what is read."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import read_made, read_or_refusal

from holter2sleep.errors import RecordingError
from holter2sleep.io import read_recording, signal_batches

FS_HZ = 250.0
N = 5000
ECG = np.round(np.random.default_rng(11).normal(0, 0.5, N), 4)
TIME_S = np.arange(N) / FS_HZ


def table(*columns: object, header: str = "", separator: str = ",", end: str = "\n") -> str:
    rows = [separator.join(str(value) for value in row) for row in zip(*columns, strict=True)]
    return end.join([*([header] if header else []), *rows]) + end


# --- how a table may be written --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (table(ECG), "night.txt"),
        (table(ECG), "night.csv"),
        (table(ECG, header="ECG [mV]"), "night.csv"),
        (table(ECG, header="ecg_mV"), "night.tsv"),
        (table([f"{v}".replace(".", ",") for v in ECG]), "night.csv"),
        (table([f"{v}".replace(".", ",") for v in ECG], range(N), header="EKG;marker", separator=";"), "night.csv"),
        (table(range(N), ECG, header="sample\tECG", separator="\t", end="\r\n"), "night.txt"),
        (table([f"  {v}" for v in ECG], ["97"] * N, header="ECG SpO2", separator="   "), "night.txt"),
        ("# a recorder's note\n# another\n" + table(ECG, header="ECG"), "night.csv"),
        ("\ufeff" + table(ECG, header="ECG (mV)"), "night.csv"),
        (table(ECG, header='"ECG"') + "\n\n", "night.csv"),
        (table(ECG, header="ECG").encode("utf-16"), "night.csv"),
    ],
)
def test_with_its_rate_a_table_is_a_waveform(tmp_path: Path, content: str | bytes, name: str) -> None:
    recording = read_made(tmp_path, content, name, fs=FS_HZ)
    assert recording.ecg is not None
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
    assert (recording.fs, recording.duration_s, recording.start) == (FS_HZ, 20.0, None)
    assert recording.given_beats is None


@pytest.mark.parametrize(
    ("header", "scale"), [("ECG [uV]", 1e-3), ("ecg_uV", 1e-3), ("ECG (V)", 1e3), ("ECG/mV", 1.0), ("ECG µV", 1e-3)]
)
def test_the_unit_comes_from_the_name_of_the_column(tmp_path: Path, header: str, scale: float) -> None:
    recording = read_made(tmp_path, table(ECG, header=header), "night.csv", fs=FS_HZ)
    assert recording.source.scale_to_mv == scale
    assert recording.channel in ("ECG", "ecg")
    np.testing.assert_allclose(recording.ecg, ECG * scale, rtol=1e-5, atol=1e-9)


def test_without_a_unit_the_size_of_the_values_decides_and_this_is_said(tmp_path: Path) -> None:
    recording = read_made(tmp_path, table(ECG * 1000, header="ECG"), "night.csv", fs=FS_HZ)
    assert recording.source.scale_to_mv == 1e-3
    assert "uV assumed" in " ".join(recording.warnings)
    told = read_made(tmp_path, table(ECG * 1000, header="ECG"), "night.csv", fs=FS_HZ, unit="nV")
    assert told.source.scale_to_mv == 1e-6


def test_a_glitch_does_not_change_the_unit_that_is_assumed(tmp_path: Path) -> None:
    values = ECG.copy()
    values[N // 2 : N // 2 + 4] = 32767.0
    recording = read_made(tmp_path, table(values, header="ECG"), "night.csv", fs=FS_HZ)
    assert recording.source.scale_to_mv == 1.0
    assert "mV assumed from the samples: 99.9 % within" in " ".join(recording.warnings)


def test_a_column_is_chosen_by_its_name_with_or_without_its_unit(tmp_path: Path) -> None:
    content = table(ECG, -ECG, header="lead A [mV],lead B [mV]")
    for wanted in ("lead B [mV]", "LEAD B"):
        recording = read_made(tmp_path, content, "night.csv", fs=FS_HZ, channel=wanted)
        assert (recording.channel, recording.ecg[7]) == ("lead B", pytest.approx(-ECG[7]))
    with pytest.raises(RecordingError, match=r"no channel 'lead C'.*'lead A'"):
        read_made(tmp_path, content, "night.csv", fs=FS_HZ, channel="lead C")


def test_physionet_rows_of_names_and_units_are_understood(tmp_path: Path) -> None:
    clock = [f"'{int(t // 60)}:{t % 60:06.3f}'" for t in TIME_S]
    content = table(clock, ECG, header="'Elapsed time','MLII'\n'hh:mm:ss.mmm','mV'")
    recording = read_made(tmp_path, content, "samples.csv")
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
    assert (recording.fs, recording.channel, recording.start) == (FS_HZ, "MLII", None)
    assert (recording.source.unit, recording.warnings) == ("mV", ())


# --- time columns ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [["start", *[""] * (N - 1)], ["start"] * 3 + [""] * (N - 3), ["W"] * N, ["False"] * N]
)
def test_a_column_of_words_takes_no_row_away_and_stays_out_of_the_choice(tmp_path: Path, words: list[str]) -> None:
    recording = read_made(tmp_path, table(TIME_S, ECG, words, header="time_s,ECG,event"), "night.csv")
    assert (len(recording.ecg), recording.fs, recording.channel) == (N, FS_HZ, "ECG")
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)


def test_beside_words_a_column_of_any_name_is_read_when_the_user_names_it(tmp_path: Path) -> None:
    content = table(["S01"] * N, ECG, header="subject,lead A")
    np.testing.assert_allclose(read_made(tmp_path, content, "a.csv", fs=FS_HZ, channel="lead A").ecg, ECG, atol=1e-6)


def test_a_line_of_numbers_is_no_line_of_units(tmp_path: Path) -> None:
    rows = table(TIME_S[1:], ECG[1:])
    content = f"time_s,ECG\n0.0,lead off\n{rows}"
    with pytest.raises(RecordingError, match=r"line 2: .8 characters of text. is no sample"):
        read_made(tmp_path, content, "night.csv")


@pytest.mark.parametrize("separator", [",", ";"])
def test_quoted_decimal_commas_are_numbers(tmp_path: Path, separator: str) -> None:
    quoted = [[f'"{v:.4f}"'.replace(".", ",") for v in values] for values in (TIME_S, ECG)]
    content = table(*quoted, header=f'"time"{separator}"ECG (mV)"', separator=separator)
    recording = read_made(tmp_path, content, "night.csv")
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
    assert (recording.fs, recording.source.unit) == (FS_HZ, "mV")


def test_commas_that_may_part_thousands_are_refused(tmp_path: Path) -> None:
    content = table([f'"{v:,}"' for v in range(1000, 3000)], header="ECG (uV)")
    with pytest.raises(RecordingError, match="thousands, or a decimal comma"):
        read_made(tmp_path, content, "night.csv", fs=FS_HZ)


@pytest.mark.parametrize(
    "page", ["Device: X\n", "Device: X\nfs: 250\n", "Device: X\nName, given, not\n\nSampling rate: 250 Hz\n\n"]
)
def test_lines_of_words_above_the_header_are_skipped(tmp_path: Path, page: str) -> None:
    content = page + table(TIME_S, ECG, header="Time,ECG [mV]")
    for fs in (None, FS_HZ):
        recording = read_made(tmp_path, content, "night.csv", fs=fs)
        np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
        assert (recording.fs, recording.channel, recording.source.unit) == (FS_HZ, "ECG", "mV")
    with pytest.raises(RecordingError, match=r"line \d+: .4 characters of text. is no time"):
        read_made(tmp_path, content.replace("\n0.04,", "\nsoon,", 1), "night.csv")


def test_a_table_that_names_an_ecg_but_has_no_rate_is_told_of_samples_and_fs(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"'ecg'.*samples of an ECG with their rate \(--fs\)"):
        read_made(tmp_path, table(range(N), ECG, [97] * N, header="nr,ECG,SpO2"), "night.csv")


def test_a_table_of_stages_is_no_table_of_samples(tmp_path: Path) -> None:
    (tmp_path / "night.csv").write_text(table(range(900), ["W"] * 900, header="epoch,stage"))
    with pytest.raises(RecordingError, match="no row of numbers"):
        signal_batches.open_signal_table(tmp_path / "night.csv")


def stamped(step: timedelta, text: str) -> list[str]:
    return [format(datetime(2024, 3, 1, 23, 59, 50) + i * step, text) for i in range(N)]


@pytest.mark.parametrize(
    ("header", "times"),
    [
        ("time_s,ECG", TIME_S),
        ("Time [s],ECG", TIME_S + 1000),
        ("time,ECG", np.arange(N) * 4),
        ("time_ms,ECG", np.arange(N) * 4),
        ("timestamp,ECG", np.arange(N) * 4 + 1_709_300_000_000),
        ("timestamp,ECG", [f"{1_709_300_000 + i / FS_HZ:.3f}" for i in range(N)]),
    ],
)
def test_a_time_column_gives_the_rate_in_its_unit(tmp_path: Path, header: str, times: object) -> None:
    recording = read_made(tmp_path, table(times, ECG, header=header), "night.csv")
    assert (recording.fs, recording.start) == (FS_HZ, None)
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
    assert len(recording.gaps) == 0


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("%Y-%m-%dT%H:%M:%S.%f", datetime(2024, 3, 1, 23, 59, 50)),
        ("%Y-%m-%d %H:%M:%S.%f+01:00", datetime(2024, 3, 1, 23, 59, 50)),
        ("%d.%m.%Y %H:%M:%S.%f", datetime(2024, 3, 1, 23, 59, 50)),
        ("%H:%M:%S.%f", datetime(1985, 1, 1, 23, 59, 50)),
    ],
)
def test_stamps_give_rate_and_start_across_midnight(tmp_path: Path, text: str, start: datetime) -> None:
    times = stamped(timedelta(milliseconds=4), text)
    recording = read_made(tmp_path, table(times, ECG, header="datetime;EKG", separator=";"), "night.csv")
    assert (recording.fs, recording.start, recording.duration_s) == (FS_HZ, start, 20.0)
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)


@pytest.mark.parametrize("fs", [128.0, 249.9, 256.0, 360.0, 512.0])
def test_a_rate_that_rounded_stamps_hide_is_found(tmp_path: Path, fs: float) -> None:
    times = [f"{i / fs:.3f}" for i in range(N)]
    recording = read_made(tmp_path, table(times, ECG, header="time_s,ECG"), "night.csv")
    assert recording.fs == pytest.approx(fs, rel=1e-4)
    assert len(recording.ecg) == N


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000), jitter=st.floats(0, 0.2), hole_at=st.integers(20, N - 20), lost=st.integers(1, 3000))
def test_a_hole_stays_a_hole_of_its_length_whatever_the_jitter(
    tmp_path: Path, seed: int, jitter: float, hole_at: int, lost: int
) -> None:
    place = np.r_[np.arange(hole_at), np.arange(hole_at, N) + lost]
    noise = np.random.default_rng(seed).uniform(-jitter, jitter, N)
    noise[[0, -1]] = 0
    content = table(np.round((place + noise) / FS_HZ, 6), ECG, header="time_s,ECG")
    recording = read_made(tmp_path, content, "night.csv")
    assert recording.fs == pytest.approx(FS_HZ, rel=1e-3)
    assert len(recording.ecg) == N + lost
    expected = np.full(N + lost, np.nan)
    expected[place] = ECG
    np.testing.assert_allclose(recording.ecg, expected, atol=1e-6)
    spans = [[hole_at / recording.fs, (hole_at + lost) / recording.fs]] if lost / recording.fs >= 1 else []
    np.testing.assert_allclose(recording.gaps, np.reshape(spans, (-1, 2)))


def test_missing_samples_are_nan_whatever_they_are_called(tmp_path: Path) -> None:
    values = [str(v) for v in ECG]
    values[100:400] = ["NaN"] * 300
    values[500], values[501], values[502] = "", "NA", "null"
    recording = read_made(tmp_path, table(TIME_S, values, header="time_s,ECG"), "night.csv")
    assert recording.gaps.tolist() == [[0.4, 1.6]]
    assert np.isnan(recording.ecg[500:503]).all()
    assert np.isfinite(recording.ecg[503:]).all()


def test_the_rate_of_the_user_goes_before_a_time_column_that_contradicts_it(tmp_path: Path) -> None:
    content = table(TIME_S, ECG, header="time_s,ECG")
    assert "says 250 Hz, --fs 500 Hz" in " ".join(read_made(tmp_path, content, "a.csv", fs=500.0).warnings)
    assert read_made(tmp_path, content, "a.csv", fs=500.0).duration_s == 10.0
    whole_seconds = table(np.floor(TIME_S), ECG, header="time_s,ECG")
    assert read_made(tmp_path, whole_seconds, "b.csv", fs=FS_HZ).duration_s == 20.0


def test_a_rate_that_stretches_the_times_by_more_than_a_second_is_told_with_both_totals(tmp_path: Path) -> None:
    content = table(np.arange(40_000) / FS_HZ, np.resize(ECG, 40_000), header="time_s,ECG [mV]")
    recording = read_made(tmp_path, content, "a.csv", fs=248.0)
    (note,) = recording.warnings
    assert "161.3 s at --fs 248 Hz, 160.0 s by the time column (250 Hz)" in note
    assert recording.duration_s == pytest.approx(161.29, abs=0.01)
    assert read_made(tmp_path, content, "a.csv", fs=249.0).warnings == ()  # 160.6 s
    assert read_made(tmp_path, content, "a.csv", fs=FS_HZ).warnings == ()


# --- beats stay beats ------------------------------------------------------------------------------

BEATS_S = np.arange(1, 400) * 0.8


@pytest.mark.parametrize(
    "content",
    [
        table(BEATS_S, ["N"] * 399, header="time_s,label"),
        table(BEATS_S, header="time_s"),
        table(BEATS_S, np.full(399, 0.9), header="time_s,ECG"),
        table(np.full(399, 0.8)),
        table(BEATS_S, np.full(399, 0.8)),
        table(BEATS_S, np.full(399, 800), header="time,RR"),
        table(BEATS_S, [1] * 399, header="seconds,Type"),
        table(BEATS_S, ["N"] * 399, np.full(399, 0.1), header="time_s,label,ECG"),
    ],
)
def test_a_table_of_beats_is_no_waveform(tmp_path: Path, content: str) -> None:
    recording = read_made(tmp_path, content, "night.csv")
    assert recording.ecg is None
    assert recording.given_beats is not None


# --- Parquet ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "time",
    [
        pl.Series("time_s", TIME_S),
        pl.Series("t", [timedelta(seconds=t) for t in TIME_S]),
        pl.Series("timestamp", [datetime(2024, 3, 1, 22) + timedelta(milliseconds=4 * i) for i in range(N)]),
        pl.Series(
            "datetime", [datetime(2024, 3, 1, 22) + timedelta(milliseconds=4 * i) for i in range(N)]
        ).dt.replace_time_zone("Europe/Berlin"),
    ],
)
def test_parquet_is_read_with_any_kind_of_time(tmp_path: Path, time: pl.Series) -> None:
    path = tmp_path / "night.parquet"
    pl.DataFrame([time, pl.Series("ECG_uV", ECG * 1000)]).write_parquet(path, row_group_size=700)
    recording = read_recording(path)
    np.testing.assert_allclose(recording.ecg, ECG, atol=1e-6)
    assert recording.fs == FS_HZ
    assert recording.start == (datetime(2024, 3, 1, 22) if time.name in ("timestamp", "datetime") else None)
    assert read_recording(path, fs=FS_HZ).duration_s == 20.0


def test_our_own_tables_of_beats_stay_beats(tmp_path: Path) -> None:
    path = tmp_path / "beats.parquet"
    pl.DataFrame({"time_s": BEATS_S, "label": ["N"] * 399, "amplitude_mv": [1.0] * 399}).write_parquet(path)
    assert read_recording(path).given_beats is not None


# --- batches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_chars", [7, 64, 1000, 1 << 23])
def test_the_size_of_a_batch_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_chars: int) -> None:
    place = np.r_[np.arange(300), np.arange(300, 600) + 400]
    stamps = [f"23:59:{59 + i / FS_HZ:.3f}" if i < 250 else f"00:00:{(i - 250) / FS_HZ:.3f}" for i in place]
    monkeypatch.setattr(signal_batches, "_BLOCK_CHARS", block_chars)
    recording = read_made(tmp_path, table(stamps, ECG[:600], header="time,ECG", end="\r\n"), "night.csv")
    assert (recording.fs, len(recording.ecg), recording.start) == (FS_HZ, 1000, datetime(1985, 1, 1, 23, 59, 59))
    np.testing.assert_allclose(np.asarray(recording.ecg)[place], ECG[:600], atol=1e-6)


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            table(TIME_S, ECG, header="time_s,ECG").replace(str(ECG[9]), "lead off", 1),
            "line 11: .8 characters of text. is no sample",
        ),
        (table(TIME_S, ECG, header="time_s,ECG").replace("\n0.04,", "\nsoon,", 1), "line 12: .4 characters of"),
        (table([*TIME_S[:99], *TIME_S[:-99]], ECG, header="time_s,ECG"), "line 101: the time falls by 0.392 s"),
        (table([*TIME_S[:-1], 1e8], ECG, header="time_s,ECG"), "times that span 1157 days"),
        (table(TIME_S, ECG, header="time_s,ECG") + "1,2,3\n", "the table is broken"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(RecordingError, match=says) as caught:
        read_made(tmp_path, content, "night.csv")
    assert str(caught.value).startswith("night.csv: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\0\1\2\3" * 100, "binary content"),
        (b"just words\nand more words\n", "no row of numbers"),
        (b"#only a comment\n", "no row of samples"),
        (table(ECG, -ECG, header="C3,EMG").encode(), "no ECG channel"),
        (table(TIME_S, header="time_s").encode(), "no ECG channel"),
        (b"ECG\n", "no row of numbers"),
        (b"PAR1" + bytes(100), "not a Parquet table"),
    ],
)
def test_with_a_rate_what_is_no_table_of_samples_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(RecordingError, match=says) as caught:
        read_made(tmp_path, content, "night.csv", fs=FS_HZ)
    assert "\n" not in str(caught.value)


def test_an_impossible_rate_is_refused(tmp_path: Path) -> None:
    for fs, says in ((1.0, "too low"), (1e6, "too high")):
        with pytest.raises(RecordingError, match=says):
            read_made(tmp_path, table(ECG), "night.csv", fs=fs)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["time", "ECG", "1", "0.8", "-1,5", "nan", "1e999", '"', "'", "x", "22:30:00", "2024-01-01", "#"]
        ),
        min_size=1,
        max_size=60,
    ),
    st.lists(st.sampled_from([",", ";", "\t", "\n", "\r\n", " ", "\r"]), min_size=60, max_size=60),
    st.sampled_from([None, 100.0]),
)
def test_tables_gone_wrong_never_raise_a_foreign_exception(
    tmp_path: Path, words: list[str], marks: list[str], fs: float | None
) -> None:
    content = "".join(word + mark for word, mark in zip(words, marks, strict=False))
    path = tmp_path / "night.csv"
    path.write_text(content, newline="")
    found = read_or_refusal(path, fs=fs)
    assert not isinstance(found, str) or found.startswith("night.csv: ")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["raw.csv", "raw_comma.csv", "raw_tab.csv"])
def test_published_raw_tables_hold_one_lead(shared_data: Path, name: str) -> None:
    recording = read_recording(shared_data / "hrv_reference" / "MarcusVollmer_HRV" / name, fs=256.0)
    assert recording.ecg is not None
    assert recording.ecg[0] == pytest.approx(-27.8388278 * recording.source.scale_to_mv)
    assert len(recording.gaps) == 0


@pytest.mark.realdata
def test_an_opensignals_file_is_read_with_its_rate_and_column(shared_data: Path) -> None:
    path = shared_data / "hrv_reference" / "pyhrv" / "SampleECG.txt"
    recording = read_recording(path, fs=1000.0, channel="column 6", unit="uV")
    assert recording.ecg is not None
    assert np.round(recording.ecg[:4] * 1000).tolist() == [496, 496, 497, 498]


def test_decimal_commas_between_commas_are_refused(tmp_path: Path) -> None:
    for content in ("ECG I,ECG II\n" + "-0,0616,-0,1233\n" * 500, "ecg\n" + "0,1233,70\n" * 500):
        with pytest.raises(RecordingError, match=r"fields below . titles.*commas are decimal"):
            read_made(tmp_path, content, "night.csv", fs=128.0)
