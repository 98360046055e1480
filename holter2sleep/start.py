"""Where the program begins: Ctrl-C ends it in one line, from before the first slow import on."""

import atexit
import ctypes
import gc
import os
import sys

# One thread for linear algebra unless the user says otherwise: our matrices are small, threads that wait for each other
# cost ten times the work when the other core is busy, and their number changes the last digits of a table.
for _threads in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

# Millions of small objects are made, few of them in circles: to look for those as often as Python does is time lost.
gc.set_threshold(500_000)  # a night of 8 h leaves 390,000

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
MB = 1 << 20


def keep_freed_memory() -> None:
    """Keep what one array has freed for the next, where the C library is glibc: it would give it back, and ask anew.

    A night of 8 h spends a twentieth of its time on that. Arrays above 32 MB are given back as before.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 * MB)
        mallopt(M_TRIM_THRESHOLD, 256 * MB)


keep_freed_memory()

INTERRUPTED = 130  # 128 and the number of the signal, as shells have it


def main() -> None:
    """Run the command line; its modules are loaded within, for that takes longer than an impatient user waits."""
    atexit.register(gc.freeze)  # at the end nobody looks for circles: all memory goes back at once
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
