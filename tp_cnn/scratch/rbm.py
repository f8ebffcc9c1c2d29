"""The restricted Boltzmann machine in NumPy (Smolensky, 1986; Hinton, 2002), notebook 09.

Visible units ``v`` (the pixels) and hidden units ``h`` are 0 or 1. The machine gives to each pair
the energy ``E(v, h) = - v·W·h - a·v - b·h``, and the probability ``exp(-E(v, h)) / Z``.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tp_cnn.errors import CourseError

Array = NDArray[np.floating]
LARGEST = 20  # units of a side of a machine whose states are all enumerated


def sigmoid(values: Array) -> Array:
    """``1 / (1 + exp(-x))``, without overflow."""
    from scipy.special import expit  # slow to import

    return expit(values)


def energy(visible: Array, hidden: Array, weights: Array, a: Array, b: Array) -> Array:
    """Energy of each pair of a row of ``visible`` and a row of ``hidden``.

    Shape: (n, d), (n, u), (d, u), (d,), (u,) -> (n,).
    """
    return -((visible @ weights) * hidden).sum(axis=-1) - visible @ a - hidden @ b


def hidden_probabilities(visible: Array, weights: Array, b: Array) -> Array:
    """``P(h_j = 1 | v)``: (n, d) -> (n, u). Given the visible units, the others are independent."""
    return sigmoid(visible @ weights + b)


def visible_probabilities(hidden: Array, weights: Array, a: Array) -> Array:
    """``P(v_i = 1 | h)``: (n, u) -> (n, d)."""
    return sigmoid(hidden @ weights.T + a)


def free_energy(visible: Array, weights: Array, a: Array, b: Array) -> Array:
    """``-log`` of the sum of ``exp(-E(v, h))`` over every ``h``, in closed form: (n, d) -> (n,)."""
    return -visible @ a - np.logaddexp(0, visible @ weights + b).sum(axis=-1)


def gibbs_step(
    visible: Array, weights: Array, a: Array, b: Array, draws_h: Array, draws_v: Array
) -> Array:
    """Draw the hidden units given the visible ones, then new visible units given those.

    Args:
        draws_h, draws_v: numbers drawn evenly between 0 and 1, (n, u) and (n, d): a unit is 1 where
            its number is below its probability.
    """
    hidden = (draws_h < hidden_probabilities(visible, weights, b)).astype(visible.dtype)
    return (draws_v < visible_probabilities(hidden, weights, a)).astype(visible.dtype)


def contrast(data: Array, samples: Array, weights: Array, b: Array) -> Array:
    """How the weights should change: what the data has more of than the samples, (d, u).

    With samples of the machine, it is the gradient of the mean log-likelihood. With samples
    after k Gibbs steps from the data, it is contrastive divergence, CD-k (Hinton, 2002).
    """
    positive = data.T @ hidden_probabilities(data, weights, b) / len(data)
    negative = samples.T @ hidden_probabilities(samples, weights, b) / len(samples)
    return positive - negative


def climb(visible: Array, machines: Sequence[tuple[Array, Array]]) -> Array:
    """What the hidden units of stacked machines, each (weights, b), make of images: (n, last u)."""
    for weights, b in machines:
        visible = hidden_probabilities(visible, weights, b)
    return visible


# A machine small enough to enumerate its states


def states(units: int) -> Array:
    """Every state of some units of 0 or 1: (2 ** units, units).

    Raises:
        CourseError: there are too many.
    """
    if not 1 <= units <= LARGEST:
        raise CourseError(
            f"{units} units: expected 1 to {LARGEST}, each doubles the states to list"
        )
    return np.array([*product([0.0, 1.0], repeat=units)])


def log_partition(weights: Array, a: Array, b: Array) -> float:
    """``log Z``, over all the states of the visible units."""
    from scipy.special import logsumexp  # slow to import

    return float(logsumexp(-free_energy(states(len(a)), weights, a, b)))


def exact_gradient(data: Array, weights: Array, a: Array, b: Array) -> Array:
    """Gradient by the weights of the mean log-probability of ``data``, (d, u), by enumeration."""
    everything = states(len(a))
    shares = np.exp(-free_energy(everything, weights, a, b) - log_partition(weights, a, b))
    expected = (everything * shares[:, None]).T @ hidden_probabilities(everything, weights, b)
    return data.T @ hidden_probabilities(data, weights, b) / len(data) - expected
