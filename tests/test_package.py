"""What importing the package does, in processes of their own."""

import os
import subprocess
import sys

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
