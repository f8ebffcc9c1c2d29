"""Comparing what lies on the disk with the official files, checksum by checksum."""

from dataclasses import dataclass
from pathlib import Path

from tp_cnn.data.files import cache, catalog, folders, formats, layouts
from tp_cnn.data.files.catalog import SPLITS, Dataset, RemoteFile
from tp_cnn.data.files.download import md5
from tp_cnn.data.files.layouts import Found
from tp_cnn.errors import CourseError


@dataclass(frozen=True)
class FileVerdict:
    """What the check of one file, or of one folder of images, found.

    ``state`` is ``exact`` (byte for byte the official file), ``sample`` (another number of images),
    ``copy`` (readable, but re-encoded), ``unchecked`` (no checksum is known) or ``altered``.
    """

    path: Path
    state: str
    detail: str = ""


def verify(name: str, root: str | Path | None = None) -> list[FileVerdict]:
    """Check every file of a published set, wherever `tp_cnn.data.sources.load` would find it.

    Raises:
        CourseError: the set is nowhere.
    """
    dataset = catalog.dataset(name)
    places = layouts.roots(root)
    copies = {  # a copy that holds both splits is checked once
        found.path: found
        for place in places
        for split in SPLITS
        for found in layouts.find_all(dataset, place, split)
    }
    verdicts = [verdict for found in copies.values() for verdict in _check(found)]
    if not verdicts:
        raise CourseError(layouts.not_found(dataset, places))
    return verdicts


def is_official(dataset: Dataset, file: RemoteFile, place: Path) -> bool:
    """Whether ``place`` holds the content of an official file, ready to be read."""
    if dataset.batches is None:
        folder = place / dataset.folder
        split = "train" if file in formats.idx_files(dataset, "train") else "test"
        raw = folder / file.name.removesuffix(".gz")
        return raw.is_file() and formats.idx_state(dataset, folder, file, split) == "exact"
    return any(
        all(verdict.state == "exact" for verdict in _check(found))
        for found in layouts.find_all(dataset, place, "train")
        if found.layout != "class folders"
    )


def _check(found: Found) -> list[FileVerdict]:
    if found.layout == "IDX":
        return [verdict for split in SPLITS for verdict in _check_idx(found, split)]
    if found.layout == "class folders":
        return _check_class_folders(found)
    if found.layout == "cache":
        intact = cache.is_intact(found.path)
        return [
            FileVerdict(found.path, "exact" if intact else "altered", "decoded official images")
        ]
    if found.layout == "tar":
        checksums = {found.path: found.dataset.files[0].md5}
    else:
        batches = [batch for part in found.dataset.batches.values() for batch in part]
        checksums = {found.path / name: checksum for name, checksum in batches}
    return [
        FileVerdict(path, "exact" if md5(path) == checksum else "altered")
        for path, checksum in checksums.items()
    ]


def _check_idx(found: Found, split: str) -> list[FileVerdict]:
    dataset, folder = found.dataset, found.path
    files = [file for file in formats.idx_files(dataset, split) if formats.idx_path(folder, file)]
    if len(files) < 2:
        return []
    problem = ""
    try:
        formats.read_idx_split(dataset, folder, split)
    except CourseError as error:
        problem = str(error)
    verdicts = []
    for file in files:
        path, detail = formats.idx_path(folder, file), ""
        state = formats.idx_state(dataset, folder, file, split)
        if problem and state != "exact":
            state, detail = "altered", problem.removeprefix(f"{path}: ")
        elif state == "sample":
            detail = f"{formats.idx_count(path):,} of {dataset.counts[split]:,} images"
        verdicts.append(FileVerdict(path, state, detail))
    return verdicts


def _check_class_folders(found: Found) -> list[FileVerdict]:
    verdicts = []
    if folders.has_images(found.path):
        try:
            splits, _ = folders.read_folder(found.path)
        except CourseError as error:
            verdicts.append(FileVerdict(found.path, "altered", str(error)))
        else:
            total = sum(len(labels) for _, labels in splits.values())
            detail = f"{total:,} images, all readable; re-encoded, so no checksum tells more"
            verdicts.append(FileVerdict(found.path, "copy", detail))
    cached = found.path / layouts.FOLDER_CACHE
    if cached.is_file():
        if cache.is_intact(cached):
            verdicts.append(FileVerdict(cached, "copy", "decoded images"))
        else:
            verdicts.append(FileVerdict(cached, "altered", "delete it, it will be made again"))
    return verdicts
