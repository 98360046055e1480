"""How good the signal of a cohort is, and which numbers are missing: shares, domains, groups, odd nights."""

from __future__ import annotations

import numpy as np
import polars as pl

from holter2sleep.report.cohort.groups import groups_of, names_of
from holter2sleep.report.cohort.layout import CohortLayout, CohortSection
from holter2sleep.report.cohort.spread import draw_histogram, spread_text
from holter2sleep.report.cohort.tables import STATUSES, Cohort
from holter2sleep.report.grid import TEXT_SIZE, Column, paragraph, subheading, table_blocks
from holter2sleep.report.page import INK, MARGIN_MM, SOFT, TEXT_WIDTH_MM, Block, Page, fitting

# Title, column, decimals of the three histograms.
OF_SIGNAL = (
    ("analysable_h", "analysable_time", 1),
    ("analysable_share", "analysable_share", 0),
    ("sqi", "sqi_mean", 2),
)
# Grey and hatching tell the statuses apart without colour.
LOOKS = {
    "ok": ("#1f3b57", ""),
    "insufficient_data": ("#9fb4c8", "////"),
    "not_applicable": ("#e6e6e6", ""),
    "implausible": ("#b5225b", "xxxx"),
    "absent": ("#ffffff", "...."),
}
ODD = ("n_problems", "n_warnings", "n_implausible", "other_version", "other_recipe", "other_scorer", "same_input_as")
DOMAIN_MM, NAME_MM, GROUP_MM = 3.6, 44.0, 46.0


def draw_quality(cohort: Cohort, layout: CohortLayout, section: CohortSection) -> list[Block]:
    """Histograms of the signal, status by domain, groups, and counts of odd nights."""
    return [
        _histograms(cohort),
        subheading(cohort.words("cohort.by_domain")),
        _domains(cohort),
        *_by_group(cohort, layout, section),
        *_odd(cohort),
    ]


def _histograms(cohort: Cohort) -> Block:
    def draw(page: Page, top_mm: float) -> None:
        wide_mm = TEXT_WIDTH_MM / len(OF_SIGNAL)
        for i, (key, name, decimals) in enumerate(OF_SIGNAL):
            left_mm = MARGIN_MM + i * wide_mm
            values = cohort.quality_nights[name].drop_nulls().to_numpy()
            page.text(left_mm, top_mm + 3.2, cohort.words(f"cohort.{key}"), weight="bold")
            page.text(left_mm, top_mm + 6.6, spread_text(cohort, values, decimals), size=6.2, colour=SOFT)
            ax = page.axes(left_mm + 6, top_mm + 8.5, wide_mm - 12, 22)
            draw_histogram(ax, values, cohort.words)

    return Block(37, draw)


def domain_shares(quality: pl.DataFrame) -> pl.DataFrame:
    """Percent of each status by domain, in the order of the dictionary.

    Hours of the night are left out, and the same numbers by other handlings of ectopic beats.
    """
    counts = [pl.col(f"n_{status}").sum() for status in STATUSES]
    return (
        quality.filter(~pl.col("stratum").str.starts_with("hour_"), ~pl.col("domain").str.contains("_(raw|corrected)$"))
        .group_by("domain", maintain_order=True)
        .agg(*counts)
        .with_columns(total=pl.sum_horizontal(f"n_{status}" for status in STATUSES))
        .filter(pl.col("total") > 0)
        .select("domain", *(pl.col(f"n_{status}") * 100 / pl.col("total") for status in STATUSES))
    )


def _domains(cohort: Cohort) -> Block:
    shares = domain_shares(cohort.quality)
    tall_mm = DOMAIN_MM * max(shares.height, 1)

    def draw(page: Page, top_mm: float) -> None:
        _legend(page, top_mm, cohort)
        ax = page.axes(MARGIN_MM + NAME_MM, top_mm + 5, TEXT_WIDTH_MM - NAME_MM - 16, tall_mm)
        ax.set(xlim=(0, 100), ylim=(shares.height - 0.5, -0.5), yticks=[])
        start = np.zeros(shares.height)
        for status in STATUSES:
            part = shares[f"n_{status}"].to_numpy()
            face, hatch = LOOKS[status]
            ax.barh(range(shares.height), part, 0.74, start, color=face, hatch=hatch, edgecolor=SOFT, linewidth=0.3)
            start = start + part
        for i, (domain, ok) in enumerate(shares.select("domain", "n_ok").iter_rows()):
            y_mm = top_mm + 5 + DOMAIN_MM * (i + 0.5) + 0.9
            page.text(MARGIN_MM + NAME_MM - 1.5, y_mm, domain.replace("_", " "), size=6.2, align="right")
            said = f"{cohort.number(ok, 1)} %"
            page.text(MARGIN_MM + TEXT_WIDTH_MM, y_mm, said, size=6.2, colour=SOFT, align="right")

    return Block(tall_mm + 11, draw)


def _legend(page: Page, top_mm: float, cohort: Cohort) -> None:
    ax = page.axes(MARGIN_MM + NAME_MM, top_mm, TEXT_WIDTH_MM - NAME_MM, 4)
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    for i, (status, (face, hatch)) in enumerate(LOOKS.items()):
        x = 0.2 * i
        ax.bar(x, 0.6, 0.02, 0.2, align="edge", color=face, hatch=hatch, edgecolor=SOFT, linewidth=0.4)
        ax.text(x + 0.027, 0.5, cohort.words(f"cohort.status_{status}"), size=6, color=INK, va="center")


def _by_group(cohort: Cohort, layout: CohortLayout, section: CohortSection) -> list[Block]:
    """A row a group of each column: nights, persons, and medians of the signal."""
    words, rows = cohort.words, list[list[str]]()
    nights = cohort.nights.join(cohort.quality_nights, on="recording_id", how="left", maintain_order="left")
    for by in section.by:
        group = groups_of(nights, by, layout.limits)
        for name in [] if group is None else names_of(group, by, layout.limits):
            rows.append(_group_row(cohort, f"{by}: {name}", nights.filter(group == name), layout.limits.smallest_group))
    if not rows:
        return [paragraph(words("cohort.no_groups", names=", ".join(section.by) or "-"))]
    heads = ("head_nights", "head_persons", "analysable_h", "analysable_share", "sqi", "head_ok_share")
    columns = [
        Column(words("cohort.head_group"), GROUP_MM, "left"),
        *(Column(words(f"cohort.{head}"), 22) for head in heads),
    ]
    return [subheading(words("cohort.by_group")), *table_blocks(columns, rows)]


def _group_row(cohort: Cohort, name: str, nights: pl.DataFrame, smallest: int) -> list[str]:
    name, n_persons = fitting(name, GROUP_MM - 3, TEXT_SIZE), nights["subject"].n_unique()
    if n_persons < smallest:
        return [name, "", cohort.words("cohort.fewer", n=smallest), *[""] * 4]
    shown = (("analysable_time", 1), ("analysable_share", 0), ("sqi_mean", 2), ("ok_share", 0))
    medians = [cohort.number(nights.select(pl.col(key).median()).item(), decimals) for key, decimals in shown]
    return [name, cohort.words.whole(nights.height), cohort.words.whole(n_persons), *medians]


def odd_nights(quality_nights: pl.DataFrame) -> dict[str, int]:
    """How many nights are odd, by what is odd about them."""
    counts = {name: _is_odd(name, quality_nights.schema[name]).sum() for name in ODD}
    return quality_nights.select(**counts).row(0, named=True)


def _is_odd(name: str, kind: pl.DataType) -> pl.Expr:
    if name == "n_warnings":  # every night that a model staged has one: how far that model is validated
        return pl.col(name) > pl.col(name).min()
    return pl.col(name).is_not_null() if kind == pl.String else pl.col(name).cast(pl.Boolean)


def _odd(cohort: Cohort) -> list[Block]:
    rows = [
        [cohort.words(f"cohort.odd_{name}"), cohort.words.whole(n)]
        for name, n in odd_nights(cohort.quality_nights).items()
    ]
    columns = [Column(cohort.words("cohort.odd"), 120, "left"), Column(cohort.words("cohort.head_nights"), 24)]
    return table_blocks(columns, rows)
