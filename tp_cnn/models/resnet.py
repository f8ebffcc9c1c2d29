"""Residual networks (He, Zhang, Ren and Sun, 2016), and the same without their shortcuts."""

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from tp_cnn.errors import CourseError

EXPANSION = 4  # of the bottleneck: maps that it gives, for each filter of its 3×3


class Residual(nn.Module):
    """``ReLU(body(x) + shortcut(x))``, figure 2 of the paper.

    Args:
        body: the layers that learn what to add to the input; no activation at their end.
        shortcut: ``nn.Identity()`` where body keeps the shape, a projection where it does not, None
            for a plain block, which learns its output from nothing.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None):
        super().__init__()
        self.body, self.shortcut = body, shortcut
        self.activation = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        change = self.body(maps)
        return self.activation(change if self.shortcut is None else change + self.shortcut(maps))


class ResNet(nn.Module):
    """A stem, stages of residual blocks, an average of each map, one dense layer.

    Args:
        stem: the first layers, which give ``widths[0]`` maps.
        block: `basic`, `bottleneck`, or one like them: builds a block from the number of maps it
            receives, its filters and its stride.
        expansion: maps that a block gives, for each of its ``widths``.
        depths: number of blocks of each stage; all but the first stage halve the size.
        widths: filters of each stage (those of the 3×3 convolutions).

    Shape: (batch, 3, height, width) -> (batch, classes), logits.
    """

    def __init__(
        self,
        stem: nn.Module,
        block: Callable[..., Residual],
        depths: Sequence[int],
        widths: Sequence[int],
        classes: int,
        expansion: int = 1,
    ):
        super().__init__()
        self.features, inputs = nn.Sequential(stem), widths[0]
        for number, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            for index in range(depth):
                stride = 2 if number > 0 and index == 0 else 1
                self.features.append(block(inputs, width, stride))
                inputs = width * expansion
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def basic(inputs: int, filters: int, stride: int = 1, shortcut: bool = True) -> Residual:
    """Two 3×3 convolutions (figure 5, left); a plain block without ``shortcut``."""
    body = nn.Sequential(
        *convolution(inputs, filters, kernel=3, stride=stride),
        nn.ReLU(),
        *convolution(filters, filters, kernel=3),
    )
    return Residual(body, _shortcut(inputs, filters, stride) if shortcut else None)


def bottleneck(inputs: int, filters: int, stride: int = 1) -> Residual:
    """1×1 to fewer maps, 3×3, 1×1 to four times as many (figure 5, right)."""
    outputs = filters * EXPANSION
    body = nn.Sequential(
        *convolution(inputs, filters, kernel=1),
        nn.ReLU(),
        *convolution(filters, filters, kernel=3, stride=stride),
        nn.ReLU(),
        *convolution(filters, outputs, kernel=1),
    )
    return Residual(body, _shortcut(inputs, outputs, stride))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(*convolution(inputs, outputs, kernel=1, stride=stride))  # a projection


def convolution(inputs: int, filters: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size (but for the stride) and its batch norm, no bias needed."""
    layer = nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, bias=False)
    return [layer, nn.BatchNorm2d(filters)]


def resnet18(classes: int = 1000) -> ResNet:
    """11,689,512 weights, for (batch, 3, 224, 224)."""
    return ResNet(_imagenet_stem(), basic, (2, 2, 2, 2), (64, 128, 256, 512), classes)


def resnet50(classes: int = 1000) -> ResNet:
    """25,557,032 weights; the stride is on the 3×3, as in every later implementation."""
    widths = (64, 128, 256, 512)
    return ResNet(_imagenet_stem(), bottleneck, (3, 4, 6, 3), widths, classes, EXPANSION)


def _imagenet_stem() -> nn.Module:
    layers = convolution(3, 64, kernel=7, stride=2)  # 224 -> 112
    return nn.Sequential(*layers, nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))  # 56


def resnet_cifar(
    depth: int = 20, classes: int = 10, block: Callable[[int, int, int], nn.Module] = basic
) -> ResNet:
    """The networks of section 4.2, for (batch, 3, 32, 32): 272,474 weights with 20 layers.

    Args:
        depth: 8, 14, 20, 32, 44, 56, 110: 6 n + 2 layers with weights.
        block: as in `ResNet`.

    Raises:
        CourseError: another depth.
    """
    blocks, rest = divmod(depth - 2, 6)
    if blocks < 1 or rest:
        raise CourseError(f"depth={depth}: expected 6 n + 2, such as 8, 14, 20, 32, 44 or 56")
    stem = nn.Sequential(*convolution(3, 16, kernel=3), nn.ReLU())
    return ResNet(stem, block, [blocks] * 3, (16, 32, 64), classes)


def plain_cifar(depth: int = 20, classes: int = 10) -> ResNet:
    """The same layers without shortcuts (section 4.2)."""
    return resnet_cifar(depth, classes, partial(basic, shortcut=False))
