"""The learning rate of each network of notebook 08, searched on validation images.

Each family tries a third, once and three times the rate of its configuration, and goes on by
factors of three while the best one is at an end. One seed; the test set chooses nothing. Runs stay
in ``build/rates``: the same command goes on from there.
"""

import argparse
from dataclasses import replace

import common

from tp_cnn import runtime
from tp_cnn.display import markdown_table
from tp_cnn.errors import CourseError
from tp_cnn.experiments.comparison import compare
from tp_cnn.experiments.configurations import ARCHITECTURES, configure
from tp_cnn.training.recipe import Recipe

FACTOR = 3
MOST = 6  # rates of a family


def search(name: str, budget: dict) -> tuple[str, dict[float, float]]:
    """The name, and rate -> validation accuracy after the last epoch."""
    start, found, powers = configure(name, **budget), {}, [-1, 0, 1]
    while powers:
        for power in powers:
            rate = float(f"{start.learning_rate * FACTOR**power:.2g}")
            found[power] = rate, accuracy(name, replace(start, learning_rate=rate))
        best = max(found, key=lambda power: found[power][1])
        beyond = {best - 1, best + 1} - {*found}
        powers = [*beyond] if len(found) < MOST else []
    return name, dict(sorted(found.values()))


def accuracy(name: str, recipe: Recipe) -> float:
    """On validation, after the last epoch; 0 for a run that diverges."""
    label = f"rate {recipe.learning_rate:g}"
    try:
        runs = compare({label: recipe}, 1, f"build/rates/{name}", say=lambda line: None)
    except CourseError as error:
        print(f"{name}, {label}: {error}", flush=True)
        return 0.0
    (run,) = (one for one in runs if one.configuration == label)
    print(f"{name}, {label}: {run.history[-1].validation_accuracy:.2%}", flush=True)
    return run.history[-1].validation_accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    options = parser.parse_args()
    budget = {"images": options.images, "epochs": options.epochs, "test_images": 1000}
    calls = [(name, budget) for name in reversed(ARCHITECTURES)]  # the slow ones first
    found = dict(runtime.in_parallel(search, calls, options.jobs))
    rows = []
    for name in ARCHITECTURES:
        best = max(found[name], key=found[name].get)
        tried = ", ".join(f"{rate:g}: {100 * value:.1f}" for rate, value in found[name].items())
        rows.append([name, configure(name).optimizer, tried, f"{best:g}"])
    common.write_report(
        "rates",
        "Learning rates of the architectures",
        markdown_table(["network", "optimiser", "rate: validation accuracy, %", "best"], rows),
        [
            f"CIFAR-10 as `tp-cnn data` finds it, {options.images:,} images of which a tenth "
            f"validates, {options.epochs} epochs, one-cycle up to the rate, seed 0",
            "Rates that differ by 3 or 4 points are not told apart by one seed and "
            f"{options.images // 10:,} validation images",
        ],
    )


if __name__ == "__main__":
    main()
