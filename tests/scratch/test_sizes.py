"""The functions that stand for a student's are right by the checks of their questions."""

import numpy as np
import pytest

from tp_cnn.checks import convolution as check
from tp_cnn.checks import lenet
from tp_cnn.scratch import convolution, mistakes, pooling, sizes


@pytest.mark.parametrize(
    ("verify", "function"),
    [
        (check.conv_weights, sizes.conv_weights),
        (check.dense_weights, sizes.dense_weights),
        (check.receptive_field, sizes.receptive_field),
        (check.shift_change, pooling.relative_change),
        (check.max_pool, pooling.max_pool2d),
        (check.dense_to_kernel, convolution.dense_to_kernel),
        (check.feature_map, convolution.fragment_map),
        (check.correlation_2d, convolution.conv2d_one_channel),
        (check.convolution_channels, convolution.conv2d_channels),
        (check.convolution_batch, convolution.conv2d_batch),
        (lenet.confusion_rate, mistakes.error_rate),
        (lenet.most_confused, mistakes.most_confused),
    ],
)
def test_what_runs_in_place_of_a_students_code_is_right(verify, function):
    assert verify(function).ok


def test_the_figures_that_the_rubric_of_question_3_quotes():
    from tp_cnn.plots.convolution.images import sample_picture

    kernel = convolution.IMAGE_KERNELS["contours : 8 voisins"]
    maps = pooling.relu(convolution.conv2d_one_channel(sample_picture(128), kernel))
    before, after = maps[:, :112], maps[:, 1:113]
    changes = [
        pooling.relative_change(pooling.max_pool2d(before, k), pooling.max_pool2d(after, k))
        for k in (1, 2, 4, 8)
    ]
    assert np.allclose(changes, [0.95, 0.5, 0.2, 0.1], atol=0.05)
