"""Where the program begins: Ctrl-C ends it in one line, from before the first slow import on."""

import os
import sys

INTERRUPTED = 130  # 128 and the number of the signal, as shells have it


def main() -> None:
    """Run the command line; its modules are loaded within, for that takes longer than an impatient user waits."""
    try:
        from holter2sleep.cli import main as commands

        commands(prog_name="holter2sleep")
    except KeyboardInterrupt:
        sys.stderr.write("Error: interrupted\n")
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
    # not by sys.exit: an interpreter that was interrupted within exec(), as imports are, ends by the signal instead
    sys.stderr.flush()
    os._exit(INTERRUPTED)
