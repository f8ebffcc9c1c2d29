"""The vision transformer (Dosovitskiy and others, 2021): attention between patches."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, unfold

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def patches(images: Tensor, size: int) -> Tensor:
    """Squares of ``size`` pixels, read row by row, each flattened as a convolution's weights are.

    Shape: (batch, channels, rows, columns) -> (batch, patches, channels × size × size).
    """
    return unfold(images, size, stride=size).transpose(1, 2)


class Attention(nn.Module):
    """Each token takes from the others what resembles what it asks for (Vaswani and others, 2017).

    Of each token three vectors are made: a query, a key, a value. For each head,
    ``softmax(queries keysᵀ / sqrt(head size)) values``.

    Shape: (batch, tokens, width) -> (batch, tokens, width).
    """

    def __init__(self, width: int, heads: int, attend: Attend = scaled_dot_product_attention):
        super().__init__()
        self.heads, self.attend = heads, attend
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def split(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (batch, heads, tokens, width / heads)."""
        batch, count, width = tokens.shape
        parts = self.inward(tokens).view(batch, count, 3, self.heads, width // self.heads)
        return parts.permute(2, 0, 3, 1, 4).unbind(0)

    def forward(self, tokens: Tensor) -> Tensor:
        mixed = self.attend(*self.split(tokens))
        return self.outward(mixed.transpose(1, 2).flatten(2))

    def weights(self, tokens: Tensor) -> Tensor:
        """What each token takes from each: (batch, heads, tokens, tokens), rows of sum 1."""
        queries, keys, _ = self.split(tokens)
        return (queries @ keys.transpose(-2, -1) * queries.shape[-1] ** -0.5).softmax(dim=-1)


class EncoderLayer(nn.Module):
    """Attention between tokens, then a small network on each; both residual (figure 1)."""

    def __init__(
        self, width: int, heads: int, hidden: int, attend: Attend = scaled_dot_product_attention
    ):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads, attend)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class ViT(nn.Module):
    """Patches become tokens; one more token collects what the classifier reads.

    Args:
        size, patch: sides of the image and of a patch, in pixels.
        width: values of a token; ``hidden`` those of the hidden layer of each small network.
        attend: what mixes values from queries and keys, each (batch, heads, tokens, size).

    Shape: (batch, 3, size, size) -> (batch, classes), logits.
    """

    def __init__(
        self,
        size: int,
        patch: int,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        classes: int,
        attend: Attend = scaled_dot_product_attention,
    ):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        self.patches = nn.Conv2d(3, width, kernel_size=patch, stride=patch)
        self.layers = nn.Sequential(
            *[EncoderLayer(width, heads, hidden, attend) for _ in range(depth)]
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.classifier = nn.Linear(width, classes)

    def tokens(self, images: Tensor) -> Tensor:
        """The tokens that enter the first layer, (batch, 1 + patches, width)."""
        patches = self.patches(images).flatten(2).transpose(1, 2)  # (batch, patches, width)
        first = self.class_token.expand(len(images), -1, -1)
        return torch.cat([first, patches], dim=1) + self.positions

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.norm(self.layers(self.tokens(images)))
        return self.classifier(tokens[:, 0])


def vit_b_16(classes: int = 1000) -> ViT:
    """86,567,656 weights, for (batch, 3, 224, 224)."""
    return ViT(224, 16, width=768, depth=12, heads=12, hidden=3072, classes=classes)


def vit_cifar(classes: int = 10, attend: Attend = scaled_dot_product_attention) -> ViT:
    """64 patches of 4×4, for (batch, 3, 32, 32)."""
    return ViT(32, 4, width=96, depth=6, heads=4, hidden=192, classes=classes, attend=attend)
