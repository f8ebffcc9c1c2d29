"""What is seen of loops: the images and the network they are given, and what they return."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tp_cnn.checks import ameliorations, cifar, lenet
from tp_cnn.checks.engine.loops import COPY


def step_on(change=lambda images: images, receive=lambda model: model):
    def step(model, images, labels, criterion, optimizer):
        loss = criterion(receive(model)(change(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def train(model, batches, epochs):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        for images, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        scheduler.step()
    return rates


def evaluate(model, batches):
    model.eval()
    with torch.no_grad():
        found = [model(images).argmax(1) == labels for images, labels in batches]
    return torch.cat(found).float().mean().item()


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images / 2,
        lambda images: images - images.mean(),
        lambda images: (images - images.mean()) / images.std(),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_step_on_other_images_is_refused(change, seed):
    """A normalisation of the first layer's outputs would hide it."""
    assert not cifar.training_step(step_on(change), seed=seed).ok


@pytest.mark.parametrize("change", [lambda images: images.mul_(2), lambda images: images.sub_(1)])
def test_a_step_may_not_modify_its_images(change):
    verdict = cifar.training_step(step_on(change))
    assert verdict.message.startswith("la fonction modifie les images reçues.")


def test_a_loop_on_other_images_is_refused():
    def halved(model, batches, epochs):
        return train(model, [(images / 2, labels) for images, labels in batches], epochs)

    assert ameliorations.training_loop(train).ok
    assert not ameliorations.training_loop(halved).ok


def test_learning_on_a_copy_of_the_network_is_told():
    assert cifar.training_step(step_on(receive=copy.deepcopy)).message == COPY
    verdict = ameliorations.training_loop(
        lambda model, batches, epochs: train(copy.deepcopy(model), batches, epochs)
    )
    assert verdict.message == COPY


@pytest.mark.parametrize("go", [len, lambda batches: batches[0]])
def test_batches_can_only_be_gone_through(go):
    """Those of the notebooks have no length: such a code would stop there."""

    def trained(model, batches, epochs):
        go(batches)
        return train(model, batches, epochs)

    def evaluated(model, batches):
        go(batches)
        return evaluate(model, batches)

    assert ameliorations.training_loop(train).ok
    assert ameliorations.training_loop(trained).mistake == "exception"
    assert lenet.evaluation(evaluate).ok
    assert lenet.evaluation(evaluated).mistake == "exception"


def test_one_number_in_a_tuple_is_told():
    verdict = lenet.evaluation(lambda model, batches: (evaluate(model, batches),))
    assert "la virgule après return fait un tuple" in verdict.message
    verdict = lenet.confusion_rate(lambda a, b: ((a != b).double().mean(),))
    assert "la virgule après return fait un tuple" in verdict.message


def test_two_numbers_for_one_are_told():
    def both(model, batches):
        return evaluate(model, batches), sum(len(labels) for _, labels in batches)

    verdict = lenet.evaluation(both)
    assert verdict.message.endswith("Votre fonction renvoie deux valeurs ; on en demande une.")


def test_a_constant_is_not_told_to_take_the_wrong_axis():
    assert lenet.evaluation(lambda model, batches: 0).mistake is None


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("change", [torch.jit.script, lambda net: torch.jit.trace(net, IMAGES)])
def test_a_compiled_network_is_refused_kindly(change):
    network = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU())
    assert "sans torch.jit" in lenet.lenet5(change(network)).message


IMAGES = torch.randn(1, 1, 28, 28)


class Net(nn.Module):
    def __init__(self, last=lambda scores: scores):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.dense = nn.Sequential(
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        )
        self.last = last

    def forward(self, images):
        return self.last(self.dense(self.convolutions(images).flatten(1)))


def test_what_forward_returns_is_told():
    assert lenet.lenet5(Net()).ok
    assert "il lui manque un return" in lenet.lenet5(Net(lambda scores: None)).message
    message = lenet.lenet5(Net(lambda scores: scores.argmax(1))).message
    assert "mélangées" not in message
    assert "il manque l'axe des classes" in message


def test_a_dropout_made_in_forward_is_told_where_to_make_it():
    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc4, self.fc5 = nn.Linear(1024, 1000), nn.Linear(1000, 10)

        def forward(self, maps):
            return self.fc5(nn.Dropout(0.5)(F.relu(self.fc4(maps.flatten(1)))))

    assert "créée dans __init__" in ameliorations.classifier(Made).message


def evaluation(read=lambda scores: scores.argmax(1), before=lambda model: model.eval()):
    def evaluate(model, batches):
        before(model)
        correct = count = 0
        for images, labels in batches:
            with torch.no_grad():
                correct += (read(model(images)) == labels).sum().item()
            count += len(labels)
        return correct / count

    return evaluate


@pytest.mark.parametrize("seed", range(6))
def test_an_evaluation_is_not_told_a_wrong_axis_by_chance(seed):
    verdict = lenet.evaluation(evaluation(lambda scores: scores.argmin(1)), seed=seed)
    assert (verdict.status, verdict.mistake == "axis") == ("wrong", False)


def test_weights_that_an_evaluation_moves_are_told_before_its_result():
    def learning(model, batches):
        model.eval()
        correct = count = 0
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for images, labels in batches:
            scores = model(images)
            optimizer.zero_grad()
            F.cross_entropy(scores, labels).backward()
            optimizer.step()
            correct += (scores.argmax(1) == labels).sum().item()
            count += len(labels)
        return correct / count

    for seed in range(3):
        assert "change les poids" in lenet.evaluation(learning, seed=seed).message


def test_frozen_weights_are_not_told_to_be_a_graph():
    def frozen(model, batches):
        model.eval().requires_grad_(False)
        found = [model(images).argmax(1) == labels for images, labels in batches]
        return torch.cat(found).float().mean().item()

    assert "gelés" in lenet.evaluation(frozen).message
