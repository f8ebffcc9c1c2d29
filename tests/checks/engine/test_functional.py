"""Networks that hold their weights themselves and call PyTorch's functions."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tp_cnn.checks import ameliorations, cifar, lenet


def weights(*shape):
    return nn.Parameter(torch.randn(shape) * 0.1)


class Lenet(nn.Module):
    """LeNet-5 without a layer of nn."""

    def __init__(self):
        super().__init__()
        self.w1, self.b1 = weights(6, 1, 5, 5), weights(6)
        self.w2, self.b2 = weights(16, 6, 5, 5), weights(16)
        self.w3, self.b3 = weights(120, 400), weights(120)
        self.w4, self.b4 = weights(84, 120), weights(84)
        self.w5, self.b5 = weights(10, 84), weights(10)

    padding = 2

    def forward(self, x):
        x = F.relu(F.max_pool2d(F.conv2d(x, self.w1, self.b1, padding=self.padding), 2))
        x = F.max_pool2d(F.relu(F.conv2d(x, self.w2, bias=self.b2)), 2).flatten(1)
        x = F.relu(F.linear(x, self.w3, self.b3))
        x = self.fourth(x).relu()
        return F.linear(x, self.w5, self.b5)

    def fourth(self, x):
        return F.linear(x, self.w4, self.b4)


class NotPadded(Lenet):
    padding = 0


class ByHand(Lenet):
    def fourth(self, x):
        return x @ self.w4.T + self.b4


class Convolution(nn.Module):
    """A layer of one's own, to put in a network of nn."""

    def __init__(self, inputs, filters, size, padding):
        super().__init__()
        self.kernels, self.bias = weights(filters, inputs, size, size), weights(filters)
        self.padding = padding

    def forward(self, maps):
        return F.conv2d(maps, self.kernels, self.bias, 1, self.padding)


class Normalisation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.scale, self.shift = weights(channels), weights(channels)
        self.register_buffer("m", torch.zeros(channels))
        self.register_buffer("v", torch.ones(channels))

    def forward(self, maps):
        return F.batch_norm(maps, self.m, self.v, self.scale, self.shift, self.training)


def stages(ceil_mode=True):
    layers = []
    for inputs, filters in [(3, 32), (32, 64), (64, 64)]:
        layers += [Convolution(inputs, filters, 5, 2), Normalisation(filters), nn.ReLU()]
        layers.append(nn.MaxPool2d(2, ceil_mode=ceil_mode and filters == inputs))
    return nn.Sequential(*layers)


@pytest.mark.parametrize("seed", range(2))
def test_weights_given_to_functions_are_layers(seed):
    for verdict in (
        lenet.lenet5(Lenet, seed=seed),
        lenet.lenet5(Lenet(), seed=seed),
        ameliorations.features(stages, seed=seed),
    ):
        assert verdict.ok, verdict


def test_their_mistakes_are_named_as_those_of_layers():
    assert lenet.lenet5(NotPadded).mistake == "no-padding"
    assert ameliorations.features(lambda: stages(ceil_mode=False)).mistake == "no-ceil"
    assert cifar.cifarnet(Lenet).mistake == "filters"
    frozen = Lenet()
    frozen.w4.requires_grad_(False)
    assert lenet.lenet5(frozen).mistake == "frozen"
    same = Lenet()
    assert lenet.lenet5(lambda: same).mistake == "same-object"


def test_what_cannot_be_followed_is_not_told_wrong():
    verdict = lenet.lenet5(ByHand)
    assert verdict.mistake == "unread"
    assert "w4, b4" in verdict.message
    assert "le réseau est peut-être juste" in verdict.message
    assert "il manque" not in verdict.message
