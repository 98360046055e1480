"""Sentences that say only what the tables hold: value, threshold, denominator, strip."""

from __future__ import annotations

from collections.abc import Callable

from holter2sleep.report.tables import Cell, ReportNight

Rule = Callable[[ReportNight], str | None]


def sentences(night: ReportNight) -> list[str]:
    """One sentence a finding, in the order quality, rhythm, sleep, autonomic; each begins with its rule's id."""
    said = [(name, rule(night)) for name, rule in RULES.items()]
    return [f"{text} [{name}]" for name, text in said if text]


def _analysed(night: ReportNight) -> str:
    return f"in {night.cell('analysable_time').with_unit} analysable"


def _strip(night: ReportNight, words: str) -> str:
    """Pointer to the strip whose reason begins with the words."""
    letters = [
        letter for letter, reason in night.strips.select("strip", "reason").iter_rows() if reason.startswith(words)
    ]
    return f" (strip {letters[0]})" if letters else ""


def _quality(night: ReportNight) -> str | None:
    share = night.cell("analysable_share")
    if not share.ok:
        return "The analysable share of the recording was not assessed."
    recorded = night.cell("recorded_time").with_unit
    return f"{night.cell('analysable_time').with_unit} of {recorded} recorded are analysable ({share.with_unit})."


def _rate(night: ReportNight) -> str | None:
    mean, low, high = (night.cell(f"heart_rate_{name}") for name in ("mean", "min", "max"))
    if not mean.ok:
        return f"Heart rate not assessed: {mean.text}."
    return (
        f"Mean heart rate {mean.with_unit}, lowest {low.with_unit}{_strip(night, 'lowest heart rate')}, "
        f"highest {high.with_unit}{_strip(night, 'highest heart rate')}."
    )


def _pauses(night: ReportNight) -> str | None:
    longest, count = night.cell("longest_pause"), night.cell("n_pauses")
    threshold_s = night.run["recipe"]["resolved"].get("rhythm", {}).get("pause_s")
    if not longest.ok or not count.ok or threshold_s is None:
        return None
    found = f"pauses of at least {threshold_s:g} s {_analysed(night)}: {count.text}"
    return f"Longest RR interval {longest.with_unit}{_strip(night, 'longest pause')}; {found}."


def _ectopy(night: ReportNight) -> str | None:
    v, s = night.cell("n_veb"), night.cell("n_sveb")
    if not v.ok or not s.ok:
        return f"Ectopic beats not assessed: {v.text if not v.ok else s.text}."
    hourly = night.cell("veb_per_hour").with_unit, night.cell("sveb_per_hour").with_unit
    return (
        f"Ventricular ectopic beats {v.text} ({hourly[0]}{_interval(v)}){_strip(night, 'ventricular')}, "
        f"supraventricular {s.text} ({hourly[1]}{_interval(s)}){_strip(night, 'supraventricular')}."
    )


def _interval(cell: Cell) -> str:
    return f"; 95 % {cell.interval}" if cell.interval else ""


def _fibrillation(night: ReportNight) -> str | None:
    burden, count = night.cell("af_burden"), night.cell("n_af_episodes")
    if not burden.ok or not count.ok:
        return f"AF pattern not assessed: {burden.text}."
    if count.value == 0:
        return f"No AF pattern found {_analysed(night)}."
    strip = _strip(night, "onset of AF")
    episodes = "1 episode" if count.value == 1 else f"{count.text} episodes"
    return f"AF pattern in {episodes}, {burden.text} % of the analysable time{strip}."


def _sleep(night: ReportNight) -> str | None:
    tst, se, waso = (night.cell(name) for name in ("tst", "se", "waso"))
    if not tst.ok:
        return f"Sleep not assessed: {tst.text}."
    interval = f" (interval {se.interval} %)" if se.interval else ""
    return (
        f"Sleep, {night.stages_by}: total sleep time {tst.with_unit}, sleep efficiency {se.with_unit}{interval}, "
        f"wake after sleep onset {waso.with_unit}."
    )


def _autonomic(night: ReportNight) -> str | None:
    rmssd, dip = night.cell("rmssd", "nrem"), night.cell("heart_rate_dip")
    parts = [
        f"RMSSD in NREM {rmssd.with_unit}" if rmssd.ok else "",
        f"heart rate falls by {dip.with_unit} from wake to sleep" if dip.ok and (dip.value or 0) > 0 else "",
    ]
    said = "; ".join(part for part in parts if part)
    return f"{said[0].upper()}{said[1:]}." if said else None


RULES: dict[str, Rule] = {
    "R-QUAL-1": _quality,
    "R-RATE-1": _rate,
    "R-PAUSE-1": _pauses,
    "R-ECT-1": _ectopy,
    "R-AF-1": _fibrillation,
    "R-SLEEP-1": _sleep,
    "R-AUT-1": _autonomic,
}
