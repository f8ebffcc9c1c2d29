"""Blocks that no table of wrong answers lists: refused all the same, with words that help."""

import pytest
import torch
from torch import nn

from tests.checks.wrong_answers.architectures import ConvNeXt, Residual
from tests.checks.wrong_answers.non_supervise import AutoEncoder
from tp_cnn.checks import architectures, non_supervise
from tp_cnn.models import convnext, densenet, inception, resnet
from tp_cnn.models.autoencoder import ConvAutoEncoder


def activated(make, kind):
    """Builds the right block with another activation everywhere."""

    def build(*sizes):
        block = make(*sizes)
        for parent in list(block.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.ReLU | nn.GELU):
                    setattr(parent, name, kind())
        return block

    return build


BLOCKS = {
    "inception": (architectures.inception, inception.Inception),
    "residual": (architectures.residual, resnet.basic),
    "dense": (architectures.dense_layer, lambda *sizes: densenet.DenseLayer(*sizes, narrow=False)),
    "convnext": (architectures.convnext_block, convnext.ConvNeXtBlock),
    "autoencoder": (non_supervise.autoencoder, ConvAutoEncoder),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", [nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.Sigmoid, nn.Identity])
@pytest.mark.parametrize("name", BLOCKS)
def test_another_activation_is_refused(name, kind, seed):
    check, make = BLOCKS[name]
    assert check(make, seed=seed).ok
    verdict = check(activated(make, kind), seed=seed)
    assert verdict.status == "wrong"
    assert verdict.message


@pytest.mark.parametrize("kind", [nn.ReLU6, nn.LeakyReLU])
def test_another_activation_of_the_mended_network_is_refused(kind):
    def build():
        layers = [nn.Conv2d(3, 50, 3, padding=1), kind(), nn.MaxPool2d(2)]
        layers += [nn.Conv2d(50, 100, 3, padding=1), kind(), nn.AdaptiveMaxPool2d(1)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(100, 10))

    assert architectures.mended(build).status == "wrong"


class Twice(nn.Module):
    """The shortcut counted twice, and a body that the gradient does not reach."""

    def __init__(self, right, cut):
        super().__init__()
        self.right, self.cut = right, cut

    def forward(self, maps):
        if self.cut:
            return self.right(maps).detach()
        return torch.relu(self.right.body(maps) + 2 * self.right.shortcut(maps))


@pytest.mark.parametrize("cut", [False, True])
def test_a_sum_of_other_weights_or_cut_from_its_gradient_is_refused(cut):
    verdict = architectures.residual(lambda *sizes: Twice(resnet.basic(*sizes), cut))
    assert verdict.status == "wrong"
    assert verdict.mistake == ("cut" if cut else None)


def test_what_is_built_is_told_where_it_is_no_block():
    verdict = architectures.residual(lambda *sizes: 0)
    assert verdict.message == "on obtient 0 ; il faut un bloc (nn.Module)."
    missing = architectures.residual(lambda inputs, filters, stride: nn.Conv2d(inputs, filters, 3))
    assert missing.status == "wrong"
    assert "pour inputs=6, filters=6, stride=1, il manque une" in missing.message


class OneNorm(Residual):
    def __init__(self, inputs, filters, stride):
        super().__init__(inputs, filters, stride)
        self.norm2 = self.norm1


def test_a_layer_that_serves_twice_is_refused():
    verdict = architectures.residual(OneNorm)
    assert (verdict.status, verdict.mistake) == ("wrong", "shared")
    assert "BatchNorm2d sert à deux endroits du bloc" in verdict.message


def without_bias(make, name):
    """Builds the right block, one of its layers without bias."""

    def build(*sizes):
        block = make(*sizes)
        getattr(block, name).register_parameter("bias", None)
        return block

    return build


@pytest.mark.parametrize(
    ("check", "make", "name"),
    [
        (architectures.convnext_block, ConvNeXt, "filters"),
        (architectures.convnext_block, ConvNeXt, "narrow"),
        (non_supervise.autoencoder, AutoEncoder, "down1"),
        (non_supervise.autoencoder, AutoEncoder, "code"),
    ],
)
def test_a_bias_that_no_normalisation_replaces_is_asked(check, make, name):
    verdict = check(without_bias(make, name))
    assert verdict.status == "wrong"
    assert "n'a pas de biais" in verdict.message


class OwnConvolution(nn.Module):
    def __init__(self, inputs, filters, kernel, stride=1, padding=0, bias=False):
        super().__init__()
        self.kernels = nn.Parameter(torch.randn(filters, inputs, kernel, kernel))
        self.settings = {"stride": stride, "padding": padding}

    def forward(self, maps):
        return nn.functional.conv2d(maps, self.kernels, **self.settings)


class OwnNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gain, self.shift = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(1))

    def forward(self, maps):
        variance = maps.var(-1, keepdim=True, correction=0)
        maps = (maps - maps.mean(-1, keepdim=True)) / (variance + 1e-6).sqrt()
        return maps * self.gain + self.shift


class OwnResidual(Residual):
    def __init__(self, inputs, filters, stride):
        super().__init__(inputs, filters, stride)
        self.conv1 = OwnConvolution(inputs, filters, 3, stride, padding=1)


class OwnConvNeXt(ConvNeXt):
    def __init__(self, channels):
        super().__init__(channels)
        self.norm = OwnNorm(channels)


@pytest.mark.parametrize(
    ("check", "block", "names"),
    [
        (architectures.residual, OwnResidual, ": conv1.kernels."),
        (architectures.convnext_block, OwnConvNeXt, ": gamma, norm.gain, norm.shift."),
    ],
)
def test_weights_that_cannot_be_followed_are_not_called_missing(check, block, names):
    verdict = check(block)
    assert verdict.status == "wrong"
    assert "ne sait pas suivre" in verdict.message
    assert names in verdict.message
    assert "il manque" not in verdict.message


class Listed(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.layers = [resnet.basic(inputs, filters, stride)]

    def forward(self, maps):
        return self.layers[0](maps)


def test_layers_in_a_plain_list_are_named():
    verdict = architectures.residual(Listed)
    assert verdict.mistake == "plain-list"
    assert "self.layers = nn.ModuleList(...)" in verdict.message


class TooLarge(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.layers = nn.Sequential(nn.LazyConv2d(filters, 3), nn.Flatten(), nn.Conv2d(1, 1, 99))
        self.norm = nn.LazyBatchNorm2d()

    def forward(self, maps):
        return self.norm(self.layers(maps))


def test_a_lazy_block_that_fails_is_told_its_error():
    assert "votre code s'arrête sur une erreur" in architectures.residual(TooLarge).message
