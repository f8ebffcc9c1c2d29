"""Every fault that a network, a server or a disk can have while a file is downloaded."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.data.file_server import md5, serve, tiny_mnist
from tp_cnn.data import sources
from tp_cnn.data.files import catalog, download
from tp_cnn.data.files.catalog import RemoteFile
from tp_cnn.data.files.download import download_file
from tp_cnn.errors import CourseError

CONTENT = bytes(range(256)) * 1200  # 307,200 bytes
FILE = RemoteFile("set.bin", len(CONTENT), md5(CONTENT))


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setenv("TP_CNN_PROGRESS", "0")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download.NetworkState, "answers", True)


@pytest.fixture
def server():
    with serve({"/set.bin": CONTENT}) as running:
        yield running


def fetch(server, folder):
    return download_file(FILE, [server.address], folder)


def refused(server, folder):
    """The message of a download that must fail, and must not leave the final name."""
    with pytest.raises(CourseError) as caught:
        fetch(server, folder)
    assert not (folder / FILE.name).exists()
    assert f"{server.address}set.bin" in str(caught.value)
    return str(caught.value)


def test_plain_download(server, tmp_path):
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin"]
    assert server.requests == [("/set.bin", None)]


def test_server_that_stops_half_way_is_resumed_where_it_stopped(server, tmp_path):
    server.cuts = [100_000, 50_000]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked("set.bin") == [None, "bytes=100000-", "bytes=150000-"]


def test_server_that_ignores_range_starts_again_cleanly(server, tmp_path):
    server.cuts, server.ignore_range = [100_000], True
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked("set.bin") == [None, "bytes=100000-"]


def test_server_that_always_stops_is_left_after_some_attempts(server, tmp_path):
    server.cuts = [1000] * 50
    assert "cut before the end" in refused(server, tmp_path)
    assert len(server.requests) == download.ATTEMPTS
    part = tmp_path / "set.bin.part"  # kept: the next call goes on from there
    assert part.read_bytes() == CONTENT[: 1000 * download.ATTEMPTS]


def test_next_host_goes_on_from_what_the_first_gave(server, tmp_path):
    with serve({"/set.bin": CONTENT}) as first:
        first.cuts = [200_000, 0, 0]
        hosts = [first.address, server.address]
        assert download_file(FILE, hosts, tmp_path).read_bytes() == CONTENT
    assert server.asked("set.bin") == ["bytes=200000-"]


def test_part_of_another_file_is_thrown_away(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(b"x" * 5000)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked("set.bin") == ["bytes=5000-", None]


def test_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT + b"more")
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_whole_part_needs_no_request(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT)  # killed between the last byte and the name
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == []


def test_html_instead_of_the_file(server, tmp_path):
    server.page = b"<html>please log in</html>"
    assert "web page" in refused(server, tmp_path)
    assert not (tmp_path / "set.bin.part").exists()


def test_html_keeps_what_came_before(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    server.page = b"<html>please log in</html>"
    refused(server, tmp_path)
    assert (tmp_path / "set.bin.part").read_bytes() == CONTENT[:1000]


def test_altered_content_of_the_right_size(server, tmp_path):
    server.files["/set.bin"] = b"!" + CONTENT[1:]
    assert "checksum" in refused(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_content_of_another_size_is_not_even_read(server, tmp_path):
    server.files["/set.bin"] = CONTENT * 2
    assert "614,400 bytes, expected 307,200" in refused(server, tmp_path)


@pytest.mark.parametrize("code", [404, 403, 500, 503])
def test_http_errors(server, tmp_path, code):
    server.code = code
    assert f"HTTP {code}" in refused(server, tmp_path)
    assert len(server.requests) == 1


def test_server_that_never_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(CourseError, match=r"no answer for 0\.3 s"):
            download_file(FILE, [host], tmp_path)


def test_server_that_trickles(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    server.block, server.pause = 50, 0.05  # 1,000 bytes a second, never silent
    assert "too slow" in refused(server, tmp_path)


def test_server_whose_headers_trickle(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "FIRST_ANSWER", 0.3)
    server.header_pause = 0.05  # never silent for long
    assert "no answer for 0.3 s" in refused(server, tmp_path)


@pytest.mark.parametrize(
    "instead", [416, "bytes 0-99/307200", "bytes */307200", "nonsense", "bytes 5001-307199/307200"]
)
def test_a_rest_that_is_refused_or_another_is_begun_again_from_0(server, tmp_path, instead):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:5000])
    server.refuse_range = instead
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.asked("set.bin") == ["bytes=5000-", None]


def test_one_deadline_for_all_hosts_of_a_silent_network(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.4)
    monkeypatch.setattr(download, "FIRST_ANSWER", 0.15)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        hosts = [f"{host}{number}/" for number in range(20)]
        with pytest.raises(CourseError, match="given up: nothing useful came") as caught:
            download_file(FILE, hosts, tmp_path)
    tried = [line for line in str(caught.value).splitlines() if "no answer for" in line]
    assert len(tried) == 3  # of 20


@pytest.mark.parametrize(("block", "pause"), [(1, 60), (10, 0.05)], ids=["silent", "trickling"])
def test_what_comes_too_slowly_does_not_put_the_deadline_off(server, tmp_path, block, pause):
    server.block, server.pause = block, pause
    patience = download.Patience()
    patience.deadline = time.monotonic() + 0.5  # far below TIMEOUT
    with pytest.raises(CourseError) as caught:
        download_file(FILE, [server.address], tmp_path, patience)
    assert time.monotonic() < patience.deadline + download.TIMEOUT / 2
    assert "for 0 s" not in str(caught.value)
    assert len(server.requests) == 1


def test_a_part_that_leads_elsewhere_is_not_followed(server, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("my thesis")
    (tmp_path / "set.bin.part").symlink_to(mine)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert mine.read_text() == "my thesis"
    assert not (tmp_path / "set.bin").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_part_that_is_a_pipe_is_refused(server, tmp_path):
    os.mkfifo(tmp_path / "set.bin.part")
    with pytest.raises(CourseError, match="remove it"):
        fetch(server, tmp_path)


def test_what_had_the_name_is_kept_aside(server, tmp_path):
    for content in (b"first", b"second"):
        (tmp_path / "set.bin").write_bytes(content)
        fetch(server, tmp_path)
    assert (tmp_path / "set.bin.bak").read_bytes() == b"first"
    assert (tmp_path / "set.bin.bak2").read_bytes() == b"second"


def test_no_host_lists_each_with_its_reason(server, tmp_path):
    server.code = 404
    hosts = ["http://127.0.0.1:9/", server.address]  # nobody listens on the port "discard"
    with pytest.raises(CourseError) as caught:
        download_file(FILE, hosts, tmp_path)
    first, second = str(caught.value).splitlines()[1:]
    assert "http://127.0.0.1:9/set.bin" in first
    assert "refused" in first
    assert "HTTP 404" in second


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_disk_full(server, tmp_path, monkeypatch):
    def full(path, mode):
        return open("/dev/full", mode)

    monkeypatch.setattr(download, "open", full, raising=False)
    with pytest.raises(CourseError, match="No space left") as caught:
        fetch(server, tmp_path)
    assert "TP_CNN_DATA" in str(caught.value)
    assert not (tmp_path / "set.bin").exists()


def test_disk_too_small_is_known_before_the_first_byte(server, tmp_path):
    huge = RemoteFile("set.bin", 10**18, "0" * 32)
    with pytest.raises(CourseError, match="disk full"):
        download_file(huge, [server.address], tmp_path)
    assert server.requests == []


def test_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CourseError, match="cannot be written"):
        fetch(server, tmp_path / "file")


# A whole set, with the lock and the processes.

FETCH = """
import sys
from tests.data.file_server import tiny_mnist
from tp_cnn.data.files import catalog
from tp_cnn.data import sources
catalog.DATASETS["mnist"] = tiny_mnist(sys.argv[1])[0]
print(len(sources.load("mnist", "train", root=sys.argv[2])))
"""


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A server of a tiny MNIST, known under the name of the real one."""
    dataset, served = tiny_mnist()
    with serve(served) as running:
        monkeypatch.setitem(catalog.DATASETS, "mnist", tiny_mnist(running.address)[0])
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        running.dataset = dataset
        yield running


def start(server, root):
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, server.address, str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )


def test_fetch_leaves_what_torchvision_opens(mnist, tmp_path):
    from torchvision.datasets import MNIST

    rows = sources.fetch("mnist", tmp_path / "new")
    assert [(row.split, row.images) for row in rows] == [("train", 300), ("test", 100)]
    ours = sources.load("mnist", "test", root=tmp_path / "new")
    theirs = MNIST(tmp_path / "new", train=False, download=False)
    assert theirs.data.equal(ours.images[:, 0])
    assert theirs.targets.equal(ours.labels)


def test_a_silent_network_is_announced_and_remembered(mnist, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(download, "FIRST_ANSWER", 0.2)
    mnist.header_pause = 0.05
    for name in ("mnist", "mnist"):
        with pytest.raises(CourseError, match="--dataset digits") as caught:
            sources.load(name, root=tmp_path / "root")
    assert "the network gave nothing a moment ago" in str(caught.value)
    assert len(mnist.requests) == 1
    assert capsys.readouterr().err.count("mnist : téléchargement de") == 1
    mnist.header_pause = 0
    rows = sources.fetch("mnist", tmp_path / "root")  # asked for by name: tried again
    assert [row.images for row in rows] == [300, 100]
    assert len(sources.load("mnist", root=tmp_path / "root")) == 300


def test_a_sample_is_kept_aside_and_no_earlier_copy_is_replaced(mnist, tmp_path):
    raw = tmp_path / "root/MNIST/raw/t10k-labels-idx1-ubyte"
    sources.fetch("mnist", tmp_path / "root")
    for content in (b"first", b"second"):
        raw.write_bytes(content)
        sources.fetch("mnist", tmp_path / "root")
    assert raw.with_name(raw.name + ".bak").read_bytes() == b"first"
    assert raw.with_name(raw.name + ".bak2").read_bytes() == b"second"


def test_fetching_twice_asks_nothing(mnist, tmp_path):
    sources.fetch("mnist", tmp_path / "new")
    before = len(mnist.requests)
    sources.fetch("mnist", tmp_path / "new")
    assert before == len(mnist.requests) == 4


def test_two_processes_at_once_make_one_download(mnist, tmp_path):
    mnist.block, mnist.pause = 20_000, 0.1  # slow enough that they meet
    both = [start(mnist, tmp_path / "shared") for _ in range(2)]
    results = [process.communicate(timeout=600) for process in both]
    assert [out.strip() for out, _ in results] == ["300", "300"], results
    assert Counter(path for path, _ in mnist.requests) == dict.fromkeys(mnist.files, 1)
    assert sum("another process" in errors for _, errors in results) == 1


def test_killed_in_the_middle_then_resumed(mnist, tmp_path):
    mnist.block, mnist.pause = 5_000, 0.1
    process = start(mnist, tmp_path / "root")
    part = tmp_path / "root/MNIST/raw/train-images-idx3-ubyte.gz.part"
    deadline = time.monotonic() + 600
    while not (part.exists() and part.stat().st_size > 20_000) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()  # SIGKILL: no chance to tidy up
    process.communicate()
    kept = part.stat().st_size
    assert 20_000 < kept < mnist.dataset.files[0].size
    assert not part.with_suffix("").exists()
    mnist.pause = 0
    assert len(sources.load("mnist", "train", root=tmp_path / "root")) == 300
    assert mnist.asked("train-images-idx3-ubyte.gz") == [None, f"bytes={kept}-"]


def test_no_network_says_what_was_tried_and_the_ways_out(mnist, tmp_path):
    mnist.code = 503
    with pytest.raises(CourseError) as caught:
        sources.load("mnist", root=tmp_path / "root")
    message = str(caught.value)
    assert f"{mnist.address}train-images-idx3-ubyte.gz: HTTP 503" in message
    assert "tp-cnn data fetch mnist" in message
    assert "--dataset digits" in message


def test_folder_that_cannot_be_written_falls_back_to_the_users_cache(mnist, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    images = sources.load("mnist", root=tmp_path / "file" / "data")
    assert len(images) == 300
    assert (tmp_path / "cache/tp-cnn/MNIST/raw/train-images-idx3-ubyte").is_file()
    with pytest.raises(CourseError, match="cannot be written"):
        sources.fetch("mnist", tmp_path / "file" / "data")


def test_full_disk_while_uncompressing(mnist, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CourseError, match="No space left"):
        sources.fetch("mnist", tmp_path / "root")
    monkeypatch.undo()
    assert not list((tmp_path / "root/MNIST/raw").glob("*ubyte"))
    assert not list((tmp_path / "root/MNIST/raw").glob(".*part"))
