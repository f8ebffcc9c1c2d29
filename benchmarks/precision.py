"""Does bfloat16 reach the accuracy of float32? The best recipe of notebook 05, the same seeds.

Two trainings of one seed draw the same weights, order and augmentations; they differ by the
precision in which the network computes. Results are kept in ``build/precision``: kill and go on.
"""

import argparse

import common

from tp_cnn.display import markdown_table
from tp_cnn.experiments.configurations import recipes
from tp_cnn.experiments.results import Run
from tp_cnn.experiments.summaries import mean_and_spread
from tp_cnn.training import precision


def measured(computes_in: str, options: argparse.Namespace) -> list[Run]:
    """One run a seed, in the order of the seeds."""
    wanted = recipes(["best"], images=options.images, epochs=options.epochs)
    folder = f"build/precision/{options.images}-{options.epochs}-{computes_in}"
    runs = common.compare_in(computes_in, wanted, options.seeds, folder, options.jobs)
    return sorted(runs, key=lambda run: run.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000, help="0: all")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once")
    options = parser.parse_args()
    runs = {computes_in: measured(computes_in, options) for computes_in in precision.CHOICES}
    found = {name: [run.test.accuracy for run in each] for name, each in runs.items()}
    pairs = zip(found["bfloat16"], found["float32"], strict=True)
    found["bfloat16 - float32, seed by seed"] = [low - high for low, high in pairs]
    rows = [
        [name, len(values), mean_and_spread(values), f"{min(values):.2%} to {max(values):.2%}"]
        for name, values in found.items()
    ]
    about = runs["float32"][0].about
    common.write_report(
        "precision",
        "Accuracy in bfloat16",
        markdown_table(["precision", "seeds", "test accuracy, %", "range"], rows),
        [
            f"Data: {about['data']}; {options.images or 'all'} train images",
            f"Budget: {options.epochs} epochs",
            "Mean ± standard deviation over the seeds",
        ],
    )


if __name__ == "__main__":
    main()
