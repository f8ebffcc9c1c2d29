"""The first process of a sandbox: starts the kernel, passes interruptions on, and ends with it.

It runs no line of the student's. When it leaves, because the kernel has ended or the grader hung
up, the system ends everything else in the sandbox.
"""

import contextlib
import ctypes
import json
import os
import platform
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from tp_cnn.grading.sandbox import kernel

LINUX = sys.platform.startswith("linux")
SET_DUMPABLE, SET_CHILD_SUBREAPER = 4, 36  # linux/prctl.h
KEYCTL = {"x86_64": 250, "aarch64": 219}  # the number of the system call
JOIN_SESSION_KEYRING = 1


def supervise(control: socket.socket, data: socket.socket, settings: dict) -> int:
    """Run a kernel until it ends or the grader hangs up; return its exit status, 0 failing that."""
    _prctl(SET_DUMPABLE, 0)  # cells cannot trace this process
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            _prctl(SET_DUMPABLE, 1)
            _leave_keyring()
            _limit(settings["limits"])
            kernel.serve(data)
        finally:
            os._exit(0)
    data.close()
    status = None
    while status is None:
        if select.select([control], [], [], 0.05)[0]:
            if not control.recv(1):
                os.kill(pid, signal.SIGKILL)
                return 0
            os.kill(pid, signal.SIGINT)
        status = _reap(pid)
    return status if status >= 0 else kernel.KILLED - status


def _reap(pid: int) -> int | None:
    """Bury every child that has ended; the exit status of ``pid`` if it is one of them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == pid:
                found = os.waitstatus_to_exitcode(ended[1])
    return found


def _end_descendants(seconds: float = 5) -> None:
    """Kill the kernel and what it left, where no sandbox does it: orphans become our children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (pids := children.read_text().split()):
        for pid in map(int, pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _prctl(option: int, value: int) -> None:
    if LINUX and ctypes.CDLL(None).prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))):
        raise OSError(f"prctl({option}, {value}) failed")


def _leave_keyring() -> None:
    """Leave the grader's session keyring, which namespaces do not separate."""
    if LINUX and (number := KEYCTL.get(platform.machine())) is not None:
        ctypes.CDLL(None).syscall(ctypes.c_long(number), ctypes.c_long(JOIN_SESSION_KEYRING), None)


def _limit(limits: dict[str, int]) -> None:
    """Limits that the kernel and its children cannot raise again."""
    for name, value in limits.items():
        if hasattr(resource, name):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))


def _move_in(home: str) -> None:
    """Make the folders that cells write to, and work in one of them."""
    folders = {"HOME": home, "TMPDIR": f"{home}/tmp", "MPLCONFIGDIR": f"{home}/.matplotlib"}
    for folder in (*folders.values(), f"{home}/work"):
        os.makedirs(folder, exist_ok=True)
    os.environ.update(folders)
    tempfile.tempdir = None
    os.chdir(f"{home}/work")
    sys.path[0] = ""  # the current folder, as in a notebook


def main(settings: str, control: str, data: str) -> int:
    """Returns the exit status of the kernel."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    options = json.loads(settings)
    if not options["sandboxed"]:
        _prctl(SET_CHILD_SUBREAPER, 1)
    _move_in(options["home"])
    ends = [socket.socket(fileno=int(number)) for number in (control, data)]
    status = supervise(*ends, options)
    if not options["sandboxed"]:
        if LINUX:
            _end_descendants()
        shutil.rmtree(options["home"], ignore_errors=True)
    return status


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))  # nothing of what Python does at exit
