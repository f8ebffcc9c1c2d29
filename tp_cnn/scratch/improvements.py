"""The five improvements of notebook 05 written by hand in PyTorch, as the lab sheet asks for them.

Where a student's function is not right yet, the notebook goes on with the one of the same name.
Images are float tensors (N, 3, H, W), maps (N, C, H, W); training never imports this module.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tp_cnn.models import CifarNet

PIXELS = (0, 2, 3)  # the axes over which the statistics of a channel are taken


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of all the pixels of each channel: two tensors (3,)."""
    return images.mean(PIXELS), images.std(PIXELS)


def normalise_both(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Both sets, normalised by the statistics of the train set (question 20)."""
    mean, deviation = (values.view(3, 1, 1) for values in channel_statistics(train))
    return (train - mean) / deviation, (test - mean) / deviation


def whiten(train: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """Images (N, values), whitened by ZCA as the train images (M, values) ask (question 21)."""
    mean = train.mean(0)
    eigenvalues, vectors = torch.linalg.eigh(torch.cov(train.T))
    scales = (eigenvalues.clamp_min(0) + epsilon).rsqrt()
    return (images - mean) @ (vectors * scales) @ vectors.T


def random_crop(images: Tensor, size: int) -> Tensor:
    """A window of ``size``×``size`` pixels of each image, at a place drawn for it."""
    height, width = images.shape[2:]
    windows = []
    for image in images:
        top = torch.randint(height - size + 1, ()).item()
        left = torch.randint(width - size + 1, ()).item()
        windows.append(image[:, top : top + size, left : left + size])
    return torch.stack(windows)


def random_flip(images: Tensor) -> Tensor:
    """Each image, mirrored left and right one time in two."""
    mirrored = torch.rand(len(images)) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)


def augment(images: Tensor, training: bool) -> Tensor:
    """Windows of 28×28: random and mirrored in train, centred in test (question 22)."""
    return random_flip(random_crop(images, 28)) if training else images[:, :, 2:30, 2:30]


def momentum_step(
    weights: Tensor, velocity: Tensor, gradient: Tensor, rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    """The weights and the velocity after a step of SGD with momentum (question 26)."""
    velocity = momentum * velocity + gradient
    return weights - rate * velocity, velocity


def train(model: nn.Module, batches, epochs: int) -> list[float]:
    """SGD, momentum 0.9, rate 0.01 times 0.95 an epoch; the rates used (question 26)."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
    model.train()
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        for images, labels in batches:
            loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
    return rates


def dropout(values: Tensor, p: float, training: bool) -> Tensor:
    """Each value is off with probability ``p`` in train, the others divided by 1 - p."""
    return values * (torch.rand(values.shape) >= p) / (1 - p) if training else values


def build_classifier() -> nn.Module:
    """The dense layers of the network, with a dropout between fc4 and fc5 (question 29)."""
    return CifarNet(dropout=0.5).classifier


def normalise_maps(
    maps: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Tensor:
    """Batch normalisation with these statistics, one value a channel (question 34)."""
    mean, variance, gamma, beta = (one.view(1, -1, 1, 1) for one in (mean, variance, gamma, beta))
    return gamma * (maps - mean) / (variance + eps).sqrt() + beta


def batch_statistics(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (divided by n) of each channel of a batch."""
    return maps.mean(PIXELS), maps.var(PIXELS, correction=0)


def update_running(
    maps: Tensor, running_mean: Tensor, running_variance: Tensor, momentum: float
) -> tuple[Tensor, Tensor]:
    """The running mean and variance after a batch, whose variance is divided by n - 1."""
    mean, variance = maps.mean(PIXELS), maps.var(PIXELS)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    return new_mean, (1 - momentum) * running_variance + momentum * variance


def build_features() -> nn.Module:
    """The three stages of convolution, each with a batch normalisation (question 34)."""
    return CifarNet(batch_norm=True).features


class HandDropout(nn.Module):
    """A layer that a function like `dropout` computes."""

    def __init__(self, layer: nn.Dropout, function: Callable):
        super().__init__()
        self.p, self.function = layer.p, function

    def forward(self, values: Tensor) -> Tensor:
        return self.function(values, self.p, self.training)


class HandBatchNorm(nn.Module):
    """A layer that functions like `normalise_maps` and its two companions compute."""

    def __init__(self, layer: nn.BatchNorm2d, functions: Sequence[Callable]):
        super().__init__()
        self.learnt = nn.ParameterList([layer.weight, layer.bias])  # gamma and beta
        self.running = (layer.running_mean, layer.running_var)
        self.momentum, self.eps = layer.momentum, layer.eps
        self.normalise, self.statistics, self.update = functions

    def forward(self, maps: Tensor) -> Tensor:
        if not self.training:
            return self.normalise(maps, *self.running, *self.learnt, self.eps)
        with torch.no_grad():
            self.running = self.update(maps, *self.running, self.momentum)
        return self.normalise(maps, *self.statistics(maps), *self.learnt, self.eps)


def by_hand(model: nn.Module, dropout: Callable, batch_norm: Sequence[Callable]) -> nn.Module:
    """``model``, with layers of one's own in the place of PyTorch's dropouts and batch norms.

    Args:
        dropout: a function like `dropout`.
        batch_norm: functions like `normalise_maps`, `batch_statistics` and `update_running`.
    """
    for name, layer in list(model.named_children()):
        if isinstance(layer, nn.Dropout):
            setattr(model, name, HandDropout(layer, dropout))
        elif isinstance(layer, nn.BatchNorm2d):
            setattr(model, name, HandBatchNorm(layer, batch_norm))
        else:
            by_hand(layer, dropout, batch_norm)
    return model
