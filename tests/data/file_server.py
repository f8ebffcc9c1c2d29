"""A small HTTP server on 127.0.0.1 with the faults of real ones, and tiny sets to serve from it."""

import dataclasses
import gzip
import hashlib
import io
import pickle
import tarfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from tp_cnn.data.files import catalog
from tp_cnn.data.files.catalog import RemoteFile


class FileServer(ThreadingHTTPServer):
    """Serves ``files`` (path -> bytes); the other attributes make it fail."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.requests = []  # (path, Range header or None)
        self.cuts = []  # for each of the next answers, how many bytes it gives before it stops
        self.ignore_range = False
        self.refuse_range = None  # instead of the rest: an HTTP code, or a wrong Content-Range
        self.header_pause = 0.0  # seconds between the letters of the headers
        self.page = None  # HTML given whatever is asked
        self.code = None  # HTTP error given whatever is asked
        self.pause = 0.0  # seconds between blocks of `block` bytes
        self.block = 1 << 16

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def asked(self, name):
        return [wanted for path, wanted in self.requests if path.endswith(name)]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.requests.append((self.path, wanted))
        if server.page is not None:
            return self.answer(200, server.page, {"Content-Type": "text/html; charset=utf-8"})
        if server.code or self.path not in server.files:
            return self.send_error(server.code or 404)
        content = server.files[self.path]
        if server.header_pause:
            return self.trickle(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000)
        if wanted and isinstance(server.refuse_range, int):
            return self.send_error(server.refuse_range)
        if wanted and server.refuse_range:
            return self.answer(206, content, {"Content-Range": server.refuse_range})
        if wanted and not server.ignore_range:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            there = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.answer(206, content[start:], {"Content-Range": there})
        return self.answer(200, content, {})

    def trickle(self, headers):
        try:
            for letter in headers:
                self.wfile.write(bytes([letter]))
                time.sleep(self.server.header_pause)
        except OSError:
            pass

    def answer(self, code, content, headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        given = self.server.cuts.pop(0) if self.server.cuts else len(content)
        try:
            for start in range(0, given, self.server.block):
                self.wfile.write(content[start : min(start + self.server.block, given)])
                time.sleep(self.server.pause)
        except OSError:
            pass  # the client left


@contextmanager
def serve(files):
    server = FileServer(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def md5(content):
    return hashlib.md5(content).hexdigest()


def idx(array):
    magic = (0x0800 | array.ndim).to_bytes(4, "big")
    return magic + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def tiny_mnist(address="", train=300, test=100):
    """A set laid out as MNIST, of random images, and its files as a host would serve them."""
    files, served = [], {}
    for prefix, count in (("train", train), ("t10k", test)):
        random = np.random.default_rng(count)
        arrays = {
            "images-idx3": random.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            "labels-idx1": (np.arange(count) % 10).astype(np.uint8),
        }
        for kind, array in arrays.items():
            raw = idx(array)
            content = gzip.compress(raw, mtime=0)
            name = f"{prefix}-{kind}-ubyte.gz"
            files.append(RemoteFile(name, len(content), md5(content), md5(raw)))
            served[f"/{name}"] = content
    dataset = dataclasses.replace(
        catalog.MNIST,
        counts={"train": train, "test": test},
        files=tuple(files),
        official=address,
        mirrors=(),
    )
    return dataset, served


def tiny_cifar(address="", extra_members=()):
    """A set laid out as CIFAR-10, its tar, and its batches."""
    random = np.random.default_rng(0)
    batches, checksums = {}, {"train": [], "test": []}
    for split, old in catalog.CIFAR10.batches.items():
        for name, _ in old:
            data = random.integers(0, 256, (20, 3072), dtype=np.uint8)
            batches[name] = pickle.dumps({"data": data, "labels": [i % 10 for i in range(20)]})
            checksums[split].append((name, md5(batches[name])))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        members = [(f"cifar-10-batches-py/{name}", content) for name, content in batches.items()]
        for name, content in [*extra_members, *members]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    tar = gzip.compress(buffer.getvalue(), mtime=0)
    dataset = dataclasses.replace(
        catalog.CIFAR10,
        counts={"train": 100, "test": 20},
        files=(RemoteFile("cifar-10-python.tar.gz", len(tar), md5(tar)),),
        official=address,
        mirrors=(),
        batches={split: tuple(pairs) for split, pairs in checksums.items()},
    )
    return dataset, tar, batches
