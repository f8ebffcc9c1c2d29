"""Random crops and flips, vectorised over a batch, different for each image (questions 22 to 25).

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


def _windows(images: Tensor, size: int) -> Tensor:
    height, width = images.shape[2:]
    if not 0 < size <= min(height, width):
        raise CourseError(f"crop of {size}×{size}: the images have only {height}×{width} pixels")
    return images.unfold(2, size, 1).unfold(3, size, 1)
