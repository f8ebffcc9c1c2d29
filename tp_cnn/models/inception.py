"""GoogLeNet (Szegedy and others, 2015): several sizes of filters side by side."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn


class Inception(nn.Module):
    """Four branches on the same maps, concatenated (figure 2b of the paper).

    The 1×1 convolutions before the large filters reduce the number of maps: they make it cheap.

    Args:
        ones: filters of the 1×1 branch.
        threes: maps after the reduction, filters of the 3×3 branch.
        fives: the same of the 5×5 branch.
        pooled: filters of the 1×1 convolution after the 3×3 pooling.
        large: size of the largest filters: 5 in the paper, 3 in torchvision's network.

    Shape: (batch, inputs, height, width) -> (batch, ones + threes[1] + fives[1] + pooled, height,
    width).
    """

    def __init__(
        self,
        inputs: int,
        ones: int,
        threes: tuple[int, int],
        fives: tuple[int, int],
        pooled: int,
        large: int = 5,
    ):
        super().__init__()
        self.branches = nn.ModuleList(
            [
                convolution(inputs, ones),
                nn.Sequential(convolution(inputs, threes[0]), convolution(*threes, kernel=3)),
                nn.Sequential(convolution(inputs, fives[0]), convolution(*fives, kernel=large)),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), convolution(inputs, pooled)),
            ]
        )

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([branch(maps) for branch in self.branches], dim=1)


def convolution(inputs: int, filters: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size (but for the stride), batch norm (2015, after it), ReLU."""
    layer = nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(filters, eps=0.001), nn.ReLU())


GOOGLENET = (  # table 1: the columns of each module; a number, the side of a max-pooling
    (64, (96, 128), (16, 32), 32),
    (128, (128, 192), (32, 96), 64),
    3,
    (192, (96, 208), (16, 48), 64),
    (160, (112, 224), (24, 64), 64),
    (128, (128, 256), (24, 64), 64),
    (112, (144, 288), (32, 64), 64),
    (256, (160, 320), (32, 128), 128),
    3,
    (256, (160, 320), (32, 128), 128),
    (384, (192, 384), (48, 128), 128),
)
SMALL = (
    (16, (24, 32), (4, 8), 8),
    (32, (32, 48), (8, 24), 16),
    3,
    (48, (24, 52), (4, 12), 16),
    (40, (28, 56), (6, 16), 16),
    3,
    (64, (40, 80), (8, 32), 32),
)


class GoogLeNet(nn.Module):
    """Inception modules between a stem and an average: 9 modules, 22 layers in the paper.

    The paper adds two small classifiers half-way, in training only, so that the gradient reaches
    the first layers; with batch norm they are not needed, and they are left out here.

    Args:
        stem: the first layers; ``inputs`` is the number of maps they give.
        modules: columns of table 1, or the side of a max-pooling that halves the size.
        module: what builds a module from its columns, `Inception` or one like it.

    Shape: (batch, 3, height, width) -> (batch, classes), logits.
    """

    def __init__(
        self,
        stem: nn.Module,
        inputs: int,
        modules: tuple,
        classes: int,
        dropout: float = 0.2,
        module: Callable[..., nn.Module] = Inception,
    ):
        super().__init__()
        self.features = nn.Sequential(stem)
        for columns in modules:
            if isinstance(columns, int):
                self.features.append(nn.MaxPool2d(columns, stride=2, ceil_mode=True))
            else:
                self.features.append(module(inputs, *columns))
                ones, threes, fives, pooled = columns
                inputs = ones + threes[1] + fives[1] + pooled
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(inputs, classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def googlenet(classes: int = 1000, as_torchvision: bool = False) -> GoogLeNet:
    """For (batch, 3, 224, 224): 7,004,712 weights.

    ``as_torchvision``: 3×3 filters where the paper has 5×5, and a last pooling of 2×2, so that
    torchvision's weights fit: 6,624,904.
    """
    stem = nn.Sequential(
        convolution(3, 64, kernel=7, stride=2),  # 112
        nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 56
        convolution(64, 64),
        convolution(64, 192, kernel=3),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (batch, 192, 28, 28)
    )
    modules = (*GOOGLENET[:8], 2, *GOOGLENET[9:]) if as_torchvision else GOOGLENET
    module = partial(Inception, large=3 if as_torchvision else 5)
    return GoogLeNet(stem, 192, modules, classes, module=module)


def googlenet_cifar(classes: int = 10, module: Callable[..., nn.Module] = Inception) -> GoogLeNet:
    """Five modules for (batch, 3, 32, 32)."""
    stem = nn.Sequential(convolution(3, 32, kernel=3), nn.MaxPool2d(2))  # (batch, 32, 16, 16)
    return GoogLeNet(stem, 32, SMALL, classes, module=module)
