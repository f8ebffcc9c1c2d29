"""Downloading one file whose size and checksum are known, over networks that fail."""

import errno
import hashlib
import http.client
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout
from tqdm.auto import tqdm

import tp_cnn
from tp_cnn.data.files.catalog import RemoteFile
from tp_cnn.errors import CourseError
from tp_cnn.files import first_free
from tp_cnn.runtime import settings

TIMEOUT = 20.0  # seconds without a byte, or without SLOWEST bytes a second
FIRST_ANSWER = 10.0  # seconds from the request to the end of the headers
PATIENCE = 30.0  # seconds in which no host gives anything useful, all hosts together
SLOWEST = 5_000  # bytes a second
ATTEMPTS = 5  # on one host, as long as each brings something
CHUNK = 1 << 16
# Errors of the disk; every other OSError met while downloading is the network's.
DISK_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.ENOTDIR,
}


SILENT = "no answer for"
NO_REST = "does not give the rest of a file"


class Unusable(Exception):
    """What a host gives is not the file, or does not come: try the next one."""


class Patience:
    """One deadline for all the hosts of a data set, put off whenever one gives something."""

    def __init__(self):
        self.renew()

    def renew(self) -> None:
        self.deadline = time.monotonic() + PATIENCE

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


class NetworkState:
    """What this process has learnt of the network, so as not to wait again for the next set."""

    answers = True  # until a whole deadline has passed in vain


def md5(path: Path) -> str:
    """The MD5 of a file, in hexadecimal."""
    return _digest(path, hashlib.md5(usedforsecurity=False))


def is_right(path: Path, file: RemoteFile) -> bool:
    """Whether ``path`` has the checksum of ``file``: its SHA-256 where it is known, or its MD5."""
    if file.sha256:
        return _digest(path, hashlib.sha256()) == file.sha256
    return md5(path) == file.md5


def _digest(path: Path, digest) -> str:
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download_file(
    file: RemoteFile, hosts: Sequence[str], folder: Path, patience: Patience | None = None
) -> Path:
    """Bring ``file`` into ``folder`` from the first of ``hosts`` that serves it; return its path.

    The bytes arrive in ``<name>.part``, which stays after a failure: the next call asks for the
    rest only, be it from another host. The name ``<name>`` exists only once the checksum is right;
    what had it before is kept as ``.bak``.

    Raises:
        CourseError: no host gave the file (the message lists each with its reason), or the disk
            refused to write it.
    """
    part, whole = folder / f"{file.name}.part", folder / file.name
    patience = patience or Patience()
    failures = []
    try:
        _refuse_another(part)
        _require_space(file, part)
        for host in hosts:
            if patience.left <= 0:
                failures.append(f"  given up: nothing useful came for {PATIENCE:g} s")
                break
            try:
                _complete_and_check(host + file.name, file, part, patience)
            except Unusable as reason:
                failures.append(f"  {host}{file.name}: {reason}")
            else:
                patience.renew()
                if os.path.lexists(whole):
                    os.replace(whole, first_free(folder / f"{file.name}.bak"))
                os.replace(part, whole)
                return whole
        if patience.left <= 0 or all(SILENT in failure for failure in failures):
            NetworkState.answers = False
    except OSError as error:
        raise CourseError(
            f"{part}: cannot be written ({error.strerror or error}); what came so far is kept. "
            "Free some space, or choose another folder with TP_CNN_DATA, and start again"
        ) from error
    raise CourseError("\n".join([f"{file.name}: no host gave it. Tried:", *failures]))


@contextmanager
def one_at_a_time(folder: Path, name: str) -> Iterator[None]:
    """Let one process at a time into the block, among all that share ``folder``; others wait.

    The system releases the lock of a process that dies.
    """
    lock = FileLock(folder / f".{name}.lock", mode=0o666)  # 0o666: a folder shared by several users
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        print(f"{name}: another process is fetching it into {folder}; waiting", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _refuse_another(part: Path) -> None:
    """Take a symbolic link away, as what it leads to is not ours; refuse anything but a file."""
    if part.is_symlink():
        part.unlink()
    elif part.exists() and not part.is_file():
        raise CourseError(f"{part}: neither a file nor absent; remove it")


def _require_space(file: RemoteFile, part: Path) -> None:
    missing = file.size - _size(part)
    if shutil.disk_usage(part.parent).free < missing:
        raise OSError(errno.ENOSPC, f"disk full: {missing:,} bytes are still to come")


def _complete_and_check(address: str, file: RemoteFile, part: Path, patience: Patience) -> None:
    """Bring ``part`` to its full size from ``address`` and check it.

    A wrong checksum may come from the bytes that an earlier host left: they go, and the host gets
    a second chance from the start.
    """
    resumed = _size(part) > 0
    _complete(address, file, part, patience)
    if is_right(part, file):
        return
    part.unlink()
    if resumed:
        _complete(address, file, part, patience)
        if is_right(part, file):
            return
        part.unlink()
    raise Unusable("not the expected file (wrong checksum)")


def _complete(address: str, file: RemoteFile, part: Path, patience: Patience) -> None:
    """Ask for the missing bytes until none is missing, again only if the last answer brought some.

    A host that cannot give the rest of a file is asked for the whole of it, once.

    Raises:
        Unusable: the host stopped giving.
    """
    if _size(part) > file.size:
        part.unlink()
    reason = ""
    for _ in range(ATTEMPTS):
        before = _size(part)
        if before == file.size:
            return
        if reason and patience.left <= 0:
            break
        reason = _receive(address, file, part, patience)
        if reason == NO_REST:
            part.unlink()
            reason, before = _receive(address, file, part, patience), 0
        if _size(part) <= before:
            break
    if _size(part) != file.size:
        raise Unusable(reason)


def _receive(address: str, file: RemoteFile, part: Path, patience: Patience) -> str:
    """Append to ``part`` what one request brings; return why it ended."""
    start = _size(part)
    headers = {"User-Agent": f"tp-cnn/{tp_cnn.__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        seconds = _silence(min(TIMEOUT, FIRST_ANSWER), patience)
        request = Request(address, headers=headers)
        response = _within(seconds, lambda: urlopen(request, timeout=TIMEOUT))
        if response.status != 206:
            start = 0  # the server ignored the range and sends everything
        elif start and not _gives_rest(response, start):
            return NO_REST
        _check_answer(response, file, start)
        _copy(response, part, start, file, patience)
        response.close()
    except HTTPError as error:
        if error.code == 416 and start:
            return NO_REST
        return f"HTTP {error.code} {error.reason}"
    except Silence as silence:
        return f"{SILENT} {silence.args[0]:.2g} s"
    except URLError as error:
        return _why(error.reason)
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: an address
        if getattr(error, "errno", None) in DISK_ERRORS:
            raise
        return _why(error)
    return "the connection was cut before the end"


class Silence(Exception):
    """Nothing came for so many seconds."""


def _within(seconds: float, ask: Callable):
    """What ``ask()`` gives, if it does so in time.

    A socket's own limit is one a packet: it bounds neither the search of an address, nor several
    addresses tried in turn, nor headers that come letter by letter. The thread that is left behind
    ends with its socket.

    Raises:
        Silence: it does not.
    """
    answers = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((ask(), None))
        except Exception as error:
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise Silence(seconds) from None
    if error:
        raise error
    return answer


def _silence(most: float, patience: Patience) -> float:
    """How many seconds to wait for the next bytes."""
    return max(0.0, min(most, patience.left))


def _gives_rest(response: http.client.HTTPResponse, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _why(reason: Exception | str) -> str:
    if isinstance(reason, TimeoutError):
        return f"{SILENT} {TIMEOUT:g} s"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _check_answer(response: http.client.HTTPResponse, file: RemoteFile, start: int) -> None:
    """Refuse what cannot be the file before any byte of it reaches the disk."""
    if "text/html" in response.headers.get("Content-Type", ""):
        raise Unusable("answers with a web page (a network that wants a login?)")
    if response.length is not None and start + response.length != file.size:
        raise Unusable(f"offers {start + response.length:,} bytes, expected {file.size:,}")


def _copy(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    file: RemoteFile,
    patience: Patience,
) -> None:
    """Write the answer into ``part`` from the byte ``start`` on, with a progress bar."""
    bar = tqdm(
        desc=f"{file.name} from {urlsplit(response.url).netloc}",
        initial=start,
        total=file.size,
        unit="B",
        unit_scale=True,
        disable=not settings().progress,
    )
    with open(part, "ab" if start else "wb") as out, bar:
        since, received = time.monotonic(), 0
        # read1 returns what has come, and does not wait for all.
        while block := _within(_silence(TIMEOUT, patience), lambda: response.read1(CHUNK)):
            out.write(block)
            out.flush()  # a full disk shows here, and a killed process loses nothing
            bar.update(len(block))
            received += len(block)
            if out.tell() > file.size:
                raise Unusable(f"sends more than the {file.size:,} bytes expected")
            if received >= SLOWEST * TIMEOUT:
                patience.renew()
            elapsed = time.monotonic() - since
            if elapsed > TIMEOUT or patience.left <= 0:
                if received < SLOWEST * elapsed:
                    raise Unusable(f"too slow: {received / elapsed:,.0f} bytes a second")
                patience.renew()
                since, received = time.monotonic(), 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
