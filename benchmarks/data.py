"""Seconds until the images of a set are there: found on the disk (decoded before), or drawn."""

import argparse
import time

import common

from tp_cnn.data import sources
from tp_cnn.display import markdown_table

SETS = ("mnist", "fashion-mnist", "cifar10", "digits", "shapes")


def seconds(name: str) -> float:
    """The time of one `load` of the train images."""
    start = time.perf_counter()
    sources.load(name, download=False)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    there = {row.name for row in sources.status()} | {"digits", "shapes"}
    rows = []
    for name in filter(there.__contains__, SETS):
        found = sources.load(name, download=False)  # decodes, if that was not done
        best = min(seconds(name) for _ in range(rounds))
        rows.append([name, f"{len(found):,}", f"{best:.2f}", found.origin])
    table = markdown_table(["set", "train images", "seconds", "origin"], rows)
    common.write_report("data", "Loading a set", table, [f"The least of {rounds} rounds"])


if __name__ == "__main__":
    main()
