"""A checkpoint is gone on with by the same run alone: what differs is named."""

from dataclasses import replace
from zipfile import ZipFile

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tp_cnn.data import sources
from tp_cnn.data.augment import HorizontalFlip
from tp_cnn.data.batches import Batches
from tp_cnn.errors import CourseError
from tp_cnn.training import fit, recipe

SMALL = recipe.Recipe(dataset="digits", images=200, epochs=1, schedule="cosine")


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.pt"
    result = recipe.train(SMALL, device="cpu", checkpoint=path, progress=False)
    return path, result


CHANGES = {
    "seed": 7,
    "shift": 2,
    "crop": 28,
    "flip": True,
    "jitter": 0.2,
    "cutout": 4,
    "mixup": True,
    "normalise": "none",
    "validation": 0.2,
    "images": 300,
    "test_images": 150,
    "schedule": "one-cycle",
    "epochs": 2,  # the whole schedule depends on it
    "decay": 0.5,
    "learning_rate": 0.01,
    "momentum": 0.5,
    "weight_decay": 0.1,
    "optimizer": "adam",
    "batch_size": 64,
    "model_options": {"activation": "tanh"},
    "model": "dense",
}


@pytest.mark.parametrize("field", CHANGES)
def test_any_other_recipe_is_refused_by_the_name_of_the_field(begun, field):
    path, _ = begun
    before = path.read_bytes()
    other = replace(SMALL, **{field: CHANGES[field]})
    with pytest.raises(CourseError, match=f"its {field} is {getattr(SMALL, field)}") as caught:
        recipe.train(other, device="cpu", checkpoint=path, progress=False)
    assert "another run" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_every_field_of_a_recipe_is_tried():
    assert set(CHANGES) == set(vars(SMALL)) - {"dataset"}  # other data: below


def test_other_images_under_the_same_name_are_refused(begun, monkeypatch):
    path, _ = begun
    images, labels = sources.synthetic.digits("train")
    altered = images ^ 1  # the last bit of every pixel

    def digits(split, real=sources.synthetic.digits):
        return (altered, labels) if split == "train" else real(split)

    monkeypatch.setattr(sources.synthetic, "digits", digits)
    with pytest.raises(CourseError, match="its train set is .* digest"):
        recipe.train(SMALL, device="cpu", checkpoint=path, progress=False)


def test_the_same_recipe_is_said_to_be_finished(begun, capsys):
    path, first = begun
    again = recipe.train(SMALL, device="cpu", checkpoint=path, progress=False)
    assert "Déjà terminé" in capsys.readouterr().out
    assert again.test == first.test


def test_fewer_epochs_than_are_done_are_refused(tmp_path):
    one = replace(SMALL, schedule="constant", epochs=2)
    path = tmp_path / "run.pt"
    recipe.train(one, device="cpu", checkpoint=path, progress=False)
    with pytest.raises(CourseError, match="its epochs are 2, here they are 1"):
        recipe.train(replace(one, epochs=1), device="cpu", checkpoint=path, progress=False)


def options(batches, seed=0, rate=0.1, gamma=0.5, validation=None):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    return {
        "model": model,
        "train": batches,
        "validation": validation,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "progress": False,
    }


@pytest.mark.parametrize(
    ("batches", "changes", "named"),
    [
        ({"seed": 1}, {}, "train seed"),
        ({"augment": (HorizontalFlip(),)}, {}, "train augment"),
        ({"batch_size": 21}, {}, "train batch_size"),
        ({"normalise": lambda images: images.float()}, {}, "train normalise"),
        ({}, {"gamma": 0.6}, "scheduler"),
        ({}, {"rate": 0.2}, "optimizer"),
    ],
)
def test_a_loop_of_ones_own_is_known_by_its_batches(image_set, tmp_path, batches, changes, named):
    def make(**more):
        return Batches(image_set(), **{"batch_size": 20, "shuffle": True, "device": "cpu", **more})

    path = tmp_path / "run.pt"
    fit(**options(make()), epochs=1, checkpoint=path)
    assert len(fit(**options(make(), seed=5), epochs=2, checkpoint=path)) == 2  # the same goes on
    with pytest.raises(CourseError, match=f"its {named} is"):
        fit(**options(make(**batches), **changes), epochs=3, checkpoint=path)


def test_a_data_loader_goes_on_too(image_set, tmp_path):
    images = image_set()
    loader = DataLoader(TensorDataset(images.images.float() / 255, images.labels), 50)
    path = tmp_path / "run.pt"
    fit(**options(loader), epochs=1, checkpoint=path)
    assert len(fit(**options(loader), epochs=2, checkpoint=path)) == 2


@pytest.mark.parametrize("content", [b"", b'{"one": "line"}', b"\x80\x04}.", b"PK\3\4"])
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(image_set, tmp_path, content):
    path = tmp_path / "notes.json"
    path.write_bytes(content)
    with pytest.raises(CourseError, match="is not a checkpoint"):
        fit(**options(Batches(image_set(), 20, device="cpu")), epochs=1, checkpoint=path)
    assert path.read_bytes() == content


def test_an_altered_weight_is_refused(image_set, tmp_path):
    path = tmp_path / "run.pt"
    batches = Batches(image_set(), 20, device="cpu")
    fit(**options(batches), epochs=1, checkpoint=path)
    with ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size)
        weights = archive.read(largest)
    content = path.read_bytes()
    place = content.index(weights) + len(weights) // 2
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(CourseError, match="is not a checkpoint.*is altered"):
        fit(**options(batches), epochs=2, checkpoint=path)


@pytest.mark.parametrize("lost", ["history", "model", "optimizer", "scheduler", "random", "order"])
def test_a_checkpoint_without_one_of_its_parts_is_refused(image_set, tmp_path, lost):
    path = tmp_path / "run.pt"
    batches = Batches(image_set(), 20, device="cpu")
    fit(**options(batches), epochs=1, checkpoint=path)
    state = torch.load(path, weights_only=True)
    del state[lost]
    torch.save(state, path)
    with pytest.raises(CourseError, match=f"is not a checkpoint.*no {lost}"):
        fit(**options(batches), epochs=2, checkpoint=path)
