"""Checks of notebook 07: what a network looks at.

Sources: 000, §1.2; 003 (filters, feature maps). Networks are small ones with ``.features`` (a batch
normalisation among them) and ``.classifier``, in eval mode; an image is (3, H, L), not square.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate, nll_loss

from tp_cnn.checks.engine.framework import FunctionCheck, Mistake
from tp_cnn.checks.engine.readings import (
    AdversarialCheck,
    AscentCheck,
    LabelCheck,
    MapsCheck,
    OcclusionCheck,
)
from tp_cnn.models import visualisation

# Filters


def _filters(rng: np.random.Generator) -> Tensor:
    scales = np.array([0.2, 1.0, 3.0])[:, None, None, None]
    return torch.tensor(scales * rng.normal(size=(3, 2, 3, 3)), dtype=torch.float32)


def _scaled(weights: Tensor, axes: tuple[int, ...]) -> Tensor:
    low, high = weights.amin(axes, keepdim=True), weights.amax(axes, keepdim=True)
    return (weights - low) / (high - low)


ALL, EACH = (0, 1, 2, 3), (1, 2, 3)

filter_images = FunctionCheck(
    "Filtres (F, C, k, k) ramenés entre 0 et 1 : une seule échelle (shared), ou une par filtre.",
    answer=visualisation.filter_images,
    tries=lambda rng: [
        (torch.tensor([1.0, 3.0, -4.0, 2.0]).view(2, 1, 1, 2), True),
        (torch.tensor([1.0, 3.0, -4.0, 2.0]).view(2, 1, 1, 2), False),
        (_filters(rng), True),
        (_filters(rng), False),
    ],
    mistakes=[
        Mistake(
            "always-shared",
            lambda weights, shared: _scaled(weights, ALL),
            "L'échelle est toujours commune : sans shared, chaque filtre a la sienne.",
        ),
        Mistake(
            "never-shared",
            lambda weights, shared: _scaled(weights, EACH),
            "Chaque filtre a toujours son échelle : avec shared, une seule vaut pour tous.",
        ),
        Mistake(
            "swapped",
            lambda weights, shared: _scaled(weights, EACH if shared else ALL),
            "Les deux choix sont échangés.",
        ),
        Mistake(
            "by-channel",
            lambda weights, shared: _scaled(weights, ALL if shared else (2, 3)),
            "Chaque canal a son échelle : la couleur du filtre est perdue.",
        ),
        Mistake(
            "negative-lost",
            lambda weights, shared: (
                weights.clamp(min=0) / weights.amax(ALL if shared else EACH, keepdim=True)
            ),
            "Les poids négatifs sont perdus : le plus petit poids doit donner 0.",
        ),
        Mistake(
            "absolute",
            lambda weights, shared: _scaled(weights.abs(), ALL if shared else EACH),
            "C'est la valeur absolue des poids : leur signe ne se voit plus.",
        ),
        Mistake(
            "divided-only",
            lambda weights, shared: weights / weights.amax(ALL if shared else EACH, keepdim=True),
            "Le plus petit poids doit donner 0 : il faut le retirer avant de diviser.",
        ),
    ],
)


# Feature maps


def _hooked(
    remove: bool = True,
    grad: bool = False,
    keep: Callable = lambda inputs, output: output[0],
    train: bool = False,
) -> Callable:
    def function(model, layer, image):
        found = []
        hook = layer.register_forward_hook(
            lambda module, inputs, output: found.append(keep(inputs, output))
        )
        model.train(train)
        with torch.set_grad_enabled(grad):
            model(image[None])
        if remove:
            hook.remove()
        return found[0]

    return function


def _following(model, layer, image) -> Tensor:
    """The maps of the layer after the one that is asked."""
    layers = list(model.features)
    place = next(rank for rank, one in enumerate(layers) if one is layer)
    return _hooked()(model, layers[place + 1], image)


feature_maps = MapsCheck(
    "Les cartes (canaux, hauteur, largeur) que donne une couche quand le réseau lit une image.",
    answer=visualisation.feature_maps,
    mistakes=[
        Mistake(
            "hook-left",
            _hooked(remove=False),
            "Il manque hook.remove() : à chaque image, l'ancien hook travaillera encore.",
        ),
        Mistake(
            "graph",
            _hooked(grad=True),
            "Il manque with torch.no_grad() : sans lui, tout le calcul reste en mémoire.",
        ),
        Mistake(
            "batch-kept",
            _hooked(keep=lambda inputs, output: output),
            "Il reste la dimension du lot : d'un lot d'une image, gardez l'image.",
        ),
        Mistake(
            "input",
            _hooked(keep=lambda inputs, output: inputs[0][0]),
            "C'est ce que reçoit la couche : on demande ce qu'elle donne.",
        ),
        Mistake(
            "next-layer",
            _following,
            "Ce sont les cartes de la couche suivante : le hook va sur la couche reçue.",
        ),
        Mistake(
            "train-mode",
            _hooked(train=True),
            "Le réseau est passé en mode train() : sa normalisation par lot s'en trouve changée.",
        ),
    ],
)


# Gradient ascent


def _climb(
    sign: float = 1,
    zero: bool = True,
    rated: bool = True,
    divide: Callable = Tensor.norm,
    count: Callable = lambda steps: steps,
    copy: bool = True,
    graph: bool = False,
    kept: Callable = lambda image, start: image,
) -> Callable:
    def function(score, image, steps, rate):
        moving = (image.clone() if copy else image).requires_grad_(True)
        total = torch.zeros_like(image)
        rate = rate if rated else 1
        for _ in range(count(steps)):
            (gradient,) = torch.autograd.grad(score(moving[None]), moving)
            total = gradient if zero else total + gradient
            with torch.no_grad():
                moving += sign * rate * total / divide(total)
        result = moving if graph else moving.detach()
        return kept(result, image)

    return function


ascend = AscentCheck(
    "Une image, déplacée pas à pas le long du gradient d'un score ; chaque pas a la longueur rate.",
    answer=visualisation.ascend,
    mistakes=[
        Mistake(
            "descent",
            _climb(sign=-1),
            "L'image descend : pour que le score grandisse, on suit le gradient.",
        ),
        Mistake(
            "gradients-add-up",
            _climb(zero=False),
            "Les gradients des pas précédents s'ajoutent : repartez de zéro à chaque pas.",
        ),
        Mistake(
            "not-normalised",
            _climb(divide=lambda gradient: 1),
            "Le gradient n'est pas divisé par sa norme : la longueur du pas dépend du réseau.",
        ),
        Mistake(
            "largest",
            _climb(divide=lambda gradient: gradient.abs().max()),
            "Le gradient est divisé par sa plus grande valeur : il faut sa norme.",
        ),
        Mistake(
            "norm-squared",
            _climb(divide=lambda gradient: gradient.square().sum()),
            "Le gradient est divisé par le carré de sa norme : il manque une racine.",
        ),
        Mistake(
            "no-rate",
            _climb(rated=False),
            "Le pas reçu, rate, ne sert pas : chaque pas a une longueur de 1.",
        ),
        Mistake(
            "sign",
            _climb(divide=Tensor.abs),
            "C'est le signe du gradient : un pas le long du gradient garde sa direction.",
        ),
        Mistake(
            "one-step",
            _climb(count=lambda steps: 1),
            "Un seul pas est fait : il en faut steps, le gradient recalculé à chacun.",
        ),
        Mistake(
            "change-only",
            _climb(kept=lambda image, start: image - start),
            "C'est le changement de l'image : on demande l'image elle-même.",
        ),
        Mistake(
            "graph",
            _climb(graph=True),
            "L'image renvoyée garde son gradient : finissez par detach().",
        ),
    ],
)


# Occlusion


def _hiding(
    drop: Callable = lambda score, hidden: score - hidden,
    read: Callable = lambda scores, label: scores[0, label],
    restore: bool = True,
    mean: bool = False,
    transpose: bool = False,
    channels: slice = slice(None),
    step: Callable = lambda size: size,
) -> Callable:
    @torch.no_grad()
    def function(model, image, label, size):
        rows, columns = image.shape[1] // size, image.shape[2] // size
        score, hidden = read(model(image[None]), label), image.clone()
        drops = torch.zeros(rows, columns)
        for row in range(rows):
            for column in range(columns):
                hidden = image.clone() if restore else hidden
                top, left = row * step(size), column * step(size)
                square = hidden[channels, top : top + size, left : left + size]
                square[:] = image.mean() if mean else 0
                drops[row, column] = drop(score, read(model(hidden[None]), label))
        return drops.T if transpose else drops

    return function


occlusion = OcclusionCheck(
    "Chute du score d'une classe quand un carré de l'image est mis à 0 : une valeur par carré.",
    answer=visualisation.occlusion,
    mistakes=[
        Mistake(
            "score-itself",
            _hiding(drop=lambda score, hidden: hidden),
            "C'est le score de l'image cachée : on demande sa chute depuis l'image entière.",
        ),
        Mistake(
            "sign",
            _hiding(drop=lambda score, hidden: hidden - score),
            "La différence est à l'envers : une chute du score doit donner une valeur positive.",
        ),
        Mistake(
            "probability",
            _hiding(read=lambda scores, label: scores.softmax(1)[0, label]),
            "C'est la chute de la probabilité : le softmax mélange les classes ; prenez le score.",
        ),
        Mistake(
            "not-restored",
            _hiding(restore=False),
            "Les carrés déjà cachés le restent : repartez d'une copie de l'image à chaque carré.",
        ),
        Mistake(
            "mean",
            _hiding(mean=True),
            "Le carré est mis à la moyenne de l'image : l'énoncé demande 0.",
        ),
        Mistake(
            "one-channel",
            _hiding(channels=slice(1)),
            "Un seul canal est caché : le carré doit l'être dans tous.",
        ),
        Mistake(
            "one-pixel-steps",
            _hiding(step=lambda size: 1),
            "Les carrés se chevauchent : la ligne row de la carte commence au pixel row * size.",
        ),
        Mistake(
            "transposed",
            _hiding(transpose=True),
            "Lignes et colonnes sont échangées.",
        ),
        Mistake(
            "predicted",
            _hiding(read=lambda scores, label: scores.max()),
            "Le plus grand score est suivi, quelle que soit sa classe : suivez celui de label.",
        ),
    ],
)


# Saliency and Grad-CAM


def _loss(scores: Tensor, label: int) -> Tensor:
    return cross_entropy(scores, torch.tensor([label]))


def _gradient(read: Callable, finish: Callable) -> Callable:
    def function(model, image, label):
        moving = image.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(read(model(moving[None]), label), moving)
        return finish(gradient)

    return function


def _score(scores: Tensor, label: int) -> Tensor:
    return scores[0, label]


def _strongest(gradient: Tensor) -> Tensor:
    return gradient.abs().amax(0)


LOSS = "C'est le gradient du coût : on demande celui du score brut de la classe."
SOFTMAX = (
    "C'est le gradient d'une probabilité : le softmax mélange les classes, prenez le score brut."
)
EVERY_CLASS = "Tous les scores sont ajoutés : un seul compte, celui de label."

saliency = LabelCheck(
    "Carte (hauteur, largeur) : la plus grande valeur absolue, sur les canaux, du gradient du "
    "score d'une classe.",
    answer=visualisation.saliency,
    mistakes=[
        Mistake("loss", _gradient(_loss, _strongest), LOSS),
        Mistake(
            "softmax",
            _gradient(lambda scores, label: scores.softmax(1)[0, label], _strongest),
            SOFTMAX,
        ),
        Mistake(
            "every-class", _gradient(lambda scores, label: scores.sum(), _strongest), EVERY_CLASS
        ),
        Mistake(
            "no-absolute",
            _gradient(_score, lambda gradient: gradient.amax(0)),
            "Il manque la valeur absolue : un pixel qui fait baisser le score compte autant.",
        ),
        Mistake(
            "absolute-late",
            _gradient(_score, lambda gradient: gradient.amax(0).abs()),
            "La valeur absolue vient trop tard : avant le maximum sur les canaux.",
        ),
        Mistake(
            "mean",
            _gradient(_score, lambda gradient: gradient.abs().mean(0)),
            "C'est la moyenne des canaux : on demande le plus grand.",
        ),
        Mistake(
            "sum",
            _gradient(_score, lambda gradient: gradient.abs().sum(0)),
            "C'est la somme des canaux : on demande le plus grand.",
        ),
        Mistake(
            "max-and-place",
            _gradient(_score, lambda gradient: gradient.abs().max(0)),
            "Avec un axe, max() donne deux tenseurs, les valeurs et leurs places : gardez .values.",
        ),
        Mistake(
            "channels",
            _gradient(_score, lambda gradient: gradient.abs()),
            "Il y a une carte par canal : gardez, à chaque pixel, la plus grande valeur.",
        ),
    ],
)


def _cam(
    read: Callable = _score,
    weigh: Callable = lambda gradients: gradients.mean((2, 3), keepdim=True),
    rectify: Callable = torch.relu,
    enlarge: dict | None = None,
    finish: Callable = lambda cam: cam,
) -> Callable:
    def function(model, image, label):
        maps = model.features(image[None])
        (gradients,) = torch.autograd.grad(read(model.classifier(maps), label), maps)
        cam = rectify((weigh(gradients) * maps).sum(1, keepdim=True)).detach()
        options = {"mode": "bilinear"} if enlarge is None else enlarge
        cam = interpolate(cam, size=image.shape[1:], **options) if options else cam
        return finish(cam[0, 0])

    return function


gradcam = LabelCheck(
    "Grad-CAM : les dernières cartes, pesées par la moyenne de leur gradient, agrandies à la "
    "taille de l'image.",
    answer=visualisation.gradcam,
    mistakes=[
        Mistake("loss", _cam(read=_loss), LOSS),
        Mistake("softmax", _cam(read=lambda scores, label: scores.softmax(1)[0, label]), SOFTMAX),
        Mistake("every-class", _cam(read=lambda scores, label: scores.sum()), EVERY_CLASS),
        Mistake(
            "no-relu",
            _cam(rectify=lambda cam: cam),
            "Il manque ReLU : ce qui parle contre la classe n'a pas à être montré.",
        ),
        Mistake(
            "not-averaged",
            _cam(weigh=lambda gradients: gradients),
            "Le gradient multiplie les cartes point par point : une carte n'a qu'un poids.",
        ),
        Mistake(
            "summed",
            _cam(weigh=lambda gradients: gradients.sum((2, 3), keepdim=True)),
            "Le poids d'une carte est la moyenne de son gradient, et non sa somme.",
        ),
        Mistake(
            "unweighted",
            _cam(weigh=lambda gradients: torch.ones_like(gradients)),
            "Les cartes sont additionnées sans poids : où est la classe ?",
        ),
        Mistake(
            "not-enlarged",
            _cam(enlarge={}),
            "La carte a la taille des dernières cartes : agrandissez-la à celle de l'image.",
        ),
        Mistake(
            "nearest",
            _cam(enlarge={"mode": "nearest"}),
            'L\'agrandissement recopie des carrés : demandez mode="bilinear".',
        ),
        Mistake(
            "align-corners",
            _cam(enlarge={"mode": "bilinear", "align_corners": True}),
            "L'agrandissement fait coïncider les coins : laissez align_corners à sa valeur par "
            "défaut.",
        ),
        Mistake(
            "relu-late",
            _cam(rectify=lambda cam: cam, finish=torch.relu),
            "ReLU vient après l'agrandissement, qui a déjà mélangé des valeurs des deux signes.",
        ),
        Mistake(
            "divided",
            _cam(finish=lambda cam: cam / cam.max()),
            "La carte est divisée par son maximum : on demande ses valeurs elles-mêmes.",
        ),
    ],
)


# The adversarial step


def _step(
    read: Callable = _loss,
    move: Callable = lambda image, epsilon, gradient: image + epsilon * gradient.sign(),
) -> Callable:
    def function(model, image, label, epsilon):
        moving = image.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(read(model(moving[None]), label), moving)
        return move(image, epsilon, gradient)

    return function


adversarial_step = AdversarialCheck(
    "Une image dont chaque valeur a bougé de epsilon, dans le sens qui fait grandir le coût.",
    answer=visualisation.adversarial_step,
    mistakes=[
        Mistake(
            "descent",
            _step(move=lambda image, epsilon, gradient: image - epsilon * gradient.sign()),
            "L'image va dans le sens qui fait baisser le coût : il doit grandir.",
        ),
        Mistake(
            "no-sign",
            _step(move=lambda image, epsilon, gradient: image + epsilon * gradient),
            "Il manque le signe : chaque valeur bouge d'autant, quelle que soit sa dérivée.",
        ),
        Mistake(
            "normalised",
            _step(
                move=lambda image, epsilon, gradient: image + epsilon * gradient / gradient.norm()
            ),
            "Le gradient est divisé par sa norme : on demande son signe, valeur par valeur.",
        ),
        Mistake(
            "score",
            _step(read=_score),
            "C'est le score de la classe qui grandit : il faut que ce soit le coût.",
        ),
        Mistake(
            "raw-loss",
            _step(read=lambda scores, label: nll_loss(scores, torch.tensor([label]))),
            "Le coût est calculé sans softmax : prenez l'entropie croisée.",
        ),
        Mistake(
            "change-only",
            _step(move=lambda image, epsilon, gradient: epsilon * gradient.sign()),
            "C'est le changement : ajoutez-le à l'image.",
        ),
    ],
)
