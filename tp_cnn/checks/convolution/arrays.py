"""What the checks of notebook 01 compute with: convolutions, windows, numbers drawn."""

import numpy as np
import torch
from torch.nn import functional


def convolve(images, kernels, bias=None, stride=1, padding=0) -> np.ndarray:
    """PyTorch's convolution: (n, c, h, w) and (f, c, k, k) give (n, f, h', w')."""
    images, kernels = torch.tensor(images), torch.tensor(kernels.copy())  # a flipped view: copied
    bias = None if bias is None else torch.tensor(bias)
    return functional.conv2d(images, kernels, bias, stride, padding).numpy()


def correlate(image, kernel, stride=1, padding=0) -> np.ndarray:
    """One channel: (h, w) and (k, k) give (h', w')."""
    return convolve(image[None, None], kernel[None, None], None, stride, padding)[0, 0]


def slide(signal, kernel) -> np.ndarray:
    """One dimension: (n,) and (k,) give (n - k + 1,)."""
    return correlate(signal[None], kernel[None])[0]


def pool(image, size, stride, operation) -> np.ndarray:
    """Apply ``operation`` to every window that fits in the image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))[::stride, ::stride]
    return operation(windows, axis=(2, 3))


def scan(positions, value) -> np.ndarray:
    """The loop of the notebook's templates: ``value(i, j)`` at each of (rows, columns) places.

    A mistake made inside of it ends as a student's does, on an error or not.
    """
    out = np.zeros(positions)
    for i, j in np.ndindex(*positions):
        out[i, j] = value(i, j)
    return out


def square(image, top, left, side, step=1) -> np.ndarray:
    """The window whose corner is there."""
    return image[top : top + side : step, left : left + side : step]


def whole(rng, *shape) -> np.ndarray:
    """Random whole numbers, easy to compute with by hand."""
    return rng.integers(-4, 5, shape).astype(float)


def sizes(rng, low, high, number) -> list[tuple[int, ...]]:
    """``number`` tuples of random integers, from ``low`` to ``high`` excluded."""
    return [tuple(rng.integers(low, high).tolist()) for _ in range(number)]
