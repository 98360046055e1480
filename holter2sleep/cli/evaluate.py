"""`holter2sleep evaluate`: agreement with reference annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import rich_click as click

Rows = Mapping[str, Mapping[str, float | None]]

BOOTSTRAP_DRAWS = 2000
EXISTING = click.Path(exists=True, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def evaluate() -> None:
    """Agreement with reference annotations, by the rules of the field.

    \b
    Example:
      holter2sleep evaluate beats --test nights/ --reference-dir mitdb
    """  # noqa: D301  click reads the backspace


def _inputs(suffix: str) -> Callable[[Any], Any]:
    """The options every subcommand shares: what is tested, against what."""

    def add(command: Any) -> Any:
        for option in reversed(
            [
                click.option(
                    "--test",
                    "tests",
                    type=EXISTING,
                    multiple=True,
                    required=True,
                    help="Night folder, folder of night folders, or file; repeatable.",
                ),
                click.option(
                    "--reference", "references", type=EXISTING, multiple=True, help="Reference file, one for each test."
                ),
                click.option("--reference-dir", type=FOLDER, help="Folder of references named recording id + suffix."),
                click.option("--suffix", default=suffix, show_default=True, help="Ending of the references' names."),
                click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout."),
            ]
        ):
            command = option(command)
        return command

    return add


@evaluate.command()
@_inputs(".atr")
def beats(
    references: tuple[Path, ...], tests: tuple[Path, ...], reference_dir: Path, suffix: str, as_json: bool
) -> None:
    """Beat by beat, by EC57: QRS, VEB and SVEB sensitivity and positive predictivity.

    The first five minutes are not scored. Beats pair within 150 ms. The reference's ventricular flutter and
    fibrillation are left out. A beat missed where the night calls its signal unusable goes to column X.

    Example: holter2sleep evaluate beats --test nights/ --reference-dir mitdb --suffix .atr
    """
    from holter2sleep.evaluate.ec57 import CLASSES, average, gross
    from holter2sleep.evaluate.nights import compare_night_beats
    from holter2sleep.evaluate.pairs import find_pairs

    pairs = find_pairs(tests, references, reference_dir, suffix)
    matrices = {pair.recording_id: compare_night_beats(pair) for pair in pairs}
    records = {name: matrix.measures() for name, matrix in matrices.items()}
    total = gross(list(matrices.values()))
    rows = {**records, "gross": total.measures(), "average": average(list(records.values()))}
    if as_json:
        counts = {name: matrix.counts.tolist() for name, matrix in {**matrices, "gross": total}.items()}
        _echo_json(rows, classes=list(CLASSES), counts=counts, shutdown_s=total.shutdown_s)
        return
    _echo_rates("record", rows)
    click.echo(f"\nGross counts (row: reference, column: test); {total.shutdown_s:.0f} s of shutdown")
    _echo_counts(CLASSES, total.counts)


@evaluate.command()
@_inputs(".atr")
@click.option("--kind", "kinds", multiple=True, default=("AFIB", "AFL"), show_default=True, help="Rhythm; repeatable.")
@click.option("--min-length", default=30.0, show_default=True, help="Shortest episode of the test that counts, s.")
def episodes(
    references: tuple[Path, ...],
    tests: tuple[Path, ...],
    reference_dir: Path,
    suffix: str,
    as_json: bool,
    kinds: tuple[str, ...],
    min_length: float,
) -> None:
    """Episodes of a rhythm, by EC57: sensitivity and positive predictivity of episodes and of their time.

    The first five minutes are not scored; the reference's episodes count whatever their length.

    Example: holter2sleep evaluate episodes --test nights/ --reference-dir mitdb --kind AFIB
    """
    from holter2sleep.evaluate.ec57 import average, gross_episodes
    from holter2sleep.evaluate.nights import compare_night_episodes
    from holter2sleep.evaluate.pairs import find_pairs

    pairs = find_pairs(tests, references, reference_dir, suffix)
    agreements = {pair.recording_id: compare_night_episodes(pair, kinds, min_length) for pair in pairs}
    records = {name: agreement.measures() for name, agreement in agreements.items()}
    total = gross_episodes(list(agreements.values()))
    rows = {**records, "gross": total.measures(), "average": average(list(records.values()))}
    if as_json:
        _echo_json(rows, kinds=list(kinds), min_length_s=min_length, n_reference=total.n_reference, n_test=total.n_test)
        return
    _echo_rates("record", rows)
    click.echo(
        f"\n{' '.join(kinds)}: reference {total.n_reference} episodes, {total.reference_s / 60:.1f} min; "
        f"test {total.n_test} of at least {min_length:g} s, {total.test_s / 60:.1f} min"
    )


@evaluate.command()
@_inputs(".st")
@click.option("--subjects", type=EXISTING, help="CSV with recording_id, subject_id; else each night is a person.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
def stages(
    references: tuple[Path, ...],
    tests: tuple[Path, ...],
    reference_dir: Path,
    suffix: str,
    as_json: bool,
    subjects: Path | None,
    seed: int,
) -> None:
    """Sleep stages, epoch by epoch: kappa, accuracy, macro F1, in the finest scheme both sides can say.

    Unscored and movement epochs are left out and counted. The interval comes from drawing whole subjects.

    Example: holter2sleep evaluate stages --test nights/ --reference-dir slpdb --suffix .st
    """
    import numpy as np

    from holter2sleep.evaluate.nights import compare_night_stages, subjects_of
    from holter2sleep.evaluate.pairs import find_pairs
    from holter2sleep.evaluate.stages import bootstrap_interval, kappa, pooled

    pairs = find_pairs(tests, references, reference_dir, suffix)
    matrices = {pair.recording_id: compare_night_stages(pair) for pair in pairs}
    total = pooled(list(matrices.values()))
    rows = {**{name: matrix.measures() for name, matrix in matrices.items()}, "pooled": total.measures()}
    people = subjects_of(list(matrices), subjects)
    interval = bootstrap_interval(list(matrices.values()), people, kappa, np.random.default_rng(seed), BOOTSTRAP_DRAWS)
    left_out = {"reference_unscored": total.n_reference_unscored, "test_unscored": total.n_test_unscored}
    if as_json:
        facts = {"kappa_95_interval": interval, "n_subjects": len(set(people)), "draws": BOOTSTRAP_DRAWS, "seed": seed}
        _echo_json(rows, classes=total.classes, counts=total.counts.tolist(), **facts, **left_out)
        return
    _echo_rates("night", rows)
    if interval:
        low, high = interval
        who = f"{len(set(people))} subjects, {BOOTSTRAP_DRAWS} draws, seed {seed}"
        click.echo(f"\nPooled kappa {rows['pooled']['kappa']:.3f}, 95 % interval {low:.3f} to {high:.3f} ({who})")
    unscored, unstaged = left_out.values()
    click.echo(f"Left out: {unscored} epochs without a reference stage, {unstaged} not staged by the test")
    click.echo("\nPooled counts (row: reference, column: test)")
    _echo_counts(total.classes, total.counts)


def _echo_json(rows: Rows, **facts: Any) -> None:
    click.echo(json.dumps({"measures": rows, **facts}, indent=1))


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
