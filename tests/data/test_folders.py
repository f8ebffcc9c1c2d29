"""Folders of one's own images, as students make them."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tp_cnn.data import sources
from tp_cnn.data.files import cache, layouts
from tp_cnn.data.sources import load
from tp_cnn.errors import CourseError

GREY, ORANGE = 100, (250, 120, 10)


def save(path, colour, size=(12, 10), mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = mode or ("L" if isinstance(colour, int) else "RGB")
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of two classes, 4 + 2 grey images each."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for split, count in (("train", 4), ("test", 2)):
        for name, grey in (("chat", 20), ("chien", 200)):
            for i in range(count):
                save(tmp_path / "photos" / split / name / f"{i}.png", grey + i)
    return tmp_path / "photos"


def test_grey_folder(photos):
    train, test = load(photos), load(str(photos), "test")
    assert train.images.shape == (8, 1, 10, 12)
    assert train.images.dtype == torch.uint8
    assert train.classes == test.classes == ("chat", "chien")
    assert (train.name, train.split, len(test)) == ("photos", "train", 4)
    assert train.origin.startswith("8 images in ")
    for image, label in zip(train.images, train.labels, strict=True):
        assert image[0, 0, 0] // 10 * 10 == (20, 200)[label]
    assert len(set(train.labels[:6].tolist())) == 2  # shuffled: not sorted by class


def test_mix_of_grey_colour_and_transparency(photos):
    save(photos / "train/chat/colour.jpg", ORANGE)
    save(photos / "train/chat/clear.png", (0, 0, 0, 0), mode="RGBA")
    train, test = load(photos), load(photos, "test")
    assert train.images.shape == (10, 3, 10, 12)
    assert test.images.shape == (4, 3, 10, 12)  # the same channels as train, though all grey
    means = train.images.float().mean(dim=(2, 3))
    assert torch.tensor([255.0, 255.0, 255.0]) in means  # transparency is white
    assert (means - torch.tensor(ORANGE)).abs().amax(dim=1).min() < 5
    assert means[train.labels == 1].std(dim=1).max() == 0  # grey in three equal channels


def test_a_transparent_grey_image_is_white_and_stays_grey(photos):
    Image.new("L", (12, 10), 0).save(photos / "train/chat/clear.png", transparency=0)
    train = load(photos)
    assert train.images.shape == (9, 1, 10, 12)
    assert (train.images == 255).all(dim=(1, 2, 3)).sum() == 1


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are Unicode")
def test_names_that_are_not_unicode(photos):
    """As Latin-1 disks have them."""
    for split in ("train", "test"):
        os.rename(os.fsencode(photos / split / "chat"), os.fsencode(photos / split) + b"/ch\xe9t")
    folder = os.fsdecode(os.fsencode(photos.parent) + b"/donn\xe9es")
    photos.rename(folder)
    for _ in range(2):  # decoded, then from the cache
        assert load(folder).classes == ("ch\\xe9t", "chien")


def test_exif_orientation_is_applied(photos):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    path = photos / "train/chat/side.jpg"
    Image.new("L", (10, 12)).save(path, exif=exif)
    assert load(photos).images.shape == (9, 1, 10, 12)


def test_files_that_are_no_images_are_left_out(photos):
    (photos / "train/chat/Thumbs.db").write_bytes(b"x")
    (photos / "train/chat/._0.png").write_bytes(b"x")
    (photos / "train/.ipynb_checkpoints").mkdir()
    assert len(load(photos)) == 8


def test_broken_images_are_named(photos):
    (photos / "train/chat/broken.png").write_bytes(b"not an image")
    whole = (photos / "train/chien/0.png").read_bytes()
    (photos / "train/chien/cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CourseError, match="2 of 14 images cannot be read") as caught:
        load(photos)
    assert "broken.png" in str(caught.value)
    assert "cut.png" in str(caught.value)


def test_broken_first_image_is_named(photos):
    (photos / "train/chat/0.png").write_bytes(b"not an image")
    with pytest.raises(CourseError, match=r"0\.png: not a readable image"):
        load(photos)


def test_different_sizes(photos):
    save(photos / "test/chien/wide.png", 5, size=(40, 30))
    with pytest.raises(CourseError, match="different sizes") as caught:
        load(photos)
    for text in ("12x10", "wide.png", "40x30", "ImageOps.fit"):
        assert text in str(caught.value)


def test_images_too_large_for_memory(photos, monkeypatch):
    monkeypatch.setattr("tp_cnn.data.files.folders.LARGEST", 1000)
    with pytest.raises(CourseError, match=r"12x10.* of memory; bring them all to one small size"):
        load(photos)


def test_sixteen_bits(photos):
    Image.fromarray(np.zeros((10, 12), np.uint16)).save(photos / "train/chat/deep.png")
    with pytest.raises(CourseError, match=r"deep\.png: pixels of 16 or 32 bits"):
        load(photos)


def test_class_missing_in_test(photos):
    shutil.rmtree(photos / "test/chien")
    with pytest.raises(CourseError, match="same classes; only in one of them: chien"):
        load(photos, "test")


def test_one_class_teaches_nothing(photos):
    for split in ("train", "test"):
        shutil.rmtree(photos / split / "chien")
    with pytest.raises(CourseError, match="the class chat alone; expected one folder a class, two"):
        load(photos)


def test_class_without_image(photos):
    (photos / "train/vache").mkdir()
    (photos / "test/vache").mkdir()
    with pytest.raises(CourseError, match="vache: holds no image"):
        load(photos)


def test_no_test_set(photos):
    shutil.rmtree(photos / "test")
    assert len(load(photos)) == 8
    with pytest.raises(CourseError, match="holds no test images"):
        load(photos, "test")


def test_not_a_data_set(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.txt").write_text("")
    with pytest.raises(CourseError, match=r"expected train/<class>/\*.* found a\.txt"):
        load(tmp_path / "images")


def decodings(monkeypatch):
    """A list that grows at each decoding of a whole folder."""
    calls = []
    original = layouts.folders.read_folder
    monkeypatch.setattr(
        layouts.folders, "read_folder", lambda folder: calls.append(folder) or original(folder)
    )
    return calls


def test_decoded_once_until_the_folder_changes(photos, monkeypatch):
    calls = decodings(monkeypatch)
    before = load(photos)
    again = load(photos)
    load(photos, "test")
    assert len(calls) == 1
    assert again.images.equal(before.images)
    assert again.labels.equal(before.labels)
    assert again.origin == before.origin

    save(photos / "train/chat/new.png", 3)  # one more
    assert len(load(photos)) == 9
    save(photos / "train/chat/new.png", 9)  # rewritten: same name, same size
    os.utime(photos / "train/chat/new.png", ns=(0, 2**62))
    assert 9 in load(photos).images
    os.utime(photos / "train/chat/new.png", ns=(0, 0))
    load(photos)
    (photos / "train/chat/new.png").rename(photos / "train/chien/new.png")  # another class
    assert load(photos).labels.sum() == 5
    assert len(calls) == 5


def test_damaged_cache_is_made_again(photos, monkeypatch):
    load(photos)
    cached = photos / layouts.FOLDER_CACHE
    for content in (b"", cached.read_bytes()[:-5]):
        cached.write_bytes(content)
        assert len(load(photos)) == 8
        assert cache.is_intact(cached)


@pytest.mark.parametrize("content", [b"junk" * 100, b'{"mine": 1}', b"\x02\0\0\0\0\0\0\0{}"])
def test_a_file_of_the_caches_name_that_is_no_cache_is_kept(photos, tmp_path, content):
    (photos / layouts.FOLDER_CACHE).write_bytes(content)
    for _ in range(2):
        assert len(load(photos)) == 8
    assert (photos / layouts.FOLDER_CACHE).read_bytes() == content
    assert len(list((tmp_path / "cache").rglob("photos-*.safetensors"))) == 1


def test_an_altered_cache_is_made_again_and_seen_at_once(photos):
    expected = load(photos).images.clone()
    cached = photos / layouts.FOLDER_CACHE
    content = bytearray(cached.read_bytes())
    content[-1] ^= 255  # a pixel: the header still says what it said
    cached.write_bytes(content)
    os.utime(cached, ns=(0, 2**60))
    assert load(photos).images.equal(expected)
    content[-1] ^= 1
    cached.write_bytes(content)
    os.utime(cached, ns=(0, 2**61))
    for split in ("train", "test"):
        shutil.rmtree(photos / split)
    with pytest.raises(CourseError, match="altered since it was written"):
        load(photos)


def swap(one, other):
    for path, then in ((one, "aside"), (other, one.name), (one.with_name("aside"), other.name)):
        path.rename(path.with_name(then))


CHANGES = {
    "renamed": lambda chat, chien: (chat / "0.png").rename(chat / "9.png"),
    "swapped": lambda chat, chien: swap(chat / "0.png", chat / "1.png"),
    "classes swapped": lambda chat, chien: swap(chat, chien),
    "older copy": lambda chat, chien: os.utime(chat / "0.png", ns=(0, 5)),
    "one for another": lambda chat, chien: (chat / "0.png").rename(chien / "9.png"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_files_is_seen(photos, monkeypatch, change):
    for number, path in enumerate(sorted(photos.rglob("*.png"))):
        os.utime(path, ns=(0, 10**18 - number))  # copied one after the other, then left alone
    load(photos)
    calls = decodings(monkeypatch)
    CHANGES[change](photos / "train/chat", photos / "train/chien")
    load(photos)
    assert len(calls) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_left_out_is_said_and_a_pipe_is_not_waited_for(photos, capsys):
    os.mkfifo(photos / "train/chat/pipe.png")
    (photos / "train/chat/gone.png").symlink_to("nowhere.png")
    (photos / "train/chat/notes.txt").write_text("...")
    (photos / "train/chat/.DS_Store").write_text("...")
    (photos / "train/chat/more").mkdir()
    save(photos / "train/loose.png", 3)
    origin = load(photos).origin
    assert "left out: 1 outside the folders of classes" in origin
    assert "2 neither file nor folder" in origin
    assert "1 of another kind (.txt)" in origin
    assert "1 folders inside a class" in origin
    assert len(load(photos)) == 8


def test_accents_written_in_two_ways_are_one_class(photos):
    nfc, nfd = "épagneul", "e\u0301pagneul"
    save(photos / "train" / nfc / "0.png", 90)
    save(photos / "train" / nfd / "1.png", 91)
    save(photos / "test" / nfd / "0.png", 92)
    train, test = load(photos), load(photos, "test")
    assert train.classes == test.classes == ("chat", "chien", nfc)
    assert sorted(train.images[train.labels == 2][:, 0, 0, 0].tolist()) == [90, 91]
    assert len(test.images[test.labels == 2]) == 1


def test_a_system_that_does_not_replace_mapped_files_maps_none(photos, monkeypatch):
    load(photos)  # written, then mapped
    monkeypatch.setattr(cache, "MAPS", False)
    images = load(photos).images
    maps = Path("/proc/self/maps")
    if maps.exists():
        own = hex(images.data_ptr())[2:]
        ranges = [
            line.split()[0].split("-")
            for line in maps.read_text().splitlines()
            if layouts.FOLDER_CACHE in line
        ]
        assert not any(int(low, 16) <= int(own, 16) < int(high, 16) for low, high in ranges)
    assert images.equal(load(photos).images)


def test_cache_alone_is_enough(photos, tmp_path):
    load(photos)
    (tmp_path / "copy").mkdir()
    shutil.copy(photos / layouts.FOLDER_CACHE, tmp_path / "copy")
    assert len(load(tmp_path / "copy")) == 8
    assert len(load(tmp_path / "copy", "test")) == 4


def test_read_only_folder_is_cached_for_the_user(photos, monkeypatch, tmp_path):
    calls, write = decodings(monkeypatch), cache.write

    def read_only(path, *content):
        if path.is_relative_to(photos):
            raise PermissionError("read-only")
        write(path, *content)

    monkeypatch.setattr(cache, "write", read_only)
    load(photos)
    load(photos, "test")
    assert len(calls) == 1
    assert len(list((tmp_path / "cache").rglob("photos-*.safetensors"))) == 1
    assert not (photos / layouts.FOLDER_CACHE).exists()


def test_no_place_for_a_cache_is_no_failure(photos, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write", full)
    assert len(load(photos)) == 8
    assert [row.note for row in sources.build_cache(photos)] == ["no cache", "no cache"]


def test_writing_to_the_images_does_not_reach_the_cache(photos):
    load(photos)
    mapped = load(photos)
    mapped.images.zero_()
    assert cache.is_intact(photos / layouts.FOLDER_CACHE)
    assert load(photos).images.max() > 0


def test_build_cache_of_a_folder(photos):
    rows = sources.build_cache(photos)
    assert [(row.name, row.split, row.images) for row in rows] == [
        ("photos", "train", 8),
        ("photos", "test", 4),
    ]
    assert all(layouts.FOLDER_CACHE in row.note for row in rows)
