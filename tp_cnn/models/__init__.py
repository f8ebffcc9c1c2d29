"""One architecture a file, its paper named in its docstring."""

from functools import partial

from tp_cnn.models.cifarnet import CifarNet
from tp_cnn.models.convnext import convnext_cifar
from tp_cnn.models.dense import Dense, hidden_for
from tp_cnn.models.densenet import densenet_cifar
from tp_cnn.models.inception import googlenet_cifar
from tp_cnn.models.lenet5 import LeNet5
from tp_cnn.models.resnet import plain_cifar, resnet_cifar
from tp_cnn.models.summary import count_weights, multiply_adds, summary
from tp_cnn.models.vgg import vgg_cifar
from tp_cnn.models.vit import vit_cifar

DEPTHS = (8, 14, 20, 32, 44, 56)  # of the residual networks of CIFAR-10
CIFAR_SIZE = {  # networks for images of 3×32×32 by the name that a recipe gives them
    "cifarnet": CifarNet,
    "vgg": vgg_cifar,
    "googlenet": googlenet_cifar,
    **{f"resnet{depth}": partial(resnet_cifar, depth) for depth in DEPTHS},
    **{f"plain{depth}": partial(plain_cifar, depth) for depth in DEPTHS},
    "densenet": densenet_cifar,
    "convnext": convnext_cifar,
    "vit": vit_cifar,
}

__all__ = [
    "CIFAR_SIZE",
    "CifarNet",
    "Dense",
    "LeNet5",
    "count_weights",
    "hidden_for",
    "multiply_adds",
    "summary",
]
