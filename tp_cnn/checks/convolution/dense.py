"""Fully-connected layers as convolutions (questions 5 and 6)."""

import numpy as np

from tp_cnn.checks.convolution.arrays import sizes
from tp_cnn.checks.convolution.messages import MIRROR, PLUS_ONE
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake

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
    formulas=[
        Formula(
            "size // 32 - 7 + 1",
            {
                "32": "le pas des cinq poolings",
                "7": "le côté du filtre",
                "1": "la position de départ",
            },
        )
    ],
    tries=lambda rng: [(224,), (256,), (300,), *sizes(rng, (320,), (900,), 4)],
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
