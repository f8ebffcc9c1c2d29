"""Channels, filters, batches: the whole layer of convolution."""

import numpy as np

from tp_cnn.checks.convolution.arrays import convolve, whole
from tp_cnn.checks.convolution.messages import MIRROR, NO_BIAS, PADDING_IGNORED, STRIDE_IGNORED
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake

convolution_channels = FunctionCheck(
    "Convolution d'une image (canaux, h, l) par des filtres (f, canaux, k, k), avec biais (f).",
    answer=lambda image, kernels, bias: convolve(image[None], kernels, bias)[0],
    tries=lambda rng: [
        (whole(rng, 2, 3, 3), whole(rng, 1, 2, 2, 2), np.array([5.0])),
        (whole(rng, 3, 5, 6), whole(rng, 4, 3, 3, 3), np.array([1.0, -2, 3, 5])),
        (rng.normal(size=(2, 6, 5)), rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3) + 4),
    ],
    mistakes=[
        Mistake("no-bias", lambda x, w, b: convolve(x[None], w)[0], NO_BIAS),
        Mistake(
            "repeated-bias",
            lambda x, w, b: convolve(x[None], w, b * len(x))[0],
            "Le biais est ajouté une fois par canal : il s'ajoute une seule fois par filtre.",
        ),
        Mistake(
            "first-channel",
            lambda x, w, b: convolve(x[None, :1], w[:, :1], b)[0],
            "Seul le premier canal compte : il faut additionner les canaux d'entrée.",
        ),
        Mistake(
            "mean",
            lambda x, w, b: convolve(x[None] / len(x), w, b)[0],
            "On additionne les canaux, on n'en prend pas la moyenne.",
        ),
        Mistake("mirror", lambda x, w, b: convolve(x[None], w[..., ::-1, ::-1], b)[0], MIRROR),
        Mistake(
            "channels-first",
            lambda x, w, b: convolve(x.sum(0)[None, None], w.sum(1)[:, None], b)[0],
            "Les canaux sont additionnés avant la corrélation : chacun a sa tranche de filtre.",
        ),
    ],
)

convolution_batch = FunctionCheck(
    "Couche de convolution : images (n, c, h, l), filtres (f, c, k, k), biais (f).",
    answer=lambda images, kernels, bias, stride, padding: convolve(
        images, kernels, bias, stride, padding
    ),
    tries=lambda rng: [
        (whole(rng, 2, 1, 3, 3), whole(rng, 3, 1, 2, 2), np.array([1.0, 2, 3]), 1, 1),
        (whole(rng, 4, 3, 6, 7), whole(rng, 2, 3, 3, 3), np.array([-1.0, 4]), 2, 1),
        (rng.normal(size=(3, 2, 8, 8)), rng.normal(size=(5, 2, 5, 5)), rng.normal(size=5), 1, 2),
    ],
    mistakes=[
        Mistake("no-bias", lambda x, w, b, s, p: convolve(x, w, None, s, p), NO_BIAS),
        Mistake(
            "same-image",
            lambda x, w, b, s, p: convolve(x[:1].repeat(len(x), 0), w, b, s, p),
            "Toutes les sorties viennent de la première image : utilisez aussi l'indice du lot.",
        ),
        Mistake(
            "axes",
            lambda x, w, b, s, p: convolve(x, w, b, s, p).swapaxes(0, 1),
            "Les deux premiers axes sont échangés : d'abord les images, puis les filtres.",
        ),
        Mistake("padding-ignored", lambda x, w, b, s, p: convolve(x, w, b, s), PADDING_IGNORED),
        Mistake("stride-ignored", lambda x, w, b, s, p: convolve(x, w, b, 1, p), STRIDE_IGNORED),
        Mistake("mirror", lambda x, w, b, s, p: convolve(x, w[..., ::-1, ::-1], b, s, p), MIRROR),
    ],
)
