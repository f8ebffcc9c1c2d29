"""Test error of LeNet-5 on MNIST: the lab script's network, and our best recipe; several seeds.

The settings were chosen among ten on a validation set of 10,000 train images; each run here
measures the test set once, after its last epoch. A run that is already in
``results/accuracy.csv`` is not done again: kill and restart at will.
"""

import argparse
import csv
import statistics
from dataclasses import asdict, replace

import common

from tp_cnn.display import markdown_table
from tp_cnn.files import atomic_write
from tp_cnn.training import recipe

SHARED = recipe.Recipe(epochs=20, schedule="cosine", validation=0.05)
RECIPES = {
    "tanh, as in the lab script; shifts of 1 pixel": replace(
        SHARED, model_options={"activation": "tanh"}, shift=1, weight_decay=5e-4
    ),
    "ReLU; shifts of 2 pixels": replace(SHARED, shift=2, weight_decay=1e-3, batch_size=64),
}
FILE = common.RESULTS / "accuracy.csv"
COLUMNS = ["recipe", "seed", "epochs", "validation_error", "test_error", "seconds", "settings"]


def done() -> list[dict[str, str]]:
    if not FILE.exists():
        return []
    with FILE.open(newline="") as file:
        return list(csv.DictReader(file))


def add(row: dict) -> None:
    rows = [*done(), row]
    with atomic_write(FILE) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def train(name: str, wanted: recipe.Recipe) -> None:
    result = recipe.train(wanted)
    row = {
        "recipe": name,
        "seed": wanted.seed,
        "epochs": wanted.epochs,
        "validation_error": f"{1 - result.history[-1].validation_accuracy:.4f}",
        "test_error": f"{1 - result.test.accuracy:.4f}",
        "seconds": f"{sum(result.history.seconds):.0f}",
        "settings": settings(wanted),
    }
    add(row)
    print(row, flush=True)


def settings(wanted: recipe.Recipe) -> str:
    """What the recipe changes, but its seed: a run of another recipe is not mistaken for it."""
    default = asdict(recipe.Recipe())
    changed = {key: value for key, value in asdict(wanted).items() if value != default[key]}
    return str({key: value for key, value in changed.items() if key != "seed"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    finished = {(row["settings"], int(row["seed"])) for row in done()}
    for name, wanted in RECIPES.items():
        for seed in seeds:
            if (settings(wanted), seed) not in finished:
                train(name, replace(wanted, seed=seed))
    report()


def report() -> None:
    table = []
    for name, wanted in RECIPES.items():
        rows = [row for row in done() if row["settings"] == settings(wanted)]
        errors = [100 * float(row["test_error"]) for row in rows]
        table.append(
            [
                name,
                str(wanted.epochs),
                str(len(errors)),
                f"{statistics.mean(errors):.2f} %",
                f"{min(errors):.2f} to {max(errors):.2f} %",
            ]
        )
    header = ["recipe", "epochs", "seeds", "mean test error", "range"]
    notes = [
        "Data: MNIST, 57,000 images to train, 3,000 to validate, 10,000 to test, once",
        "Both: momentum 0.9, learning rate 0.05 down to 0 along a cosine",
    ]
    text = markdown_table(header, table)
    common.write_report("accuracy", "LeNet-5 on MNIST (61,706 weights)", text, notes)


if __name__ == "__main__":
    main()
