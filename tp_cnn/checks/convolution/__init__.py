"""Checks of notebook 01: convolution, pooling, output sizes, weights, receptive fields.

Sources of the worked examples: 000 (1D signal), 001 (the X and its fragments), 003 (binary image,
image kernels), 004 (4x4 image, 25x25x3 image, pooling table); questions Q1 to Q7 of the lab sheet.

Functions receive NumPy arrays and whole numbers. The first inputs tried are small enough to be
computed by hand. In the mistakes, letters follow the lab sheet: x input, w filter, b bias,
n size, k kernel, s stride, p padding.

One module a part.
"""

from tp_cnn.checks.convolution.channels import convolution_batch, convolution_channels
from tp_cnn.checks.convolution.dense import dense_kernel_shape, dense_to_kernel, vgg_map_size
from tp_cnn.checks.convolution.fields import first_fields, receptive_field
from tp_cnn.checks.convolution.kernels import (
    box_blur,
    edge_kernel,
    feature_map,
    fragment_value,
    shift_change,
)
from tp_cnn.checks.convolution.one_dimension import (
    convolution_1d,
    correlation_1d,
    correlation_by_hand,
    max_pooling_by_hand,
)
from tp_cnn.checks.convolution.pooling import average_pool, max_pool, max_pool_table
from tp_cnn.checks.convolution.sizes import (
    conv_weights,
    dense_weights,
    filter_weights,
    neuron_weights,
    output_shape,
    output_size,
    same_padding,
)
from tp_cnn.checks.convolution.two_dimensions import (
    correlation_2d,
    correlation_2d_strided,
    relu,
    vertical_edges,
    worked_example,
    worked_example_relu,
)

__all__ = [
    "average_pool",
    "box_blur",
    "conv_weights",
    "convolution_1d",
    "convolution_batch",
    "convolution_channels",
    "correlation_1d",
    "correlation_2d",
    "correlation_2d_strided",
    "correlation_by_hand",
    "dense_kernel_shape",
    "dense_to_kernel",
    "dense_weights",
    "edge_kernel",
    "feature_map",
    "filter_weights",
    "first_fields",
    "fragment_value",
    "max_pool",
    "max_pool_table",
    "max_pooling_by_hand",
    "neuron_weights",
    "output_shape",
    "output_size",
    "receptive_field",
    "relu",
    "same_padding",
    "shift_change",
    "vertical_edges",
    "vgg_map_size",
    "worked_example",
    "worked_example_relu",
]
