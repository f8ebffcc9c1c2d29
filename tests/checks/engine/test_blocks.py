"""Blocks that no table of wrong answers lists: refused all the same, with words that help."""

import pytest
import torch
from torch import nn

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
