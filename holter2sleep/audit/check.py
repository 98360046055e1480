"""One file audited: read as `analyze` reads it, looked at in about a second, judged by the same rules.

Whatever a file holds, an audit ends with a verdict: this is the one place that turns an exception into a finding.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from holter2sleep.analyze import MINIMUM_S, WARNING_S
from holter2sleep.audit.beside import annotations_of
from holter2sleep.audit.facts import AnnotationFacts, Audit, Container, Polarity, Scale
from holter2sleep.audit.findings import Finding, finding
from holter2sleep.audit.headers import HeaderAudit, audit_header
from holter2sleep.audit.judge import (
    beat_findings,
    channel_findings,
    clock_facts,
    clock_findings,
    continuity_facts,
    continuity_findings,
    identity_findings,
    polarity_findings,
    profile_findings,
    reader_findings,
    scale_findings,
    signal_findings,
    with_roles,
)
from holter2sleep.audit.looked import Stretch, estimated, look, looked_s, usable_s
from holter2sleep.audit.measures import beat_figures, directions, signal_figures, turns
from holter2sleep.audit.wfdb_fields import checksum_finding
from holter2sleep.counted import counted
from holter2sleep.errors import Holter2SleepError, UsageError
from holter2sleep.heart.detect import is_inverted
from holter2sleep.heart.scale import doubt_scale
from holter2sleep.io import read_recording
from holter2sleep.io.files import is_file, is_folder
from holter2sleep.night import Recording
from holter2sleep.profiles import Profile
from holter2sleep.recipe import Recipe

log = logging.getLogger(__name__)

CHECKSUM_SAMPLES = 4_000_000  # of a WFDB signal, which are read whole for it
SIGNAL_SUFFIXES = (".dat", ".mat")

T = TypeVar("T")


@dataclass(frozen=True)
class AuditOptions:
    """What the user says of the files, as for `analyze`."""

    channel: str | None = None
    fs: float | None = None
    unit: str | None = None
    rr_unit: str = "auto"
    profile: Profile | None = None
    tz: str | None = None

    @property
    def reading(self) -> dict[str, Any]:
        """Fields of `ReadOptions`."""
        labels = self.profile.labels if self.profile else ()
        told = {name: getattr(self, name) for name in ("channel", "fs", "unit", "rr_unit")}
        return {**told, "zone": self.tz, "labels": labels}


def audit_file(path: Path, options: AuditOptions, recipe: Recipe) -> Audit:
    """Everything an audit finds in a file; never raises for what the file holds."""
    failed: list[Finding] = []
    recording, refused, code = _read(path, options)
    described = path.with_name(recording.source.file) if recording is not None else _described(path)
    nothing = HeaderAudit(Container(), ())
    # a pipe would wait for ever, a device would never end
    header = _safely("header", lambda: audit_header(described), nothing, failed) if is_file(described) else nothing
    if recording is None:
        return _refused(path, refused, code, header, failed)
    try:
        return _audited(recording, described, header, options, recipe, failed)
    except Exception as error:  # a waveform that cannot be read after all, or a defect of ours
        log.debug("audit of %s", path.name, exc_info=True)
        known = isinstance(error, Holter2SleepError)
        kind, code = ("unreadable", error.exit_code) if isinstance(error, Holter2SleepError) else ("check_failed", 1)
        said = str(error) if known else f"{type(error).__name__}: {error}"
        return _refused(path, finding(kind, said[:500]), code, header, failed)


def _read(path: Path, options: AuditOptions) -> tuple[Recording | None, Finding | None, int]:
    """The recording, or why there is none and the exit code of `analyze`."""
    try:
        return read_recording(path, **options.reading), None, 0
    except UsageError as error:
        kind = "wrong_use" if is_file(path) or is_folder(path) else "missing_path"
        return None, finding(kind, str(error).replace(str(path), path.name)), error.exit_code
    except Holter2SleepError as error:
        kind = "channel_none" if "ECG channel" in str(error) else "unreadable"
        return None, finding(kind, str(error)), error.exit_code
    except OSError as error:
        return None, finding("unreadable", f"{path.name}: cannot be read ({error.strerror})"), 3
    except Exception as error:  # a defect of ours: analyze ends with 1
        log.debug("reading of %s", path.name, exc_info=True)
        return None, finding("check_failed", f"reading: {type(error).__name__}"), 1


def _described(path: Path) -> Path:
    """The file whose header speaks for a path that could not be read."""
    if path.suffix.lower() in SIGNAL_SUFFIXES and is_file(path.with_suffix(".hea")):
        return path.with_suffix(".hea")
    return path


def _safely(what: str, check: Callable[[], T], otherwise: T, failed: list[Finding]) -> T:
    """The result of a check; where it fails, a finding about that and the other value."""
    try:
        return check()
    except (Holter2SleepError, OSError):
        return otherwise  # the reader has said what is wrong
    except Exception as error:
        log.debug("audit: %s", what, exc_info=True)
        failed.append(finding("check_failed", f"{what}: {type(error).__name__}"))
        return otherwise


def _refused(path: Path, why: Finding | None, code: int, header: HeaderAudit, failed: list[Finding]) -> Audit:
    """The audit of a file that analyze would not take."""
    continuity = continuity_facts(None, header)
    findings = [*([why] if why else []), *header.findings, *continuity_findings(continuity, header), *failed]
    found = _in_short(why.found if why else "no recording")
    return Audit(
        file=path.name,
        verdict=f"analyze would stop with exit code {code}: {found}",
        exit_code=code,
        findings=tuple(findings),
        container=header.container,
        continuity=continuity,
        channels=with_roles(header.channels, None),
        identity=header.identity,
    )


def _in_short(message: str) -> str:
    """A refusal without the list of channels or of what would work, which its finding has in full."""
    return re.split(r"\. (?:What would work|Channels): ", message)[0]


def _audited(
    recording: Recording,
    path: Path,
    header: HeaderAudit,
    options: AuditOptions,
    recipe: Recipe,
    failed: list[Finding],
) -> Audit:
    stretches = look(recording, recipe)
    signal = signal_figures(recording, stretches, _range_mv(recording, header))
    beats = beat_figures(stretches, recording.fs if recording.ecg is not None else None)
    clock = clock_facts(recording, header, options.tz)
    continuity = continuity_facts(recording, header)
    channels = with_roles(header.channels, recording.channel)
    scale = _scale(recording, header, stretches)
    polarity = _polarity(recording, stretches, recipe)
    nothing: tuple[tuple[AnnotationFacts, ...], list[Finding]] = ((), [])
    annotations, beside = _safely("annotations", lambda: annotations_of(path, recording), nothing, failed)
    gap_share = continuity.total_gap_s / recording.duration_s
    code, verdict, decided = _verdict(recording, stretches)
    findings = [
        *decided,
        *header.findings,
        *clock_findings(recording, clock, date.today(), options.profile),
        *continuity_findings(continuity, header),
        *channel_findings(channels, recording.channel, options.channel is not None),
        *(scale_findings(scale, signal) if recording.ecg is not None else ()),
        *_checksum(recording, header),
        *polarity_findings(polarity),
        *(signal_findings(signal, scale, recording.duration_s, gap_share) if recording.ecg is not None else ()),
        *beat_findings(recording, beats),
        *beside,
        *identity_findings(header.identity),
        *(profile_findings(recording, options.profile, polarity) if options.profile else ()),
        *failed,
    ]
    findings += reader_findings(recording.warnings, findings)
    return Audit(
        file=path.name,
        verdict=verdict,
        exit_code=code,
        findings=tuple(findings),
        helps=_helps(code, findings, channels),
        container=header.container if header.container.format else _container(recording, header),
        clock=clock,
        continuity=continuity,
        channel=recording.channel,
        fs=recording.fs,
        channels=channels,
        scale=scale,
        polarity=polarity,
        signal=signal,
        beats=beats,
        annotations=annotations,
        identity=header.identity,
        profile=options.profile.name if options.profile else None,
    )


def _container(recording: Recording, header: HeaderAudit) -> Container:
    return Container(recording.source.format, header.container.file_bytes)


def _scale(recording: Recording, header: HeaderAudit, stretches: tuple[Stretch, ...]) -> Scale:
    source = recording.source
    heights = np.concatenate([np.abs(stretch.amplitude_mv[stretch.usable]) for stretch in stretches])
    heights = heights[np.isfinite(heights)]
    r_mv = float(np.median(heights)) if len(heights) else None
    per_count = next(
        (c.uv_per_count for c in header.channels if c.label == (recording.channel or "").split(" - ")[0]), None
    )
    proposed = None
    if r_mv is not None:
        doubt = doubt_scale(r_mv, source.unit, source.scale_to_mv, source.relative_scale)
        proposed = doubt.factor if doubt else None
    return Scale(source.unit, source.scale_to_mv, r_mv, proposed, per_count, source.relative_scale)


def _range_mv(recording: Recording, header: HeaderAudit) -> tuple[float, float] | None:
    """Ends of the range of the lead by the header, mV; None where it gives none, or a difference was taken."""
    taken = [channel for channel in header.channels if channel.label == recording.channel]
    scale = recording.source.scale_to_mv
    if len(taken) != 1 or scale is None or taken[0].physical_min is None or taken[0].physical_max is None:
        return None
    low, high = sorted((taken[0].physical_min * scale, taken[0].physical_max * scale))
    return low, high


def _polarity(recording: Recording, stretches: tuple[Stretch, ...], recipe: Recipe) -> Polarity:
    if recording.ecg is None:
        return Polarity()
    pieces = directions(stretches, recipe.polarity)
    n_down = sum(is_inverted(stretch.detection, recipe.beats) for stretch in stretches)
    return Polarity(n_down > len(stretches) / 2, tuple(pieces), tuple(turns(pieces)))


def _checksum(recording: Recording, header: HeaderAudit) -> list[Finding]:
    """The checksum of a WFDB signal that is short enough to be added up."""
    raw, ecg = header.wfdb, recording.ecg
    if raw is None or ecg is None or len(ecg) > CHECKSUM_SAMPLES or not recording.source.scale_to_mv:
        return []
    signals = [signal for signal in raw.signals if signal.label == recording.channel]
    if len(signals) != 1 or raw.n_samples != len(ecg):
        return []
    found = checksum_finding(signals[0], ecg[:], recording.source.scale_to_mv, raw.has_checksums)
    return [found] if found else []


# --- verdict ---------------------------------------------------------------------------------------


def _verdict(recording: Recording, stretches: tuple[Stretch, ...]) -> tuple[int, str, list[Finding]]:
    """Exit code of analyze, one line about it, and the findings that decide it."""
    usable = estimated(usable_s(stretches), stretches, recording)
    n_beats = sum(int(stretch.usable.sum()) for stretch in stretches)
    about = "about " if looked_s(stretches) < recording.duration_s - 1 else ""
    found = f"{about}{_hours(usable)} of {_hours(recording.duration_s)} can be analysed"
    if usable < MINIMUM_S or n_beats < 2:
        decided = finding("not_enough_signal", f"{found} ({counted(n_beats, 'beat')}); {MINIMUM_S:.0f} s are needed")
        return 4, f"analyze would stop with exit code 4: {found}", [decided]
    if usable < WARNING_S:
        return 0, f"analyze would run, with little to tell: {found}", [finding("little_signal", found)]
    return 0, f"analyze would run: {found}", []


def _hours(seconds: float) -> str:
    """A length as people say it.

    Examples
    --------
    >>> _hours(28800.0), _hours(95.4)
    ('8 h 00 min', '95 s')
    """
    if seconds < 600:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


_HELPED_BY_FIX = {
    "header_bytes",
    "records_announced",
    "records_unknown",
    "truncated",
    "trailing_bytes",
    "strict_reader",
    "gaps_in_continuous",
    "identity",
}


def _helps(code: int, findings: list[Finding], channels: tuple[Any, ...]) -> tuple[str, ...]:
    """What the user could do."""
    ids = {f.id for f in findings}
    others = [channel.label for channel in channels if channel.role == "runner-up"]
    helps = []
    if (code == 4 or ids & {"unusable", "noise", "lead_off"}) and others:
        helps.append(f"another lead: --channel {others[0]!r}")
    if "scale_suspect" in ids or "unit_assumed" in ids:
        helps.append("--unit, if the unit in the file is wrong")
    if ids & {"start_unknown", "start_no_date"}:
        helps.append("analyze --start gives the start")
    if any(name in _HELPED_BY_FIX or name.startswith(("field_", "edfplus_")) for name in ids - {"field_reserved"}):
        helps.append("--fix OUT.edf writes a compliant copy, with --deidentify one without free text and date")
    return tuple(helps)
