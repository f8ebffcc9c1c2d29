"""ZCA whitening (question 21)."""

import numpy as np
import torch
from torch import Tensor

from tp_cnn.checks.ameliorations.tensors import normal
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake

MANY = 200  # train images: dividing by n or by n - 1 is then the same


def _whiten(train: Tensor, images: Tensor, epsilon: float, covariance: Tensor | None = None):
    axes, scales = _axes(torch.cov(train.T) if covariance is None else covariance, epsilon)
    return (images - train.mean(0)) @ (axes * scales) @ axes.T


def _axes(covariance: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    return vectors, (eigenvalues.clamp_min(0) + epsilon).rsqrt()


def _not_back(train: Tensor, images: Tensor, epsilon: float) -> Tensor:
    axes, scales = _axes(torch.cov(train.T), epsilon)
    return (images - train.mean(0)) @ axes * scales


def _not_centred(train: Tensor, images: Tensor, epsilon: float) -> Tensor:
    axes, scales = _axes(torch.cov(train.T), epsilon)
    return images @ (axes * scales) @ axes.T


def _no_root(train: Tensor, images: Tensor, epsilon: float) -> Tensor:
    axes, scales = _axes(torch.cov(train.T), epsilon)
    return (images - train.mean(0)) @ (axes * scales**2) @ axes.T


def _epsilon_outside(train: Tensor, images: Tensor, epsilon: float) -> Tensor:
    axes, scales = _axes(torch.cov(train.T), 0.0)
    return (images - train.mean(0)) @ (axes / (1 / scales + epsilon)) @ axes.T


def _by_value(train: Tensor, images: Tensor, epsilon: float) -> Tensor:
    return (images - train.mean(0)) / (train.var(0) + epsilon).sqrt()


def _transposed(train: Tensor, images: Tensor, epsilon: float) -> Tensor:
    axes, scales = _axes(torch.cov(train.T), epsilon)
    return (images - train.mean(0)) @ axes.T @ torch.diag(scales) @ axes


def _drawn(rng: np.random.Generator, epsilon: float) -> tuple[Tensor, Tensor, float]:
    """Values that look alike, around a mean that is not 0; other images, of another mean."""
    rotation = torch.linalg.qr(normal(rng, 5, 5)).Q
    deviations = torch.tensor([1.5, 1.1, 0.8, 0.5, 0.3])
    train = normal(rng, MANY, 5) * deviations @ rotation + normal(rng, 5)
    return train, 0.5 * normal(rng, 4, 5) + train.mean(0) + 0.3, epsilon


def _small() -> tuple[Tensor, Tensor, float]:
    """Two values that are equal or opposite: the axes are the two diagonals."""
    corners = torch.tensor([[2.0, 2], [-2, -2], [0.5, -0.5], [-0.5, 0.5]])
    return corners.repeat(MANY // 4, 1) + 1, torch.tensor([[2.0, 1], [1, 1], [3, 3]]), 0.5


whiten = FunctionCheck(
    "Images (N, valeurs) blanchies par ZCA, d'après des images d'apprentissage (question 21).",
    answer=lambda train, images, epsilon: _whiten(train, images, epsilon),
    tolerance=2e-2,  # dividing by n or by n - 1 is the same
    tries=lambda rng: [_small(), _drawn(rng, 0.1), _drawn(rng, 0.3)],
    mistakes=[
        Mistake(
            "not-back",
            _not_back,
            "Les valeurs sont restées dans le repère des vecteurs propres : il manque le retour "
            "par E. Sans lui, c'est un blanchiment PCA, et l'image n'est plus reconnaissable.",
        ),
        Mistake(
            "no-epsilon",
            lambda train, images, epsilon: _whiten(train, images, 0.0),
            "epsilon ne sert pas : une direction presque plate serait divisée par presque zéro, et "
            "son bruit amplifié sans limite.",
        ),
        Mistake(
            "from-images",
            lambda train, images, epsilon: _whiten(images, images, epsilon),
            "La moyenne et la covariance viennent des images à blanchir : seules celles "
            "d'apprentissage décident.",
        ),
        Mistake(
            "pooled",
            lambda train, images, epsilon: _whiten(torch.cat([train, images]), images, epsilon),
            "Les images à blanchir entrent dans la moyenne et la covariance : seules celles "
            "d'apprentissage décident.",
        ),
        Mistake(
            "own-mean",
            lambda train, images, epsilon: _whiten(
                train - train.mean(0) + images.mean(0), images, epsilon
            ),
            "La moyenne retirée est celle des images à blanchir : c'est celle de l'apprentissage "
            "qui convient.",
        ),
        Mistake(
            "own-covariance",
            lambda train, images, epsilon: _whiten(train, images, epsilon, torch.cov(images.T)),
            "La covariance est celle des images à blanchir : c'est celle de l'apprentissage qui "
            "convient.",
        ),
        Mistake(
            "centred-only",
            lambda train, images, epsilon: images - train.mean(0),
            "La moyenne est retirée, mais rien n'est encore divisé : que fait-on de chaque valeur "
            "propre ?",
        ),
        Mistake("not-centred", _not_centred, "La moyenne n'est pas retirée."),
        Mistake(
            "no-root",
            _no_root,
            "La racine carrée manque : une valeur propre est une variance, et l'on divise par un "
            "écart-type.",
        ),
        Mistake(
            "epsilon-outside",
            _epsilon_outside,
            "epsilon s'ajoute à la valeur propre, sous la racine.",
        ),
        Mistake(
            "by-value",
            _by_value,
            "Chaque valeur est divisée par son propre écart-type : leurs corrélations restent.",
        ),
        Mistake(
            "transposed",
            _transposed,
            "E et sa transposée sont échangées : les vecteurs propres sont les colonnes de E.",
        ),
        Mistake(
            "not-divided",
            lambda train, images, epsilon: _whiten(
                train, images, epsilon, (train - train.mean(0)).T @ (train - train.mean(0))
            ),
            "La covariance est une moyenne : la somme n'est pas divisée par le nombre d'images.",
        ),
    ],
)
