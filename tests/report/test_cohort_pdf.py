"""The PDF of a cohort: what it says is what the tables hold, small groups are hidden, nothing leaves the page."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_runs import ok, run
from drawn_nights import Drawn
from pypdf import PdfReader

from benchmarks.synthetic_nights import epoch_rows, write_night
from holter2sleep.assets import asset
from holter2sleep.cohort.association.results import ASSOCIATION_SCHEMA
from holter2sleep.cohort.audit import AUDIT_SCHEMA
from holter2sleep.errors import RecipeError, RecordingError
from holter2sleep.phenotypes.dictionary import load_dictionary
from holter2sleep.report.cohort.distributions import group_rows
from holter2sleep.report.cohort.groups import band_names, groups_of, hedges_g, names_of
from holter2sleep.report.cohort.heat_map import cell_of
from holter2sleep.report.cohort.layout import read_cohort_layout
from holter2sleep.report.cohort.outliers import OUTLIER_SCHEMA, outliers
from holter2sleep.report.cohort.pdf import SECTIONS, write_cohort_report
from holter2sleep.report.cohort.quality_section import domain_shares, odd_nights
from holter2sleep.report.cohort.stages import hourly_chances, partition_of, shares_of
from holter2sleep.report.cohort.tables import QUALITY_NIGHTS, STATUSES, read_cohort
from holter2sleep.report.page import HEIGHT_MM, WIDTH_MM, text_width_mm
from holter2sleep.report.words import load_words

LAYOUT = read_cohort_layout(None, SECTIONS)
LIMITS = LAYOUT.limits
ENTRIES = load_dictionary()
PERSONS, FAR = 12, "p03_1"
STAGES = "W" * 60 + "2" * 400 + "3" * 200 + "R" * 180 + "1" * 60
ENGLISH_LEFT = ("Flow", "Quality", "persons", "Median of", "Group", "Definitions of", "page ", "Limits")


def numbers(person: int, night: int) -> dict[tuple[str, str], float | None]:
    """Numbers that grow with the person; one night is far out."""
    rate = 58.0 + person + 0.5 * night
    found: dict[tuple[str, str], float | None] = {
        ("heart_rate_mean", "night"): 190.0 if f"p{person:02d}_{night}" == FAR else rate,
        **{("heart_rate_mean", stratum): rate - i for i, stratum in enumerate(("wake", "rem", "nrem"))},
        ("tst", "night"): None if person == 5 else 400.0 + 5 * person,
        ("wake_min", "night"): 30.0 + person,
        ("rem_min", "night"): 90.0,
        ("n1_min", "night"): 30.0,
        ("n2_min", "night"): 200.0,
        ("n3_min", "night"): 100.0 - person,
    }
    return found


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of each of twelve persons at two sites, of which B has only four, gathered and drawn."""
    out = tmp_path_factory.mktemp("cohort") / "out"
    rows = []
    for person in range(PERSONS):
        for night in (1, 2):
            name, sex = f"p{person:02d}_{night}", "FM"[person % 2]
            facts = {"subject": {"age": 30.0 + 3 * person, "sex": sex}}
            write_night(out, name, numbers(person, night), epochs=epoch_rows(STAGES), **facts)
            rows.append((name, f"s{person:02d}", night, "B" if person < 4 else "A"))
    (out / FAR / "report.pdf").write_bytes(b"%PDF-")
    (out / "batch").mkdir()
    schema = ["recording_id", "subject_id", "visit", "site"]
    pl.DataFrame(rows, schema, orient="row").write_parquet(out / "batch" / "manifest.parquet")
    ok("cohort", out)
    return out


@pytest.fixture(scope="session")
def pages(made: Path) -> Drawn:
    return Drawn(made / "cohort" / "cohort.pdf")


def changed(made: Path, tmp_path: Path) -> Path:
    """A copy of the cohort's tables without its nights."""
    shutil.copytree(made / "cohort", tmp_path / "cohort")
    return tmp_path


# --- figures ---------------------------------------------------------------------------------------


def scaled(n: int, mean: float, sd: float) -> np.ndarray:
    values = np.random.default_rng(n).normal(size=n)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


def test_hedges_g_is_that_of_the_textbook() -> None:
    # Borenstein et al. 2009, Introduction to Meta-Analysis, p. 26 to 27: d = 0.5970, J = 0.9923, g = 0.5924
    ours = scaled(50, 103, 5.5)
    found = hedges_g(ours, 100 + 4.5 * (ours - 103) / 5.5)
    assert found is not None
    assert found.g == pytest.approx(0.5924, abs=5e-5)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(np.sqrt(0.0418), abs=5e-4)


def test_hedges_g_by_hand() -> None:
    found = hedges_g(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))  # d = 2 / sqrt(2.5), J = 0.8
    assert found is not None
    assert found.g == pytest.approx(0.8 * 2 / np.sqrt(2.5))
    assert found.high - found.g == pytest.approx(1.959964 * np.sqrt(6 / 9 + found.g**2 / 12))


def test_interval_of_hedges_g_holds_the_planted_effect_about_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(4), 0
    for _ in range(400):
        found = hedges_g(rng.normal(0.5, 1, 20), rng.normal(0, 1, 30))
        assert found is not None
        held += found.low <= 0.5 <= found.high
    assert 366 <= held <= 394  # 380 expected; 3 SD of a binomial are 13


@pytest.mark.parametrize(("ours", "others"), [([1.0], [1.0, 2.0]), ([2.0, 2.0], [2.0, 2.0]), ([], [1.0, 2.0])])
def test_no_effect_size_without_two_in_each_group_and_a_spread(ours: list[float], others: list[float]) -> None:
    assert hedges_g(np.array(ours), np.array(others)) is None


def persons(n_of: dict[str, int], **columns: list[float]) -> pl.DataFrame:
    site = [name for name, n in n_of.items() for _ in range(n)]
    value = [float(i) for i in range(len(site))]
    return pl.DataFrame({"site": site, "rmssd__night": value, "tst__night": value, **columns})


def test_group_of_four_is_hidden_and_of_five_is_shown() -> None:
    small, large = group_rows(persons({"A": 4, "B": 5}), ENTRIES["tst"], "night", ("site",), LIMITS)
    assert (small.name, small.quartiles, small.effect) == ("site: A", None, None)
    assert (large.n, large.quartiles) == (5, (5.0, 6.0, 7.0))
    assert large.effect is None  # the other side is too small to be told
    all_shown = dataclasses.replace(LIMITS, smallest_group=0)
    told = group_rows(persons({"A": 4, "B": 5}), ENTRIES["tst"], "night", ("site",), all_shown)
    assert [row.quartiles is not None for row in told] == [True, True]
    assert told[0].effect is not None
    assert told[1].effect is not None
    assert told[0].effect.g == pytest.approx(-told[1].effect.g)


def test_column_with_one_group_has_no_rows() -> None:
    assert group_rows(persons({"A": 9}), ENTRIES["tst"], "night", ("site", "device"), LIMITS) == []


def test_effect_is_of_logarithms_where_these_are_modelled_and_nothing_is_zero() -> None:
    table = persons({"A": 6, "B": 6}, rmssd__night=[float(2**i) for i in range(12)])
    found = group_rows(table, ENTRIES["rmssd"], "night", ("site",), LIMITS)[1].effect
    by_hand = hedges_g(np.arange(6, 12) * np.log(2), np.arange(6) * np.log(2))
    assert found is not None
    assert by_hand is not None
    assert found.g == pytest.approx(by_hand.g)


def test_ages_lie_in_half_open_bands() -> None:
    table = pl.DataFrame({"age": [17.9, 18.0, 39.9, 40.0, 75.0, None]})
    group = groups_of(table, "age", LIMITS)
    assert group is not None
    names = band_names(LIMITS.age_bands)
    assert group.to_list() == [names[0], names[1], names[1], names[2], names[4], None]
    assert names_of(group, "age", LIMITS) == [names[0], names[1], names[2], names[4]]


def test_of_many_groups_the_largest_are_shown() -> None:
    group = pl.Series("site", ["rare", *(f"s{i}" for i in range(8) for _ in range(2))])
    assert names_of(group, "site", LIMITS) == [f"s{i}" for i in range(8)]


# --- heat map --------------------------------------------------------------------------------------


def test_cell_is_the_median_difference_within_persons_in_spreads_between_them() -> None:
    night = np.array([50.0, 55, 60, 65, 70])
    table = pl.DataFrame({"heart_rate_mean__night": night, "heart_rate_mean__rem": night + 2 * night.std(ddof=1)})
    cell = cell_of(table, ENTRIES["heart_rate_mean"], "rem", 5)
    assert (cell.n, cell.why) == (5, "")
    assert cell.z == pytest.approx(2.0)


def test_cell_of_a_phenotype_modelled_by_logarithms_does_not_depend_on_its_unit() -> None:
    night = np.array([10.0, 20, 30, 60, 90])
    cells = [
        cell_of(pl.DataFrame({"rmssd__night": k * night, "rmssd__rem": 2 * k * night}), ENTRIES["rmssd"], "rem", 5).z
        for k in (1, 1000)
    ]
    assert cells[0] == pytest.approx(np.log(2) / np.log(night).std(ddof=1))
    assert cells[0] == pytest.approx(cells[1])


@pytest.mark.parametrize(
    ("name", "stage", "night", "why"),
    [
        ("tst", [1.0] * 6, [1.0] * 6, "undefined"),
        ("heart_rate_mean", [60.0] * 4, [61.0, 62, 63, 64], "few"),
        ("heart_rate_mean", [None] * 6, [61.0] * 6, "nobody"),
        ("heart_rate_mean", [60.0] * 6, [61.0] * 6, "constant"),
    ],
)
def test_cell_without_a_number_says_why(name: str, stage: list[float | None], night: list[float], why: str) -> None:
    table = pl.DataFrame(
        {f"{name}__rem": stage, f"{name}__night": night}, schema_overrides={f"{name}__rem": pl.Float64}
    )
    cell = cell_of(table, ENTRIES[name], "rem", 5)
    assert (cell.z, cell.why) == (None, why)


# --- outliers --------------------------------------------------------------------------------------


def test_planted_outliers_are_named_and_no_other() -> None:
    values = [*(400.0 + i for i in range(9)), 40.0]
    nights = pl.DataFrame({"recording_id": [f"n{i}" for i in range(10)], "tst__night": values})
    out = pl.DataFrame({"recording_id": ["x"], "column": ["tst__night"], "value": [99999.0]})
    found = outliers(nights, out, ["tst__night"], 3.0)
    assert found["recording_id"].to_list() == ["x", "n9"]
    low, high = np.quantile(values, (0.25, 0.75))
    assert found["distance"].to_list() == [None, pytest.approx((low - 40) / (high - low))]


def test_number_that_most_nights_share_has_no_outliers() -> None:
    nights = pl.DataFrame({"recording_id": list("abcdefgh"), "n_pauses__night": [0.0] * 7 + [9.0]})
    found = outliers(nights, pl.DataFrame(schema={"recording_id": pl.String, "column": pl.String, "value": pl.Float64}),
                     ["n_pauses__night"], 3.0)  # fmt: skip
    assert found.equals(pl.DataFrame(schema=OUTLIER_SCHEMA))


# --- stages and quality ----------------------------------------------------------------------------


def test_shares_add_up_and_the_partition_is_that_of_most_persons() -> None:
    five = {"wake_min__night": [10.0, 0.0], "rem_min__night": [30.0, 20], "n1_min__night": [10.0, None]}
    table = pl.DataFrame(five | {"n2_min__night": [30.0, None], "n3_min__night": [20.0, None],
                                 "light_min__night": [40.0, None], "nrem_min__night": [60.0, 80]})  # fmt: skip
    assert list(partition_of(table)) == ["W", "R", "NREM"]
    shares = shares_of(table, partition_of(table))
    assert shares.rows() == [(0.0, 0.2, 0.8), (0.1, 0.3, 0.6)]
    assert list(partition_of(table.head(1))) == ["W", "R", "N1", "N2", "N3"]


def test_hours_count_from_lights_off_and_each_person_once(tmp_path: Path) -> None:
    for name, stages in (("a1", "W" * 140), ("a2", "2" * 140), ("b1", "2" * 140)):  # lights-off after 20 epochs
        write_night(tmp_path, name, epochs=epoch_rows(stages))
    nights = pl.DataFrame({"recording_id": ["a1", "a2", "b1", "gone"], "subject": ["a", "a", "b", "c"]})
    hours = hourly_chances(tmp_path, nights, ["N2", "W"], 2)
    assert hours.rows() == [(0, 0.75, 0.25, 2)]
    assert hourly_chances(tmp_path, nights, ["N2", "W"], 3).is_empty()


def test_status_shares_are_of_all_nights_but_not_of_hours() -> None:
    counts = {
        "n_ok": [8, 0],
        "n_insufficient_data": [1, 9],
        "n_not_applicable": [0, 0],
        "n_implausible": [1, 0],
        "n_absent": [0, 1],
    }
    table = pl.DataFrame({"domain": ["rate", "rate"], "stratum": ["night", "hour_01"], **counts})
    assert domain_shares(table).row(0) == ("rate", 80.0, 10.0, 0.0, 10.0, 0.0)
    assert domain_shares(table).columns[1:] == [f"n_{status}" for status in STATUSES]


def test_odd_nights_are_counted_by_what_is_odd() -> None:
    nothing = dict.fromkeys(QUALITY_NIGHTS) | {"n_warnings": 0}
    rows = [nothing | {"other_version": True}, nothing | {"n_warnings": 3, "same_input_as": "a"}]
    counts = odd_nights(pl.DataFrame(rows, QUALITY_NIGHTS))
    assert {name: n for name, n in counts.items() if n} == {"n_warnings": 1, "other_version": 1, "same_input_as": 1}


def test_a_warning_that_every_night_has_makes_none_odd() -> None:
    nothing = {"n_warnings": 1, "n_problems": 0, "n_implausible": 0}
    nothing |= dict.fromkeys(("other_version", "other_recipe", "other_scorer"), False)
    assert not any(odd_nights(pl.DataFrame([nothing] * 3, QUALITY_NIGHTS)).values())
    assert odd_nights(pl.DataFrame([nothing, nothing | {"n_warnings": 2}], QUALITY_NIGHTS))["n_warnings"] == 1
    assert not any(odd_nights(pl.DataFrame(schema=QUALITY_NIGHTS)).values())


# --- pages -----------------------------------------------------------------------------------------


def test_pages_say_the_numbers_of_the_tables(made: Path, pages: Drawn) -> None:
    nights = pl.read_parquet(made / "cohort" / "nights.parquet")
    assert "24 recordings of 12 persons" in pages.text
    assert "24 nights of 12 persons" in pages.text
    low, middle, high = (nights["tst__night"].drop_nulls().quantile(q, "linear") for q in (0.25, 0.5, 0.75))
    assert f"n 22, median {middle:.1f} ({low:.1f} to {high:.1f}); persons 11" in pages.text
    hashes = json.loads((made / "cohort" / "flow.json").read_text(encoding="utf-8"))["made_by"]
    assert f"recipe, SHA-256: {next(iter(hashes['recipe_sha256']))} (24 nights)" in pages.text


def test_site_with_four_persons_is_not_told(pages: Drawn) -> None:
    quality = next(page for page in pages.pages if "Signal by group" in page)
    assert "site: B < 5\n" in quality
    assert "site: A 16 8 7.5 95 " in quality


def links_of(reader: PdfReader) -> list[str]:
    return [note.get_object()["/A"]["/URI"] for page in reader.pages for note in page.get("/Annots", [])]


def test_far_out_night_leads_to_its_report(made: Path, pages: Drawn) -> None:
    links = links_of(pages.reader)
    assert links == [f"../{FAR}/report.pdf"]
    assert (made / "cohort" / links[0]).is_file()


def test_bookmarks_are_the_sections_and_the_document_is_named(pages: Drawn) -> None:
    titles = [mark.title for mark in pages.reader.outline]
    assert titles == [section.title for section in LAYOUT.section if section.title]
    assert pages.reader.metadata is not None
    assert pages.reader.metadata.title == "Cohort report: 24 nights of 12 persons"
    assert pages.reader.trailer["/Root"]["/Lang"] == "en"


def test_every_number_shown_is_defined(pages: Drawn) -> None:
    words = pages.text
    assert [name for name, _ in LAYOUT.shown if f"{name}:" not in words] == []


def test_what_is_not_there_says_so(pages: Drawn) -> None:
    assert "No audit yet" in pages.text
    assert "No study yet" in pages.text
    assert "no night has it" in pages.text
    assert "Groups that the manifest does not name: device." in pages.text


def test_same_tables_give_the_same_bytes(made: Path) -> None:
    files = [write_cohort_report(made).read_bytes() for _ in range(2)]
    assert files[0] == files[1]


def test_long_names_of_groups_and_nights_are_cut(made: Path, tmp_path: Path) -> None:
    folder, site = changed(made, tmp_path), "Hospital of the University of a Town with a Very Long Name Indeed"
    for name in ("nights", "subjects"):
        path = folder / "cohort" / f"{name}.parquet"
        pl.read_parquet(path).with_columns(site=pl.col("site").replace("A", site)).write_parquet(path)
    found = Drawn(write_cohort_report(folder))
    assert "site: Hospital" in found.text
    assert site not in found.text
    ends = [x_mm + text_width_mm(text, size) for text, size, x_mm, _ in found.places if text.startswith("site: H")]
    assert max(ends) < 15 + 94 - 4  # before the number of persons


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_text_leaves_the_page(made: Path, tmp_path: Path, language: str) -> None:
    found = Drawn(write_cohort_report(changed(made, tmp_path), language=language))
    for text, size, x_mm, y_mm in found.places:
        assert x_mm > 4.0, text
        assert x_mm + text_width_mm(text, size) < WIDTH_MM - 4.0, text
        assert 4.0 < y_mm < HEIGHT_MM - 4.0, text
    if language == "de":
        assert "Nur für die Forschung, nicht zur Diagnose" in found.text
        assert [word for word in ENGLISH_LEFT if word in found.text] == []


def test_audit_and_exclusions_are_drawn_when_they_are_there(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "out")
    rule = '[[step]]\nname = "tst"\nmeasure = "tst__night"\nat_least = 410\nunknown = "exclude"\nreason = "planted"\n'
    (tmp_path / "rules.toml").write_text(rule, encoding="utf-8")
    ok("cohort", folder, "--exclude", tmp_path / "rules.toml", "--no-report")
    ok("cohort", "audit", folder, "--by", "sex")
    ok("cohort", "report", folder)
    flow = json.loads((folder / "cohort" / "flow.json").read_text(encoding="utf-8"))
    words = Drawn(folder / "cohort" / "cohort.pdf").text
    assert flow["excluded"] > 0
    assert f"{flow['excluded']} nights left out" in words
    assert "tst: planted" in words
    assert words.count(f"n {flow['nights']}, median 7.5") == 1  # of the nights kept
    assert "No audit yet" not in words


def test_differences_that_the_audit_tells_are_drawn_the_largest_first_and_small_groups_hidden(
    made: Path, tmp_path: Path
) -> None:
    folder = changed(made, tmp_path)
    names = ("group", "measure", "n_subjects", "difference", "flagged")
    rows = [
        ("F", "usable_share", 40, -12.5, True),
        ("M", "missing__rmssd", 41, 25.25, True),
        ("X", "usable_share", 2, 60.0, True),  # two persons
        ("F", "analysable_time", 40, 1.0, False),
    ]
    told = {"value": 50.0, "rest": 62.5, "difference_low": -20.0, "difference_high": -5.0, "q": 0.004, "margin": 5.0}
    planted = [{**dict(zip(names, row, strict=True)), "attribute": "sex", "status": "ok", **told} for row in rows]
    pl.DataFrame(planted, AUDIT_SCHEMA).write_csv(folder / "cohort" / "audit.csv")
    words = Drawn(write_cohort_report(folder)).text
    first, second = words.index("sex M: missing: RMSSD"), words.index("sex F: usable share")
    assert first < second
    row = words[second:].replace("\N{MINUS SIGN}", "-").split()
    assert row[4:11] == ["40", "50.00", "62.50", "-12.50", "(-20.00", "to", "-5.00)"]
    assert "sex X" not in words
    assert "sex F: analysable time" not in words


def test_what_nobody_differs_in_is_not_counted_as_tested(made: Path, tmp_path: Path) -> None:
    folder = changed(made, tmp_path)
    row = {
        "attribute": "sex",
        "group": "F",
        "measure": "usable_share",
        "n_subjects": 40,
        "status": "ok",
        "flagged": False,
    }
    pl.DataFrame([{**row, "q": 0.5}, row, {**row, "status": "too_few"}], AUDIT_SCHEMA).write_csv(
        folder / "cohort" / "audit.csv"
    )
    assert "sex 1 3 1 1 0" in " ".join(Drawn(write_cohort_report(folder)).text.split())


def test_all_nights_left_out_is_a_report_that_says_so(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "out")
    rule = '[[step]]\nname = "none"\nmeasure = "tst__night"\nat_least = 9999\nunknown = "exclude"\nreason = "planted"\n'
    (tmp_path / "rules.toml").write_text(rule, encoding="utf-8")
    ok("cohort", folder, "--exclude", tmp_path / "rules.toml")
    words = Drawn(folder / "cohort" / "cohort.pdf").text
    assert "0 nights of 0 persons" in words
    assert "no night is in the tables" in words


def test_without_a_report_none_is_made_and_an_older_one_is_told(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "out")
    old = (folder / "cohort" / "cohort.pdf").read_bytes()
    assert "cohort.pdf is of earlier tables" in ok("cohort", folder, "--no-report").output
    assert (folder / "cohort" / "cohort.pdf").read_bytes() == old
    (folder / "cohort" / "cohort.pdf").unlink()
    ok("cohort", folder, "--no-report")
    assert not (folder / "cohort" / "cohort.pdf").exists()


def write_study(folder: Path, rows: pl.DataFrame, sha256: str) -> None:
    (folder / "associations").mkdir()
    rows.write_parquet(folder / "associations" / "associations.parquet")
    facts = {"title": "Planted study", "cohort": {"sha256": sha256}}
    (folder / "associations" / "study.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "associations" / "methods.md").write_text("# Methods\n\n**First.** Planted words.\n", encoding="utf-8")


def test_study_is_drawn_with_its_surest_exposures_and_its_methods(made: Path, tmp_path: Path) -> None:
    folder, rows = changed(made, tmp_path), associations(30)
    write_study(folder, rows, hashlib.sha256((folder / "cohort" / "nights.parquet").read_bytes()).hexdigest())
    words = Drawn(write_cohort_report(folder)).text
    assert "Planted study" in words
    assert "First. Planted words." in words
    assert "m: the 20 exposures with the smallest p, of 29 with an estimate, of 30 tested." in words
    assert "Odds ratio per SD" in words
    assert "made from other tables" not in words
    named = {label for label in rows["label"] if label in words}
    surest = rows.drop_nulls("p").sort("p")["label"]
    assert set(surest.head(20)) <= named
    assert not named & set(surest.tail(9))


def test_study_of_other_tables_or_without_an_estimate_says_so(made: Path, tmp_path: Path) -> None:
    folder = changed(made, tmp_path)
    write_study(folder, associations(3, p=None, estimate=None, status="too_few"), "of another table")
    words = Drawn(write_cohort_report(folder)).text
    assert "made from other tables" in words
    assert "m: none of 3 exposures has an estimate" in words


def associations(n: int, **changes: object) -> pl.DataFrame:
    """A model of `n` exposures, the last without an estimate."""
    rows = [
        {
            **dict.fromkeys(ASSOCIATION_SCHEMA),
            "model": "m",
            "outcome": "sbp",
            "exposure": f"x{i}__night",
            "kind": "main",
            "label": f"exposure<{i}>",
            "scale": "log odds ratio",
            "per": "1 SD (2 ms)",
            "fdr_family": "m",
            "n": 100,
            "n_events": 40,
            "estimate": 0.1 * i,
            "ci_low": 0.1 * i - 0.2,
            "ci_high": 0.1 * i + 0.2,
            "std_error": 0.1,
            "p": 0.9 / (i + 1),
            "q": 0.95,
            "status": "ok",
            **({"p": None, "q": None, "estimate": None, "status": "separated"} if i == n - 1 else {}),
            **changes,
        }
        for i in range(n)
    ]
    return pl.DataFrame(rows, ASSOCIATION_SCHEMA)


# --- bad input -------------------------------------------------------------------------------------


def test_folder_without_a_cohort_is_told(tmp_path: Path) -> None:
    result = run("cohort", "report", tmp_path)
    assert result.exit_code == 3
    assert "cohort/flow.json is missing" in result.output


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("quality.csv", b"x\n1\n"),
        ("nights.parquet", b"x\n1\n"),
        ("reliability.csv", b""),
        ("flow.json", b"{"),
        ("flow.json", b"[]"),
        ("flow.json", b'{"entered": 3}'),
    ],
)
def test_broken_table_is_told_and_the_older_pdf_stays(made: Path, tmp_path: Path, name: str, content: bytes) -> None:
    folder = changed(made, tmp_path)
    old = (folder / "cohort" / "cohort.pdf").read_bytes()
    (folder / "cohort" / name).write_bytes(content)
    with pytest.raises(RecordingError, match="a table of its cohort or study is missing or broken"):
        write_cohort_report(folder)
    assert (folder / "cohort" / "cohort.pdf").read_bytes() == old


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('draw = "heat_map"', 'draw = "heatmap"', "'heatmap' is unknown; did you mean 'heat_map'"),
        ('"sample_entropy"', '"sample_entropi"', "did you mean 'sample_entropy'"),
        ("age_bands = [18, 40, 60, 75]", "age_bands = [40, 18]", "give rising ages"),
        ("age_bands = [18, 40, 60, 75]", 'age_bands = ["40"]', "age_bands 1: expected a number"),
        ("smallest_group = 5", "smallest_group = 5.5", "expected a whole number"),
        ("smallest_group = 5", "smallest_grup = 5", "did you mean 'smallest_group'"),
        ('strata = ["wake", "n1",', 'strata = ["wak", "n1",', "did you mean 'wake'"),
    ],
)
def test_layout_that_cannot_be_used_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = asset("reports", "cohort.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "mine.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        read_cohort_layout(tmp_path / "mine.toml", SECTIONS)


def test_only_columns_that_are_shown_are_read(made: Path) -> None:
    cohort = read_cohort(made, LAYOUT, load_words())
    assert set(cohort.nights.columns) == {"recording_id", "subject", "sex", "age", "site", *LAYOUT.columns}


def test_links_lead_nowhere_where_there_is_no_report(made: Path, tmp_path: Path) -> None:
    assert links_of(PdfReader(write_cohort_report(changed(made, tmp_path)))) == []
