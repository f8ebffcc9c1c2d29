"""What Windows and macOS ask of the package, as far as it can be tried here."""

import ast
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import tp_cnn
from tp_cnn.grading.sandbox import bubblewrap

PACKAGE = Path(tp_cnn.__file__).parent
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty", "syslog"}


def imported(path):
    """The modules that a file imports, apart from those that it can do without."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    optional = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and "suppress(ImportError)" in ast.unparse(node)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in optional:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_no_command_needs_a_posix_module_but_the_sandbox():
    needing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if POSIX & set(imported(path))
    }
    assert needing == {"grading/sandbox/supervisor.py"}  # a program of its own, never imported
    importing = [
        path
        for path in PACKAGE.rglob("*.py")
        if "import supervisor" in path.read_text(encoding="utf-8")
    ]
    assert importing == []


def test_every_text_file_says_its_encoding():
    """Windows has another by default."""
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "sandbox"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("read_text", "write_text")
        and not any(keyword.arg == "encoding" for keyword in node.keywords)
        and len(node.args) < (1 if node.func.attr == "read_text" else 2)
    ]
    assert wrong == []


@pytest.mark.skipif(bool(bubblewrap.obstacle()), reason="needs bubblewrap")
def test_the_sandbox_starts_where_the_environment_lies_under_tmp(tmp_path):
    """Its own temporary folder, laid over /tmp, must not hide the environment."""
    root = Path("/tmp") / f"tp-cnn-{os.getpid()}"
    try:
        venv.create(root, symlinks=True)
        libraries = next(root.glob("lib/python*/site-packages"))
        for name in ("numpy", "torch", "ipykernel", "platformdirs", "filelock"):
            (libraries / f"{name}.py").touch()  # the probe looks whether they are found
        code = (
            "import sys, importlib.util;"
            "spec = importlib.util.spec_from_file_location('bubblewrap', sys.argv[1]);"
            "module = importlib.util.module_from_spec(spec); sys.modules['bubblewrap'] = module;"
            "spec.loader.exec_module(module); print(module.obstacle())"
        )
        done = subprocess.run(
            [root / "bin/python", "-c", code, bubblewrap.__file__],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent)},
        )
        assert done.stdout == "None\n", done.stderr
        (libraries / "torch.py").unlink()
        done = subprocess.run(
            [root / "bin/python", "-c", code, bubblewrap.__file__],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent)},
        )
        assert "does not show the Python environment" in done.stdout
    finally:
        subprocess.run(["rm", "-r", str(root)], check=True)


def test_this_interpreter_is_shown():
    assert any(Path(sys.prefix) in (path, *path.parents) for path in bubblewrap.interpreter())
