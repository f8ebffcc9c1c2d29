"""Checks of notebook 06: using again what a network has learnt.

Sources: 000, §1.4 and TD 2. Networks are small ones with ``.features`` (a batch normalisation among
them) and ``.classifier``; images are tensors (N, 3, 8, 8).
"""

import copy
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake
from tp_cnn.checks.engine.transfers import (
    HIDDEN,
    ExtractCheck,
    FineTuneCheck,
    FreezeCheck,
    LastLayerCheck,
)
from tp_cnn.training import transfer

PIXELS = (0, 2, 3)  # the axes of a batch of images that a mean by channel makes disappear


# Images as the network expects them


def _prepared(images: Tensor, mean: tuple, std: tuple, scale: float = 255) -> Tensor:
    images = images.expand(-1, 3, -1, -1) / scale
    return (images - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


def _prepared_names(images: Tensor, mean: tuple, std: tuple) -> dict:
    pixels = images.expand(-1, 3, -1, -1) / 255
    return {
        "pixels": pixels,
        "mean": torch.tensor(mean).view(-1, 1, 1),
        "std": torch.tensor(std).view(-1, 1, 1),
    }


def _own_statistics(images: Tensor, mean: tuple, std: tuple) -> Tensor:
    values = images.expand(-1, 3, -1, -1) / 255
    return (values - values.mean(PIXELS, keepdim=True)) / values.std(PIXELS, keepdim=True)


def _last_axis(images: Tensor, mean: tuple, std: tuple) -> Tensor:
    return (images.expand(-1, 3, -1, -1) / 255 - torch.tensor(mean)) / torch.tensor(std)


def _without_parentheses(images: Tensor, mean: tuple, std: tuple) -> Tensor:
    mean, std = (torch.tensor(one).view(-1, 1, 1) for one in (mean, std))
    return images.expand(-1, 3, -1, -1) / 255 - mean / std


def _images(rng: np.random.Generator, channels: int, height: int = 3, width: int = 3) -> Tensor:
    return torch.tensor(rng.integers(0, 256, (4, channels, height, width)), dtype=torch.uint8)


def _means(rng: np.random.Generator) -> list[tuple[float, ...]]:
    return [tuple(rng.uniform(low, low + 0.2, 3).tolist()) for low in (0.3, 0.15)]


prepare = FunctionCheck(
    "Images uint8 (N, 1 ou 3, H, L) préparées pour le réseau : trois canaux, entre 0 et 1, puis "
    "moins la moyenne et divisées par l'écart-type de chaque canal.",
    answer=lambda images, mean, std: _prepared(images, mean, std),
    tries=lambda rng: [
        (
            torch.tensor([0, 51, 102, 153, 204, 255], dtype=torch.uint8).view(1, 3, 1, 2),
            (0.5, 0.4, 0.2),
            (0.25, 0.2, 0.1),
        ),
        (_images(rng, 3), *_means(rng)),
        (_images(rng, 3, 5, 3), *_means(rng)),
        (_images(rng, 1), *_means(rng)),
    ],
    formulas=[Formula("(pixels - mean) / std", {"pixels": "les pixels"}, _prepared_names)],
    mistakes=[
        Mistake(
            "not-divided",
            lambda images, mean, std: _prepared(images, mean, std, scale=1),
            "Les pixels vont encore de 0 à 255 : la moyenne reçue vaut pour des valeurs entre 0 "
            "et 1.",
        ),
        Mistake(
            "forgotten",
            lambda images, mean, std: images.expand(-1, 3, -1, -1) / 255,
            "La normalisation est oubliée : le réseau n'a jamais vu de valeurs pareilles.",
        ),
        Mistake(
            "own-statistics",
            _own_statistics,
            "Ce sont la moyenne et l'écart-type de ces images-ci : le réseau attend ceux de son "
            "propre apprentissage.",
        ),
        Mistake(
            "centred-only",
            lambda images, mean, std: _prepared(images, mean, (1.0, 1.0, 1.0)),
            "La division par l'écart-type manque.",
        ),
        Mistake(
            "swapped",
            lambda images, mean, std: _prepared(images, std, mean),
            "La moyenne et l'écart-type sont échangés.",
        ),
        Mistake(
            "last-axis",
            _last_axis,
            "Les trois valeurs sont alignées sur la largeur : il en faut une par canal, de forme "
            "(3, 1, 1).",
        ),
        Mistake(
            "multiplied",
            lambda images, mean, std: _prepared(images, mean, tuple(1 / one for one in std)),
            "L'écart-type multiplie : il doit diviser.",
        ),
        Mistake(
            "divided-by-256",
            lambda images, mean, std: _prepared(images, mean, std, scale=256),
            "Les pixels sont divisés par 256 : le plus grand, 255, doit donner 1.",
        ),
        Mistake(
            "no-parentheses",
            _without_parentheses,
            "Seule la moyenne est divisée par l'écart-type : mettez la soustraction entre "
            "parenthèses.",
        ),
        Mistake(
            "divided-late",
            lambda images, mean, std: _prepared(images, tuple(one / 255 for one in mean), std),
            "Quand la moyenne est retirée, elle n'est pas à l'échelle des pixels : mettez d'abord "
            "ceux-ci entre 0 et 1.",
        ),
    ],
)


# Freezing


def _freezing(
    freeze: Callable = lambda model: model.requires_grad_(False),
    replace: Callable = lambda model, classes: _set_last(model, nn.Linear(HIDDEN, classes)),
    late: Callable = lambda model: None,
    count: Callable = lambda weights: sum(one.numel() for one in weights if one.requires_grad),
    on_copy: bool = False,
) -> Callable:
    def function(model, classes):
        model = copy.deepcopy(model) if on_copy else model
        freeze(model)
        replace(model, classes)
        late(model)
        return count(list(model.parameters()))

    return function


def _set_last(model: nn.Module, layer: nn.Module) -> None:
    model.classifier[-1] = layer


def _beside(model: nn.Module, classes: int) -> None:
    model.fc = nn.Linear(HIDDEN, classes)  # nobody calls it


def _by_kind(model: nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.requires_grad_(False)


def _attribute(model: nn.Module) -> None:
    model.requires_grad = False  # sets an attribute that nobody reads


freeze = FreezeCheck(
    "Gèle tous les poids, remplace la dernière couche, renvoie le nombre de poids qui apprennent.",
    answer=transfer.freeze,
    mistakes=[
        Mistake(
            "not-frozen",
            _freezing(freeze=lambda model: None),
            "Il manque requires_grad = False sur chaque poids de model.parameters().",
        ),
        Mistake(
            "attribute",
            _freezing(freeze=_attribute),
            "model.requires_grad = False crée un attribut que personne ne lit : il faut le faire "
            "pour chaque poids, ou appeler requires_grad_, avec un tiret bas à la fin.",
        ),
        Mistake(
            "features-only",
            _freezing(freeze=lambda model: model.features.requires_grad_(False)),
            "Seul model.features est gelé : les couches denses de model.classifier apprennent "
            "encore.",
        ),
        Mistake(
            "kept",
            _freezing(replace=lambda model, classes: None),
            "La dernière couche est restée celle des anciennes classes : remplacez-la.",
        ),
        Mistake(
            "appended",
            _freezing(
                replace=lambda model, classes: model.classifier.append(
                    nn.Linear(model.classifier[-1].out_features, classes)
                )
            ),
            "Une couche est ajoutée après l'ancienne dernière : il faut la remplacer.",
        ),
        Mistake(
            "frozen-after",
            _freezing(late=lambda model: model.requires_grad_(False)),
            "La nouvelle couche est gelée avec les autres : gelez d'abord, remplacez ensuite.",
        ),
        Mistake(
            "all-counted",
            _freezing(count=lambda weights: sum(one.numel() for one in weights)),
            "Tous les poids sont comptés : seuls ceux qui apprennent le doivent.",
        ),
        Mistake(
            "tensors-counted",
            _freezing(count=lambda weights: sum(one.requires_grad for one in weights)),
            "C'est le nombre de tenseurs : chacun a plusieurs poids, que compte numel().",
        ),
        Mistake(
            "beside",
            _freezing(replace=_beside),
            "La nouvelle couche est à côté du réseau, qui ne passe pas par elle : remplacez "
            "model.classifier[-1].",
        ),
        Mistake(
            "batch-norm-forgotten",
            _freezing(freeze=_by_kind),
            "La normalisation par lot a des poids aussi, qui apprennent encore : "
            "model.parameters() les donne tous.",
        ),
        Mistake(
            "on-copy",
            _freezing(on_copy=True),
            "Le réseau reçu n'a pas changé : c'est lui qu'il faut geler, et non une copie.",
        ),
        Mistake(
            "bias-not-counted",
            _freezing(
                count=lambda weights: sum(
                    one.numel() for one in weights if one.requires_grad and one.ndim > 1
                )
            ),
            "Les biais de la nouvelle couche apprennent aussi : comptez-les.",
        ),
        Mistake(
            "frozen-counted",
            _freezing(
                count=lambda weights: sum(one.numel() for one in weights if not one.requires_grad)
            ),
            "Ce sont les poids gelés qui sont comptés : on demande ceux qui apprennent.",
        ),
    ],
)


# Training


def _loop(
    *,
    mode: str = "eval",
    groups: Callable = lambda model, *rates: [
        {"params": model.classifier[-1].parameters(), "lr": rates[0]}
    ],
    unfreeze: bool = False,
    zero: bool = True,
    zero_late: bool = False,
    backward: bool = True,
    step: bool = True,
    on_copy: bool = False,
    momentum: float = 0.9,
    passes: Callable = lambda epochs: epochs,
    result: Callable = Tensor.item,
) -> Callable:
    """A training of ``groups`` of weights that may be wrong in one way."""

    def function(model, batches, *settings):
        *rates, epochs = settings
        model = copy.deepcopy(model) if on_copy else model
        model.train(mode == "train")
        for weights in model.parameters() if unfreeze else ():
            weights.requires_grad = True
        optimizer = torch.optim.SGD(groups(model, *rates), momentum=momentum)
        for _ in range(passes(epochs)):
            for images, labels in batches:
                loss = cross_entropy(model(images), labels)
                if zero:
                    optimizer.zero_grad()
                if backward:
                    loss.backward()
                if zero_late:
                    optimizer.zero_grad()
                if step:
                    optimizer.step()
        return result(loss)

    return function


def _everything(model, *rates) -> list[dict]:
    return [{"params": model.parameters(), "lr": rates[-1]}]


NO_ZERO = "Il manque optimizer.zero_grad() : les gradients des lots précédents s'ajoutent."
NO_STEP = (
    "Il manque optimizer.step(), parenthèses comprises : les gradients sont calculés, mais pas "
    "appliqués."
)
ZERO_LATE = (
    "optimizer.zero_grad() vient entre loss.backward() et optimizer.step() : il efface les "
    "gradients juste avant le pas."
)
ON_COPY = "C'est une copie du réseau qui apprend : entraînez le réseau reçu lui-même."
USUAL_RATE = 0.001  # of SGD, when it is given none
NO_RATE = "Le pas reçu n'est pas donné à l'optimiseur (lr) : il prend celui qu'il a par défaut."
NO_MOMENTUM = "L'optimiseur n'a pas le momentum de 0,9 demandé."
EPOCHS = "Les lots ne sont parcourus qu'une fois : une époque de plus à chaque tour de boucle."
GRAPH = "Renvoyez un nombre, loss.item() : sinon tout le calcul reste en mémoire."

train_last_layer = LastLayerCheck(
    "Apprentissage de la seule dernière couche d'un réseau gelé ; renvoie le coût du dernier lot.",
    answer=transfer.train_last_layer,
    mistakes=[
        Mistake(
            "frozen-given",
            _loop(groups=_everything),
            "L'optimiseur reçoit aussi les poids gelés : donnez-lui ceux qui apprennent, et eux "
            "seuls.",
        ),
        Mistake(
            "train-mode",
            _loop(mode="train"),
            "En mode train(), une normalisation par lot continue de mettre à jour sa moyenne et sa "
            "variance, même quand ses poids sont gelés : il manque model.eval().",
        ),
        Mistake(
            "unfrozen",
            _loop(groups=_everything, unfreeze=True),
            "Le réseau est dégelé : laissez requires_grad comme vous l'avez reçu.",
        ),
        Mistake("no-zero-grad", _loop(zero=False), NO_ZERO),
        Mistake("no-momentum", _loop(momentum=0), NO_MOMENTUM),
        Mistake("one-epoch", _loop(passes=lambda epochs: 1), EPOCHS),
        Mistake(
            "no-backward",
            _loop(backward=False),
            "Il manque loss.backward() : sans gradients, l'optimiseur ne change rien.",
        ),
        Mistake("zero-grad-late", _loop(zero_late=True), ZERO_LATE),
        Mistake("no-step", _loop(step=False), NO_STEP),
        Mistake("on-copy", _loop(on_copy=True), ON_COPY),
        Mistake(
            "no-rate",
            _loop(
                groups=lambda model, rate: [
                    {"params": model.classifier[-1].parameters(), "lr": USUAL_RATE}
                ]
            ),
            NO_RATE,
        ),
        Mistake("graph", _loop(result=lambda loss: loss), GRAPH),
    ],
)


def _two_rates(
    model,
    body_rate,
    head_rate,
    body: Callable = lambda model: nn.Sequential(model.features, model.classifier[:-1]),
    head: Callable = lambda model: model.classifier[-1],
) -> list[dict]:
    return [
        {"params": body(model).parameters(), "lr": body_rate},
        {"params": head(model).parameters(), "lr": head_rate},
    ]


def _fine(**wrong) -> Callable:
    return _loop(**{"mode": "train", "unfreeze": True, "groups": _two_rates, **wrong})


fine_tune = FineTuneCheck(
    "Réglage fin : tous les poids apprennent, la dernière couche à son propre pas ; renvoie le "
    "coût du dernier lot.",
    answer=transfer.fine_tune,
    mistakes=[
        Mistake(
            "still-frozen",
            _fine(unfreeze=False),
            "Remettez requires_grad = True sur tous les poids, avant d'apprendre.",
        ),
        Mistake(
            "eval-mode",
            _fine(mode="eval"),
            "Le réseau apprend en mode eval() : sa normalisation par lot reste celle des anciennes "
            "images.",
        ),
        Mistake("no-zero-grad", _fine(zero=False), NO_ZERO),
        Mistake("no-momentum", _fine(momentum=0), NO_MOMENTUM),
        Mistake("one-epoch", _fine(passes=lambda epochs: 1), EPOCHS),
        Mistake(
            "swapped",
            _fine(groups=lambda model, body, head: _two_rates(model, head, body)),
            "Les deux pas sont échangés : celui de la dernière couche est head_rate.",
        ),
        Mistake(
            "one-rate",
            _fine(groups=lambda model, body, head: _two_rates(model, head, head)),
            "Toutes les couches ont le pas de la dernière : celles d'avant ont body_rate.",
        ),
        Mistake(
            "small-rate",
            _fine(groups=lambda model, body, head: _two_rates(model, body, body)),
            "La dernière couche a le pas des autres : elle a le sien, head_rate.",
        ),
        Mistake(
            "body-forgotten",
            _fine(groups=lambda model, body, head: _two_rates(model, 0.0, head)),
            "Seule la dernière couche a bougé : donnez aussi les autres poids à l'optimiseur.",
        ),
        Mistake(
            "head-forgotten",
            _fine(groups=lambda model, body, head: _two_rates(model, body, 0.0)),
            "La dernière couche n'a pas bougé : donnez aussi ses poids à l'optimiseur.",
        ),
        Mistake(
            "dense-forgotten",
            _fine(groups=partial(_two_rates, body=lambda model: model.features)),
            "Les couches denses d'avant la dernière n'ont pas bougé : donnez aussi leurs poids, "
            "ceux de model.classifier[:-1], à l'optimiseur.",
        ),
        Mistake(
            "whole-classifier",
            _fine(
                groups=partial(
                    _two_rates,
                    body=lambda model: model.features,
                    head=lambda model: model.classifier,
                )
            ),
            "Tout le classifieur a le pas head_rate : seule sa dernière couche doit l'avoir.",
        ),
        Mistake(
            "no-rates",
            _fine(groups=lambda model, *rates: _two_rates(model, USUAL_RATE, USUAL_RATE)),
            "Aucun des deux pas n'est donné à l'optimiseur : chaque groupe a le sien, sous la clé "
            '"lr".',
        ),
        Mistake("zero-grad-late", _fine(zero_late=True), ZERO_LATE),
        Mistake("no-step", _fine(step=False), NO_STEP),
        Mistake("on-copy", _fine(on_copy=True), ON_COPY),
        Mistake("graph", _fine(result=lambda loss: loss), GRAPH),
    ],
)


# Features computed once


def _extracting(
    *,
    mode: str = "eval",
    read: Callable = lambda model, images: model.classifier[:-1](model.features(images)),
    join: Callable = torch.cat,
    graph: bool = False,
) -> Callable:
    def function(model, batches):
        model.train(mode == "train")
        with torch.set_grad_enabled(graph):
            return join([read(model, images) for images, _ in batches])

    return function


def _cut(model, batches) -> Tensor:
    model.eval().classifier[-1] = nn.Identity()
    with torch.no_grad():
        return torch.cat([model(images) for images, _ in batches])


def _hooked(model, batches) -> Tensor:
    found = []
    model.classifier[-1].register_forward_hook(lambda layer, given, _: found.append(given[0]))
    with torch.no_grad():
        for images, _ in batches:
            model.eval()(images)
    return torch.cat(found)


extract = ExtractCheck(
    "Ce que reçoit la dernière couche, pour toutes les images des lots : un tenseur (N, d).",
    answer=transfer.extract,
    mistakes=[
        Mistake(
            "train-mode",
            _extracting(mode="train"),
            "Il manque model.eval() : en mode train(), chaque lot change la normalisation par lot.",
        ),
        Mistake(
            "scores",
            _extracting(read=lambda model, images: model(images)),
            "Ce sont les scores des classes : arrêtez-vous avant la dernière couche.",
        ),
        Mistake(
            "maps",
            _extracting(read=lambda model, images: model.features(images)),
            "Ce sont les cartes des convolutions : il reste à traverser le classifieur, sauf sa "
            "dernière couche.",
        ),
        Mistake(
            "flat-maps",
            _extracting(read=lambda model, images: model.features(images).flatten(1)),
            "Ce sont les cartes mises à plat : il reste les couches denses, sauf la dernière.",
        ),
        Mistake(
            "no-activation",
            _extracting(read=lambda model, images: model.classifier[:-2](model.features(images))),
            "Une couche de trop est retirée : la dernière couche reçoit des valeurs après ReLU.",
        ),
        Mistake(
            "last-batch",
            _extracting(join=lambda parts: parts[-1]),
            "Seul le dernier lot est gardé : réunissez-les tous.",
        ),
        Mistake(
            "not-joined",
            _extracting(join=list),
            "C'est une liste, d'un tenseur par lot : mettez-les bout à bout en un seul tenseur.",
        ),
        Mistake(
            "graph",
            _extracting(graph=True),
            "Il manque with torch.no_grad() : sans lui, tout le calcul reste en mémoire.",
        ),
        Mistake(
            "cut",
            _cut,
            "Le réseau a perdu sa dernière couche : lisez ses parties sans rien remplacer.",
        ),
        Mistake(
            "hook-left",
            _hooked,
            "Il manque hook.remove() : à chaque lot, l'ancien hook travaillera encore.",
        ),
    ],
)
