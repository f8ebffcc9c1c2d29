"""Two dimensions, one channel: correlation, stride, padding, ReLU; 003 and 004."""

import numpy as np

from tp_cnn.checks.convolution.arrays import correlate, scan, square, whole
from tp_cnn.checks.convolution.messages import (
    JUMPS,
    MIRROR,
    OVERRUN,
    PADDING_IGNORED,
    PLUS_ONE,
    STRIDE_IGNORED,
)
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

IMAGE = np.array([[2.0, -1, -1, 3], [-2, 1, 2, -1], [0, 0, 2, 3], [2, -1, -3, 2]])
KERNEL = np.array([[-1.0, 2], [0, 1]])
BINARY = np.array(
    [[1.0, 0, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 1, 1], [1, 1, 1, 0, 0]]
)
VERTICAL = np.array([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])
TRANSPOSED = "Les lignes et les colonnes du filtre sont échangées."
ABSOLUTE = "C'est la valeur absolue : que doit devenir une valeur négative ?"
CLIPPED = "Les valeurs sont plafonnées à 1 : ReLU n'a pas de plafond."

worked_example = ValueCheck(
    "Corrélation de l'image 4 × 4 par le filtre 2 × 2, à la main : un tableau.",
    answer=correlate(IMAGE, KERNEL),
    mistakes=[
        Mistake("mirror", correlate(IMAGE, KERNEL[::-1, ::-1]), MIRROR),
        Mistake("transposed", correlate(IMAGE, KERNEL.T), TRANSPOSED),
        Mistake("jumps", correlate(IMAGE, KERNEL, stride=2), JUMPS),
        Mistake("overrun", correlate(np.pad(IMAGE, (0, 1)), KERNEL), OVERRUN),
    ],
)

worked_example_relu = ValueCheck(
    "ReLU du tableau précédent : un tableau.",
    answer=np.maximum(correlate(IMAGE, KERNEL), 0),
    mistakes=[
        Mistake("absolute", np.abs(correlate(IMAGE, KERNEL)), ABSOLUTE),
        Mistake("clipped", np.clip(correlate(IMAGE, KERNEL), 0, 1), CLIPPED),
        Mistake("unchanged", correlate(IMAGE, KERNEL), "Il reste des valeurs négatives."),
    ],
)

vertical_edges = ValueCheck(
    "Corrélation de l'image binaire 5 × 5 par le filtre des bords verticaux : un tableau.",
    answer=correlate(BINARY, VERTICAL),
    mistakes=[
        Mistake("mirror", correlate(BINARY, VERTICAL[::-1, ::-1]), MIRROR),
        Mistake(
            "horizontal",
            correlate(BINARY, VERTICAL.T),
            "C'est le filtre des bords horizontaux : lignes et colonnes sont échangées.",
        ),
        Mistake("padded", correlate(BINARY, VERTICAL, padding=1), OVERRUN),
    ],
)

relu = FunctionCheck(
    "ReLU, valeur par valeur, d'un tableau de forme quelconque.",
    answer=lambda values: np.maximum(values, 0),
    tries=lambda rng: [(np.array([-2, -0.5, 0, 3, 100]),), (3 * rng.normal(size=(4, 5)),)],
    mistakes=[
        Mistake("absolute", lambda x: np.abs(x), ABSOLUTE),
        Mistake("clipped", lambda x: np.clip(x, 0, 1), CLIPPED),
        Mistake(
            "negative-part",
            lambda x: np.minimum(x, 0),
            "C'est la partie négative qui reste : l'inégalité est à l'envers.",
        ),
        Mistake(
            "step",
            lambda x: (x > 0).astype(float),
            "C'est un échelon : les valeurs positives gardent leur valeur.",
        ),
        Mistake(
            "leaky",
            lambda x: np.where(x > 0, x, 0.01 * x),
            "C'est la leaky ReLU : elle laisse passer un peu des valeurs négatives.",
        ),
    ],
)

correlation_2d = FunctionCheck(
    "Corrélation d'une image à un canal par un filtre carré, sans bords ajoutés.",
    answer=lambda image, kernel: correlate(image, kernel),
    tries=lambda rng: [
        (IMAGE, KERNEL),
        (whole(rng, 3, 5), whole(rng, 2, 2)),
        (rng.normal(size=(7, 9)), rng.normal(size=(3, 3))),
    ],
    mistakes=[
        Mistake("mirror", lambda x, w: correlate(x, w[::-1, ::-1]), MIRROR),
        Mistake("transposed", lambda x, w: correlate(x, w.T), TRANSPOSED),
        Mistake(
            "swapped",
            lambda x, w: correlate(x, w).T,
            "Le balayage échange lignes et colonnes : le premier indice d'un tableau est la ligne.",
        ),
        Mistake("plus-one", lambda x, w: correlate(x, w)[:-1, :-1], PLUS_ONE),
        Mistake(
            "square",
            lambda x, w: correlate(x[:, : len(x)], w),
            "L'image n'est pas toujours carrée : hauteur et largeur se lisent séparément.",
        ),
    ],
)


def _in_template(corner, frame=np.pad, every_pixel=True):
    """A mistake in the loop of the template: ``corner(i, j, s, p, k)`` is a window's corner."""

    def mistaken(image, kernel, stride, padding):
        k = len(kernel)
        framed, step = frame(image, padding), 1 if every_pixel else stride
        return scan(
            correlate(image, kernel, stride, padding).shape,
            lambda i, j: np.sum(
                square(framed, *corner(i, j, stride, padding, k), k, step) * kernel
            ),
        )

    return mistaken


def _corner(i, j, s, p, k):
    return i * s, j * s


correlation_2d_strided = FunctionCheck(
    "Corrélation d'une image à un canal par un filtre carré, avec stride et padding.",
    answer=lambda image, kernel, stride, padding: correlate(image, kernel, stride, padding),
    tries=lambda rng: [
        (IMAGE, KERNEL, 2, 0),
        (IMAGE, KERNEL, 1, 0),  # tells the stride from the side of the filter
        (IMAGE, KERNEL, 1, 1),
        (whole(rng, 6, 7), whole(rng, 3, 3), 2, 1),
        (rng.normal(size=(9, 12)), rng.normal(size=(3, 3)), 3, 2),
    ],
    mistakes=[
        Mistake("padding-ignored", lambda x, w, s, p: correlate(x, w, s), PADDING_IGNORED),
        Mistake("stride-ignored", lambda x, w, s, p: correlate(x, w, 1, p), STRIDE_IGNORED),
        Mistake(
            "one-sided",
            lambda x, w, s, p: correlate(np.pad(x, (p, 0)), w, s),
            "Le padding s'ajoute des quatre côtés, pas seulement en haut et à gauche.",
        ),
        Mistake(
            "replicated",
            lambda x, w, s, p: correlate(np.pad(x, p, mode="edge"), w, s),
            "Le padding recopie le bord de l'image : il doit être fait de zéros.",
        ),
        Mistake("mirror", lambda x, w, s, p: correlate(x, w[::-1, ::-1], s, p), MIRROR),
        Mistake(
            "unframed-window",
            _in_template(_corner, frame=lambda image, padding: image),
            "Une fenêtre sort de l'image : elle se prend dans l'image encadrée de zéros, et la "
            "taille de la sortie ne compte ces zéros qu'une fois.",
        ),
        Mistake(
            "framed-twice",
            _in_template(_corner, frame=lambda image, padding: np.pad(image, 2 * padding)),
            "Le cadre de zéros est deux fois trop large : de combien grandit chaque côté ?",
        ),
        Mistake(
            "corner-without-stride",
            _in_template(lambda i, j, s, p, k: (i, j)),
            "La sortie a la bonne taille, mais d'une position à la suivante la fenêtre n'avance "
            "que d'une case : où est son coin ?",
        ),
        Mistake(
            "one-axis",
            _in_template(lambda i, j, s, p, k: (i * s, j)),
            "La fenêtre avance du stride vers le bas, mais d'une seule case vers la droite.",
        ),
        Mistake(
            "corner-by-kernel",
            _in_template(lambda i, j, s, p, k: (i * k, j * k)),
            "La fenêtre avance de la taille du filtre et non du stride.",
        ),
        Mistake(
            "padding-subtracted",
            _in_template(lambda i, j, s, p, k: (i * s - p, j * s - p)),
            "Dans l'image encadrée, la première fenêtre commence à la ligne 0 : il n'y a plus de "
            "padding à retirer.",
        ),
        Mistake(
            "stride-in-window",
            _in_template(_corner, every_pixel=False),
            "Le stride saute des pixels à l'intérieur de la fenêtre : il ne doit espacer que les "
            "fenêtres.",
        ),
    ],
)
