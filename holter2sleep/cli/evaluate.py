"""`holter2sleep evaluate`: agreement with reference annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from holter2sleep.cli.evaluate_options import Rows, echo_json, inputs, out_option, subject_options, write_reports
from holter2sleep.cli.evaluate_stages import stages
from holter2sleep.cli.number import Number
from holter2sleep.counted import counted


@click.group()
def evaluate() -> None:
    """Agreement with reference annotations, by the rules of the field.

    \b
    Example:
      holter2sleep evaluate beats --test nights/ --reference-dir mitdb
    """  # noqa: D301  click reads the backspace


def _protocol(*names: str) -> Callable[[Any], Any]:
    """Options that leave the standard; what they change is printed with the result."""
    options = {
        "window": click.option(
            "--window",
            "window_ms",
            type=Number(0, 1000, min_open=True),
            default=150.0,
            show_default=True,
            help="Match window, ms; another than EC57's makes the result non-standard.",
        ),
        "learning": click.option(
            "--learning",
            "learning_s",
            type=Number(0),
            default=300.0,
            show_default=True,
            help="Time at the start that is not scored, s; likewise.",
        ),
        "out": out_option,
    }

    def add(command: Any) -> Any:
        for name in reversed(names):
            command = options[name](command)
        return command

    return add


evaluate.add_command(stages)


@evaluate.command()
@inputs(".atr")
@_protocol("window", "learning", "out")
def beats(
    references: tuple[Path, ...],
    tests: tuple[Path, ...],
    reference_dir: Path,
    suffix: str,
    as_json: bool,
    window_ms: float,
    learning_s: float,
    out: Path | None,
) -> None:
    """Beat by beat and run by run, by EC57: QRS, VEB, SVEB, runs of V and of S, RR intervals, shutdown time.

    The first five minutes are not scored. Beats pair within 150 ms. The reference's ventricular flutter and
    fibrillation are left out. A beat missed where the night calls its signal unusable, or a tested annotation
    file marks a shutdown, goes to column X. --out writes the reports of bxb and rxr.

    Example: holter2sleep evaluate beats --test nights/ --reference-dir mitdb --suffix .atr
    """
    from holter2sleep.evaluate.ec57 import CLASSES, average
    from holter2sleep.evaluate.nights import compare_night_record
    from holter2sleep.evaluate.pairs import find_pairs
    from holter2sleep.evaluate.protocol import Protocol
    from holter2sleep.evaluate.records import gross_agreement
    from holter2sleep.evaluate.reports import beat_files, beat_tables, run_matrices_text

    protocol = Protocol(window_ms / 1000, learning_s)
    pairs = find_pairs(tests, references, reference_dir, suffix)
    records = {pair.recording_id: compare_night_record(pair, protocol) for pair in pairs}
    total = gross_agreement(list(records.values()))
    measures = {name: record.measures() for name, record in records.items()}
    rows = {**measures, "gross": total.measures(), "average": average(list(measures.values()))}
    write_reports(out, beat_files(records, protocol))
    if as_json:
        echo_json(rows, classes=list(CLASSES), **_beat_facts({**records, "gross": total}), protocol=str(protocol))
        return
    _echo_deviations(protocol.deviations)
    _echo_rates("record", rows)
    click.echo(f"\nGross counts (row: reference, column: test); {total.matrix.shutdown_s:.0f} s of shutdown")
    _echo_counts(CLASSES, total.matrix.counts)
    for table in beat_tables(records).values():
        click.echo(f"\n{table.text()}", nl=False)
    for label in total.runs:
        click.echo(f"\nGross: {run_matrices_text(total, label)}", nl=False)


def _beat_facts(records: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON says of each record beside its rates."""
    return {
        "counts": {name: record.matrix.counts.tolist() for name, record in records.items()},
        "shutdown_s": records["gross"].matrix.shutdown_s,
        "record_shutdown_s": {name: record.matrix.shutdown_s for name, record in records.items()},
        "rms_rr_error_ms": {name: record.rr_error.rms_ms for name, record in records.items()},
        "runs": {
            name: {
                label: {
                    "sensitivity": tables.sensitivity.tolist(),
                    "predictivity": tables.predictivity.tolist(),
                    "measures": tables.measures(),
                }
                for label, tables in record.runs.items()
            }
            for name, record in records.items()
        },
    }


@evaluate.command()
@inputs(".atr")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    default=("AFIB", "AFL"),
    show_default=True,
    help="Rhythm code, or AF or VF for all of its codes; repeatable.",
)
@click.option(
    "--min-length",
    type=Number(0),
    default=30.0,
    show_default=True,
    help="Shortest episode of the test that counts, s.",
)
@_protocol("learning", "out")
def episodes(
    references: tuple[Path, ...],
    tests: tuple[Path, ...],
    reference_dir: Path,
    suffix: str,
    as_json: bool,
    kinds: tuple[str, ...],
    min_length: float,
    learning_s: float,
    out: Path | None,
) -> None:
    """Episodes of a rhythm, by EC57: sensitivity and positive predictivity of episodes and of their time.

    The first five minutes are not scored; the reference's episodes count whatever their length. With AFIB alone,
    what the test calls in the reference's atrial flutter is not judged. --out writes the report of epicmp.

    Example: holter2sleep evaluate episodes --test nights/ --reference-dir mitdb --kind AFIB
    """
    from holter2sleep.evaluate.ec57 import average, gross_episodes
    from holter2sleep.evaluate.nights import compare_night_episodes
    from holter2sleep.evaluate.pairs import find_pairs
    from holter2sleep.evaluate.protocol import Protocol
    from holter2sleep.evaluate.reports import episode_table

    protocol = Protocol(learning_s=learning_s)
    pairs = find_pairs(tests, references, reference_dir, suffix)
    agreements = {pair.recording_id: compare_night_episodes(pair, kinds, min_length, protocol) for pair in pairs}
    records = {name: agreement.measures() for name, agreement in agreements.items()}
    total = gross_episodes(list(agreements.values()))
    rows = {**records, "gross": total.measures(), "average": average(list(records.values()))}
    rules = f"{protocol}; {' '.join(kinds)}; episodes of the test of at least {min_length:g} s"
    table = episode_table(agreements, f"Episodes of {' '.join(kinds)}")
    write_reports(out, {"episodes.txt": f"{rules}\n{table.text()}", "episodes.csv": table.csv(protocol=rules)})
    if as_json:
        facts = {"n_reference": total.n_reference, "n_test": total.n_test, "protocol": str(protocol)}
        echo_json(rows, kinds=list(kinds), min_length_s=min_length, **facts)
        return
    _echo_deviations(protocol.deviations)
    _echo_rates("record", rows)
    click.echo(
        f"\n{' '.join(kinds)}: reference {counted(total.n_reference, 'episode')}, {total.reference_s / 60:.1f} min; "
        f"test {total.n_test} of at least {min_length:g} s, {total.test_s / 60:.1f} min"
    )
    click.echo(f"\n{table.text()}", nl=False)


@evaluate.command()
@inputs(".apn")
@subject_options
def minutes(
    references: tuple[Path, ...],
    tests: tuple[Path, ...],
    reference_dir: Path,
    suffix: str,
    as_json: bool,
    subjects: Path | None,
    seed: int,
) -> None:
    """Respiratory minutes: accuracy, sensitivity, specificity, kappa, AUC, calibration error of p_respiratory.

    A reference is a WFDB .apn file, or a CSV with the columns minute (or onset_s) and label (A, N). Minutes that the
    night calls indeterminate are left out and counted (coverage). Intervals come from drawing whole subjects.

    Example: holter2sleep evaluate minutes --test nights/ --reference-dir apnea-ecg --suffix .apn
    """
    import numpy as np

    from holter2sleep.evaluate.bootstrap import DRAWS
    from holter2sleep.evaluate.minutes import accuracy_of, auc_of, interval_by_subject, pooled_minutes
    from holter2sleep.evaluate.nights import compare_night_minutes
    from holter2sleep.evaluate.pairs import find_pairs
    from holter2sleep.evaluate.people import subjects_of

    pairs = find_pairs(tests, references, reference_dir, suffix)
    records = {pair.recording_id: compare_night_minutes(pair) for pair in pairs}
    total = pooled_minutes(list(records.values()))
    rows = {**{name: record.measures() for name, record in records.items()}, "pooled": total.measures()}
    people = subjects_of(list(records), subjects)
    intervals = {
        name: interval_by_subject(list(records.values()), people, measure, np.random.default_rng(seed), DRAWS)
        for name, measure in {"accuracy": accuracy_of, "auc": auc_of}.items()
    }
    n_minutes = {"judged": len(total.reference), "indeterminate": total.n_indeterminate}
    if as_json:
        facts = {"n_subjects": len(set(people)), "draws": DRAWS, "seed": seed, "n_minutes": n_minutes}
        echo_json(rows, **{f"{name}_95_interval": interval for name, interval in intervals.items()}, **facts)
        return
    _echo_rates("night", rows)
    for name, interval in intervals.items():
        _echo_interval(
            name, rows["pooled"][name], interval, f"{counted(len(set(people)), 'subject')}, {DRAWS} draws, seed {seed}"
        )
    click.echo(f"{counted(n_minutes['judged'], 'minute')} judged, {n_minutes['indeterminate']} indeterminate")


def _echo_interval(name: str, value: float | None, interval: tuple[float, float] | None, drawn: str) -> None:
    """A pooled figure with its interval, where there is one."""
    if value is not None and interval:
        low, high = interval
        click.echo(f"\nPooled {name} {value:.3f}, 95 % interval {low:.3f} to {high:.3f} ({drawn})")


def _echo_deviations(deviations: Iterable[str]) -> None:
    """What is not as the standard asks, before anything else."""
    for text in deviations:
        click.echo(f"NOT a standard EC57 result: {text}")


def _echo_rates(first: str, rows: Rows) -> None:
    """A table of shares with one line a record; a rate without denominator is a dash."""
    names = list(next(iter(rows.values())))
    titles = [_short(name) for name in names]
    width = max(len(first), *(len(name) for name in rows))
    click.echo("  ".join([first.ljust(width), *titles]))
    for record, values in rows.items():
        cells = ["-" if values[name] is None else f"{values[name]:.4f}" for name in names]
        padded = (cell.rjust(len(title)) for cell, title in zip(cells, titles, strict=True))
        click.echo("  ".join([record.ljust(width), *padded]))


def _short(name: str) -> str:
    text = name.replace("positive_predictivity", "+P").replace("sensitivity", "Se").replace("_", " ")
    return text.rjust(6)


def _echo_counts(classes: Iterable[str], counts: Any) -> None:
    names = list(classes)
    width = max(7, *(len(str(value)) + 1 for value in counts.ravel()))
    click.echo(" " * 5 + "".join(name.lower().rjust(width) for name in names))
    for name, row in zip(names, counts, strict=True):
        click.echo(name.ljust(5) + "".join(str(value).rjust(width) for value in row))
