"""One neuron, and the 2-2-1 network of document 003 with its derivatives by hand (notebook 02).

Its units are sigmoids: z1 is what a hidden unit gives, w2 the weight from there to the output z2, a
probability; the error is the cross entropy of z2 and of the label y, 0 or 1.
"""

import numpy as np


def neuron(X: np.ndarray, w: np.ndarray, b: float) -> np.ndarray:
    """The side of the line ``w·x + b = 0`` on which each row of X is: (N, D) -> (N,) of ±1."""
    return np.where(X @ w + b >= 0, 1, -1)


def cross_entropy(z2: float, y: float) -> float:
    """``-y log z2 - (1 - y) log(1 - z2)``."""
    return -y * np.log(z2) - (1 - y) * np.log(1 - z2)


def cost_by_output(z2: float, y: float) -> float:
    """Of the error by z2: ``-y / z2 + (1 - y) / (1 - z2)``."""
    return (z2 - y) / (z2 * (1 - z2))


def cost_by_weight(z1: float, z2: float, y: float) -> float:
    """Of the error by w2: by z2, times ``z2 (1 - z2)``, times z1."""
    return (z2 - y) * z1


def output_by_hidden(z2: float, w2: float) -> float:
    """Of z2 by z1."""
    return z2 * (1 - z2) * w2


def cost_by_first_weight(x: float, z1: float, z2: float, w2: float, y: float) -> float:
    """Of the error by the weight of an input x in the hidden unit: all the links at once."""
    return (z2 - y) * w2 * z1 * (1 - z1) * x
