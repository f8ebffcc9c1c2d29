"""Whether the right function gives the same wrong values for other arguments; which tries fail."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from tp_cnn.checks.engine.pairs import Clue, Pair, result_of, same


def of_arguments(
    answer: Callable,
    names: Sequence[str],
    tries: Sequence[tuple],
    pairs: Sequence[Pair],
    tolerance: float,
) -> Clue | None:
    """Whether the right function gives these values for other arguments."""
    for rank, name in enumerate(names):
        if all(
            same(arguments[rank], pair.obtained, tolerance)
            for arguments, pair in zip(tries, pairs, strict=True)
        ):
            return Clue("unchanged", f"Le résultat est {name}, tel que la fonction le reçoit.")
    for sentence, change in _slips(tries[0], names):
        changed = (result_of(answer, change(list(arguments))) for arguments in tries)
        every = zip(changed, pairs, strict=True)
        if all(same(value, pair.obtained, tolerance) for value, pair in every):
            return Clue("argument", f"Tout se passe comme si {sentence}.")
    return None


def of_tries(tries: Sequence[tuple], names: Sequence[str], pairs: Sequence[Pair]) -> Clue | None:
    """What the tries that are right have in common, and the others have not."""
    right = [bool(pair.right.all()) for pair in pairs]
    if min(right.count(True), right.count(False)) < 2:  # one try alone has too much of its own
        return None
    for rank, name in enumerate(names):
        values = [arguments[rank] for arguments in tries]
        if all(isinstance(value, int | float) for value in values):
            kept = {value for value, one in zip(values, right, strict=True) if one}
            lost = {value for value, one in zip(values, right, strict=True) if not one}
            if len(kept) == 1 and not kept & lost:
                return Clue(
                    "condition",
                    f"Parmi les essais, ceux où {name} vaut {kept.pop():g} sont justes, et eux "
                    f"seuls : cherchez où {name} entre dans votre calcul.",
                )
        elif all(np.ndim(value) >= 2 for value in values):
            squares = [np.shape(value)[-1] == np.shape(value)[-2] for value in values]
            if squares == right:
                return Clue(
                    "condition",
                    f"Parmi les essais, seuls ceux où {name} est un carré sont justes : hauteur et "
                    "largeur se lisent séparément.",
                )
    return None


def _slips(example: tuple, names: Sequence[str]) -> Iterator[tuple[str, Callable[[list], list]]]:
    """A sentence, and what it does to the list of the arguments."""
    for rank, name in enumerate(names):
        for words, change in _changes(example[rank]):
            yield f"{name} {words}", _with(rank, change)
    for first, second in itertools.permutations(range(len(names)), 2):
        if _alike(example[first], example[second]):
            yield f"{names[second]} prenait la place de {names[first]}", _copied(first, second)
            if first < second:
                yield f"{names[first]} et {names[second]} étaient échangés", _swapped(first, second)


def _changes(example: object) -> list[tuple[str, Callable]]:
    if isinstance(example, bool):
        return [("avait l'autre valeur", lambda one: not one)]
    if isinstance(example, int | float):
        return NUMBERS
    if isinstance(example, np.ndarray | torch.Tensor):
        return ARRAYS
    return LISTS if isinstance(example, list) else []


NUMBERS = [
    ("valait 0", lambda one: 0 * one),
    ("valait 1", lambda one: one * 0 + 1),
    ("comptait pour un de plus", lambda one: one + 1),
    ("comptait pour un de moins", lambda one: one - 1),
    ("comptait double", lambda one: 2 * one),
    ("comptait pour moitié", lambda one: one / 2),
    ("avait l'autre signe", lambda one: -one),
    ("était au carré", lambda one: one**2),
    ("était inversé (un sur lui-même)", lambda one: 1 / one),
    ("valait un moins lui-même", lambda one: 1 - one),
]
ARRAYS = [
    ("ne contenait que des zéros", lambda one: one * 0),
    ("ne contenait que des uns", lambda one: one * 0 + 1),
    ("avait l'autre signe", lambda one: -one),
    ("comptait double", lambda one: 2 * one),
    ("était au carré", lambda one: one**2),
    ("était inversé (un sur chaque valeur)", lambda one: 1 / one),
    ("était remplacé par sa racine carrée", lambda one: abs(one) ** 0.5),
    ("était retourné sur son dernier axe", lambda one: _reversed(one, -1)),
    ("était retourné sur son premier axe", lambda one: _reversed(one, 0)),
    ("avait ses deux derniers axes échangés", lambda one: one.swapaxes(-1, -2)),
    ("ne contenait que son premier élément, répété", lambda one: one[:1].repeat(len(one), 0)),
]
LISTS = [
    ("était à l'envers", lambda one: one[::-1]),
    ("commençait à son deuxième élément", lambda one: one[1:]),
    ("s'arrêtait avant son dernier élément", lambda one: one[:-1]),
    ("s'arrêtait à son premier élément", lambda one: one[:1]),
    ("se réduisait à son dernier élément", lambda one: one[-1:]),
]


def _reversed(one: object, axis: int) -> object:
    return one.flip(axis) if isinstance(one, torch.Tensor) else np.flip(one, axis)


def _with(rank: int, change: Callable) -> Callable[[list], list]:
    def changed(arguments: list) -> list:
        try:
            value = change(arguments[rank])
        except (ArithmeticError, RuntimeError, ValueError, IndexError, TypeError):
            return []  # no argument at all: no result
        return [*arguments[:rank], value, *arguments[rank + 1 :]]

    return changed


def _copied(first: int, second: int) -> Callable[[list], list]:
    return lambda arguments: [
        arguments[second] if rank == first else one for rank, one in enumerate(arguments)
    ]


def _swapped(first: int, second: int) -> Callable[[list], list]:
    places = {first: second, second: first}
    return lambda arguments: [arguments[places.get(rank, rank)] for rank in range(len(arguments))]


def _alike(one: object, other: object) -> bool:
    return type(one) is type(other) and np.ndim(one) == np.ndim(other)
