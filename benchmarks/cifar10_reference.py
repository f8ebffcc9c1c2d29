"""Reference results of notebook 04 on CIFAR-10: tables for ``tp_cnn/experiments/reference/``.

grid: the lab sheet's network on 10,000 images, 5 epochs, for 3 learning rates × 3 batch sizes.
counts: bag of visual words + SVM, and the network with the best cell of the grid (by its
    validation accuracy), on the same images: 10,000, then 2,000; the same number of steps.
    Then bag of visual words + SVM on as many images as the network of base.
base: that network on all the images, long enough to overfit, for each seed.

Plain SGD, no normalisation, augmentation or regularisation: those come in notebook 05. A row that
is there is not measured again, and a run of ``base`` goes on from its last epoch: kill and restart
at will.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, replace

import common

from tp_cnn.display import thousands
from tp_cnn.scratch import bag_of_words
from tp_cnn.training import recipe
from tp_cnn.training.history import Row

CHECKPOINTS = common.RESULTS.parents[1] / "build" / "cifar10_reference"
BASE = recipe.Recipe(
    dataset="cifar10", model="cifarnet", normalise="none", momentum=0, schedule="constant"
)
RATES, SIZES = (0.1, 0.01, 0.001), (128, 32, 512)
ALL = 45_000
COUNTS = (10_000, 2_000, ALL)
PASSES = 100_000  # images seen by the network of `counts`, whatever their number
HELD_OUT = 2_000
WORDS, PATCHES = 400, 100_000
NOTES = {  # read by students
    "grid": "10 000 images d'apprentissage, 2 000 de validation",
    "counts": f"10 000 images de test ; {WORDS} mots ; {thousands(PASSES)} images vues par réseau",
    "base": "45 000 images d'apprentissage, 5 000 de validation",
}


def rows_of(part: str) -> list[dict]:
    return common.reference_rows(f"cifar10_{part}")


def add(part: str, row: dict, keys: tuple[str, ...]) -> None:
    data = recipe.load("cifar10").origin
    common.add_to_reference(f"cifar10_{part}", row, keys, data, NOTES[part])


def grid(epochs: int) -> None:
    for batch_size in SIZES:
        for rate in RATES:
            cell = {"learning_rate": rate, "batch_size": batch_size, "seed": 0}
            wanted = replace(BASE, images=12_000, validation=HELD_OUT, epochs=epochs, **cell)
            done = [row for row in rows_of("grid") if cell.items() <= row.items()]
            if len(done) < epochs:
                recipe.train(
                    wanted, after_epoch=writer("grid", cell, ("learning_rate", "batch_size"))
                )


def writer(part: str, cell: dict, keys: tuple[str, ...]) -> Callable[[Row], None]:
    """What `training.fit` calls after each epoch: adds a row, with seconds of computing."""
    start = time.process_time()

    def write(row: Row) -> None:
        nonlocal start
        now = time.process_time()
        values = {name: round(value, 4) for name, value in asdict(row).items()}
        add(part, {**cell, **values, "seconds": round(now - start, 1)}, (*keys, "seed", "epoch"))
        start = now

    return write


def best() -> dict:
    """Learning rate and batch size of the grid's best last validation accuracy."""
    rows = rows_of("grid")
    last = [row for row in rows if row["epoch"] == max(row["epoch"] for row in rows)]
    found = max(last, key=lambda row: row["validation_accuracy"])
    return {name: found[name] for name in ("learning_rate", "batch_size")}


def counts() -> None:
    for images in COUNTS:
        done = {row["method"] for row in rows_of("counts") if row["images"] == images}
        settings = {"images": images + 500, "validation": 500, "epochs": PASSES // images}
        wanted = replace(BASE, **settings, **best())
        methods = {"BoW + SVM": words_and_svm} | ({"CNN": network} if images < ALL else {})
        for method, measure in methods.items():
            if method not in done:
                start = time.process_time()
                train, test = measure(wanted)
                row = {"method": method, "images": images, "seed": 0}
                row |= {"train_accuracy": round(train, 4), "test_accuracy": round(test, 4)}
                row |= {"seconds": round(time.process_time() - start, 1)}
                add("counts", row, ("images", "method", "seed"))


def words_and_svm(wanted: recipe.Recipe) -> tuple[float, float]:
    batches = recipe.prepare(wanted)
    train, test = batches["train"].image_set, batches["test"].image_set
    vocabulary = bag_of_words.learn_vocabulary(
        bag_of_words.draw_patches(train.images, PATCHES), WORDS
    )
    histograms = bag_of_words.describe(train.images, vocabulary)
    svm = bag_of_words.train_svm(histograms, train.labels)
    tested = bag_of_words.accuracy(svm, bag_of_words.describe(test.images, vocabulary), test.labels)
    return bag_of_words.accuracy(svm, histograms, train.labels), tested


def network(wanted: recipe.Recipe) -> tuple[float, float]:
    result = recipe.train(wanted)
    return recipe.evaluate(result.batches["train"], result.model).accuracy, result.test.accuracy


def base(epochs: int, seed: int) -> None:
    wanted = replace(BASE, epochs=epochs, seed=seed, **best())
    cell = {"batch_size": wanted.batch_size, "seed": seed}
    last = [row for row in rows_of("base") if row["seed"] == seed and row["epoch"] == epochs]
    if last and last[0]["test_accuracy"] != "":
        return

    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    result = recipe.train(
        wanted,
        checkpoint=CHECKPOINTS / f"seed-{seed}.pt",
        after_epoch=writer("base", {**cell, "test_accuracy": ""}, ()),
    )
    if result.test:
        last = [row for row in rows_of("base") if row["seed"] == seed][-1]
        test_accuracy = round(result.test.accuracy, 4)
        add("base", {**last, "test_accuracy": test_accuracy}, ("seed", "epoch"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grid-epochs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=14, help="of the base runs")
    parser.add_argument("--seeds", type=int, default=2, help="of the base runs")
    options = parser.parse_args()
    grid(options.grid_epochs)
    counts()
    for seed in range(options.seeds):
        base(options.epochs, seed)


if __name__ == "__main__":
    main()
