"""Do the five improvements show in the minutes of notebook 05, whatever the seed and the precision?

Its quick profile: 4,000 images of CIFAR-10, 7 epochs, batches of 32, 1,000 images to validate. Each
improvement has a measure of its own. Results are kept in ``build/signs``: kill and go on at will.
"""

import argparse
from statistics import mean

import common

from tp_cnn.display import markdown_table
from tp_cnn.experiments.configurations import CUMULATIVE, recipes
from tp_cnn.training import precision
from tp_cnn.training.history import History

BUDGET = {
    "images": 5000,
    "validation": 1000,
    "epochs": 7,
    "batch_size": 32,
    "test_images": 2000,
}


def gap(history: History) -> float:
    """Points between the train accuracy of the last epoch and validation."""
    return 100 * (history[-1].train_accuracy - history[-1].validation_accuracy)


def signs(runs: dict[str, History]) -> dict[str, float]:
    """What each improvement does on its own measure; each is positive if notebook 05 is right."""

    def first(name: str) -> float:
        return 100 * runs[name][0].validation_accuracy

    def learnt(name: str) -> float:
        return 100 * runs[name][-1].train_accuracy

    return {
        "normalisation: validation after the first epoch": first("normalisation") - first("base"),
        "augmentation: gap that it closes": gap(runs["normalisation"]) - gap(runs["augmentation"]),
        "momentum: train accuracy of the last epoch": learnt("momentum") - learnt("augmentation"),
        "dropout: gap that it closes": gap(runs["momentum"]) - gap(runs["dropout"]),
        "batch norm: validation after the first epoch": first("batch-norm") - first("dropout"),
    }


def measured(computes_in: str, seeds: int, jobs: int) -> list[dict[str, float]]:
    """The signs of each seed."""
    wanted, folder = recipes(CUMULATIVE, **BUDGET), f"build/signs/{computes_in}"
    runs = common.compare_in(computes_in, wanted, seeds, folder, jobs)
    return [
        signs({run.configuration: run.history for run in runs if run.seed == seed})
        for seed in range(seeds)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once")
    options = parser.parse_args()
    rows = []
    for computes_in in precision.CHOICES:
        found = measured(computes_in, options.seeds, options.jobs)
        for label in found[0]:
            points = [one[label] for one in found]
            cells = [f"{value:+.1f}" for value in points]
            rows.append([label, computes_in, *cells, f"{mean(points):+.1f}"])
    seeds = [f"seed {seed}" for seed in range(options.seeds)]
    common.write_report(
        "signs",
        "The five improvements in minutes",
        markdown_table(["improvement, in points", "precision", *seeds, "mean"], rows),
        [
            "Data: CIFAR-10 (JPEG copy); 4,000 train images, 7 epochs, 1,000 validation images",
            f"Trainings at once: {options.jobs}, which share the threads",
        ],
    )


if __name__ == "__main__":
    main()
