"""Images trained a second: the usual loop of such a lab, ours, and the floor.

(a) usual: PIL images, torchvision transforms, ``DataLoader`` with 0 and 2 workers, the network in
    the order of the lab sheet (activation before pooling) and in PyTorch's default memory layout.
(b) ours: `tp_cnn.data.batches.Batches`, `tp_cnn.training.epoch`, the package's network, in float32
    and in the precision that ``auto`` chooses.
(c) floor: forward, backward and step of the package's network on one batch that stays in memory.

All loops run in turn in one process, a short segment each, again and again; medians are compared.
Augmentation for CIFAR-10: random 28×28 crop and horizontal flip (lab sheet, question 22).
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice

import common
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from tp_cnn import runtime
from tp_cnn.data.augment import HorizontalFlip, RandomCrop
from tp_cnn.data.batches import Batches
from tp_cnn.data.normalise import Normalise, channel_statistics
from tp_cnn.data.sources import ImageSet, load
from tp_cnn.display import markdown_table
from tp_cnn.models import CifarNet, LeNet5
from tp_cnn.training import epoch, precision

BATCH = 128


class PilImages(Dataset):
    """What torchvision's data sets do: an array, made a PIL image, then transformed."""

    def __init__(self, image_set: ImageSet, transform):
        arrays = image_set.images.permute(0, 2, 3, 1).numpy()
        self.arrays = arrays[..., 0] if arrays.shape[-1] == 1 else arrays
        self.labels = image_set.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(Image.fromarray(np.asarray(self.arrays[index]))), self.labels[index]


def usual_lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def usual_cifarnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True), nn.Flatten(),
        nn.Linear(1024, 1000), nn.ReLU(), nn.Linear(1000, 10),
    )  # fmt: skip


def forever(batches) -> Iterator:
    while True:
        yield from batches


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def usual_loop(model: nn.Module, loader: DataLoader, steps: int) -> Callable[[], None]:
    device = runtime.device()
    model.to(device).train()
    criterion, optimizer, batches = nn.CrossEntropyLoss(), sgd(model), forever(loader)

    def segment() -> None:
        total_loss, total_right = 0.0, 0
        for images, labels in islice(batches, steps):
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            outputs = model(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            total_loss += loss.item()
            total_right += (outputs.argmax(1) == labels).sum().item()

    return segment


def our_loop(
    model: nn.Module, batches: Batches, steps: int, computes_in: str | None = None
) -> Callable[[], None]:
    if computes_in:
        precision.keep(model, computes_in)
    model.to(runtime.device(), memory_format=torch.channels_last)
    criterion, optimizer, endless = nn.CrossEntropyLoss(), sgd(model), forever(batches)
    return lambda: epoch(islice(endless, steps), model, criterion, optimizer)


def floor_loop(
    model: nn.Module, batches: Batches, steps: int, computes_in: str = "float32"
) -> Callable[[], None]:
    model.to(runtime.device(), memory_format=torch.channels_last).train()
    criterion, optimizer = nn.CrossEntropyLoss(), sgd(model)
    images, labels = next(iter(batches))

    def segment() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            with precision.autocast(images.device, computes_in):
                loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        loss.item()  # a GPU is done only when asked for a value

    return segment


def loops(dataset: str, steps: int) -> dict[str, Callable[[], None]]:
    """The loops of a case, each a function that trains ``steps`` batches."""
    train = load(dataset, "train")
    statistics_ = channel_statistics(train.images)
    crop = dataset == "cifar10"
    pil = [transforms.RandomCrop(28), transforms.RandomHorizontalFlip()] if crop else []
    tensor = [transforms.ToTensor(), transforms.Normalize(statistics_.mean, statistics_.std)]
    augment = [RandomCrop(28), HorizontalFlip()] if crop else []
    usual, ours = (usual_cifarnet, CifarNet) if crop else (usual_lenet, LeNet5)
    dataset_ = PilImages(train, transforms.Compose([*pil, *tensor]))
    batches = Batches(train, BATCH, True, augment, Normalise(statistics_))

    def loader(workers: int) -> DataLoader:
        return DataLoader(
            dataset_, BATCH, True, num_workers=workers, persistent_workers=workers > 0
        )

    return {
        "usual, 0 workers": usual_loop(usual(), loader(0), steps),
        "usual, 2 workers": usual_loop(usual(), loader(2), steps),
        "ours, auto": our_loop(ours(), batches, steps),
        "ours, float32": our_loop(ours(), batches, steps, "float32"),
        "floor, float32": floor_loop(ours(), batches, steps),
        "floor, bfloat16": floor_loop(ours(), batches, steps, "bfloat16"),
    }


def measure(segments: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each segment, the loops in turn; a first round is not counted."""
    seconds = {name: [] for name in segments}
    for number in range(rounds + 1):
        for name, segment in segments.items():
            start = time.perf_counter()
            segment()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(a: list[float], b: list[float]) -> float:
    """Median over rounds of a / b, each pair measured seconds apart."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lenet-steps", type=int, default=100, help="batches in a segment")
    parser.add_argument("--cifarnet-steps", type=int, default=15, help="batches in a segment")
    options = parser.parse_args()
    runtime.seed_everything(0)
    rows = []
    for name, dataset, steps in (
        ("LeNet-5 / MNIST", "mnist", options.lenet_steps),
        ("CifarNet / CIFAR-10 (JPEG copy)", "cifar10", options.cifarnet_steps),
    ):
        seconds = measure(loops(dataset, steps), options.rounds)
        for loop, values in seconds.items():
            rate = steps * BATCH / statistics.median(values)
            to_floor = ratio(values, seconds["floor, float32"])
            gain = ratio(values, seconds["ours, auto"])
            rows.append([name, loop, f"{rate:,.0f}", f"{to_floor:.3f}", f"{gain:.2f}"])
    header = ["case", "loop", "images/s (median)", "time / float32 floor", "time / ours"]
    notes = [
        f"Batches of {BATCH}; {options.rounds} alternating rounds; ratios are medians of pairs"
    ]
    table = markdown_table(header, rows)
    common.write_report("throughput", "Images trained per second", table, notes)


if __name__ == "__main__":
    main()
