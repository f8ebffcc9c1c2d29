"""Checks of notebook 05: five improvements of the network of notebook 04.

Sources: lab sheet, questions 19 to 34; 003, dropout and batch normalisation. One module a part.

Images are tensors (N, 3, H, W); maps, what a convolution gives, are (N, C, H, W).
"""

from tp_cnn.checks.ameliorations.augmentation import augment, ceil_sizes, random_crop, random_flip
from tp_cnn.checks.ameliorations.batch_norm import (
    batch_statistics,
    features,
    normalise_maps,
    update_running,
)
from tp_cnn.checks.ameliorations.dropouts import classifier, dropout
from tp_cnn.checks.ameliorations.normalisation import channel_statistics, normalise_both
from tp_cnn.checks.ameliorations.optimisation import momentum_step, training_loop
from tp_cnn.checks.ameliorations.whitening import whiten

__all__ = [
    "augment",
    "batch_statistics",
    "ceil_sizes",
    "channel_statistics",
    "classifier",
    "dropout",
    "features",
    "momentum_step",
    "normalise_both",
    "normalise_maps",
    "random_crop",
    "random_flip",
    "training_loop",
    "update_running",
    "whiten",
]
