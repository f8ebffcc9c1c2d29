"""NumPy pooling against PyTorch (float64, tolerance 1e-12) and the documents' tables."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from tp_cnn.scratch.convolution import FRAGMENTS, X, fragment_map, truncate
from tp_cnn.scratch.pooling import avg_pool2d, max_pool2d, relu


@st.composite
def problems(draw):
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = draw(st.integers(0, kernel // 2))
    rows, columns = (draw(st.integers(kernel, kernel + 8)) for _ in range(2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    maps = rng.normal(size=(2, 3, rows, columns))
    return maps, kernel, stride, padding, draw(st.booleans())


@given(problems())
@settings(deadline=None)
def test_max_and_average_pooling_are_those_of_pytorch(problem):
    maps, kernel, stride, padding, ceil_mode = problem
    tensor = torch.from_numpy(maps)
    expected = F.max_pool2d(tensor, kernel, stride, padding, ceil_mode=ceil_mode)
    np.testing.assert_array_equal(max_pool2d(*problem), expected)
    expected = F.avg_pool2d(tensor, kernel, stride, padding, ceil_mode)
    np.testing.assert_allclose(avg_pool2d(*problem), expected, rtol=0, atol=1e-12)


def test_windows_follow_one_another_by_default():
    maps = np.random.default_rng(0).normal(size=(7, 9))
    expected = F.max_pool2d(torch.from_numpy(maps)[None], 3)[0]
    np.testing.assert_array_equal(max_pool2d(maps, 3), expected)


def test_pooling_of_documents_000_and_004():
    square = np.arange(1, 17).reshape(4, 4)
    assert max_pool2d(square, 2).tolist() == [[6, 8], [14, 16]]
    assert avg_pool2d(square, 2).tolist() == [[3.5, 5.5], [11.5, 13.5]]


def test_pooling_and_relu_of_document_001():
    found = truncate(fragment_map(X, FRAGMENTS["diagonale ↘"]))
    assert max_pool2d(found, 2, ceil_mode=True).tolist() == [
        [1.00, 0.33, 0.55, 0.33],
        [0.33, 1.00, 0.33, 0.55],
        [0.55, 0.33, 1.00, 0.11],
        [0.33, 0.55, 0.11, 0.77],
    ]
    assert relu(found).tolist() == [
        [0.77, 0, 0.11, 0.33, 0.55, 0, 0.33],
        [0, 1.00, 0, 0.33, 0, 0.11, 0],
        [0.11, 0, 1.00, 0, 0.11, 0, 0.55],
        [0.33, 0.33, 0, 0.55, 0, 0.33, 0.33],
        [0.55, 0, 0.11, 0, 1.00, 0, 0.11],
        [0, 0.11, 0, 0.33, 0, 1.00, 0],
        [0.33, 0, 0.55, 0.33, 0.11, 0, 0.77],
    ]


def test_relu_of_document_004():
    maps = np.array([[-3, 1, 6], [4, 5, -1], [-1, 1, 6]])
    assert relu(maps).tolist() == [[0, 1, 6], [4, 5, 0], [0, 1, 6]]
