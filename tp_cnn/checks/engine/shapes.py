"""What became of the axes of a result that has not the right shape."""

from tp_cnn.checks.engine.compare import to_array, wrong_part
from tp_cnn.checks.engine.pairs import Clue


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


# Name, test on the two shapes (obtained, wanted), what to say

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
