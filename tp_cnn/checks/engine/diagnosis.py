"""What wrong values have in common with the right ones: a sign, a factor, an axis, one place.

No mistake is listed here: what is said is found by comparing the values, holds for every input that
was tried, and points to the kind of slip without giving the answer.
"""

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tp_cnn.checks.engine.compare import to_array, wrong_part
from tp_cnn.checks.engine.formulas import Formula

ENOUGH = 4  # values, or two tries: fewer may agree by chance
RATIOS = (2, 3, 4, 5, 10, 100, 255, 1000, 10_000)
RANKS = ["premier", "deuxième"]
NEAR = 2  # units, and at most a tenth of the right number


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


def pairs_of(results: Sequence[object], wanted: Sequence[object], tolerance: float) -> list[Pair]:
    """Empty if a result has not the shape of what was wanted."""
    found = []
    for one, other in zip(results, wanted, strict=True):
        obtained, right = (to_array(value).astype(np.float64) for value in (one, other))
        if obtained.shape != right.shape:
            return []
        found.append(Pair(obtained, right, np.abs(obtained - right) <= tolerance))
    return found


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
        _first(USELESS, pairs, tolerance)
        or _of_formulas([formula] if formula else [], names, pairs, tolerance)
        or _first([*RELATIONS, *BY_HAND, *LOOSE, *PLACES], pairs, tolerance)
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
        _first(USELESS, pairs, tolerance)
        or (enough and _of_formulas(function.formulas, names, pairs, tolerance))
        or _first(RELATIONS, pairs, tolerance)
        or (enough and _of_arguments(function, tries, pairs, tolerance))
        or _first([*LOOSE, *PLACES], pairs, tolerance)
        or _of_tries(tries, function.names, pairs)
    )


def _given(function: Function, arguments: tuple) -> dict:
    """What the names of the formulas stand for: those of the first one serve all."""
    given = function.formulas[0].names if function.formulas else None
    return given(*arguments) if given else dict(zip(function.names, arguments, strict=True))


def _first(relations: list, pairs: Sequence[Pair], tolerance: float) -> Clue | None:
    """The first relation that holds between all values."""
    for name, holds, pointer in relations:
        if holds(pairs, tolerance):
            return Clue(name, pointer)
    return None


def of_shapes(obtained: object, wanted: object) -> Clue | None:
    """What became of the axes of one result, that has not the right ones."""
    wanted = to_array(wanted)
    part = wrong_part(obtained, wanted)
    if part is not None:
        obtained, wanted = obtained[part], wanted[part]
    one, other = to_array(obtained).shape, wanted.shape
    for name, holds, pointer in SHAPES:
        if holds(one, other):
            return Clue(name, pointer)
    return None


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
    for slip in formulas[rank].slips():
        if all(
            same(slip.value(values), one, tolerance)
            for values, one in zip(names, found, strict=True)
        ):
            return Clue("formula", slip.sentence + place)
    return None


def _part(array: np.ndarray, rank: int, formulas: Sequence[Formula]) -> np.ndarray:
    return array[rank] if len(formulas) > 1 else array


def _part_is_right(pairs: Sequence[Pair], rank: int, formulas: Sequence[Formula]) -> bool:
    return all(_part(pair.right, rank, formulas).all() for pair in pairs)


def _of_arguments(
    function: Function, tries: Sequence[tuple], pairs: Sequence[Pair], tolerance: float
) -> Clue | None:
    """Whether the right function gives these values for other arguments."""
    for rank, name in enumerate(function.names):
        if all(
            same(arguments[rank], pair.obtained, tolerance)
            for arguments, pair in zip(tries, pairs, strict=True)
        ):
            return Clue("unchanged", f"Le résultat est {name}, tel que la fonction le reçoit.")
    for sentence, change in _slips(tries[0], function.names):
        changed = (_result(function.answer, change(list(arguments))) for arguments in tries)
        every = zip(changed, pairs, strict=True)
        if all(same(value, pair.obtained, tolerance) for value, pair in every):
            return Clue("argument", f"Tout se passe comme si {sentence}.")
    return None


def _of_tries(tries: Sequence[tuple], names: Sequence[str], pairs: Sequence[Pair]) -> Clue | None:
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


def _result(answer: Callable, arguments: list) -> object:
    try:
        return answer(*arguments)
    except Exception:  # with a changed argument, anything may happen
        return None


# Other arguments


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


# Relations between all values: name, test, what to say


def _all(pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    obtained, wanted = (
        [getattr(pair, name).ravel() for pair in pairs] for name in ("obtained", "wanted")
    )
    return np.concatenate(obtained), np.concatenate(wanted)


def _many(pairs: Sequence[Pair]) -> bool:
    """Enough different values for a relation not to hold by chance."""
    return len(np.unique(_all(pairs)[1].round(6))) >= 2 and (
        len(pairs) > 1 or pairs[0].wanted.size >= ENOUGH
    )


def _relation(change: Callable[[np.ndarray], np.ndarray], few: bool = False) -> Test:
    """Whether the obtained values are ``change`` of the right ones."""

    def holds(pairs: Sequence[Pair], tolerance: float) -> bool:
        obtained, wanted = _all(pairs)
        changed = change(wanted)
        enough = few or _many(pairs)
        return enough and bool((np.abs(obtained - changed) <= tolerance).all())

    return holds


def _same_value(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, _ = _all(pairs)
    return _many(pairs) and bool(np.ptp(obtained) <= tolerance)


def _offset(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    return _many(pairs) and bool(np.ptp(obtained - wanted) <= tolerance)


def _factor_of(obtained: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    scale = (wanted**2).sum()
    factor = (obtained * wanted).sum() / scale if scale else 0.0
    limit = tolerance * max(1.0, abs(factor))
    return abs(factor) > 1e-9 and bool((np.abs(obtained - factor * wanted) <= limit).all())


def _factor(pairs: Sequence[Pair], tolerance: float) -> bool:
    return _many(pairs) and _factor_of(*_all(pairs), tolerance)


def _factor_by_try(pairs: Sequence[Pair], tolerance: float) -> bool:
    return all(
        np.unique(pair.wanted.round(6)).size >= 2
        and _factor_of(pair.obtained, pair.wanted, tolerance)
        for pair in pairs
    )


def _offset_by_try(pairs: Sequence[Pair], tolerance: float) -> bool:
    return all(
        np.unique(pair.wanted.round(6)).size >= 2
        and np.ptp(pair.obtained - pair.wanted) <= tolerance
        for pair in pairs
    )


def _simple_ratio(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    ratios = [*RATIOS, *(1 / ratio for ratio in RATIOS)]
    return bool(wanted.all()) and any(
        (np.abs(obtained - ratio * wanted) <= tolerance * min(1.0, ratio)).all() for ratio in ratios
    )


def _whole(values: np.ndarray) -> bool:
    return bool((values == values.round()).all())


def _rounded(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    return _whole(obtained) and not _whole(wanted) and bool((np.abs(obtained - wanted) < 1).all())


def _not_rounded(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    return _whole(wanted) and not _whole(obtained) and bool((np.abs(obtained - wanted) < 1).all())


def _by_one(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    gaps = np.abs(obtained - wanted)
    return _many(pairs) and _whole(gaps) and gaps.max() == 1 and np.abs(wanted).max() > ENOUGH


def _near(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    gaps = np.abs(obtained - wanted)
    return (
        obtained.size == 1
        and _whole(wanted)
        and _whole(obtained)
        and bool(gaps.max() <= min(NEAR, np.abs(wanted).max() / 10))
    )


USELESS = [  # first of all: such values would agree with too many slips
    ("zero", _relation(np.zeros_like), "Tout vaut zéro : rien n'est compté, ou rien n'est rempli."),
    ("same-value", _same_value, "Toutes vos valeurs sont égales : elles oublient ce qui varie."),
]
RELATIONS = [
    (
        "sign",
        _relation(np.negative, few=True),
        "C'est juste, au signe près : dans quel sens se fait la soustraction, ou le miroir ?",
    ),
    ("absolute", _relation(np.abs), "Les signes sont perdus : c'est la valeur absolue."),
    (
        "offset",
        _offset,
        "L'écart est le même pour toutes les valeurs : un terme est en trop, ou il en manque un.",
    ),
    (
        "factor",
        _factor,
        "Toutes les valeurs sont les bonnes multipliées par un même nombre : une division, ou un "
        "facteur, est en trop ou oublié.",
    ),
]
LOOSE = [  # less is known then: after what is more precise
    (
        "factor",
        _factor_by_try,
        "À chaque essai, les valeurs sont les bonnes multipliées par un même nombre : cherchez une "
        "division, ou un facteur, en trop ou oublié.",
    ),
    (
        "offset",
        _offset_by_try,
        "À chaque essai, l'écart est le même pour toutes les valeurs : un terme est en trop, ou il "
        "en manque un.",
    ),
    (
        "ratio",
        _simple_ratio,
        "C'est un multiple, ou une fraction, simple de ce qu'il faut : un facteur est compté de "
        "trop, ou oublié.",
    ),
    ("squared", _relation(np.square), "Ce sont les carrés des bonnes valeurs."),
    ("root", _relation(np.sqrt), "Ce sont les racines carrées des bonnes valeurs."),
    ("inverse", _relation(lambda one: 1 / one, few=True), "La division est à l'envers."),
    ("rounded", _rounded, "Vous n'obtenez que des entiers : ce qu'il faut a des décimales."),
    ("not-rounded", _not_rounded, "Le résultat doit être entier : dans quel sens l'arrondir ?"),
    (
        "by-one",
        _by_one,
        "L'écart n'est jamais que de 1 : c'est souvent un arrondi, ou une borne.",
    ),
    (
        "near",
        _near,
        "C'est tout près : la méthode est sans doute bonne, relisez chaque nombre du calcul.",
    ),
]


# The right values elsewhere, or wrong ones in one place


def _moved(move: Callable[[np.ndarray], np.ndarray]) -> Test:
    def holds(pairs: Sequence[Pair], tolerance: float) -> bool:
        return _many(pairs) and all(
            same(_result(move, [pair.wanted]), pair.obtained, tolerance) for pair in pairs
        )

    return holds


def _shifted(pairs: Sequence[Pair], tolerance: float) -> bool:
    """By one place along the same axis, whatever enters at the edge."""
    return _many(pairs) and any(
        all(_is_shifted(pair, axis, step, tolerance) for pair in pairs)
        for axis in range(-min(pair.wanted.ndim for pair in pairs), 0)
        for step in (1, -1)
    )


def _is_shifted(pair: Pair, axis: int, step: int, tolerance: float) -> bool:
    one, other = (np.moveaxis(array, axis, 0) for array in (pair.obtained, pair.wanted))
    one, other = (one[1:], other[:-1]) if step > 0 else (one[:-1], other[1:])
    return len(one) >= 2 and np.ptp(other) > 0 and bool((np.abs(one - other) <= tolerance).all())


def _one_place(place: Callable[[tuple], tuple]) -> Test:
    """Whether the one wrong value of each try is at ``place``, all others right."""

    def holds(pairs: Sequence[Pair], tolerance: float) -> bool:
        return all(
            pair.right.size >= ENOUGH
            and (~pair.right).sum() == 1
            and not pair.right[place(pair.right.shape)]
            for pair in pairs
        )

    return holds


def _one_cell(pairs: Sequence[Pair], tolerance: float) -> bool:
    return len(pairs) == 1 and pairs[0].right.size >= 3 and (~pairs[0].right).sum() == 1


def _two_exchanged(pairs: Sequence[Pair], tolerance: float) -> bool:
    if len(pairs) > 1 or (~pairs[0].right).sum() != 2 or pairs[0].right.size < 2:
        return False
    wrong = ~pairs[0].right
    return bool(
        (np.abs(pairs[0].obtained[wrong][::-1] - pairs[0].wanted[wrong]) <= tolerance).all()
    )


def _border(pairs: Sequence[Pair], tolerance: float) -> bool:
    wrong = [pair for pair in pairs if not pair.right.all()]
    return all(
        pair.right.ndim >= 2
        and min(pair.right.shape[-2:]) >= 4
        and pair.right[..., 1:-1, 1:-1].all()
        for pair in wrong
    )


def _one_slice(axis: int, index: int, others: bool = False) -> Test:
    """Whether all that is wrong is at ``index`` of ``axis``; with ``others``, all but that."""

    def holds(pairs: Sequence[Pair], tolerance: float) -> bool:
        return all(_is_slice(pair, axis, index, others) for pair in pairs if not pair.right.all())

    return holds


def _is_slice(pair: Pair, axis: int, index: int, others: bool) -> bool:
    if pair.right.ndim <= axis or pair.right.shape[axis] < 2:
        return False
    right = np.moveaxis(pair.right, axis, 0)
    inside = right[index]
    rest = np.delete(right, index, 0)
    return bool(inside.all() and not rest.any()) if others else bool(rest.all())


def _couple(rank: int) -> Test:
    test = _one_slice(0, rank)

    def holds(pairs: Sequence[Pair], tolerance: float) -> bool:
        return all(pair.right.ndim > 0 and len(pair.right) == 2 for pair in pairs) and test(
            pairs, tolerance
        )

    return holds


def _permuted(pairs: Sequence[Pair], tolerance: float) -> bool:
    return _many(pairs) and all(
        (np.abs(np.sort(pair.obtained, None) - np.sort(pair.wanted, None)) <= tolerance).all()
        for pair in pairs
    )


BY_HAND = [
    ("exchanged", _two_exchanged, "Deux valeurs sont échangées, le reste est juste."),
    (
        "one-cell",
        _one_cell,
        "Toutes les autres valeurs sont justes : la méthode est bonne, refaites ce calcul-là.",
    ),
]
PLACES = [
    ("transposed", _moved(lambda one: one.swapaxes(-1, -2)), "Lignes et colonnes sont échangées."),
    ("reversed", _moved(lambda one: one[::-1]), "Les valeurs sont dans l'ordre inverse."),
    ("reversed", _moved(lambda one: one[..., ::-1]), "Chaque ligne est dans l'ordre inverse."),
    (
        "shifted",
        _shifted,
        "Ce sont les bonnes valeurs, décalées d'une place : où commence le calcul ?",
    ),
    ("permuted", _permuted, "Ce sont les bonnes valeurs, mais pas à leur place."),
    (
        "last",
        _one_place(lambda shape: (-1,) * len(shape)),
        "Seule la dernière valeur est fausse : jusqu'où va le calcul ?",
    ),
    (
        "first",
        _one_place(lambda shape: (0,) * len(shape)),
        "Seule la première valeur est fausse : d'où part le calcul ?",
    ),
    ("second", _couple(1), "Le premier des deux résultats est juste : cherchez dans le second."),
    (
        "first-of-two",
        _couple(0),
        "Le second des deux résultats est juste : cherchez dans le premier.",
    ),
    (
        "first-only",
        _one_slice(0, 0, others=True),
        "Seul le premier élément est juste : que change la boucle d'un tour au suivant ?",
    ),
    (
        "last-only",
        _one_slice(0, -1, others=True),
        "Seul le dernier élément est juste : que garde la boucle des tours d'avant ?",
    ),
    (
        "first-part",
        _one_slice(0, 0),
        "Tout ce qui est faux est à l'indice 0 du premier axe : d'où part le calcul ?",
    ),
    (
        "last-part",
        _one_slice(0, -1),
        "Tout ce qui est faux est à la fin du premier axe : jusqu'où va le calcul ?",
    ),
    (
        "first-column",
        _one_slice(1, 0),
        "Tout ce qui est faux est à l'indice 0 du deuxième axe : d'où part le calcul ?",
    ),
    (
        "last-column",
        _one_slice(1, -1),
        "Tout ce qui est faux est à la fin du deuxième axe : jusqu'où va le calcul ?",
    ),
    ("border", _border, "Seul le bord est faux : que se passe-t-il là où la fenêtre y touche ?"),
]


# Shapes: name, test on (obtained, wanted), what to say

SHAPES = [
    (
        "empty",
        lambda one, other: 0 in one,
        "Le tableau est vide : rien n'y a été mis, ou une borne est à l'envers.",
    ),
    (
        "axes",
        lambda one, other: len(one) > 1 and sorted(one) == sorted(other),
        "Ce sont les bonnes tailles dans un autre ordre : des axes sont échangés.",
    ),
    (
        "useless-axis",
        lambda one, other: _without_ones(one) == _without_ones(other),
        "La seule différence est un axe de taille 1, en trop ou en moins.",
    ),
    (
        "one-only",
        lambda one, other: one[:1] == (1,) and one[1:] == other[1:],
        "Le premier axe n'a qu'un élément : où se perdent les autres ? Dans une boucle, peut-être.",
    ),
    (
        "too-short",
        lambda one, other: _by_one_at_most(other, one),
        "Il manque une place, sur un axe ou plusieurs : combien de positions y a-t-il ?",
    ),
    (
        "too-long",
        lambda one, other: _by_one_at_most(one, other),
        "Il y a une place de trop, sur un axe ou plusieurs : combien de positions y a-t-il ?",
    ),
    (
        "one-number",
        lambda one, other: one == (),
        "C'est un seul nombre : gardez toutes les valeurs, sans les réduire à une seule.",
    ),
    (
        "several-numbers",
        lambda one, other: other == (),
        "Il reste plusieurs valeurs : il manque une étape qui n'en fait qu'une.",
    ),
    (
        "axis-lost",
        lambda one, other: one in (other[1:], other[:-1]),
        "Il manque un axe : gardez-vous un résultat par élément, ou un seul pour tous ?",
    ),
    (
        "axis-more",
        lambda one, other: other in (one[1:], one[:-1]),
        "Il y a un axe de trop : une étape qui le résume manque, ou un résultat est répété.",
    ),
    (
        "one-axis",
        lambda one, other: len(one) == len(other) and _different(one, other) == 1,
        "Un seul axe n'a pas la bonne taille : cherchez ce qui la fixe.",
    ),
]


def _without_ones(shape: tuple) -> list[int]:
    return [size for size in shape if size != 1]


def _by_one_at_most(large: tuple, small: tuple) -> bool:
    return len(large) == len(small) and all(
        a - b in (0, 1) for a, b in zip(large, small, strict=True)
    )


def _different(one: tuple, other: tuple) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))
