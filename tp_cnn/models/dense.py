"""A fully-connected network, and its hidden size for a wanted number of weights."""

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from tp_cnn.errors import CourseError


class Dense(nn.Module):
    """A multi-layer perceptron: ``hidden`` layers with ReLU, then ``classes`` logits.

    Args:
        hidden: number of neurons of each hidden layer; may be empty (logistic regression).
        image_shape: (channels, height, width) of an image.

    Shape: (batch, channels, height, width) -> (batch, classes).
    """

    def __init__(
        self,
        hidden: tuple[int, ...],
        image_shape: tuple[int, int, int] = (1, 28, 28),
        classes: int = 10,
    ):
        super().__init__()
        sizes = [prod(image_shape), *hidden]
        layers = [
            layer
            for inputs, outputs in pairwise(sizes)
            for layer in (nn.Linear(inputs, outputs), nn.ReLU())
        ]
        self.features = nn.Flatten()
        self.classifier = nn.Sequential(*layers, nn.Linear(sizes[-1], classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def dense_weights(hidden: tuple[int, ...], inputs: int, classes: int) -> int:
    """Number of weights, biases included, of a perceptron with these ``hidden`` layers."""
    sizes = [inputs, *hidden, classes]
    return sum((a + 1) * b for a, b in pairwise(sizes))


def hidden_for(
    weights: int,
    layers: int = 1,
    image_shape: tuple[int, int, int] = (1, 28, 28),
    classes: int = 10,
) -> tuple[int, ...]:
    """The ``layers`` equal hidden sizes whose number of weights is closest to ``weights``.

    >>> hidden_for(61706)
    (78,)

    Raises:
        CourseError: even one neuron a layer has more weights than wanted by a factor of two.
    """
    inputs = prod(image_shape)

    def gap(width: int) -> int:
        return abs(dense_weights((width,) * layers, inputs, classes) - weights)

    width = 1
    while gap(width + 1) < gap(width):
        width += 1
    if gap(width) > weights:
        smallest = dense_weights((1,) * layers, inputs, classes)
        raise CourseError(f"{weights} weights wanted: the smallest such network has {smallest}")
    return (width,) * layers
