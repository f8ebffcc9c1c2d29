"""Images trained a second: the usual loop of such a lab, ours, and the floor.

(a) usual: PIL images, torchvision transforms, ``DataLoader`` with 0 and 2 workers, the network in
    the order of the lab sheet (activation before pooling) and in PyTorch's default memory layout.
(b) ours: `tp_cnn.data.batches.Batches`, `tp_cnn.training.epoch`, the package's network, in float32
    and in the precision that ``auto`` chooses.
(c) floor: forward, backward and step of the package's network on one batch that stays in memory;
    on a GPU also as a CUDA graph, which spares the processor the launching of each kernel.

All loops run in turn in one process, a short segment each, again and again; medians are compared.
Augmentation for CIFAR-10: random 28×28 crop and horizontal flip (lab sheet, question 22). "All
improvements" are CifarNet with dropout and batch norm besides, without the usual loop.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

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
from tp_cnn.training import epoch, graphs, precision

BATCH = 128
COMPARED_WITH = ("floor, float32", "floor, bfloat16", "ours, auto")


class Case(NamedTuple):
    """A network and its images; ``usual`` makes it as such a lab does."""

    title: str
    dataset: str
    model: Callable[[], nn.Module]
    usual: Callable[[], nn.Module] | None = None


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


def floor_step(model: nn.Module, batches: Batches, computes_in: str) -> Callable[[], torch.Tensor]:
    """A step on one batch that stays in memory; gives the loss."""
    model.to(runtime.device(), memory_format=torch.channels_last).train()
    criterion, optimizer = nn.CrossEntropyLoss(), sgd(model)
    images, labels = next(iter(batches))

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        with precision.autocast(images.device, computes_in):
            loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def floor_loop(
    model: nn.Module, batches: Batches, steps: int, computes_in: str = "float32"
) -> Callable[[], None]:
    step = floor_step(model, batches, computes_in)

    def segment() -> None:
        for _ in range(steps):
            loss = step()
        loss.item()  # a GPU is done only when asked for a value

    return segment


def graph_loop(
    model: nn.Module, batches: Batches, steps: int, computes_in: str
) -> Callable[[], None]:
    """The floor again, recorded once and replayed."""
    step = floor_step(model, batches, computes_in)
    with torch.cuda.stream(torch.cuda.Stream()):
        for _ in range(graphs.WARM_UP):
            step()
    torch.cuda.synchronize()
    replay, loss = graphs.recording(step)

    def segment(kept=step) -> None:  # what `step` holds: a recording knows no more than addresses
        for _ in range(steps):
            replay()
        loss.item()

    return segment


def improved() -> nn.Module:
    return CifarNet(dropout=0.5, batch_norm=True)


CASES = {
    "lenet5": Case("LeNet-5 / MNIST", "mnist", LeNet5, usual_lenet),
    "cifarnet": Case("CifarNet / CIFAR-10", "cifar10", CifarNet, usual_cifarnet),
    "improved": Case("CifarNet, all improvements / CIFAR-10", "cifar10", improved),
}


def loops(case: Case, train: ImageSet, steps: int) -> dict[str, Callable[[], None]]:
    """The loops of a case, each a function that trains ``steps`` batches."""
    normalise = Normalise(channel_statistics(train.images))
    augment = [RandomCrop(28), HorizontalFlip()] if case.dataset == "cifar10" else []
    batches = Batches(train, BATCH, True, augment, normalise)
    ours = {
        "ours, auto": our_loop(case.model(), batches, steps),
        "ours, float32": our_loop(case.model(), batches, steps, "float32"),
        "floor, float32": floor_loop(case.model(), batches, steps),
        "floor, bfloat16": floor_loop(case.model(), batches, steps, "bfloat16"),
    }
    if runtime.device().type == "cuda":
        ours["floor, bfloat16, graph"] = graph_loop(case.model(), batches, steps, "bfloat16")
    if not case.usual:
        return ours
    transform = usual_transform(case, normalise)

    def usual(workers: int) -> Callable[[], None]:
        options = {"num_workers": workers, "persistent_workers": workers > 0}
        loader = DataLoader(PilImages(train, transform), BATCH, shuffle=True, **options)
        return usual_loop(case.usual(), loader, steps)

    return {"usual, 0 workers": usual(0), "usual, 2 workers": usual(2), **ours}


def usual_transform(case: Case, normalise: Normalise) -> Callable:
    pil = [transforms.RandomCrop(28), transforms.RandomHorizontalFlip()]
    statistics_ = normalise.statistics
    tensor = [transforms.ToTensor(), transforms.Normalize(statistics_.mean, statistics_.std)]
    return transforms.Compose([*pil, *tensor] if case.dataset == "cifar10" else tensor)


def measure(
    segments: dict[str, Callable[[], None]], rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each segment, the loops in turn; a first round is not counted."""
    seconds = {name: [] for name in segments}
    for number in range(rounds + 1):
        for name, segment in segments.items():
            start = clock()
            segment()
            if number:
                seconds[name].append(clock() - start)
    return seconds


def ratio(a: list[float], b: list[float]) -> str:
    """Median and quartiles over rounds of a / b, each pair measured seconds apart."""
    if a is b:
        return "1"
    low, middle, high = statistics.quantiles((x / y for x, y in zip(a, b, strict=True)), n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=CASES, metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lenet-steps", type=int, default=100, help="batches in a segment")
    parser.add_argument("--cifarnet-steps", type=int, default=15, help="batches in a segment")
    parser.add_argument(
        "--process-time",
        action="store_true",
        help="seconds of processor of this process, not of the clock: for a machine that is shared",
    )
    parser.add_argument("--name", default="throughput", help="of the file of results")
    options = parser.parse_args()
    clock = time.process_time if options.process_time else time.perf_counter
    runtime.seed_everything(0)
    rows, origins = [], {}
    for case in map(CASES.__getitem__, options.cases):
        steps = options.lenet_steps if case.dataset == "mnist" else options.cifarnet_steps
        train = load(case.dataset, "train")
        origins[train.origin] = None
        segments = loops(case, train, steps)
        if options.process_time:  # which does not count what workers do
            segments.pop("usual, 2 workers", None)
        seconds = measure(segments, options.rounds, clock)
        for loop, values in seconds.items():
            rate = steps * BATCH / statistics.median(values)
            ratios = [ratio(values, seconds[other]) for other in COMPARED_WITH]
            rows.append([case.title, loop, f"{rate:,.0f}", *ratios])
    header = ["case", "loop", "images/s (median)", *(f"time / {other}" for other in COMPARED_WITH)]
    notes = [
        f"Data: {'; '.join(origins)}",
        f"Batches of {BATCH}; {options.rounds} alternating rounds; ratios are medians of pairs, "
        "with their quartiles",
        f"Seconds of {'processor' if options.process_time else 'the clock'}",
    ]
    table = markdown_table(header, rows)
    common.write_report(options.name, "Images trained per second", table, notes)


if __name__ == "__main__":
    main()
