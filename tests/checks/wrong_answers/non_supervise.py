"""What students could answer in notebook 09."""

import numpy as np
from torch import nn
from torch.nn import functional

from tests.checks.wrong_answers import Answers
from tp_cnn.checks import non_supervise as checks
from tp_cnn.scratch import rbm


def wrong_of(check):
    """The mistakes of a check, whose answers students can write as they stand."""
    return {mistake.name: mistake.answer for mistake in check.mistakes}


class AutoEncoder(nn.Module):
    """Every layer by its name, with functions between them."""

    def __init__(self, latent):
        super().__init__()
        self.up2 = nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1)
        self.up1 = nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1)
        self.decode = nn.Linear(latent, 1568)
        self.code = nn.Linear(1568, latent)
        self.down2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.down1 = nn.Conv2d(1, 16, 3, stride=2, padding=1)

    def forward(self, x):
        x = functional.relu(self.down2(functional.relu(self.down1(x))))
        x = functional.relu(self.decode(self.code(x.flatten(1)))).view(-1, 32, 7, 7)
        return self.up2(functional.relu(self.up1(x)))


def sequence(latent):
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1568, latent),
        nn.Linear(latent, 1568),
        nn.ReLU(),
        nn.Unflatten(1, (32, 7, 7)),
        nn.ConvTranspose2d(32, 16, 3, 2, 1, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 3, 2, 1, 1),
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def energy_by_loops(visible, hidden, weights, a, b):
    found = []
    for v, h in zip(visible, hidden, strict=True):
        found.append(-(v @ weights @ h) - np.dot(a, v) - np.dot(b, h))
    return np.array(found)


def free_energy_by_states(visible, weights, a, b):
    hidden = rbm.states(len(b))
    pairs = visible @ weights @ hidden.T + (visible @ a)[:, None] + hidden @ b
    most = pairs.max(axis=1, keepdims=True)
    return -(most[:, 0] + np.log(np.exp(pairs - most).sum(axis=1)))


def gibbs_with_where(visible, weights, a, b, draws_h, draws_v):
    hidden = np.where(sigmoid(visible @ weights + b) > draws_h, 1, 0)
    return np.where(sigmoid(hidden @ weights.T + a) > draws_v, 1, 0)


def contrast_by_rows(data, samples, weights, b):
    def mean(rows):
        return np.mean([np.outer(row, sigmoid(row @ weights + b)) for row in rows], axis=0)

    return mean(data) - mean(samples)


def stack_recursive(visible, machines):
    if not machines:
        return visible
    weights, b = machines[0]
    return stack_recursive(sigmoid(visible @ weights + b), machines[1:])


ANSWERS = {
    "transposed_size": Answers(
        right=[
            lambda size, kernel, stride, padding, output_padding: (
                stride * size - stride - 2 * padding + kernel + output_padding
            ),
            lambda n, k, s, p, last: k + (n - 1) * s + last - p - p,
        ],
        wrong=wrong_of(checks.transposed_size),
    ),
    "autoencoder": Answers(right=[AutoEncoder, sequence], wrong=wrong_of(checks.autoencoder)),
    "energy": Answers(
        right=[
            energy_by_loops,
            lambda v, h, w, a, b: -np.einsum("ni,ij,nj->n", v, w, h) - (v * a).sum(1) - h @ b,
        ],
        wrong=wrong_of(checks.energy),
    ),
    "hidden_probabilities": Answers(
        right=[
            lambda visible, weights, b: sigmoid(visible @ weights + b),
            lambda v, w, b: 0.5 * (1 + np.tanh((v @ w + b) / 2)),
        ],
        wrong=wrong_of(checks.hidden_probabilities),
    ),
    "visible_probabilities": Answers(
        right=[
            lambda hidden, weights, a: sigmoid(hidden @ weights.T + a),
            lambda h, w, a: sigmoid((w @ h.T).T + a),
        ],
        wrong=wrong_of(checks.visible_probabilities),
    ),
    "free_energy": Answers(
        right=[
            free_energy_by_states,
            lambda v, w, a, b: -(v @ a) - np.logaddexp(0, v @ w + b).sum(axis=1),
        ],
        wrong=wrong_of(checks.free_energy),
    ),
    "gibbs_step": Answers(
        right=[gibbs_with_where, rbm.gibbs_step], wrong=wrong_of(checks.gibbs_step)
    ),
    "contrast": Answers(right=[contrast_by_rows, rbm.contrast], wrong=wrong_of(checks.contrast)),
    "stack": Answers(
        right=[
            stack_recursive,
            lambda v, machines: [v := sigmoid(v @ w + b) for w, b in machines][-1],
        ],
        wrong=wrong_of(checks.stack),
    ),
}
