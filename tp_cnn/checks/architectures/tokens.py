"""GELU, patches and attention: what transformers brought. On plain arrays and tensors."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tp_cnn.checks.engine.framework import FunctionCheck, Mistake
from tp_cnn.models import vit


def _tensor(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return torch.tensor(rng.normal(scale=scale, size=shape), dtype=torch.float32)


def _normal_share(values: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(values / math.sqrt(2)))


gelu = FunctionCheck(
    "GELU : x fois la probabilité qu'une variable normale soit plus petite que x.",
    answer=lambda values: values * _normal_share(values),
    tries=lambda rng: [
        (torch.linspace(-4, 4, 17),),
        (_tensor(rng, 3, 5, scale=2),),
        (_tensor(rng, 40, scale=8),),
    ],
    mistakes=[
        Mistake(
            "share-only",
            _normal_share,
            "C'est la probabilité seule : il reste à la multiplier par x.",
        ),
        Mistake(
            "no-root",
            lambda values: 0.5 * values * (1 + torch.erf(values)),
            "La loi normale n'est pas erf(x) : il y a une racine de 2 dans l'argument.",
        ),
        Mistake(
            "no-half",
            lambda values: values * (1 + torch.erf(values / math.sqrt(2))),
            "Une probabilité va de 0 à 1 : erf va de -1 à 1.",
        ),
        Mistake(
            "erf-only",
            lambda values: values * torch.erf(values / math.sqrt(2)),
            "erf(x) va de -1 à 1 : ce n'est pas encore une probabilité.",
        ),
        Mistake(
            "tanh",
            lambda values: functional.gelu(values, approximate="tanh"),
            "C'est l'approximation par une tangente hyperbolique : on demande la fonction exacte.",
        ),
        Mistake(
            "sigmoid",
            lambda values: values * torch.sigmoid(1.702 * values),
            "C'est l'approximation par une sigmoïde : on demande la fonction exacte.",
        ),
        Mistake("silu", functional.silu, "C'est SiLU, x fois une sigmoïde, une cousine de GELU."),
        Mistake("relu", functional.relu, "C'est ReLU : GELU n'a pas d'angle en 0."),
    ],
    tolerance=1e-5,
)


def _columns_first(images: Tensor, size: int) -> Tensor:
    rows, columns = images.shape[2] // size, images.shape[3] // size
    found = vit.patches(images, size).unflatten(1, (rows, columns))
    return found.transpose(1, 2).flatten(1, 2)


def _channels_last(images: Tensor, size: int) -> Tensor:
    found = vit.patches(images, size).unflatten(2, (images.shape[1], size * size))
    return found.transpose(2, 3).flatten(2)


def _turned(images: Tensor, size: int) -> Tensor:
    found = vit.patches(images, size).unflatten(2, (images.shape[1], size, size))
    return found.transpose(3, 4).flatten(2)


def _reshaped(images: Tensor, size: int) -> Tensor:
    return images.reshape(len(images), -1, images.shape[1] * size**2)


patches = FunctionCheck(
    "Découper des images en carreaux : (lot, carreaux, valeurs d'un carreau).",
    answer=vit.patches,
    tries=lambda rng: [
        (_tensor(rng, 1, 1, 4, 4), 2),
        (_tensor(rng, 2, 3, 8, 8), 4),
        (_tensor(rng, 2, 3, 6, 9), 3),
        (_tensor(rng, 3, 2, 4, 6), 2),
    ],
    mistakes=[
        Mistake(
            "reshaped",
            _reshaped,
            "Changer la forme ne garde pas ensemble les valeurs d'un même carreau : ses lignes ne "
            "se suivent pas dans l'image.",
        ),
        Mistake(
            "columns-first",
            _columns_first,
            "Les carreaux se lisent ligne par ligne, comme un texte.",
        ),
        Mistake(
            "channels-last",
            _channels_last,
            "Dans un carreau, les valeurs vont canal par canal, comme dans les poids d'une "
            "convolution.",
        ),
        Mistake("turned", _turned, "Dans un carreau, les lignes et les colonnes sont échangées."),
        Mistake(
            "not-transposed",
            lambda images, size: functional.unfold(images, size, stride=size),
            "Il manque un échange d'axes : (lot, carreaux, valeurs), dans cet ordre.",
        ),
        Mistake(
            "overlapping",
            lambda images, size: functional.unfold(images, size).transpose(1, 2),
            "Les carreaux se chevauchent : chacun doit commencer où le précédent finit.",
        ),
        Mistake(
            "one-image",
            lambda images, size: vit.patches(images, size).flatten(0, 1),
            "Les carreaux de toutes les images sont mélangés : la première dimension est le lot.",
        ),
    ],
)


def _attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(queries, keys, values)


def _scores(queries: Tensor, keys: Tensor) -> Tensor:
    return queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])


def _attention_tries(rng: np.random.Generator) -> list[tuple]:
    shapes = [((1, 3, 4), (1, 3, 4), (1, 3, 4)), ((2, 5, 9), (2, 5, 9), (2, 5, 6))]
    shapes += [((2, 3, 5, 8), (2, 3, 5, 8), (2, 3, 5, 8)), ((2, 4, 6), (2, 7, 6), (2, 7, 3))]
    return [tuple(_tensor(rng, *shape, scale=1.5) for shape in three) for three in shapes]


attention = FunctionCheck(
    "L'attention (Vaswani et al., 2017, équation 1) ; les axes d'avant les deux derniers sont des "
    "lots.",
    answer=_attention,
    tries=_attention_tries,
    mistakes=[
        Mistake(
            "no-scale",
            lambda queries, keys, values: (queries @ keys.transpose(-2, -1)).softmax(-1) @ values,
            "Les produits ne sont pas divisés : plus les vecteurs sont longs, plus le softmax "
            "devient brutal.",
        ),
        Mistake(
            "no-root",
            lambda queries, keys, values: (
                (queries @ keys.transpose(-2, -1) / queries.shape[-1]).softmax(-1) @ values
            ),
            "On divise par la racine de la taille d'un vecteur, pas par cette taille.",
        ),
        Mistake(
            "token-count",
            lambda queries, keys, values: (
                (queries @ keys.transpose(-2, -1) / math.sqrt(keys.shape[-2])).softmax(-1) @ values
            ),
            "Le diviseur dépend de la taille d'un vecteur, pas du nombre de jetons.",
        ),
        Mistake(
            "wrong-axis",
            lambda queries, keys, values: _scores(queries, keys).softmax(-2) @ values,
            "Le softmax est pris le long du mauvais axe : pour chaque requête, les parts données "
            "aux clés ont une somme de 1.",
        ),
        Mistake(
            "no-softmax",
            lambda queries, keys, values: _scores(queries, keys) @ values,
            "Il manque le softmax, qui fait des ressemblances des parts de somme 1.",
        ),
        Mistake(
            "scaled-late",
            lambda queries, keys, values: (
                ((queries @ keys.transpose(-2, -1)).softmax(-1) / math.sqrt(queries.shape[-1]))
                @ values
            ),
            "On divise avant le softmax : après lui, les parts n'ont plus une somme de 1.",
        ),
        Mistake(
            "swapped",
            lambda queries, keys, values: _attention(keys, queries, values),
            "Les requêtes et les clés sont échangées.",
        ),
        Mistake(
            "weights-only",
            lambda queries, keys, values: _scores(queries, keys).softmax(-1),
            "Ce sont les parts : il reste à mélanger les valeurs avec elles.",
        ),
        Mistake(
            "raw-scores",
            lambda queries, keys, values: _scores(queries, keys),
            "Ce sont les scores : il reste le softmax, puis à mélanger les valeurs.",
        ),
        Mistake(
            "second-axis",
            lambda queries, keys, values: _scores(queries, keys).softmax(1) @ values,
            "Le softmax est pris le long de l'axe 1, qui n'est pas toujours celui des clés : "
            "comptez les axes depuis la fin.",
        ),
    ],
    tolerance=1e-4,
)
