"""Image sets by name or folder: found on the disk, downloaded if absent, checked, described."""

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from tp_cnn.data import synthetic
from tp_cnn.data.files import cache, catalog, download, folders, formats, layouts
from tp_cnn.data.files.catalog import SPLITS, Dataset
from tp_cnn.data.files.download import NetworkState, Patience, download_file, md5, one_at_a_time
from tp_cnn.data.files.layouts import shown
from tp_cnn.data.files.verify import FileVerdict, is_official, verify
from tp_cnn.errors import CourseError

__all__ = [
    "FileVerdict",
    "ImageSet",
    "StoredSplit",
    "build_cache",
    "fetch",
    "load",
    "status",
    "verify",
]

SHAPES_COUNTS = {"train": 10_000, "test": 2_000}
SHAPES = {  # of an image, known before any is read: (channels, height, width)
    "mnist": (1, 28, 28),
    "fashion-mnist": (1, 28, 28),
    "digits": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "shapes": (3, 32, 32),
}
CLASSES = 10  # of each of them


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images with their labels, the names of the classes, and where they came from."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N), each an index in ``classes``
    classes: tuple[str, ...]
    name: str
    split: str  # "train" or "test"
    origin: str  # one sentence: quote it wherever a figure measured on the set is quoted
    limits: tuple[str, ...] = ()  # as in `layouts.Content`: figures measured on it differ

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices) -> "ImageSet":
        """The images at ``indices`` (anything a tensor takes: a slice, a list, a tensor, a mask).

        A slice shares the memory of the whole set.
        """
        if isinstance(indices, range):
            indices = list(indices)
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def fingerprint(self) -> str:
        """How many images, and a digest of every byte of them and of their labels."""
        digest = hashlib.sha256(self.images.contiguous().numpy())
        digest.update(self.labels.contiguous().numpy())
        return f"{len(self):,} images, digest {digest.hexdigest()[:8]}"

    def __repr__(self) -> str:
        channels, height, width = self.images.shape[1:]
        return (
            f"{self.name} ({self.split}): {len(self):,} images {channels}×{height}×{width}, "
            f"{len(self.classes)} classes; {self.origin}"
        )


@dataclass(frozen=True)
class StoredSplit:
    """One split of a data set on the disk, for ``tp-cnn data status``."""

    name: str
    split: str
    images: int
    where: str
    layout: str
    note: str = ""


def load(
    name_or_folder: str | Path,
    split: str = "train",
    root: str | Path | None = None,
    download: bool = True,
) -> ImageSet:
    """Load a set of images.

    Args:
        name_or_folder: ``mnist``, ``fashion-mnist``, ``cifar10``; ``digits`` or ``shapes``, which
            need no network; or a folder that holds ``train/<class>/*`` and ``test/<class>/*``.
        split: ``train`` or ``test``.
        root: a folder to look in first; then come ``TP_CNN_DATA``, the nearest ``data/`` going up
            from the working folder, and the user's cache.
        download: bring the set into the first of these folders that can be written to, if none
            holds it.

    Raises:
        CourseError: the name is unknown, a file is damaged, or the set can be neither found nor
            downloaded; the message says what was tried and what to do.
    """
    if split not in SPLITS:
        raise CourseError(f"split {split!r}: expected 'train' or 'test'")
    name = str(name_or_folder)
    if name in catalog.GENERATED:
        return _generate(name, split)
    if name not in catalog.DATASETS:
        found = layouts.find_own(_own_folder(name_or_folder))
        return _as_set(found.path.resolve().name, found, split)
    dataset = catalog.dataset(name)
    places = layouts.roots(root)
    if download and not any(layouts.find_all(dataset, place, split) for place in places):
        places = [_fetch(dataset, places)]
    return _as_set(name, _find(dataset, places, split), split)


def check_name(name: str) -> None:
    """Refuse what is neither the name of a set nor a folder, before anything is read.

    Raises:
        CourseError: with the names that are known.
    """
    if name not in SHAPES:
        _own_folder(name)


def status(root: str | Path | None = None) -> list[StoredSplit]:
    """Every copy of a published set in the folders that `load` looks in, the one used first."""
    return [
        _row(found, split)
        for dataset in catalog.DATASETS.values()
        for place in layouts.roots(root)
        for split in SPLITS
        for found in layouts.find_all(dataset, place, split)
    ]


def fetch(name: str, root: str | Path | None = None) -> list[StoredSplit]:
    """Download the official files of a set into ``root``, or the first folder that takes them.

    Files that are there and right stay; a sample or a damaged file is kept aside as ``.bak``.

    Returns:
        What the folder then holds of the set.

    Raises:
        CourseError: ``root`` is given and cannot be written to, or no host gave the files.
    """
    if name in catalog.GENERATED:
        raise CourseError(f"{name}: nothing to download, the package makes it: --dataset {name}")
    dataset = catalog.dataset(name)
    NetworkState.answers = True  # asked for by name: tried again
    place = _fetch(dataset, [layouts.expanded(root)] if root else layouts.roots())
    return [_row(_find(dataset, [place], split), split) for split in SPLITS]


def build_cache(name_or_folder: str | Path, root: str | Path | None = None) -> list[StoredSplit]:
    """Decode a set now and write its cache file, if it is not there and the layout needs one.

    Raises:
        CourseError: the set is nowhere on the disk, or damaged.
    """
    name, rows = str(name_or_folder), []
    if name in catalog.GENERATED:
        raise CourseError(f"{name}: the package makes it each time, it needs no cache")
    for split in SPLITS:
        if name in catalog.DATASETS:
            found = _find(catalog.dataset(name), layouts.roots(root), split)
        else:
            found = layouts.find_own(_own_folder(name))
        if split in layouts.counts(found):
            cached = layouts.read(found, split).cached
            note = f"cache: {shown(cached)}" if cached else "no cache"
            rows.append(replace(_row(found, split), note=note))
    return rows


def _generate(name: str, split: str) -> ImageSet:
    if name == "digits":
        images, labels = synthetic.digits(split)
        classes = tuple(str(digit) for digit in range(10))
        origin = "scikit-learn's 1,797 real digits of 8×8 pixels, enlarged to 28×28"
    else:
        images, labels = synthetic.shapes(SHAPES_COUNTS[split], split)
        classes = synthetic.SHAPES
        origin = "shapes drawn by the package (generated, not photographs)"
    return ImageSet(images, labels, classes, name, split, origin)


def _as_set(name: str, found: layouts.Found, split: str) -> ImageSet:
    content = layouts.read(found, split)
    return ImageSet(
        content.images,
        content.labels,
        content.classes,
        name,
        split,
        content.origin,
        content.limits,
    )


def _own_folder(name: str | Path) -> Path:
    folder = layouts.expanded(name)
    if not str(name) or not folder.is_dir():
        raise CourseError(catalog.unknown(str(name)))
    return folder


def _find(dataset: Dataset, places: list[Path], split: str) -> layouts.Found:
    """The first copy of a split in ``places``.

    Raises:
        CourseError: there is none.
    """
    for place in places:
        for found in layouts.find_all(dataset, place, split):
            return found
    raise CourseError(layouts.not_found(dataset, places))


def _fetch(dataset: Dataset, places: list[Path]) -> Path:
    """Download into the first of ``places`` that can be written to; return it."""
    hosts = catalog.hosts(dataset)
    if not NetworkState.answers:
        raise CourseError(
            f"{dataset.name}: not downloaded, the network gave nothing a moment ago; "
            f"{layouts.ways_out(dataset)}"
        )
    place = next((place for place in places if layouts.is_writable(place)), None)
    if place is None:
        raise CourseError(
            f"{dataset.name}: no folder to download into; these cannot be written to: "
            f"{layouts.listed(places)}. Name one that can with TP_CNN_DATA"
        )
    with one_at_a_time(place, dataset.name):
        try:
            _fetch_files(dataset, place, hosts)
        except (CourseError, OSError) as error:
            raise CourseError(f"{dataset.name}: {error}\n{layouts.ways_out(dataset)}") from error
        if dataset.batches:
            cached = place / f"{dataset.name}.safetensors"
            if cache.is_ours(cached) and not cache.is_intact(cached):
                cached.unlink()
            layouts.read(_find(dataset, [place], "train"), "train")  # writes the cache
    return place


def _fetch_files(dataset: Dataset, place: Path, hosts: tuple[str, ...]) -> None:
    folder, patience = place / dataset.folder, Patience()
    # Some may be there, perhaps thanks to the process that we waited for.
    wanted = [file for file in dataset.files if not is_official(dataset, file, place)]
    here = [folder / file.name for file in wanted]
    absent = [
        not (path.is_file() and md5(path) == file.md5)
        for path, file in zip(here, wanted, strict=True)
    ]
    if any(absent):
        size = sum(file.size for file, missing in zip(wanted, absent, strict=True) if missing)
        print(
            f"{dataset.name} : téléchargement de {size / 1e6:.0f} Mo dans {shown(place)} ; abandon "
            f"si rien ne vient pendant {download.PATIENCE:g} s",
            file=sys.stderr,
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file, path, missing in zip(wanted, here, absent, strict=True):
        if missing:
            download_file(file, hosts, folder, patience)
        if dataset.batches is None:
            formats.expand(path)


def _row(found: layouts.Found, split: str) -> StoredSplit:
    count, official = layouts.counts(found).get(split, 0), None
    if found.dataset:
        official = found.dataset.counts[split]
    notes = [f"sample: {count:,} of {official:,} images"] if official not in (None, count) else []
    if found.layout == "class folders":
        notes.append(folders.left_out(found.path))
    note = "; ".join(filter(None, notes))
    name = found.dataset.name if found.dataset else found.path.resolve().name
    return StoredSplit(name, split, count, shown(found.path), found.layout, note)
