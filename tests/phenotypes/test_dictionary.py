"""The dictionary and the formulas say the same: every number has one entry, every entry one formula."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re

import pytest
from made_nights import RECIPE, analysed, simulated

from holter2sleep.night import STAGE_STRATA, Night
from holter2sleep.phenotypes import dictionary
from holter2sleep.phenotypes.dictionary import DIMENSIONS, STRATA_SETS, UNITS, Entry, entries_of, load_dictionary
from holter2sleep.phenotypes.measures import FORMULAS

ENTRIES = load_dictionary()
# the names of the contract, on which scripts rely
PROMISED = """heart_rate_mean heart_rate_min heart_rate_max sdnn sdann rmssd pnn50 vlf lf hf lf_hf
n_beats n_veb n_sveb veb_per_hour sveb_per_hour af_burden longest_pause n_pauses tib tst sol waso se rem_latency
n1_min n2_min n3_min rem_min light_min nrem_min n_awakenings respiratory_index cvhr_index heart_rate_dip
analysable_time r_amplitude""".split()
PROMISED_UNITS = {
    **dict.fromkeys(["sdnn", "sdann", "rmssd"], "ms"),
    **dict.fromkeys(["vlf", "lf", "hf"], "ms2"),
    **dict.fromkeys(["pnn50", "af_burden", "se"], "%"),
    "lf_hf": "ratio",
    "r_amplitude": "mV",
    "heart_rate_mean": "bpm",
    "tst": "min",
}


@pytest.fixture(scope="module")
def staged_by_aasm() -> Night:
    """A night whose scheme can say everything."""
    truth = simulated("ectopy", hours=2.0)
    return dataclasses.replace(analysed("ectopy", hours=2.0), hypnogram=truth.hypnogram)


def test_domains_and_formulas_are_the_same_list() -> None:
    assert list(FORMULAS) == list(dict.fromkeys(entry.domain for entry in ENTRIES.values()))


@pytest.mark.parametrize("domain", FORMULAS)
def test_a_formula_returns_the_entries_of_its_domain_and_nothing_else(staged_by_aasm: Night, domain: str) -> None:
    values = FORMULAS[domain](staged_by_aasm, staged_by_aasm, RECIPE).values
    assert set(values) == set(entries_of(domain))


@pytest.mark.parametrize("domain", FORMULAS)
def test_in_a_part_of_the_night_a_formula_returns_what_is_defined_there(staged_by_aasm: Night, domain: str) -> None:
    values = FORMULAS[domain](staged_by_aasm.within("nrem"), staged_by_aasm, RECIPE).values
    defined = {name for name, entry in entries_of(domain).items() if "nrem" in STRATA_SETS[entry.strata]}
    assert defined <= set(values) <= set(entries_of(domain))


def test_the_promised_names_are_there_with_their_units() -> None:
    assert not set(PROMISED) - set(ENTRIES)
    assert {name: ENTRIES[name].unit for name in PROMISED_UNITS} == PROMISED_UNITS


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_an_entry_is_whole(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.name)
    assert entry.unit in UNITS
    assert entry.dimension in DIMENSIONS
    assert entry.transform in {"none", "log", "logit", "rank"}
    assert entry.plausible[0] < entry.plausible[1]
    assert entry.label
    assert entry.definition.endswith(".")
    assert entry.reference
    assert entry.counts
    assert not any(entry.name.endswith(f"_{unit}") for unit in ("ms", "bpm", "mv", "hz")), "units are no part of a name"


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_a_share_of_all_lies_between_0_and_100_and_a_count_is_whole(entry: Entry) -> None:
    if entry.transform == "logit":
        assert (entry.unit, entry.plausible) == ("%", (0.0, 100.0))
    if entry.unit == "count":
        assert (entry.decimals, entry.plausible[0]) == (0, 0.0)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_a_label_leaves_the_unit_to_the_unit(entry: Entry) -> None:
    said = {"count/h": "per hour", "bpm": "bpm", "%": "%"}.get(entry.unit)
    assert said is None or said not in entry.label


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_a_recipe_key_named_in_a_definition_exists(entry: Entry) -> None:
    sections = RECIPE.resolved()
    for section, rest in re.findall(
        rf"\b({'|'.join(k for k in sections if k != 'name')})((?:\.[a-z]\w*)+)", entry.definition
    ):
        value = sections[section]
        for key in rest.strip(".").split("."):
            assert key in value, f"{section}{rest}"
            value = value[key]


def test_an_entry_with_a_word_nobody_knows_is_refused() -> None:
    facts = {key: value for key, value in vars(ENTRIES["sdnn"]).items() if key not in ("name", "domain")}
    with pytest.raises(ValueError, match=r"'made': unknown \['furlong'\]"):
        dictionary._entry("made", "hrv_time", {**facts, "unit": "furlong"})
    with pytest.raises(ValueError, match=r"'made': keys \['colour'\]"):
        dictionary._entry("made", "hrv_time", {**facts, "colour": "red"})


# --- forms -----------------------------------------------------------------------------------------


def test_every_form_names_every_entry() -> None:
    rows = list(csv.DictReader(io.StringIO(dictionary.as_csv())))
    assert [row["name"] for row in rows] == list(ENTRIES)
    assert [row["name"] for row in json.loads(dictionary.as_json())] == list(ENTRIES)
    for name in ENTRIES:
        assert f"| `{name}` |" in dictionary.as_markdown()
        assert re.search(rf"^  {name} ", dictionary.as_text(), re.MULTILINE)


def test_csv_and_json_carry_all_facts() -> None:
    row = next(row for row in csv.DictReader(io.StringIO(dictionary.as_csv())) if row["name"] == "n_veb")
    assert (row["needs"], row["plausible"], row["unit"]) == ("beats beat_classes", "0.0 1000000.0", "count")
    assert set(row) == {field.name for field in dataclasses.fields(Entry)}


def test_every_line_for_the_terminal_fits_it() -> None:
    assert max(map(len, dictionary.as_text(80).splitlines())) <= 80


def test_a_value_is_printed_with_its_digits_and_a_missing_one_as_a_dash() -> None:
    assert ENTRIES["sdnn"].text(41.2345) == "41.2"
    assert ENTRIES["n_veb"].text(14.0) == "14"
    assert ENTRIES["sdnn"].text(None) == "-"


def test_needs_that_are_strata_are_known_to_the_hypnogram() -> None:
    needs = {need for entry in ENTRIES.values() for need in entry.needs}
    assert needs <= {"waveform", "millivolt", "beats", "beat_classes", "stages", *STAGE_STRATA}
