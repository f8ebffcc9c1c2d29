"""Batch normalisation, by hand and in the network (question 34); 003."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tp_cnn.checks.ameliorations.tensors import PIXELS, channels, normal, uniform
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake
from tp_cnn.checks.engine.network_mistakes import instead, known
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.traces import Stage


def _normalised(maps, mean, variance, gamma, beta, eps, root=torch.sqrt) -> Tensor:
    scale = channels(gamma) / root(channels(variance) + eps)
    return scale * (maps - channels(mean)) + channels(beta)


def _maps_to_normalise(rng: np.random.Generator) -> tuple:
    """Square maps in as many channels: a wrong axis runs."""
    vectors = (normal(rng, 4), 0.05 + uniform(rng, 4), 1 + uniform(rng, 4), normal(rng, 4))
    return (normal(rng, 3, 4, 4, 4), *vectors, 0.02)


def _last_axis(maps, mean, variance, gamma, beta, eps) -> Tensor:
    return gamma * (maps - mean) / (variance + eps).sqrt() + beta


normalise_maps = FunctionCheck(
    "La formule de la normalisation par lot, sur des cartes (N, C, H, W) (question 34).",
    answer=lambda maps, mean, variance, gamma, beta, eps: _normalised(
        maps, mean, variance, gamma, beta, eps
    ),
    formulas=[
        Formula(
            "gamma * (maps - mean) / (variance + eps) ** 0.5 + beta",
            {"0.5": "la racine carrée"},
            lambda maps, mean, variance, gamma, beta, eps: {
                "maps": maps,
                "mean": channels(mean),
                "variance": channels(variance),
                "gamma": channels(gamma),
                "beta": channels(beta),
                "eps": eps,
            },
        )
    ],
    tolerance=1e-3,
    tries=lambda rng: [
        (
            torch.tensor([1.0, 5.0]).view(2, 1, 1, 1),
            *[torch.tensor([value]) for value in (3.0, 3.0, 2.0, 1.0)],
            1.0,
        ),
        _maps_to_normalise(rng),
        _maps_to_normalise(rng),
    ],
    mistakes=[
        Mistake(
            "no-root",
            lambda *inputs: _normalised(*inputs, root=lambda values: values),
            "La racine carrée est oubliée : c'est par un écart-type que l'on divise.",
        ),
        Mistake(
            "eps-forgotten",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, gamma, beta, 0.0
            ),
            "eps est oublié : il protège d'une variance nulle.",
        ),
        Mistake(
            "eps-outside",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, gamma, beta, 0.0, root=lambda values: values.sqrt() + eps
            ),
            "eps s'ajoute à la variance, sous la racine.",
        ),
        Mistake(
            "not-learnt",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, torch.ones_like(gamma), torch.zeros_like(beta), eps
            ),
            "gamma et beta ne servent pas : ils rendent au réseau l'échelle et le décalage.",
        ),
        Mistake(
            "swapped",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, beta, gamma, eps
            ),
            "gamma et beta sont échangés : l'un multiplie, l'autre s'ajoute.",
        ),
        Mistake(
            "last-axis",
            _last_axis,
            "Les vecteurs sont alignés sur la largeur, le dernier axe : ils ont une valeur par "
            "canal. Donnez-leur la forme (1, C, 1, 1).",
        ),
        Mistake(
            "batch-again",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, maps.mean(PIXELS), maps.var(PIXELS, correction=0), gamma, beta, eps
            ),
            "La moyenne et la variance sont recalculées sur le lot : prenez celles reçues.",
        ),
    ],
)


def _mean_and_variance(maps: Tensor, correction: int = 0, axes: tuple = PIXELS) -> list[Tensor]:
    return [maps.mean(axes), maps.var(axes, correction=correction)]


batch_statistics = FunctionCheck(
    "Moyenne et variance de chaque canal d'un lot de cartes (N, C, H, W), pour normaliser.",
    answer=lambda maps: torch.stack(_mean_and_variance(maps)),
    tries=lambda rng: [
        (torch.tensor([1.0, 2.0, 3.0, 6.0]).view(2, 1, 1, 2),),
        (normal(rng, 3, 4, 2, 2) * uniform(rng, 3, 1, 1, 1) + normal(rng, 3, 1, 1, 1),),
    ],
    mistakes=[
        Mistake(
            "unbiased",
            lambda maps: torch.stack(_mean_and_variance(maps, correction=1)),
            "La variance est divisée par n - 1 (correction=1, le réglage de PyTorch) : pour "
            "normaliser le lot, on divise par n.",
        ),
        Mistake(
            "deviation",
            lambda maps: torch.stack([maps.mean(PIXELS), maps.std(PIXELS, correction=0)]),
            "C'est l'écart-type : la racine viendra dans la formule.",
        ),
        Mistake(
            "per-image",
            lambda maps: torch.stack(_mean_and_variance(maps, axes=(2, 3))),
            "Il y a une valeur par image : tout le lot compte ensemble.",
        ),
        Mistake(
            "by-place",
            lambda maps: torch.stack(_mean_and_variance(maps, axes=(0,))),
            "Il y a une valeur par place dans la carte : une convolution applique le même filtre "
            "partout, un canal n'a qu'une moyenne et qu'une variance.",
        ),
        Mistake(
            "all-channels",
            lambda maps: torch.stack([maps.mean(), maps.var(correction=0)]),
            "Les canaux sont mélangés : chacun a sa moyenne et sa variance.",
        ),
        Mistake(
            "mean-of-images",
            lambda maps: torch.stack([maps.mean(PIXELS), maps.var((2, 3), correction=0).mean(0)]),
            "C'est la moyenne des variances de chaque image : les écarts entre images manquent.",
        ),
    ],
)


def _running(maps, running_mean, running_variance, momentum, correction: int = 1) -> Tensor:
    old = torch.stack([running_mean, running_variance])
    return (1 - momentum) * old + momentum * torch.stack(_mean_and_variance(maps, correction))


_RUNNING = {"mean": "la moyenne du lot", "variance": "la variance du lot"}


def _running_names(maps, running_mean, running_variance, momentum) -> dict:
    mean, variance = _mean_and_variance(maps, correction=1)
    found = {"running_mean": running_mean, "running_variance": running_variance}
    return {**found, "momentum": momentum, "mean": mean, "variance": variance}


update_running = FunctionCheck(
    "Moyenne et variance courantes d'une normalisation par lot, mises à jour : un couple.",
    answer=lambda maps, running_mean, running_variance, momentum: _running(
        maps, running_mean, running_variance, momentum
    ),
    formulas=[
        Formula("(1 - momentum) * running_mean + momentum * mean", _RUNNING, _running_names),
        Formula("(1 - momentum) * running_variance + momentum * variance", _RUNNING),
    ],
    tries=lambda rng: [
        (
            torch.tensor([1.0, 2.0, 3.0, 6.0]).view(2, 1, 1, 2),
            torch.tensor([0.0]),
            torch.tensor([1.0]),
            0.1,
        ),
        (normal(rng, 3, 4, 2, 2), normal(rng, 4), 1 + uniform(rng, 4), 0.3),
    ],
    mistakes=[
        Mistake(
            "biased",
            lambda maps, mean, variance, m: _running(maps, mean, variance, m, correction=0),
            "La variance du lot est divisée par n : pour la variance courante, qui estime celle "
            "de toutes les images, PyTorch divise par n - 1.",
        ),
        Mistake(
            "reversed",
            lambda maps, mean, variance, m: _running(maps, mean, variance, 1 - m),
            "Le poids du lot et celui du passé sont échangés : relisez la formule, où le lot pèse "
            "peu.",
        ),
        Mistake(
            "replaced",
            lambda maps, mean, variance, m: _running(maps, mean, variance, 1),
            "Le passé est oublié : un seul lot décide de tout.",
        ),
        Mistake(
            "unchanged",
            lambda maps, mean, variance, m: torch.stack([mean, variance]),
            "Rien n'est mis à jour : le lot doit compter.",
        ),
        Mistake(
            "added",
            lambda maps, mean, variance, m: (
                torch.stack([mean, variance]) + m * torch.stack(_mean_and_variance(maps, 1))
            ),
            "Le passé garde tout son poids : la somme des deux poids doit valoir 1.",
        ),
    ],
)


def _stage(inputs: int, filters: int, ceil_mode: bool = False) -> list[nn.Module]:
    pooling = nn.MaxPool2d(2, ceil_mode=ceil_mode)
    convolution = nn.Conv2d(inputs, filters, 5, padding=2)
    return [convolution, nn.BatchNorm2d(filters), nn.ReLU(), pooling]


def _features() -> nn.Sequential:
    with torch.device("meta"):
        return nn.Sequential(*_stage(3, 32), *_stage(32, 64), *_stage(64, 64, ceil_mode=True))


def _late_normalisation(*before: nn.Module) -> Callable:
    def edit(stage: Stage) -> list[Stage]:
        late = stage and isinstance(stage[-1], nn.BatchNorm2d)
        return [[layer, *stage] for layer in before] if late else []

    return edit


features = NetworkCheck(
    "Les trois convolutions, chacune suivie d'une normalisation par lot (question 34).",
    answer=[_features()],
    image_shape=(3, 28, 28),
    mistakes=[
        Mistake(
            "after-activation",
            _late_normalisation(nn.ReLU(), nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))),
            "La normalisation vient après l'activation : l'énoncé la place juste après la "
            "convolution.",
        ),
        Mistake(
            "after-pooling",
            _late_normalisation(nn.MaxPool2d(2)),
            "La normalisation vient après le pooling : l'énoncé la place juste après la "
            "convolution.",
        ),
        Mistake(
            "before-convolution",
            None,
            "L'énoncé place la normalisation juste après la convolution : c'est sa sortie qu'elle "
            "normalise.",
        ),
        Mistake(
            "other-normalisation",
            None,
            "Elle ne met pas ensemble les images du lot : c'est une autre normalisation que celle "
            "de l'énoncé.",
        ),
        Mistake(
            "shared",
            None,
            "Une même normalisation sert deux fois : ses statistiques mélangeraient deux couches. "
            "Créez-en une par convolution.",
        ),
        Mistake(
            "dimensions",
            None,
            "Cette normalisation est celle des vecteurs : les cartes ont une hauteur et une "
            "largeur.",
        ),
        Mistake(
            "no-ceil",
            instead(nn.MaxPool2d, nn.MaxPool2d(2)),
            "Le dernier pooling arrondit vers le bas : relisez la question sur ceil_mode.",
        ),
        *known("no-padding", "padding", "stride", "no-activation", "activation"),
        *known("no-pooling", "average"),
        Mistake(
            "channels",
            None,
            "Une normalisation a autant de canaux que la convolution qui la précède.",
        ),
        *known("inputs", "filters", "kernel", "missing-layer", "extra-layer"),
    ],
)
