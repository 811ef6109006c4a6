"""Files that are there whole or not at all: written beside their place and moved into it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give the path of a file to write, and move it to `path` where that went well.

    A reader, or a kill, finds the old file or the new one, never half of it. The unfinished file's name starts with a
    dot: whoever lists results passes it over.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)  # of a run that was killed
    try:
        yield temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    os.replace(temporary, target)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically, with the ends of lines as they are."""
    write_bytes(path, text.encode("utf-8"))
