"""Momentum and exponential decay (question 26)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from tp_cnn.checks.ameliorations.tensors import normal
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake
from tp_cnn.checks.engine.schedules import TrainingLoopCheck


def _moved(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + gradient
    return torch.stack([weights - rate * velocity, velocity])


def _rate_inside(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + rate * gradient
    return torch.stack([weights - velocity, velocity])


def _average(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + (1 - momentum) * gradient
    return torch.stack([weights - rate * velocity, velocity])


def _old_velocity(weights, velocity, gradient, rate, momentum) -> Tensor:
    return torch.stack([weights - rate * velocity, momentum * velocity + gradient])


def _decay(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = gradient + momentum * weights
    return torch.stack([weights - rate * velocity, velocity])


def _nesterov(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + gradient
    return torch.stack([weights - rate * (gradient + momentum * velocity), velocity])


momentum_step = FunctionCheck(
    "Un pas de SGD avec momentum : les nouveaux poids et la nouvelle vitesse, un couple.",
    answer=_moved,
    formulas=[
        Formula("weights - rate * (momentum * velocity + gradient)"),
        Formula("momentum * velocity + gradient"),
    ],
    tries=lambda rng: [
        (torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([2.0]), 0.1, 0.9),
        (torch.tensor([1.0]), torch.tensor([10.0]), torch.tensor([2.0]), 0.1, 0.9),
        (normal(rng, 5), normal(rng, 5), normal(rng, 5), 0.05, 0.7),
    ],
    mistakes=[
        Mistake(
            "no-momentum",
            lambda w, v, g, rate, m: torch.stack([w - rate * g, g]),
            "La vitesse d'avant est oubliée : sans elle, c'est la SGD simple.",
        ),
        Mistake(
            "ascent",
            lambda w, v, g, rate, m: torch.stack([w + rate * (m * v + g), m * v + g]),
            "Les poids montent la pente : on veut descendre.",
        ),
        Mistake(
            "average",
            _average,
            "C'est une moyenne pondérée : dans la formule de l'énoncé, le gradient entre tout "
            "entier.",
        ),
        Mistake(
            "rate-inside",
            _rate_inside,
            "Le pas d'apprentissage est entré dans la vitesse : il ne sert qu'au déplacement.",
        ),
        Mistake(
            "old-velocity",
            _old_velocity,
            "Les poids avancent avec la vitesse d'avant : il faut la nouvelle.",
        ),
        Mistake(
            "weight-decay",
            _decay,
            "Ce sont les poids qui sont ajoutés au gradient : cela s'appelle weight decay.",
        ),
        Mistake("nesterov", _nesterov, "C'est la variante de Nesterov : restez à la formule."),
        Mistake(
            "swapped",
            lambda *inputs: _moved(*inputs).flip(0),
            "L'ordre est : les poids, puis la vitesse.",
        ),
    ],
)


def _loop(
    decay_each: str = "epoch",
    zero: bool = True,
    kind: type = torch.optim.SGD,
    settings: dict | None = None,
    rate: float = 0.01,
    factor: float = 0.95,
    told: str = "before",
    training: bool = True,
    stairs: int = 0,
    actions: str = "backward, step",
    scores: Callable = lambda outputs: outputs,
) -> Callable:
    """A training loop; the keywords make it wrong."""

    def train(model, batches, epochs):
        options = {"momentum": 0.9} if settings is None else settings
        optimizer = kind(model.parameters(), lr=rate, **options)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, factor)
        if stairs:
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, stairs, factor)
        rates = []
        model.train(training)
        for _ in range(epochs):
            if decay_each == "start":
                scheduler.step()
            used = optimizer.param_groups[0]["lr"]
            for images, labels in batches:
                loss = functional.cross_entropy(scores(model(images)), labels)
                if zero:
                    optimizer.zero_grad()
                if decay_each == "batch-start":
                    scheduler.step()
                does = {"zero": optimizer.zero_grad, "backward": loss.backward}
                does["step"] = optimizer.step
                for action in actions.split(", "):
                    does[action]()
                if decay_each == "batch":
                    scheduler.step()
            if decay_each == "epoch":
                scheduler.step()
            rates.append(used if told == "before" else optimizer.param_groups[0]["lr"])
        return rates

    return train


training_loop = TrainingLoopCheck(
    "Une boucle d'apprentissage : SGD, momentum 0,9, pas 0,01 multiplié par 0,95 à chaque époque.",
    answer=_loop(),
    mistakes=[
        Mistake(
            "weight-decay",
            _loop(settings={"weight_decay": 0.9}),
            "0,9 est passé à weight_decay, qui tire les poids vers zéro : nommez l'argument.",
        ),
        Mistake(
            "dampening",
            _loop(settings={"momentum": 0.9, "dampening": 0.9}),
            "dampening réduit la part du gradient : laissez-le à zéro.",
        ),
        Mistake(
            "no-momentum",
            _loop(settings={}),
            "L'optimiseur n'a pas de momentum : c'est un argument de torch.optim.SGD.",
        ),
        Mistake(
            "confused",
            _loop(settings={"momentum": 0.95}, factor=0.9),
            "Deux nombres sont échangés : lequel est le momentum, lequel le facteur de "
            "décroissance ?",
        ),
        Mistake(
            "adam",
            _loop(kind=torch.optim.Adam, settings={}),
            "L'énoncé demande la SGD ; Adam attend la question 28.",
        ),
        Mistake(
            "each-batch",
            _loop("batch"),
            "scheduler.step() est appelé après chaque lot : l'énoncé compte en époques.",
        ),
        Mistake(
            "each-batch-first",
            _loop("batch-start"),
            "scheduler.step() est appelé à chaque lot, et avant l'optimiseur : il vient une seule "
            "fois, à la fin de l'époque.",
        ),
        Mistake(
            "scheduler-first",
            _loop("start"),
            "Le premier pas est déjà réduit : la première époque garde le pas de départ, la baisse "
            "vient à la fin de l'époque.",
        ),
        Mistake(
            "stairs",
            _loop(stairs=2),
            "StepLR descend par paliers : l'énoncé demande une baisse à chaque époque.",
        ),
        Mistake(
            "constant",
            _loop("never"),
            "Le pas ne change pas : scheduler.step() manque, ou ses parenthèses, ou l'optimiseur "
            "est recréé à chaque époque.",
        ),
        Mistake(
            "rate",
            _loop(rate=0.1),
            "Le pas de départ n'est pas le bon : reprenez l'énoncé.",
        ),
        Mistake(
            "no-zero-grad",
            _loop(zero=False),
            "Il manque optimizer.zero_grad() : les gradients des lots précédents s'ajoutent.",
        ),
        Mistake(
            "no-backward",
            _loop(actions="step"),
            "Il manque loss.backward(), parenthèses comprises : sans lui, pas de gradients.",
        ),
        Mistake(
            "zero-grad-late",
            _loop(actions="backward, zero, step"),
            "Les gradients sont effacés entre backward et step : il n'en reste rien à appliquer.",
        ),
        Mistake(
            "step-first",
            _loop(actions="step, backward"),
            "optimizer.step() vient avant loss.backward() : les gradients ne sont pas encore là.",
        ),
        Mistake(
            "softmax",
            _loop(scores=lambda outputs: outputs.softmax(1)),
            "Un softmax de trop : l'entropie croisée l'applique déjà aux scores bruts.",
        ),
        Mistake(
            "eval-mode",
            _loop(training=False),
            "Le réseau arrive en mode eval(), comme après une évaluation, et y reste : dropout et "
            "normalisation par lot n'y font pas leur travail. Dans quel mode apprend-on ?",
        ),
        Mistake(
            "told-after",
            _loop(told="after"),
            "Le pas est noté après sa baisse : on demande celui qui a servi pendant l'époque.",
        ),
        Mistake(
            "factor-lost",
            _loop(factor=0.05),
            "À chaque époque, le pas est presque annulé : gamma est ce qu'il en reste, et non ce "
            "qu'il perd.",
        ),
    ],
)
