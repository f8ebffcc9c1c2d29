"""Checks of notebook 09: an auto-encoder, a restricted Boltzmann machine, a stack of machines."""

from functools import partial
from itertools import pairwise

import numpy as np
from torch import Tensor, nn

from tp_cnn.checks.engine.blocks import BlockCheck
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake
from tp_cnn.models.autoencoder import ConvAutoEncoder
from tp_cnn.scratch import rbm

# The auto-encoder


def _sizes(rng: np.random.Generator) -> list[tuple]:
    found = [(7, 3, 2, 1, 1), (4, 5, 3, 0, 0)]
    for _ in range(4):
        stride = int(rng.integers(2, 5))
        last = int(rng.integers(1, stride))
        found.append((int(rng.integers(3, 20)), int(rng.integers(3, 8)), stride, 1, last))
    return found


transposed_size = FunctionCheck(
    "Taille de sortie d'une convolution transposée.",
    answer=lambda size, kernel, stride, padding, output_padding: (
        (size - 1) * stride - 2 * padding + kernel + output_padding
    ),
    formulas=[
        Formula(
            "(size - 1) * stride - 2 * padding + kernel + output_padding", {"2": "les deux bords"}
        )
    ],
    tries=_sizes,
    mistakes=[
        Mistake(
            "convolution",
            lambda size, kernel, stride, padding, output_padding: (
                (size + 2 * padding - kernel) // stride + 1
            ),
            "C'est la taille d'une convolution : ici on fait le chemin inverse.",
        ),
        Mistake(
            "times-stride",
            lambda size, kernel, stride, padding, output_padding: (
                size * stride - 2 * padding + kernel + output_padding
            ),
            "Entre la première et la dernière valeur, il y a une case de moins que de valeurs.",
        ),
        Mistake(
            "no-kernel",
            lambda size, kernel, stride, padding, output_padding: (
                (size - 1) * stride - 2 * padding + output_padding
            ),
            "La dernière valeur couvre encore une fenêtre entière.",
        ),
        Mistake(
            "padding-once",
            lambda size, kernel, stride, padding, output_padding: (
                (size - 1) * stride - padding + kernel + output_padding
            ),
            "Le padding s'enlève des deux côtés.",
        ),
        Mistake(
            "padding-added",
            lambda size, kernel, stride, padding, output_padding: (
                (size - 1) * stride + 2 * padding + kernel + output_padding
            ),
            "Le padding d'une convolution transposée rogne la sortie : il s'enlève.",
        ),
        Mistake(
            "no-output-padding",
            lambda size, kernel, stride, padding, output_padding: (
                (size - 1) * stride - 2 * padding + kernel
            ),
            "output_padding est oublié : il s'ajoute d'un seul côté.",
        ),
        Mistake(
            "output-padding-twice",
            lambda size, kernel, stride, padding, output_padding: (
                (size - 1) * stride - 2 * padding + kernel + 2 * output_padding
            ),
            "output_padding ne s'ajoute que d'un côté.",
        ),
    ],
)


class _Changed(ConvAutoEncoder):
    """The auto-encoder, some layers of which were changed."""

    def __init__(self, latent: int, encoder: dict | None = None, decoder: dict | None = None):
        super().__init__(latent)
        for part, changes in ((self.encoder, encoder), (self.decoder, decoder)):
            for place, layer in (changes or {}).items():
                part[place] = layer


class _Ended(ConvAutoEncoder):
    """The auto-encoder, and something after it."""

    def __init__(self, latent: int, end: nn.Module):
        super().__init__(latent)
        self.end = end

    def forward(self, images: Tensor) -> Tensor:
        return self.end(super().forward(images))


class _CodeActivated(ConvAutoEncoder):
    def forward(self, images: Tensor) -> Tensor:
        return self.decoder(self.encoder(images).relu())


class _CodeOnly(ConvAutoEncoder):
    def forward(self, images: Tensor) -> Tensor:
        return self.encoder(images)


def _shorter(latent: int) -> nn.Module:
    return _Changed(
        latent,
        decoder={
            3: nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1),
            5: nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1),
        },
    )


def _without_relu(part: str, place: int, latent: int) -> nn.Module:
    return _Changed(latent, **{part: {place: nn.Identity()}})


def _activated(activation: type[nn.Module], latent: int) -> nn.Module:
    encoder, decoder = {1: activation(), 3: activation()}, {1: activation(), 4: activation()}
    return _Changed(latent, encoder=encoder, decoder=decoder)


RELUS = [  # the part, the place of a ReLU in it
    ("encoder", 1, "Il manque une ReLU après la première convolution."),
    ("encoder", 3, "Il manque une ReLU après la deuxième convolution."),
    ("decoder", 1, "Il manque une ReLU après la couche dense du décodeur."),
    ("decoder", 4, "Il manque une ReLU entre les deux convolutions transposées."),
]

autoencoder = BlockCheck(
    "Un auto-encodeur à convolutions : 28×28 → 14×14 → 7×7 → le code, et retour.",
    answer=ConvAutoEncoder,
    names=("latent",),
    tries=[((2,), (3, 1, 28, 28)), ((5,), (2, 1, 28, 28))],
    mistakes=[
        Mistake(
            "no-output-padding",
            _shorter,
            "Les convolutions transposées rendent 13 puis 25 au lieu de 14 puis 28 : "
            "output_padding lève le doute.",
        ),
        Mistake(
            "sigmoid",
            lambda latent: _Ended(latent, nn.Sigmoid()),
            "Une sigmoïde de trop à la fin : le coût l'applique déjà.",
        ),
        Mistake(
            "final-relu",
            lambda latent: _Ended(latent, nn.ReLU()),
            "Une activation de trop à la fin : un score doit pouvoir être négatif.",
        ),
        Mistake(
            "code-activated",
            _CodeActivated,
            "Le code ne passe pas par une activation : il perdrait la moitié de son plan.",
        ),
        Mistake("code-only", _CodeOnly, "forward rend le code : il reste à le décoder."),
        Mistake(
            "no-relu-encoder",
            lambda latent: _Changed(latent, encoder={1: nn.Identity(), 3: nn.Identity()}),
            "Il manque les ReLU de l'encodeur.",
        ),
        Mistake(
            "no-relu-decoder",
            lambda latent: _Changed(latent, decoder={1: nn.Identity(), 4: nn.Identity()}),
            "Il manque les ReLU du décodeur.",
        ),
        *[
            Mistake(f"no-relu-{part}-{place}", partial(_without_relu, part, place), message)
            for part, place, message in RELUS
        ],
        Mistake(
            "no-relu",
            partial(_activated, nn.Identity),
            "Il manque toutes les ReLU : des couches linéaires de suite n'en valent qu'une.",
        ),
        Mistake(
            "tanh",
            partial(_activated, nn.Tanh),
            "L'activation demandée est ReLU.",
        ),
    ],
)

# The restricted Boltzmann machine: d visible units, u hidden ones


def _machine(rng: np.random.Generator, visible: int, hidden: int) -> tuple[np.ndarray, ...]:
    return rng.normal(size=(visible, hidden)), rng.normal(size=visible), rng.normal(size=hidden)


def _bits(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(2, size=shape).astype(float)


SHAPES = [(1, 4, 3), (5, 3, 3), (4, 2, 6)]  # rows, visible, hidden; a square one hides transposes

SIGN = "Le signe est inversé : une paire que les poids favorisent a une énergie basse."

energy = FunctionCheck(
    "Énergie d'un état (v, h) d'une machine de Boltzmann restreinte, un par ligne.",
    answer=rbm.energy,
    tries=lambda rng: [
        (_bits(rng, rows, d), _bits(rng, rows, u), *_machine(rng, d, u))
        for rows, d, u in [(3, 4, 3), (6, 5, 5), (5, 3, 6)]
    ],
    mistakes=[
        Mistake("sign", lambda v, h, w, a, b: -rbm.energy(v, h, w, a, b), SIGN),
        Mistake(
            "no-biases",
            lambda v, h, w, a, b: -((v @ w) * h).sum(-1),
            "Les deux biais sont oubliés.",
        ),
        Mistake(
            "no-hidden-bias",
            lambda v, h, w, a, b: -((v @ w) * h).sum(-1) - v @ a,
            "Le biais des unités cachées est oublié.",
        ),
        Mistake(
            "no-visible-bias",
            lambda v, h, w, a, b: -((v @ w) * h).sum(-1) - h @ b,
            "Le biais des unités visibles est oublié.",
        ),
        Mistake(
            "biases-added",
            lambda v, h, w, a, b: -((v @ w) * h).sum(-1) + v @ a + h @ b,
            "Les biais ont le même signe que les poids.",
        ),
        Mistake(
            "all-pairs",
            lambda v, h, w, a, b: -(v @ w @ h.T) - (v @ a)[:, None] - h @ b,
            "On demande une énergie par ligne, pas une par couple de lignes.",
        ),
        Mistake(
            "one-number",
            lambda v, h, w, a, b: rbm.energy(v, h, w, a, b).sum(),
            "On demande une énergie par ligne, pas leur somme.",
        ),
        Mistake(
            "mean", lambda v, h, w, a, b: rbm.energy(v, h, w, a, b).mean(), "Une énergie par ligne."
        ),
    ],
)


def _softmax(scores: np.ndarray) -> np.ndarray:
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


hidden_probabilities = FunctionCheck(
    "Probabilité que chaque unité cachée soit à 1, les visibles étant connues.",
    answer=rbm.hidden_probabilities,
    tries=lambda rng: [
        (_bits(rng, rows, d), rng.normal(size=(d, u)), rng.normal(size=u)) for rows, d, u in SHAPES
    ],
    mistakes=[
        Mistake(
            "scores",
            lambda v, w, b: v @ w + b,
            "Ce sont les scores : une probabilité est entre 0 et 1.",
        ),
        Mistake("no-bias", lambda v, w, b: rbm.sigmoid(v @ w), "Le biais est oublié."),
        Mistake("sign", lambda v, w, b: rbm.sigmoid(-(v @ w) - b), "Le signe est inversé."),
        Mistake(
            "bias-sign",
            lambda v, w, b: rbm.sigmoid(v @ w - b),
            "Le biais s'ajoute, il ne s'enlève pas.",
        ),
        Mistake(
            "softmax",
            lambda v, w, b: _softmax(v @ w + b),
            "Les unités sont indépendantes : chacune a sa sigmoïde, il n'y a pas de softmax.",
        ),
        Mistake(
            "rounded",
            lambda v, w, b: (v @ w + b > 0).astype(float),
            "On demande des probabilités, pas encore des 0 et des 1.",
        ),
        Mistake(
            "tanh",
            lambda v, w, b: np.tanh(v @ w + b),
            "Une tangente hyperbolique va de -1 à 1 : ce n'est pas une probabilité.",
        ),
    ],
)

visible_probabilities = FunctionCheck(
    "Probabilité que chaque unité visible soit à 1, les cachées étant connues.",
    answer=rbm.visible_probabilities,
    tries=lambda rng: [
        (_bits(rng, rows, u), rng.normal(size=(d, u)), rng.normal(size=d))
        for rows, d, u in [(5, 3, 3), (1, 4, 3), (4, 2, 6)]
    ],
    mistakes=[
        Mistake(
            "not-transposed",
            lambda h, w, a: rbm.sigmoid(h @ w + a),
            "Sur une machine carrée cela calcule, mais lit les poids dans le mauvais sens.",
        ),
        Mistake("scores", lambda h, w, a: h @ w.T + a, "Ce sont les scores, pas des probabilités."),
        Mistake("no-bias", lambda h, w, a: rbm.sigmoid(h @ w.T), "Le biais est oublié."),
        Mistake("sign", lambda h, w, a: rbm.sigmoid(-(h @ w.T) - a), "Le signe est inversé."),
        Mistake(
            "rounded",
            lambda h, w, a: (h @ w.T + a > 0).astype(float),
            "On demande des probabilités, pas encore des 0 et des 1.",
        ),
    ],
)


def _softplus(values: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, values)


def _overflowing(v, w, a, b):
    with np.errstate(over="ignore"):
        return -v @ a - np.log(1 + np.exp(v @ w + b)).sum(-1)


free_energy = FunctionCheck(
    "Énergie libre d'un état visible : moins le log de la somme sur tous les états cachés.",
    answer=rbm.free_energy,
    tries=lambda rng: [
        *[(_bits(rng, rows, d), *_machine(rng, d, u)) for rows, d, u in SHAPES],
        (np.ones((2, 3)), np.full((3, 2), 400.0), *_machine(rng, 3, 2)[1:]),  # exp overflows
    ],
    mistakes=[
        Mistake("sign", lambda v, w, a, b: -rbm.free_energy(v, w, a, b), "Le signe est inversé."),
        Mistake(
            "no-visible-bias",
            lambda v, w, a, b: -_softplus(v @ w + b).sum(-1),
            "Le biais des unités visibles est oublié.",
        ),
        Mistake(
            "no-hidden-bias",
            lambda v, w, a, b: -v @ a - _softplus(v @ w).sum(-1),
            "Le biais des unités cachées est oublié.",
        ),
        Mistake(
            "no-sum",
            lambda v, w, a, b: -(v @ a)[:, None] - _softplus(v @ w + b),
            "Les termes des unités cachées s'additionnent.",
        ),
        Mistake(
            "mean",
            lambda v, w, a, b: -v @ a - _softplus(v @ w + b).mean(-1),
            "Les termes des unités cachées s'additionnent : ce n'est pas leur moyenne.",
        ),
        Mistake(
            "hidden-added",
            lambda v, w, a, b: -v @ a + _softplus(v @ w + b).sum(-1),
            "Le terme des unités cachées se retranche, comme celui des visibles.",
        ),
        Mistake(
            "one",
            lambda v, w, a, b: -v @ a - np.logaddexp(1, v @ w + b).sum(-1),
            "np.logaddexp(1, x) calcule log(e + exp(x)) : 1 est l'exponentielle de quel nombre ?",
        ),
        Mistake(
            "expected-energy",
            lambda v, w, a, b: rbm.energy(v, rbm.sigmoid(v @ w + b), w, a, b),
            "C'est l'énergie pour des unités cachées moyennes : il faut la somme sur tous leurs "
            "états.",
        ),
        Mistake(
            "overflow",
            _overflowing,
            "L'exponentielle d'un grand nombre est infinie, et le logarithme n'y revient pas : "
            "np.logaddexp calcule les deux ensemble.",
        ),
    ],
    tolerance=1e-3,
)


def _gibbs_tries(rng: np.random.Generator) -> list[tuple]:
    return [
        (_bits(rng, rows, d), *_machine(rng, d, u), rng.random((rows, u)), rng.random((rows, d)))
        for rows, d, u in [(20, 4, 3), (30, 4, 4), (25, 3, 6)]
    ]


def _gibbs(v, w, a, b, hidden, draws_v):
    return (draws_v < rbm.visible_probabilities(hidden, w, a)).astype(float)


gibbs_step = FunctionCheck(
    "Un pas de Gibbs : tirer les unités cachées, puis de nouvelles unités visibles.",
    answer=rbm.gibbs_step,
    tries=_gibbs_tries,
    mistakes=[
        Mistake(
            "probabilities",
            lambda v, w, a, b, uh, uv: rbm.visible_probabilities(
                (uh < rbm.hidden_probabilities(v, w, b)).astype(float), w, a
            ),
            "Ce sont les probabilités : comparez-les aux nombres tirés pour avoir des 0 et des 1.",
        ),
        Mistake(
            "hidden-not-drawn",
            lambda v, w, a, b, uh, uv: _gibbs(v, w, a, b, rbm.hidden_probabilities(v, w, b), uv),
            "Les unités cachées se tirent aussi : ce sont des 0 et des 1, pas des probabilités.",
        ),
        Mistake(
            "inverted",
            lambda v, w, a, b, uh, uv: (
                1 - _gibbs(v, w, a, b, (uh >= rbm.hidden_probabilities(v, w, b)).astype(float), uv)
            ),
            "La comparaison est à l'envers : une unité de probabilité 0,9 est à 1 quand le nombre "
            "tiré est plus petit que 0,9.",
        ),
        Mistake(
            "hidden-inverted",
            lambda v, w, a, b, uh, uv: _gibbs(
                v, w, a, b, (uh >= rbm.hidden_probabilities(v, w, b)).astype(float), uv
            ),
            "Pour les unités cachées, la comparaison est à l'envers.",
        ),
        Mistake(
            "visible-inverted",
            lambda v, w, a, b, uh, uv: 1 - rbm.gibbs_step(v, w, a, b, uh, uv),
            "Pour les unités visibles, la comparaison est à l'envers.",
        ),
        Mistake(
            "hidden-result",
            lambda v, w, a, b, uh, uv: (uh < rbm.hidden_probabilities(v, w, b)).astype(float),
            "Ce sont les unités cachées : on demande les nouvelles unités visibles.",
        ),
        Mistake(
            "rounded",
            lambda v, w, a, b, uh, uv: (
                rbm.visible_probabilities(
                    (rbm.hidden_probabilities(v, w, b) > 0.5).astype(float), w, a
                )
                > 0.5
            ).astype(float),
            "Les nombres tirés ne servent pas : chaque unité prend sa valeur la plus probable.",
        ),
        Mistake(
            "no-biases",
            lambda v, w, a, b, uh, uv: rbm.gibbs_step(v, w, 0 * a, 0 * b, uh, uv),
            "Les biais sont oubliés.",
        ),
        Mistake(
            "scores",
            lambda v, w, a, b, uh, uv: (uv < (uh < v @ w + b) @ w.T + a).astype(float),
            "Les nombres tirés sont comparés aux scores : il manque la sigmoïde, qui en fait des "
            "probabilités.",
        ),
    ],
)


def _contrast_tries(rng: np.random.Generator) -> list[tuple]:
    return [
        (_bits(rng, rows, d), _bits(rng, other, d), rng.normal(size=(d, u)), rng.normal(size=u))
        for rows, other, d, u in [(6, 6, 4, 3), (5, 5, 4, 4), (8, 3, 2, 5)]
    ]


def _part(v: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    return v.T @ rbm.hidden_probabilities(v, w, b) / len(v)


contrast = FunctionCheck(
    "Ce que la divergence contrastive ajoute aux poids, en moyenne sur le lot.",
    answer=rbm.contrast,
    tries=_contrast_tries,
    mistakes=[
        Mistake(
            "sign",
            lambda v, s, w, b: -rbm.contrast(v, s, w, b),
            "Le signe est inversé : on monte vers les données, on descend des échantillons.",
        ),
        Mistake(
            "no-negative",
            lambda v, s, w, b: _part(v, w, b),
            "Il manque la phase négative, celle des échantillons : les poids grandiraient.",
        ),
        Mistake(
            "negative-only", lambda v, s, w, b: -_part(s, w, b), "Il manque la phase des données."
        ),
        Mistake(
            "no-mean",
            lambda v, s, w, b: (
                v.T @ rbm.hidden_probabilities(v, w, b) - s.T @ rbm.hidden_probabilities(s, w, b)
            ),
            "C'est la somme sur le lot : il en faut la moyenne.",
        ),
        Mistake(
            "one-count",
            lambda v, s, w, b: (
                (v.T @ rbm.hidden_probabilities(v, w, b) - s.T @ rbm.hidden_probabilities(s, w, b))
                / len(v)
            ),
            "Les deux lots peuvent ne pas avoir la même taille : à chacun sa moyenne.",
        ),
        Mistake(
            "transposed",
            lambda v, s, w, b: rbm.contrast(v, s, w, b).T,
            "Les poids ont une ligne par unité visible et une colonne par unité cachée.",
        ),
        Mistake(
            "no-bias",
            lambda v, s, w, b: rbm.contrast(v, s, w, 0 * b),
            "Le biais des unités cachées est oublié dans leurs probabilités.",
        ),
        Mistake(
            "scores",
            lambda v, s, w, b: v.T @ (v @ w + b) / len(v) - s.T @ (s @ w + b) / len(s),
            "Ce sont les scores des unités cachées : il faut leurs probabilités.",
        ),
        Mistake(
            "added",
            lambda v, s, w, b: _part(v, w, b) + _part(s, w, b),
            "Les deux phases s'ajoutent : celle des échantillons se retranche.",
        ),
    ],
)


def _stack_tries(rng: np.random.Generator) -> list[tuple]:
    found = []
    for sizes in [(4, 3), (3, 3, 3), (5, 4, 3), (6, 2, 4, 5)]:  # equal sizes hide an order
        pairs = pairwise(sizes)
        machines = [[rng.normal(size=(d, u)), rng.normal(size=u)] for d, u in pairs]
        found.append((_bits(rng, 3, sizes[0]), machines))
    return found


stack = FunctionCheck(
    "Faire monter des images à travers des machines empilées.",
    answer=rbm.climb,
    tries=_stack_tries,
    mistakes=[
        Mistake(
            "first-only",
            lambda v, machines: rbm.hidden_probabilities(v, *machines[0]),
            "Seule la première machine sert : la suivante lit ce que celle-ci donne.",
        ),
        Mistake(
            "not-updated",
            lambda v, machines: rbm.hidden_probabilities(v, *machines[-1]),
            "Chaque machine relit les images : elle doit lire ce que donne la précédente.",
        ),
        Mistake(
            "first-forgotten",
            lambda v, machines: rbm.climb(v, machines[1:]),
            "La première machine est sautée : c'est elle qui lit les images.",
        ),
        Mistake(
            "last-forgotten",
            lambda v, machines: rbm.climb(v, machines[:-1]),
            "La dernière machine est oubliée : c'est ce qu'elle donne que l'on demande.",
        ),
        Mistake(
            "no-bias",
            lambda v, machines: rbm.climb(v, [(w, 0 * b) for w, b in machines]),
            "Les biais sont oubliés.",
        ),
        Mistake(
            "backwards",
            lambda v, machines: rbm.climb(v, machines[::-1]),
            "Les machines sont lues de la dernière à la première.",
        ),
        Mistake(
            "rounded",
            lambda v, machines: (rbm.climb(v, machines) > 0.5).astype(float),
            "On monte avec les probabilités, sans les arrondir.",
        ),
        Mistake(
            "scores",
            lambda v, machines: _scores(v, machines),
            "Il manque la sigmoïde : sans elle, deux machines de suite n'en valent qu'une.",
        ),
    ],
)


def _scores(visible: np.ndarray, machines: list) -> np.ndarray:
    for weights, b in machines:
        visible = visible @ weights + b
    return visible
