"""An audit as text for a terminal: the verdict first, then the facts in lines, then the findings by topic."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from holter2sleep.audit.facts import Audit, ChannelFacts
from holter2sleep.audit.findings import KINDS, TOPICS, Finding
from holter2sleep.counted import counted

NARROWEST, WIDEST = 40, 100
MAX_CHANNELS = 32  # listed; the others are counted


def as_text(audit: Audit, width: int = 80) -> str:
    """The audit in lines of at most `width` columns (40 to 100), without colours."""
    width = max(NARROWEST, min(width, WIDEST))
    blocks = [
        [audit.file, *_wrapped(audit.verdict, width)],
        [line for fact in _facts(audit) for line in _wrapped(fact, width, "  ", "    ")],
        _channel_lines(audit, width),
    ]
    for topic in TOPICS:
        findings = [f for f in audit.findings if f.topic == topic]
        if findings:
            blocks.append([topic, *(line for f in findings for line in _finding_lines(f, width))])
    if audit.helps:
        blocks.append(
            ["what would help", *(line for text in audit.helps for line in _wrapped(text, width, "  ", "    "))]
        )
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return lines or [first]


def _finding_lines(found: Finding, width: int) -> Iterator[str]:
    """What was found; for more than an info also what it means and what is done."""
    yield from _wrapped(f"{found.severity}: {found.id}: {found.found}", width, "  ", "    ")
    if found.severity != "info":
        yield from _wrapped(f"{found.means}; {found.does}", width, "    ", "    ")


def _facts(audit: Audit) -> Iterator[str]:
    container, clock, scale, signal, beats = audit.container, audit.clock, audit.scale, audit.signal, audit.beats
    if container.format:
        size = f", {_bytes(container.file_bytes)}" if container.file_bytes is not None else ""
        records = f", {counted(container.records_found, 'record')}" if container.records_found is not None else ""
        yield f"file: {container.format}{size}{records}"
    if clock.duration_s is not None:
        gaps = audit.continuity.gaps
        broken = f", {counted(len(gaps), 'gap')}" if gaps else ""
        yield f"time: {_length(clock.duration_s)} from {_moment(clock.start)}{broken}"
    if audit.channel is not None:
        yield f"lead: {audit.channel} at {audit.fs:g} Hz"
    if scale.r_mv is not None:
        step = f", {scale.uv_per_count:.3g} uV per count" if scale.uv_per_count else ""
        turned = f", {len(audit.polarity.turns_s)} turns" if audit.polarity.turns_s else ""
        way = "inverted" if audit.polarity.inverted else "upright"
        yield f"R waves: {scale.r_mv:.3g} {scale.called}{step}, {way}{turned}"
    if signal is not None and audit.channel is not None:
        yield (
            f"signal: {_share(signal.usable_share)} usable, {_share(signal.noise_share)} noise, "
            f"{_share(signal.flat_share + signal.quiet_share)} flat, {_share(signal.missing_share)} missing, "
            f"{_share(signal.saturated_share)} saturated"
        )
    if beats is not None and beats.rate_median_bpm is not None:
        agreed = f", detectors agree {beats.bsqi:.2f}" if beats.bsqi is not None else ""
        rates = f"{beats.rate_low_bpm:.0f} to {beats.rate_high_bpm:.0f}/min"
        yield f"beats: {rates}, median {beats.rate_median_bpm:.0f}{agreed}"


def _channel_lines(audit: Audit, width: int) -> list[str]:
    """A table of the channels; the rates and units in columns as wide as they need."""
    if not audit.channels:
        return []
    shown = audit.channels[:MAX_CHANNELS]
    rows = [(f"{c.fs:g} Hz" if c.fs else "-", c.unit or "-", c.label or "(no label)", _role(c)) for c in shown]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    lines = [f"  {a:>{widths[0]}}  {b:<{widths[1]}}  {c}{f'  ({d})' if d else ''}"[:width] for a, b, c, d in rows]
    more = len(audit.channels) - len(shown)
    n = len(audit.channels)
    return [f"{counted(n, 'channel')}", *lines, *([f"  and {more} more"] if more else [])]


def _role(channel: ChannelFacts) -> str:
    return ", ".join(word for word in (channel.role, "constant" if channel.constant else None) if word)


def _share(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 or share == 0 else "< 1 %"


def _length(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60:02d} min {rest % 60:02d} s"


def _moment(start: str | None) -> str:
    return "an unknown start" if start is None else start.replace("T", " ")


def _bytes(n: int) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 1e6 else f"{n / 1e3:.1f} kB"


def kinds_as_text(width: int = 100) -> str:
    """Every id an audit can report, by topic, with its usual severity, meaning and consequence."""
    lines = []
    for topic in TOPICS:
        lines.append(topic)
        for name, kind in KINDS.items():
            if kind.topic == topic:
                lines += _wrapped(f"{name} ({kind.severity}): {kind.means}; {kind.does}", width, "  ", "      ")
    return "\n".join(lines)
