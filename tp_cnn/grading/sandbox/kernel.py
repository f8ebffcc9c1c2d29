"""The process in which a submission's cells run: an IPython shell at the end of a socket.

It replaces ipykernel: what comes out of it is short messages of JSON behind their length, so that
the grader never has ZeroMQ read what hostile code wrote.
"""

import base64
import builtins
import contextlib
import io
import json
import os
import signal
import socket
import struct
import sys
import threading

from tp_cnn.grading.sandbox import asking

HEADER = struct.Struct(">I")  # length of the JSON text that follows
PIECE = 32_768  # characters of printed text in one message
MESSAGE = 8_000_000  # bytes of JSON in one message; the host refuses longer ones
KILLED = 128  # added to a signal in an exit status, as shells and bubblewrap do


class Channel:
    """Messages (dictionaries) over a socket."""

    def __init__(self, end: socket.socket):
        self.end = end
        self.owner = os.getpid()  # children of the kernel, such as DataLoader's, share the socket
        self.lock = threading.RLock()
        self.sender = 0  # the thread that is sending
        self.interrupted = False

    def send(self, message: dict) -> None:
        data = json.dumps(message, default=repr, skipkeys=True).encode()
        if len(data) > MESSAGE:
            data = json.dumps(_too_long(message, len(data))).encode()
        if os.getpid() != self.owner:
            return
        with self.lock:
            self.sender = threading.get_ident()
            try:
                self.end.sendall(HEADER.pack(len(data)) + data)
            finally:
                self.sender = 0
        if self.interrupted and threading.current_thread() is threading.main_thread():
            self.interrupted = False
            raise KeyboardInterrupt

    def receive(self) -> dict | None:
        """The next message; None when the other end is closed."""
        header = self._read(HEADER.size)
        return json.loads(self._read(*HEADER.unpack(header))) if header else None

    def ask_back(self, message: dict) -> str:
        """What the grader replies, at once. A signal waits: half a message would be our end."""
        waiting = {signal.SIGINT, signal.SIGALRM}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
        try:
            self.send(message)
            return str((self.receive() or {}).get("back", ""))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (piece := self.end.recv(size - len(data))):
            data += piece
        return data

    def interrupt(self, number, frame) -> None:
        """What the main thread does with SIGINT while a cell runs."""
        if self.sender == threading.get_ident():
            self.interrupted = True  # later: half a message would be the kernel's end
        else:
            raise KeyboardInterrupt


def _too_long(message: dict, size: int) -> dict:
    if message["type"] == "reply":
        return {"type": "reply", "ask": message["ask"]}
    if message["type"] not in ("display_data", "execute_result"):
        return {"type": message["type"]}
    note = f"[affichage de {size / 1e6:.0f} Mo retiré : il est trop long]"
    return {"type": "display_data", "data": {"text/plain": note}, "metadata": {}}


class Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of the cells."""

    encoding = "utf-8"

    def __init__(self, name: str, channel: Channel):
        self.name, self.channel = name, channel
        self.buffer_, self.length, self.lock = [], 0, threading.RLock()
        self.other: Stream | None = None  # flushed first, to keep the order of what is printed

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.other and self.other.length:
            self.other.flush()
        with self.lock:
            self.buffer_.append(text)
            self.length += len(text)
            if self.length >= PIECE:
                self.flush()
        return len(text)

    def flush(self) -> None:
        with self.lock:
            text, self.buffer_, self.length = "".join(self.buffer_), [], 0
            for start in range(0, len(text), PIECE):
                piece = text[start : start + PIECE]
                self.channel.send({"type": "stream", "name": self.name, "text": piece})


def serve(end: socket.socket) -> None:
    """Run the cells that arrive at ``end``, one by one, until it is closed."""
    channel = Channel(end)
    streams = Stream("stdout", channel), Stream("stderr", channel)
    streams[0].other, streams[1].other = streams[1], streams[0]
    sys.stdin = io.StringIO()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout, sys.stderr = streams
    shell = _shell(channel)
    desk = asking.install(channel, shell.user_ns)
    channel.send({"type": "ready"})
    while request := channel.receive():
        if "ask" in request:
            desk.work(request)
        if "cell" not in request:
            continue
        reply = {"type": "done", "cell": request["cell"]}
        # A late SIGINT can raise anywhere here; the cell is over then, and the reply goes out.
        try:
            sys.stdout, sys.stderr = streams  # cells may have replaced them
            signal.signal(signal.SIGINT, channel.interrupt)
            reply |= _run(shell, request["source"])
            for stream in streams:
                stream.flush()
        except BaseException as error:
            reply |= _error(error)
        with contextlib.suppress(KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        channel.send(reply)


def _run(shell, source: str) -> dict:
    result = shell.run_cell(source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    reply = {"status": "ok"} if result.success or error is None else _error(error)
    return {**reply, "execution_count": result.execution_count}


def _error(error: BaseException) -> dict:
    try:
        text = str(error)
    except Exception:
        text = ""
    return {"status": "error", "ename": type(error).__name__, "evalue": text[:10_000]}


def _shell(channel: Channel):
    """An IPython shell whose outputs go to ``channel``."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type
    from traitlets.config import Config

    def flush():
        sys.stdout.flush()
        sys.stderr.flush()

    def publish(kind, data, metadata, **more):
        flush()
        data = {mime: _text(value) for mime, value in data.items()}
        channel.send({"type": kind, "data": data, "metadata": metadata or {}, **more})

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, *, transient=None, update=False, **_):
            kind = "update_display_data" if update else "display_data"
            publish(kind, data, metadata, transient=transient or {})

        def clear_output(self, wait=False):
            flush()
            channel.send({"type": "clear_output", "wait": bool(wait)})

    class Hook(DisplayHook):
        def write_output_prompt(self):
            pass  # the notebook shows the number of the cell

        def write_format_data(self, format_dict, md_dict=None):
            publish("execute_result", format_dict, md_dict, execution_count=self.prompt_count)

    class Shell(InteractiveShell):
        display_pub_class = Type(Publisher)
        displayhook_class = Type(Hook)

        def _showtraceback(self, etype, evalue, stb):
            flush()
            error = {"ename": etype.__name__, "evalue": str(evalue), "traceback": stb}
            channel.send({"type": "error", **error})

        def enable_gui(self, gui=None):
            pass  # there is no window

        def ask_exit(self):
            pass  # exit() ends nothing: the next cells may be right

    def no_input(prompt=""):
        raise EOFError("input() : personne ne répond pendant la correction")

    config = Config()
    config.HistoryManager.enabled = False  # no file and no thread
    config.InteractiveShell.xmode = "Plain"  # tracebacks in colour take 25 ms each
    shell = Shell.instance(config=config)
    builtins.input = no_input
    return shell


def _text(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
