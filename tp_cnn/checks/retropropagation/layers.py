"""Max-pooling and convolution, backwards; the first weights (003, part 2)."""

import numpy as np
import torch
from torch.nn import functional

from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake

OVERWRITTEN = (
    "Chaque part efface les précédentes : un pixel a servi à plusieurs positions, leurs parts "
    "s'ajoutent (+=)."
)
TRANSPOSED = "Lignes et colonnes du filtre sont échangées : a suit les lignes, b les colonnes."


def _spread(maps, gradient, size, share) -> np.ndarray:
    """The gradient of each window, where ``share`` of its pixels, (..., size, size), says."""
    rows, columns = gradient.shape[2:]
    passed = np.zeros(maps.shape)
    for i, j in np.ndindex(rows, columns):
        place = np.s_[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size]
        passed[place] = share(maps[place]) * gradient[:, :, i, j, None, None]
    return passed


def _first(window) -> np.ndarray:
    flat = window.reshape(*window.shape[:2], -1)
    return (np.arange(flat.shape[2]) == flat.argmax(2)[..., None]).reshape(window.shape)


def _last(window) -> np.ndarray:
    return _first(window[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]


def _largest(window) -> np.ndarray:
    return window == window.max((2, 3), keepdims=True)


def _shared(window) -> np.ndarray:
    return _largest(window) / _largest(window).sum((2, 3), keepdims=True)


def _pooled_maps(rng, shape, size, ties=False) -> tuple:
    maps = rng.integers(0, 3, shape).astype(float) if ties else rng.normal(size=shape)
    sizes = shape[0], shape[1], shape[2] // size, shape[3] // size
    return maps, rng.normal(size=sizes), size


gradient_by_maps = FunctionCheck(
    "Dérivées du coût par les pixels (n, c, h, l), à travers un max-pooling sans chevauchement.",
    answer=lambda maps, gradient, size: _spread(maps, gradient, size, _first),
    tries=lambda rng: [
        (np.arange(1.0, 17).reshape(1, 1, 4, 4), np.array([[[[1.0, 2], [3, 4]]]]), 2),
        _pooled_maps(rng, (2, 3, 4, 6), 2),
        _pooled_maps(rng, (2, 2, 7, 6), 3),
        (np.zeros((1, 1, 2, 4)), np.array([[[[1.0, 2]]]]), 2),
        _pooled_maps(rng, (2, 2, 5, 4), 2, ties=True),
    ],
    mistakes=[
        Mistake(
            "everywhere",
            lambda maps, gradient, size: _spread(maps, gradient, size, np.ones_like),
            "Chaque pixel de la fenêtre reçoit le gradient : seul le pixel choisi a compté.",
        ),
        Mistake(
            "average",
            lambda maps, gradient, size: _spread(
                maps, gradient, size, lambda window: np.ones_like(window) / size**2
            ),
            "C'est la dérivée d'une moyenne : seul le pixel choisi a compté.",
        ),
        Mistake(
            "all-ties",
            lambda maps, gradient, size: _spread(maps, gradient, size, _largest),
            "À égalité, tous les plus grands reçoivent le gradient entier : un seul a été choisi, "
            "le premier.",
        ),
        Mistake(
            "shared",
            lambda maps, gradient, size: _spread(maps, gradient, size, _shared),
            "À égalité, le gradient est partagé : un seul pixel a été choisi, le premier.",
        ),
        Mistake(
            "last-tie",
            lambda maps, gradient, size: _spread(maps, gradient, size, _last),
            "À égalité, c'est le dernier qui reçoit : on convient du premier, comme PyTorch.",
        ),
        Mistake(
            "times-maximum",
            lambda maps, gradient, size: _spread(
                maps, gradient, size, lambda window: _first(window) * window
            ),
            "Le gradient est multiplié par le pixel choisi : il doit passer sans changer.",
        ),
        Mistake(
            "corner",
            lambda maps, gradient, size: _spread(
                maps, gradient, size, lambda window: _first(np.zeros_like(window))
            ),
            "C'est toujours le coin de la fenêtre qui reçoit : cherchez où est le maximum.",
        ),
        Mistake(
            "smallest",
            lambda maps, gradient, size: _spread(
                maps, gradient, size, lambda window: _first(-window)
            ),
            "C'est le plus petit pixel de chaque fenêtre qui reçoit le gradient.",
        ),
    ],
)


def _correlate(images, kernels) -> np.ndarray:
    """(n, c, h, w), (f, c, k, k) -> (n, f, h', w')."""
    pair = (torch.tensor(np.ascontiguousarray(one)) for one in (images, kernels))
    return functional.conv2d(*pair).numpy()


def _by_weights(images, gradient) -> np.ndarray:
    return _correlate(images.swapaxes(0, 1), gradient.swapaxes(0, 1)).swapaxes(0, 1)


def _weighed(rng, count, channels, filters, height, width, kernel) -> tuple:
    sizes = count, filters, height - kernel + 1, width - kernel + 1
    return rng.normal(size=(count, channels, height, width)), rng.normal(size=sizes)


def _at_one_place(images, gradient) -> np.ndarray:
    only = np.zeros_like(gradient)
    only[:, :, 0, 0] = gradient[:, :, 0, 0]
    return _by_weights(images, only)


gradient_by_weights = FunctionCheck(
    "Dérivées du coût par les poids (f, c, k, k) d'une convolution, d'après ses images et le "
    "gradient reçu.",
    answer=lambda images, gradient: _by_weights(images, gradient),
    tries=lambda rng: [
        (np.arange(1.0, 10).reshape(1, 1, 3, 3), np.array([[[[1.0, 0], [0, 2]]]])),
        _weighed(rng, 2, 3, 4, 5, 6, 3),
        _weighed(rng, 3, 2, 2, 6, 5, 2),
    ],
    mistakes=[
        Mistake(
            "mirror",
            lambda images, gradient: _by_weights(images, gradient)[..., ::-1, ::-1],
            "Le résultat est retourné : le poids (a, b) a rencontré les pixels (i + a, j + b).",
        ),
        Mistake(
            "transposed",
            lambda images, gradient: _by_weights(images, gradient).swapaxes(2, 3),
            TRANSPOSED,
        ),
        Mistake(
            "one-place",
            _at_one_place,
            "Une seule position compte : un poids reçoit une contribution de chacune.",
        ),
        Mistake(
            "mean",
            lambda images, gradient: _by_weights(images, gradient) / len(images),
            "La moyenne sur le lot est déjà prise, par le coût : ici, on additionne.",
        ),
        Mistake(
            "mean-of-places",
            lambda images, gradient: _by_weights(images, gradient) / gradient[0, 0].size,
            "C'est la moyenne sur les positions : leurs contributions s'additionnent.",
        ),
        Mistake(
            "first-image",
            lambda images, gradient: _by_weights(images[:1], gradient[:1]),
            "Seule la première image du lot compte.",
        ),
        Mistake(
            "last-image",
            lambda images, gradient: _by_weights(images[-1:], gradient[-1:]),
            "Seule la dernière image du lot compte : les contributions s'ajoutent (+=).",
        ),
        Mistake(
            "channels-first",
            lambda images, gradient: _by_weights(images, gradient).swapaxes(0, 1),
            "Les filtres viennent avant les canaux : la forme est (f, c, k, k).",
        ),
        Mistake(
            "all-channels",
            lambda images, gradient: _by_weights(
                np.broadcast_to(images.sum(1, keepdims=True), images.shape), gradient
            ),
            "Les canaux sont additionnés : chaque tranche du filtre a vu le sien.",
        ),
    ],
)

gradient_by_bias = FunctionCheck(
    "Dérivées du coût par les biais (f) d'une convolution, d'après le gradient reçu (n, f, h, l).",
    answer=lambda gradient: np.einsum("nfij->f", gradient),
    tries=lambda rng: [
        (np.array([[[[1.0, 2], [3, 4]]]]),),
        (rng.normal(size=(3, 4, 2, 5)),),
        (rng.normal(size=(3, 3, 3, 3)),),
    ],
    mistakes=[
        Mistake(
            "not-summed",
            lambda gradient: gradient,
            "Un biais sert partout : additionnez ce que chaque position en dit.",
        ),
        Mistake(
            "by-place",
            lambda gradient: gradient.sum(0),
            "Il reste une valeur par position : un biais sert à toutes.",
        ),
        Mistake(
            "by-image",
            lambda gradient: gradient.sum((2, 3)),
            "Il reste une valeur par image : un biais sert à tout le lot.",
        ),
        Mistake(
            "all",
            lambda gradient: gradient.sum(),
            "Les filtres sont mélangés : chacun a son biais.",
        ),
        Mistake(
            "mean",
            lambda gradient: gradient.sum((0, 2, 3)) / len(gradient),
            "La moyenne sur le lot est déjà prise, par le coût : ici, on additionne.",
        ),
        Mistake(
            "mean-of-all",
            lambda gradient: gradient.mean((0, 2, 3)),
            "C'est une moyenne : les contributions d'un biais s'additionnent.",
        ),
        Mistake(
            "wrong-axis",
            lambda gradient: gradient.sum((1, 2, 3)),
            "L'axe gardé est celui des images : celui des filtres est le deuxième.",
        ),
    ],
)


def _by_images(weights, gradient) -> np.ndarray:
    edge = weights.shape[2] - 1
    framed = np.pad(gradient, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    return _correlate(framed, weights.swapaxes(0, 1)[..., ::-1, ::-1])


def _unmirrored(weights, gradient) -> np.ndarray:
    return _by_images(weights[..., ::-1, ::-1], gradient)


def _overwritten(weights, gradient, by_position: bool) -> np.ndarray:
    """Each share overwrites what the others wrote: the last one stays."""
    kernel, (rows, columns) = weights.shape[2], gradient.shape[2:]
    out = np.zeros((len(gradient), weights.shape[1], rows + kernel - 1, columns + kernel - 1))
    if by_position:
        for i, j in np.ndindex(rows, columns):
            window = np.tensordot(gradient[:, :, i, j], weights, axes=1)
            out[:, :, i : i + kernel, j : j + kernel] = window
    else:
        for a, b in np.ndindex(kernel, kernel):
            share = np.einsum("nfij,fc->ncij", gradient, weights[:, :, a, b])
            out[:, :, a : a + rows, b : b + columns] = share
    return out


def _filtered(rng, count, channels, filters, rows, columns, kernel) -> tuple:
    weights = rng.normal(size=(filters, channels, kernel, kernel))
    return weights, rng.normal(size=(count, filters, rows, columns))


gradient_by_images = FunctionCheck(
    "Dérivées du coût par les pixels reçus par une convolution (n, c, h, l), d'après ses poids et "
    "le gradient reçu.",
    answer=lambda weights, gradient: _by_images(weights, gradient),
    tries=lambda rng: [
        (np.array([[[[1.0, 2], [3, 4]]]]), np.array([[[[1.0, 0], [0, 10]]]])),
        _filtered(rng, 2, 3, 4, 3, 4, 3),
        _filtered(rng, 3, 2, 2, 5, 3, 2),
    ],
    mistakes=[
        Mistake(
            "mirror",
            _unmirrored,
            "Le filtre est du mauvais côté : le pixel (i + a, j + b) a rencontré le poids (a, b). "
            "Vue comme une corrélation, cette formule demande un miroir.",
        ),
        Mistake(
            "overwritten",
            lambda weights, gradient: _overwritten(weights, gradient, by_position=True),
            OVERWRITTEN,
        ),
        Mistake(
            "overwritten-by-weight",
            lambda weights, gradient: _overwritten(weights, gradient, by_position=False),
            OVERWRITTEN,
        ),
        Mistake(
            "transposed",
            lambda weights, gradient: _by_images(weights.swapaxes(2, 3), gradient),
            TRANSPOSED,
        ),
        Mistake(
            "negative",
            lambda weights, gradient: -_by_images(weights, gradient),
            "Le signe est faux : les parts s'ajoutent, c'est step qui les retirera.",
        ),
        Mistake(
            "first-filter",
            lambda weights, gradient: _by_images(weights[:1], gradient[:, :1]),
            "Seul le premier filtre compte : tous ont vu ces pixels.",
        ),
        Mistake(
            "mean",
            lambda weights, gradient: _by_images(weights, gradient) / len(gradient),
            "La moyenne sur le lot est déjà prise, par le coût : chaque image a son gradient.",
        ),
        Mistake(
            "all-images",
            lambda weights, gradient: _by_images(
                weights, np.broadcast_to(gradient.sum(0), gradient.shape)
            ),
            "Les images du lot sont mélangées : chacune a son gradient.",
        ),
        Mistake(
            "all-channels",
            lambda weights, gradient: _by_images(
                np.broadcast_to(weights.sum(1, keepdims=True), weights.shape), gradient
            ),
            "Les canaux sont mélangés : chaque canal a sa tranche de filtre.",
        ),
        Mistake(
            "cropped",
            lambda weights, gradient: (
                _correlate(gradient, weights.swapaxes(0, 1)[..., ::-1, ::-1])
                if min(gradient.shape[2:]) >= weights.shape[2]
                else np.zeros((len(gradient), weights.shape[1], 0, 0))
            ),
            "Le résultat a la taille de l'image, plus grande que celle du gradient reçu.",
        ),
    ],
)


def _scaled(draws, dim) -> np.ndarray:
    return np.sqrt(2 / dim) * draws


initialise = FunctionCheck(
    "Poids initiaux par l'heuristique du document 003, d'après des tirages normaux (unités, ...).",
    answer=lambda draws: _scaled(draws, np.prod(draws.shape[1:])),
    tries=lambda rng: [
        (np.array([[1.0, -1], [2, 0], [3, 1]]),),
        (rng.normal(size=(4, 3)),),
        (rng.normal(size=(4, 3, 5, 5)),),
        (rng.normal(size=(2, 3, 2, 2)),),
    ],
    formulas=[
        Formula(
            "(2 / dim) ** 0.5 * draws",
            {"0.5": "la racine", "dim": "le nombre de poids d'une unité"},
            lambda draws: {"dim": draws[0].size, "draws": draws},
        )
    ],
    mistakes=[
        Mistake(
            "all-weights",
            lambda draws: _scaled(draws, draws.size),
            "dim est le nombre de poids d'une seule unité, et non de toute la couche.",
        ),
        Mistake(
            "units",
            lambda draws: _scaled(draws, len(draws)),
            "dim compte les poids d'une unité : le premier axe est celui des unités.",
        ),
        Mistake(
            "depth-forgotten",
            lambda draws: _scaled(draws, draws.shape[-1] ** 2 if draws.ndim > 2 else len(draws[0])),
            "La profondeur du filtre compte aussi : c'est c × k × k poids.",
        ),
        Mistake(
            "channels-only",
            lambda draws: _scaled(draws, draws.shape[1]),
            "Pour un filtre, la hauteur et la largeur comptent aussi.",
        ),
        Mistake(
            "no-root",
            lambda draws: 2 / np.prod(draws.shape[1:]) * draws,
            "La racine carrée manque : 2 / dim est une variance.",
        ),
        Mistake(
            "no-two",
            lambda draws: _scaled(draws, 2 * np.prod(draws.shape[1:])),
            "Le 2 manque : il compense la moitié des valeurs que ReLU annule.",
        ),
        Mistake(
            "divided",
            lambda draws: draws / np.sqrt(2 / np.prod(draws.shape[1:])),
            "On multiplie par la racine : plus une unité a de poids, plus ils sont petits.",
        ),
        Mistake(
            "kept",
            lambda draws: draws,
            "Les tirages sont rendus tels quels : il faut les réduire.",
        ),
    ],
)
