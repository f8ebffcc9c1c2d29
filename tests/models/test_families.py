"""The families of notebook 08 against torchvision's networks and the papers' figures."""

import pytest
import torch
from torchvision import models as torchvision_models

from tp_cnn.errors import CourseError
from tp_cnn.models import alexnet, convnext, densenet, inception, resnet, vgg, vit
from tp_cnn.models.summary import count_weights, multiply_adds

PAIRS = {
    "alexnet": alexnet.AlexNet,
    "vgg16": vgg.vgg16,
    "googlenet": lambda: inception.googlenet(as_torchvision=True),
    "resnet18": resnet.resnet18,
    "resnet50": resnet.resnet50,
    "densenet121": densenet.densenet121,
    "convnext_tiny": convnext.convnext_tiny,
    "vit_b_16": vit.vit_b_16,
}
OPTIONS = {"googlenet": {"aux_logits": False, "init_weights": False}}


def torchvision_network(name):
    return torchvision_models.get_model(name, weights=None, **OPTIONS.get(name, {}))


def state(model):
    """Names and values in the order of the layers (ViT: ours tells the positions earlier)."""
    found = model.state_dict()
    names = list(found)
    if "encoder.pos_embedding" in names:
        names.insert(1, names.pop(names.index("encoder.pos_embedding")))
    return [found[name] for name in names]


def draw(model):
    """Random weights and statistics that leave no part of the network without effect."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for values in model.state_dict().values():
            if values.dim() > 1:
                deviation = (2 / values[0].numel()) ** 0.5
                values.copy_(torch.randn(values.shape, generator=generator) * deviation)
            elif values.is_floating_point():
                values.copy_(0.5 + torch.rand(values.shape, generator=generator))


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_same_shapes_then_same_outputs_as_torchvision(name):
    ours, theirs = PAIRS[name]().eval(), torchvision_network(name).eval()
    draw(theirs)
    assert count_weights(ours) == count_weights(theirs)
    for mine, other in zip(state(ours), state(theirs), strict=True):
        assert mine.squeeze().shape == other.squeeze().shape  # 1×1 convolutions are Linear there
        mine.copy_(other.reshape(mine.shape))
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        mine, other = ours(images), theirs(images)
    # What tells two images apart, however small beside what all images share.
    mine, other = mine[0] - mine[1], other[0] - other[1]
    assert other.std() > 0
    torch.testing.assert_close(mine / other.std(), other / other.std(), rtol=0, atol=0.02)


def sketch(make):
    """A network without values, for its sizes alone."""
    with torch.device("meta"):
        return make()


# Billions of multiply-adds for one image of 224×224, as the papers or torchvision's tables say.
PUBLISHED = {
    "alexnet": 0.71,
    "vgg16": 15.47,
    "googlenet": 1.50,
    "resnet18": 1.81,
    "resnet50": 4.09,
    "densenet121": 2.83,
    "convnext_tiny": 4.46,
    "vit_b_16": 17.56,
}


@pytest.mark.parametrize("name", PAIRS)
def test_multiply_adds_are_those_that_were_published(name):
    counted = multiply_adds(sketch(PAIRS[name]), (3, 224, 224))
    assert counted / 1e9 == pytest.approx(PUBLISHED[name], rel=0.01)


CIFAR = {
    "vgg": (vgg.vgg_cifar, 289_194),
    "resnet": (resnet.resnet_cifar, 272_474),
    "googlenet": (inception.googlenet_cifar, 143_438),
    "densenet": (densenet.densenet_cifar, 176_122),
    "convnext": (convnext.convnext_cifar, 637_090),
    "vit": (vit.vit_cifar, 460_906),
}


@pytest.mark.parametrize("name", CIFAR)
def test_cifar_sizes_give_a_score_a_class_and_learn_by_every_weight(name):
    make, weights = CIFAR[name]
    torch.manual_seed(0)
    model = make(classes=7)
    assert count_weights(make()) == weights
    outputs = model(torch.randn(4, 3, 32, 32))
    assert outputs.shape == (4, 7)
    outputs.square().sum().backward()
    still = [key for key, value in model.named_parameters() if not value.grad.abs().sum() > 0]
    # A bias before batch norm moves nothing, but for rounding.
    assert [key for key in still if "bias" not in key] == []


def test_googlenet_as_in_the_paper_has_larger_filters():
    paper, torchvisions = inception.googlenet, PAIRS["googlenet"]
    assert count_weights(sketch(paper)) > count_weights(sketch(torchvisions))
    assert sketch(paper)(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, 1000)


def test_plain_network_has_the_same_layers_but_the_projections():
    residual, plain = resnet.resnet_cifar(20), resnet.plain_cifar(20)
    projections = (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)
    assert count_weights(residual) - count_weights(plain) == projections


@pytest.mark.parametrize("depth", [2, 19, 21, 0, -4])
def test_depths_that_no_such_network_has(depth):
    with pytest.raises(CourseError, match=r"expected 6 n \+ 2"):
        resnet.resnet_cifar(depth)


def test_attention_weights_are_those_that_mix_the_values():
    torch.manual_seed(0)
    attention = vit.Attention(width=24, heads=3).eval()
    tokens = torch.randn(2, 5, 24)
    _, _, values = attention.split(tokens)
    mixed = (attention.weights(tokens) @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(attention.outward(mixed), attention(tokens))
    torch.testing.assert_close(attention.weights(tokens).sum(-1), torch.ones(2, 3, 5))
