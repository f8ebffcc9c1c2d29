"""Using again what a network has learnt, for other classes (notebook 06).

A network has ``.features`` and ``.classifier``, the last layer of which gives a score a class.
"""

import itertools
import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from tp_cnn.data.batches import Batches
from tp_cnn.data.normalise import (
    CIFAR10,
    Normalisation,
    Normalise,
    Statistics,
    channel_statistics,
    to_unit,
)
from tp_cnn.data.sources import ImageSet
from tp_cnn.training import precision, pretrained
from tp_cnn.training.loop import evaluate

MOMENTUM = 0.9
BATCH = 32
HEAD_RATE, BODY_RATE = 0.01, 0.003  # of a new last layer, of layers learnt elsewhere
NEW_RATE = 0.01  # of a network that starts from nothing
IMAGENET = Statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # as torchvision gives it
SMALL = 10  # steps of a small network (LeNet-5) in about the time of one of CifarNet
WAYS = ("de zéro", "gelé", "affiné")


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
        computes_in = precision.for_batch(model, images)
        with precision.autocast(device, computes_in):
            loss = cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def measure(
    way: str,
    learn_set: ImageSet,
    test_set: ImageSet,
    seed: int,
    rate: float = 0.0,
    steps: int = 0,
) -> float:
    """Test accuracy of CifarNet by one of ``WAYS``: from scratch, frozen features, fine-tuned.

    Args:
        rate: of the last layer when frozen, else of the layers before it; 0 for the usual one.
        steps: 0 for those of `steps_for`.
    """
    torch.manual_seed(seed)
    model = pretrained.empty() if way == "de zéro" else pretrained.pretrained_cifarnet()
    usual = {
        "de zéro": {"body_rate": rate or NEW_RATE, "head_rate": rate or NEW_RATE},
        "gelé": {"frozen": len(layers(model)) - 1, "head_rate": rate or HEAD_RATE},
        "affiné": {"body_rate": rate or BODY_RATE},
    }
    options = {"steps": steps or steps_for(len(learn_set)), "seed": seed, "normalise": _as_shipped}
    adapt(model, learn_set, **usual[way], **options)
    return accuracy(model, test_set, _as_shipped)


def prepare(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 images of 1 or 3 channels, as a pretrained network expects them: three, normalised.

    Question `transfert-preparer`.
    """
    return Normalise(Statistics(mean, std))(images.expand(-1, 3, -1, -1))


def _as_shipped(images: Tensor) -> Tensor:
    return prepare(images, CIFAR10.mean, CIFAR10.std)


@torch.no_grad()
def resnet_features(model: nn.Module, image_set: ImageSet) -> Tensor:
    """What the last layer of torchvision's ResNet receives, (N, features), in the images' order.

    The images are normalised as those of ImageNet, with which its weights were learnt, and
    enlarged to 96×96.
    """
    batches = Batches(image_set, 100, normalise=_as_imagenet)
    body = nn.Sequential(*list(model.children())[:-1], nn.Flatten()).to(batches.device).eval()
    return torch.cat([body(interpolate(images, size=96)) for images, _ in batches])


def _as_imagenet(images: Tensor) -> Tensor:
    return prepare(images, IMAGENET.mean, IMAGENET.std)


def measure_new(
    make: Callable[[], nn.Module],
    learn_set: ImageSet,
    test_set: ImageSet,
    seed: int,
    steps: int = 0,
) -> float:
    """Test accuracy of a network that ``make`` builds, trained from scratch.

    It is small: it has ``SMALL`` times the steps of `measure`, for about the same time.
    """
    torch.manual_seed(seed)
    normalise = Normalise(channel_statistics(learn_set.images))
    batches = Batches(
        learn_set, min(BATCH, len(learn_set)), shuffle=True, normalise=normalise, seed=seed
    )
    model = make().to(batches.device)
    groups = [{"params": model.parameters(), "lr": NEW_RATE}]
    _descend(model, _endless(batches), groups, SMALL * (steps or steps_for(len(learn_set))))
    return accuracy(model, test_set, normalise)


def steps_for(images: int, least: int = 120, epochs: int = 6) -> int:
    """Steps of `adapt`: ``epochs`` times the images, and never less than ``least``."""
    return max(least, math.ceil(epochs * images / BATCH))


def accuracy(model: nn.Module, image_set: ImageSet, normalise: Normalisation = to_unit) -> float:
    """The share of the images that ``model`` classifies well."""
    return evaluate(Batches(image_set, 500, normalise=normalise), model).accuracy
