"""Several trainings at once on the same cores: steps in all, by OpenMP's wait policy.

Each training is a process of its own, as in a class that shares a machine: CifarNet on one batch of
128 images that stays in memory, so that only computing is measured. ``tp_cnn`` asks for passive
waiting where torch is not loaded yet; the row "active" is what happens without.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import common

from tp_cnn.display import markdown_table

POLICIES = {
    "active": {"OMP_WAIT_POLICY": "ACTIVE"},
    "passive (tp_cnn's default)": {},
    "one thread each": {"OMP_NUM_THREADS": "1"},
}
BATCH = 128
HERE = Path(__file__).parent


def steps(seconds: float) -> int:
    """How many steps of CifarNet this process makes in ``seconds``, once all have begun."""
    import torch
    from torch import nn

    from tp_cnn.models import CifarNet

    model = CifarNet().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, labels = torch.randn(BATCH, 3, 32, 32), torch.randint(10, (BATCH,))
    images = images.contiguous(memory_format=torch.channels_last)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    step()  # the first one is slow
    print("ready", flush=True)
    sys.stdin.readline()
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        step()
        count += 1
    return count


def at_once(trainings: int, seconds: float, variables: dict[str, str]) -> int:
    """Steps of ``trainings`` processes in all."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    # As in a notebook, tp_cnn comes before torch, which `common` imports.
    command = [sys.executable, "-c", f"import tp_cnn, shared; print(shared.steps({seconds}))"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": HERE}
    processes = [
        subprocess.Popen(command, env={**clean, **variables}, **pipes) for _ in range(trainings)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(int(process.communicate()[0]) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for name, variables in POLICIES.items():
        totals = [
            statistics.median(
                at_once(count, options.seconds, variables) for _ in range(options.rounds)
            )
            for count in (1, 2, 4)
        ]
        rows.append([name, *map(int, totals), f"{totals[2] / totals[0]:.2f}"])
    header = ["waiting", "1 training", "2 at once", "4 at once", "4 / 1"]
    notes = [
        f"Steps of CifarNet, batches of {BATCH}, in {options.seconds:g} s, all trainings together"
    ]
    notes += [f"Median of {options.rounds} rounds"]
    common.write_report(
        "shared", "Several trainings on the same cores", markdown_table(header, rows), notes
    )


if __name__ == "__main__":
    main()
