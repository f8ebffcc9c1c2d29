"""The NumPy convolutions against PyTorch (float64, tolerance 1e-12) and the documents' tables."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from tp_cnn.errors import CourseError
from tp_cnn.scratch import convolution as scratch
from tp_cnn.scratch.convolution import FRAGMENTS, IMAGE_KERNELS, O, X

small = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


def assert_close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@st.composite
def problems(draw):
    """Random images, weights, bias, stride and padding whose windows fit."""
    images, channels, filters, stride = (draw(small) for _ in range(4))
    padding = draw(st.integers(0, 2))
    height, width = draw(small), draw(small)
    rows = draw(st.integers(height, height + 6))
    columns = draw(st.integers(width, width + 6))
    rng = np.random.default_rng(draw(seeds))
    return (
        rng.normal(size=(images, channels, rows, columns)),
        rng.normal(size=(filters, channels, height, width)),
        rng.normal(size=filters),
        stride,
        padding,
    )


@given(problems())
@settings(max_examples=60, deadline=None)
def test_every_version_is_pytorchs_conv2d(problem):
    images, weights, bias, stride, padding = problem
    tensors = map(torch.from_numpy, (images, weights, bias))
    expected = F.conv2d(*tensors, stride=stride, padding=padding).numpy()
    assert_close(scratch.conv2d_windows(*problem), expected)
    assert_close(scratch.conv2d_batch(*problem), expected)
    assert_close(scratch.conv2d_channels(images[0], *problem[1:]), expected[0])

    image, kernel = images[0, 0], weights[0, 0]
    pair = torch.from_numpy(image)[None, None], torch.from_numpy(kernel)[None, None]
    strided = F.conv2d(*pair, stride=stride, padding=padding)[0, 0].numpy()
    assert_close(scratch.conv2d_strided(image, kernel, stride, padding), strided)
    assert_close(scratch.conv2d_one_channel(image, kernel), F.conv2d(*pair)[0, 0].numpy())


@given(st.integers(1, 5), st.integers(0, 8), seeds)
@settings(deadline=None)
def test_1d_versions_are_those_of_pytorch_and_numpy(width, extra, seed):
    rng = np.random.default_rng(seed)
    signal, kernel = rng.normal(size=width + extra), rng.normal(size=width)
    pair = torch.from_numpy(signal)[None, None], torch.from_numpy(kernel)[None, None]
    assert_close(scratch.correlate1d(signal, kernel), F.conv1d(*pair)[0, 0].numpy())
    assert_close(scratch.convolve1d(signal, kernel), np.convolve(signal, kernel))


def test_convolution_has_its_properties_and_cross_correlation_has_not():
    rng = np.random.default_rng(0)
    x, y, u, v = (rng.normal(size=size) for size in (7, 4, 3, 3))
    convolve = scratch.convolve1d
    assert_close(convolve(x, y), convolve(y, x))
    assert_close(convolve(x, convolve(y, u)), convolve(convolve(x, y), u))
    assert_close(convolve(x, u + v), convolve(x, u) + convolve(x, v))
    one_way = scratch.correlate1d(np.pad(x, 3), y)
    the_other = scratch.correlate1d(np.pad(y, 6), x)
    assert one_way.shape == the_other.shape
    assert abs(one_way - the_other).max() > 0.1
    assert_close(one_way, the_other[::-1])  # but for the order


def test_example_of_document_000():
    signal, kernel = np.array([1, 0, 2, 4, 3]), np.array([3, 2])
    assert scratch.correlate1d(signal, kernel).tolist() == [3, 4, 14, 18]


def test_examples_of_documents_003_and_004():
    image = np.array([[2, -1, -1, 3], [-2, 1, 2, -1], [0, 0, 2, 3], [2, -1, -3, 2]])
    kernel = np.array([[-1, 2], [0, 1]])
    assert scratch.conv2d_one_channel(image, kernel).tolist() == [
        [-3, 1, 6],
        [4, 5, -1],
        [-1, 1, 6],
    ]
    image = np.array(
        [[1, 0, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 1, 1], [1, 1, 1, 0, 0]]
    )
    vertical_edges = np.array([[-1, 0, 1]] * 3)
    assert scratch.conv2d_one_channel(image, vertical_edges).tolist() == [
        [-1, -1, 1],
        [-2, 0, 2],
        [-1, 0, 1],
    ]


# Document 001, two decimals, truncated.
DIAGONAL = """
 0.77 -0.11  0.11  0.33  0.55 -0.11  0.33
-0.11  1.00 -0.11  0.33 -0.11  0.11 -0.11
 0.11 -0.11  1.00 -0.33  0.11 -0.11  0.55
 0.33  0.33 -0.33  0.55 -0.33  0.33  0.33
 0.55 -0.11  0.11 -0.33  1.00 -0.11  0.11
-0.11  0.11 -0.11  0.33 -0.11  1.00 -0.11
 0.33 -0.11  0.55  0.33  0.11 -0.11  0.77
"""
CROSS = """
 0.33 -0.55  0.11 -0.11  0.11 -0.55  0.33
-0.55  0.55 -0.55  0.33 -0.55  0.55 -0.55
 0.11 -0.55  0.55 -0.77  0.55 -0.55  0.11
-0.11  0.33 -0.77  1.00 -0.77  0.33 -0.11
 0.11 -0.55  0.55 -0.77  0.55 -0.55  0.11
-0.55  0.55 -0.55  0.33 -0.55  0.55 -0.55
 0.33 -0.55  0.11 -0.11  0.11 -0.55  0.33
"""
ANTIDIAGONAL = """
 0.33 -0.11  0.55  0.33  0.11 -0.11  0.77
-0.11  0.11 -0.11  0.33 -0.11  1.00 -0.11
 0.55 -0.11  0.11 -0.33  1.00 -0.11  0.11
 0.33  0.33 -0.33  0.55 -0.33  0.33  0.33
 0.11 -0.11  1.00 -0.33  0.11 -0.11  0.55
-0.11  1.00 -0.11  0.33 -0.11  0.11 -0.11
 0.77 -0.11  0.11  0.33  0.55 -0.11  0.33
"""


def table(text):
    return [[float(value) for value in line.split()] for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [("diagonale ↘", DIAGONAL), ("croix", CROSS), ("diagonale ↗", ANTIDIAGONAL)],
)
def test_feature_maps_of_document_001(fragment, expected):
    found = scratch.fragment_map(X, FRAGMENTS[fragment])
    assert scratch.truncate(found).tolist() == table(expected)


def test_the_cross_tells_x_from_o():
    assert X.shape == O.shape == (9, 9)
    assert set(np.unique(X)) == set(np.unique(O)) == {-1, 1}
    assert scratch.fragment_map(X, FRAGMENTS["croix"]).max() == 1
    assert scratch.fragment_map(O, FRAGMENTS["croix"]).max() < 0.6


def test_truncate_cuts_without_binary_surprises():
    values = np.array([7 / 9, -1 / 9, 0.29, -0.999])
    assert scratch.truncate(values).tolist() == [0.77, -0.11, 0.29, -0.99]


def test_image_kernels_keep_or_cancel_a_flat_image():
    flat = np.full((5, 5), 7.0)
    for name, kernel in IMAGE_KERNELS.items():
        expected = 0 if name.startswith("contours") else 7
        assert_close(scratch.conv2d_one_channel(flat, kernel), expected)
    assert len(IMAGE_KERNELS) == 7


def test_a_kernel_that_does_not_fit_is_explained():
    with pytest.raises(CourseError, match="window of 3 does not fit in 2"):
        scratch.conv2d_one_channel(np.ones((2, 5)), np.ones((3, 3)))
    with pytest.raises(ValueError, match="zip"):
        scratch.conv2d_channels(np.ones((2, 5, 5)), np.ones((1, 3, 3, 3)), np.ones(1))
