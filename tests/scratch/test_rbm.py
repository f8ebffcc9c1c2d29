"""The restricted Boltzmann machine, on one small enough to list its states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from tp_cnn.errors import CourseError
from tp_cnn.scratch import rbm

VISIBLE, HIDDEN = 4, 3


def machine(seed, visible=VISIBLE, hidden=HIDDEN):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(visible, hidden)), rng.normal(size=visible), rng.normal(size=hidden)


def joint(weights, a, b):
    """The probability of each pair of states, from the energy alone: (visible, hidden)."""
    v, h = rbm.states(len(a)), rbm.states(len(b))
    pairs = np.array([[rbm.energy(x, y, weights, a, b) for y in h] for x in v])
    return np.exp(-pairs - logsumexp(-pairs))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), visible=st.integers(1, 5), hidden=st.integers(1, 5))
def test_conditionals_and_free_energy_are_those_of_the_enumeration(seed, visible, hidden):
    weights, a, b = machine(seed, visible, hidden)
    together = joint(weights, a, b)
    v, h = rbm.states(visible), rbm.states(hidden)
    by_visible = together / together.sum(1, keepdims=True)
    assert rbm.hidden_probabilities(v, weights, b) == pytest.approx(by_visible @ h)
    by_hidden = together.T / together.sum(0)[:, None]
    assert rbm.visible_probabilities(h, weights, a) == pytest.approx(by_hidden @ v)
    log_share = -rbm.free_energy(v, weights, a, b) - rbm.log_partition(weights, a, b)
    assert np.exp(log_share) == pytest.approx(together.sum(1))


def log_likelihood(data, weights, a, b):
    return -rbm.free_energy(data, weights, a, b).mean() - rbm.log_partition(weights, a, b)


def chain(visible, steps, weights, a, b, rng):
    """The visible units after some Gibbs steps."""
    for _ in range(steps):
        draws = rng.random((len(visible), len(b))), rng.random(visible.shape)
        visible = rbm.gibbs_step(visible, weights, a, b, *draws)
    return visible


def test_exact_gradient_is_that_of_the_likelihood():
    weights, a, b = machine(1)
    data = rbm.states(VISIBLE)[[1, 1, 6, 13]]
    gradient = rbm.exact_gradient(data, weights, a, b)
    for place in np.ndindex(weights.shape):
        moved = [weights.copy(), weights.copy()]
        moved[0][place] += 1e-5
        moved[1][place] -= 1e-5
        above, below = (log_likelihood(data, one, a, b) for one in moved)
        assert gradient[place] == pytest.approx((above - below) / 2e-5, abs=1e-6)


def test_gibbs_sampling_keeps_the_distribution_of_the_machine():
    weights, a, b = machine(2)
    shares = joint(weights, a, b).sum(1)
    rng = np.random.default_rng(0)
    count = 40_000
    v = rbm.states(VISIBLE)[rng.choice(2**VISIBLE, count, p=shares)]
    draws = rng.random((count, HIDDEN)), rng.random((count, VISIBLE))
    after = rbm.gibbs_step(v, weights, a, b, *draws)
    found = np.bincount(after.astype(int) @ [8, 4, 2, 1], minlength=16) / count
    assert found == pytest.approx(shares, abs=0.015)


def bias(k, seed):
    """How far CD-k is from the exact gradient, on the mean of many chains."""
    weights, a, b = machine(seed)
    data = np.repeat(rbm.states(VISIBLE)[[3, 5, 12]], 20_000, axis=0)
    samples = chain(data, k, weights, a, b, np.random.default_rng(7))
    estimate = rbm.contrast(data, samples, weights, b)
    return np.abs(estimate - rbm.exact_gradient(data, weights, a, b)).max()


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_the_bias_of_contrastive_divergence_shrinks_with_the_number_of_steps(seed):
    assert bias(10, seed) < 0.5 * bias(1, seed)


def test_learning_raises_the_likelihood():
    rng = np.random.default_rng(0)
    data = rbm.states(6)[rng.choice([0b000111, 0b111000, 0b101010], 300)]
    weights, a, b = rng.normal(scale=0.1, size=(6, 4)), np.zeros(6), np.zeros(4)
    before = log_likelihood(data, weights, a, b)
    for _ in range(400):
        batch = data[rng.choice(300, 50)]
        samples = chain(batch, 1, weights, a, b, rng)
        weights = weights + 0.1 * rbm.contrast(batch, samples, weights, b)
    assert log_likelihood(data, weights, a, b) > before + 1


def test_too_many_states_are_refused():
    with pytest.raises(CourseError, match="50 units: expected 1 to 20"):
        rbm.states(50)
