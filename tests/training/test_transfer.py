import pytest
import torch
from torchvision.models import resnet18

from tp_cnn.data.batches import Batches, keep
from tp_cnn.data.normalise import CIFAR10
from tp_cnn.data.sources import load
from tp_cnn.models import CifarNet, LeNet5
from tp_cnn.training import transfer

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def small():
    torch.manual_seed(0)
    return CifarNet(batch_norm=True, classes=8)


@pytest.fixture
def learn_set():
    return keep(load("shapes"), 40)


def state(part):
    return torch.cat([one.detach().float().flatten().cpu() for one in part.state_dict().values()])


@pytest.mark.parametrize("name", ["shapes", "digits"])  # three channels, one
def test_resnet_features_are_what_its_last_layer_receives(name, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # a GPU as exact as a processor
    torch.manual_seed(0)
    model = resnet18().eval()
    images = keep(load(name), 10)
    features = transfer.resnet_features(model, images)
    assert features.shape == (10, 512)
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (IMAGENET_MEAN, IMAGENET_STD))
    seen = torch.nn.functional.interpolate(images.images.expand(-1, 3, -1, -1) / 255, size=96)
    model.cpu()
    with torch.no_grad():
        expected = model((seen - mean) / std)
        found = model.fc(features.cpu())
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_layers_come_with_their_batch_norm():
    found = transfer.layers(small())
    assert [len(layer) for layer in found] == [2, 2, 2, 1, 1]
    assert [len(layer) for layer in transfer.layers(LeNet5())] == [1] * 5


@pytest.mark.parametrize("frozen", range(5))
def test_the_first_layers_do_not_move_and_the_others_do(learn_set, frozen):
    model = small()
    before = [state(layer) for layer in transfer.layers(model)]
    transfer.adapt(model, learn_set, frozen=frozen, steps=3, normalise=transfer._as_shipped)
    after = [state(layer) for layer in transfer.layers(model)]
    moved = [not torch.equal(one, other) for one, other in zip(before[:-1], after, strict=False)]
    assert moved == [False] * frozen + [True] * (4 - frozen)
    assert len(after[-1]) == 1000 * 10 + 10  # the last layer is another one
    assert not model.training


def test_features_computed_once_give_the_same_last_layer(learn_set):
    batches = list(Batches(learn_set, 16, normalise=transfer._as_shipped, device="cpu"))
    model = small()
    transfer.freeze(model, 10)
    head = torch.nn.Linear(1000, 10)
    head.load_state_dict(model.classifier[-1].state_dict())
    transfer.train_last_layer(model, batches, 0.01, 3)
    pairs = list(
        zip(transfer.extract(model, batches).split(16), [y for _, y in batches], strict=True)
    )
    transfer.train_last_layer(head, pairs, 0.01, 3)
    torch.testing.assert_close(head.weight, model.classifier[-1].weight)


def test_runs_of_one_seed_agree(learn_set):
    def run():
        return transfer.measure_new(CifarNet, learn_set, learn_set, seed=3, steps=2)

    assert run() == run()


def test_grey_images_are_prepared_as_three_channels():
    images = torch.full((2, 1, 4, 4), 255, dtype=torch.uint8)
    prepared = transfer.prepare(images, CIFAR10.mean, CIFAR10.std)
    assert prepared.shape == (2, 3, 4, 4)
    wanted = [(1 - mean) / std for mean, std in zip(CIFAR10.mean, CIFAR10.std, strict=True)]
    assert prepared[0, :, 0, 0].tolist() == pytest.approx(wanted, rel=1e-4)


def test_more_images_have_more_steps():
    assert transfer.steps_for(10) == transfer.steps_for(100) < transfer.steps_for(3000)
