"""Class folders of images: ``train/<class>/*`` and ``test/<class>/*``, decoded in parallel."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from tqdm.auto import tqdm

from tp_cnn.data.files.catalog import SPLITS
from tp_cnn.errors import CourseError
from tp_cnn.runtime import settings

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
LARGEST = 4_000_000_000  # bytes of decoded images; beyond, they would not fit in a laptop's memory


def has_images(folder: Path) -> bool:
    """Whether ``folder`` looks like a data set of class folders."""
    return (folder / "train").is_dir()


def class_folders(folder: Path, split: str) -> list[Path]:
    """The folders of the classes of a split, in alphabetical order."""
    if not (folder / split).is_dir():
        return []
    children = sorted((folder / split).iterdir(), key=name)
    return [child for child in children if child.is_dir() and not child.name.startswith(".")]


def name(path: Path) -> str:
    """The name of a file or a folder, its accents written in one way: macOS has another."""
    readable = os.fsencode(path.name).decode("utf-8", "backslashreplace")  # old disks have Latin-1
    return unicodedata.normalize("NFC", readable)


def count_images(folder: Path, split: str) -> int:
    """How many image files a split holds."""
    return sum(len(_image_entries(child)) for child in class_folders(folder, split))


def fingerprint(folder: Path) -> str:
    """A digest of every image's path, size and time of writing: any change of one is seen."""
    digest = hashlib.sha256()
    for split in SPLITS:
        for child in class_folders(folder, split):
            for entry in sorted(_image_entries(child), key=lambda entry: entry.name):
                status = entry.stat()
                place = f"{split}/{child.name}/{entry.name}"
                line = f"{place}\0{status.st_size}\0{status.st_mtime_ns}\n"
                digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def left_out(folder: Path) -> str:
    """How many entries of a data set are not read, and why; "" without any. Hidden ones are not
    counted: systems leave some everywhere."""
    reasons = Counter()
    for split in SPLITS:
        if (folder / split).is_dir():
            outside = [entry for entry in _visible(folder / split) if not entry.is_dir()]
            reasons["outside the folders of classes"] += len(outside)
        for child in class_folders(folder, split):
            read = {entry.name for entry in _image_entries(child)}
            reasons.update(_reason(one) for one in _visible(child) if one.name not in read)
    found = [f"{count} {reason}" for reason, count in reasons.items() if count]
    return f"left out: {', '.join(found)}" if found else ""


def _reason(entry: os.DirEntry) -> str:
    if entry.is_dir():
        return "folders inside a class"
    if not entry.is_file():
        return "neither file nor folder (a pipe, a broken link)"
    return f"of another kind ({Path(entry.name).suffix or 'no extension'})"


def has_jpegs(folder: Path) -> bool:
    """Whether an image of the train set is a JPEG, whose pixels are not those of the original."""
    return any(
        entry.name.lower().endswith((".jpg", ".jpeg"))
        for child in class_folders(folder, "train")
        for entry in _image_entries(child)
    )


def _image_entries(class_folder: Path) -> list[os.DirEntry]:
    return [
        entry
        for entry in _visible(class_folder)
        if entry.name.lower().endswith(EXTENSIONS) and entry.is_file()  # a pipe would be waited for
    ]


def _visible(folder: Path) -> list[os.DirEntry]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def read_folder(folder: Path) -> tuple[dict[str, tuple[Tensor, Tensor]], tuple[str, ...]]:
    """Decode every image of ``folder``; return the splits, and the names of the classes.

    Images are grey (1 channel) if all are, else colour (3 channels); transparency becomes white.
    The order is a fixed shuffle, so that the first thousand images hold every class.

    Raises:
        CourseError: no class, a class without image or absent from one split, an image that cannot
            be read, or images of different sizes.
    """
    paths: dict[str, dict[str, list[Path]]] = {split: {} for split in SPLITS}
    for split in SPLITS:
        for child in class_folders(folder, split):
            images = sorted((Path(entry.path) for entry in _image_entries(child)), key=name)
            paths[split].setdefault(name(child), []).extend(images)
    if not (folder / "test").is_dir():
        del paths["test"]  # a folder with a train set only is accepted, until its test set is asked
    classes = _check_classes(folder, paths)
    ordered = {
        split: [(path, classes.index(one)) for one, files in by_class.items() for path in files]
        for split, by_class in paths.items()
    }
    everything = [path for items in ordered.values() for path, _ in items]
    arrays = _decode_all(everything, f"decoding {folder.name}")
    _check_sizes(everything, arrays)
    images = _stack(arrays)
    splits, first = {}, 0
    for split, items in ordered.items():
        shuffle = torch.randperm(len(items), generator=torch.Generator().manual_seed(0))
        labels = torch.tensor([label for _, label in items], dtype=torch.int64)
        splits[split] = (images[first : first + len(items)][shuffle], labels[shuffle])
        first += len(items)
    return splits, classes


def _check_classes(folder: Path, paths: dict[str, dict[str, list[Path]]]) -> tuple[str, ...]:
    classes = tuple(paths["train"])
    if len(classes) < 2:
        found = f"the class {classes[0]} alone" if classes else "no class"
        raise CourseError(
            f"{folder / 'train'}: holds {found}; expected one folder a class, two or more"
        )
    if "test" in paths and set(paths["test"]) != set(classes):
        alone = sorted(set(paths["test"]) ^ set(classes))
        raise CourseError(
            f"{folder}: train and test must hold the same classes; only in one of them: "
            f"{', '.join(alone)}"
        )
    for split, by_class in paths.items():
        for one, files in by_class.items():
            if not files:
                raise CourseError(
                    f"{folder / split / one}: holds no image "
                    f"(known kinds: {', '.join(EXTENSIONS)}); add some or remove the folder"
                )
    return classes


def _decode_all(paths: list[Path], title: str) -> list[np.ndarray]:
    """Decode in threads: Pillow works outside Python's lock."""
    first = _decode(paths[0])
    if first.nbytes * len(paths) > LARGEST:
        raise CourseError(
            f"{len(paths):,} images like {paths[0].name} ({first.shape[1]}x{first.shape[0]}) take "
            f"{first.nbytes * len(paths) / 1e9:.0f} GB of memory; {_resize_advice()}"
        )
    broken, arrays = [], []
    with ThreadPoolExecutor() as pool:
        results = pool.map(_or_error(_decode), paths)
        for result in tqdm(results, title, len(paths), disable=not settings().progress):
            (broken if isinstance(result, CourseError) else arrays).append(result)
    if broken:
        shown = "; ".join(str(error) for error in broken[:3])
        raise CourseError(
            f"{len(broken)} of {len(paths):,} images cannot be read: {shown}"
            f"{'; ...' if len(broken) > 3 else ''}. Repair or remove them"
        )
    return arrays


def _or_error(decode: Callable[[Path], np.ndarray]) -> Callable:
    def attempt(path: Path) -> np.ndarray | CourseError:
        try:
            return decode(path)
        except CourseError as error:
            return error

    return attempt


def _decode(path: Path) -> np.ndarray:
    """One image as uint8, (H, W) if it is grey, else (H, W, 3)."""
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)  # a photograph knows which side is up
            if image.mode.startswith(("I", "F")):
                raise CourseError(f"{path}: pixels of 16 or 32 bits, expected 8")
            mode = "L" if image.mode in ("1", "L") else "RGB"
            if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            return np.asarray(image.convert(mode))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CourseError(f"{path}: not a readable image ({error})") from None


def _check_sizes(paths: list[Path], arrays: list[np.ndarray]) -> None:
    height, width = arrays[0].shape[:2]
    others = [i for i, array in enumerate(arrays) if array.shape[:2] != (height, width)]
    if others:
        other_height, other_width = arrays[others[0]].shape[:2]
        raise CourseError(
            f"images of different sizes: {paths[0]} is {width}x{height} but {paths[others[0]]} is "
            f"{other_width}x{other_height} (and {len(others) - 1} more differ); {_resize_advice()}"
        )


def _resize_advice() -> str:
    return (
        "bring them all to one small size first, for instance with "
        "PIL.ImageOps.fit(Image.open(path).convert('RGB'), (64, 64)).save(path)"
    )


def _stack(arrays: list[np.ndarray]) -> Tensor:
    """(N, C, H, W) with C = 1 if every image is grey, else 3."""
    if any(array.ndim == 3 for array in arrays):
        arrays = [a if a.ndim == 3 else np.repeat(a[:, :, None], 3, axis=2) for a in arrays]
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()
    return torch.from_numpy(np.stack(arrays)).unsqueeze(1)
