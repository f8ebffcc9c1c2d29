"""Augmentation: random crop and flip in train, centred crop in test (question 22)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from tp_cnn.checks.ameliorations.windows import (
    augmentation_facts,
    coordinates,
    crop_facts,
    flip_facts,
)
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import Mistake
from tp_cnn.checks.engine.random_functions import RandomCheck
from tp_cnn.checks.engine.tables import TableCheck


def _drawn(count: int, largest: int) -> Tensor:
    return torch.randint(largest + 1, (count,))


def _cut(images: Tensor, top: Tensor, left: Tensor, size: int) -> Tensor:
    rows = (top[:, None] + torch.arange(size))[:, None, :, None]
    columns = (left[:, None] + torch.arange(size))[:, None, None, :]
    ranks, channels = torch.arange(len(images)), torch.arange(images.shape[1])
    return images[ranks[:, None, None, None], channels[None, :, None, None], rows, columns]


def _crop(images: Tensor, size: int, shorter: int = 0) -> Tensor:
    height, width = images.shape[2:]
    top = _drawn(len(images), height - size - shorter)
    return _cut(images, top, _drawn(len(images), width - size - shorter), size)


def _crop_batch(images: Tensor, size: int) -> Tensor:
    top, left = (int(_drawn(1, side - size)) for side in images.shape[2:])
    return images[:, :, top : top + size, left : left + size]


def _crop_centre(images: Tensor, size: int) -> Tensor:
    top, left = ((side - size) // 2 for side in images.shape[2:])
    return images[:, :, top : top + size, left : left + size]


def _crop_diagonal(images: Tensor, size: int) -> Tensor:
    places = _drawn(len(images), min(images.shape[2:]) - size)
    return _cut(images, places, places, size)


def _crop_corners(images: Tensor, size: int) -> Tensor:
    top, left = (_drawn(len(images), 1) * (side - size) for side in images.shape[2:])
    return _cut(images, top, left, size)


def _crop_by_two(images: Tensor, size: int) -> Tensor:
    drawn = (_drawn(len(images) // 2, side - size) for side in images.shape[2:])
    return _cut(images, *(one.repeat_interleave(2) for one in drawn), size)


def _crop_resized(images: Tensor, size: int) -> Tensor:
    return functional.interpolate(images.float(), (size, size))


random_crop = RandomCheck(
    "Une fenêtre de size × size pixels, tirée au hasard pour chaque image (question 22).",
    answer=lambda images, size: _crop(images, size),
    tries=lambda rng: [(coordinates(rng, 16, 32, 32), 28), (coordinates(rng, 16, 20, 26), 16)],
    read=crop_facts,
    mistakes=[
        Mistake(
            "same-for-batch",
            _crop_batch,
            "Un tirage sert pour tout le lot : il en faut un par image.",
        ),
        Mistake("centred", _crop_centre, "Rien n'est tiré au hasard : où placer la fenêtre ?"),
        Mistake(
            "short-range",
            lambda images, size: _crop(images, size, shorter=1),
            "Il manque la dernière place possible : combien de fenêtres tiennent dans une ligne ? "
            "torch.randint ne tire jamais sa borne haute.",
        ),
        Mistake(
            "corners",
            _crop_corners,
            "La fenêtre ne va qu'aux extrémités : toutes les places entre elles sont possibles.",
        ),
        Mistake(
            "by-two",
            _crop_by_two,
            "Un tirage sert pour plusieurs images : il en faut un par image.",
        ),
        Mistake(
            "diagonal",
            _crop_diagonal,
            "Le même tirage sert pour la ligne et la colonne : il en faut deux.",
        ),
        Mistake(
            "resized",
            _crop_resized,
            "Un crop découpe sans rien déformer : chaque pixel garde sa valeur et ses voisins.",
        ),
        Mistake(
            "full-size",
            lambda images, size: images,
            "Les images gardent leur taille : il faut en découper un morceau.",
        ),
    ],
)


def _where(mirrored: Tensor, images: Tensor, axes: tuple[int, ...] = (3,)) -> Tensor:
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(axes), images)


def _coins(count: int, share: float = 0.5) -> Tensor:
    return torch.rand(count) < share


random_flip = RandomCheck(
    "Chaque image en miroir, gauche et droite échangées, une fois sur deux (question 22).",
    answer=lambda images: _where(_coins(len(images)), images),
    tries=lambda rng: [(coordinates(rng, 40, 12, 14),)],
    read=flip_facts,
    mistakes=[
        Mistake(
            "vertical",
            lambda images: _where(_coins(len(images)), images, (2,)),
            "L'axe 2 est la hauteur : c'est la gauche et la droite qu'il faut échanger.",
        ),
        Mistake(
            "channels",
            lambda images: _where(_coins(len(images)), images, (1,)),
            "L'axe 1 est celui des canaux : c'est la gauche et la droite qu'il faut échanger.",
        ),
        Mistake(
            "whole-batch",
            lambda images: _where(_coins(1).expand(len(images)), images),
            "Un seul tirage décide pour tout le lot : il en faut un par image.",
        ),
        Mistake(
            "by-two",
            lambda images: _where(_coins(len(images) // 2).repeat_interleave(2), images),
            "Un tirage sert pour plusieurs images : il en faut un par image.",
        ),
        Mistake(
            "always",
            lambda images: images.flip(3),
            "Il manque le hasard : une image sur deux doit rester telle quelle.",
        ),
        Mistake(
            "never",
            lambda images: images,
            "Les images n'ont pas changé : .flip(3) renvoie de nouvelles images, les anciennes "
            "restent.",
        ),
        Mistake(
            "alternate",
            lambda images: _where(torch.arange(len(images)) % 2 == 0, images),
            "Le choix ne dépend que du rang de l'image : il doit être tiré à chaque appel.",
        ),
        Mistake(
            "rare",
            lambda images: _where(_coins(len(images), 0.1), images),
            "C'est trop peu : l'énoncé demande une chance sur deux.",
        ),
        Mistake(
            "exact-half",
            lambda images: _where(torch.randperm(len(images)) < len(images) // 2, images),
            "Exactement la moitié du lot est en miroir : chaque image doit avoir son propre "
            "tirage, sans compter les autres.",
        ),
    ],
)


def _augment(images: Tensor, training: bool) -> Tensor:
    if not training:
        return _crop_centre(images, 28)
    return _where(_coins(len(images)), _crop(images, 28))


def _in_training(change: Callable) -> Callable:
    return lambda images, training: change(images) if training else _augment(images, False)


def _in_test(change: Callable) -> Callable:
    return lambda images, training: _augment(images, True) if training else change(images)


augment = RandomCheck(
    "Ce que le réseau reçoit, en apprentissage puis en test (question 22).",
    answer=_augment,
    tries=lambda rng: [
        (coordinates(rng, 16, 32, 32), False),
        (coordinates(rng, 16, 32, 32), True),
    ],
    read=augmentation_facts,
    mistakes=[
        Mistake(
            "random-at-test",
            lambda images, training: _crop(images, 28),
            "En test, le crop est encore aléatoire : la même image aurait un résultat différent à "
            "chaque fois.",
        ),
        Mistake(
            "corner-at-test",
            _in_test(lambda images: images[:, :, :28, :28]),
            "En test, la fenêtre est dans un coin : retirez autant de pixels de chaque côté.",
        ),
        Mistake(
            "whole-at-test",
            _in_test(lambda images: images),
            "En test, les images ne sont pas découpées : le réseau doit voir la même taille.",
        ),
        Mistake(
            "flip-at-test",
            _in_test(lambda images: _where(_coins(len(images)), _crop_centre(images, 28))),
            "En test, rien ne doit être tiré au hasard, pas même le miroir.",
        ),
        Mistake(
            "resized-at-test",
            _in_test(lambda images: _crop_resized(images, 28)),
            "En test, les images sont réduites : les objets n'y ont plus la taille apprise.",
        ),
        Mistake(
            "divided",
            lambda images, training: _augment(images, training) / 255,
            "augment ne fait que découper et retourner : les valeurs des pixels restent.",
        ),
        Mistake(
            "no-flip",
            _in_training(lambda images: _crop(images, 28)),
            "En apprentissage, il manque la symétrie.",
        ),
        Mistake(
            "no-crop",
            _in_training(lambda images: _where(_coins(len(images)), _crop_centre(images, 28))),
            "En apprentissage, la fenêtre doit être tirée au hasard.",
        ),
        Mistake(
            "same-for-batch",
            _in_training(lambda images: _where(_coins(len(images)), _crop_batch(images, 28))),
            "En apprentissage, un tirage sert pour tout le lot : il en faut un par image.",
        ),
        Mistake(
            "vertical",
            _in_training(lambda images: _where(_coins(len(images)), _crop(images, 28), (2,))),
            "La symétrie est verticale : c'est la gauche et la droite qu'il faut échanger.",
        ),
    ],
)


def _halved(text: str) -> Formula:
    return Formula(text, {"7": "le côté d'avant", "2": "la fenêtre du pooling"})


def _values_read(side: int) -> Formula:
    labels = {"64": "le nombre de cartes", str(side): "leur côté"}
    return Formula(f"64 * {side} * {side}", labels)


ceil_sizes = TableCheck(
    "Côté des cartes après pool3, et valeurs que reçoit fc4, pour des images 28 × 28.",
    columns=["côté après pool3", "valeurs reçues par fc4"],
    answer={"sans ceil_mode": (3, 64 * 3 * 3), "avec ceil_mode": (4, 64 * 4 * 4)},
    formulas={
        "sans ceil_mode": [_halved("7 // 2"), _values_read(3)],
        "avec ceil_mode": [_halved("-(-7 // 2)"), _values_read(4)],
    },
    mistakes=[
        Mistake(
            "swapped",
            {"sans ceil_mode": (4, 64 * 4 * 4), "avec ceil_mode": (3, 64 * 3 * 3)},
            "« ceil » veut dire « plafond » : dans quel sens arrondit-il ?",
        ),
        Mistake(
            "depth",
            {"sans ceil_mode": (None, 9), "avec ceil_mode": (None, 16)},
            "C'est le compte d'une seule carte : combien conv3 en donne-t-elle ?",
        ),
        Mistake(
            "not-rounded",
            {"sans ceil_mode": (3.5, 64 * 3.5**2), "avec ceil_mode": (3.5, 64 * 3.5**2)},
            "Une carte a un nombre entier de lignes : il faut arrondir, et d'un côté bien choisi.",
        ),
        Mistake(
            "two-poolings",
            {"sans ceil_mode": (7, 64 * 7 * 7), "avec ceil_mode": (7, 64 * 7 * 7)},
            "C'est la taille après deux poolings : il en reste un.",
        ),
        Mistake(
            "side",
            {"sans ceil_mode": (None, 64 * 3), "avec ceil_mode": (None, 64 * 4)},
            "Une carte est un carré, donné par son côté.",
        ),
    ],
)
