"""What the checks of notebook 05 share: random tensors, the axes of a channel."""

import numpy as np
import torch
from torch import Tensor

CLASSES = 10
PIXELS = (0, 2, 3)  # the axes over which the statistics of a channel are taken


def uniform(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.random(shape), dtype=torch.float32)


def normal(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.normal(size=shape), dtype=torch.float32)


def channels(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)
