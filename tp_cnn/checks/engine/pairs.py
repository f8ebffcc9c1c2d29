"""Wrong results beside the right ones, ready to be compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tp_cnn.checks.engine.compare import to_array

ENOUGH = 4  # values, or two tries: fewer may agree by chance


@dataclass(frozen=True)
class Clue:
    name: str
    pointer: str


@dataclass(frozen=True)
class Pair:
    """What one input gave, and what was wanted: two arrays of one shape."""

    obtained: np.ndarray
    wanted: np.ndarray
    right: np.ndarray  # where they agree


Test = Callable[[Sequence[Pair], float], bool]


Test = Callable[[Sequence[Pair], float], bool]  # whether a relation holds, within a tolerance


def pairs_of(results: Sequence[object], wanted: Sequence[object], tolerance: float) -> list[Pair]:
    """Empty if a result has not the shape of what was wanted."""
    found = []
    for one, other in zip(results, wanted, strict=True):
        obtained, right = (to_array(value).astype(np.float64) for value in (one, other))
        if obtained.shape != right.shape:
            return []
        found.append(Pair(obtained, right, np.abs(obtained - right) <= tolerance))
    return found


def same(value: object, array: np.ndarray, tolerance: float) -> bool:
    if value is None:
        return False
    try:
        found = to_array(value).astype(np.float64)
    except Exception:  # of a formula on strange values
        return False
    # A formula may give the one value of all cells.
    fits = found.shape in ((), array.shape)
    return fits and bool((np.abs(found - array) <= tolerance).all())


def result_of(answer: Callable, arguments: list) -> object:
    try:
        return answer(*arguments)
    except Exception:  # with a changed argument, anything may happen
        return None
