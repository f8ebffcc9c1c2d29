"""Units one after another, and their training by gradient descent (notebook 02)."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from tp_cnn.scratch.units import Unit


class Network(Unit):
    """Units in a row: forward from the first to the last, backward from the last to the first."""

    def __init__(self, *units: Unit):
        self.units = units

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        for unit in self.units:
            inputs = unit.forward(inputs)
        return inputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        for unit in reversed(self.units):
            gradient = unit.backward(gradient)
        return gradient

    def step(self, rate: float) -> None:
        for unit in self.units:
            unit.step(rate)


def dense(sizes: Sequence[int], linear: Callable, activation: Callable, draw: Callable) -> Network:
    """Layers of ``sizes`` neurons, an activation between two of them.

    Args:
        sizes: inputs first, ``(2, 2, 1)`` for the network of document 003.
        linear: makes a unit from weights (D, U) and a bias (U,), such as `units.Linear`.
        activation: makes a unit, such as `units.Tanh`.
        draw: gives weights of the shape (D, U) that it is given.
    """
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [linear(draw((inputs, outputs)), np.zeros(outputs)), activation()]
    return Network(*layers[:-1])


def descend(network: Unit, cost, inputs: np.ndarray, labels: np.ndarray, rate: float) -> float:
    """One step of gradient descent on one batch; returns the cost before it."""
    value = cost.forward(network.forward(inputs), labels)
    network.backward(cost.backward())
    network.step(rate)
    return value


def train(
    network: Unit,
    cost,
    inputs: np.ndarray,
    labels: np.ndarray,
    rate: float,
    epochs: int,
    batch: int | None = None,
    seed: int = 0,
) -> list[float]:
    """The mean cost of each epoch; batches in random order, the whole set at once by default."""
    rng = np.random.default_rng(seed)
    size = batch or len(inputs)
    costs = []
    for _ in range(epochs):
        order = rng.permutation(len(inputs)) if batch else np.arange(len(inputs))
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        found = [descend(network, cost, inputs[part], labels[part], rate) for part in parts]
        costs.append(float(np.average(found, weights=[len(part) for part in parts])))
    return costs


def numerical_gradient(cost: Callable, values: np.ndarray, epsilon: float = 1e-5) -> np.ndarray:
    """Central differences, one value moved at a time: (cost(v + e) - cost(v - e)) / 2e."""
    gradient = np.zeros(values.shape)
    for place in np.ndindex(values.shape):
        move = np.zeros(values.shape)
        move[place] = epsilon
        gradient[place] = (cost(values + move) - cost(values - move)) / (2 * epsilon)
    return gradient
