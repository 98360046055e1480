"""`holter2sleep simulate`: a synthetic night with known truth beside it."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from holter2sleep.cli.number import Number


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write: .edf or .hea."
)
@click.option("--preset", "preset_name", default="sample", show_default=True, help="What happens in the night.")
@click.option("--hours", type=Number(0, 48, min_open=True), help="Length of the night.  [default: the preset's]")
@click.option("--fs", type=Number(50, 4000), help="Sampling rate, Hz.  [default: the preset's]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def simulate(out: Path, preset_name: str, hours: float | None, fs: float | None, seed: int, overwrite: bool) -> None:
    """Write a synthetic overnight ECG, with the truth beside it.

    Presets: healthy, sample (a bit of everything), af, ectopy, apnea, noisy, short (20 min), gaps (EDF+D), clean (no
    noise). Beside NIGHT.edf lie NIGHT.beats.csv, NIGHT.hypnogram.csv, NIGHT.episodes.csv and NIGHT.truth.json.

    \b
    Examples:
      holter2sleep simulate --out night.edf
      holter2sleep simulate --out af.hea --preset af --hours 6 --seed 7
    """  # noqa: D301  click reads the backspace
    import dataclasses

    import numpy as np

    from holter2sleep.errors import OutputError, UsageError
    from holter2sleep.folders import check_writable
    from holter2sleep.simulate import preset, simulate_night
    from holter2sleep.simulate.files import output_paths, write_night

    try:
        plan = preset(preset_name)
        there = [path for path in output_paths(out) if path.exists()]
    except (ValueError, UsageError) as error:
        raise click.UsageError(str(error)) from None
    if there and not overwrite:
        raise click.UsageError(f"{there[0]} exists; choose another --out, or give --overwrite")
    if not out.parent.is_dir():
        raise click.UsageError(f"{out.parent} is not a folder; create it first")
    check_writable(out.parent)
    plan = dataclasses.replace(plan, hours=hours or plan.hours, fs=fs or plan.fs)
    try:
        paths = write_night(out, simulate_night(plan, np.random.default_rng(seed)), seed)
    except OSError as error:
        said = f"{out}: cannot be written ({error.strerror or error})"
        raise OutputError(f"{said}. Make room, or choose another --out") from None
    for path in paths:
        click.echo(str(path))
