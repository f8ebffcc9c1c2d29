"""One dimension: correlation, convolution, pooling of a signal; the worked example of 000."""

import numpy as np

from tp_cnn.checks.convolution.arrays import slide, whole
from tp_cnn.checks.convolution.messages import AVERAGE, JUMPS, MIRROR, OVERRUN, PLUS_ONE
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

SIGNAL = np.array([1.0, 0, 2, 4, 3])
FILTER = np.array([3.0, 2])
PARTIAL = "Il manque des positions : une seule case en commun entre filtre et signal suffit."

correlation_by_hand = ValueCheck(
    "Corrélation du signal 1 0 2 4 3 par le filtre 3 2, à la main : une liste.",
    answer=slide(SIGNAL, FILTER),
    mistakes=[
        Mistake("mirror", slide(SIGNAL, FILTER[::-1]), MIRROR),
        Mistake("jumps", slide(SIGNAL, FILTER)[::2], JUMPS),
        Mistake("overrun", slide(np.append(SIGNAL, 0), FILTER), OVERRUN),
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
    answer=lambda signal, kernel: slide(signal, kernel),
    tries=lambda rng: [
        (SIGNAL, FILTER),
        (whole(rng, 6), whole(rng, 3)),
        (rng.normal(size=20), rng.normal(size=5)),
    ],
    mistakes=[
        Mistake("mirror", lambda x, w: slide(x, w[::-1]), MIRROR),
        Mistake("plus-one", lambda x, w: slide(x, w)[:-1], PLUS_ONE),
        Mistake("overrun", lambda x, w: slide(np.pad(x, (0, len(w) - 1)), w), OVERRUN),
        Mistake(
            "mean",
            lambda x, w: slide(x, w) / len(w),
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
            lambda x, w: slide(x, w),
            "C'est la corrélation : il manque le miroir, et les positions où le filtre dépasse.",
        ),
        Mistake("same", lambda x, w: np.convolve(x, w, "same"), PARTIAL),
    ],
)
