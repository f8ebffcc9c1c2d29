"""Weights and receptive fields, with the arguments that notebook 01 asks of its functions."""

from tp_cnn.models import geometry


def conv_weights(kernel: int, channels: int, filters: int) -> int:
    """Weights of a convolution, biases included (question 1)."""
    return geometry.conv_weights(channels, filters, kernel)


def dense_weights(height: int, width: int, channels: int, out_height: int, out_width: int) -> int:
    """Weights of the fully-connected layer that gives one map of that size (question 1)."""
    return geometry.dense_weights(height * width * channels, out_height * out_width)


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Side of the receptive field after ``layers``, each (kernel, stride) (question 7)."""
    return geometry.receptive_field([geometry.Layer(*layer) for layer in layers]).size
