"""Time and accuracy of `tp-cnn train --recipe speedrun` over several seeds, on this device."""

import argparse
from statistics import median

import common

from tp_cnn.data.sources import load
from tp_cnn.display import markdown_table
from tp_cnn.experiments.summaries import mean_and_spread
from tp_cnn.training import speedrun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=float, nargs="+", default=[speedrun.EPOCHS])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for epochs in options.epochs:
        runs = [speedrun.speedrun(seed, epochs) for seed in range(options.seeds)]
        accuracies, seconds = zip(*runs, strict=True)
        of_seconds = f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
        around = f"{min(accuracies):.2%} to {max(accuracies):.2%}"
        rows.append([epochs, len(runs), mean_and_spread(accuracies), around, of_seconds])
    common.write_report(
        "speedrun",
        "Speedrun",
        markdown_table(["epochs", "seeds", "test accuracy, %", "range", "seconds"], rows),
        [
            f"Data: {load('cifar10', 'test').origin}; 50,000 train images, 10,000 test images",
            "Mean ± standard deviation over the seeds; seconds of training alone, by the clock: "
            "median, least and most",
        ],
    )


if __name__ == "__main__":
    main()
