"""Trains the network that the course ships: CifarNet on eight classes of CIFAR-10.

Writes ``tp_cnn/training/weights/``: the weights of the first seed, in float16, and their card with
the test accuracy of every seed. 36,000 images to train, 4,000 to validate, 8,000 to test.
"""

import argparse
import hashlib
from datetime import date
from pathlib import Path

import common
import torch
from safetensors.torch import save_file

from tp_cnn import runtime, training
from tp_cnn.data.augment import HorizontalFlip, RandomShift
from tp_cnn.data.batches import Batches, only, split_train
from tp_cnn.data.sources import load
from tp_cnn.files import atomic_write
from tp_cnn.models import CifarNet
from tp_cnn.training import pretrained

CHECKPOINTS = common.RESULTS.parents[1] / "build" / "pretrained"
RATE, WEIGHT_DECAY, SHIFT, BATCH = 0.05, 5e-4, 4, 128
VALIDATION = 4000

CARD = """\
# `cifarnet8.safetensors`

CifarNet with batch norm (`tp_cnn.models.CifarNet`), float16, trained by this project on the eight
classes of CIFAR-10 other than cat and dog. Read it with `tp_cnn.training.pretrained`, which gives
the normalisation too.

- data: {data}
- classes: {classes}
- images: {images}
- training: {epochs} epochs, batches of {batch}, SGD with momentum 0.9, one-cycle up to {rate}, \
weight decay {decay:g}, shifts of {shift} pixels and flips
- test accuracy: {accuracies}
- shipped: seed {shipped}, the first, not the best; {shipped_accuracy} measured again in float16
- command: {command}
- machine: {machine}
- date: {date}
- licence: MIT, as the rest of the project; the images are not included
- sha256: {sha256}
"""


def train(seed: int, epochs: int) -> tuple[CifarNet, float]:
    """The trained network of a seed, and its test accuracy."""
    runtime.seed_everything(seed)
    learn_set, validation_set = split_train(eight("train"), VALIDATION, seed)
    augment = [RandomShift(SHIFT), HorizontalFlip()]
    options = {"augment": augment, "normalise": pretrained.normalise(), "seed": seed}
    learn = Batches(learn_set, BATCH, shuffle=True, **options)
    validation = Batches(validation_set, 500, normalise=pretrained.normalise())
    model = pretrained.empty().to(runtime.device(), memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=RATE, momentum=0.9, weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, epochs * len(learn))
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    training.fit(
        model,
        learn,
        validation,
        epochs=epochs,
        optimizer=optimizer,
        scheduler=schedule,
        step_each="batch",
        checkpoint=CHECKPOINTS / f"seed-{seed}-{epochs}.pt",
        after_epoch=lambda row: print(seed, row, flush=True),
    )
    return model, test_accuracy(model)


def eight(split: str):
    return only(load("cifar10", split), pretrained.CLASSES)


def test_accuracy(model: CifarNet) -> float:
    batches = Batches(eight("test"), 500, normalise=pretrained.normalise())
    return training.evaluate(batches, model).accuracy


def save(model: CifarNet, path: Path) -> str:
    """Write the weights in float16; return the digest of the file."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    with atomic_write(path) as temporary:
        save_file(tensors, temporary)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    runs = [train(seed, options.epochs) for seed in range(options.seeds)]
    model = runs[0][0]
    sha256 = save(model, Path(str(pretrained.WEIGHTS)))
    text = CARD.format(
        data=load("cifar10", "train").origin,
        classes=", ".join(pretrained.CLASSES),
        images=f"{40_000 - VALIDATION} to train, {VALIDATION} to validate, 8000 to test",
        epochs=options.epochs,
        batch=BATCH,
        rate=RATE,
        decay=WEIGHT_DECAY,
        shift=SHIFT,
        accuracies=", ".join(f"{one:.4f} (seed {seed})" for seed, (_, one) in enumerate(runs)),
        shipped=0,
        shipped_accuracy=f"{test_accuracy(model.half().float()):.4f}",
        command=common.command(),
        machine=common.machine(),
        date=date.today().isoformat(),
        sha256=sha256,
    )
    with atomic_write(Path(str(pretrained.CARD))) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
