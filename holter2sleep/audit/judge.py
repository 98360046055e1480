"""From facts to findings: when a figure deserves to be told, and how much it matters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np

from holter2sleep.audit.facts import ChannelFacts, ClockFacts, Continuity, Polarity, Scale
from holter2sleep.audit.findings import Finding, finding
from holter2sleep.audit.headers import HeaderAudit
from holter2sleep.audit.measures import BeatFigures, SignalFigures
from holter2sleep.audit.pacing import PACE_SHARE
from holter2sleep.clock import Clock, date_known
from holter2sleep.counted import counted
from holter2sleep.heart.scale import doubt_scale
from holter2sleep.io.edf_time_line import STAMP_JITTER_S
from holter2sleep.io.labels import ecg_rank
from holter2sleep.night import WARN_SHARE, Recording
from holter2sleep.profiles import Profile

FIRST_YEAR = 1990  # earlier dates are mostly shifted ones; recorders of those years wrote no EDF
DRIFT_S_PER_H = 0.1
DRIFT_S = 1.0
SAME_DURATION_S = 1.5
COARSE_UV = 20.0  # a P wave has 100 uV
SEVERAL_COUNTS = 1.5  # that values move at a time
CLIPPED_WAVES = 20  # at one level: a signal that sticks there once or twice was disturbed
SATURATED_SHARE = 0.01
FLAT_SHARE = 0.05
MISSING_SHARE = 0.01
UNUSABLE_SHARE = 0.5
MAINS_UV, MAINS_STRONG_UV = 10.0, 100.0
MAINS_ALWAYS = 0.9  # of the minutes
FEW_COPIES, FEW_HELD, FEW_JUMPS = 1, 3, 3
BSQI = 0.7
RATE_BPM = (35.0, 130.0)  # of the median over hours
IMPLAUSIBLE_RR_SHARE = 0.05
LISTED = 5

# What the readers say, and the finding that it is; a finding that is there already is not told twice.
_READER_SAYS = (
    (r"number of data records", "records_announced"),
    (r"cut in mid-record|ends within a sample", "truncated"),
    (r"bytes after the last record", "trailing_bytes"),
    (r"start date: header says", "start_disagrees"),
    (r"start unknown|no start time|start .* is no time", "start_unknown"),
    (r"only the clock is known|without a date|no date in the header", "start_no_date"),
    (r"several ECG leads", "channel_several"),
    (r"says continuous, but", "gaps_in_continuous"),
    (r"no time stamp|without time stamps", "stamps_missing"),
    (r"unit .*(is unknown|is blank)|no unit", "unit_assumed"),
    (r"checksum is wrong", "ishne_crc"),
    (r"announces \d+ samples; the file holds", "ishne_count"),
    (r"not in time order|beats dropped", "beats_cleaned"),
    (r"no beat classes", "beats_unclassified"),
    (r"intervals hold artefacts or noise", "beats_marked_out"),
    (r"no header .* Hz assumed", "beats_clock"),
    (r"clock goes (forward|back)|does not exist that day|is lived twice", "dst_night"),
)


def reader_findings(warnings: Iterable[str], known: Iterable[Finding]) -> list[Finding]:
    """What the reader said that no check has found."""
    ids = {f.id for f in known} | ({"records_announced"} if any(f.id == "records_unknown" for f in known) else set())
    found = []
    for warning in warnings:
        name = next((name for pattern, name in _READER_SAYS if re.search(pattern, warning)), "reader_note")
        if name not in ids or name == "reader_note":
            found.append(finding(name, warning))
            ids.add(name)
    return found


# --- clock -----------------------------------------------------------------------------------------


def clock_facts(recording: Recording, header: HeaderAudit, zone: str | None) -> ClockFacts:
    """Start, end and their source; in the given zone when there is one."""
    source = header.clock_source or ("file" if recording.start else None)
    drift = _drift(header) if len(recording.gaps) == 0 else None
    start = end = None
    if recording.start is not None:
        clock = Clock(recording.start, zone if date_known(recording.start) else None)
        start, end = clock.iso(0.0), clock.iso(recording.duration_s)
        if not date_known(recording.start):
            start, end = start.partition("T")[2], end.partition("T")[2]
    return ClockFacts(start, end, source, zone, recording.duration_s, header.header_duration_s, drift)


def _drift(header: HeaderAudit) -> float | None:
    """Seconds an hour by which time stamps run ahead of the samples; None without stamps."""
    onset_s, record_s = header.onset_s, header.record_s
    if onset_s is None or not record_s or len(onset_s) < 2 or not np.isfinite(onset_s[[0, -1]]).all():
        return None
    elapsed = (len(onset_s) - 1) * record_s
    return float((onset_s[-1] - onset_s[0] - elapsed) / elapsed * 3600)


def clock_findings(
    recording: Recording, facts: ClockFacts, today: date, profile: Profile | None = None
) -> list[Finding]:
    """What is odd about start, date, zone and duration; a profile may know that an early date is true."""
    start, found = recording.start, []
    if start is None:
        found.append(finding("start_unknown", "the header gives no start"))
    elif not date_known(start):
        found.append(finding("start_no_date", f"the start is {start:%H:%M:%S} of no date"))
    elif start.year < FIRST_YEAR and (profile is None or profile.dates_shifted is not False):
        found.append(finding("date_shifted", f"the recording is dated {start.year}"))
    elif start.date() > today + timedelta(days=1):
        found.append(finding("date_future", f"the recording is dated {start.year}, in the future"))
    if start is not None and start.microsecond:
        found.append(finding("start_fraction", f"the start has {start.microsecond / 1e6:g} s of a second"))
    if start is not None and facts.zone is None:
        found.append(finding("zone_unknown", "local time without a zone"))
    if start is not None and facts.zone is not None and date_known(start):
        found += _dst(start, facts.zone, recording.duration_s)
    drift = facts.drift_s_per_h
    if drift is not None and abs(drift) > DRIFT_S_PER_H and abs(drift) * recording.duration_s / 3600 > DRIFT_S:
        found.append(finding("clock_drift", f"time stamps run {drift:+.2f} s an hour against the samples"))
    announced = facts.header_duration_s
    if announced is not None and abs(announced + _gap_s(recording) - recording.duration_s) > SAME_DURATION_S:
        said = f"{announced:.0f} s announced, {recording.duration_s:.0f} s in the file"
        found.append(finding("duration_mismatch", said))
    return found


def _gap_s(recording: Recording) -> float:
    """Gaps between data records, which no header counts; a lead that is missing within them is counted."""
    return float(np.diff(recording.gaps).sum()) if recording.source.format.endswith(("+C", "+D")) else 0.0


def _dst(start: datetime, zone: str, duration_s: float) -> list[Finding]:
    clock = Clock(start, zone)
    moved = clock.at(duration_s) - clock.at(0.0) - timedelta(seconds=duration_s)
    if abs(moved) < timedelta(minutes=1):
        return []
    way = "forward" if moved > timedelta(0) else "back"
    return [finding("dst_night", f"clocks go {way} by {abs(moved) / timedelta(minutes=1):g} min in {zone}")]


# --- continuity ------------------------------------------------------------------------------------


def continuity_facts(recording: Recording | None, header: HeaderAudit) -> Continuity:
    """Runs, gaps and overlaps of the time line."""
    n_overlaps = 0
    if header.onset_s is not None and header.record_s and len(header.onset_s) > 1:
        before_s = header.record_s - np.diff(header.onset_s)
        n_overlaps = int((before_s > max(STAMP_JITTER_S, 0.5 / _fastest_hz(header))).sum())
    if recording is None:
        return Continuity(n_overlaps=n_overlaps)
    gaps = tuple((float(a), float(b)) for a, b in recording.gaps)
    lengths = [b - a for a, b in gaps]
    return Continuity(len(gaps) + 1, gaps, float(sum(lengths)), float(max(lengths, default=0.0)), n_overlaps)


def _fastest_hz(header: HeaderAudit) -> float:
    return max((channel.fs for channel in header.channels if channel.fs), default=1.0)


def continuity_findings(facts: Continuity, header: HeaderAudit) -> list[Finding]:
    """Gaps and overlaps."""
    found = []
    if facts.gaps:
        shown = ", ".join(f"{a:.1f} to {b:.1f} s" for a, b in facts.gaps[:LISTED])
        more = f" and {len(facts.gaps) - LISTED} more" if len(facts.gaps) > LISTED else ""
        said = f"{counted(len(facts.gaps), 'gap')}, {facts.total_gap_s:.1f} s in all"
        said += f", the longest {facts.longest_gap_s:.1f} s"
        found.append(finding("gaps", f"{said} ({shown}{more})"))
        if (header.dialect or "").endswith("+C"):
            found.append(
                finding("gaps_in_continuous", f"{header.dialect} with {counted(len(facts.gaps), 'gap')} in its stamps")
            )
    if facts.n_overlaps:
        found.append(
            finding(
                "overlaps",
                f"{counted(facts.n_overlaps, 'record begins', 'records begin')} before the one before has ended",
            )
        )
    if header.onset_s is not None and (missing := int(np.isnan(header.onset_s).sum())):
        found.append(finding("stamps_missing", f"{missing} of {len(header.onset_s)} records have no time stamp"))
    return found


# --- channels --------------------------------------------------------------------------------------


def with_roles(channels: tuple[ChannelFacts, ...], taken: str | None) -> tuple[ChannelFacts, ...]:
    """The channels, the one that is taken (or the two whose difference is) and the runners-up marked."""
    parts = set() if taken is None else {taken, *taken.split(" - ")}
    first = True
    marked = []
    for channel in channels:
        role = None
        if channel.label in parts and (first or " - " in (taken or "")):
            role, first = "taken", False
        elif ecg_rank(channel.label) is not None:
            role = "runner-up"
        marked.append(ChannelFacts(**{**vars(channel), "role": role}))
    return tuple(marked)


def channel_findings(channels: tuple[ChannelFacts, ...], taken: str | None, asked: bool) -> list[Finding]:
    """Which channel is taken and why, the runners-up, and channels that were not connected."""
    found = []
    if taken is not None:
        found.append(finding("channel_taken", f"{taken!r}, {_why(taken, asked)}"))
    others = [channel.label for channel in channels if channel.role == "runner-up"]
    if others:
        found.append(finding("channel_several", f"also there: {_some(others)}"))
    constant = [channel.label for channel in channels if channel.constant]
    if constant:
        harmless = taken is not None and taken not in constant
        said = f"one value throughout: {_some(constant)}"
        found.append(finding("channel_constant", said, "info" if harmless else None))
    return found


def _why(taken: str, asked: bool) -> str:
    if asked:
        return "asked for by --channel"
    if " - " in taken and ecg_rank(taken.split(" - ")[0]) is not None:
        return "the difference of two electrodes"
    rank = ecg_rank(taken)
    return "found by its signal" if rank is None else f"found by its label (preference {rank}, 0 is best)"


def _some(labels: list[str]) -> str:
    return ", ".join(map(repr, labels[:8])) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")


# --- signal ----------------------------------------------------------------------------------------


def scale_findings(scale: Scale, signal: SignalFigures) -> list[Finding]:
    """Height of the R waves, resolution, saturation."""
    found = []
    doubt = doubt_scale(scale.r_mv, scale.unit, scale.scale_to_mv, scale.relative)
    if doubt is not None:
        found.append(finding("scale_suspect" if doubt.factor else "scale_unusual", doubt.text))
    found += _steps_found(scale, signal)
    rails = [f"{rail:.3g} {scale.called}" for rail in (signal.clip_low_mv, signal.clip_high_mv) if rail is not None]
    if signal.saturated_share > SATURATED_SHARE:
        where = f", at {' and '.join(rails)}" if rails else ""
        found.append(finding("saturated", f"{signal.saturated_share:.0%} of the time{where}"))
    elif signal.clipped_waves >= CLIPPED_WAVES:
        found.append(finding("clipped", f"{signal.clipped_waves} times, at {' and '.join(rails)}"))
    return found


def _steps_found(scale: Scale, signal: SignalFigures) -> list[Finding]:
    """A resolution that is too coarse, or coarser than the header says."""
    per_count, step = scale.uv_per_count, signal.step_uv
    if per_count is not None and per_count > COARSE_UV:
        return [finding("scale_coarse", f"{per_count:.3g} uV per count")]
    if step is None:
        return []
    several = per_count is not None and step > SEVERAL_COUNTS * per_count
    said = f"values move in steps of {step:.3g} uV{f', a count is {per_count:.3g} uV' if several else ''}"
    if step > COARSE_UV:
        return [finding("scale_coarse", said)]
    return [finding("scale_steps", said)] if several else []


def polarity_findings(polarity: Polarity) -> list[Finding]:
    """A lead that is upside down, or turns over."""
    found = [finding("inverted", "its dominant deflection points down")] if polarity.inverted else []
    if polarity.turns_s:
        at = ", ".join(f"{second:.0f} s" for second in polarity.turns_s[:LISTED])
        found.append(finding("polarity_switch", f"the beats turn over near {at}"))
    return found


def signal_findings(signal: SignalFigures, scale: Scale, duration_s: float, gap_share: float) -> list[Finding]:
    """Lead-off, noise, hum, baseline, and what a transmitter does."""
    found = []
    if signal.looked_s < duration_s - 1:
        share = signal.looked_s / duration_s
        found.append(
            finding("share_looked_at", f"{signal.looked_s / 3600:.1f} h looked at, {share:.0%} of the recording")
        )
    for name, share, limit, what in (
        ("lead_off", signal.flat_share + signal.quiet_share, FLAT_SHARE, _off_in_words(signal)),
        ("noise", signal.noise_share, WARN_SHARE, "noise, or without beats"),
        ("missing_samples", signal.missing_share - gap_share, MISSING_SHARE, "without samples"),
    ):
        if share > limit:
            found.append(finding(name, f"{share:.0%} of the time {what}"))
    if signal.usable_share < UNUSABLE_SHARE:
        found.append(finding("unusable", f"{signal.usable_share:.0%} of the time can be analysed"))
    if signal.mains_uv is not None and signal.mains_uv >= MAINS_UV:
        name = "mains_strong" if signal.mains_uv >= MAINS_STRONG_UV else "mains"
        found.append(finding(name, _hum_in_words(signal, scale)))
    if signal.baseline_mv is not None and scale.r_mv and signal.baseline_mv > scale.r_mv:
        found.append(finding("baseline_wander", f"{signal.baseline_mv:.2g} {scale.called} within a minute"))
    return [*found, *_packet_findings(signal)]


def _off_in_words(signal: SignalFigures) -> str:
    quiet = f" (of it {signal.quiet_share:.0%} with a little noise, without beats)" if signal.quiet_share > 0 else ""
    return f"flat{quiet}"


def _hum_in_words(signal: SignalFigures, scale: Scale) -> str:
    folded = signal.mains_seen_hz != signal.mains_hz
    seen = f" folded to {signal.mains_seen_hz:g} Hz by the sampling rate" if folded else ""
    part = signal.mains_share is not None and signal.mains_share < MAINS_ALWAYS
    when = f" in {signal.mains_share:.0%} of the minutes looked at" if part else ""
    height_uv = signal.mains_uv or 0.0
    size = f"{height_uv / 1000:.2g} {scale.called}" if scale.relative else f"{height_uv:.0f} uV"
    return f"{signal.mains_hz:g} Hz{seen}, {size}{when}"


def _packet_findings(signal: SignalFigures) -> list[Finding]:
    found = []
    if signal.repeated_blocks >= FEW_COPIES:
        said = f"{signal.repeated_blocks} blocks of samples come twice, {signal.repeated_s:.1f} s in all"
        found.append(finding("repeated_blocks", said))
    if signal.held_packets >= FEW_HELD:
        said = f"{signal.held_packets} stretches of one value in a signal that moves, {signal.held_s:.1f} s in all"
        found.append(finding("held_samples", said))
    if signal.jumps >= FEW_JUMPS or signal.sure_jumps:
        said = f"{signal.jumps} places where the signal breaks from one sample to the next"
        found.append(finding("jumps", f"{said} (not every loss leaves one)"))
    return found


def identity_findings(fields: tuple[str, ...]) -> list[Finding]:
    """Header fields that may tell who this is; the sex alone does not."""
    if not fields:
        return []
    return [finding("identity", f"filled in: {', '.join(fields)}", "info" if fields == ("sex",) else "warning")]


def beat_findings(recording: Recording, beats: BeatFigures) -> list[Finding]:
    """Odd rates, detectors that disagree, spikes before the beats, intervals no heart makes."""
    found = []
    rate = beats.rate_median_bpm
    if recording.ecg is None:
        found.append(finding("beats_only", f"{counted(beats.n_beats, 'beat')}, {recording.source.format}"))
        share = beats.implausible_rr_share
        if share is not None and share > IMPLAUSIBLE_RR_SHARE:
            found.append(finding("rr_implausible", f"{share:.0%} of the intervals are below 0.25 s or above 3 s"))
    if rate is not None and not RATE_BPM[0] <= rate <= RATE_BPM[1]:
        found.append(finding("rate_odd", f"median heart rate {rate:.0f}/min"))
    if beats.bsqi is not None and beats.bsqi < BSQI:
        found.append(finding("detectors_disagree", f"mean agreement {beats.bsqi:.2f} (1 is best)"))
    if beats.pacing_share is not None and beats.pacing_share >= PACE_SHARE:
        found.append(finding("pacing", f"a spike before {beats.pacing_share:.0%} of the beats"))
    return found


# --- profile ---------------------------------------------------------------------------------------


def profile_findings(recording: Recording, profile: Profile, polarity: Polarity) -> list[Finding]:
    """Where a recording departs from what is known of its archive, and the archive's own traps."""
    found = []
    labels = {label.casefold() for label in profile.labels}
    if recording.channel is not None and recording.channel.casefold() not in labels:
        found.append(finding("profile_label", f"{recording.channel!r}; {profile.name} has {', '.join(profile.labels)}"))
    if (
        recording.fs is not None
        and profile.rates_hz
        and not np.isclose(recording.fs, profile.rates_hz, rtol=0.01).any()
    ):
        rates = ", ".join(f"{rate:g}" for rate in profile.rates_hz)
        found.append(finding("profile_rate", f"{recording.fs:g} Hz; {profile.name} has {rates} Hz"))
    unit = recording.source.unit
    if recording.ecg is not None and profile.unit and unit and unit.casefold() != profile.unit.casefold():
        found.append(finding("profile_unit", f"{unit!r}; {profile.name} has {profile.unit}"))
    way = {True: "inverted", False: "upright", None: None}[polarity.inverted]
    if way is not None and profile.polarity not in ("either", way):
        found.append(finding("profile_polarity", f"{way}; {profile.name} is {profile.polarity}"))
    stem = recording.source.file.rpartition(".")[0]
    if profile.file_pattern and not re.fullmatch(profile.file_pattern, stem):
        found.append(finding("profile_name", f"no name of {profile.name}"))
    if profile.dates_shifted:
        found.append(finding("profile_dates", f"dates of {profile.name} were shifted"))
    if recording.ecg is None and profile.beats_clock:
        found.append(finding("profile_clock", profile.beats_clock))
    return found
