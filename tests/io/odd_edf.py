"""Odd EDF and BDF files with their truth, by the standard: Kemp 1992 (EDF), Kemp and Olivan 2003 (EDF+)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time

import numpy as np
from edf_bytes import ANNOTATION_BYTES, SAMPLE_BYTES, EdfFile, Signal
from odd_truth import Float, OddFile, Start, Truth, ecg_mv

START = datetime(2020, 3, 2, 22, 30)
N_RECORDS = 60
FULL = {"EDF": ("-32768", "32767"), "BDF": ("-8388608", "8388607")}
PLAIN_FIELDS: dict[str, str | bytes] = {"recording": "Startdate 02-MAR-2020 X X X"}


def number(text: str) -> float:
    """A decimal of a header field."""
    return float(text.strip("\0 ").replace(",", "."))


def lead(
    per_record: int = 256, record_s: float = 1.0, label: str = "ECG", unit: str = "mV", per_mv: float = 1.0,
    physical: tuple[str, str] = ("-5", "5"), digital_range: tuple[str, str] = FULL["EDF"], seed: int = 0,
    n_records: int = N_RECORDS,
) -> Signal:  # fmt: skip
    """An ECG as counts; `per_mv` is how many of the file's units make a millivolt."""
    low, high = (number(text) for text in physical)
    first, last = (int(text) for text in digital_range)
    gain = (high - low) / (last - first) or 1.0
    in_units = ecg_mv(n_records * per_record, per_record / record_s, seed) * per_mv
    counts = np.round((in_units - low) / gain + first).astype(np.int64)
    return Signal(label, counts, per_record, unit, physical, digital_range)


def in_mv(signal: Signal, per_mv: float = 1.0) -> tuple[Float, float]:
    """Samples of a signal by the formula of the standard, and the size of one count, mV."""
    low, high = (number(text) for text in signal.physical)
    first, last = (int(text) for text in signal.digital_range)
    gain = (high - low) / (last - first)
    return ((signal.digital - first) * gain + low) / per_mv, abs(gain) / per_mv


def slow(n_records: int = N_RECORDS, per_record: int = 1) -> Signal:
    """SpO2 at a sample a record."""
    return Signal("SpO2", np.full(n_records * per_record, 97), per_record, "%", ("0", "100"))


def notes(contents: Sequence[str], kind: str = "EDF", label: str | None = None) -> Signal:
    """An annotation signal that holds a text a record."""
    raw = b"".join(content.encode().ljust(ANNOTATION_BYTES, b"\0") for content in contents)
    if kind == "EDF":
        digital = np.frombuffer(raw, "<i2").astype(np.int64)
    else:
        triples = np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(np.int64)
        digital = triples @ np.array([1, 1 << 8, 1 << 16])
    per_record = ANNOTATION_BYTES // SAMPLE_BYTES[kind]
    return Signal(label or f"{kind} Annotations", digital, per_record, "", ("-1", "1"), FULL[kind])


def stamped(onsets: Sequence[str]) -> list[str]:
    """Time-keeping annotations; an empty onset gives none."""
    return [f"{onset}\x14\x14\0" if onset else "" for onset in onsets]


def texts(onset_s: Sequence[float], decimals: int = 6) -> list[str]:
    """Onsets as EDF+ writes them."""
    return [f"{onset:+.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{onset:+.0f}" for onset in onset_s]


def on_line(mv: Float, onset_s: Sequence[float], fs: float) -> tuple[Float, list[tuple[float, float]]]:
    """Samples of records laid where their onsets say, and the time between records that none covers."""
    per_record = len(mv) // len(onset_s)
    at = np.round((np.asarray(onset_s) - onset_s[0]) * fs).astype(int)
    line = np.full(at[-1] + per_record, np.nan)
    line[(at[:, None] + np.arange(per_record)).ravel()] = mv
    ends = at[:-1] + per_record
    return line, [(a / fs, b / fs) for a, b in zip(ends, at[1:], strict=True) if b > a]


def odd(
    name: str, *, told: bool | None = False, start: Start = START, refused: str = "", ecg: Signal | None = None,
    others: Sequence[Signal] | None = None, record_s: str = "1", kind: str = "EDF", reserved: str = "",
    onsets: Sequence[str] | None = None, true_s: Sequence[float] | None = None, per_mv: float = 1.0,
    fields: dict[str, str | bytes] | None = None, bend: Callable[[bytes], bytes] = bytes, n_whole: int | None = None,
    before: Sequence[Signal] = (), channels: tuple[str, ...] | None = None, file: str | None = None,
) -> OddFile:  # fmt: skip
    """A file around one ECG; `true_s` says where its records truly lie, `bend` changes the finished bytes."""
    ecg = ecg or lead(digital_range=FULL[kind])
    n_records = len(ecg.digital) // ecg.samples_per_record
    beside = [slow(n_records)] if others is None else list(others)
    stamps = [notes(stamped(onsets), kind)] if onsets is not None else []
    made = EdfFile(
        [*before, ecg, *beside, *stamps], n_records, record_s, kind, reserved, fields=PLAIN_FIELDS | (fields or {})
    )
    number_in_name = "".join(letter if letter.isalnum() else "_" for letter in name)
    file = file or f"{number_in_name}.{kind.lower()}"
    content = {file: bend(made.tobytes())}
    channels = channels or (ecg.label.strip(),)
    if refused:
        return OddFile(name, file, content, Truth(refused=refused), channels=channels)
    fs = ecg.samples_per_record / number(record_s)
    mv, count_mv = in_mv(ecg, per_mv)
    mv = mv[: (n_records if n_whole is None else n_whole) * ecg.samples_per_record]
    mv, gaps = on_line(mv, true_s, fs) if true_s is not None else (mv, [])
    truth = Truth(mv, fs, start, gaps, count_mv)
    return OddFile(name, file, content, truth, told, channels, mv_per_unit=1 / per_mv)


# --- time line -------------------------------------------------------------------------------------

STEADY_S = [float(i) for i in range(N_RECORDS)]


def after(record: int, gap_s: float, onset_s: Sequence[float] = STEADY_S) -> list[float]:
    """Onsets with a gap before a record."""
    return [onset + gap_s * (i >= record) for i, onset in enumerate(onset_s)]


def time_lines() -> list[OddFile]:
    """EDF+ and BDF+ whose stamps matter."""
    steady, gap = texts(STEADY_S), after(20, 100.0)
    gaps3 = after(50, 7.0, after(35, 30.5, after(10, 100.25)))
    jitter = [s + 0.004 * (-1) ** i * (i > 0) for i, s in enumerate(STEADY_S)]
    overlap, back = texts(after(20, -0.5)), texts(after(20, -3600.0, [s + 4000 for s in STEADY_S]))
    some = ["" if i in (7, 8, 30) else stamp for i, stamp in enumerate(steady)]
    texts2 = notes([f"+{i}.25\x14Lights off\x14\0" if i == 5 else "" for i in range(N_RECORDS)])
    fraction = [s + 0.73 for s in STEADY_S]
    with_fraction = START.replace(microsecond=730_000)
    first = notes(stamped(steady))
    long_s = [i * 9.59375 for i in range(10)]
    return [
        odd("EDF+C", reserved="EDF+C", onsets=steady),
        odd("EDF+D, one gap of 100 s", reserved="EDF+D", onsets=texts(gap), true_s=gap),
        odd("EDF+D without gap", reserved="EDF+D", onsets=steady),
        odd("EDF+D, three gaps", reserved="EDF+D", onsets=texts(gaps3), true_s=gaps3),
        odd("EDF+D, gap of a third of a sample", reserved="EDF+D", onsets=texts(after(20, 1 / 768))),
        odd("EDF+D, stamps rounded to ms", reserved="EDF+D", record_s="9.59375", onsets=texts(long_s, 3),
            ecg=lead(2456, 9.59375, n_records=10)),
        odd("EDF+D, stamps with +-2 ms jitter", reserved="EDF+D", told=True,
            onsets=texts([s + 0.002 * (-1) ** i * (i > 0) for i, s in enumerate(STEADY_S)])),
        odd("EDF+C, stamps with +-4 ms jitter", reserved="EDF+C", onsets=texts(jitter)),
        odd("EDF+D, records overlap by 0.5 s", reserved="EDF+D", onsets=overlap, refused="two samples for one time"),
        odd("EDF+D, jump back by 1 h", reserved="EDF+D", onsets=back, refused="records out of order"),
        odd("EDF+C with a gap of 100 s in its stamps", reserved="EDF+C", onsets=texts(gap), true_s=gap, told=True),
        odd("EDF+C, first stamp +0.73 s", reserved="EDF+C", onsets=texts(fraction), start=with_fraction),
        odd("EDF+D, first stamp +0.73 s and a gap", reserved="EDF+D", onsets=texts(after(20, 100.0, fraction)),
            true_s=after(20, 100.0, fraction), start=with_fraction),
        odd("EDF+C, stamps missing in 3 records", reserved="EDF+C", onsets=some, told=True),
        odd("EDF+C, two annotation signals", reserved="EDF+C", others=[slow(), notes(stamped(steady)), texts2]),
        odd("EDF+D, annotation signal first, gap", reserved="EDF+D", before=[notes(stamped(texts(gap)))], true_s=gap),
        odd("EDF+C, annotation signal first", reserved="EDF+C", before=[first]),
        odd("reserved field in lower case (edf+d), gap", reserved="edf+d", onsets=texts(gap), true_s=gap, told=None),
        odd("reserved field blank, stamps with a gap", onsets=texts(gap), true_s=gap, told=True),
        odd("BDF+D, one gap", kind="BDF", reserved="BDF+D", onsets=texts(gap), true_s=gap),
    ]  # fmt: skip


# --- header fields ---------------------------------------------------------------------------------


def layouts() -> list[OddFile]:
    """Record durations, rates, numbers of records, lengths."""
    eeg = Signal("EEG C3", np.round(ecg_mv(512 * N_RECORDS, 512, 3) * 1000).astype(np.int64), 512, "uV",
                 ("-3276.8", "3276.7"))  # fmt: skip
    record_bytes = 2 * (256 + 1)
    return [
        odd("plain EDF, the ECG alone", others=[]),
        odd("plain EDF, mixed rates"),
        odd("record of 30 s", record_s="30", ecg=lead(7680, 30, n_records=4)),
        odd("record of 0.5 s", record_s="0.5", ecg=lead(128, 0.5)),
        odd("record of 0.1 s", record_s="0.1", ecg=lead(25, 0.1, n_records=300)),
        odd("record of 9.59375 s", record_s="9.59375", ecg=lead(2456, 9.59375, n_records=10)),
        odd("record duration with a comma (0,5)", record_s="0,5", ecg=lead(128, 0.5), told=None),
        odd("249.9 Hz", record_s="10", ecg=lead(2499, 10, n_records=10)),
        odd("100 Hz beside 1 Hz", ecg=lead(100)),
        odd("128 Hz ECG beside 512 Hz EEG", ecg=lead(128), before=[eeg]),
        odd("records -1", fields={"n_records": "-1"}, told=True),
        odd("too many records announced", fields={"n_records": "700"}, told=True),
        odd("too few records announced", fields={"n_records": "40"}, told=True),
        odd("cut in mid-record", bend=lambda b: b[: -10 * record_bytes + 100], n_whole=50, told=True),
        odd("100 bytes behind the last record", bend=lambda b: b + b"\0" * 100, told=True),
        odd("header bytes wrong", fields={"header_bytes": "512"}, told=None),
        odd("one signal announced of two", fields={"n_signals": "1"}, refused="no layout of records"),
        odd("three signals announced of two", fields={"n_signals": "3"}, refused="no layout of records"),
        odd("9999 signals announced", fields={"n_signals": "9999"}, refused="no layout of records"),
        odd("record duration 0", record_s="0", refused="no rate"),
        odd("record duration -1", record_s="-1", refused="no rate"),
        odd("no data record", bend=lambda b: b[:768], fields={"n_records": "0"}, refused="no sample"),
        odd("cut within the header", bend=lambda b: b[:400], refused="no layout of records"),
        odd("zero bytes", bend=lambda b: b"", refused="nothing there"),
        odd("random bytes", bend=lambda b: np.random.default_rng(5).bytes(20000), refused="no EDF"),
        odd("annotations only, record duration 0", record_s="0", refused="no signal",
            bend=lambda b: only_notes(), reserved="EDF+C"),
        odd("name of the file with blanks and umlauts", file="Nacht 1 M\u00fcller (2).edf"),
        odd("EDF called .rec", file="night.rec"),
    ]  # fmt: skip


def only_notes() -> bytes:
    """A hypnogram: an annotation signal and no other."""
    content = notes(["+0\x14\x14\0+0\x1530\x14Sleep stage W\x14\0"])
    return EdfFile([content], 1, "0", reserved="EDF+C", fields=PLAIN_FIELDS).tobytes()


def scales() -> list[OddFile]:
    """Physical and digital ranges, decimals, units."""
    dead = replace(slow(), label="Nasal", physical=("0", "0"))
    in_uv = ("-5000", "5000")
    odd_number = Signal("ECG", lead().digital, 256, "mV", ("x", "y"))
    return [
        odd("physical minimum above maximum", ecg=lead(physical=("5", "-5"))),
        odd("digital minimum above maximum", ecg=lead(digital_range=("32767", "-32768")), told=True),
        odd("physical minimum equals maximum in another channel", others=[dead]),
        odd("physical minimum equals maximum in the ECG", ecg=replace(lead(), physical=("0", "0")), refused="no scale"),
        odd("digital minimum equals maximum in the ECG", ecg=replace(lead(), digital_range=("0", "0")),
            refused="no scale"),
        odd("physical range is no number", ecg=odd_number, refused="no scale"),
        odd("comma decimals", ecg=lead(physical=("-5,25", "4,75")), told=None),
        odd("scientific decimals", ecg=lead(physical=("-5.25E0", "4.75E0"))),
        odd("range of 12 bits", ecg=lead(digital_range=("-2048", "2047"))),
        odd("counts from 0", ecg=lead(digital_range=("0", "4095"))),
        odd("unit blank", ecg=lead(unit=""), told=True),
        odd("unit says mV, numbers are uV (the header stands)", ecg=lead(per_mv=1e3, physical=in_uv), told=None),
        odd("unit V", ecg=lead(unit="V", per_mv=1e-3, physical=("-0.005", "0.005")), per_mv=1e-3),
        odd("unit uV", ecg=lead(unit="uV", per_mv=1e3, physical=in_uv), per_mv=1e3),
        odd("unit with mu in latin-1", ecg=lead(unit="\u00b5V", per_mv=1e3, physical=in_uv), per_mv=1e3),
        odd("unit with mu in UTF-8", ecg=lead(unit="\u00b5V".encode().decode("latin-1"), per_mv=1e3, physical=in_uv),
            per_mv=1e3),
        odd("unit with Greek mu in UTF-8", ecg=lead(unit="\u03bcV".encode().decode("latin-1"), per_mv=1e3,
            physical=in_uv), per_mv=1e3),
        odd("unit nV", ecg=lead(unit="nV", per_mv=1e6, physical=("-5000000", "5000000")), per_mv=1e6),
        odd("unit uV written UV", ecg=lead(unit="UV", per_mv=1e3, physical=in_uv), per_mv=1e3),
    ]  # fmt: skip


def clocks() -> list[OddFile]:
    """Dates, times, persons."""
    none: dict[str, str | bytes] = {"recording": ""}
    clock = time(22, 30)

    def year(two_digits: str) -> dict[str, str | bytes]:
        return none | {"date": f"02.03.{two_digits}"}

    return [
        odd("name in latin-1", fields={"patient": "X M 01-JAN-1960 M\u00fcller".encode("latin-1")}),
        odd("name in UTF-8", fields={"patient": "X M 01-JAN-1960 M\u00fcller".encode()}),
        odd("patient field empty", fields={"patient": ""}),
        odd("EDF+ without Startdate", reserved="EDF+C", onsets=texts(STEADY_S), fields=none),
        odd("date with slashes", fields={"date": "02/03/20"} | none, told=None),
        odd("date 00.00.00", fields={"date": "00.00.00"} | none, start=clock, told=True),
        odd("date 00.00.00, Startdate known", fields={"date": "00.00.00"}, told=None),
        odd("date and time 00.00.00", fields={"date": "00.00.00", "time": "00.00.00"} | none, start=None, told=True),
        odd("date 31.02.20", fields={"date": "31.02.20"} | none, start=clock, told=True),
        odd("two-digit year 84", fields=year("84"), start=START.replace(year=2084)),
        odd("two-digit year 85", fields=year("85"), start=START.replace(year=1985)),
        odd("two-digit year 99", fields=year("99"), start=START.replace(year=1999)),
        odd("Startdate of 2120, date 02.03.yy", fields={"date": "02.03.yy", "recording": "Startdate 02-MAR-2120 X X X"},
            start=START.replace(year=2120)),
        odd("Startdate and date differ", fields={"date": "05.06.19"}, told=True),
        odd("Startdate X, date 01.01.85", fields={"date": "01.01.85", "recording": "Startdate X X X X"}, start=clock),
        odd("time 22:30:00", fields={"time": "22:30:00"}, told=None),
        odd("time with blanks ( 9. 5. 3)", fields={"time": " 9. 5. 3"}, start=START.replace(hour=9, minute=5, second=3),
            told=None),
        odd("time 9.05.03", fields={"time": "9.05.03"}, start=START.replace(hour=9, minute=5, second=3), told=None),
        odd("time 24.00.00", fields={"time": "24.00.00"}, start=None, told=True),
        odd("time blank", fields={"time": ""}, start=None, told=True),
    ]  # fmt: skip


def labels() -> list[OddFile]:
    """Names of channels, BDF, padding."""
    pair_l, pair_r = lead(label="ECG L", seed=1), lead(label="ECG R", seed=2, per_mv=-0.4)
    (left, count_mv), (right, _) = in_mv(pair_l), in_mv(pair_r)
    made = EdfFile([slow(), pair_l, pair_r], N_RECORDS, fields=PLAIN_FIELDS).tobytes()
    bdf = lead(digital_range=FULL["BDF"], unit="uV", per_mv=1e3, physical=("-262144", "262143"))
    breathing = replace(lead(100, label="Airflow"), digital=np.round(9000 * np.sin(np.arange(6000) / 80)).astype(int))
    status = Signal("Status", np.zeros(256 * N_RECORDS, np.int64), 256, "Boolean", *[FULL["BDF"]] * 2)
    return [
        odd("two channels labelled ECG", others=[lead(seed=9)], told=True),
        odd("label ekg in lower case", ecg=lead(label="ekg")),
        odd("label with blanks ( E C G )", ecg=lead(label=" E C G ")),
        odd("label ECG, padded with NUL", ecg=lead(label="ECG" + "\0" * 13), channels=("ECG",)),
        odd("an ECG that is labelled Airflow", ecg=lead(100, label="Airflow"), told=True),
        odd("no ECG among the channels", ecg=breathing, refused="no lead", channels=("ECG",)),
        OddFile("electrodes ECG L and ECG R", "pair.edf", {"pair.edf": made},
                Truth(left - right, 256.0, START, count_mv=2 * count_mv), True, ("ECG L", "ECG R")),
        odd("BDF of 24 bits", kind="BDF", ecg=bdf, per_mv=1e3, others=[status]),
        odd("BDF, reserved field 24BIT", kind="BDF", ecg=bdf, per_mv=1e3, reserved="24BIT"),
        odd("BDF+C, first stamp +0.25 s", kind="BDF", reserved="BDF+C", onsets=texts([s + 0.25 for s in STEADY_S]),
            start=START.replace(microsecond=250_000)),
        odd("header padded with NUL instead of blanks", bend=with_nul, told=None),
    ]  # fmt: skip


def with_nul(content: bytes) -> bytes:
    """The header of two signals, every field filled up with NUL."""
    widths = [8, 80, 80, 8, 8, 8, 44, 8, 8, 4] + [w for w in (16, 80, 8, 8, 8, 8, 8, 80, 8, 32) for _ in range(2)]
    ends = np.cumsum(widths).tolist()
    fields = [content[end - width : end] for end, width in zip(ends, widths, strict=True)]
    header = b"".join(field.rstrip(b" ").ljust(len(field), b"\0") for field in fields)
    return header + content[len(header) :]


def edf_files() -> list[OddFile]:
    """Every odd EDF and BDF file."""
    return [*layouts(), *time_lines(), *scales(), *clocks(), *labels()]
