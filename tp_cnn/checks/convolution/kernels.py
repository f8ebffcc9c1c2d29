"""The X detector of 001, the image kernels of 003, the shift of question 3."""

import numpy as np

from tp_cnn.checks.convolution.arrays import correlate
from tp_cnn.checks.convolution.messages import MIRROR
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

DIAGONAL = 2 * np.eye(3) - 1
CROSS = np.full((9, 9), -1.0)  # the X of 001: +1 on both diagonals, but for a frame one pixel wide
CROSS[range(1, 8), range(1, 8)] = CROSS[range(1, 8), range(7, 0, -1)] = 1
SUM = "C'est la somme des produits : on en veut la moyenne."
AGREEMENT = "C'est la part des cases égales : on veut la moyenne des produits."

fragment_value = ValueCheck(
    "Accord entre le fragment diagonal et le coin en haut à gauche du X, à 0,01 près.",
    answer=7 / 9,
    tolerance=0.01,
    mistakes=[
        Mistake("sum", 7, SUM),
        Mistake("agreement", 8 / 9, AGREEMENT),
        Mistake(
            "lit", 2 / 3, "Seules les cases à 1 sont comptées : les cases à -1 comptent aussi."
        ),
    ],
)

feature_map = FunctionCheck(
    "Carte d'accord entre une image et un fragment : la moyenne des produits, à chaque position.",
    answer=lambda image, fragment: correlate(image, fragment) / fragment.size,
    tries=lambda rng: [
        (np.array([[1.0, -1, -1], [-1, 1, 1]]), np.array([[1.0, -1], [1, 1]])),
        (rng.choice([-1.0, 1.0], (5, 6)), rng.choice([-1.0, 1.0], (3, 3))),
        (CROSS, DIAGONAL),
    ],
    mistakes=[
        Mistake("sum", lambda x, f: correlate(x, f), SUM),
        Mistake("agreement", lambda x, f: (correlate(x, f) / f.size + 1) / 2, AGREEMENT),
        Mistake(
            "side",
            lambda x, f: correlate(x, f) / len(f),
            "La somme est divisée par le côté du fragment : combien de cases contient-il ?",
        ),
        Mistake("mirror", lambda x, f: correlate(x, f[::-1, ::-1]) / f.size, MIRROR),
    ],
)

box_blur = ValueCheck(
    "Filtre 3 × 3 qui remplace chaque pixel par la moyenne de son voisinage : un tableau.",
    answer=np.full((3, 3), 1 / 9),
    mistakes=[
        Mistake(
            "sum",
            np.ones((3, 3)),
            "C'est la somme du voisinage : l'image deviendrait bien plus claire.",
        ),
        Mistake(
            "side",
            np.full((3, 3), 1 / 3),
            "Le filtre est divisé par son côté : combien de pixels contient-il ?",
        ),
        Mistake(
            "gaussian",
            np.outer([1, 2, 1], [1, 2, 1]) / 16,
            "C'est le flou gaussien : ici tous les voisins ont le même poids.",
        ),
    ],
)


def _surrounded(centre: float) -> np.ndarray:
    """A 3x3 kernel of -1 around ``centre``."""
    kernel = np.full((3, 3), -1.0)
    kernel[1, 1] = centre
    return kernel


edge_kernel = ValueCheck(
    "Détecteur de contours 3 × 3, fait de -1 autour d'un centre à trouver : un tableau.",
    answer=_surrounded(8),
    mistakes=[
        Mistake(
            "sharpen",
            _surrounded(9),
            "Ce filtre garde l'image : sur une zone unie, un détecteur de contours doit donner 0.",
        ),
        Mistake(
            "four-neighbours",
            _surrounded(4),
            "Ce centre compense quatre voisins : combien de -1 l'entourent ici ?",
        ),
        Mistake(
            "sign", _surrounded(-8), "Le centre doit compenser ses voisins : regardez son signe."
        ),
    ],
)

shift_change = FunctionCheck(
    "Écart relatif entre deux tableaux, avant et après décalage (question 3) : la norme de la "
    "différence, divisée par celle du tableau d'avant.",
    answer=lambda before, after: np.linalg.norm(after - before) / np.linalg.norm(before),
    tries=lambda rng: [
        (np.array([3.0, 4]), np.array([3.0, 1])),
        (np.array([3.0, 4]), np.array([1.0, 6])),
        (rng.normal(size=(4, 6)), rng.normal(size=(4, 6))),
        (rng.normal(size=(2, 3, 5)), 2 * rng.normal(size=(2, 3, 5))),
    ],
    mistakes=[
        Mistake(
            "absolute",
            lambda x, y: np.linalg.norm(y - x),
            "L'écart n'est pas relatif : il reste à le diviser par la norme du tableau d'avant.",
        ),
        Mistake(
            "reference",
            lambda x, y: np.linalg.norm(y - x) / np.linalg.norm(y),
            "L'écart est rapporté au tableau d'après le décalage, et non à celui d'avant.",
        ),
        Mistake(
            "squared",
            lambda x, y: (np.linalg.norm(y - x) / np.linalg.norm(x)) ** 2,
            "Ce sont les normes au carré : il manque une racine carrée.",
        ),
        Mistake(
            "norms",
            lambda x, y: abs(np.linalg.norm(y) / np.linalg.norm(x) - 1),
            "C'est la différence des normes : il faut la norme de la différence.",
        ),
    ],
)
