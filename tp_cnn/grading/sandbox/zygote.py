"""What runs inside the sandbox before any cell: starts kernels, watches them, ends them.

``single``: one kernel. ``warm``: a process that has imported the libraries, and computed nothing,
forks a kernel for each submission; that takes a few hundredths of a second instead of seconds.

A kernel has a *supervisor*, a process that runs no line of the student's: it passes interruptions
on, says how the kernel ended, and takes everything down when the grader hangs up.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from tp_cnn.grading.sandbox import isolation, kernel

LIBRARIES = (
    *("numpy", "scipy.ndimage", "scipy.signal", "torch", "torch._dynamo", "torchvision"),
    *("sklearn.cluster", "sklearn.datasets", "sklearn.linear_model", "sklearn.metrics"),
    *("sklearn.svm", "matplotlib.pyplot", "matplotlib.font_manager", "matplotlib.animation"),
    *("PIL.Image", "tqdm.auto", "IPython.core.interactiveshell", "matplotlib_inline.config"),
)
LINUX = sys.platform.startswith("linux")
NOT_FOR_CELLS = ("tp_cnn.authoring", "tp_cnn.grading", "tp_cnn.commands", "tp_cnn.cli")


def supervise(control: socket.socket, data: socket.socket, settings: dict) -> None:
    """Run a kernel until it ends or the grader hangs up; nothing that it started outlives it."""
    pid = os.fork()
    if pid == 0:
        with _leaving():
            control.close()
            if LINUX:
                isolation.allow_tracing()
                isolation.new_session_keyring()
            _limit(settings["limits"])
            kernel.serve(data)
    data.close()
    status = None
    while status is None:
        if select.select([control], [], [], 0.05)[0]:
            if not control.recv(1):
                break
            os.kill(pid, signal.SIGINT)
        status = _reap(pid)
    if status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if settings["sandboxed"]:
        _end_all()
    elif LINUX:
        _end_descendants()
    with contextlib.suppress(OSError):
        control.sendall(json.dumps({"status": status}).encode())


def _reap(pid: int) -> int | None:
    """Bury every child that has ended; the exit status of ``pid`` if it is one of them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == pid:
                found = os.waitstatus_to_exitcode(ended[1])
    return found


def _end_all() -> None:
    """Kill every other process of the sandbox, in which this is the first one."""
    if os.getpid() != 1:
        raise RuntimeError("not the first process of a sandbox")
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _end_descendants(seconds: float = 5) -> None:
    """Kill what the kernel left, where no namespace does it: orphans become our children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (pids := children.read_text().split()):
        for pid in map(int, pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@contextlib.contextmanager
def _leaving():
    """Leave the process at the end of the block, without anything that Python does at exit."""
    try:
        yield
    finally:
        os._exit(0)


def _limit(limits: dict[str, int]) -> None:
    """Limits that the kernel and its children cannot raise again."""
    for name, value in limits.items():
        if hasattr(resource, name):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))


def move_in(home: str) -> None:
    """Make the folders that cells write to, and work in one of them."""
    folders = {"HOME": home, "TMPDIR": f"{home}/tmp", "MPLCONFIGDIR": f"{home}/.matplotlib"}
    for folder in (*folders.values(), f"{home}/work"):
        os.makedirs(folder, exist_ok=True)
    os.environ.update(folders)
    tempfile.tempdir = None
    os.chdir(f"{home}/work")
    sys.path[0] = ""  # the current folder, as in a notebook


def run_one(control: socket.socket, data: socket.socket, settings: dict) -> None:
    """A kernel and its supervisor, in the place where this process is."""
    if LINUX:
        isolation.hide()
        isolation.adopt_orphans()
    move_in(settings["home"])
    supervise(control, data, settings)
    if not settings["sandboxed"]:
        shutil.rmtree(settings["home"], ignore_errors=True)


def preload() -> None:
    """Import what notebooks import."""
    package = importlib.import_module("tp_cnn")
    modules = pkgutil.walk_packages(package.__path__, "tp_cnn.")
    for name in LIBRARIES:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for module in modules:
        if not module.name.startswith(NOT_FOR_CELLS):
            with contextlib.suppress(Exception):
                importlib.import_module(module.name)


def serve_warm(orders: socket.socket, settings: dict) -> None:
    """Fork a kernel for each pair of sockets that the grader sends, until it hangs up."""
    preload()
    if settings["sandboxed"]:
        isolation.mount_proc()
    orders.send(isolation.shared_state().encode() or b"ready")
    gc.collect()
    gc.freeze()  # collections in the children leave these pages shared
    while True:
        home, descriptors, *_ = socket.recv_fds(orders, 4096, 2)
        if not home:
            return
        pid = os.fork()
        if pid == 0:
            with _leaving():
                start = _fork_isolated if settings["sandboxed"] else run_one
                ends = [socket.socket(fileno=number) for number in descriptors]
                isolation.close_others(descriptors)
                start(*ends, {**settings, "home": home.decode()})
        for number in descriptors:
            os.close(number)
        _reap(pid)


def _fork_isolated(control: socket.socket, data: socket.socket, settings: dict) -> None:
    """Fork the supervisor into its own namespaces; stay outside until it ends."""
    isolation.enter_namespaces()
    pid = os.fork()
    if pid == 0:
        with _leaving():
            ends = [control.fileno(), data.fileno()]
            isolation.shut_in(settings["disk"], settings["limits"]["RLIMIT_NPROC"], ends)
            run_one(control, data, settings)
    control.close()
    data.close()
    os.waitpid(pid, 0)


def main(settings: str, *descriptors: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ends = [socket.socket(fileno=int(number)) for number in descriptors]
    start = run_one if len(ends) == 2 else serve_warm
    start(*ends, json.loads(settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
