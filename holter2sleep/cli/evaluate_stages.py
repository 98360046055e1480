"""`holter2sleep evaluate stages`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from holter2sleep.cli.evaluate_options import EXISTING, echo_json, inputs, out_option, subject_options, write_reports
from holter2sleep.cli.progress import nights_shown

if TYPE_CHECKING:
    from holter2sleep.evaluate.stage_evaluation import StageEvaluation


class _NamedFolder(click.ParamType):
    """`NAME=FOLDER`."""

    name = "NAME=FOLDER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        """Name and folder.

        Raises
        ------
        click.BadParameter
            No name, or no such folder.
        """
        if isinstance(value, tuple):
            return value
        name, _, folder = value.partition("=")
        if not name or not folder:
            self.fail(f"{value!r}: give NAME=FOLDER", param, ctx)
        if not Path(folder).is_dir():
            self.fail(f"{folder!r} is no folder", param, ctx)
        return name, Path(folder)


@click.command()
@inputs(".st")
@subject_options
@click.option(
    "--groups", type=EXISTING, help="CSV with recording_id and a column for each heading; adds to the groups found."
)
@click.option(
    "--peer",
    "peers",
    type=_NamedFolder(),
    multiple=True,
    help="Other nights or hypnograms of the same recordings, named by recording id; repeatable.",
)
@out_option
def stages(
    references: tuple[Path, ...],
    tests: tuple[Path, ...],
    reference_dir: Path,
    suffix: str,
    as_json: bool,
    subjects: Path | None,
    seed: int,
    groups: Path | None,
    peers: tuple[tuple[str, Path], ...],
    out: Path | None,
) -> None:
    """Sleep stages, epoch by epoch and night by night, in two to five classes as far as both sides can say.

    Kappa, accuracy, F1, each stage, calibration; bias and limits of agreement of the sleep measures; groups by age,
    sex, AHI, AF and quality. Beside it the floors (the commonest stage; a clock of the other subjects' nights) and
    peers, by the epochs both have staged. Unscored and movement epochs are left out and counted. Intervals come from
    drawing whole subjects. A stager that has learned from these nights is flattered here.

    --out writes stages.txt, a CSV for each table and stages.pdf.

    \b
    Examples:
      holter2sleep evaluate stages --test nights/ --reference-dir slpdb
      holter2sleep evaluate stages --test nights/ --reference-dir slpdb \\
        --subjects people.csv --peer mesa=nights_mesa/ --out agreement/
    """  # noqa: D301  click reads the backspace
    from holter2sleep.evaluate.pairs import find_pairs
    from holter2sleep.evaluate.people import subjects_of
    from holter2sleep.evaluate.stage_evaluation import evaluate_stages
    from holter2sleep.evaluate.stage_text import summary_text
    from holter2sleep.evaluate.staged_nights import read_peer, read_staged_night
    from holter2sleep.evaluate.subgroups import groups_told

    pairs = find_pairs(tests, references, reference_dir, suffix)
    names = [pair.recording_id for pair in pairs]
    told: list[dict[str, str]] = groups_told(names, groups) if groups else [{} for _ in names]
    people = subjects_of(names, subjects)
    with nights_shown(len(pairs)) as show:
        nights = []
        for pair, subject, groups_of_night in zip(pairs, people, told, strict=True):
            show(pair.recording_id)
            nights.append(read_staged_night(pair, subject, groups_of_night))
    found = evaluate_stages(nights, [read_peer(*peer, pairs, nights) for peer in peers], seed)
    if out:
        write_reports(out, _files(found))
    if as_json:
        _echo_all(found)
    else:
        click.echo(summary_text(found), nl=False)


def _files(found: StageEvaluation) -> dict[str, str | bytes]:
    """Contents of the reports by name."""
    from holter2sleep.evaluate.stage_text import summary_text
    from holter2sleep.report.agreement import agreement_pdf

    tables = {f"{name}.csv": table.write_csv() for name, table in found.tables.items()}
    return {"stages.txt": summary_text(found), **tables, "stages.pdf": agreement_pdf(found)}


def _echo_all(found: StageEvaluation) -> None:
    """Everything as JSON: rates of the nights in the finest classes, then all tables."""
    from holter2sleep.evaluate.bootstrap import DRAWS
    from holter2sleep.evaluate.stages import kappa

    total, judged = found.total, found.finest
    rates = {name: epochs.matrix.measures() for name, epochs in judged.each}
    echo_json(
        rates,
        classes=total.classes,
        counts=total.counts.tolist(),
        kappa_95_interval=judged.draws.of_sums([epochs.matrix.counts for epochs in judged.epochs], kappa),
        n_subjects=judged.draws.n_subjects,
        draws=DRAWS,
        seed=found.seed,
        reference_unscored=total.n_reference_unscored,
        test_unscored=total.n_test_unscored,
        tables={name: table.to_dicts() for name, table in found.tables.items()},
    )
