"""Starts kernels, in the sandbox or not, and talks with them."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import tp_cnn
from tp_cnn.grading.sandbox import bubblewrap
from tp_cnn.grading.sandbox.bubblewrap import Limits
from tp_cnn.grading.sandbox.kernel import HEADER, MESSAGE

START = 120  # seconds in which a process must be ready
PATIENCE = 5  # seconds in which a process must leave when it is told to
ZYGOTE = [sys.executable, "-m", "tp_cnn.grading.sandbox.zygote"]


class KernelEnded(Exception):
    """The kernel is no more; ``status`` as in ``subprocess``, None when it is not known."""

    def __init__(self, status: int | None):
        super().__init__(status)
        self.status = status


class Garbled(Exception):
    """What arrived is no message: the cells wrote on the kernel's socket."""


class Kernel:
    """The grader's end of one kernel."""

    def __init__(self, control: socket.socket, data: socket.socket, end: Callable[[bool], None]):
        self.control, self.data, self.end = control, data, end
        self.buffer = bytearray()

    def send(self, message: dict, timeout: float = 10) -> None:
        """Send a message.

        Raises:
            KernelEnded: the kernel does not listen any more.
        """
        text = json.dumps(message).encode()
        self.data.settimeout(timeout)
        try:
            self.data.sendall(HEADER.pack(len(text)) + text)
        except OSError:
            raise KernelEnded(self._status(wait=0.5)) from None

    def receive(self, deadline: float) -> tuple[dict, int] | None:
        """The next message and its size in bytes; None when none came before ``deadline``.

        Raises:
            KernelEnded: there will be none.
            Garbled: what came is no message.
        """
        while (message := self._next()) is None:
            if (left := deadline - time.monotonic()) <= 0:
                return None
            ready, _, _ = select.select([self.data, self.control], [], [], left)
            if self.data in ready:
                try:
                    piece = self.data.recv(1 << 20, socket.MSG_DONTWAIT)
                except OSError:
                    piece = b""
                if not piece:
                    raise KernelEnded(self._status(wait=2))
                self.buffer += piece
            elif ready:
                raise KernelEnded(self._status(wait=2))
        return message

    def _next(self) -> tuple[dict, int] | None:
        if len(self.buffer) < HEADER.size:
            return None
        (size,) = HEADER.unpack_from(self.buffer)
        if size > MESSAGE:
            raise Garbled
        end = HEADER.size + size
        if len(self.buffer) < end:
            return None
        text = bytes(self.buffer[HEADER.size : end])
        del self.buffer[:end]
        try:
            message = json.loads(text)
            if rb"\ud" in text.lower():  # halves of surrogate pairs cannot be written to a file
                clean = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
                message = json.loads(clean)
        except (ValueError, RecursionError):
            raise Garbled from None
        if not isinstance(message, dict):
            raise Garbled
        return message, end

    def _status(self, wait: float) -> int | None:
        """How the kernel ended, by its supervisor."""
        text = b""
        self.control.settimeout(wait)
        with contextlib.suppress(OSError):
            while len(text) < 1000 and (piece := self.control.recv(1000)):
                text += piece
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return int(json.loads(text)["status"])
        return None

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self.control.send(b"I")

    def close(self) -> None:
        """End the kernel and everything that it started."""
        if self.control.fileno() < 0:
            return
        gone = False
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)  # the supervisor's order to leave
            self.control.settimeout(PATIENCE)
            while self.control.recv(1000):
                pass
            gone = True
        self.control.close()
        self.data.close()
        self.end(gone)


class Starter:
    """Starts kernels, each in a process that imports everything anew."""

    def __init__(self, limits: Limits, data: Path | None, extra: dict[str, str], sandboxed: bool):
        self.limits, self.data, self.sandboxed = limits, data, sandboxed
        where = bubblewrap.DATA if sandboxed and data else data and data.resolve()
        package = Path(tp_cnn.__file__).resolve().parent.parent
        self.variables = bubblewrap.environment(
            bubblewrap.PACKAGE if sandboxed else str(package), where, extra
        )
        self.settings = {
            "limits": limits.resources(),
            "disk": limits.disk,
            "sandboxed": sandboxed,
            "home": bubblewrap.HOME,
        }

    def start(self) -> Kernel:
        """A new kernel, which may not be ready yet."""
        home = self._home()
        (control, data), theirs = _sockets()
        with _closing(*theirs):
            process = self._launch({**self.settings, "home": home}, theirs)

        def end(gone: bool) -> None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE if gone else 0)
            _end(process)
            self._remove(home)

        return Kernel(control, data, end)

    def close(self) -> None:
        """Nothing is left once every kernel is closed."""

    def alive(self) -> bool:
        return True

    def _home(self) -> str:
        return bubblewrap.HOME if self.sandboxed else tempfile.mkdtemp(prefix="tp-cnn-")

    def _remove(self, home: str) -> None:
        if not self.sandboxed:
            shutil.rmtree(home, ignore_errors=True)

    def _launch(self, settings: dict, ends: list[socket.socket], nested: bool = False):
        before = []
        if self.sandboxed:
            before = bubblewrap.command(self.limits, self.variables, self.data, nested)
        numbers = [end.fileno() for end in ends]
        process = subprocess.Popen(
            [*before, *ZYGOTE, json.dumps(settings), *map(str, numbers)],
            env=self.variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=numbers,
            start_new_session=True,  # Ctrl+C reaches the grader only
        )
        with contextlib.suppress(OSError):  # when memory is short, kernels go before the grader
            Path(f"/proc/{process.pid}/oom_score_adj").write_text("500")
        return process


class WarmStarter(Starter):
    """Has kernels forked by a process that has imported the libraries, the zygote.

    Raises:
        OSError: there is no such process, because it could not be had or has ended.
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.lock = threading.Lock()
        self.orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.answer = ""  # the zygote's, when it is ready
        self.process: subprocess.Popen | None = None
        # Bubblewrap ends with the thread that started it, so this one stays.
        self.thread = threading.Thread(target=self._watch, args=[theirs], daemon=True)
        self.launched = threading.Event()
        self.thread.start()

    def _watch(self, theirs: socket.socket) -> None:
        with theirs, contextlib.suppress(OSError):
            self.process = self._launch(self.settings, [theirs], nested=True)
        self.launched.set()
        if self.process:
            self.process.wait()

    def start(self) -> Kernel:
        with self.lock:
            if not self.answer:
                self.orders.settimeout(START)
                self.answer = self.orders.recv(1000).decode() or "it ended"
                self.orders.settimeout(PATIENCE)
            if self.answer != "ready":
                raise OSError(f"no warm process: {self.answer}")
            home = self._home()
            (control, data), theirs = _sockets()
            with _closing(*theirs):
                socket.send_fds(self.orders, [home.encode()], [end.fileno() for end in theirs])

        def end(gone: bool) -> None:
            if not gone and self.process:
                _end(self.process)
            self._remove(home)

        return Kernel(control, data, end)

    def alive(self) -> bool:
        return self.thread.is_alive()

    def close(self) -> None:
        """End the zygote and, with it, every kernel."""
        self.launched.wait()
        if self.process:
            _end(self.process)
        self.thread.join()
        self.orders.close()


def _sockets():
    """Two pairs of sockets, for control and for data: ours and theirs."""
    pairs = [socket.socketpair() for _ in range(2)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


@contextlib.contextmanager
def _closing(*ends: socket.socket):
    try:
        yield
    finally:
        for end in ends:
            end.close()


def _end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
