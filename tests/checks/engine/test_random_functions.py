"""What is refused of functions that draw at random, whatever they draw."""

import numpy as np
import pytest
import torch

from tp_cnn.checks import ameliorations

RNG = np.random.default_rng(3)


def crop(images, size):
    pixels, found = images.numpy(), []
    for image in pixels:
        top, left = (RNG.integers(side - size + 1) for side in image.shape[1:])
        found.append(image[:, top : top + size, left : left + size])
    return np.stack(found)


def flip(images):
    mirrored = RNG.random((len(images), 1, 1, 1)) < 0.5
    return np.where(mirrored, images.numpy()[..., ::-1], images.numpy())


def dropout(values, p, training):
    if not training:
        return values
    return values.numpy() * (RNG.random(values.shape) >= p) / (1 - p)


@pytest.mark.parametrize(
    ("check", "function"),
    [
        (ameliorations.random_crop, crop),
        (ameliorations.random_flip, flip),
        (ameliorations.dropout, dropout),
    ],
)
def test_an_array_of_numpy_is_told_apart_from_a_tensor(check, function):
    """The notebook goes on with a tensor's methods."""
    assert check(lambda *inputs: torch.tensor(function(*inputs))).ok
    assert "vous obtenez un tableau NumPy" in check(function).message


def test_even_places_only_are_refused():
    def even(images, size):
        found = []
        for image in images:
            top, left = (2 * int(torch.randint((n - size) // 2 + 1, ())) for n in image.shape[1:])
            found.append(image[:, top : top + size, left : left + size])
        return torch.stack(found)

    assert "ne sont jamais tirées" in ameliorations.random_crop(even).message


def test_a_window_in_the_mirror_is_not_told_to_be_resized():
    verdict = ameliorations.random_crop(lambda *inputs: torch.tensor(crop(*inputs)).flip(3))
    assert (verdict.status, verdict.mistake) == ("wrong", None)
    assert "en miroir" in verdict.message


def groups(images, size):
    return images.split(size)


def halves(images, size):
    """Those as far apart as a half of the batch, one after another."""
    return images.unflatten(0, (2, -1)).transpose(0, 1)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("split", "size"), [(groups, 2), (groups, 3), (groups, 8), (halves, 2)])
def test_one_draw_for_several_images_is_refused(seed, split, size):
    def flip_together(images):
        found = [part.flip(3) if RNG.random() < 0.5 else part for part in split(images, size)]
        if split is halves:
            return torch.stack(found, dim=1).flatten(0, 1)
        return torch.cat(found)

    def crop_together(images, side):
        found = []
        for part in split(images, size):
            top, left = (int(RNG.integers(0, one - side + 1)) for one in part.shape[-2:])
            found.append(part[..., top : top + side, left : left + side])
        return torch.stack(found, dim=1).flatten(0, 1) if split is halves else torch.cat(found)

    def augment(images, training):
        if not training:
            return images[:, :, 2:30, 2:30]
        return flip_together(torch.tensor(crop(images, 28)))

    assert ameliorations.random_flip(flip_together, seed=seed).mistake == "by-two"
    assert "au même endroit" in ameliorations.random_crop(crop_together, seed=seed).message
    assert "même sort" in ameliorations.augment(augment, seed=seed).message
