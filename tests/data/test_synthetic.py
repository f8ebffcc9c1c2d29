"""The two sets that need no network."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tp_cnn.data.sources import load
from tp_cnn.data.synthetic import SHAPES, shapes


def test_digits():
    train, test = load("digits"), load("digits", "test")
    assert (len(train), len(test)) == (1437, 360)
    assert train.images.shape == (1437, 1, 28, 28)
    assert train.images.dtype == torch.uint8
    assert train.images.max() == 255
    assert train.classes == tuple("0123456789")
    assert test.labels.bincount().min() >= 34  # stratified
    flat = {bytes(image.flatten().tolist()) for image in train.images}
    shared = sum(bytes(image.flatten().tolist()) in flat for image in test.images)
    assert shared == 0
    assert load("digits").images.equal(train.images)


def test_digits_are_upright():
    """The mean 7 is dark at its lower right and bright along its top, as a 7 is."""
    train = load("digits")
    seven = train.images[train.labels == 7].float().mean(dim=(0, 1))
    assert seven[2:8, 8:20].mean() > 2 * seven[18:, 20:].mean()


def test_shapes_are_a_function_of_split_seed_and_rank():
    images, labels = shapes(700, seed=3)
    assert images.shape == (700, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    again, same = shapes(700, seed=3)
    assert images.equal(again)
    assert labels.equal(same)
    assert shapes(30, seed=3)[0].equal(images[:30])
    for other in (shapes(700, seed=4), shapes(700, "test", seed=3)):
        assert not images.equal(other[0])
    assert not shapes(700, "test", seed=2)[0].equal(images)
    assert shapes(0)[0].shape == (0, 3, 32, 32)


def test_shapes_by_name():
    test = load("shapes", "test")
    assert len(test) == 2000
    assert test.classes == SHAPES
    assert test.labels.bincount().tolist() == [200] * 10


def test_shapes_do_not_touch_the_global_generator():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    shapes(10)
    assert torch.rand(3).equal(expected)


def learn(model, epochs, images, labels, rate):
    optimizer = torch.optim.AdamW(model.parameters(), rate / 5)
    batches = [torch.randperm(len(labels)).split(64) for _ in range(epochs)]
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=sum(map(len, batches))
    )
    for epoch in batches:
        for batch in epoch:
            optimizer.zero_grad()
            F.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
            scheduler.step()
    model.eval()


@torch.no_grad()
def accuracy(model, images, labels):
    return (model(images).argmax(1) == labels).float().mean().item()


def conv(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.MaxPool2d(2),
        nn.ReLU(),
    )


@pytest.mark.slow
def test_a_cnn_learns_the_shapes_and_a_linear_model_does_not():
    """Measured with 5,000 images and 5 epochs: linear 14 %, this CNN 90 %."""
    torch.manual_seed(0)
    (train, labels), (test, truth) = shapes(5000), shapes(1000, "test")
    train, test = train / 255 - 0.5, test / 255 - 0.5
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    learn(linear, 5, train, labels, 1e-3)
    cnn = nn.Sequential(
        conv(3, 24), conv(24, 48), conv(48, 96), nn.Flatten(), nn.Linear(96 * 16, 10)
    )
    learn(cnn, 5, train, labels, 5e-3)
    assert accuracy(linear, test, truth) < 0.35
    assert accuracy(cnn, test, truth) > 0.85
