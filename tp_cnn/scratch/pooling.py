"""Pooling and ReLU written by hand in NumPy (notebook 01)."""

from collections.abc import Callable

import numpy as np

from tp_cnn.models.geometry import output_size


def max_pool2d(
    maps: np.ndarray,
    kernel: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Largest value of each window, each map on its own: (..., H, W) -> (..., H', W').

    By default ``stride = kernel``. Padding is by -inf, which never wins. With ``ceil_mode`` the
    sizes round up: the last windows are cut by the border.
    """
    return _pool(maps, np.max, -np.inf, kernel, stride, padding, ceil_mode)


def avg_pool2d(
    maps: np.ndarray,
    kernel: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Mean of each window, each map on its own: (..., H, W) -> (..., H', W').

    As ``max_pool2d``, but padding is by zeros, which count in the mean, as in PyTorch.
    """
    return _pool(maps, np.mean, 0, kernel, stride, padding, ceil_mode)


def _pool(
    maps: np.ndarray,
    summary: Callable,
    border: float,
    kernel: int,
    stride: int | None,
    padding: int,
    ceil_mode: bool,
) -> np.ndarray:
    stride = stride or kernel
    sizes = [output_size(n, kernel, stride, padding, ceil_mode=ceil_mode) for n in maps.shape[-2:]]
    edges = [(0, 0)] * (maps.ndim - 2) + [(padding, padding)] * 2
    maps = np.pad(maps.astype(float), edges, constant_values=border)
    out = np.zeros((*maps.shape[:-2], *sizes))
    for row in range(sizes[0]):
        for column in range(sizes[1]):
            top, left = row * stride, column * stride
            window = maps[..., top : top + kernel, left : left + kernel]
            out[..., row, column] = summary(window, axis=(-2, -1))
    return out


def relative_change(before: np.ndarray, after: np.ndarray) -> float:
    """``||after - before|| / ||before||``: 0 if nothing has changed (question 3)."""
    return np.linalg.norm(after - before) / np.linalg.norm(before)


def relu(values: np.ndarray) -> np.ndarray:
    """``max(0, value)``, from the real numbers to [0, +inf), not to [0, 1]; shape unchanged."""
    return np.maximum(values, 0)
