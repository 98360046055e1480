"""Files that appear whole or not at all: a run that fails, or is stopped, leaves what was there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A new file beside the path, to be written within; it takes the path's place at the end, unless that failed."""
    with tempfile.NamedTemporaryFile(dir=path.absolute().parent, prefix=f".{path.name[:40]}.", delete=False) as file:
        part = Path(file.name)
    try:
        yield part
        part.chmod(0o666 & ~_umask())  # a temporary file is private, the result is a file like any other
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file in one go; its path."""
    with whole(path) as part:
        part.write_bytes(content)
    return path


def write_files(contents: Mapping[Path, Iterable[bytes]]) -> None:
    """Write files that appear together, in their order, once all are whole."""
    with ExitStack() as stack:
        parts = {path: stack.enter_context(whole(path)) for path in reversed(list(contents))}
        for path, blocks in contents.items():
            with parts[path].open("wb") as file:
                file.writelines(blocks)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
