"""Sizes and weights (question 1)."""

from tp_cnn.checks.convolution.arrays import sizes
from tp_cnn.checks.convolution.messages import NO_BIAS, PADDING_IGNORED, PLUS_ONE, STRIDE_IGNORED
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

REPEATED_BIAS = "Le biais est compté une fois par canal : il y en a un seul."
DEPTH = "La profondeur est oubliée : un poids par pixel et par canal."

output_size = FunctionCheck(
    "Taille de sortie d'une convolution (question 1).",
    answer=lambda size, kernel, stride, padding: (size + 2 * padding - kernel) // stride + 1,
    formulas=[
        Formula(
            "(size + 2 * padding - kernel) // stride + 1",
            {"1": "la position de départ", "2": "les deux bords"},
        )
    ],
    tries=lambda rng: [
        (5, 3, 1, 0),
        (6, 3, 2, 0),
        (7, 3, 1, 1),
        *sizes(rng, (20, 2, 1, 0), (60, 8, 5, 4), 8),
    ],
    mistakes=[
        Mistake("plus-one", lambda n, k, s, p: (n + 2 * p - k) // s, PLUS_ONE),
        Mistake(
            "early-one",
            lambda n, k, s, p: (n + 2 * p - k + 1) // s,
            "Le + 1 est la position de départ : il ne se divise pas par le stride.",
        ),
        Mistake(
            "padding-once",
            lambda n, k, s, p: (n + p - k) // s + 1,
            "Le padding s'ajoute des deux côtés.",
        ),
        Mistake(
            "ceil",
            lambda n, k, s, p: -((k - n - 2 * p) // s) + 1,
            "La division est arrondie vers le haut : une fenêtre incomplète ne compte pas.",
        ),
        Mistake(
            "no-floor",
            lambda n, k, s, p: (n + 2 * p - k) / s + 1,
            "Une taille est un nombre entier : une fenêtre incomplète ne compte pas.",
        ),
        Mistake("padding-ignored", lambda n, k, s, p: (n - k) // s + 1, PADDING_IGNORED),
        Mistake("stride-ignored", lambda n, k, s, p: n + 2 * p - k + 1, STRIDE_IGNORED),
        Mistake(
            "nearest",
            lambda n, k, s, p: round((n + 2 * p - k) / s) + 1,
            "La division est arrondie au plus proche : une fenêtre incomplète ne compte pas.",
        ),
    ],
)


def _side(n: int, k: int, s: int, p: int) -> int:
    return (n + 2 * p - k) // s + 1


output_shape = FunctionCheck(
    "Les trois nombres de la sortie d'une couche de convolution (question 1).",
    answer=lambda x, y, filters, kernel, stride, padding: (
        _side(x, kernel, stride, padding),
        _side(y, kernel, stride, padding),
        filters,
    ),
    tries=lambda rng: [
        (5, 7, 1, 2, 1, 0),
        (6, 9, 4, 3, 2, 1),
        *sizes(rng, (20, 30, 2, 2, 1, 0), (29, 60, 90, 8, 5, 4), 6),
    ],
    mistakes=[
        Mistake(
            "one-filter",
            lambda x, y, f, k, s, p: (_side(x, k, s, p), _side(y, k, s, p), 1),
            "La couche a plusieurs filtres : chacun donne une carte.",
        ),
        Mistake(
            "depth-slid",
            lambda x, y, f, k, s, p: tuple(_side(n, k, s, p) for n in (x, y, f)),
            "Rien ne glisse dans la profondeur : combien de cartes la couche donne-t-elle ?",
        ),
        Mistake(
            "swapped",
            lambda x, y, f, k, s, p: (_side(y, k, s, p), _side(x, k, s, p), f),
            "Les deux premiers nombres sont échangés : gardez l'ordre de l'entrée.",
        ),
        Mistake(
            "filters-first",
            lambda x, y, f, k, s, p: (f, _side(x, k, s, p), _side(y, k, s, p)),
            "C'est l'ordre de PyTorch : l'énoncé donne la profondeur en dernier.",
        ),
        Mistake(
            "square",
            lambda x, y, f, k, s, p: (_side(x, k, s, p), _side(x, k, s, p), f),
            "L'entrée n'est pas toujours carrée : chaque axe a sa taille.",
        ),
        Mistake(
            "two-numbers",
            lambda x, y, f, k, s, p: (_side(x, k, s, p), _side(y, k, s, p)),
            "Il manque un nombre : la profondeur de la sortie.",
        ),
    ],
)

filter_weights = ValueCheck(
    "Poids d'un filtre 5 × 5 sur une image 25 × 25 × 3, biais compris (question 1).",
    answer=5 * 5 * 3 + 1,
    formula=Formula(
        "5 * 5 * 3 + 1", {"5": "le côté du filtre", "3": "le nombre de canaux", "1": "le biais"}
    ),
    mistakes=[
        Mistake("depth", 5 * 5 + 1, DEPTH),
        Mistake("no-bias", 5 * 5 * 3, NO_BIAS),
        Mistake("repeated-bias", 3 * (5 * 5 + 1), REPEATED_BIAS),
    ],
)

neuron_weights = ValueCheck(
    "Poids d'un neurone complètement connecté à une image 25 × 25 × 3, biais compris.",
    answer=25 * 25 * 3 + 1,
    formula=Formula(
        "25 * 25 * 3 + 1", {"25": "le côté de l'image", "3": "le nombre de canaux", "1": "le biais"}
    ),
    mistakes=[
        Mistake("depth", 25 * 25 + 1, DEPTH),
        Mistake("no-bias", 25 * 25 * 3, NO_BIAS),
        Mistake("repeated-bias", 3 * (25 * 25 + 1), REPEATED_BIAS),
    ],
)

conv_weights = FunctionCheck(
    "Poids d'une couche de convolution, biais compris (question 1).",
    answer=lambda kernel, channels, filters: filters * (kernel**2 * channels + 1),
    formulas=[
        Formula("filters * (kernel * kernel * channels + 1)", {"1": "le biais"}),
    ],
    tries=lambda rng: [
        (3, 2, 1),
        (3, 2, 4),
        *sizes(rng, (2, 3, 8), (8, 64, 65), 4),
    ],
    mistakes=[
        Mistake("depth", lambda k, c, f: f * (k**2 + 1), DEPTH),
        Mistake("no-bias", lambda k, c, f: f * k**2 * c, NO_BIAS),
        Mistake(
            "one-bias",
            lambda k, c, f: f * k**2 * c + 1,
            "Un seul biais est compté pour toute la couche : chaque filtre a le sien.",
        ),
        Mistake(
            "side",
            lambda k, c, f: f * (k * c + 1),
            "Le filtre est un carré : k est la longueur de son côté.",
        ),
        Mistake(
            "one-filter",
            lambda k, c, f: k**2 * c + 1,
            "C'est le compte d'un seul filtre : la couche en a plusieurs.",
        ),
    ],
)

dense_weights = FunctionCheck(
    "Poids de la couche complètement connectée qui donne une sortie de même taille (question 1).",
    answer=lambda height, width, channels, out_height, out_width: (
        (height * width * channels + 1) * out_height * out_width
    ),
    formulas=[
        Formula("(height * width * channels + 1) * out_height * out_width", {"1": "le biais"}),
    ],
    tries=lambda rng: [
        (3, 4, 2, 2, 3),
        *sizes(rng, (8, 8, 2, 3, 3), (20, 20, 5, 8, 8), 4),
    ],
    mistakes=[
        Mistake("depth", lambda h, w, c, h2, w2: (h * w + 1) * h2 * w2, DEPTH),
        Mistake("no-bias", lambda h, w, c, h2, w2: h * w * c * h2 * w2, NO_BIAS),
        Mistake(
            "one-neuron",
            lambda h, w, c, h2, w2: h * w * c + 1,
            "C'est le compte d'un seul neurone : il en faut un par valeur de sortie.",
        ),
        Mistake(
            "one-bias",
            lambda h, w, c, h2, w2: h * w * c * h2 * w2 + 1,
            "Un seul biais est compté pour toute la couche : chaque neurone a le sien.",
        ),
    ],
)

same_padding = FunctionCheck(
    "Padding qui conserve la taille, pour un filtre de côté impair et un stride de 1.",
    answer=lambda kernel: (kernel - 1) // 2,
    formulas=[
        Formula("(kernel - 1) // 2", {"1": "la case du centre", "2": "les deux bords"}),
    ],
    tries=lambda rng: [(3,), (5,), (1,), *((2 * k + 1,) for (k,) in sizes(rng, (3,), (30,), 5))],
    mistakes=[
        Mistake(
            "total",
            lambda k: k - 1,
            "C'est le total des deux bords : le padding se donne par côté.",
        ),
        Mistake(
            "too-large",
            lambda k: (k + 1) // 2,
            "C'est une rangée de trop : la sortie serait plus grande que l'entrée.",
        ),
        Mistake(
            "half",
            lambda k: k / 2,
            "Un padding est un nombre entier de rangées, et la case du centre n'en demande pas.",
        ),
    ],
)
