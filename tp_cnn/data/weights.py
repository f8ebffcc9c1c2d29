"""Trained weights that others publish: found on the disk, or downloaded when they are asked for.

Nothing here downloads but `fetch`, which ``tp-cnn data fetch resnet18`` calls.
"""

from pathlib import Path

from tp_cnn.data.files import catalog, layouts
from tp_cnn.data.files.catalog import Weights
from tp_cnn.data.files.download import download_file, is_right, one_at_a_time
from tp_cnn.errors import CourseError


def is_known(name: str) -> bool:
    """Whether ``name`` is that of weights, rather than of a data set."""
    return name in catalog.WEIGHTS


def find(name: str, root: str | Path | None = None) -> Path | None:
    """The file of the weights called ``name``, in the folders of data sets; None if it is in none.

    It is read from one end to the other, to be compared with its checksum.
    """
    weights = catalog.WEIGHTS[name]
    places = [place for place in _places(weights, root) if place.is_file()]
    return next((place for place in places if is_right(place, weights.file)), None)


def found(root: str | Path | None = None) -> dict[str, Path]:
    """Name -> file of the weights that lie in the folders of data sets."""
    known = {name: find(name, root) for name in catalog.WEIGHTS}
    return {name: path for name, path in known.items() if path}


def fetch(name: str, root: str | Path | None = None) -> Path:
    """Download the weights called ``name`` below ``root``, or the first folder that takes them.

    Raises:
        CourseError: no folder can be written to, or no host gave the file.
    """
    weights = catalog.WEIGHTS[name]
    folders = [layouts.expanded(root)] if root else layouts.roots()
    place = next((folder for folder in folders if layouts.is_writable(folder)), None)
    if place is None:
        raise CourseError(
            f"{name}: no folder to download into; these cannot be written to: "
            f"{layouts.listed(folders)}. Name one that can with TP_CNN_DATA"
        )
    path = place / weights.folder / weights.file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(place, name):
        if not (path.is_file() and is_right(path, weights.file)):
            download_file(weights.file, catalog.hosts(weights), path.parent)
    return path


def verify(name: str, root: str | Path | None = None) -> tuple[str, Path]:
    """``"exact"`` or ``"altered"``, and the first file of these weights.

    Raises:
        CourseError: there is none.
    """
    weights = catalog.WEIGHTS[name]
    places = _places(weights, root)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise CourseError(
            f"{name}: not found in {layouts.listed([place.parent for place in places])}; run "
            f"`tp-cnn data fetch {name}` to download it"
        )
    return "exact" if is_right(path, weights.file) else "altered", path


def _places(weights: Weights, root: str | Path | None) -> list[Path]:
    return [place / weights.folder / weights.file.name for place in layouts.roots(root)]
