import errno
from dataclasses import replace

import pytest

from tp_cnn.data import classroom, sources
from tp_cnn.data.files import catalog
from tp_cnn.data.files.layouts import JPEG_COPY, SAMPLE


def test_the_wanted_set_is_used_when_it_is_there(capsys):
    train, test = classroom.load_for_class("digits", otherwise="shapes")
    assert (train.name, test.split) == ("digits", "test")
    assert "Données : " in capsys.readouterr().out


def test_without_it_the_embedded_set_is_used_and_said(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tp_cnn.data.files.layouts.roots", lambda root=None: [tmp_path])
    monkeypatch.setenv("TP_CNN_DOWNLOAD", "0")
    train, _ = classroom.load_for_class("mnist", otherwise="digits")
    assert train.name == "digits"
    printed = capsys.readouterr().out
    assert "mnist est introuvable" in printed
    assert "tp-cnn data fetch mnist" in printed


def test_a_folder_that_one_may_not_read_does_not_stop_the_notebook(monkeypatch, capsys):
    def load(name, *_, **__):
        if name == "mnist":
            raise PermissionError(errno.EACCES, "Permission denied", "/srv/data")
        return sources.load(name, *_, **__)

    monkeypatch.setattr(classroom, "load", load)
    assert classroom.load_for_class("mnist", otherwise="digits")[0].name == "digits"
    assert "Permission denied: '/srv/data'" in capsys.readouterr().out


def test_classes_are_in_french(monkeypatch, image_set):
    published = catalog.FASHION_MNIST.classes + catalog.CIFAR10.classes
    monkeypatch.setattr(
        classroom, "load", lambda *_, **__: replace(image_set(8), classes=published)
    )
    train, test = classroom.load_for_class("mnist", otherwise="digits")
    assert train.classes == test.classes
    assert train.classes[:2] == ("tee-shirt", "pantalon")
    assert not set(train.classes) & set(published)
    assert len(set(train.classes)) == 20


def test_a_name_without_french_stays():
    assert classroom.in_french(["cat", "disque"]) == ("chat", "disque")


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False)])
def test_downloading_is_a_setting(monkeypatch, image_set, value, expected):
    asked = []

    def load(name, split, download):
        asked.append(download)
        return image_set(8)

    monkeypatch.setattr(classroom, "load", load)
    monkeypatch.setenv("TP_CNN_DOWNLOAD", value)
    classroom.load_for_class("mnist", otherwise="digits")
    assert asked == [expected, expected]


@pytest.mark.parametrize(
    ("limit", "expected"), [(SAMPLE, "c'est un échantillon"), (JPEG_COPY, "copie JPEG")]
)
def test_what_limits_a_result_is_said(monkeypatch, image_set, capsys, limit, expected):
    limited = replace(image_set(8), limits=(limit,))
    monkeypatch.setattr(classroom, "load", lambda *_, **__: limited)
    classroom.load_for_class("mnist", otherwise="digits")
    assert expected in capsys.readouterr().out
