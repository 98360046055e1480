"""`holter2sleep export`: finished nights as files that other software reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import rich_click as click

PATH = click.Path(path_type=Path)
FORMATS = ("wfdb", "edf+", "csv", "nsrr-xml", "bids")


@click.command()
@click.argument("night_dirs", nargs=-1, required=True, type=PATH)
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS, case_sensitive=False), required=True, help="What to write."
)
@click.option(
    "--out", type=PATH, default=Path("holter2sleep_export"), show_default=True, help="Folder of the files; made if new."
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there with another content.")
def export(night_dirs: tuple[Path, ...], format_name: str, out: Path, overwrite: bool) -> None:
    """Write beats, episodes and stages of finished nights in a format that other software reads.

    NIGHT_DIR is a folder that analyze made for a night, a folder of such folders, or a pattern. Nothing is detected
    again: its tables are written, as they are.

    \b
    wfdb      ID.atr: beats, rhythms, unreadable signal, at the nearest sample,
              or millisecond where there is no sample clock (ID.qrs where the
              beats have no class); ID.st: stages; ID.hea where there is none
    edf+      ID_annotations.edf: stages, beats, episodes, lights, bad signal
    csv       ID_beats.csv, ID_episodes.csv, ID_epochs.csv
    nsrr-xml  ID-nsrr.xml: stages and episodes
    bids      sub-ID_task-sleep_events.tsv, _hypnogram.tsv, and their .json

    Edited beats go back in with `analyze RECORDING --beats FILE`, stages with `--hypnogram FILE`. Exit code: 0 done,
    2 wrong use, 3 no finished night; of several nights, the worst.

    \b
    Examples:
      holter2sleep export results/night --format wfdb
      holter2sleep export results/ --format edf+ --out annotations
      holter2sleep export "results/n*" --format csv --overwrite
    """  # noqa: D301  click reads the backspace
    import sys

    from holter2sleep.cli.progress import nights_shown
    from holter2sleep.cli.tell import tell
    from holter2sleep.errors import Holter2SleepError
    from holter2sleep.export.write import check_names, check_out, export_night
    from holter2sleep.folders import check_writable
    from holter2sleep.phenotypes.find import find_nights

    folders = find_nights(night_dirs)
    check_names(folders)
    check_out(out)
    check_writable(out)
    said: list[tuple[Callable[[str], None], str]] = []
    code = 0
    with nights_shown(len(folders)) as show:
        for folder in folders:
            show(folder.name)
            try:
                exported = export_night(folder, format_name, out, overwrite)
            except Holter2SleepError as error:
                if len(folders) == 1:
                    raise
                said.append((tell, str(error)))
                code = max(code, error.exit_code)
                continue
            known = "" if exported.written else "  already there"
            said += [(click.echo, f"{path}{known}") for path in exported.paths]
    for say, line in said:  # a line in between would break the bar
        say(line)
    sys.exit(code)
