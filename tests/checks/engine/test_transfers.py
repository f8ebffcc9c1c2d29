"""What functions may leave of a network that has learnt: told in French, never a raw error."""

import pytest
import torch
from torch import nn

from tests.checks.wrong_answers.transfert import extract, freeze, freeze_wrongly, train, tune
from tp_cnn.checks import transfert


def with_last(make):
    """`freeze`, with another last layer."""

    def last(model, classes):
        model.classifier[-1] = make(model.classifier[-1], classes)

    return lambda model, classes: freeze_wrongly(model, classes, last=last)


def copied(old, classes):
    layer = nn.Linear(400, classes)
    layer.weight.data[:1] = old.weight.data[:1]
    return layer


def test_a_classifier_replaced_as_a_whole_is_told():
    def replace(model, classes):
        model.requires_grad_(False)
        model.classifier = nn.Linear(model.classifier[-1].in_features, classes)

    verdict = transfert.freeze(replace)
    assert verdict.status == "wrong"
    assert "Remplacez la seule dernière couche, model.classifier[-1]." in verdict.message


def test_what_still_learns_is_not_told_wrongly():
    """The convolution, and not the dense layer: as many tensors."""

    def frozen(model):
        return [*model.features[1].parameters(), *model.classifier.parameters()]

    verdict = transfert.freeze(lambda *inputs: freeze_wrongly(*inputs, frozen))
    assert (verdict.status, verdict.mistake) == ("wrong", None)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (copied, "garde des poids de l'ancienne"),
        (
            lambda old, classes: nn.Sequential(nn.Linear(400, classes), nn.Softmax(1)),
            "il faut une couche dense",
        ),
    ],
)
def test_the_last_layer_must_be_a_new_dense_one(make, words):
    verdict = transfert.freeze(with_last(make))
    assert verdict.status == "wrong"
    assert words in verdict.message


def emptied(model):
    model.classifier = nn.Sequential()


def cut(model):
    model.classifier = model.classifier[:-1]
    model.classifier = model.classifier[:1]


def without_batch_norm(model):
    model.features[1] = nn.Identity()


def without_features(model):
    del model.features


def on_meta(model):
    model.to("meta")


def as_dense(model):
    model.classifier = nn.Linear(400, 3)


CHECKS = {
    "freeze": freeze,
    "train_last_layer": train,
    "fine_tune": tune,
    "extract": extract,
}


@pytest.mark.parametrize(
    "lose", [emptied, cut, without_batch_norm, without_features, on_meta, as_dense]
)
@pytest.mark.parametrize("name", CHECKS)
def test_a_network_that_lost_a_part_is_refused_in_french(name, lose):
    def careless(model, *inputs):
        result = CHECKS[name](model, *inputs)
        lose(model)
        return result

    verdict = getattr(transfert, name)(careless)
    assert verdict.status == "wrong"
    assert verdict.message


def test_two_optimizers_are_counted():
    def by_two(model, batches, body_rate, head_rate, epochs):
        model.train().requires_grad_(True)
        body = nn.Sequential(model.features, model.classifier[:-1])
        pairs = [(body, body_rate), (model.classifier[-1], head_rate)]
        optimizers = [
            torch.optim.SGD(part.parameters(), lr=rate, momentum=0.9) for part, rate in pairs
        ]
        for _ in range(epochs):
            for images, labels in batches:
                loss = nn.functional.cross_entropy(model(images), labels)
                model.zero_grad()
                loss.backward()
                for one in optimizers:
                    one.step()
        return loss.item()

    message = transfert.fine_tune(by_two).message
    assert message.startswith("2 optimiseurs ont fait des pas : il en faut un seul")


@pytest.mark.parametrize(("name", "function"), [("train_last_layer", train), ("fine_tune", tune)])
def test_a_weight_decay_is_seen(name, function):
    verdict = getattr(transfert, name)(lambda *inputs: function(*inputs, decay=1e-4))
    assert verdict.status == "wrong"
    assert "weight_decay" in verdict.message


def adam(model, batches, rate, epochs):
    model.eval()
    optimizer = torch.optim.Adam(model.classifier[-1].parameters(), lr=rate)
    for _ in range(epochs):
        for images, labels in batches:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


def test_settings_of_an_optimizer_are_told_before_the_weights():
    assert "l'optimiseur est Adam" in transfert.train_last_layer(adam).message
    heavy = transfert.train_last_layer(lambda *inputs: train(*inputs, decay=0.1))
    assert "weight_decay" in heavy.message


def test_one_epoch_too_few_is_not_a_single_one():
    def short(model, batches, rate, epochs):
        return train(model, batches, rate, epochs - 1)

    assert transfert.train_last_layer(short).mistake is None


def test_a_number_of_classes_is_not_taken_for_one_of_tensors():
    def outputs(model, classes):
        model.requires_grad_(False)
        model.classifier[-1] = nn.Linear(model.classifier[-1].in_features, classes)
        return classes

    assert {transfert.freeze(outputs, seed=seed).mistake for seed in range(8)} == {None}
