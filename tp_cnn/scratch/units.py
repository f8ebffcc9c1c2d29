"""The units of a network, each with forward, backward and step (notebook 02).

``forward`` keeps what ``backward`` will need. ``backward`` receives the derivatives of the cost by
what the unit gave, and returns those by what it had received: the chain rule, one link at a time.
``step`` moves the parameters against their derivatives. The cost is a mean over the N examples of a
batch: its own ``backward`` divides by N, and all the others only add up.
"""

import numpy as np


class Unit:
    """Base of the units; one without parameters has nothing to move."""

    def step(self, rate: float) -> None:
        """Move each parameter by ``-rate`` times the derivative of the cost."""


class Linear(Unit):
    """U neurons that each read the D inputs: ``outputs = inputs @ weights + bias``."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray):
        self.weights, self.bias = weights, bias  # (D, U), (U,)

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, U)."""
        self.inputs = inputs
        return inputs @ self.weights + self.bias

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """(N, U) -> (N, D): ``gradient @ weights.T``; a weight adds up what N examples say."""
        self.weights_gradient = self.inputs.T @ gradient  # (D, U)
        self.bias_gradient = gradient.sum(axis=0)  # (U,)
        return gradient @ self.weights.T

    def step(self, rate: float) -> None:
        self.weights = self.weights - rate * self.weights_gradient
        self.bias = self.bias - rate * self.bias_gradient


class Sigmoid(Unit):
    """``s = 1 / (1 + exp(-x))``, between 0 and 1; any shape, kept."""

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.outputs = sigmoid(inputs)
        return self.outputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """``s' = s (1 - s)``, written with the output."""
        return gradient * self.outputs * (1 - self.outputs)


class Tanh(Unit):
    """``t = tanh(x)``, between -1 and 1; any shape, kept."""

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.outputs = np.tanh(inputs)
        return self.outputs

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """``t' = 1 - t²``."""
        return gradient * (1 - self.outputs**2)


class ReLU(Unit):
    """``max(0, x)``; any shape, kept."""

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.inputs = inputs
        return np.maximum(inputs, 0)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """1 where the input is positive, 0 elsewhere, at 0 too, as in PyTorch."""
        return gradient * (self.inputs > 0)


class CrossEntropy:
    """The cost of C scores an example: mean of ``-log softmax(scores)[label]``."""

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        """(N, C), (N,) -> a number. The largest score is subtracted: ``exp`` never overflows."""
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, C)
        self.probabilities, self.labels = np.exp(logs), labels
        return float(-logs[np.arange(len(labels)), labels].mean())

    def backward(self) -> np.ndarray:
        """(N, C): ``(softmax - one-hot) / N``."""
        gradient = self.probabilities.copy()
        gradient[np.arange(len(self.labels)), self.labels] -= 1
        return gradient / len(self.labels)


class LogLoss:
    """The cost of one score an example, the logit of label 1 against label 0."""

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        """(N, 1), (N,) -> a number."""
        self.scores, self.labels = scores[:, 0], labels
        return log_loss(self.scores, labels)

    def backward(self) -> np.ndarray:
        """(N, 1): ``(sigmoid - label) / N``."""
        return ((sigmoid(self.scores) - self.labels) / len(self.labels))[:, None]


def sigmoid(values: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-values))``, through tanh, which never overflows."""
    return (1 + np.tanh(values / 2)) / 2


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean of ``log(1 + exp(logit)) - label × logit``: (N,), (N,) of 0 and 1 -> a number."""
    return float((np.logaddexp(0, logits) - labels * logits).mean())


def initialise(draws: np.ndarray) -> np.ndarray:
    """``sqrt(2 / dim)`` times normal draws, where dim is the number of weights of one unit.

    The first axis is that of the units: (U, D) for neurons, (C, D, k, k) for filters; shape kept.
    Document 003; K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015.
    """
    return np.sqrt(2 / draws[0].size) * draws
