"""CIFAR-10 as fast as one file can: `tp-cnn train --recipe speedrun`.

After hlb-CIFAR10 (tysam-code, 2023) and airbench94 (Keller Jordan, "94% on CIFAR-10 in 3.29 seconds
on a single GPU", 2024), whose network and settings these are: a first layer that whitens patches,
filters that begin as the identity, SGD with Nesterov's momentum and a triangular rate, biases that
learn 64 times faster, smoothed labels, a moving average of the weights (lookahead), each image
mirrored every other epoch, and at the test the mean over shifted and mirrored copies.
"""

import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tp_cnn import runtime
from tp_cnn.data.augment import RandomCrop
from tp_cnn.data.batches import keep
from tp_cnn.data.normalise import CIFAR10, Normalise
from tp_cnn.data.sources import ImageSet, load
from tp_cnn.errors import CourseError
from tp_cnn.training import precision

WIDTHS = (64, 256, 256)
BATCH, EPOCHS = 1024, 9.9
RATE, MOMENTUM, DECAY = 11.5, 0.85, 0.0153  # RATE for 1024 images, whatever the momentum
BIAS_SCALE, SMOOTHING = 64.0, 0.2
SHIFT = 2  # pixels
WHITENING_EPOCHS = 3  # the bias of the first layer learns so long
LOOKAHEAD_EVERY = 5  # steps
TEST_BATCH = 2000


def _group(inputs: int, width: int) -> nn.Module:
    """(batch, inputs, H, W) -> (batch, width, H/2, W/2)."""
    first, second = (nn.Conv2d(size, width, 3, padding=1, bias=False) for size in (inputs, width))
    norms = [nn.BatchNorm2d(width, eps=1e-12, momentum=0.4) for _ in range(2)]
    for layer, norm in zip((first, second), norms, strict=True):
        nn.init.dirac_(layer.weight.data[: layer.in_channels])  # these filters copy their input
        norm.weight.requires_grad = False
    begin = (first, nn.MaxPool2d(2), norms[0], nn.GELU())
    return nn.Sequential(*begin, second, norms[1], nn.GELU())


class SpeedNet(nn.Module):
    """(batch, 3, 32, 32) -> (batch, 10). ``widths`` are smaller in the tests."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)  # (batch, 24, 31, 31)
        self.whiten.weight.requires_grad = False
        groups = [_group(a, b) for a, b in zip((24, *widths), widths, strict=False)]
        self.groups = nn.Sequential(nn.GELU(), *groups, nn.MaxPool2d(3), nn.Flatten())
        self.head = nn.Linear(widths[-1], 10, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.groups(self.whiten(images))) / 9

    def whiten_as(self, images: Tensor, epsilon: float = 5e-4) -> None:
        """Make the first layer decorrelate the 2×2 patches of these images."""
        patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12)  # (N·31·31, 12)
        values, vectors = torch.linalg.eigh((patches.T @ patches / len(patches)).float())
        filters = (vectors / (values + epsilon).sqrt()).T.reshape(12, 3, 2, 2)
        self.whiten.weight.data[:] = torch.cat([filters, -filters])
        nn.init.zeros_(self.whiten.bias)


def speedrun(
    seed: int = 0,
    epochs: float = EPOCHS,
    images: int = 0,
    root: str | Path | None = None,
    device: str | None = None,
    widths: tuple[int, ...] = WIDTHS,
    batch: int = BATCH,
    dataset: str = "cifar10",
    say: Callable[[str], None] = print,
) -> tuple[float, float]:
    """Train on CIFAR-10, or ``images`` of it, then measure the test set, once.

    Returns:
        The test accuracy, and the seconds of training alone, the data being on the device.
    """
    runtime.seed_everything(seed)
    where = runtime.device(device)
    train_set, test_set = load(dataset, "train", root), load(dataset, "test", root)
    if tuple(train_set.images.shape[1:]) != (3, 32, 32):
        raise CourseError(f"{dataset} is not made of 32×32 images of 3 channels: give cifar10")
    train_set = keep(train_set, images, seed) if images else train_set
    training, labels = _on_device(train_set, where)
    model = SpeedNet(widths).to(where, memory_format=torch.channels_last)
    model.whiten_as(training[:5000])
    computes_in = precision.choose(model, (batch, 3, 32, 32), where)
    say(f"data: {train_set.origin}")
    say(f"device: {runtime.describe_device(where)}, {computes_in}")
    network = torch.compile(model) if where.type == "cuda" else model
    options = {"batch": min(batch, len(labels)), "computes_in": computes_in}
    if where.type == "cuda":  # compile before the clock runs
        before = copy.deepcopy(model.state_dict())
        _train(network, model, training, labels, 0.05, **options)
        model.load_state_dict(before)
    start = _now(where)
    steps = _train(network, model, training, labels, epochs, **options)
    seconds = _now(where) - start
    accuracy = _test(model, *_on_device(test_set, where), computes_in)
    say(f"{steps} steps in {seconds:.2f} s, test accuracy {accuracy:.2%}")
    return accuracy, seconds


def _on_device(image_set: ImageSet, where: torch.device) -> tuple[Tensor, Tensor]:
    return Normalise(CIFAR10)(image_set.images.to(where)), image_set.labels.to(where)


def _now(where: torch.device) -> float:
    if where.type == "cuda":
        torch.cuda.synchronize(where)
    return time.perf_counter()


def _train(network, model, images, labels, epochs: float, batch: int, computes_in: str) -> int:
    an_epoch = len(labels) // batch
    steps = max(1, round(an_epoch * epochs))
    optimizer, rates = _optimizer(model, batch, steps, WHITENING_EPOCHS * an_epoch)
    slow = copy.deepcopy(model.state_dict())
    model.train()
    for step, (inputs, targets) in enumerate(_batches(images, labels, batch, steps)):
        with precision.autocast(images.device, computes_in):
            outputs = network(inputs)
            loss = F.cross_entropy(outputs, targets, label_smoothing=SMOOTHING, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
        if step % LOOKAHEAD_EVERY == LOOKAHEAD_EVERY - 1:
            _look_ahead(slow, model, 0.95**LOOKAHEAD_EVERY * (step / steps) ** 3)
    _look_ahead(slow, model, 1.0)
    return steps


def _batches(images, labels, batch: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Whole batches alone; each image mirrored every other epoch, half of them in the first."""
    where = images.device
    generator = torch.Generator(where).manual_seed(torch.initial_seed() % 2**31)
    mirrored = torch.rand(len(labels), generator=generator, device=where) < 0.5
    an_epoch = len(labels) // batch
    for step in range(steps):
        if step % an_epoch == 0:
            order = torch.randperm(len(labels), generator=generator, device=where).split(batch)
            mirrored = ~mirrored
        chosen = order[step % an_epoch]
        drawn = F.pad(images.index_select(0, chosen), [SHIFT] * 4, "reflect")
        drawn = RandomCrop(images.shape[-1])(drawn, generator)
        drawn = torch.where(mirrored[chosen].view(-1, 1, 1, 1), drawn.flip(3), drawn)
        yield drawn.contiguous(memory_format=torch.channels_last), labels[chosen]


def _optimizer(model: SpeedNet, batch: int, steps: int, whitening: int):
    """SGD, and the rates: from 0.2 up to 1 when 23 % is done, then down to 0.07."""
    scale = 1024 * (1 + 1 / (1 - MOMENTUM))
    rate, decay = RATE / scale, DECAY * batch / scale  # an image, of a summed loss
    weights = [value for value in model.parameters() if value.requires_grad and value.ndim > 1]
    biases = [value for name, value in model.groups.named_parameters() if name.endswith("bias")]
    groups = [
        {"params": weights, "weight_decay": decay / rate},
        {"params": biases, "lr": rate * BIAS_SCALE, "weight_decay": decay / (rate * BIAS_SCALE)},
        {"params": [model.whiten.bias], "weight_decay": decay / rate},
    ]
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM, nesterov=True)

    def triangle(step: int) -> float:
        done = step / steps
        return 0.2 + 0.8 * done / 0.23 if done < 0.23 else 1 - 0.93 * (done - 0.23) / 0.77

    rates = [triangle, triangle, lambda step: triangle(step) * (step < whitening)]
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rates)


@torch.no_grad()
def _look_ahead(slow: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    """Move the slow weights towards the model's, and the model to them; 1: only the latter."""
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.copy_(slow[name].lerp_(value, 1 - decay))


@torch.no_grad()
def _test(model: nn.Module, images: Tensor, labels: Tensor, computes_in: str) -> float:
    model.eval()
    right = 0
    for part, targets in zip(images.split(TEST_BATCH), labels.split(TEST_BATCH), strict=True):
        padded = F.pad(part, [1] * 4, "reflect")
        with precision.autocast(images.device, computes_in):
            views = [part, part, padded[:, :, :-2, :-2], padded[:, :, 2:, 2:]]  # weights 2, 1, 1
            outputs = sum((model(view) + model(view.flip(3))).float() for view in views)
        right += (outputs.argmax(1) == targets).sum().item()
    return right / len(labels)
