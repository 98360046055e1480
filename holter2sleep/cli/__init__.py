"""The command line: read options, call, write, echo. No science here, and nothing heavy imported for --help."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, NoReturn, TextIO

import rich_click as click
from click.exceptions import Abort, ClickException, Exit, NoArgsIsHelpError

from holter2sleep import __version__
from holter2sleep.cli.analyze import analyze
from holter2sleep.cli.associate import associate
from holter2sleep.cli.audit import audit
from holter2sleep.cli.batch import batch
from holter2sleep.cli.cohort import cohort
from holter2sleep.cli.compare import compare
from holter2sleep.cli.evaluate import evaluate
from holter2sleep.cli.export import export
from holter2sleep.cli.models import models
from holter2sleep.cli.phenotypes import phenotypes
from holter2sleep.cli.report import report
from holter2sleep.cli.review import review
from holter2sleep.cli.simulate import simulate
from holter2sleep.cli.tell import tell
from holter2sleep.cli.train import train
from holter2sleep.errors import Holter2SleepError, UsageError
from holter2sleep.start import INTERRUPTED

_WORDS = "holter2sleep.words"  # what the program was called with
_UNWRITABLE = (errno.EROFS, errno.ENOSPC, errno.EDQUOT)  # of a disk that is locked or full: never of reading


def _stop(error: OSError) -> NoReturn:
    """End with an error of the disk, which is no defect of ours; a place that is locked is wrong use."""
    where = f"{error.filename}: " if error.filename else "the output: "
    found = error.strerror or str(error)
    tell(f"{where}cannot be written ({found}); choose another place" if error.errno in _UNWRITABLE else where + found)
    try:
        sys.stdout.flush()
    except OSError:  # what could not be printed would be tried again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(UsageError.exit_code if isinstance(error, PermissionError) or error.errno == errno.EROFS else 1)


def _refuse(error: ClickException, words: Sequence[str]) -> NoReturn:
    """End with wrong use in one line, as all other errors do; `words` are what stands after the program's name."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = f"; see {context.command_path} --help" if context else ""
    found = " ".join(error.format_message().split()).removesuffix(".")
    tell(f"{found}{_named_like(error, words)}{where}")
    sys.exit(error.exit_code)


def _named_like(error: ClickException, words: Sequence[str]) -> str:
    """How to give a file whose name was taken for an option."""
    if not isinstance(error, click.NoSuchOption):
        return ""
    files = [word for word in words if word.startswith(error.option_name) and os.path.lexists(word)]
    return f"; the file {files[0]} is given as ./{files[0]}" if files else ""


class _Commands(click.RichGroup):
    """A group whose commands end with the exit codes of the contract instead of tracebacks."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        words = tuple(args)
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except NoArgsIsHelpError:
            raise
        except ClickException as error:
            _refuse(error, words)
        context.meta[_WORDS] = words
        return context

    def main(self, *args: Any, **options: Any) -> Any:
        if isinstance(sys.stdout, TextIOWrapper):  # a name of bytes that are no UTF-8 can be shown
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **options)
        except OSError as error:
            _stop(error)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Holter2SleepError as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            tell(str(error))
            sys.exit(error.exit_code)
        except (NoArgsIsHelpError, Exit, Abort):
            raise
        except ClickException as error:
            _refuse(error, ctx.meta[_WORDS])
        except KeyboardInterrupt:  # which click would end with code 1
            click.echo("Error: interrupted", err=True)  # `tell` would load modules, of which one may be half loaded
            sys.exit(INTERRUPTED)
        except OSError:
            if ctx.params.get("debug"):
                traceback.print_exc()
            raise
        except MemoryError:
            tell("there is not enough memory for this")
            sys.exit(1)
        except Exception as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            click.echo(
                f"Error: {type(error).__name__}: {error} (a defect of ours; --debug shows the traceback)", err=True
            )
            sys.exit(1)


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Lines on what stderr is when they are written: a progress bar that is shown puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="holter2sleep")
@click.option("-v", "--verbose", is_flag=True, help="Say what each step found and left out (stderr).")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(verbose: bool, debug: bool) -> None:
    """One overnight ECG lead in; beats, rhythm, heart-rate variability and sleep stages out.

    Research use only: no diagnosis. Every automatic statement is unconfirmed.

    \b
    Examples:
      holter2sleep simulate --out night.edf
      holter2sleep analyze night.edf
      holter2sleep analyze night.edf --out results --age 54 --sex F --lights-off 22:45
      holter2sleep phenotypes
    """  # noqa: D301  click reads the backspace
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s", handlers=[_StderrHandler()])
    for name in ("matplotlib", "PIL", "fontTools"):
        logging.getLogger(name).setLevel(logging.WARNING)


for _command in (
    *(analyze, batch, audit, report, review, export, cohort, associate, compare, evaluate),
    *(models, phenotypes, simulate, train),
):
    main.add_command(_command)
