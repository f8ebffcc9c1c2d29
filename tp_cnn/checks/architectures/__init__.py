"""Checks of notebook 08: blocks of the famous networks, what they cost, what attention computes."""

from tp_cnn.checks.architectures.blocks import (
    convnext_block,
    dense_layer,
    inception,
    residual,
)
from tp_cnn.checks.architectures.costs import (
    alexnet_share,
    dense_maps,
    inception_cost,
    stacked_field,
    stacked_weights,
)
from tp_cnn.checks.architectures.reading import defects, mended
from tp_cnn.checks.architectures.tokens import attention, gelu, patches

__all__ = [
    "alexnet_share",
    "attention",
    "convnext_block",
    "defects",
    "dense_layer",
    "dense_maps",
    "gelu",
    "inception",
    "inception_cost",
    "mended",
    "patches",
    "residual",
    "stacked_field",
    "stacked_weights",
]
