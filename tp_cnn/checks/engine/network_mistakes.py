"""Known mistakes in a network of convolutions, pooling and dense layers, shared by the notebooks.

A right stage ends with a layer with weights, and begins with what precedes it since the one before:
``[ReLU, MaxPool2d, Conv2d]``. A mistake says how it becomes a wrong one.
"""

import copy
from collections.abc import Callable

from torch import nn

from tp_cnn.checks.engine.framework import Mistake
from tp_cnn.checks.engine.traces import Stage

Edit = Callable[[Stage], list[Stage]]
ACTIVATIONS = (nn.ReLU, nn.Tanh)


def without(*kinds: type) -> Edit:
    return lambda stage: [[layer for layer in stage if not isinstance(layer, kinds)]]


def instead(kind: type | tuple[type, ...], *others: nn.Module) -> Edit:
    return lambda stage: [
        [other if isinstance(layer, kind) else layer for layer in stage] for other in others
    ]


def ending(*others: nn.Module) -> Edit:
    return lambda stage: [[*stage, other] for other in others]


def convolving(name: str, *values: object) -> Edit:
    """Other values of a setting (``"padding"``) for the convolution that ends a stage."""

    def edit(stage: Stage) -> list[Stage]:
        if not stage or not isinstance(stage[-1], nn.Conv2d):
            return []
        copies = [copy.copy(stage[-1]) for _ in values]
        for changed, value in zip(copies, values, strict=True):
            setattr(changed, name, value)
        return [[*stage[:-1], changed] for changed in copies]

    return edit


def _average(stage: Stage) -> list[Stage]:
    """Contrary to a maximum, a mean does not commute with the activation: try both orders."""
    (later,) = instead(nn.MaxPool2d, nn.AvgPool2d(2))(stage)
    return [later, [*later[1::-1], *later[2:]]] if later != stage else []


OTHER_ACTIVATIONS = [
    *[nn.LeakyReLU(slope) for slope in (0.01, 0.05, 0.1, 0.2)],
    nn.GELU(),
    nn.ELU(),
    nn.SELU(),
    nn.SiLU(),
    nn.ReLU6(),
    nn.Softplus(),
]


def _other_activation(stage: Stage) -> list[Stage]:
    """Some of them are not monotonic: a maximum before or after is then not the same."""
    found = instead(ACTIVATIONS, *OTHER_ACTIVATIONS)(stage)
    if len(stage) > 1 and isinstance(stage[1], nn.MaxPool2d):
        found += [[pooling, activation, *rest] for activation, pooling, *rest in found]
    return found


SOFTMAX = "l'entropie croisée l'applique déjà, le réseau doit donner les scores bruts."
NETWORK_MISTAKES = [
    Mistake("softmax", ending(nn.Softmax(1), nn.Softmax(0)), f"Un softmax de trop : {SOFTMAX}"),
    Mistake("log-softmax", ending(nn.LogSoftmax(1)), f"Un log-softmax de trop : {SOFTMAX}"),
    Mistake(
        "final-activation",
        ending(nn.ReLU(), nn.Tanh(), nn.Sigmoid()),
        "La dernière couche est suivie d'une activation : un score doit pouvoir prendre toutes "
        "les valeurs.",
    ),
    Mistake(
        "no-padding",
        convolving("padding", (0, 0)),
        "Il manque le padding : sans lui, la convolution rogne les bords de l'image.",
    ),
    Mistake(
        "padding",
        convolving("padding", (1, 1), (2, 2), (3, 3), (4, 4)),
        "Le padding ne convient pas : quelle doit être la taille en sortie de cette convolution ?",
    ),
    Mistake(
        "stride",
        convolving("stride", (2, 2), (3, 3), (5, 5)),
        "La convolution saute des positions : regardez son stride.",
    ),
    Mistake(
        "no-activation",
        without(*ACTIVATIONS),
        "Il manque une activation : sans elle, deux couches de suite n'en valent qu'une.",
    ),
    Mistake(
        "sigmoid",
        instead(ACTIVATIONS, nn.Sigmoid()),
        "L'activation est une sigmoïde : ce n'est pas celle de l'énoncé, et elle sature vite.",
    ),
    Mistake(
        "activation", _other_activation, "La fonction d'activation n'est pas celle de l'énoncé."
    ),
    Mistake(
        "no-pooling",
        without(nn.MaxPool2d),
        "Il manque le max-pooling, qui divise par deux la hauteur et la largeur.",
    ),
    Mistake(
        "average", _average, "C'est la moyenne de chaque fenêtre : il faut en prendre le maximum."
    ),
    Mistake(
        "pooling-window",
        instead(
            nn.MaxPool2d,
            nn.MaxPool2d(2, 1),
            nn.MaxPool2d(3),
            nn.MaxPool2d(3, 2),
            nn.MaxPool2d(3, 2, 1),
            nn.MaxPool2d(4),
            nn.MaxPool2d(2, 2, 1),
            nn.MaxPool2d(5),
            nn.MaxPool2d(5, 2),
        ),
        "La fenêtre, le stride ou le padding du max-pooling ne sont pas ceux de l'énoncé.",
    ),
    Mistake(
        "no-flatten",
        without(nn.Flatten),
        "Il manque la mise à plat : une couche dense reçoit un vecteur par image.",
    ),
    Mistake(
        "inputs",
        None,
        "Son premier réglage est à revoir : combien de canaux (convolution) ou de valeurs (couche "
        "dense) reçoit-elle ?",
    ),
    Mistake("filters", None, "Le nombre de filtres de cette convolution n'est pas le bon."),
    Mistake("kernel", None, "La taille des filtres n'est pas celle de l'énoncé."),
    Mistake("units", None, "Le nombre de neurones de cette couche n'est pas le bon."),
    Mistake("classes", None, "La dernière couche donne un score par classe."),
    Mistake(
        "no-bias", None, "Le biais a été retiré : laissez le réglage de PyTorch, qui en met un."
    ),
    Mistake("missing-layer", None, "Il manque une couche : comptez celles de l'énoncé."),
    Mistake("extra-layer", None, "Il y a une couche de trop : comptez celles de l'énoncé."),
    Mistake(
        "unused",
        None,
        "Elle est créée mais le calcul passe à côté : reprenez forward, couche après couche.",
    ),
    Mistake(
        "dropout",
        None,
        "Une partie du calcul est tirée au hasard (un dropout ?) : l'énoncé n'en demande pas.",
    ),
]


def known(*names: str) -> list[Mistake]:
    """Those of `NETWORK_MISTAKES` that have these names."""
    return [mistake for mistake in NETWORK_MISTAKES if mistake.name in names]
