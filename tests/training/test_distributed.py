"""One training on two processes that torchrun starts, on the CPU."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tp_cnn.training import distributed
from tp_cnn.training.history import History

# 1,437 images to train with, 1,149 after validation: the last batch of 100 has 49.
TRAIN = ["-m", "tp_cnn.cli", "train", "--dataset", "digits", "--validation", "0.2", "--device"]
TRAIN += ["cpu", "--batch-size", "100", "--shift", "1", "--seed", "3"]
ENVIRONMENT = {
    **os.environ,
    "TP_CNN_THREADS": "1",
    "TP_CNN_PROGRESS": "0",
    "TP_CNN_PRECISION": "float32",
    "OMP_NUM_THREADS": "1",
}


def torchrun(*options: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", *options]


def start(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def finish(command: list[str]) -> str:
    process = start(command)
    printed = process.communicate(timeout=600)[0]
    assert process.returncode == 0
    return printed


def losses(folder: Path) -> list[tuple]:
    rows = History.from_csv(folder / "history.csv")
    return [(row.train_loss, row.validation_loss, row.validation_accuracy) for row in rows]


def arguments(folder: Path, epochs: int = 3) -> list[str]:
    return [*TRAIN, "--output", str(folder), "--epochs", str(epochs)]


def flat(rows: list[tuple]) -> list[float]:
    return [value for row in rows for value in row]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The losses of one process, and what it printed last."""
    folder = tmp_path_factory.mktemp("alone")
    printed = finish([sys.executable, *arguments(folder)])
    return losses(folder), printed.splitlines()[-2:]


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one_and_one_of_them_writes(tmp_path, alone):
    command = torchrun("--nproc-per-node", "2")
    printed = finish([*command, *arguments(tmp_path)])
    assert flat(losses(tmp_path)) == pytest.approx(flat(alone[0]), rel=1e-3)
    assert printed.count("test error") == 1
    assert "device: cpu, 1 fil de calcul, 2 processes" in printed


def children(process: subprocess.Popen) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found in /proc")
def test_a_killed_worker_is_gone_on_from(tmp_path):
    epochs = 12
    whole, restarted, checkpoint = tmp_path / "whole", tmp_path / "restarted", tmp_path / "run.pt"
    command = torchrun("--nproc-per-node", "2", "--max-restarts", "1")
    finish([*command, *arguments(whole, epochs)])
    process = start([*command, *arguments(restarted, epochs), "--checkpoint", str(checkpoint)])
    limit = time.monotonic() + 300
    while not checkpoint.exists():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.01)
    os.kill(children(process)[-1], signal.SIGKILL)
    try:
        printed = process.communicate(timeout=600)[0]
    finally:
        process.terminate()  # torchrun ends its workers
    assert process.returncode == 0
    assert printed.count("device: cpu") >= 2  # again, after the death
    assert flat(losses(restarted)) == pytest.approx(flat(losses(whole)), rel=1e-6)


@pytest.mark.parametrize("count", [1, 2, 5, 49])
def test_parts_neither_overlap_nor_lose(count, monkeypatch):
    processes = 2
    monkeypatch.setattr(distributed, "size", lambda: processes)
    images, labels = torch.arange(count).view(-1, 1, 1, 1), torch.arange(count)
    found, mean = [], 0.0
    for rank in range(processes):
        monkeypatch.setattr(distributed.distributed, "get_rank", lambda rank=rank: rank)
        part_images, part_labels, weight = distributed.part(images, labels)
        assert torch.equal(part_images.flatten(), part_labels)
        found += part_labels.tolist() if weight else []
        mean += part_labels.float().mean().item() * weight / processes
    assert found == list(range(count))
    assert mean == pytest.approx(labels.float().mean().item())
