"""Where data sets lie on a disk, and reading them from there whatever their layout.

Below a data folder ("root") are understood: torchvision's files, our own cache files, and class
folders of images. The README of ``data/`` lists them with their names.
"""

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from torch import Tensor

from tp_cnn.data.files import cache, folders, formats
from tp_cnn.data.files.catalog import SPLITS, Dataset
from tp_cnn.errors import CourseError
from tp_cnn.runtime import settings

FOLDER_CACHE = "tp-cnn-cache.safetensors"
SAMPLE, JPEG_COPY = "sample", "JPEG copy"  # limits of what was found


@dataclass(frozen=True)
class Found:
    """A data set found on the disk; ``dataset`` is None for a folder of one's own."""

    dataset: Dataset | None
    layout: str  # "IDX", "cache", "batches", "tar" or "class folders"
    path: Path  # a file for "cache" and "tar", else a folder


@dataclass(frozen=True)
class Content:
    """One split as read from the disk, and in words what it is."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N)
    classes: tuple[str, ...]
    origin: str
    cached: Path | None = None  # the cache file that holds it, if there is one
    limits: tuple[str, ...] = ()  # SAMPLE, JPEG_COPY: where it falls short of the official set


def user_cache() -> Path:
    """The folder of last resort, one a user."""
    return platformdirs.user_cache_path("tp-cnn", appauthor=False)


def roots(root: str | Path | None = None) -> list[Path]:
    """Where to look: ``root``, ``TP_CNN_DATA``, the nearest ``data/``, then the user's cache."""
    here = Path.cwd()
    nearest = next(
        (
            folder / "data"
            for folder in (here, *here.parents)
            if (folder / "data").is_dir() and not (folder / "data/__init__.py").exists()
        ),
        None,
    )
    asked = settings().data
    if asked and expanded(asked).exists() and not expanded(asked).is_dir():
        raise CourseError(f"TP_CNN_DATA={asked!r}: expected a folder, there or to be made")
    candidates = [root, asked, nearest, user_cache()]
    paths = [expanded(path) for path in candidates if path]
    return list({path.resolve(): path for path in reversed(paths)}.values())[::-1]


def expanded(path: str | Path) -> Path:
    """A path whose « ~ » is replaced by a user's own folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # such as « ~nobody »
        raise CourseError(f"folder {str(path)!r}: {error}") from None


def is_writable(folder: Path) -> bool:
    """Whether files can be created in ``folder``, itself created if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def find_all(dataset: Dataset, root: Path, split: str) -> list[Found]:
    """Every copy of one split below ``root``: official files first, then class folders.

    Looks at names only and reads no image.
    """
    found = []
    if dataset.batches is None:
        folder = root / dataset.folder
        if all(formats.idx_path(folder, file) for file in formats.idx_files(dataset, split)):
            found.append(Found(dataset, "IDX", folder))
    else:
        batches, tar = root / formats.CIFAR_FOLDER, root / dataset.files[0].name
        cached = root / f"{dataset.name}.safetensors"
        if cache.first_fresh([cached], dataset.files[0].md5):
            found.append(Found(dataset, "cache", cached))
        if all((batches / name).is_file() for name in formats.batch_names(dataset)):
            found.append(Found(dataset, "batches", batches))
        if tar.is_file():
            found.append(Found(dataset, "tar", tar))
    folder = root / dataset.name
    whole = folders.has_images(folder) and (folder / split).is_dir()
    if whole or cache.header(folder / FOLDER_CACHE):
        found.append(Found(dataset, "class folders", folder))
    return found


def find_own(folder: Path) -> Found:
    """A folder of one's own.

    Raises:
        CourseError: it does not hold ``train/<class>/*``.
    """
    if not folders.has_images(folder) and not cache.header(folder / FOLDER_CACHE):
        inside = sorted(child.name for child in folder.iterdir())[:5]
        raise CourseError(
            f"{folder}: expected train/<class>/* and test/<class>/* in it, found "
            f"{', '.join(inside) or 'nothing'}"
        )
    return Found(None, "class folders", folder)


def read(found: Found, split: str) -> Content:
    """Read one split of what was found.

    Decoded images go into a cache file, so that the next call maps them instead: beside the
    originals if that folder accepts it, else in the user's cache.

    Raises:
        CourseError: a file is damaged, or the split is absent.
    """
    dataset, where = found.dataset, shown(found.path)
    if found.layout == "IDX":
        images, labels, state = formats.read_idx_split(dataset, found.path, split)
        files = {"exact": "official files", "unchecked": "unchecked files"}.get(state, "files")
        origin = f"{dataset.title}, {files} in {where}"
        origin, limits = _with_count(origin, found, split, labels)
        return Content(images, labels, dataset.classes, origin, limits=limits)
    if found.layout == "class folders":
        return _read_class_folders(found, split)
    return _read_cifar(found, split)


def _read_cifar(found: Found, split: str) -> Content:
    dataset = found.dataset
    key = dataset.files[0].md5  # a cache made from checked bytes stays right as long as its own are
    name = f"{dataset.name}.safetensors"
    places = [found.path.parent / name, user_cache() / name]
    cached = _first_intact(places, key)
    if cached is None:
        source = _behind_the_cache(found, split)
        splits = formats.READ_CIFAR[source.layout](dataset, source.path)
        cached = _write_first(places, splits, dataset.classes, key)
    images, labels = cache.read(cached, split) if cached else splits[split]
    origin = f"{dataset.title}, official images in {shown(found.path)}"
    return Content(images, labels, dataset.classes, origin, cached)


def _behind_the_cache(found: Found, split: str) -> Found:
    """The files that an altered cache was made from.

    Raises:
        CourseError: they are no longer there.
    """
    for other in [found, *find_all(found.dataset, found.path.parent, split)]:
        if other.layout in formats.READ_CIFAR:
            return other
    raise CourseError(
        f"{found.path}: altered since it was written; {formats.again(found.dataset, found.path)}"
    )


def _first_intact(places: list[Path], key: str | None) -> Path | None:
    """The first cache made from ``key`` whose images are still those that were written."""
    fresh = (cache.first_fresh([place], key) for place in places)
    return next((place for place in fresh if place and cache.is_intact(place)), None)


def _read_class_folders(found: Found, split: str) -> Content:
    folder = found.path
    key = folders.fingerprint(folder) if folders.has_images(folder) else None
    unique = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]
    places = [
        folder / FOLDER_CACHE,
        user_cache() / "folders" / f"{folders.name(folder.resolve())}-{unique}.safetensors",
    ]
    cached = _first_intact(places, key)
    if cached is None and key is None:
        raise CourseError(f"{places[0]}: altered since it was written, and no image to make it of")
    if cached is None:
        splits, classes = folders.read_folder(folder)
        kind = JPEG_COPY if folders.has_jpegs(folder) else "copy"
        cached = _write_first(places, splits, classes, key, kind)
    if cached:
        said = cache.header(cached)
        splits, classes, kind = said.counts, said.classes, said.kind
    if split not in splits:
        raise CourseError(f"{folder}: holds no {split} images; expected {split}/<class>/* in it")
    images, labels = cache.read(cached, split) if cached else splits[split]
    aside = folders.left_out(folder)
    aside = f"; {aside}" if aside else ""
    if found.dataset is None:
        origin = f"{len(labels):,} images in {shown(folder / split)}{aside}"
        return Content(images, labels, classes, origin, cached)
    if classes != found.dataset.classes:
        raise CourseError(
            f"{folder}: its classes are {', '.join(classes)}; those of {found.dataset.title} are "
            f"{', '.join(found.dataset.classes)}. Rename the folder to load it by its path"
        )
    origin = f"{found.dataset.title} ({kind}), class folders in {shown(folder)}{aside}"
    origin, limits = _with_count(origin, found, split, labels)
    limits += (JPEG_COPY,) if kind == JPEG_COPY else ()
    return Content(images, labels, classes, origin, cached, limits)


def _write_first(places: list[Path], *content) -> Path | None:
    """Write a cache into the first place that accepts it; without any, it is only slower."""
    for place in places:
        with contextlib.suppress(OSError):
            cache.write(place, *content)
            return place
    return None


def _with_count(
    origin: str, found: Found, split: str, labels: Tensor
) -> tuple[str, tuple[str, ...]]:
    """The origin and its limits, where there are not as many images as in the official set."""
    official = found.dataset.counts[split]
    if len(labels) == official:
        return origin, ()
    return f"{origin}; sample: {len(labels):,} of {official:,} images", (SAMPLE,)


def counts(found: Found) -> dict[str, int]:
    """How many images each split of what was found holds, without reading any."""
    dataset = found.dataset
    if found.layout == "IDX":
        raws = {s: found.path / formats.idx_files(dataset, s)[0].name[:-3] for s in SPLITS}
        return {
            split: formats.idx_count(raw) if raw.is_file() else dataset.counts[split]
            for split, raw in raws.items()
        }
    if found.layout == "cache":
        return cache.header(found.path).counts
    if found.layout == "class folders":
        return _count_class_folders(found.path)
    return dataset.counts


def _count_class_folders(folder: Path) -> dict[str, int]:
    if not folders.has_images(folder):
        return cache.header(folder / FOLDER_CACHE).counts
    return {
        split: folders.count_images(folder, split) for split in SPLITS if (folder / split).is_dir()
    }


def not_found(dataset: Dataset, places: list[Path]) -> str:
    """The message for a set that no folder holds."""
    return (
        f"{dataset.name}: not found in {listed(places)}; run `tp-cnn data fetch {dataset.name}` to "
        "download it, or take a set that needs no network: --dataset digits or --dataset shapes"
    )


def ways_out(dataset: Dataset) -> str:
    """What to do without a network."""
    return (
        f"Two ways out: run `tp-cnn data fetch {dataset.name} --data DIR` on a machine with a "
        "network, copy DIR here and set TP_CNN_DATA to it; or take a set that needs no network: "
        "--dataset digits or --dataset shapes"
    )


def listed(places: list[Path]) -> str:
    """Folders in one line, as one likes to read them."""
    return ", ".join(shown(place) for place in places)


def shown(path: Path) -> str:
    """A path as one likes to read it: from the working folder or the home, if it is near them."""
    path = path.resolve()
    with contextlib.suppress(ValueError):  # another drive on Windows
        relative = os.path.relpath(path)
        if relative.count("..") <= 2:
            return relative
    home = Path.home()
    return f"~{os.sep}{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
