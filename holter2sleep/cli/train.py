"""`holter2sleep train`: networks taught on recordings of one's own."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from holter2sleep.cli.number import Number


@click.group()
def train() -> None:
    """Teach networks on recordings of your own.

    \b
    Example:
      holter2sleep train encoder nights/ --noise nstdb --out my-encoder
      holter2sleep train head scored/ --encoder my-encoder/encoder.safetensors --out my-head
    """  # noqa: D301  click reads the backspace


@train.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@click.option(
    "--noise",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder of the MIT-BIH Noise Stress Test database (em, ma, bw).",
)
@click.option(
    "--split",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV with recording_id, subject, part (fit or test).  [default: a fifth of the recordings is for testing]",
)
@click.option(
    "--simulated", type=click.IntRange(min=0), default=100, show_default=True, help="Synthetic stretches to add."
)
@click.option(
    "--rhythms",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Annotated beats (WFDB .atr, or .mat of afdb_rr) for stretches composed with the shapes of DATA. Repeatable.",
)
@click.option(
    "--composed",
    type=click.IntRange(min=1),
    default=1500,
    show_default=True,
    help="Stretches, where --rhythms is given.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=30, show_default=True, help="Each ends in a checkpoint.")
@click.option("--steps", type=click.IntRange(min=1), default=100, show_default=True, help="Batches of an epoch.")
@click.option(
    "--patients", type=click.IntRange(min=2), default=32, show_default=True, help="Of a batch, each in two views."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same encoder.")
@click.option(
    "--rate", type=Number(0, 1, min_open=True), default=2e-3, show_default=True, help="Highest learning rate."
)
@click.option(
    "--from", "start", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Encoder to begin with."
)
@click.option("--device", default="cpu", show_default=True, help="Where torch computes: cpu, cuda, mps.")
@click.option("--bfloat16", is_flag=True, help="Compute in bfloat16: faster where the processor has it.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out, to --epochs.")
def encoder(
    data: tuple[Path, ...],
    out: Path,
    noise: Path,
    split: Path | None,
    simulated: int,
    rhythms: tuple[Path, ...],
    composed: int,
    epochs: int,
    steps: int,
    patients: int,
    seed: int,
    rate: float,
    start: Path | None,
    device: str,
    bfloat16: bool,
    resume: bool,
) -> None:
    """Pre-train an encoder of the CLEF-small architecture on DATA: recordings, folders, patterns.

    Contrast guided by age, sex and what the pipeline measures in each window, which a head learns to tell; labels are
    read with --rhythms only. In --out lie encoder.safetensors, card.toml with figures on subjects that were not learned
    from, split.csv, history.csv.

    \b
    Examples:
      holter2sleep train encoder nights/ --noise nstdb --out my-encoder
      holter2sleep train encoder nights/ --noise nstdb --out my-encoder --resume
      holter2sleep train encoder mitdb --noise nstdb --rhythms sddb/31.atr --rhythms nsrdb/16265.atr --out my-encoder
    """  # noqa: D301  click reads the backspace
    from holter2sleep.training.encoder import EncoderCourse
    from holter2sleep.training.encoder_run import MadeUp, train_encoder

    course = EncoderCourse(epochs, steps, patients, seed, bfloat16, device, rate)
    path = train_encoder(data, noise, out, course, split, MadeUp(simulated, rhythms, composed), resume, start, _tell)
    click.echo(str(path))


@train.command()
@click.argument("cohorts", metavar="COHORT...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@click.option("--encoder", metavar="NAME|FILE", help="Encoder of the waveform.  [default: the beats alone]")
@click.option(
    "--subjects",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV with recording_id, subject_id.  [default: of the manifest, else each recording is a person]",
)
@click.option(
    "--split",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV with recording_id, subject, part (fit, validation or test).  [default: drawn by subject]",
)
@click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True, help="Each ends in a checkpoint.")
@click.option("--steps", type=click.IntRange(min=1), default=50, show_default=True, help="Batches of an epoch.")
@click.option("--nets", type=click.IntRange(min=1), default=5, show_default=True, help="Networks to average.")
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Epochs without a better validation that end a network's course.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same head.")
@click.option("--device", default="cpu", show_default=True, help="Where torch computes: cpu, cuda, mps.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
def head(
    cohorts: tuple[Path, ...],
    out: Path,
    encoder: str | None,
    subjects: Path | None,
    split: Path | None,
    epochs: int,
    steps: int,
    nets: int,
    patience: int,
    seed: int,
    device: str,
    resume: bool,
) -> None:
    """Teach a staging head on COHORT: folders of scored recordings or beat files, or manifests as of `batch`.

    In a folder a hypnogram has the stem of its recording: NIGHT-nsrr.xml, NIGHT.hypnogram.csv, NIGHT.st, or the
    annotations of the EDF+ file itself. Whole subjects are learned from, stop the course, or test it. In --out lie
    head.npz, card.toml with figures of the test subjects, split.csv, history.csv; `analyze --stager OUT` uses it.

    \b
    Examples:
      holter2sleep train head scored/ --out my-head
      holter2sleep train head scored/ --encoder clef-small --out my-head --resume
      holter2sleep train head slpdb --subjects people.csv --out slpdb-head
    """  # noqa: D301  click reads the backspace
    from holter2sleep.training.head import HeadCourse
    from holter2sleep.training.head_run import HeadSources, train_head

    course = HeadCourse(epochs, steps, nets, patience, seed, device)
    click.echo(str(train_head(HeadSources(cohorts, subjects, split, encoder), out, course, resume, _tell)))


def _tell(text: str) -> None:
    click.echo(text, err=True)
