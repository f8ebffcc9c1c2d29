"""Does bfloat16 reach the accuracy of float32? The best recipe of notebook 05, the same seeds.

Two trainings of one seed draw the same weights, order and augmentations; they differ by the
precision in which the network computes.
"""

import argparse
from dataclasses import replace

import common

from tp_cnn.display import markdown_table
from tp_cnn.experiments.configurations import configure
from tp_cnn.experiments.summaries import mean_and_spread
from tp_cnn.training import precision, recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    wanted = configure("best", images=options.images, epochs=options.epochs)
    found = {computes_in: [] for computes_in in precision.CHOICES}
    for seed in range(options.seeds):
        for computes_in, accuracies in found.items():
            result = recipe.train(
                replace(wanted, seed=seed), computes_in=computes_in, progress=False
            )
            accuracies.append(result.test.accuracy)
            print(seed, computes_in, f"{accuracies[-1]:.2%}", flush=True)
    float32, bfloat16 = found.values()
    differences = [low - high for low, high in zip(bfloat16, float32, strict=True)]
    found["bfloat16 - float32, seed by seed"] = differences
    rows = [
        [name, len(values), mean_and_spread(values), f"{min(values):.2%} to {max(values):.2%}"]
        for name, values in found.items()
    ]
    common.write_report(
        "precision",
        "Accuracy in bfloat16",
        markdown_table(["precision", "seeds", "test accuracy, %", "range"], rows),
        [
            f"Data: {result.batches['train'].image_set.origin}; {options.images:,} train images, "
            f"{options.epochs} epochs, 10,000 test images",
            "Mean ± standard deviation over the seeds",
        ],
    )


if __name__ == "__main__":
    main()
