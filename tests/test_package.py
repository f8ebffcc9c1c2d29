"""What importing the package does, in processes of their own."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest


def printed(code: str, **variables: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-c", f"import os, sys\n{code}"]
    return subprocess.run(
        command, env={**clean, **variables}, capture_output=True, text=True, check=True
    ).stdout.strip()


POLICY = "print(os.environ.get('OMP_WAIT_POLICY'))"


def test_threads_wait_without_spinning():
    assert printed(f"import tp_cnn\n{POLICY}") == "PASSIVE"


@pytest.mark.parametrize("chosen", ["ACTIVE", "passive"])
def test_what_the_user_chose_stays(chosen):
    assert printed(f"import tp_cnn\n{POLICY}", OMP_WAIT_POLICY=chosen) == chosen


def test_nothing_is_set_once_torch_is_there():
    """It would have no effect, and the processes started later would differ from this one."""
    assert printed(f"sys.modules['torch'] = None\nimport tp_cnn\n{POLICY}") == "None"


def test_the_package_alone_imports_nothing_slow():
    assert printed("import tp_cnn\nprint('torch' in sys.modules)") == "False"


def loaded_after(statements: str) -> set[str]:
    """The packages that a new process has loaded after these statements."""
    names = printed(f"{statements}\nprint(*sys.modules)").splitlines()[-1]
    return {name.split(".")[0] for name in names.split()}


def test_the_help_of_the_command_answers_without_what_is_slow_to_load():
    asked = "from tp_cnn import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass"
    assert not loaded_after(asked) & {"torch", "numpy", "matplotlib", "sklearn", "nbformat"}


def test_a_notebook_loads_what_draws_learns_and_converts_only_when_it_needs_it():
    """Its first cell takes the time of torch, and little more: see benchmarks/startup.py."""
    line = re.compile(r"^(?:from|import) tp_cnn[^(\n]+$", re.MULTILINE)
    sources = (Path(__file__).parents[1] / "solutions").glob("*.py")
    lines = {found for source in sources for found in line.findall(source.read_text("utf-8"))}
    assert len(lines) > 10
    slow = {"matplotlib", "sklearn", "scipy", "torchvision", "triton", "nbconvert", "nbformat"}
    assert not loaded_after("\n".join(sorted(lines))) & slow


FAULTS = """
import resource, tp_cnn
def take(): return [bytearray(15_000_000) for _ in range(4)]  # 14,648 pages
take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
take()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_memory_that_is_freed_is_there_for_the_next_step(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:  # Dask sets one
        monkeypatch.delenv(name)
    kept = int(printed(FAULTS))
    assert kept < 1000 < int(printed(FAULTS, MALLOC_ARENA_MAX="8"))  # what the user chose stays
