"""Do the five improvements show in the minutes of notebook 05, whatever the seed and the precision?

Each configuration of its quick profile is trained on one thread: 6,000 images of CIFAR-10, 8
epochs, batches of 32, 1,000 images to validate. Each improvement has a measure of its own.
"""

import argparse
from statistics import mean

import common
import joblib
import torch

from tp_cnn.display import markdown_table
from tp_cnn.experiments.configurations import CONFIGURATIONS, CUMULATIVE, configure
from tp_cnn.training import precision, recipe
from tp_cnn.training.history import History

BUDGET = {
    "images": 7000,
    "validation": 1000,
    "epochs": 8,
    "batch_size": 32,
    "test_images": 1000,
}
TEN_TIMES = "momentum, ten times its rate"
NAMES = (*CUMULATIVE, TEN_TIMES)


def gap(history: History) -> float:
    """Points between the train accuracy of the last epoch and validation."""
    return 100 * (history[-1].train_accuracy - history[-1].validation_accuracy)


def signs(runs: dict[str, History]) -> dict[str, float]:
    """What each improvement does on its own measure; each is positive if the text is right."""

    def first(name: str) -> float:
        return 100 * runs[name][0].validation_accuracy

    def learnt(name: str) -> float:
        return 100 * runs[name][-1].train_accuracy

    return {
        "normalisation: validation after the first epoch": first("normalisation") - first("base"),
        "augmentation: gap that it closes": gap(runs["normalisation"]) - gap(runs["augmentation"]),
        "momentum: train accuracy of the last epoch": learnt("momentum") - learnt("augmentation"),
        "ten times its rate: what is lost of it": learnt("momentum") - learnt(TEN_TIMES),
        "dropout: gap that it closes": gap(runs["momentum"]) - gap(runs["dropout"]),
        "batch norm: validation after the first epoch": first("batch-norm") - first("dropout"),
    }


def train(name: str, seed: int, computes_in: str) -> History:
    """One run, on one thread."""
    torch.set_num_threads(1)
    changes = {"learning_rate": 10 * CONFIGURATIONS["momentum"].changes["learning_rate"]}
    start, changed = ("momentum", changes) if name == TEN_TIMES else (name, {})
    wanted = configure(start, seed=seed, **BUDGET, **changed)
    return recipe.train(wanted, computes_in=computes_in, progress=False).history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once")
    options = parser.parse_args()
    plans = [
        (computes_in, seed, name)
        for computes_in in precision.CHOICES
        for seed in range(options.seeds)
        for name in NAMES
    ]
    histories = joblib.Parallel(n_jobs=options.jobs, verbose=5)(
        joblib.delayed(train)(name, seed, computes_in) for computes_in, seed, name in plans
    )
    done = dict(zip(plans, histories, strict=True))
    rows = []
    for computes_in in precision.CHOICES:
        each = [
            signs({name: done[computes_in, seed, name] for name in NAMES})
            for seed in range(options.seeds)
        ]
        for label in each[0]:
            points = [found[label] for found in each]
            cells = [f"{value:+.1f}" for value in points]
            rows.append([label, computes_in, *cells, f"{mean(points):+.1f}"])
    header = ["improvement, in points", "precision", *map(str, range(options.seeds)), "mean"]
    common.write_report(
        "signs",
        "The five improvements in minutes",
        markdown_table(header, rows),
        [
            "Data: CIFAR-10; 6,000 train images, 8 epochs, batches of 32, 1,000 validation images",
            "A column a seed; every run on one thread",
        ],
    )


if __name__ == "__main__":
    main()
