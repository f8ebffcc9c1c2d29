"""Published weights, fetched from a server on 127.0.0.1."""

import dataclasses
import hashlib

import pytest

from tests.data.file_server import serve
from tp_cnn import cli
from tp_cnn.data import weights
from tp_cnn.data.files import catalog
from tp_cnn.data.files.catalog import RemoteFile
from tp_cnn.errors import CourseError

CONTENT = bytes(range(256)) * 400


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """No other data folder than those of the test."""
    monkeypatch.setenv("TP_CNN_PROGRESS", "0")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server(monkeypatch):
    name = catalog.RESNET18.file.name
    with serve({f"/{name}": CONTENT}) as running:
        file = RemoteFile(name, len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
        small = dataclasses.replace(catalog.RESNET18, file=file, official=running.address)
        monkeypatch.setitem(catalog.WEIGHTS, "resnet18", small)
        yield running


def test_what_is_absent_is_not_downloaded_unasked(server, tmp_path):
    assert weights.find("resnet18", tmp_path / "data") is None
    assert weights.found() == {}
    assert server.requests == []


def test_fetched_once_then_found(server, tmp_path, capsys):
    for _ in range(2):
        assert cli.main(["data", "fetch", "resnet18", "--data", str(tmp_path / "data")]) == 0
    assert len(server.requests) == 1
    path = weights.find("resnet18", tmp_path / "data")
    assert path.read_bytes() == CONTENT
    assert "resnet18" in capsys.readouterr().out
    assert cli.main(["data", "status", "--data", str(tmp_path / "data")]) == 0
    assert path.name in capsys.readouterr().out


def test_a_cut_is_resumed(server, tmp_path):
    server.cuts = [50_000]
    assert weights.fetch("resnet18", tmp_path).read_bytes() == CONTENT
    assert server.asked(".pth") == [None, "bytes=50000-"]


def test_the_folder_of_an_unknown_user_is_refused(server):
    with pytest.raises(CourseError, match="folder '~no-such-user/data'"):
        weights.fetch("resnet18", "~no-such-user/data")


def test_other_bytes_are_refused(server, tmp_path):
    server.files = {path: content[::-1] for path, content in server.files.items()}
    with pytest.raises(CourseError, match="wrong checksum"):
        weights.fetch("resnet18", tmp_path)
    assert weights.find("resnet18", tmp_path) is None


def test_a_changed_byte_is_not_used_and_verify_says_so(server, tmp_path, capsys):
    path = weights.fetch("resnet18", tmp_path)
    assert cli.main(["data", "verify", "resnet18", "--data", str(tmp_path)]) == 0
    path.write_bytes(CONTENT[:-1] + b"x")
    assert weights.find("resnet18", tmp_path) is None
    assert cli.main(["data", "verify", "resnet18", "--data", str(tmp_path)]) == 1
    assert "altered" in capsys.readouterr().out
    assert weights.fetch("resnet18", tmp_path).read_bytes() == CONTENT


def test_absent_weights_are_told_how_to_get_them(server, tmp_path):
    with pytest.raises(CourseError, match="tp-cnn data fetch resnet18"):
        weights.verify("resnet18", tmp_path)


def test_the_published_file_is_the_one_that_torchvision_names():
    from torchvision.models import ResNet18_Weights

    url = ResNet18_Weights.IMAGENET1K_V1.url
    assert catalog.RESNET18.official + catalog.RESNET18.file.name == url
    (prefix,) = catalog.RESNET18.file.name.removesuffix(".pth").split("-")[1:]
    assert catalog.RESNET18.file.sha256.startswith(prefix)
