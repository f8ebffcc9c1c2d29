"""Channel normalisation with both usual deviations, and ZCA whitening (questions 19 to 21)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tp_cnn.errors import CourseError

Normalisation = Callable[[Tensor], Tensor]  # images (batch, C, H, W), uint8 -> float32
LEVELS = 256


@dataclass(frozen=True)
class Statistics:
    """Mean and deviation of each channel, for values between 0 and 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


# Of the train sets, as `channel_statistics` computes them from the official files.
MNIST = Statistics((0.1307,), (0.3081,))
FASHION_MNIST = Statistics((0.2860,), (0.3530,))
CIFAR10 = Statistics((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


def channel_statistics(images: Tensor, deviation: str = "pixels") -> Statistics:
    """Mean and deviation of each channel of a set of images.

    Args:
        images: uint8 (N, C, H, W). Give the train set only (question 20).
        deviation: ``"pixels"``, that of all the pixels of a channel, which makes the normalised
            channel's deviation 1; or ``"images"``, the mean of the per-image deviations, which the
            lab sheet quotes for CIFAR-10 and which is smaller.

    Raises:
        CourseError: images are not uint8 NCHW, or the deviation is unknown.
    """
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise CourseError(
            f"images are {images.dtype} of shape {tuple(images.shape)}: expected uint8 (N, C, H, W)"
        )
    if deviation not in ("pixels", "images"):
        raise CourseError(f"deviation {deviation!r}: expected 'pixels' or 'images'")
    mean, std = _pixel_statistics(images)
    if deviation == "images":
        std = _mean_image_deviation(images)
    return Statistics(tuple(mean.tolist()), tuple(std.tolist()))


def _pixel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    # A pixel has 256 levels: counting them is exact, and faster than a sum over all the pixels.
    levels = torch.arange(LEVELS, dtype=torch.float64) / (LEVELS - 1)
    counts = torch.stack(
        [channel.flatten().bincount(minlength=LEVELS) for channel in images.unbind(1)]
    )
    shares = counts.cpu().double() / counts[0].sum().item()  # (C, 256)
    mean = shares @ levels
    return mean, (shares @ levels**2 - mean**2).clamp_min(0).sqrt()


def _mean_image_deviation(images: Tensor) -> Tensor:
    total = torch.zeros(images.shape[1], dtype=torch.float64)
    for chunk in images.split(4096):
        total += chunk.flatten(2).float().std(dim=2, correction=0).sum(0).cpu() / (LEVELS - 1)
    return total / len(images)


class Normalise:
    """uint8 images to float32: each channel minus its mean, divided by its deviation.

    Shape: (batch, C, H, W) -> (batch, C, H, W).
    """

    def __init__(self, statistics: Statistics):
        self.statistics = statistics
        mean, std = torch.tensor(statistics.mean), torch.tensor(statistics.std)
        # A constant channel has deviation 0: leave it at 0 rather than divide.
        std = torch.where(std > 0, std, torch.ones_like(std))
        self.scale = (1 / (std * (LEVELS - 1))).view(-1, 1, 1)
        self.offset = (-mean / std).view(-1, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        if self.scale.device != images.device:
            self.scale, self.offset = self.scale.to(images.device), self.offset.to(images.device)
        return images.float().mul_(self.scale).add_(self.offset)

    def __repr__(self) -> str:
        return f"Normalise({self.statistics})"


def to_unit(images: Tensor) -> Tensor:
    """uint8 images to float32 between 0 and 1, as in the sheet's first network."""
    return images.float() / (LEVELS - 1)


class ZCA:
    """ZCA whitening: pixels are decorrelated while the image stays recognisable (question 21).

    With E and Λ the eigenvectors and eigenvalues of the covariance of the train images, an image x
    becomes E (Λ + epsilon)^(-1/2) Eᵀ (x - mean). Krizhevsky, 2009, appendix A. Each channel is
    brought to variance 1 first, so that epsilon means the same whatever the images, and the result
    to variance 1, so that a learning rate does.

    Args:
        images: uint8 (N, C, H, W), the train set.
        epsilon: larger means smoother, and less noise amplified.
    """

    def __init__(self, images: Tensor, epsilon: float = 0.1):
        self.by_channel = Normalise(channel_statistics(images))
        flat = self.by_channel(images).flatten(1)  # (N, C·H·W)
        self.mean = flat.mean(0)
        covariance = torch.cov(flat.T, correction=0).double()
        eigenvalues, vectors = torch.linalg.eigh(covariance)
        shrunk = eigenvalues.clamp_min(0)
        matrix = vectors * (shrunk + epsilon).rsqrt() @ vectors.T  # symmetric
        deviation = (shrunk / (shrunk + epsilon)).mean().sqrt().clamp_min(1e-6)  # of what comes out
        self.matrix = (matrix / deviation).float()

    def __call__(self, images: Tensor) -> Tensor:
        if self.matrix.device != images.device:
            self.mean, self.matrix = self.mean.to(images.device), self.matrix.to(images.device)
        flat = self.by_channel(images).flatten(1) - self.mean
        return (flat @ self.matrix).view(images.shape)

    def __repr__(self) -> str:
        return f"ZCA({len(self.mean)} values)"
