"""Random changes of images, vectorised over a batch, different for each image (questions 22 to 25).

An augmentation is called with uint8 images (batch, C, H, W) and a ``torch.Generator`` on the same
device, and gives new images. Every random choice comes from the generator.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from tp_cnn.errors import CourseError

Augmentation = Callable[[Tensor, Generator], Tensor]


@dataclass(frozen=True)
class RandomCrop:
    """A window of ``size``×``size`` pixels at a random place, after ``padding`` rows of zeros.

    ``RandomCrop(28)`` is the lab sheet's crop of a 32×32 image.
    """

    size: int
    padding: int = 0

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        if self.padding:
            images = pad(images, [self.padding] * 4)
        windows = _windows(images, self.size)  # (batch, C, places, places, size, size), a view
        batch, _, rows, columns = windows.shape[:4]
        options = {"generator": generator, "device": images.device}
        top = torch.randint(rows, (batch,), **options)
        left = torch.randint(columns, (batch,), **options)
        return windows[torch.arange(batch, device=images.device), :, top, left]


@dataclass(frozen=True)
class RandomShift:
    """Move a square image by at most ``pixels`` in each direction; zeros come in at the border."""

    pixels: int

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        return RandomCrop(images.shape[-1], padding=self.pixels)(images, generator)


@dataclass(frozen=True)
class CenterCrop:
    """The window of ``size``×``size`` pixels at the centre, for test images (question 22)."""

    size: int

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        windows = _windows(images, self.size)
        return windows[:, :, windows.shape[2] // 2, windows.shape[3] // 2]


@dataclass(frozen=True)
class HorizontalFlip:
    """Mirror left and right with the given probability, image by image."""

    probability: float = 0.5

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        draws = torch.rand(len(images), generator=generator, device=images.device)
        return torch.where(_column(draws < self.probability), images.flip(3), images)


@dataclass(frozen=True)
class Cutout:
    """Hide a square of ``size``×``size`` pixels at a random place under the image's mean colour.

    The square's centre is any pixel, so that a part of the square may fall outside the image.
    DeVries and Taylor, 2017 (question 25).
    """

    size: int

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        batch, _, height, width = images.shape
        options = {"generator": generator, "device": images.device}
        top = torch.randint(height, (batch,), **options) - self.size // 2
        left = torch.randint(width, (batch,), **options) - self.size // 2
        rows = torch.arange(height, device=images.device) - _column(top)  # (batch, 1, 1, H)
        columns = torch.arange(width, device=images.device) - _column(left)  # (batch, 1, 1, W)
        hidden_rows = ((rows >= 0) & (rows < self.size)).transpose(2, 3)  # (batch, 1, H, 1)
        hidden = hidden_rows & (columns >= 0) & (columns < self.size)  # (batch, 1, H, W)
        colour = images.float().mean((2, 3), keepdim=True)
        return torch.where(hidden, _to_uint8(colour), images)


@dataclass(frozen=True)
class ColourJitter:
    """Multiply brightness, contrast and saturation, each by a factor in [1 - s, 1 + s].

    ``strength`` is s. Used by Krizhevsky et al., 2012, in another form (question 25).
    """

    strength: float

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        draws = torch.rand(3, len(images), generator=generator, device=images.device)
        brightness, contrast, saturation = map(_column, 1 + self.strength * (2 * draws - 1))
        values = images.float() * brightness
        mean = values.mean((1, 2, 3), keepdim=True)
        values = mean + contrast * (values - mean)
        grey = values.mean(1, keepdim=True)  # (batch, 1, H, W)
        return _to_uint8(grey + saturation * (values - grey))


@dataclass(frozen=True)
class Mixup:
    """Mix each image with another of the batch; on average two thirds of the sum are its own.

    Zhang et al., 2018 (question 25), mix the labels too: an image λ x + (1 - λ) x' has the loss
    λ loss(y) + (1 - λ) loss(y'), with λ uniform on [0, 1], their choice for CIFAR-10. Each pair is
    met in both orders, so that loss(y) alone, with λ of density 2 λ, has the same mean: the labels
    need not change. λ is then the square root of a uniform number.
    """

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        options = {"generator": generator, "device": images.device}
        share = _column(torch.rand(len(images), **options).sqrt())
        others = images[torch.randperm(len(images), **options)]
        return _to_uint8(share * images.float() + (1 - share) * others.float())


def shift(images: Tensor, right: int, down: int) -> Tensor:
    """Move every image by ``right`` and ``down`` pixels (negative: left, up); zeros come in.

    Shape: (batch, C, H, W) -> (batch, C, H, W).
    """
    height, width = images.shape[2:]
    margin = max(abs(right), abs(down))
    padded = pad(images, [margin] * 4)
    top, left = margin - down, margin - right
    return padded[:, :, top : top + height, left : left + width]


def _column(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)  # one value an image, to broadcast over C, H, W


def _to_uint8(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8)


def _windows(images: Tensor, size: int) -> Tensor:
    height, width = images.shape[2:]
    if not 0 < size <= min(height, width):
        raise CourseError(f"crop of {size}×{size}: the images have only {height}×{width} pixels")
    return images.unfold(2, size, 1).unfold(3, size, 1)
