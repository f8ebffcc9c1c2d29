"""Using again what a network has learnt, for other classes (notebook 06).

A network has ``.features`` and ``.classifier``, the last layer of which gives a score a class.
"""

import itertools
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tp_cnn import runtime
from tp_cnn.data.batches import Batches
from tp_cnn.data.normalise import Normalisation, to_unit
from tp_cnn.data.sources import ImageSet
from tp_cnn.training.loop import evaluate

MOMENTUM = 0.9
BATCH = 32
HEAD_RATE, BODY_RATE = 0.01, 0.003  # of a new last layer, of layers learnt elsewhere


def freeze(model: nn.Module, classes: int) -> int:
    """Freeze every weight, and replace the last layer by a new one; how many weights still learn.

    Question `transfert-geler`.
    """
    for weights in model.parameters():
        weights.requires_grad = False
    model.classifier[-1] = nn.Linear(model.classifier[-1].in_features, classes)
    return sum(weights.numel() for weights in model.parameters() if weights.requires_grad)


def train_last_layer(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], rate: float, epochs: int
) -> float:
    """Train the weights that are not frozen, and move nothing else; the loss of the last batch.

    Question `transfert-dernier`.
    """
    model.eval()  # in train mode, the statistics of a batch norm move even if its weights do not
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=rate, momentum=MOMENTUM)
    return _train(model, batches, optimizer, epochs)


@torch.no_grad()
def extract(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """What the last layer receives, (N, features), in the order of the batches.

    Question `transfert-extraire`.
    """
    model.eval()
    return torch.cat([model.classifier[:-1](model.features(images)) for images, _ in batches])


def fine_tune(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    body_rate: float,
    head_rate: float,
    epochs: int,
) -> float:
    """Train every weight, the last layer at its own rate; the loss of the last batch.

    Question `transfert-affiner`.
    """
    model.train()
    for weights in model.parameters():
        weights.requires_grad = True
    body = [*model.features.parameters(), *model.classifier[:-1].parameters()]
    head = model.classifier[-1].parameters()
    groups = [{"params": body, "lr": body_rate}, {"params": head, "lr": head_rate}]
    return _train(model, batches, torch.optim.SGD(groups, momentum=MOMENTUM), epochs)


def _train(model, batches, optimizer, epochs: int) -> float:
    for _ in range(epochs):
        for images, labels in batches:
            loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


def layers(model: nn.Module) -> list[nn.Sequential]:
    """The layers with weights in their order, each with the batch norm that follows it."""
    found: list[list[nn.Module]] = []
    for layer in (*model.features, *model.classifier):
        if isinstance(layer, nn.BatchNorm2d):
            found[-1].append(layer)
        elif list(layer.parameters()):
            found.append([layer])
    return [nn.Sequential(*group) for group in found]


def adapt(
    model: nn.Module,
    learn_set: ImageSet,
    *,
    frozen: int = 0,
    body_rate: float = BODY_RATE,
    head_rate: float = HEAD_RATE,
    steps: int = 200,
    seed: int = 0,
    normalise: Normalisation = to_unit,
) -> nn.Module:
    """Give ``model`` a new last layer, and train it with all the layers after the ``frozen`` first.

    Rates go down to 0 along a cosine.
    """
    torch.manual_seed(seed)
    freeze(model, len(learn_set.classes))
    batch = min(BATCH, len(learn_set))
    batches = Batches(learn_set, batch, shuffle=True, normalise=normalise, seed=seed)
    model.to(batches.device)
    body = layers(model)[frozen:-1]
    if not body:  # the last layer alone: what it receives is computed once
        _train_on_features(model, batches, head_rate, steps, seed)
        return model
    model.eval()
    for layer in body:
        layer.train().requires_grad_(True)
    groups = [
        {"params": [weights for layer in body for weights in layer.parameters()], "lr": body_rate},
        {"params": model.classifier[-1].parameters(), "lr": head_rate},
    ]
    _descend(model, _endless(batches), groups, steps)
    return model.eval()


def _train_on_features(model, batches: Batches, rate: float, steps: int, seed: int) -> None:
    ordered = Batches(batches.image_set, 500, normalise=batches.normalise, device=batches.device)
    features, head = extract(model, ordered), model.classifier[-1]
    generator = torch.Generator(batches.device).manual_seed(seed)

    def drawn():
        while True:
            order = torch.randperm(len(features), generator=generator, device=features.device)
            for chosen in order.split(batches.batch_size):
                yield features[chosen], batches.labels[chosen]

    _descend(head, drawn(), [{"params": head.parameters(), "lr": rate}], steps)


def _endless(batches: Batches):
    return itertools.chain.from_iterable(itertools.repeat(batches))


def _descend(model, batches, groups: list[dict], steps: int) -> None:
    optimizer = torch.optim.SGD(groups, lr=HEAD_RATE, momentum=MOMENTUM)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    device = next(model.parameters()).device
    for images, labels in itertools.islice(batches, steps):
        with runtime.autocast(device):
            loss = cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def steps_for(images: int, least: int = 200, epochs: int = 8) -> int:
    """Steps of `adapt`: ``epochs`` times the images, and never less than ``least``."""
    return max(least, math.ceil(epochs * images / BATCH))


def accuracy(model: nn.Module, image_set: ImageSet, normalise: Normalisation = to_unit) -> float:
    """The share of the images that ``model`` classifies well."""
    return evaluate(Batches(image_set, 500, normalise=normalise), model).accuracy
