"""What is read in images that a student's function crops and mirrors at random.

The images tried hold their own coordinates: channel 0 the row of each pixel, channel 1 its column,
channel 2 numbers that tell the images apart.
"""

import numpy as np
import torch
from torch import Tensor

from tp_cnn.checks.engine.facts import Fact

# What a result is made of
WINDOWS, UPSIDE_DOWN, CHANNELS, OTHER, OUTSIDE, DIVIDED, MIRRORED = range(7)
NONE = -1
ALIKE = 3  # pairs of images; fewer may be so by chance


def coordinates(rng: np.random.Generator, count: int, height: int, width: int) -> Tensor:
    """uint8 (count, 3, height, width)."""
    rows, columns = np.mgrid[:height, :width]
    names = rng.integers(0, 256, (count, height, width))
    images = [np.stack([rows, columns, name]) for name in names]
    return torch.tensor(np.stack(images), dtype=torch.uint8)


def crop_facts(arguments: tuple, results: np.ndarray) -> list[Fact]:
    """Of a random crop, without mirror: ``arguments`` begin with the images."""
    images = arguments[0].numpy()
    top, left, mirrored = locate(images, results)
    if (top != NONE).all() and mirrored.any():
        return [Fact(MIRRORED, "des fenêtres sont en miroir : ici, il n'y a qu'à découper.")]
    facts = [_kind(images, results, top != NONE)]
    return [*facts, *_places(images, results, top, left)] if facts[0].value == WINDOWS else facts


def flip_facts(arguments: tuple, results: np.ndarray) -> list[Fact]:
    """Of a random mirror, without crop."""
    images = arguments[0].numpy()
    top, _, mirrored = locate(images, results)
    facts = [_kind(images, results, top != NONE)]
    return [*facts, *_mirrors(mirrored)] if facts[0].value == WINDOWS else facts


def augmentation_facts(arguments: tuple, results: np.ndarray) -> list[Fact]:
    """Of ``augment(images, training)``."""
    images, training = arguments[0].numpy(), arguments[1]
    top, left, mirrored = locate(images, results)
    facts = [_kind(images, results, top != NONE)]
    if facts[0].value != WINDOWS:
        return facts
    if not training:
        return [*facts, _fixed(top, left), *_never_mirrored(mirrored)]
    return [*facts, *_places(images, results, top, left), *_mirrors(mirrored)]


def locate(images: np.ndarray, results: np.ndarray) -> tuple[np.ndarray, ...]:
    """Where each window begins in its image, NONE if it is not one, and whether it is mirrored.

    Args:
        images: (N, 3, H, W), as `coordinates` gives them.
        results: (calls, N, 3, h, w).

    Returns:
        Top, left and mirrored, each (calls, N).
    """
    top = results[:, :, 0, 0, 0].copy()
    mirrored = results[:, :, 1, 0, 0] > results[:, :, 1, 0, -1]
    left = np.where(mirrored, results[:, :, 1, 0, -1], results[:, :, 1, 0, 0])
    height, width = results.shape[3:]
    for place in np.ndindex(top.shape):
        found = results[place][:, :, ::-1] if mirrored[place] else results[place]
        corner = top[place], left[place]
        if not all(value >= 0 and value % 1 == 0 for value in corner):  # NaN is refused too
            top[place] = left[place] = NONE
            continue
        row, column = map(int, corner)
        window = images[place[1]][:, row : row + height, column : column + width]
        if not np.array_equal(window, found):
            top[place] = left[place] = NONE
    return top, left, mirrored


def _kind(images: np.ndarray, results: np.ndarray, right: np.ndarray) -> Fact:
    if right.all():
        return Fact(WINDOWS, "")
    if not (results.min() >= images.min() and results.max() <= images.max()):
        sentence = "les images obtenues ont des valeurs que n'ont pas celles de départ."
        return Fact(OUTSIDE, sentence)
    top, _, _ = locate(images, (255 * results).round(2))
    if (top != NONE).all():
        return Fact(DIVIDED, "les valeurs des images ont changé : elles sont divisées par 255.")
    top, _, _ = locate(images, results[:, :, :, ::-1])
    if ((top != NONE) | right).all():
        return Fact(UPSIDE_DOWN, "des images sont renversées : le haut est passé en bas.")
    top, _, _ = locate(images, results[:, :, ::-1])
    if ((top != NONE) | right).all():
        return Fact(CHANNELS, "les couleurs d'images sont échangées.")
    sentence = "une image obtenue n'est pas un morceau de celle de même rang, tel quel"
    return Fact(OTHER, f"{sentence} ou en miroir.")


def _fixed(top: np.ndarray, left: np.ndarray) -> Fact:
    """Where test images are cut: a constant place, or NONE."""
    if np.ptp(top) or np.ptp(left):
        return Fact([NONE, NONE], "avec training=False, les images sont découpées au hasard.")
    sentence = "avec training=False, la fenêtre n'est pas au centre de l'image."
    return Fact([top[0, 0], left[0, 0]], sentence)


def _never_mirrored(mirrored: np.ndarray) -> list[Fact]:
    return [Fact(int(mirrored.any()), "avec training=False, des images sont mises en miroir.")]


def _places(images: np.ndarray, results: np.ndarray, top: np.ndarray, left: np.ndarray):
    places = np.stack([top, left])  # (2, calls, N)
    across, between = np.ptp(places, axis=2).any(), np.ptp(places, axis=1).any()
    sentences = {
        (False, False): "la fenêtre est toujours au même endroit.",
        (False, True): "à chaque appel, toutes les images du lot sont découpées au même endroit.",
        (True, False): "d'un appel à l'autre, chaque image est découpée au même endroit.",
        (True, True): "",
    }
    free = np.subtract(images.shape[2:], results.shape[3:])  # last place, down and to the right
    reached = [top.min(), top.max(), left.min(), left.max()]
    missing = [int(last) + 1 - len(np.unique(one)) for one, last in zip(places, free, strict=True)]
    return [
        Fact([int(across), int(between)], sentences[across, between]),
        Fact(
            int(_shared(top * images.shape[3] + left)),
            "des images du lot sont toujours découpées ensemble, au même endroit.",
        ),
        Fact(
            [int(value) for value in np.equal(reached, [0, free[0], 0, free[1]])],
            "des fenêtres possibles, contre un bord de l'image, ne sont jamais tirées.",
        ),
        Fact(
            missing, "entre les bords de l'image, des places de la fenêtre ne sont jamais tirées."
        ),
        Fact(
            int(np.ptp(top - left) == 0),
            "la fenêtre reste sur la diagonale : elle descend d'autant qu'elle va à droite.",
        ),
    ]


def _shared(draws: np.ndarray) -> bool:
    """Whether a draw serves several images: some are alike in all calls, as far apart each time.

    By chance, two mirrors of one image in two are alike in 12 calls once in 4,096.

    Args:
        draws: (calls, N), what was drawn.
    """
    apart = range(1, draws.shape[1] // 2 + 1)
    alike = [(draws[:, lag:] == draws[:, :-lag]).all(axis=0).sum() for lag in apart]
    return any(count >= ALIKE for count in alike)


def _mirrors(mirrored: np.ndarray) -> list[Fact]:
    mirrored = mirrored.astype(int)
    across, between = np.ptp(mirrored, axis=1).any(), np.ptp(mirrored, axis=0).any()
    share = mirrored.mean()
    constant = "toutes les images sont" if share else "aucune image n'est"
    sentences = {
        (False, False): f"{constant} en miroir, à tous les appels.",
        (False, True): "à chaque appel, tout le lot est en miroir, ou rien.",
        (True, False): "ce sont toujours les mêmes images du lot qui sont en miroir.",
        (True, True): "",
    }
    level = 0 if 0.35 < share < 0.65 else (1 if share > 0.5 else -1)
    every = int(share == 1)
    return [
        Fact([int(across), int(between), every], sentences[across, between]),
        Fact(level, f"{100 * share:.0f} % des images sont en miroir."),
        Fact(
            int(across and _shared(mirrored)),
            "des images du lot ont toujours le même sort : en miroir, ou non.",
        ),
        Fact(
            int(np.ptp(mirrored.sum(axis=1)) == 0),
            "le nombre d'images en miroir est le même à chaque appel.",
        ),
    ]
