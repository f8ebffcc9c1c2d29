"""Normalisation of the images: statistics of the train set (questions 19 and 20)."""

import numpy as np
import torch
from torch import Tensor

from tp_cnn.checks.ameliorations.tensors import PIXELS, channels, uniform
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake


def _contrasted(rng: np.random.Generator) -> Tensor:
    """Images of unequal brightness and contrast, and channels too, between 0 and 1."""
    light = uniform(rng, 12, 1, 1, 1) * torch.tensor([0.3, 0.6, 0.9]).view(1, 3, 1, 1)
    return 0.7 * light + 0.3 * uniform(rng, 12, 3, 16, 16)


def _black_and_white() -> Tensor:
    """A black image and a white one; green and blue are darker."""
    levels = torch.tensor([[0, 0, 0], [1, 0.5, 0.25]])
    return levels.view(2, 3, 1, 1).expand(2, 3, 24, 24).contiguous()


def _statistics(images: Tensor, axes: tuple = PIXELS) -> Tensor:
    return torch.stack([images.mean(axes), images.std(axes, correction=0)])


channel_statistics = FunctionCheck(
    "Moyenne et écart-type de chaque canal d'images (N, 3, H, W) : deux fois trois valeurs.",
    answer=lambda images: _statistics(images),
    tolerance=1e-3,  # dividing by n or by n - 1 is the same
    tries=lambda rng: [(_black_and_white(),), (_contrasted(rng),)],
    mistakes=[
        Mistake(
            "per-image",
            lambda x: torch.stack([x.mean(PIXELS), x.std((2, 3)).mean(0)]),
            "C'est la moyenne des écarts-types de chaque image : ils oublient que certaines images "
            "sont plus claires que d'autres. Il faut mettre tous les pixels ensemble.",
        ),
        Mistake(
            "variance",
            lambda x: torch.stack([x.mean(PIXELS), x.var(PIXELS)]),
            "C'est la variance : il reste à en prendre la racine carrée.",
        ),
        Mistake(
            "all-channels",
            lambda x: torch.stack([x.mean(), x.std(correction=0)]),
            "Les trois canaux sont mélangés : il faut une valeur par canal.",
        ),
        Mistake(
            "by-image",
            lambda x: torch.stack([x.mean((2, 3)), x.std((2, 3))]),
            "Il y a une valeur par image et par canal : l'axe 0, celui des images, doit "
            "disparaître aussi.",
        ),
        Mistake(
            "by-place",
            lambda x: torch.stack([x.mean(0), x.std(0, correction=0)]),
            "Il y a une valeur par pixel : les axes de la hauteur et de la largeur doivent "
            "disparaître aussi.",
        ),
        Mistake(
            "swapped",
            lambda x: _statistics(x).flip(0),
            "L'ordre est : la moyenne, puis l'écart-type.",
        ),
        Mistake(
            "grey-levels",
            lambda x: 255 * torch.stack([x.mean(PIXELS), x.std(PIXELS)]),
            "Ces valeurs sont celles de pixels de 0 à 255 : ici, ils vont de 0 à 1.",
        ),
    ],
)


def _scaled(images: Tensor, source: Tensor) -> Tensor:
    mean, deviation = _statistics(source)
    return (images - channels(mean)) / channels(deviation)


def _scaled_each(images: Tensor) -> Tensor:
    mean, deviation = images.mean((2, 3), keepdim=True), images.std((2, 3), keepdim=True)
    return (images - mean) / deviation


def _scaled_by_images(images: Tensor, source: Tensor) -> Tensor:
    deviation = source.std((2, 3)).mean(0)
    return (images - channels(source.mean(PIXELS))) / channels(deviation)


def _scaled_by_place(images: Tensor, source: Tensor) -> Tensor:
    return (images - source.mean(0)) / source.std(0)


def _scaled_alike(images: Tensor, source: Tensor) -> Tensor:
    return (images - source.mean()) / source.std()


def _variance(images: Tensor, source: Tensor) -> Tensor:
    mean, deviation = _statistics(source)
    return (images - channels(mean)) / channels(deviation) ** 2


def _divided_first(images: Tensor, source: Tensor) -> Tensor:
    mean, deviation = _statistics(source)
    return images - channels(mean) / channels(deviation)


def _scaled_names(train: Tensor, test: Tensor) -> dict:
    mean, deviation = map(channels, _statistics(train))
    return {"train": train, "test": test, "mean": mean, "deviation": deviation}


normalise_both = FunctionCheck(
    "Images d'apprentissage et de test, normalisées par canal (question 20) : un couple.",
    answer=lambda train, test: torch.stack([_scaled(train, train), _scaled(test, train)]),
    formulas=[
        Formula("(train - mean) / deviation", names=_scaled_names),
        Formula("(test - mean) / deviation"),
    ],
    tolerance=1e-2,  # dividing by n or by n - 1 is the same
    tries=lambda rng: [(_contrasted(rng), 0.7 * _contrasted(rng)) for _ in range(2)],
    mistakes=[
        Mistake(
            "test-statistics",
            lambda train, test: torch.stack([_scaled(train, train), _scaled(test, test)]),
            "Les images de test sont normalisées par leurs propres statistiques : au moment de "
            "s'en servir, le réseau ne verra qu'une image à la fois.",
        ),
        Mistake(
            "from-test",
            lambda train, test: torch.stack([_scaled(train, test), _scaled(test, test)]),
            "Les statistiques viennent des images de test : elles ne doivent rien décider.",
        ),
        Mistake(
            "pooled",
            lambda train, test: torch.stack(
                [_scaled(x, torch.cat([train, test])) for x in (train, test)]
            ),
            "Les images de test entrent dans les statistiques : elles ne doivent rien décider.",
        ),
        Mistake(
            "per-image",
            lambda train, test: torch.stack([_scaled_each(train), _scaled_each(test)]),
            "Chaque image est normalisée par ses propres statistiques : ce qui distingue une image "
            "claire d'une image sombre disparaît.",
        ),
        Mistake(
            "image-deviations",
            lambda train, test: torch.stack([_scaled_by_images(x, train) for x in (train, test)]),
            "L'écart-type est la moyenne de ceux des images : mettez tous les pixels ensemble.",
        ),
        Mistake(
            "by-place",
            lambda train, test: torch.stack([_scaled_by_place(x, train) for x in (train, test)]),
            "Les statistiques sont prises pixel par pixel : on demande une valeur par canal.",
        ),
        Mistake(
            "all-channels",
            lambda train, test: torch.stack([_scaled_alike(x, train) for x in (train, test)]),
            "Les trois canaux sont mélangés : chacun a sa moyenne et son écart-type.",
        ),
        Mistake(
            "train-only",
            lambda train, test: torch.stack([_scaled(train, train), test]),
            "Les images de test ne changent pas : leur faut-il les statistiques de train, prises "
            "avant que train ne soit lui-même normalisé ?",
        ),
        Mistake(
            "centred-only",
            lambda train, test: torch.stack(
                [x - channels(train.mean(PIXELS)) for x in (train, test)]
            ),
            "La moyenne est retirée, mais il reste à diviser.",
        ),
        Mistake(
            "variance",
            lambda train, test: torch.stack([_variance(x, train) for x in (train, test)]),
            "La division est faite par la variance : il faut l'écart-type.",
        ),
        Mistake(
            "divided-first",
            lambda train, test: torch.stack([_divided_first(x, train) for x in (train, test)]),
            "La division est faite avant la soustraction : il manque sans doute des parenthèses.",
        ),
    ],
)
