"""Units one after another, and their training by gradient descent (notebook 02)."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from tp_cnn.scratch.units import CrossEntropy, Linear, LogLoss, Tanh, Unit


class Network(Unit):
    """Units in a row, then a cost."""

    def __init__(self, units: Sequence[Unit], cost: CrossEntropy | LogLoss):
        self.units, self.cost = units, cost

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """What the last unit gives: the scores."""
        for unit in self.units:
            inputs = unit.forward(inputs)
        return inputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """From the last unit to the first; returns the derivatives by the inputs."""
        for unit in reversed(self.units):
            gradient = unit.backward(gradient)
        return gradient

    def step(self, rate: float) -> None:
        for unit in self.units:
            unit.step(rate)

    def learn(self, inputs: np.ndarray, labels: np.ndarray, rate: float) -> float:
        """One step of gradient descent on one batch; returns the cost before it."""
        cost = self.cost.forward(self.forward(inputs), labels)
        self.backward(self.cost.backward())
        self.step(rate)
        return cost


def dense(
    sizes: Sequence[int], draw: Callable, linear: Callable = Linear, activation: Callable = Tanh
) -> list[Unit]:
    """Layers of ``sizes`` neurons, an activation between two of them, biases at zero.

    Args:
        sizes: inputs first, ``(2, 2, 1)`` for the network of document 003.
        draw: gives weights (U, D) for the shape that it receives: a row a neuron.
        linear: makes a unit from weights (D, U) and a bias (U,).
        activation: makes a unit.
    """
    units = []
    for inputs, outputs in pairwise(sizes):
        units += [linear(draw((outputs, inputs)).T, np.zeros(outputs)), activation()]
    return units[:-1]


def train(
    network: Network,
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
        found = [network.learn(inputs[part], labels[part], rate) for part in parts]
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
