"""Checks of notebook 01: convolution, pooling, output sizes, weights, receptive fields.

Sources of the worked examples: 000 (1D signal), 001 (the X and its fragments), 003 (binary image,
image kernels), 004 (4x4 image, 25x25x3 image, pooling table); questions Q1 to Q7 of the lab sheet.

Functions receive NumPy arrays and whole numbers. The first inputs tried are small enough to be
computed by hand. In the mistakes, letters follow the lab sheet: x input, w filter, b bias,
n size, k kernel, s stride, p padding.
"""

import numpy as np
import torch
from torch.nn import functional

from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

SIGNAL = np.array([1.0, 0, 2, 4, 3])
FILTER = np.array([3.0, 2])
IMAGE = np.array([[2.0, -1, -1, 3], [-2, 1, 2, -1], [0, 0, 2, 3], [2, -1, -3, 2]])
KERNEL = np.array([[-1.0, 2], [0, 1]])
BINARY = np.array(
    [[1.0, 0, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 1, 1], [1, 1, 1, 0, 0]]
)
VERTICAL = np.array([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])
TABLE = np.arange(1.0, 17).reshape(4, 4)
DIAGONAL = 2 * np.eye(3) - 1
CROSS = np.full((9, 9), -1.0)  # the X of 001: +1 on both diagonals, but for a frame one pixel wide
CROSS[range(1, 8), range(1, 8)] = CROSS[range(1, 8), range(7, 0, -1)] = 1

# Messages that several checks share
MIRROR = "Le filtre est retourné : ici on le fait glisser tel quel, sans miroir."
PLUS_ONE = "Il manque le + 1 : on compte les positions, pas les pas."
NO_BIAS = "Le biais est oublié."
REPEATED_BIAS = "Le biais est compté une fois par canal : il y en a un seul."
DEPTH = "La profondeur est oubliée : un poids par pixel et par canal."
JUMPS = "La fenêtre saute des positions : elle avance d'une case à la fois."
OVERRUN = "Le filtre dépasse de l'entrée : il doit y tenir tout entier."
PARTIAL = "Il manque des positions : une seule case en commun entre filtre et signal suffit."
TRANSPOSED = "Les lignes et les colonnes du filtre sont échangées."
PADDING_IGNORED = "Le padding n'est pas pris en compte : il agrandit l'entrée."
STRIDE_IGNORED = "Le stride n'est pas pris en compte : la fenêtre avance d'une seule case."
STRIDE_IS_SIZE = "La fenêtre avance de sa propre taille et non du stride."
AVERAGE = "C'est la moyenne de la fenêtre : on en veut le maximum."
MINIMUM = "C'est le minimum de la fenêtre : on en veut le maximum."
ABSOLUTE = "C'est la valeur absolue : que doit devenir une valeur négative ?"
CLIPPED = "Les valeurs sont plafonnées à 1 : ReLU n'a pas de plafond."
SUM = "C'est la somme des produits : on en veut la moyenne."
AGREEMENT = "C'est la part des cases égales : on veut la moyenne des produits."
FIELD_SUM = "Les tailles sont additionnées : deux fenêtres voisines ont des pixels en commun."
FIELD_PRODUCT = "Les tailles sont multipliées : deux fenêtres voisines ont des pixels en commun."


def _convolve(images, kernels, bias=None, stride=1, padding=0) -> np.ndarray:
    """PyTorch's convolution: (n, c, h, w) and (f, c, k, k) give (n, f, h', w')."""
    images, kernels = torch.tensor(images), torch.tensor(kernels.copy())  # a flipped view: copied
    bias = None if bias is None else torch.tensor(bias)
    return functional.conv2d(images, kernels, bias, stride, padding).numpy()


def _correlate(image, kernel, stride=1, padding=0) -> np.ndarray:
    """One channel: (h, w) and (k, k) give (h', w')."""
    return _convolve(image[None, None], kernel[None, None], None, stride, padding)[0, 0]


def _slide(signal, kernel) -> np.ndarray:
    """One dimension: (n,) and (k,) give (n - k + 1,)."""
    return _correlate(signal[None], kernel[None])[0]


def _pool(image, size, stride, operation) -> np.ndarray:
    """Apply ``operation`` to every window that fits in the image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))[::stride, ::stride]
    return operation(windows, axis=(2, 3))


def _whole(rng, *shape) -> np.ndarray:
    """Random whole numbers, easy to compute with by hand."""
    return rng.integers(-4, 5, shape).astype(float)


def _sizes(rng, low, high, number) -> list[tuple[int, ...]]:
    """``number`` tuples of random integers, from ``low`` to ``high`` excluded."""
    return [tuple(rng.integers(low, high).tolist()) for _ in range(number)]


# One dimension

correlation_by_hand = ValueCheck(
    "Corrélation du signal 1 0 2 4 3 par le filtre 3 2, à la main : une liste.",
    answer=_slide(SIGNAL, FILTER),
    mistakes=[
        Mistake("mirror", _slide(SIGNAL, FILTER[::-1]), MIRROR),
        Mistake("jumps", _slide(SIGNAL, FILTER)[::2], JUMPS),
        Mistake("overrun", _slide(np.append(SIGNAL, 0), FILTER), OVERRUN),
    ],
)

max_pooling_by_hand = ValueCheck(
    "Max-pooling (fenêtre de 2, pas de 1) de la corrélation précédente : une liste.",
    answer=[4, 14, 18],
    mistakes=[
        Mistake("jumps", [4, 18], JUMPS),
        Mistake(
            "signal",
            [1, 2, 4, 4],
            "Le pooling porte ici sur le signal : il s'applique à la sortie de la convolution.",
        ),
        Mistake("average", [3.5, 9, 16], AVERAGE),
    ],
)

correlation_1d = FunctionCheck(
    "Corrélation d'un signal par un filtre plus court, sans bords ajoutés.",
    answer=lambda signal, kernel: _slide(signal, kernel),
    tries=lambda rng: [
        (SIGNAL, FILTER),
        (_whole(rng, 6), _whole(rng, 3)),
        (rng.normal(size=20), rng.normal(size=5)),
    ],
    mistakes=[
        Mistake("mirror", lambda x, w: _slide(x, w[::-1]), MIRROR),
        Mistake("plus-one", lambda x, w: _slide(x, w)[:-1], PLUS_ONE),
        Mistake("overrun", lambda x, w: _slide(np.pad(x, (0, len(w) - 1)), w), OVERRUN),
        Mistake(
            "mean",
            lambda x, w: _slide(x, w) / len(w),
            "On additionne les produits, on n'en prend pas la moyenne.",
        ),
    ],
)

convolution_1d = FunctionCheck(
    "Convolution des mathématiciens, complète : n + k - 1 valeurs, avec le miroir.",
    answer=lambda signal, kernel: np.convolve(signal, kernel),
    tries=correlation_1d.tries,
    mistakes=[
        Mistake(
            "no-mirror",
            lambda x, w: np.convolve(x, w[::-1]),
            "Il manque le miroir : l'un des deux vecteurs se lit à l'envers.",
        ),
        Mistake("valid", lambda x, w: np.convolve(x, w, "valid"), PARTIAL),
        Mistake(
            "correlation",
            lambda x, w: _slide(x, w),
            "C'est la corrélation : il manque le miroir, et les positions où le filtre dépasse.",
        ),
        Mistake("same", lambda x, w: np.convolve(x, w, "same"), PARTIAL),
    ],
)

# Two dimensions, one channel

worked_example = ValueCheck(
    "Corrélation de l'image 4 × 4 par le filtre 2 × 2, à la main : un tableau.",
    answer=_correlate(IMAGE, KERNEL),
    mistakes=[
        Mistake("mirror", _correlate(IMAGE, KERNEL[::-1, ::-1]), MIRROR),
        Mistake("transposed", _correlate(IMAGE, KERNEL.T), TRANSPOSED),
        Mistake("jumps", _correlate(IMAGE, KERNEL, stride=2), JUMPS),
        Mistake("overrun", _correlate(np.pad(IMAGE, (0, 1)), KERNEL), OVERRUN),
    ],
)

worked_example_relu = ValueCheck(
    "ReLU du tableau précédent : un tableau.",
    answer=np.maximum(_correlate(IMAGE, KERNEL), 0),
    mistakes=[
        Mistake("absolute", np.abs(_correlate(IMAGE, KERNEL)), ABSOLUTE),
        Mistake("clipped", np.clip(_correlate(IMAGE, KERNEL), 0, 1), CLIPPED),
        Mistake("unchanged", _correlate(IMAGE, KERNEL), "Il reste des valeurs négatives."),
    ],
)

vertical_edges = ValueCheck(
    "Corrélation de l'image binaire 5 × 5 par le filtre des bords verticaux : un tableau.",
    answer=_correlate(BINARY, VERTICAL),
    mistakes=[
        Mistake("mirror", _correlate(BINARY, VERTICAL[::-1, ::-1]), MIRROR),
        Mistake(
            "horizontal",
            _correlate(BINARY, VERTICAL.T),
            "C'est le filtre des bords horizontaux : lignes et colonnes sont échangées.",
        ),
        Mistake("padded", _correlate(BINARY, VERTICAL, padding=1), OVERRUN),
    ],
)

relu = FunctionCheck(
    "ReLU, valeur par valeur, d'un tableau de forme quelconque.",
    answer=lambda values: np.maximum(values, 0),
    tries=lambda rng: [(np.array([-2, -0.5, 0, 3]),), (3 * rng.normal(size=(4, 5)),)],
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
    ],
)

correlation_2d = FunctionCheck(
    "Corrélation d'une image à un canal par un filtre carré, sans bords ajoutés.",
    answer=lambda image, kernel: _correlate(image, kernel),
    tries=lambda rng: [
        (IMAGE, KERNEL),
        (_whole(rng, 3, 5), _whole(rng, 2, 2)),
        (rng.normal(size=(7, 9)), rng.normal(size=(3, 3))),
    ],
    mistakes=[
        Mistake("mirror", lambda x, w: _correlate(x, w[::-1, ::-1]), MIRROR),
        Mistake("transposed", lambda x, w: _correlate(x, w.T), TRANSPOSED),
        Mistake(
            "swapped",
            lambda x, w: _correlate(x, w).T,
            "Le balayage échange lignes et colonnes : le premier indice d'un tableau est la ligne.",
        ),
        Mistake("plus-one", lambda x, w: _correlate(x, w)[:-1, :-1], PLUS_ONE),
        Mistake(
            "square",
            lambda x, w: _correlate(x[:, : len(x)], w),
            "L'image n'est pas toujours carrée : hauteur et largeur se lisent séparément.",
        ),
    ],
)

correlation_2d_strided = FunctionCheck(
    "Corrélation d'une image à un canal par un filtre carré, avec stride et padding.",
    answer=lambda image, kernel, stride, padding: _correlate(image, kernel, stride, padding),
    tries=lambda rng: [
        (IMAGE, KERNEL, 2, 0),
        (IMAGE, KERNEL, 1, 1),
        (_whole(rng, 6, 7), _whole(rng, 3, 3), 2, 1),
        (rng.normal(size=(9, 12)), rng.normal(size=(3, 3)), 3, 2),
    ],
    mistakes=[
        Mistake("padding-ignored", lambda x, w, s, p: _correlate(x, w, s), PADDING_IGNORED),
        Mistake("stride-ignored", lambda x, w, s, p: _correlate(x, w, 1, p), STRIDE_IGNORED),
        Mistake(
            "one-sided",
            lambda x, w, s, p: _correlate(np.pad(x, (p, 0)), w, s),
            "Le padding s'ajoute des quatre côtés, pas seulement en haut et à gauche.",
        ),
        Mistake(
            "replicated",
            lambda x, w, s, p: _correlate(np.pad(x, p, mode="edge"), w, s),
            "Le padding recopie le bord de l'image : il doit être fait de zéros.",
        ),
    ],
)

# Channels and batches

convolution_channels = FunctionCheck(
    "Convolution d'une image (canaux, h, l) par des filtres (f, canaux, k, k), avec biais (f).",
    answer=lambda image, kernels, bias: _convolve(image[None], kernels, bias)[0],
    tries=lambda rng: [
        (_whole(rng, 2, 3, 3), _whole(rng, 1, 2, 2, 2), np.array([5.0])),
        (_whole(rng, 3, 5, 6), _whole(rng, 4, 3, 3, 3), np.array([1.0, -2, 3, 5])),
        (rng.normal(size=(2, 6, 5)), rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3) + 4),
    ],
    mistakes=[
        Mistake("no-bias", lambda x, w, b: _convolve(x[None], w)[0], NO_BIAS),
        Mistake(
            "repeated-bias",
            lambda x, w, b: _convolve(x[None], w, b * len(x))[0],
            "Le biais est ajouté une fois par canal : il s'ajoute une seule fois par filtre.",
        ),
        Mistake(
            "first-channel",
            lambda x, w, b: _convolve(x[None, :1], w[:, :1], b)[0],
            "Seul le premier canal compte : il faut additionner les canaux d'entrée.",
        ),
        Mistake(
            "mean",
            lambda x, w, b: _convolve(x[None] / len(x), w, b)[0],
            "On additionne les canaux, on n'en prend pas la moyenne.",
        ),
    ],
)

convolution_batch = FunctionCheck(
    "Couche de convolution : images (n, c, h, l), filtres (f, c, k, k), biais (f).",
    answer=lambda images, kernels, bias, stride, padding: _convolve(
        images, kernels, bias, stride, padding
    ),
    tries=lambda rng: [
        (_whole(rng, 2, 1, 3, 3), _whole(rng, 3, 1, 2, 2), np.array([1.0, 2, 3]), 1, 1),
        (_whole(rng, 4, 3, 6, 7), _whole(rng, 2, 3, 3, 3), np.array([-1.0, 4]), 2, 1),
        (rng.normal(size=(3, 2, 8, 8)), rng.normal(size=(5, 2, 5, 5)), rng.normal(size=5), 1, 2),
    ],
    mistakes=[
        Mistake("no-bias", lambda x, w, b, s, p: _convolve(x, w, None, s, p), NO_BIAS),
        Mistake(
            "same-image",
            lambda x, w, b, s, p: _convolve(x[:1].repeat(len(x), 0), w, b, s, p),
            "Toutes les sorties viennent de la première image : utilisez aussi l'indice du lot.",
        ),
        Mistake(
            "axes",
            lambda x, w, b, s, p: _convolve(x, w, b, s, p).swapaxes(0, 1),
            "Les deux premiers axes sont échangés : d'abord les images, puis les filtres.",
        ),
        Mistake("padding-ignored", lambda x, w, b, s, p: _convolve(x, w, b, s), PADDING_IGNORED),
        Mistake("stride-ignored", lambda x, w, b, s, p: _convolve(x, w, b, 1, p), STRIDE_IGNORED),
    ],
)

# Sizes and weights (question 1)

output_size = FunctionCheck(
    "Taille de sortie d'une convolution (question 1).",
    answer=lambda size, kernel, stride, padding: (size + 2 * padding - kernel) // stride + 1,
    tries=lambda rng: [
        (5, 3, 1, 0),
        (6, 3, 2, 0),
        (7, 3, 1, 1),
        *_sizes(rng, (20, 2, 1, 0), (60, 8, 5, 4), 8),
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
    ],
)

filter_weights = ValueCheck(
    "Poids d'un filtre 5 × 5 sur une image 25 × 25 × 3, biais compris (question 1).",
    answer=5 * 5 * 3 + 1,
    mistakes=[
        Mistake("depth", 5 * 5 + 1, DEPTH),
        Mistake("no-bias", 5 * 5 * 3, NO_BIAS),
        Mistake("repeated-bias", 3 * (5 * 5 + 1), REPEATED_BIAS),
    ],
)

neuron_weights = ValueCheck(
    "Poids d'un neurone complètement connecté à une image 25 × 25 × 3, biais compris.",
    answer=25 * 25 * 3 + 1,
    mistakes=[
        Mistake("depth", 25 * 25 + 1, DEPTH),
        Mistake("no-bias", 25 * 25 * 3, NO_BIAS),
        Mistake("repeated-bias", 3 * (25 * 25 + 1), REPEATED_BIAS),
    ],
)

conv_weights = FunctionCheck(
    "Poids d'une couche de convolution, biais compris (question 1).",
    answer=lambda kernel, channels, filters: filters * (kernel**2 * channels + 1),
    tries=lambda rng: [
        (3, 2, 1),
        (3, 2, 4),
        *_sizes(rng, (2, 3, 8), (8, 64, 65), 4),
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
    tries=lambda rng: [
        (3, 4, 2, 2, 3),
        *_sizes(rng, (8, 8, 2, 3, 3), (20, 20, 5, 8, 8), 4),
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
    tries=lambda rng: [(3,), (5,), (1,), *((2 * k + 1,) for (k,) in _sizes(rng, (3,), (30,), 5))],
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

# Pooling

max_pool_table = ValueCheck(
    "Max-pooling 2 × 2, stride 2, du tableau 4 × 4 des nombres de 1 à 16 : un tableau.",
    answer=_pool(TABLE, 2, 2, np.max),
    mistakes=[
        Mistake("average", _pool(TABLE, 2, 2, np.mean), AVERAGE),
        Mistake("minimum", _pool(TABLE, 2, 2, np.min), MINIMUM),
        Mistake("stride-ignored", _pool(TABLE, 2, 1, np.max), STRIDE_IGNORED),
    ],
)


def _pooling_tries(rng) -> list[tuple]:
    return [
        (TABLE, 2, 2),
        (_whole(rng, 5, 5) - 10, 2, 2),  # negative values, and a row that no window reaches
        (_whole(rng, 5, 5), 3, 1),
        (rng.normal(size=(7, 9)), 3, 2),
    ]


max_pool = FunctionCheck(
    "Max-pooling d'une image à un canal, sans padding.",
    answer=lambda image, size, stride: _pool(image, size, stride, np.max),
    tries=_pooling_tries,
    mistakes=[
        Mistake("average", lambda x, k, s: _pool(x, k, s, np.mean), AVERAGE),
        Mistake("minimum", lambda x, k, s: _pool(x, k, s, np.min), MINIMUM),
        Mistake(
            "zero-start",
            lambda x, k, s: np.maximum(_pool(x, k, s, np.max), 0),
            "Le maximum part de 0 : que se passe-t-il quand toute la fenêtre est négative ?",
        ),
        Mistake("stride-ignored", lambda x, k, s: _pool(x, k, 1, np.max), STRIDE_IGNORED),
        Mistake("stride-is-size", lambda x, k, s: _pool(x, k, k, np.max), STRIDE_IS_SIZE),
    ],
)

average_pool = FunctionCheck(
    "Average pooling d'une image à un canal, sans padding.",
    answer=lambda image, size, stride: _pool(image, size, stride, np.mean),
    tries=_pooling_tries,
    mistakes=[
        Mistake(
            "maximum",
            lambda x, k, s: _pool(x, k, s, np.max),
            "C'est le maximum de la fenêtre : on en veut la moyenne.",
        ),
        Mistake(
            "sum",
            lambda x, k, s: _pool(x, k, s, np.sum),
            "C'est la somme de la fenêtre : il reste à la diviser.",
        ),
        Mistake(
            "side",
            lambda x, k, s: _pool(x, k, s, np.sum) / k,
            "La somme est divisée par le côté de la fenêtre : combien de cases contient-elle ?",
        ),
        Mistake("stride-is-size", lambda x, k, s: _pool(x, k, k, np.mean), STRIDE_IS_SIZE),
    ],
)

# The X detector and the image kernels

fragment_value = ValueCheck(
    "Accord entre le fragment diagonal et le coin en haut à gauche du X, à 0.01 près.",
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
    answer=lambda image, fragment: _correlate(image, fragment) / fragment.size,
    tries=lambda rng: [
        (np.array([[1.0, -1, -1], [-1, 1, 1]]), np.array([[1.0, -1], [1, 1]])),
        (rng.choice([-1.0, 1.0], (5, 6)), rng.choice([-1.0, 1.0], (3, 3))),
        (CROSS, DIAGONAL),
    ],
    mistakes=[
        Mistake("sum", lambda x, f: _correlate(x, f), SUM),
        Mistake("agreement", lambda x, f: (_correlate(x, f) / f.size + 1) / 2, AGREEMENT),
        Mistake(
            "side",
            lambda x, f: _correlate(x, f) / len(f),
            "La somme est divisée par le côté du fragment : combien de cases contient-il ?",
        ),
        Mistake("mirror", lambda x, f: _correlate(x, f[::-1, ::-1]) / f.size, MIRROR),
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

# Fully-connected layers as convolutions (questions 5 and 6)

dense_kernel_shape = FunctionCheck(
    "Forme des poids (à la façon de PyTorch) de la convolution équivalente à une couche "
    "complètement connectée (question 5).",
    answer=lambda channels, height, width, outputs: (outputs, channels, height, width),
    tries=lambda rng: [
        (2, 3, 4, 5),
        *(tuple(map(int, rng.permutation(np.arange(3, 30))[:4])) for _ in range(3)),
    ],
    mistakes=[
        Mistake(
            "pointwise",
            lambda c, h, w, n: (n, c, 1, 1),
            "Un filtre 1 × 1 ne voit qu'un pixel : un neurone de cette couche les voit tous.",
        ),
        Mistake(
            "flattened",
            lambda c, h, w, n: (n, c * h * w, 1, 1),
            "L'entrée est déjà aplatie : la convolution travaille avant l'aplatissement.",
        ),
        Mistake(
            "swapped",
            lambda c, h, w, n: (c, n, h, w),
            "L'ordre de PyTorch met le nombre de filtres avant celui des canaux d'entrée.",
        ),
        Mistake(
            "channels-last",
            lambda c, h, w, n: (n, h, w, c),
            "PyTorch range les canaux avant la hauteur et la largeur.",
        ),
    ],
)

dense_to_kernel = FunctionCheck(
    "Poids (sorties, c × h × l) d'une couche complètement connectée, rangés en filtres de "
    "convolution (question 5).",
    answer=lambda weights, channels, height, width: weights.reshape(-1, channels, height, width),
    tries=lambda rng: [
        (np.arange(1.0, 13).reshape(1, 12), 2, 2, 3),
        (rng.normal(size=(5, 60)), 3, 4, 5),
    ],
    mistakes=[
        Mistake(
            "channels-last",
            lambda m, c, h, w: np.moveaxis(m.reshape(-1, h, w, c), 3, 1),
            "PyTorch aplatit canal après canal : ici les canaux sont lus en dernier.",
        ),
        Mistake(
            "columns-first",
            lambda m, c, h, w: m.reshape(-1, c, w, h).swapaxes(2, 3),
            "PyTorch aplatit ligne après ligne : ici les colonnes sont lues en premier.",
        ),
        Mistake("mirror", lambda m, c, h, w: m.reshape(-1, c, h, w)[..., ::-1, ::-1], MIRROR),
        Mistake(
            "flattened",
            lambda m, c, h, w: m[:, :, None, None],
            "Ce sont des filtres 1 × 1 sur une entrée aplatie : ils doivent couvrir h × l pixels.",
        ),
    ],
)

vgg_map_size = FunctionCheck(
    "Côté de la carte de sortie de VGG16 rendu convolutionnel, selon celui de l'image "
    "(question 6).",
    answer=lambda size: size // 32 - 7 + 1,
    tries=lambda rng: [(224,), (256,), (300,), *_sizes(rng, (320,), (900,), 4)],
    mistakes=[
        Mistake(
            "no-kernel",
            lambda n: n // 32,
            "C'est la taille après les poolings : les couches converties ont encore un filtre.",
        ),
        Mistake("plus-one", lambda n: n // 32 - 7, PLUS_ONE),
        Mistake(
            "no-stride",
            lambda n: n - 224 + 1,
            "Le réseau n'avance pas pixel par pixel : chaque pooling double le pas.",
        ),
        Mistake(
            "no-floor",
            lambda n: n / 32 - 6,
            "Une taille est un nombre entier : les poolings laissent de côté ce qui dépasse.",
        ),
        Mistake(
            "nominal",
            lambda n: 1,
            "C'est vrai pour l'image prévue ; une image plus grande donne une carte.",
        ),
    ],
)

# Receptive fields (question 7)


def _receptive_field(layers) -> int:
    field, jump = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump *= stride
    return field


def _receptive_field_with_early_jump(layers) -> int:
    field, jump = 1, 1
    for kernel, stride in layers:
        jump *= stride
        field += (kernel - 1) * jump
    return field


first_fields = ValueCheck(
    "Côtés des champs récepteurs des deux premières convolutions 3 × 3 de VGG16 : une liste.",
    answer=[3, 5],
    mistakes=[
        Mistake("sum", [3, 6], FIELD_SUM),
        Mistake(
            "own-kernel",
            [3, 3],
            "La deuxième couche lit la première, pas l'image : chaque valeur lue a déjà son champ.",
        ),
        Mistake("product", [3, 9], FIELD_PRODUCT),
        Mistake("area", [9, 25], "C'est le nombre de pixels : on demande le côté du carré."),
    ],
)

receptive_field = FunctionCheck(
    "Côté du champ récepteur d'une suite de couches (kernel, stride) (question 7).",
    answer=_receptive_field,
    tries=lambda rng: [
        ([(5, 1)],),
        ([(3, 1), (3, 1)],),
        ([(5, 1), (2, 2), (5, 1)],),
        *((_sizes(rng, (2, 1), (8, 4), 4),) for _ in range(4)),
    ],
    mistakes=[
        Mistake("sum", lambda layers: sum(kernel for kernel, _ in layers), FIELD_SUM),
        Mistake(
            "stride-ignored",
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
            "Les strides sont oubliés : après un stride de 2, un pas en vaut deux dans l'image.",
        ),
        Mistake(
            "product", lambda layers: int(np.prod([kernel for kernel, _ in layers])), FIELD_PRODUCT
        ),
        Mistake(
            "first-pixel",
            lambda layers: _receptive_field([(kernel + 1, stride) for kernel, stride in layers]),
            "Le champ grandit trop : un filtre de côté 1, par exemple, ne doit rien y ajouter.",
        ),
        Mistake(
            "early-jump",
            _receptive_field_with_early_jump,
            "Le stride d'une couche compte pour les couches suivantes, pas pour elle-même.",
        ),
    ],
)
