"""Dropout, by hand and in its place (questions 29 to 33)."""

import numpy as np
import torch
from torch import Tensor, nn

from tp_cnn.checks.ameliorations.tensors import CLASSES, uniform
from tp_cnn.checks.engine.facts import Fact
from tp_cnn.checks.engine.framework import Mistake
from tp_cnn.checks.engine.network_mistakes import instead, known, without
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.random_functions import RandomCheck
from tp_cnn.checks.engine.traces import Stage

SAME, KEPT_SHARE, DROPPED_SHARE, ZEROS, OTHER = range(5)


def _dropout_facts(arguments: tuple, results: np.ndarray) -> list[Fact]:
    """Of ``dropout(values, p, training)``; no value is zero."""
    values, p, training = arguments[0].double().numpy(), arguments[1], arguments[2]
    ratios = results / values
    if not training:
        return [_evaluation_fact(ratios, p)]
    zeros = ratios == 0
    facts = _mask_facts(zeros)
    share = zeros.mean()
    known = {0: share == 0, 1: abs(share - p) < 0.06, 2: abs(share - 1 + p) < 0.06}
    level = next((code for code, found in known.items() if found), 3)
    facts.append(Fact(level, f"avec p = {p:g}, {100 * share:.0f} % des valeurs sont éteintes."))
    if level == 0 or zeros.all():
        return facts
    factors = ratios[~zeros]
    read = f"avec p = {p:g}, les valeurs gardées sont multipliées par {np.median(factors):.4g}."
    return [*facts, Fact([np.median(factors), np.ptp(factors)], read)]


def _mask_facts(zeros: np.ndarray) -> list[Fact]:
    """Whether draws differ in each direction; they do not matter where nothing is drawn."""
    sentences = [
        "ce sont les mêmes valeurs qui sont éteintes à chaque appel.",
        "ce sont les mêmes neurones qui sont éteints pour tout le lot.",
        "les neurones d'une image sont éteints tous ensemble, ou pas du tout.",
    ]
    drawn = zeros.any() and not zeros.all()
    varied = [np.ptp(zeros.astype(int), axis=axis).any() or not drawn for axis in range(3)]
    facts = [Fact(int(one), sentence) for one, sentence in zip(varied, sentences, strict=True)]
    counted = bool(drawn and np.ptp(zeros.sum(axis=(1, 2))) == 0)
    return [*facts, Fact(int(counted), "le même nombre de valeurs est éteint à chaque appel.")]


def _evaluation_fact(ratios: np.ndarray, p: float) -> Fact:
    known = {SAME: 1, KEPT_SHARE: 1 - p, DROPPED_SHARE: p}
    for code, ratio in known.items():
        if np.allclose(ratios, ratio, atol=1e-4):
            return Fact(code, f"avec training=False, les valeurs sont multipliées par {ratio:g}.")
    if (ratios == 0).any():
        return Fact(ZEROS, "avec training=False, des valeurs sont encore éteintes.")
    return Fact(OTHER, "avec training=False, les valeurs ont changé.")


def _dropout(
    values, p, training, *, share=None, factor=None, at_test=1.0, mask_shape=None, on=False
) -> Tensor:
    if not training and not on:
        return at_test * values
    mask = torch.rand(mask_shape or values.shape) >= (p if share is None else share)
    return values * mask * (1 / (1 - p) if factor is None else factor)


def _exact_count(values: Tensor, p: float, training: bool) -> Tensor:
    if not training:
        return values
    ranks = torch.rand(values.shape).argsort(1)
    return values * (ranks >= p * values.shape[1]) / (1 - p)


dropout = RandomCheck(
    "Dropout (question 33) : chaque valeur éteinte avec la probabilité p en apprentissage.",
    answer=lambda values, p, training: _dropout(values, p, training),
    tries=lambda rng: [
        (1 + uniform(rng, 30, 40), p, training) for training in (False, True) for p in (0.2, 0.6)
    ],
    read=_dropout_facts,
    mistakes=[
        Mistake(
            "left-on",
            lambda values, p, training: _dropout(values, p, True),
            "Le dropout reste actif en évaluation : l'argument training ne sert pas, ou il est lu "
            "à l'envers.",
        ),
        Mistake(
            "scaled-at-test",
            lambda values, p, training: _dropout(values, p, training, factor=1.0, at_test=1 - p),
            "C'est la version de l'article, qui corrige en évaluation : on demande celle de "
            "PyTorch, qui corrige pendant l'apprentissage.",
        ),
        Mistake(
            "scaled-by-p",
            lambda values, p, training: _dropout(values, p, training, factor=1.0, at_test=p),
            "En évaluation, rien ne change avec PyTorch. Et p est la part des neurones éteints : "
            "est-ce elle qui compte ?",
        ),
        Mistake(
            "keeps-p",
            lambda values, p, training: _dropout(
                values, p, training, share=1 - p, factor=1 / p if p else 0.0
            ),
            "p est la probabilité d'éteindre, pas celle de garder.",
        ),
        Mistake(
            "never",
            lambda values, p, training: values,
            "Aucune valeur n'est éteinte en apprentissage.",
        ),
        Mistake(
            "same-for-batch",
            lambda values, p, training: _dropout(values, p, training, mask_shape=values.shape[1:]),
            "Un masque sert pour tout le lot : chaque exemple a le sien.",
        ),
        Mistake(
            "whole-rows",
            lambda values, p, training: _dropout(values, p, training, mask_shape=(len(values), 1)),
            "Un seul tirage par image : il en faut un par valeur.",
        ),
        Mistake(
            "exact-count",
            _exact_count,
            "Le nombre de valeurs éteintes est fixé d'avance : chaque valeur doit avoir son propre "
            "tirage, sans compter les autres.",
        ),
        Mistake(
            "no-scale",
            lambda values, p, training: _dropout(values, p, training, factor=1.0),
            "Les valeurs gardées ne sont pas agrandies : la moyenne de la sortie a baissé, alors "
            "que rien ne corrigera en évaluation.",
        ),
        Mistake(
            "divided-by-p",
            lambda values, p, training: _dropout(values, p, training, factor=1 / p),
            "La division est faite par la part éteinte : par quoi faut-il diviser pour retrouver "
            "la même moyenne ?",
        ),
        Mistake(
            "multiplied",
            lambda values, p, training: _dropout(values, p, training, factor=1 - p),
            "La correction est à l'envers : il faut retrouver la moyenne d'avant, qui a baissé.",
        ),
    ],
)


def _classifier() -> nn.Sequential:
    with torch.device("meta"):  # only the settings are used: no memory, and nothing is drawn
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 1000),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(1000, CLASSES),
        )


class _Scaled(nn.Module):
    """What a network that follows the article does in evaluation, instead of a dropout."""

    def forward(self, values: Tensor) -> Tensor:
        return values / 2


def _dropout_first(stage: Stage) -> list[Stage]:
    asked = any(isinstance(layer, nn.Dropout) for layer in stage)  # then it is one more
    return [] if asked else [[nn.Dropout(0.5), *stage]]


classifier = NetworkCheck(
    "Les couches denses, avec un dropout entre fc4 et fc5 (question 29).",
    answer=[_classifier()],
    image_shape=(64, 4, 4),
    mistakes=[
        Mistake(
            "dropout-late",
            None,
            "Le dropout est après fc5 : il éteint des scores de classes. Sa place est plus haut.",
        ),
        Mistake(
            "before-fc4",
            _dropout_first,
            "Le dropout est avant fc4 : l'énoncé le place entre les deux couches denses.",
        ),
        Mistake(
            "no-dropout",
            without(nn.Dropout),
            "Il manque le dropout : pendant l'apprentissage, aucun neurone n'est éteint.",
        ),
        Mistake(
            "two-dropouts",
            instead(nn.Dropout, nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))),
            "Il y a deux dropouts de suite : il s'éteint plus de neurones que l'énoncé ne demande.",
        ),
        Mistake(
            "rate",
            instead(nn.Dropout, *[nn.Dropout(rate / 100) for rate in range(1, 101) if rate != 50]),
            "La probabilité du dropout n'est pas celle de l'énoncé.",
        ),
        Mistake(
            "left-on",
            None,
            "Le dropout reste actif en évaluation : il ne suit le mode du réseau que si la couche "
            "nn.Dropout est créée dans __init__, ou si F.dropout reçoit training=self.training.",
        ),
        Mistake(
            "same-mask",
            None,
            "Le masque ne change pas d'un passage à l'autre : il se tire dans forward, à chaque "
            "appel, et sans fixer de graine.",
        ),
        Mistake(
            "same-for-batch",
            None,
            "Un masque sert pour tout le lot : chaque image doit avoir le sien.",
        ),
        Mistake(
            "no-scale",
            None,
            "Les valeurs gardées ne sont pas agrandies : la moyenne a baissé, et rien ne la "
            "corrige en évaluation.",
        ),
        Mistake(
            "scaled-at-test",
            instead(nn.Dropout, _Scaled()),
            "La correction est faite en évaluation, comme dans l'article : avec PyTorch, elle se "
            "fait pendant l'apprentissage.",
        ),
        *known("softmax", "final-activation", "no-activation", "activation"),
        *known("no-flatten", "inputs", "units"),
        *known("classes", "missing-layer", "extra-layer"),
    ],
)
