"""A synthetic cohort with a planted association: `python -m holter2sleep.simulate.cohort OUT`.

People whose REM sleep is broken more often have more atrial fibrillation; the log of the AF burden grows by SLOPE for
each standard deviation of the log of the breaks. Age raises both a little, sex neither. Some people have two nights.
What is planted stands in `truth.json`; the manifest is what `batch` reads, with the simulated hypnograms as the scored
ones.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from holter2sleep.simulate.files import write_night
from holter2sleep.simulate.night import simulate_night
from holter2sleep.simulate.plan import NightPlan

SLOPE = 0.6  # of ln(AF burden) a standard deviation of ln(REM breaks)
AGE_SLOPE = 0.15  # of both a standard deviation of age
BURDEN_PERCENT, BURDEN_SD = 4.0, 0.5  # typical, and spread of its log that nothing explains
BREAKS_PER_H, BREAKS_SD = 10.0, 0.6
NIGHT_SD = 0.15  # of the logs, from night to night of one person
AGE_YEARS, AGE_SD = 62.0, 8.0
LEAST_PERCENT, MOST_PERCENT = 0.6, 40.0
SHORTEST_AF_S = 120.0
FIRST = datetime(2024, 3, 4, 22, 30)


@dataclass(frozen=True)
class Person:
    """What does not change from night to night."""

    subject_id: str
    age: float
    sex: str
    site: str
    log_breaks: float  # standardised
    log_burden: float  # natural logarithm of percent


def draw_people(n: int, rng: np.random.Generator) -> list[Person]:
    """People in whom the association holds."""
    age = rng.normal(0, 1, n)
    breaks = AGE_SLOPE * age + rng.normal(0, np.sqrt(1 - AGE_SLOPE**2), n)
    burden = np.log(BURDEN_PERCENT) + SLOPE * breaks + AGE_SLOPE * age + rng.normal(0, BURDEN_SD, n)
    traits = zip(age.tolist(), breaks.tolist(), burden.tolist(), strict=True)
    return [
        Person(
            f"p{i + 1:02d}", round(AGE_YEARS + AGE_SD * old, 1), "FM"[i % 2], "AB"[i % 3 == 0], log_breaks, log_burden
        )
        for i, (old, log_breaks, log_burden) in enumerate(traits)
    ]


def night_plan(person: Person, number: int, hours: float, fs: float, rng: np.random.Generator) -> NightPlan:
    """One night of a person: AF placed in a few episodes that together last as long as the burden says."""
    breaks = BREAKS_PER_H * np.exp(BREAKS_SD * person.log_breaks + rng.normal(0, NIGHT_SD))
    percent = float(np.clip(np.exp(person.log_burden + rng.normal(0, NIGHT_SD)), LEAST_PERCENT, MOST_PERCENT))
    return NightPlan(
        hours=hours,
        fs=fs,
        start=FIRST + timedelta(days=7 * (number - 1)),
        age_years=person.age,
        sex="F" if person.sex == "F" else "M",
        heart_rate_bpm=float(rng.normal(60, 4)),
        rem_breaks_per_hour=float(breaks),
        pvc_per_hour=float(rng.gamma(1.0, 3.0)),
        pac_per_hour=float(rng.gamma(1.5, 3.0)),
        af=_episodes(percent / 100 * hours * 3600, hours * 3600, rng),
    )


def _episodes(total_s: float, night_s: float, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """One to three episodes, each in its own third of the night."""
    n = int(np.clip(total_s / SHORTEST_AF_S, 1, 3))
    length_s = total_s / n
    room = max(1 / n - length_s / night_s - 0.01, 0.0)
    return tuple((float(i / n + room * rng.random()), float(length_s)) for i in range(n))


def write_cohort(out: Path, n_subjects: int, n_nights: int, hours: float, fs: float, seed: int) -> Path:
    """Recordings with their truth, and the manifest that names them; the manifest's path."""
    rng = np.random.default_rng(seed)
    people = draw_people(n_subjects, rng)
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n_nights):
        person, visit = people[i % n_subjects], 1 + i // n_subjects
        name = f"{person.subject_id}_{visit}"
        plan = night_plan(person, visit, hours, fs, rng)
        write_night(out / f"{name}.edf", simulate_night(plan, np.random.default_rng([seed, i])), seed)
        rows.append([name, f"{name}.edf", person.subject_id, visit, person.age, person.sex, person.site])
    manifest = out / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["recording_id", "path", "subject_id", "visit", "age", "sex", "site", "hypnogram"])
        writer.writerows([*row, f"{row[0]}.hypnogram.csv"] for row in rows)
    truth = {"seed": seed, "slope": SLOPE, "age_slope": AGE_SLOPE, "people": [asdict(person) for person in people]}
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return manifest


def main() -> None:
    """Write the cohort of the worked example, or one of another size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--fs", type=float, default=128.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    manifest = write_cohort(options.out, options.subjects, options.nights, options.hours, options.fs, options.seed)
    print(manifest)


if __name__ == "__main__":
    main()
