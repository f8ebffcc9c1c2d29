"""Convolution written by hand in NumPy, one idea more at a time (notebook 01).

What deep learning calls a convolution is a cross-correlation: the kernel is not mirrored. All
functions here do the same, but for ``convolve1d``, the convolution of mathematics.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tp_cnn.models.geometry import output_size

# Classic kernels of image processing (https://en.wikipedia.org/wiki/Kernel_(image_processing)).
IMAGE_KERNELS = {
    "identité": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "contours : diagonales": np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]]),
    "contours : 4 voisins": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    "contours : 8 voisins": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "netteté": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "flou uniforme": np.full((3, 3), 1 / 9),
    "flou gaussien": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
}


def _drawing(text: str) -> np.ndarray:
    """Lines of ``#`` and ``.`` as an array of 1 and -1."""
    return np.array([[1 if mark == "#" else -1 for mark in line] for line in text.split()])


# The 9×9 images and the fragments of "How convolutional neural networks work" (B. Rohrer, 2016).
X = _drawing("""
.........
.#.....#.
..#...#..
...#.#...
....#....
...#.#...
..#...#..
.#.....#.
.........
""")
O = _drawing("""
.........
...###...
..#...#..
.#.....#.
.#.....#.
.#.....#.
..#...#..
...###...
.........
""")  # noqa: E741 - the letter that it draws
FRAGMENTS = {
    "diagonale ↘": _drawing("#.. .#. ..#"),
    "croix": _drawing("#.# .#. #.#"),
    "diagonale ↗": _drawing("..# .#. #.."),
}


def correlate1d(signal: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """``out[t] = sum over a of signal[t + a] kernel[a]``: (n,), (k,) -> (n - k + 1,)."""
    out = np.zeros(output_size(len(signal), len(kernel)))
    for t in range(len(out)):
        out[t] = np.sum(signal[t : t + len(kernel)] * kernel)
    return out


def convolve1d(signal: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """``out[t] = sum over a of signal[t - a] kernel[a]``: (n,), (k,) -> (n + k - 1,).

    The kernel is mirrored and the signal is zero outside its n values: without the first, the
    operation is not commutative; without the second, the result would lose its borders.
    """
    return correlate1d(np.pad(signal, len(kernel) - 1), kernel[::-1])


def conv2d_one_channel(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """First version: slide a kernel over an image. (H, W), (h, w) -> (H - h + 1, W - w + 1)."""
    height, width = kernel.shape
    out = np.zeros((output_size(image.shape[0], height), output_size(image.shape[1], width)))
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            window = image[row : row + height, column : column + width]
            out[row, column] = np.sum(window * kernel)
    return out


def conv2d_strided(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Second version: a border of zeros, and ``stride`` pixels between two windows.

    (H, W), (h, w) -> (H', W'), with ``H' = (H + 2 padding - h) // stride + 1``, and W' alike.
    """
    image = np.pad(image, padding)
    height, width = kernel.shape
    rows = output_size(image.shape[0], height, stride)
    columns = output_size(image.shape[1], width, stride)
    out = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            window = image[top : top + height, left : left + width]
            out[row, column] = np.sum(window * kernel)
    return out


def conv2d_channels(
    image: np.ndarray, weights: np.ndarray, bias: np.ndarray, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Third version: each of C filters adds up what it finds in D channels, plus its bias.

    (D, H, W), (C, D, h, w), (C,) -> (C, H', W').
    """
    maps = []
    for kernels, constant in zip(weights, bias, strict=True):  # (D, h, w), a number
        found = [
            conv2d_strided(channel, kernel, stride, padding)
            for channel, kernel in zip(image, kernels, strict=True)
        ]
        maps.append(sum(found) + constant)
    return np.stack(maps)


def conv2d_batch(
    images: np.ndarray, weights: np.ndarray, bias: np.ndarray, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Fourth version: what ``torch.nn.functional.conv2d`` computes, image after image.

    (N, D, H, W), (C, D, h, w), (C,) -> (N, C, H', W').
    """
    return np.stack([conv2d_channels(image, weights, bias, stride, padding) for image in images])


def conv2d_windows(
    images: np.ndarray, weights: np.ndarray, bias: np.ndarray, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """The same without a loop: all windows at once, then one big product of matrices.

    (N, D, H, W), (C, D, h, w), (C,) -> (N, C, H', W').
    """
    images = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(images, weights.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, D, H', W', h, w), a view: nothing is copied
    out = np.tensordot(windows, weights, axes=([1, 4, 5], [1, 2, 3]))  # (N, H', W', C)
    return out.transpose(0, 3, 1, 2) + bias[:, None, None]


def dense_to_kernel(weights: np.ndarray, channels: int, height: int, width: int) -> np.ndarray:
    """A fully-connected layer's weights as filters as large as its maps (question 5).

    (outputs, channels * height * width) -> (outputs, channels, height, width).
    """
    return weights.reshape(len(weights), channels, height, width)


def fragment_map(image: np.ndarray, fragment: np.ndarray) -> np.ndarray:
    """How well ``fragment`` matches ``image`` at each place: the mean of the products.

    With pixels of 1 and -1: 1 where all pixels agree, -1 where none does.
    """
    return conv2d_one_channel(image, fragment) / fragment.size


def truncate(values: np.ndarray, decimals: int = 2) -> np.ndarray:
    """Cut, do not round, after ``decimals`` digits: 7/9 gives 0.77."""
    scaled = np.round(np.asarray(values) * 10**decimals, 6)  # 0.29 * 100 is 28.999...
    return np.trunc(scaled) / 10**decimals
