"""ConvNeXt (Liu and others, 2022): a residual network with the habits of vision transformers."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Normalise the channels of each pixel of each image: LayerNorm on (batch, C, H, W)."""

    def forward(self, maps: Tensor) -> Tensor:
        return super().forward(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """7×7 filters, one a channel; then four times as many channels, GELU, and back (figure 4).

    One activation and one normalisation a block. ``scale`` starts small: at first the block changes
    nothing.
    """

    def __init__(self, channels: int, scale: float = 1e-6):
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels, 1, 1), scale))
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels),
            ChannelNorm(channels, eps=1e-6),
            nn.Conv2d(channels, 4 * channels, kernel_size=1),
            nn.GELU(),
            nn.Conv2d(4 * channels, channels, kernel_size=1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.scale * self.body(maps)


SMALL_BLOCK = partial(ConvNeXtBlock, scale=0.1)  # six blocks need no such care


class ConvNeXt(nn.Module):
    """Patches, stages of blocks, an average of each map, one dense layer.

    The paper also drops whole blocks at random in training (stochastic depth), which the sizes
    trained here do not need.

    Args:
        patch: side of the squares that the first convolution cuts the image into.
        depths: number of blocks of each stage; all but the first stage halve the size.
        widths: channels of each stage.
        block: what builds a block from its number of channels, `ConvNeXtBlock` or one like it.

    Shape: (batch, 3, height, width) -> (batch, classes), logits.
    """

    def __init__(
        self,
        patch: int,
        depths: Sequence[int],
        widths: Sequence[int],
        classes: int,
        block: Callable[[int], nn.Module] = ConvNeXtBlock,
    ):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, widths[0], kernel_size=patch, stride=patch),
            ChannelNorm(widths[0], eps=1e-6),
        )
        for number, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            if number > 0:
                self.features.append(ChannelNorm(widths[number - 1], eps=1e-6))
                self.features.append(nn.Conv2d(widths[number - 1], width, 2, stride=2))
            self.features.extend([block(width) for _ in range(depth)])
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            ChannelNorm(widths[-1], eps=1e-6),
            nn.Flatten(),
            nn.Linear(widths[-1], classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def convnext_tiny(classes: int = 1000) -> ConvNeXt:
    """28,589,128 weights, for (batch, 3, 224, 224)."""
    return ConvNeXt(4, (3, 3, 9, 3), (96, 192, 384, 768), classes)


def convnext_cifar(classes: int = 10, block: Callable[[int], nn.Module] = SMALL_BLOCK) -> ConvNeXt:
    """Six blocks on patches of 2×2, for (batch, 3, 32, 32)."""
    return ConvNeXt(2, (2, 2, 2), (40, 80, 160), classes, block)
