"""Checks of notebook 02: gradients by hand, units, layers of a CNN backwards (003).

Functions receive NumPy arrays and numbers, classes make small objects (`engine.classes`). In the
mistakes, letters follow the documents: x input, w weight, b bias, z output of a layer, y label.

One module a part.
"""

from tp_cnn.checks.retropropagation.layers import (
    gradient_by_bias,
    gradient_by_images,
    gradient_by_maps,
    gradient_by_weights,
    initialise,
)
from tp_cnn.checks.retropropagation.neuron import log_loss, neuron
from tp_cnn.checks.retropropagation.perceptron import (
    cost_by_first_weight,
    cost_by_output,
    cost_by_weight,
    count_parameters,
    output_by_hidden,
    parameters_221,
)
from tp_cnn.checks.retropropagation.scalars import engine
from tp_cnn.checks.retropropagation.units import (
    cross_entropy,
    linear,
    network,
    relu,
    sigmoid,
    tanh,
)

__all__ = [
    "cost_by_first_weight",
    "cost_by_output",
    "cost_by_weight",
    "count_parameters",
    "cross_entropy",
    "engine",
    "gradient_by_bias",
    "gradient_by_images",
    "gradient_by_maps",
    "gradient_by_weights",
    "initialise",
    "linear",
    "log_loss",
    "network",
    "neuron",
    "output_by_hidden",
    "parameters_221",
    "relu",
    "sigmoid",
    "tanh",
]
