"""Pooling; the table of 004."""

import numpy as np

from tp_cnn.checks.convolution.arrays import pool, scan, square, whole
from tp_cnn.checks.convolution.messages import AVERAGE, STRIDE_IGNORED
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

TABLE = np.arange(1.0, 17).reshape(4, 4)
STRIDE_IS_SIZE = "La fenêtre avance de sa propre taille et non du stride."
MINIMUM = "C'est le minimum de la fenêtre : on en veut le maximum."

max_pool_table = ValueCheck(
    "Max-pooling 2 × 2, stride 2, du tableau 4 × 4 des nombres de 1 à 16 : un tableau.",
    answer=pool(TABLE, 2, 2, np.max),
    mistakes=[
        Mistake("average", pool(TABLE, 2, 2, np.mean), AVERAGE),
        Mistake("minimum", pool(TABLE, 2, 2, np.min), MINIMUM),
        Mistake("stride-ignored", pool(TABLE, 2, 1, np.max), STRIDE_IGNORED),
    ],
)


def _pooling_tries(rng) -> list[tuple]:
    return [
        (TABLE, 2, 2),
        (whole(rng, 5, 5) - 10, 2, 2),  # negative values, and a row that no window reaches
        (whole(rng, 5, 5), 3, 1),
        (rng.normal(size=(7, 9)), 3, 2),
    ]


def _in_template(operation, corner, side=lambda k, s: k):
    """A mistake in the loop of the template: ``corner(i, j, k, s)`` is a window's corner."""

    def mistaken(image, size, stride):
        return scan(
            pool(image, size, stride, np.max).shape,
            lambda i, j: operation(square(image, *corner(i, j, size, stride), side(size, stride))),
        )

    return mistaken


def _loop_mistakes(operation) -> list[Mistake]:
    """What both poolings share, since ``pool`` makes their windows."""
    return [
        Mistake(
            "corner-without-stride",
            _in_template(operation, lambda i, j, k, s: (i, j)),
            "La sortie a la bonne taille, mais d'une position à la suivante la fenêtre n'avance "
            "que d'une case : où est son coin ?",
        ),
        Mistake(
            "window-of-stride",
            _in_template(operation, lambda i, j, k, s: (i * s, j * s), side=lambda k, s: s),
            "La fenêtre a le côté du stride : elle doit avoir celui qui est demandé, size.",
        ),
        Mistake(
            "one-axis",
            _in_template(operation, lambda i, j, k, s: (i * s, j)),
            "La fenêtre avance du stride vers le bas, mais d'une seule case vers la droite.",
        ),
    ]


max_pool = FunctionCheck(
    "Max-pooling d'une image à un canal, sans padding.",
    answer=lambda image, size, stride: pool(image, size, stride, np.max),
    tries=_pooling_tries,
    mistakes=[
        Mistake("average", lambda x, k, s: pool(x, k, s, np.mean), AVERAGE),
        Mistake("minimum", lambda x, k, s: pool(x, k, s, np.min), MINIMUM),
        Mistake(
            "zero-start",
            lambda x, k, s: np.maximum(pool(x, k, s, np.max), 0),
            "Le maximum part de 0 : que se passe-t-il quand toute la fenêtre est négative ?",
        ),
        Mistake("stride-ignored", lambda x, k, s: pool(x, k, 1, np.max), STRIDE_IGNORED),
        Mistake("stride-is-size", lambda x, k, s: pool(x, k, k, np.max), STRIDE_IS_SIZE),
        *_loop_mistakes(np.max),
        Mistake(  # ends on an error: the maximum of no pixel; a mean only gives NaN
            "corner-by-size",
            _in_template(np.max, lambda i, j, k, s: (i * k, j * k)),
            STRIDE_IS_SIZE,
        ),
    ],
)

average_pool = FunctionCheck(
    "Average pooling d'une image à un canal, sans padding.",
    answer=lambda image, size, stride: pool(image, size, stride, np.mean),
    tries=_pooling_tries,
    mistakes=[
        Mistake(
            "maximum",
            lambda x, k, s: pool(x, k, s, np.max),
            "C'est le maximum de la fenêtre : on en veut la moyenne.",
        ),
        Mistake(
            "sum",
            lambda x, k, s: pool(x, k, s, np.sum),
            "C'est la somme de la fenêtre : il reste à la diviser.",
        ),
        Mistake(
            "side",
            lambda x, k, s: pool(x, k, s, np.sum) / k,
            "La somme est divisée par le côté de la fenêtre : combien de cases contient-elle ?",
        ),
        Mistake("stride-is-size", lambda x, k, s: pool(x, k, k, np.mean), STRIDE_IS_SIZE),
        *_loop_mistakes(np.mean),
    ],
)
