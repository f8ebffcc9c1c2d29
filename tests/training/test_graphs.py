"""Passes that are replayed. Without a GPU a recording is a function called again: the part that
speaks to CUDA is replaced. Where there is a GPU, the real one is compared with what it stands for.
"""

import copy
import gc
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tp_cnn.data.batches import Batches
from tp_cnn.models import CifarNet, LeNet5, vit
from tp_cnn.training import epoch, graphs

CRITERION = nn.CrossEntropyLoss()
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


class Forgets(nn.CrossEntropyLoss):
    """A loss that also clears the gradients: CUDA's replays write them, a function adds to them."""

    def __init__(self, model):
        super().__init__()
        self.model = [model]  # in a list: no part of this one

    def forward(self, outputs, labels):
        self.model[0].zero_grad()
        return super().forward(outputs, labels)


@pytest.fixture
def replays(monkeypatch):
    """Have recordings, on the CPU, write where CUDA's would; one item a replay."""
    done = []

    def recording(function):
        results = tuple(torch.full_like(value, float("nan")) for value in function())

        def replay():
            done.append(1)
            for kept, new in zip(results, function(), strict=True):
                kept.copy_(new)

        return replay, results

    monkeypatch.setattr(graphs, "recording", recording)
    return done


@pytest.fixture
def trained(image_set, monkeypatch):
    """A function that trains a network for an epoch: the measure, and the weights."""
    torch.manual_seed(0)
    model = LeNet5()

    def train(record, count=200):
        network = copy.deepcopy(model)
        monkeypatch.setattr(graphs, "can_record", lambda *_: record)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
        batches = Batches(image_set(count), 20, shuffle=True, device="cpu")
        return epoch(batches, network, Forgets(network), optimizer), list(network.parameters())

    return train


@pytest.mark.parametrize("count", [200, 190])
def test_an_epoch_with_replays_gives_the_same_weights(trained, replays, count):
    (one, weights), (other, expected) = (trained(record, count) for record in (True, False))
    assert one == other
    assert all(map(torch.equal, weights, expected))
    # Ten batches: the first are not replayed, nor the last if it is smaller.
    assert len(replays) == 10 - graphs.WARM_UP - (count == 190)


def test_what_cannot_be_recorded_is_computed(trained, monkeypatch):
    def recording(function):
        function()
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(graphs, "recording", recording)
    (one, weights), (other, expected) = trained(True), trained(False)
    assert one == other
    assert all(map(torch.equal, weights, expected))


def with_gradient_graph():
    everything = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor)]
    return {id(one): one for one in everything if one.grad_fn is not None}


def test_no_gradient_graph_is_left_when_a_recording_begins(trained, monkeypatch):
    before, left = with_gradient_graph(), {}  # other tests may keep some

    def recording(function):
        left.update(with_gradient_graph())
        raise RuntimeError("not recorded")

    monkeypatch.setattr(graphs, "recording", recording)
    trained(True)
    assert left.keys() <= before.keys()


def test_only_what_is_known_is_recorded(monkeypatch):
    class Own(nn.Linear):
        pass

    model = CifarNet()
    assert not graphs.can_record(model, CRITERION)  # on a CPU
    monkeypatch.setattr(graphs, "_on_gpu", lambda _: True)
    assert graphs.can_record(model, CRITERION)
    assert not graphs.can_record(nn.Sequential(model, Own(10, 10)), CRITERION)
    assert not graphs.can_record(model, Forgets(model))
    assert graphs.can_record(vit.vit_cifar(), CRITERION)
    assert not graphs.can_record(
        vit.vit_cifar(attend=lambda queries, keys, values: values), CRITERION
    )
    assert not graphs.can_record(model, cross_entropy)
    handle = model.register_forward_hook(lambda *_: None)
    assert not graphs.can_record(model, CRITERION)
    handle.remove()
    assert graphs.can_record(model, CRITERION)
    monkeypatch.setattr(graphs.distributed, "size", lambda: 2)
    assert not graphs.can_record(model, CRITERION)


@on_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("make", [LeNet5, lambda: CifarNet(batch_norm=True)])
def test_a_gpu_replays_what_it_would_compute(image_set, make, precision):
    size, channels = (28, 1) if make is LeNet5 else (32, 3)
    torch.manual_seed(0)
    model = make().to("cuda")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    replay = graphs.Replays(model, CRITERION, optimizer)
    for number, (images, labels) in enumerate(Batches(image_set(400, size, channels), 20, True)):
        replayed = replay(images, labels, precision)
        assert bool(replayed) == (number >= graphs.WARM_UP)
        found = [weights.grad for weights in model.parameters()] if replayed else []
        optimizer.zero_grad()
        with graphs.precision.autocast(images.device, precision):
            loss = CRITERION(model(images), labels)
        loss.backward()
        loss = loss.detach()
        if replayed:
            assert replayed[1].item() == pytest.approx(loss.item(), rel=0.02)
        for one, weights in zip(found, model.parameters(), strict=bool(found)):
            assert (one - weights.grad).norm() <= 0.05 * weights.grad.norm() + 1e-6
            weights.grad = one  # where the next replay writes


@on_gpu
def test_dropout_draws_anew_at_each_replay(image_set):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 4)).to("cuda")
    replay = graphs.Replays(model, CRITERION, torch.optim.SGD(model.parameters()))
    images, labels = next(iter(Batches(image_set(20), 20)))
    found = [replay(images, labels, "float32") for _ in range(graphs.WARM_UP + 1)]
    assert found[-1]
    outputs = [replay(images, labels, "float32")[0].clone() for _ in range(5)]
    assert not any(torch.equal(one, next_one) for one, next_one in pairwise(outputs))
