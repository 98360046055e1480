"""Audits of many files as a table: one row a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from holter2sleep.audit.facts import Audit

Row = dict[str, str | int | float | None]


def row_of(audit: Audit) -> Row:
    """A row of the table: what a cohort analyst sorts and filters by. Missing is an empty field."""
    signal, scale, clock = audit.signal, audit.scale, audit.clock
    severities = [f.severity for f in audit.findings]
    inverted = audit.polarity.inverted
    return {
        "file": audit.file,
        "verdict": audit.verdict,
        "exit_code": audit.exit_code,
        "format": audit.container.format,
        "channel": audit.channel,
        "fs": audit.fs,
        "duration_s": _rounded(clock.duration_s, 3),
        "start": clock.start,
        "n_gaps": len(audit.continuity.gaps),
        "gap_s": _rounded(audit.continuity.total_gap_s, 3),
        "unit": scale.unit,
        "scale_to_mv": scale.scale_to_mv,
        "r_mv": _rounded(scale.r_mv, 4),
        "proposed_factor": scale.proposed_factor,
        "uv_per_count": _rounded(scale.uv_per_count, 5),
        "polarity": None if inverted is None else -1 if inverted else 1,
        "n_turns": len(audit.polarity.turns_s),
        "looked_s": _rounded(signal.looked_s if signal else None, 1),
        "usable_share": _rounded(signal.usable_share if signal else None, 4),
        "noise_share": _rounded(signal.noise_share if signal else None, 4),
        "flat_share": _rounded(signal.flat_share if signal else None, 4),
        "quiet_share": _rounded(signal.quiet_share if signal else None, 4),
        "missing_share": _rounded(signal.missing_share if signal else None, 4),
        "saturated_share": _rounded(signal.saturated_share if signal else None, 4),
        "mains_hz": signal.mains_hz if signal else None,
        "bsqi": _rounded(audit.beats.bsqi if audit.beats else None, 3),
        "heart_rate_bpm": _rounded(audit.beats.rate_median_bpm if audit.beats else None, 1),
        "n_errors": severities.count("error"),
        "n_warnings": severities.count("warning"),
        "findings": " ".join(f.id for f in audit.findings if f.severity != "info"),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def as_csv(audits: Iterable[Audit]) -> str:
    """The table as CSV with a header line."""
    rows = [row_of(audit) for audit in audits]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys() if rows else ["file"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _no_formula(value: str | float | None) -> str | float | None:
    """A text that a spreadsheet would run as a formula, behind an apostrophe, which makes it text.

    Examples
    --------
    >>> _no_formula("=cmd().edf"), _no_formula("night.edf"), _no_formula(-1)
    ("'=cmd().edf", 'night.edf', -1)
    """
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
