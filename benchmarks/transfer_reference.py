"""Reference results of notebook 06: tables for ``tp_cnn/experiments/reference/``.

labels: cats against dogs from 10 to 3,000 labelled images, from scratch, with frozen features,
    fine-tuned: accuracy on the 2,000 test images.
layers: the same task with 1,000 labels, the first k layers frozen, k = 0 to 4.
far: MNIST with few labels: LeNet-5, a dense network of equal weights, the shipped network frozen,
    then fine-tuned.

The budget of a run depends on its number of images (`tp_cnn.training.transfer.steps_for`), ten
times more steps for the small networks of ``far``.
Learning rates were chosen on train images that no run learns from (``--rates``). A row that is
there is not measured again: kill and restart at will.
"""

import argparse
import time
from collections.abc import Callable

import common

from tp_cnn.data.batches import keep, only, split_train
from tp_cnn.data.sources import ImageSet, load
from tp_cnn.models import Dense, LeNet5, count_weights, hidden_for
from tp_cnn.training import pretrained, transfer

PETS = ("cat", "dog")
COUNTS = (10, 30, 100, 300, 1000, 3000)
LAYERS_COUNT = 1000
FAR_COUNTS = (100, 1000)
NOTES = {  # read by students
    "labels": "chats contre chiens ; 2 000 images de test",
    "layers": f"chats contre chiens, {LAYERS_COUNT} étiquettes ; 2 000 images de test",
    "far": "MNIST ; 10 000 images de test",
}


def measure(part: str, cell: dict, data: str, run: Callable[[], float]) -> None:
    """Add a row to a table, unless it has one for this cell."""
    table = f"transfer_{part}"
    if any(cell.items() <= row.items() for row in common.reference_rows(table)):
        return
    start = time.process_time()
    accuracy = run()
    seconds = round(time.process_time() - start, 1)
    row = {**cell, "test_accuracy": round(accuracy, 4), "seconds": seconds}
    common.add_to_reference(table, row, tuple(cell), data, NOTES[part])


def labels(seeds: int) -> None:
    whole, test = (only(load("cifar10", split), PETS) for split in ("train", "test"))
    for seed in range(seeds):
        for count in COUNTS:
            for way in transfer.WAYS:
                cell = {"way": way, "images": count, "seed": seed}
                measure("labels", cell, whole.origin, _run(way, whole, test, count, seed))


def layers(seeds: int) -> None:
    whole, test = (only(load("cifar10", split), PETS) for split in ("train", "test"))
    for seed in range(seeds):
        learn = keep(whole, LAYERS_COUNT, seed)
        for frozen in range(5):
            cell = {"frozen": frozen, "seed": seed}
            measure("layers", cell, whole.origin, _frozen(frozen, learn, test, seed))


def far(seeds: int) -> None:
    whole, test = (load("mnist", split) for split in ("train", "test"))
    for seed in range(seeds):
        for count in FAR_COUNTS:
            for way in ("lenet5", "dense", "gelé", "affiné"):
                cell = {"way": way, "images": count, "seed": seed}
                run = _far(way, keep(whole, count, seed), test, seed)
                measure("far", cell, whole.origin, run)


def _run(way: str, whole: ImageSet, test: ImageSet, count: int, seed: int) -> Callable[[], float]:
    return lambda: transfer.measure(way, keep(whole, count, seed), test, seed)


def _frozen(frozen: int, learn: ImageSet, test: ImageSet, seed: int) -> Callable[[], float]:
    def run() -> float:
        model = pretrained.pretrained_cifarnet()
        steps, normalise = transfer.steps_for(len(learn)), pretrained.normalise()
        options = {"steps": steps, "seed": seed, "normalise": normalise}
        transfer.adapt(model, learn, frozen=frozen, **options)
        return transfer.accuracy(model, test, normalise)

    return run


def _far(way: str, learn: ImageSet, test: ImageSet, seed: int) -> Callable[[], float]:
    def run() -> float:
        if way in transfer.WAYS:
            return transfer.measure(way, learn, test, seed)
        return transfer.measure_new(MODELS[way], learn, test, seed)

    return run


MODELS = {"lenet5": LeNet5, "dense": lambda: Dense(hidden_for(count_weights(LeNet5())))}


def rates() -> None:
    """Accuracy on 2,000 train images that no run learns from, by way and learning rate."""
    whole, held_out = split_train(only(load("cifar10", "train"), PETS), 2000, seed=99)
    for way in transfer.WAYS:
        for count in (30, 300):
            for rate in (0.001, 0.003, 0.01, 0.03):
                learn = keep(whole, count, 99)
                print(way, count, rate, transfer.measure(way, learn, held_out, 99, rate=rate))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rates", action="store_true", help="print what rates give, and stop")
    options = parser.parse_args()
    if options.rates:
        rates()
        return
    labels(options.seeds)
    layers(options.seeds)
    far(options.seeds)


if __name__ == "__main__":
    main()
