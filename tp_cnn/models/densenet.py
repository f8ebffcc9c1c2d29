"""DenseNet (Huang, Liu, van der Maaten and Weinberger, 2017): each layer sees all before it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class DenseLayer(nn.Module):
    """Adds ``growth`` maps to those it receives: ``cat(x, body(x))`` (section 3).

    With ``narrow``, a 1×1 convolution first leaves ``4 growth`` maps to the 3×3 (DenseNet-B).

    Shape: (batch, inputs, height, width) -> (batch, inputs + growth, height, width).
    """

    def __init__(self, inputs: int, growth: int, narrow: bool = True):
        super().__init__()
        self.body = nn.Sequential()
        if narrow:
            self.body.extend(before(inputs, nn.Conv2d(inputs, 4 * growth, 1, bias=False)))
            inputs = 4 * growth
        self.body.extend(before(inputs, nn.Conv2d(inputs, growth, 3, padding=1, bias=False)))

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([maps, self.body(maps)], dim=1)


def before(inputs: int, layer: nn.Module) -> list[nn.Module]:
    """Batch norm and ReLU come before the layer here, not after it."""
    return [nn.BatchNorm2d(inputs), nn.ReLU(), layer]


def transition(inputs: int) -> nn.Sequential:
    """Half the maps, half the size (DenseNet-C)."""
    layer = nn.Conv2d(inputs, inputs // 2, kernel_size=1, bias=False)
    return nn.Sequential(*before(inputs, layer), nn.AvgPool2d(2))


class DenseNet(nn.Module):
    """Dense blocks, a transition between two of them, an average of each map, one dense layer.

    Args:
        stem: the first layers; ``inputs`` is the number of maps they give.
        growth: maps that each layer adds (k in the paper).
        depths: number of layers of each block.
        layer: what builds a layer from its numbers of maps, `DenseLayer` or one like it.

    Shape: (batch, 3, height, width) -> (batch, classes), logits.
    """

    def __init__(
        self,
        stem: nn.Module,
        inputs: int,
        growth: int,
        depths: Sequence[int],
        classes: int,
        layer: Callable[[int, int], nn.Module] = DenseLayer,
    ):
        super().__init__()
        self.features = nn.Sequential(stem)
        for number, depth in enumerate(depths):
            if number > 0:
                self.features.append(transition(inputs))
                inputs = inputs // 2
            for _ in range(depth):
                self.features.append(layer(inputs, growth))
                inputs += growth
        self.features.extend([nn.BatchNorm2d(inputs), nn.ReLU()])
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def densenet121(classes: int = 1000) -> DenseNet:
    """7,978,856 weights, for (batch, 3, 224, 224)."""
    stem = nn.Sequential(
        nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),  # 112
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),  # 56
    )
    return DenseNet(stem, 64, 32, (6, 12, 24, 16), classes)


def densenet_cifar(
    classes: int = 10, layer: Callable[[int, int], nn.Module] = DenseLayer
) -> DenseNet:
    """40 layers, each pair adds 12 maps, for (batch, 3, 32, 32) (section 4.2)."""
    stem = nn.Conv2d(3, 24, 3, padding=1, bias=False)
    return DenseNet(stem, 24, 12, (6, 6, 6), classes, layer)
