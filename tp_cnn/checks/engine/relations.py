"""Relations between wrong values and the right ones: a sign, a factor, an order, one place.

Each has a name, a test on all the pairs of results, and what to say.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tp_cnn.checks.engine.pairs import ENOUGH, Clue, Pair, Test, result_of, same

RATIOS = (2, 3, 4, 5, 10, 100, 255, 1000, 10_000)
NEAR = 2  # units, and at most a tenth of the right number


def first(relations: list, pairs: Sequence[Pair], tolerance: float) -> Clue | None:
    """The first relation that holds between all values."""
    for name, holds, pointer in relations:
        if holds(pairs, tolerance):
            return Clue(name, pointer)
    return None


# Between all values


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
    found = np.isfinite(factor) and abs(factor) > 1e-9
    return found and bool((np.abs(obtained - factor * wanted) <= limit).all())


def _factor(pairs: Sequence[Pair], tolerance: float) -> bool:
    return _many(pairs) and _factor_of(*_all(pairs), tolerance)


def _varied(pair: Pair) -> bool:
    """Enough different values in one try: those of a couple may agree by chance."""
    return pair.wanted.size > 2 and np.unique(pair.wanted.round(6)).size >= 2


def _factor_by_try(pairs: Sequence[Pair], tolerance: float) -> bool:
    return all(
        _varied(pair) and _factor_of(pair.obtained, pair.wanted, tolerance) for pair in pairs
    )


def _offset_by_try(pairs: Sequence[Pair], tolerance: float) -> bool:
    return all(_varied(pair) and np.ptp(pair.obtained - pair.wanted) <= tolerance for pair in pairs)


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


def _zero_shares(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    return _many(pairs) and not obtained.any() and bool((np.abs(wanted) <= 1).all())


def _inverse(pairs: Sequence[Pair], tolerance: float) -> bool:
    """Not within a tolerance that the inverse of a large number would be lost in."""
    obtained, wanted = _all(pairs)
    return bool((np.abs(obtained * wanted - 1) <= 1e-3).all())


def _thousands(pairs: Sequence[Pair], tolerance: float) -> bool:
    obtained, wanted = _all(pairs)
    cut = not _whole(obtained) and _whole(wanted)
    return cut and any(np.allclose(obtained * scale, wanted, rtol=1e-9) for scale in (1e3, 1e6))


USELESS = [  # first of all: such values would agree with too many slips
    (
        "zero",
        _zero_shares,
        "Tout vaut zéro : rien n'est compté, ou une division entière (//, int) a tout arrondi.",
    ),
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
    (
        "inverse",
        _inverse,
        "Ce sont les inverses (1/x) des bonnes valeurs : une division est à l'envers, ou il manque "
        "des parenthèses.",
    ),
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
            same(result_of(move, [pair.wanted]), pair.obtained, tolerance) for pair in pairs
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


THOUSANDS = [  # of numbers written by hand
    (
        "thousands",
        _thousands,
        "En Python, un point annonce des décimales : il ne sépare pas les milliers.",
    ),
]
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
