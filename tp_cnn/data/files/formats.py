"""Reading the files that published data sets come in: IDX (MNIST), CIFAR-10's batches.

Every reader returns uint8 images (N, C, H, W) and int64 labels (N), and trusts no byte: an IDX file
is measured against its own header, a compressed or pickled one is not opened before its checksum is
known to be right.
"""

import gzip
import hashlib
import math
import pickle
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tp_cnn.data.files.catalog import Dataset, RemoteFile
from tp_cnn.data.files.download import md5
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write, first_free

MAGIC = {3: 0x00000803, 1: 0x00000801}  # two zero bytes, 8 for uint8, number of dimensions
CIFAR_FOLDER = "cifar-10-batches-py"


def idx_files(dataset: Dataset, split: str) -> tuple[RemoteFile, RemoteFile]:
    """The images' file and the labels' file of a split, as downloaded (``.gz``)."""
    images, labels = dataset.files[:2] if split == "train" else dataset.files[2:]
    return images, labels


def idx_path(folder: Path, file: RemoteFile) -> Path | None:
    """Where ``file`` lies in ``folder``: uncompressed if possible, else as ``.gz``, else None."""
    raw, compressed = folder / file.name.removesuffix(".gz"), folder / file.name
    return raw if raw.is_file() else compressed if compressed.is_file() else None


def read_idx_split(dataset: Dataset, folder: Path, split: str) -> tuple[Tensor, Tensor, str]:
    """Images (N, 1, H, W) and labels (N) of one split, and the state of its files (`idx_state`).

    Raises:
        CourseError: a file is truncated, altered or of another kind, or the two do not match.
    """
    arrays, states = [], set()
    for file, dimensions in zip(idx_files(dataset, split), (3, 1), strict=True):
        path = idx_path(folder, file)
        state = idx_state(dataset, folder, file, split)
        states.add(state)
        if state == "altered" and path.name.endswith(".gz"):
            raise CourseError(
                f"{path}: not the official file (wrong checksum), so it is not opened; delete it "
                "and fetch it again, or uncompress it yourself if you trust it"
            )
        arrays.append(_parse_idx(path, dimensions, dataset))
        if state == "altered":
            raise CourseError(
                f"{path}: altered: it holds as many items as the official file but its checksum "
                f"differs; {again(dataset, folder)}"
            )
    images, labels = arrays
    if len(images) != len(labels):
        raise CourseError(
            f"{folder}: {len(images):,} {split} images but {len(labels):,} labels; "
            f"{again(dataset, folder)}"
        )
    if len(labels) and labels.max() >= len(dataset.classes):
        raise CourseError(
            f"{folder}: a {split} label is {labels.max()}, expected 0 to "
            f"{len(dataset.classes) - 1}; {again(dataset, folder)}"
        )
    state = "exact" if states == {"exact"} else min(states - {"exact"})
    return torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels.astype(np.int64)), state


def idx_state(dataset: Dataset, folder: Path, file: RemoteFile, split: str) -> str:
    """How an IDX file compares with the official one: ``exact``, ``altered``, ``sample``
    (another number of items) or ``unchecked`` (the right number, but no checksum is known).
    """
    raw, compressed = folder / file.name.removesuffix(".gz"), folder / file.name
    official_gz = compressed.is_file() and md5(compressed) == file.md5
    if not raw.is_file():
        return "exact" if official_gz else "altered"
    if idx_count(raw) != dataset.counts[split]:
        return "sample"
    if file.raw_md5:
        return "exact" if md5(raw) == file.raw_md5 else "altered"
    if official_gz:
        return "exact" if _same_as_gz(raw, compressed) else "altered"
    return "unchecked"


def idx_count(raw: Path) -> int:
    """How many items an uncompressed IDX file announces."""
    with open(raw, "rb") as file:
        return int.from_bytes(file.read(8)[4:], "big")


def again(dataset: Dataset, folder: Path) -> str:
    """What to do about a bad file of ``dataset`` that lies in ``folder``."""
    root = folder.parents[1] if dataset.folder else folder  # dataset.folder: two names, or none
    return f"run `tp-cnn data fetch {dataset.name} --data {root}` to put the official file there"


def _parse_idx(path: Path, dimensions: int, dataset: Dataset) -> np.ndarray:
    """An IDX file: magic number, sizes as big-endian 32-bit integers, then the bytes."""
    content = path.read_bytes()
    if path.name.endswith(".gz"):
        content = gzip.decompress(content)
    header, advice = 4 * (1 + dimensions), again(dataset, path.parent)
    magic = int.from_bytes(content[:4], "big")
    if len(content) < header:
        raise CourseError(
            f"{path}: truncated: {len(content):,} bytes, the header alone takes {header}; {advice}"
        )
    if magic != MAGIC[dimensions]:
        raise CourseError(
            f"{path}: wrong magic number 0x{magic:08x}, expected 0x{MAGIC[dimensions]:08x} "
            f"(an IDX file of {dimensions} dimensions); {advice}"
        )
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4))
    expected = header + math.prod(shape)
    if len(content) != expected:
        kind = "truncated" if len(content) < expected else "longer than it should be"
        raise CourseError(
            f"{path}: {kind}: {len(content):,} bytes, expected {expected:,}; {advice}"
        )
    # bytearray: a tensor made from it may be written to
    return np.frombuffer(bytearray(content), np.uint8, offset=header).reshape(shape)


def _same_as_gz(raw: Path, compressed: Path) -> bool:
    """Whether ``raw`` is what the checked ``.gz`` holds (by the CRC-32 and size at its end)."""
    trailer = compressed.read_bytes()[-8:]
    content = raw.read_bytes()
    crc, size = zlib.crc32(content), len(content)
    return trailer == crc.to_bytes(4, "little") + size.to_bytes(4, "little")


def expand(compressed: Path) -> Path:
    """Uncompress a checked ``.gz`` beside itself; what lay there before is kept as ``.bak``, or
    ``.bak2`` and so on: no earlier one is replaced."""
    raw = compressed.with_suffix("")
    content = gzip.decompress(compressed.read_bytes())
    if raw.exists():
        if raw.read_bytes() == content:
            return raw
        raw.replace(first_free(raw.with_name(f"{raw.name}.bak")))
    with atomic_write(raw) as temporary:
        temporary.write_bytes(content)
    return raw


def read_cifar_archive(dataset: Dataset, path: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Both splits of CIFAR-10 from its tar, read in memory: nothing is extracted to the disk.

    Raises:
        CourseError: the checksum is wrong, or a batch is missing or altered.
    """
    if md5(path) != dataset.files[0].md5:
        raise CourseError(
            f"{path}: not the official file (wrong checksum), so it is not opened; "
            f"{again(dataset, path.parent)}"
        )
    with tarfile.open(path, "r:gz") as archive:
        files = {member.name: member for member in archive.getmembers() if member.isreg()}

        def content(name: str) -> bytes:
            member = files.get(f"{CIFAR_FOLDER}/{name}")
            if member is None:
                raise CourseError(
                    f"{path}: holds no {CIFAR_FOLDER}/{name}; {again(dataset, path.parent)}"
                )
            return archive.extractfile(member).read()

        return _read_batches(dataset, content, path)


def read_cifar_folder(dataset: Dataset, folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Both splits of CIFAR-10 from the extracted folder ``cifar-10-batches-py``.

    Raises:
        CourseError: a batch is altered.
    """
    return _read_batches(dataset, lambda name: (folder / name).read_bytes(), folder)


def batch_names(dataset: Dataset) -> list[str]:
    """The names of all the batches of CIFAR-10."""
    return [name for batches in dataset.batches.values() for name, _ in batches]


def _read_batches(
    dataset: Dataset, content: Callable[[str], bytes], where: Path
) -> dict[str, tuple[Tensor, Tensor]]:
    splits = {}
    for split, batches in dataset.batches.items():
        images, labels = [], []
        for name, checksum in batches:
            data = content(name)
            if hashlib.md5(data, usedforsecurity=False).hexdigest() != checksum:
                raise CourseError(
                    f"{where}: {name} is altered (wrong checksum), so it is not opened; "
                    f"{again(dataset, where.parent)}"
                )
            batch = pickle.loads(data, encoding="latin1")  # known byte for byte: safe to unpickle
            images.append(torch.from_numpy(batch["data"]).view(-1, 3, 32, 32))
            labels.append(torch.tensor(batch["labels"], dtype=torch.int64))
        splits[split] = (torch.cat(images), torch.cat(labels))
    return splits


READ_CIFAR = {"tar": read_cifar_archive, "batches": read_cifar_folder}
