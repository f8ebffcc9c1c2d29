"""What wrong values have in common with the right ones: a sign, a factor, an axis, one place.

No mistake is listed here: what is said is found by comparing the values, holds for every input that
was tried, and points to the kind of slip without giving the answer.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tp_cnn.checks.engine.formulas import AGAIN, Formula
from tp_cnn.checks.engine.other_arguments import of_arguments, of_tries
from tp_cnn.checks.engine.pairs import ENOUGH, Clue, Pair, same
from tp_cnn.checks.engine.relations import (
    BY_HAND,
    LOOSE,
    PLACES,
    RELATIONS,
    THOUSANDS,
    USELESS,
    first,
)

RANKS = ["premier", "deuxième"]
SMALL = 0.1  # of the largest value: a wide tolerance would take 0 for any small number


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Changed values may divide by zero: no warning must reach the student's cell."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_quiet()
def of_written(pairs: Sequence[Pair], formula: Formula | None, tolerance: float) -> Clue | None:
    """What is wrong in a number, or a table, that was written by hand."""
    names = [formula.given() if formula else {}]
    return (
        first([*USELESS, *THOUSANDS], pairs, tolerance)
        or _of_formulas([formula] if formula else [], names, pairs, tolerance)
        or first([*RELATIONS, *BY_HAND, *LOOSE, *PLACES], pairs, tolerance)
    )


@dataclass(frozen=True)
class Function:
    """The right function: what it computes, the names of its arguments, its formulas."""

    answer: Callable
    names: Sequence[str]
    formulas: Sequence[Formula] = ()


@_quiet()
def of_function(
    pairs: Sequence[Pair], tries: Sequence[tuple], function: Function, tolerance: float
) -> Clue | None:
    """What is wrong in the results of a function.

    Args:
        tries: the arguments of each pair.
    """
    names = [_given(function, arguments) for arguments in tries]
    enough = len(pairs) > 1 or pairs[0].wanted.size >= ENOUGH
    return (
        first(USELESS, pairs, tolerance)
        or (enough and _of_formulas(function.formulas, names, pairs, tolerance))
        or first(RELATIONS, pairs, tolerance)
        or (enough and of_arguments(function.answer, function.names, tries, pairs, tolerance))
        or first([*LOOSE, *PLACES], pairs, tolerance)
        or of_tries(tries, function.names, pairs)
    )


def _given(function: Function, arguments: tuple) -> dict:
    """What the names of the formulas stand for: those of the first one serve all."""
    given = function.formulas[0].names if function.formulas else None
    return given(*arguments) if given else dict(zip(function.names, arguments, strict=True))


def _of_formulas(
    formulas: Sequence[Formula],
    names: Sequence[dict],
    pairs: Sequence[Pair],
    tolerance: float,
) -> Clue | None:
    """The slip in one of the formulas that explains all values.

    Args:
        formulas: one for the whole result, or one for each of its parts.
        names: for each pair, what the names of the formulas stand for.
    """
    wrong = [rank for rank in range(len(formulas)) if not _part_is_right(pairs, rank, formulas)]
    if not wrong:
        return None
    rank = wrong[0]
    place = f" C'est au {RANKS[rank]} des résultats." if len(formulas) > 1 else ""
    found = [_part(pair.obtained, rank, formulas) for pair in pairs]
    if not any(one.any() for one in found):  # zeros come from anywhere
        return None
    slips = [
        slip.sentence
        for slip in formulas[rank].slips()
        if all(
            same(slip.value(values), one, min(tolerance, SMALL * np.abs(one).max(initial=0)))
            for values, one in zip(names, found, strict=True)
        )
    ]
    if not slips:
        return None
    slip, reread, _ = slips[0].partition(AGAIN)
    alike = {one for one in slips if one.startswith(slip + AGAIN)}
    sentence = f"{slip}." if reread and len(alike) > 1 else slips[0]  # then no place is known
    return Clue("formula", sentence + place)


def _part(array: np.ndarray, rank: int, formulas: Sequence[Formula]) -> np.ndarray:
    return array[rank] if len(formulas) > 1 else array


def _part_is_right(pairs: Sequence[Pair], rank: int, formulas: Sequence[Formula]) -> bool:
    return all(_part(pair.right, rank, formulas).all() for pair in pairs)
