"""What the commands share: how the text of an argument is read, and which ones were given."""

import argparse
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tp_cnn.errors import CourseError

LONGEST = 1e6  # seconds; beyond, the system's clocks overflow


def given(options, names: Iterable[str]) -> dict:
    """The arguments among ``names`` that have a value: name -> value."""
    values = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def count(most: int) -> Callable[[str], int]:
    """How to read a whole number from 1 to ``most``."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = 0
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r}: expected a whole number from 1 to {most:,}"
            )
        return value

    return read


def seconds(text: str) -> float:
    """Read a duration."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds, up to {LONGEST:,.0f}")
    return value


def share_or_count(text: str) -> float | int:
    """Read a share such as 0.1, or a number of images such as 5000."""
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a share such as 0.1, or a number of images such as 5000"
        ) from None


def folder(text: str) -> str:
    """A folder, which may not exist yet."""
    if not text or (os.path.lexists(text) and not Path(text).is_dir()):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a folder, there or to be made")
    return text


def check_file(path: str | None, option: str, ours: Callable[[Path], bool]) -> None:
    """Refuse, before any work, a path that cannot be written, or whose file is somebody else's.

    Args:
        ours: whether a file is one that the command writes, and may write over.

    Raises:
        CourseError: naming ``option``.
    """
    if path is None:
        return
    path = Path(path)
    parent = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise CourseError(f"{option} {path}: cannot write in {parent}")
    if os.path.lexists(path) and not (path.is_file() and ours(path)):
        raise CourseError(f"{option} {path}: holds something else, give another name")


def begins_with(*beginnings: bytes) -> Callable[[Path], bool]:
    """How to know a file by its first bytes; an empty one loses nothing."""

    def ours(path: Path) -> bool:
        with path.open("rb") as file:
            start = file.read(max(map(len, beginnings)))
        return not start or start.startswith(beginnings)

    return ours
