"""The units of a convolutional network: convolution, max-pooling, flattening (notebook 02).

Images and maps are (N, D, H, W). See `units` for what forward, backward and step do.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tp_cnn.scratch.convolution import conv2d_windows
from tp_cnn.scratch.units import Unit


class Conv2d(Unit):
    """C filters of D slices: weights (C, D, h, w), bias (C,)."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray, stride: int = 1, padding: int = 0):
        self.weights, self.bias = weights, bias
        self.stride, self.padding = stride, padding

    def forward(self, images: np.ndarray) -> np.ndarray:
        """(N, D, H, W) -> (N, C, H', W'), with ``H' = (H + 2 padding - h) // stride + 1``."""
        edges = [(0, 0), (0, 0), (self.padding,) * 2, (self.padding,) * 2]
        self.padded = np.pad(images, edges)
        return conv2d_windows(self.padded, self.weights, self.bias, self.stride)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """(N, C, H', W') -> (N, D, H, W)."""
        height, width = self.padded.shape[2:]
        self.weights_gradient = gradient_by_weights(
            self.padded, gradient, self.weights.shape[2:], self.stride
        )
        self.bias_gradient = gradient_by_bias(gradient)
        passed = gradient_by_images(self.weights, gradient, (height, width), self.stride)
        border = self.padding
        return passed[:, :, border : height - border, border : width - border]

    def step(self, rate: float) -> None:
        self.weights = self.weights - rate * self.weights_gradient
        self.bias = self.bias - rate * self.bias_gradient


def gradient_by_weights(
    images: np.ndarray,
    gradient: np.ndarray,
    kernel: tuple[int, int] | None = None,
    stride: int = 1,
) -> np.ndarray:
    """Each weight adds up, over all positions and examples, the pixel it met times the gradient.

    (N, D, H, W), (N, C, H', W') -> (C, D, h, w), where ``kernel`` is (h, w); by default, that of
    a convolution of stride 1.
    """
    pairs = zip(images.shape[2:], gradient.shape[2:], strict=True)
    kernel = kernel or tuple(size - count + 1 for size, count in pairs)
    windows = sliding_window_view(images, kernel, axis=(2, 3))[:, :, ::stride, ::stride]
    # windows: (N, D, H', W', h, w)
    return np.tensordot(gradient, windows, axes=([0, 2, 3], [0, 2, 3]))


def gradient_by_bias(gradient: np.ndarray) -> np.ndarray:
    """A bias is added at every position of every example: (N, C, H', W') -> (C,)."""
    return gradient.sum(axis=(0, 2, 3))


def gradient_by_images(
    weights: np.ndarray,
    gradient: np.ndarray,
    size: tuple[int, int] | None = None,
    stride: int = 1,
) -> np.ndarray:
    """Each position gives back to its window the filter times the gradient; overlaps add up.

    (C, D, h, w), (N, C, H', W') -> (N, D, H, W), where ``size`` is (H, W); by default, that of a
    convolution of stride 1.
    """
    rows, columns = gradient.shape[2:]
    size = size or (rows + weights.shape[2] - 1, columns + weights.shape[3] - 1)
    passed = np.zeros((len(gradient), weights.shape[1], *size))
    for a, b in np.ndindex(weights.shape[2:]):  # the pixels that met the weight (a, b)
        share = np.tensordot(gradient, weights[:, :, a, b], axes=(1, 0))  # (N, H', W', D)
        met = passed[:, :, a : a + stride * rows : stride, b : b + stride * columns : stride]
        met += share.transpose(0, 3, 1, 2)
    return passed


class MaxPool2d(Unit):
    """The largest value of each window of ``size × size``; by default windows do not overlap."""

    def __init__(self, size: int, stride: int | None = None):
        self.size, self.stride = size, stride or size

    def forward(self, maps: np.ndarray) -> np.ndarray:
        """(N, D, H, W) -> (N, D, H', W'), with ``H' = (H - size) // stride + 1``."""
        windows = sliding_window_view(maps, (self.size, self.size), axis=(2, 3))
        windows = windows[:, :, :: self.stride, :: self.stride]
        flat = windows.reshape(*windows.shape[:4], self.size**2)
        self.shape, self.chosen = maps.shape, flat.argmax(axis=-1)  # of ties, the first
        return flat.max(axis=-1)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """(N, D, H', W') -> (N, D, H, W): each value goes to the pixel that was chosen."""
        image, channel, row, column = np.indices(gradient.shape, sparse=True)
        rows = row * self.stride + self.chosen // self.size
        columns = column * self.stride + self.chosen % self.size
        passed = np.zeros(self.shape)
        np.add.at(passed, (image, channel, rows, columns), gradient)  # windows may overlap
        return passed


def gradient_by_maps(maps: np.ndarray, gradient: np.ndarray, size: int) -> np.ndarray:
    """The backward of windows that do not overlap: (N, D, H, W), (N, D, H', W') -> (N, D, H, W)."""
    pooling = MaxPool2d(size)
    pooling.forward(maps)
    return pooling.backward(gradient)


class Flatten(Unit):
    """(N, D, H, W) -> (N, D × H × W), channel after channel."""

    def forward(self, maps: np.ndarray) -> np.ndarray:
        self.shape = maps.shape
        return maps.reshape(len(maps), -1)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """(N, D × H × W) -> (N, D, H, W)."""
        return gradient.reshape(self.shape)
