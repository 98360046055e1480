"""`holter2sleep audit`: what a file is like before any analysis, and whether there could be one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import rich_click as click

from holter2sleep.cli.number import Number
from holter2sleep.cli.words import UNIT

if TYPE_CHECKING:
    from holter2sleep.audit.check import AuditOptions
    from holter2sleep.audit.facts import Audit

PATH = click.Path(path_type=Path)


def _list_findings(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked:
        from holter2sleep.audit.text import kinds_as_text

        click.echo(kinds_as_text())
        context.exit()


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=PATH)
@click.option("--json", "as_json", is_flag=True, help="One object, or a list for several inputs, on stdout.")
@click.option("--csv", "csv_file", metavar="FILE", type=PATH, help="Also write a table, one row a file.")
@click.option("--channel", metavar="NAME", help="ECG channel.  [default: found]")
@click.option(
    "--fs",
    metavar="HZ",
    type=Number(0, 100_000, min_open=True),
    help="Sampling rate of a file without header.",
)
@click.option("--unit", type=UNIT, help="Unit of the samples, in place of the file's.")
@click.option(
    "--rr-unit",
    type=click.Choice(["auto", "s", "ms"]),
    default="auto",
    show_default=True,
    help="Unit of an RR text.",
)
@click.option("--profile", metavar="NAME", help="Archive it comes from: shhs, mesa, cfs, slpdb, ...")
@click.option("--tz", metavar="ZONE", help="Time zone, such as Europe/Berlin: finds nights of clock changes.")
@click.option(
    "--fix",
    metavar="OUT.edf",
    type=PATH,
    help="Write a compliant copy without name, codes and birth date; its changes in a list beside it.",
)
@click.option("--keep-identity", is_flag=True, help="With --fix: keep name, codes and birth date.")
@click.option("--deidentify", is_flag=True, help="With --fix: keep nothing but sex and clock.")
@click.option("--overwrite", is_flag=True, help="Replace the files of --fix and --csv that are there.")
@click.option(
    "--list-findings",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_findings,
    help="Every id that can be reported, what it means, what is done.",
)
@click.pass_context
def audit(context: click.Context, inputs: tuple[Path, ...], **options: Any) -> None:
    """Check files before any analysis: header, clock, gaps, channels, scale, polarity, signal, identity.

    INPUT is what analyze takes: files, folders, patterns. Looks at all of a short recording, and at stretches evenly
    spread over a long one. Exit code: what analyze would end with (0, 2 no such path, 3 no recording, 4 too little
    signal); of several inputs, the worst.

    \b
    Examples:
      holter2sleep audit night.edf
      holter2sleep audit night.edf --json --tz Europe/Berlin
      holter2sleep audit nights/ --csv audit.csv
      holter2sleep audit shhs1-200001.edf --profile shhs --fix fixed.edf
      holter2sleep audit --list-findings
    """  # noqa: D301  click reads the backspace
    import functools
    import logging
    import sys

    from holter2sleep.errors import UsageError

    if not logging.getLogger().isEnabledFor(logging.INFO):  # what the steps log, the audit says in findings
        ours = logging.getLogger("holter2sleep")
        context.call_on_close(functools.partial(ours.setLevel, ours.level))
        ours.setLevel(logging.ERROR)
    csv_file, fix = options["csv_file"], options["fix"]
    if options["keep_identity"] and options["deidentify"]:
        raise UsageError("--keep-identity and --deidentify exclude one another: choose one")
    if (options["keep_identity"] or options["deidentify"]) and fix is None:
        raise UsageError("--keep-identity and --deidentify belong to --fix OUT.edf")
    if csv_file is not None and (csv_file.exists() or csv_file.is_symlink()) and not options["overwrite"]:
        raise UsageError(f"{csv_file.name}: is there already; choose another name, or give --overwrite")
    _check_outputs(inputs, options)
    audits = list(_each(inputs, options))
    _show(audits, options["as_json"])
    if csv_file is not None:
        _write_table(csv_file, audits)
    codes = [found.exit_code for found in audits]
    if fix is not None:
        _fix(inputs, fix, options)
    sys.exit(max(codes))


def _check_outputs(inputs: tuple[Path, ...], options: dict[str, Any]) -> None:
    """Neither output may be an input, or the other output."""
    from holter2sleep.errors import UsageError

    csv_file, fix = options["csv_file"], options["fix"]
    if csv_file is None:
        return
    if fix is not None and csv_file.absolute() in (fix.absolute(), Path(f"{fix.absolute()}.changes.json")):
        raise UsageError(f"{csv_file.name}: --csv and --fix write different files; choose another name for one")
    if csv_file.exists() and any(path.exists() and path.samefile(csv_file) for path in _paths(inputs, options["fs"])):
        raise UsageError(f"{csv_file.name}: is one of the files to audit, which are never touched; choose another name")


def _each(inputs: tuple[Path, ...], options: dict[str, Any]) -> Iterator[Audit]:
    """The audit of each recording among the inputs; progress of several on stderr."""
    from holter2sleep.audit.check import audit_file
    from holter2sleep.recipe import load_recipe

    asked = _asked(options)
    recipe = load_recipe()
    paths = _paths(inputs, options["fs"])
    for i, path in enumerate(paths, 1):
        if len(paths) > 1:
            click.echo(f"{i}/{len(paths)} {path.name}", err=True)
        yield audit_file(path, asked, recipe)


def _asked(options: dict[str, Any]) -> AuditOptions:
    from holter2sleep.audit.check import AuditOptions
    from holter2sleep.profiles import load_profile
    from holter2sleep.told import known_zone

    return AuditOptions(
        channel=options["channel"],
        fs=options["fs"],
        unit=options["unit"],
        rr_unit=options["rr_unit"],
        profile=load_profile(options["profile"]) if options["profile"] is not None else None,
        tz=known_zone(options["tz"]) if options["tz"] is not None else None,
    )


def _paths(inputs: tuple[Path, ...], fs: float | None) -> list[Path]:
    """Files to audit; an input that holds none is kept, so that its audit says so."""
    from holter2sleep.errors import UsageError
    from holter2sleep.io.inputs import find_inputs

    paths: list[Path] = []
    for given in inputs:
        try:
            paths += find_inputs([given], fs=fs)
        except UsageError:
            paths.append(given)
    return list(dict.fromkeys(paths))


def _show(audits: list[Audit], as_json: bool) -> None:
    import json
    import shutil

    from holter2sleep.audit.text import as_text

    if as_json:
        objects = [found.as_json() for found in audits]
        click.echo(json.dumps(objects[0] if len(objects) == 1 else objects, indent=2, allow_nan=False))
        return
    width = shutil.get_terminal_size().columns
    click.echo("\n\n".join(as_text(found, width) for found in audits))


def _write_table(path: Path, audits: list[Audit]) -> None:
    import errno

    from holter2sleep.audit.table import as_csv
    from holter2sleep.errors import OutputError, UsageError
    from holter2sleep.whole_files import write_bytes

    try:
        write_bytes(path, as_csv(audits).encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        said = f"{path.name}: cannot be written ({error.strerror})"
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO):
            raise OutputError(f"{said}; nothing was changed. Make room, or choose another place") from None
        raise UsageError(f"{said}; choose another place") from None


def _fix(inputs: tuple[Path, ...], out: Path, options: dict[str, Any]) -> None:
    """Write the compliant copy of the one input and say what was changed."""
    from holter2sleep.audit.fix import write_fixed
    from holter2sleep.errors import UsageError

    paths = _paths(inputs, options["fs"])
    if len(paths) != 1:
        raise UsageError(f"--fix writes one file; {len(paths)} inputs were given: fix them one by one")
    identity: Literal["plain", "keep", "drop"] = (
        "keep" if options["keep_identity"] else "drop" if options["deidentify"] else "plain"
    )
    report = write_fixed(paths[0], out, identity, overwrite=options["overwrite"], **_asked(options).reading)
    click.echo(
        f"fixed: {out} ({report.format}, {len(report.changes)} changes; listed in {out.name}.changes.json)", err=True
    )
