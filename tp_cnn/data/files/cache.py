"""Our own files of decoded images: one safetensors file a data set, mapped into memory.

A file holds the tensors ``train_images``, ``train_labels`` and, if there is a test set,
``test_images``, ``test_labels``; its header holds the classes and the key of what it was made from.
"""

import errno
import functools
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tp_cnn.files import atomic_write

# Windows does not replace a file that a process maps: there, images are copied into memory.
MAPS = sys.platform != "win32"

Splits = dict[str, tuple[Tensor, Tensor]]  # split -> (images, labels)
LONGEST_HEADER = 10_000_000  # bytes; that of a thousand classes has some ten thousand


@dataclass(frozen=True)
class Header:
    """What a cache file says of itself, read without its images."""

    key: str
    classes: tuple[str, ...]
    counts: dict[str, int]
    kind: str  # "" for the official images, "JPEG copy" or "copy" for re-encoded ones
    digest: str  # of the tensors, when the file was written


def header(path: Path) -> Header | None:
    """The header of a cache file; None if there is none, or if it is damaged or another's."""
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata()
            counts = {
                name.removesuffix("_labels"): file.get_slice(name).get_shape()[0]
                for name in sorted(file.keys(), reverse=True)
                if name.endswith("_labels")
            }
        classes = tuple(json.loads(said["classes"]))
        return Header(said["key"], classes, counts, said["kind"], said["digest"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def read(path: Path, split: str) -> tuple[Tensor, Tensor]:
    """Images and labels of one split, mapped from the disk: read when they are touched."""
    with safe_open(path, "pt") as file:
        images, labels = file.get_tensor(f"{split}_images"), file.get_tensor(f"{split}_labels")
        return (images, labels) if MAPS else (images.clone(), labels.clone())


def write(path: Path, splits: Splits, classes: tuple[str, ...], key: str, kind: str = "") -> None:
    """Write a cache file; a reader sees it whole or not at all.

    Raises:
        OSError: the disk refuses, or ``path`` holds something else than a cache of ours.
    """
    if path.exists() and not is_ours(path):
        raise OSError(errno.EEXIST, f"{path} is no cache of this package: it is left as it is")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise OSError(errno.EILSEQ, f"safetensors opens no such name: {error}") from error
    tensors = {}
    for split, (images, labels) in splits.items():
        tensors |= {f"{split}_images": images.contiguous(), f"{split}_labels": labels.contiguous()}
    said = {"key": key, "classes": json.dumps(classes), "kind": kind, "digest": _digest(tensors)}
    with atomic_write(path) as temporary:
        try:
            save_file(tensors, temporary, metadata=said)
        except SafetensorError as error:  # how safetensors reports a full disk
            raise OSError(f"{path}: {error}") from error


def is_ours(path: Path) -> bool:
    """Whether the file is empty or begins as those that `write` makes, damaged behind or not."""
    try:
        with open(path, "rb") as file:
            if path.stat().st_size == 0:
                return True  # nothing is lost
            length = int.from_bytes(file.read(8), "little")
            said = json.loads(file.read(min(length, LONGEST_HEADER)))["__metadata__"]
            return {"key", "classes", "kind", "digest"} <= said.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def is_intact(path: Path) -> bool:
    """Whether the tensors still are those that were written: the whole file is read, once a
    process and a time of writing."""
    try:
        status = path.stat()
    except OSError:
        return False
    return _is_intact(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _is_intact(path: Path, size: int, written: int) -> bool:
    found = header(path)
    if found is None:
        return False
    with safe_open(path, "pt") as file:
        return _digest({name: file.get_tensor(name) for name in file.keys()}) == found.digest  # noqa: SIM118


def first_fresh(places: list[Path], key: str | None) -> Path | None:
    """The first of ``places`` that holds a cache made from ``key`` (from anything if None)."""
    for place in places:
        found = header(place)
        if found is not None and key in (None, found.key):
            return place
    return None


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(memoryview(tensors[name].numpy()).cast("B"))
    return digest.hexdigest()
