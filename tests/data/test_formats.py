"""IDX files and CIFAR-10 batches: right, truncated, altered, hostile."""

import gzip
import pickle
import tarfile

import pytest
import torch

from tests.data.file_server import idx, tiny_cifar, tiny_mnist
from tp_cnn.data.files import formats
from tp_cnn.errors import CourseError


@pytest.fixture
def mnist(tmp_path):
    """A tiny MNIST and its folder, uncompressed."""
    dataset, served = tiny_mnist(train=30, test=20)
    for name, content in served.items():
        (tmp_path / name[1:-3]).write_bytes(gzip.decompress(content))
    return dataset, tmp_path


def test_idx(mnist):
    images, labels, state = formats.read_idx_split(*mnist, "test")
    assert images.shape == (20, 1, 28, 28)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    assert labels.tolist() == [i % 10 for i in range(20)]
    assert state == "exact"
    raw = (mnist[1] / "t10k-images-idx3-ubyte").read_bytes()
    assert bytes(images.flatten().tolist()) == raw[16:]
    images += 1  # writable, with no warning from torch


def test_idx_gz_gives_the_same(mnist, tmp_path):
    dataset, folder = mnist
    plain = formats.read_idx_split(dataset, folder, "test")
    for name, content in tiny_mnist(train=30, test=20)[1].items():
        (folder / name[1:]).write_bytes(content)
        (folder / name[1:-3]).unlink()
    images, labels, state = formats.read_idx_split(dataset, folder, "test")
    assert images.equal(plain[0])
    assert labels.equal(plain[1])
    assert state == "exact"


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("train-images-idx3-ubyte", lambda raw: raw[:-1], "truncated"),
        ("train-images-idx3-ubyte", lambda raw: raw[:10], "truncated: 10 bytes"),
        ("train-images-idx3-ubyte", lambda raw: b"", "truncated: 0 bytes"),
        ("train-images-idx3-ubyte", lambda raw: raw + b"\0", "longer"),
        ("train-images-idx3-ubyte", lambda raw: b"<html>" + raw[6:], "0x3c68746d"),
        ("train-images-idx3-ubyte", lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), "altered"),
        ("train-labels-idx1-ubyte", lambda raw: b"\0\0\x08\x03" + raw[4:], "0x00000803"),
        ("train-labels-idx1-ubyte", lambda raw: raw[:-1] + b"\x0b", "altered"),
    ],
)
def test_damaged_idx_is_refused_with_its_name_and_what_to_do(mnist, name, change, expected):
    dataset, folder = mnist
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CourseError, match=expected) as caught:
        formats.read_idx_split(dataset, folder, "train")
    assert str(path) in str(caught.value)
    assert "tp-cnn data fetch mnist" in str(caught.value)
    formats.read_idx_split(dataset, folder, "test")  # the other split is not concerned


def test_images_and_labels_that_do_not_match(mnist):
    dataset, folder = mnist
    other = torch.zeros(12, dtype=torch.uint8).numpy()
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(other))
    with pytest.raises(CourseError, match="30 train images but 12 labels"):
        formats.read_idx_split(dataset, folder, "train")


def test_label_out_of_range_in_a_sample(mnist):
    dataset, folder = mnist
    images = torch.zeros(5, 28, 28, dtype=torch.uint8).numpy()
    (folder / "train-images-idx3-ubyte").write_bytes(idx(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(images[:, 0, 0] + 10))
    with pytest.raises(CourseError, match="label is 10, expected 0 to 9"):
        formats.read_idx_split(dataset, folder, "train")


def test_gz_of_unknown_content_is_not_opened(mnist, monkeypatch):
    dataset, folder = mnist
    raw = folder / "train-images-idx3-ubyte"
    (folder / f"{raw.name}.gz").write_bytes(gzip.compress(raw.read_bytes()[::-1]))
    raw.unlink()
    monkeypatch.setattr(gzip, "decompress", lambda _: pytest.fail("opened"))
    with pytest.raises(CourseError, match="not opened"):
        formats.read_idx_split(dataset, folder, "train")


def test_state_without_a_checksum_of_the_raw_file(mnist):
    """Fashion-MNIST: only the .gz has a published checksum, so it vouches for the raw file."""
    import dataclasses

    dataset, folder = mnist
    file = dataclasses.replace(dataset.files[0], raw_md5="")
    raw = folder / "train-images-idx3-ubyte"
    assert formats.idx_state(dataset, folder, file, "train") == "unchecked"
    served = tiny_mnist(train=30, test=20)[1]
    (folder / file.name).write_bytes(served[f"/{file.name}"])
    assert formats.idx_state(dataset, folder, file, "train") == "exact"
    content = raw.read_bytes()
    raw.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert formats.idx_state(dataset, folder, file, "train") == "altered"


def test_expand_keeps_what_it_replaces(mnist):
    dataset, folder = mnist
    name = dataset.files[0].name
    (folder / name).write_bytes(tiny_mnist(train=30, test=20)[1][f"/{name}"])
    raw = folder / name.removesuffix(".gz")
    official = raw.read_bytes()
    raw.write_bytes(b"a sample")
    assert formats.expand(folder / name) == raw
    assert raw.read_bytes() == official
    assert (folder / f"{raw.name}.bak").read_bytes() == b"a sample"


def check_cifar(splits, batches):
    images, labels = splits["train"]
    assert images.shape == (100, 3, 32, 32)
    assert labels.dtype == torch.int64
    second = pickle.loads(batches["data_batch_2"])
    assert images[20].flatten().tolist() == second["data"][0].tolist()
    assert splits["test"][1].tolist() == [i % 10 for i in range(20)]


def test_cifar_tar_and_folder(tmp_path):
    dataset, tar, batches = tiny_cifar()
    (tmp_path / "set.tar.gz").write_bytes(tar)
    check_cifar(formats.read_cifar_archive(dataset, tmp_path / "set.tar.gz"), batches)
    for name, content in batches.items():
        (tmp_path / name).write_bytes(content)
    check_cifar(formats.read_cifar_folder(dataset, tmp_path), batches)


def test_altered_cifar_is_never_unpickled(tmp_path, monkeypatch):
    dataset, tar, batches = tiny_cifar()
    monkeypatch.setattr(pickle, "loads", lambda *_, **__: pytest.fail("unpickled"))
    monkeypatch.setattr(tarfile, "open", lambda *_: pytest.fail("opened"))
    (tmp_path / "set.tar.gz").write_bytes(tar[:-1] + b"!")
    with pytest.raises(CourseError, match="not opened"):
        formats.read_cifar_archive(dataset, tmp_path / "set.tar.gz")
    for name, content in batches.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps("hostile"))
    with pytest.raises(CourseError, match="data_batch_1 is altered"):
        formats.read_cifar_folder(dataset, tmp_path)


def test_tar_with_paths_outside_its_folder_writes_nothing(tmp_path):
    outside = [("../escaped", b"x"), (str(tmp_path / "absolute"), b"x")]
    dataset, tar, batches = tiny_cifar(extra_members=outside)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/set.tar.gz").write_bytes(tar)
    check_cifar(formats.read_cifar_archive(dataset, tmp_path / "inner/set.tar.gz"), batches)
    assert [path.name for path in tmp_path.rglob("*")] == ["inner", "set.tar.gz"]


def test_tar_without_a_batch(tmp_path):
    import dataclasses

    dataset, tar, _ = tiny_cifar()
    (tmp_path / "set.tar.gz").write_bytes(tar)
    wanted = {"train": (*dataset.batches["train"], ("data_batch_6", "0" * 32)), "test": ()}
    with pytest.raises(CourseError, match=r"holds no cifar-10-batches-py/data_batch_6"):
        formats.read_cifar_archive(
            dataclasses.replace(dataset, batches=wanted), tmp_path / "set.tar.gz"
        )
