"""What students could answer in notebook 04: tables, formulas, networks, training steps."""

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.checks.wrong_answers import Answers

SIZES = {
    "conv1": (32, 32, 32),
    "pool1": (32, 16, 16),
    "conv2": (64, 16, 16),
    "pool2": (64, 8, 8),
    "conv3": (64, 8, 8),
    "pool3": (64, 4, 4),
    "fc4": (1000,),
    "fc5": (10,),
}
WEIGHTS = [2432, 0, 51264, 0, 102464, 0, 1025000, 10010]


def table(weights=WEIGHTS, **sizes):
    return dict(zip(SIZES, zip({**SIZES, **sizes}.values(), weights, strict=True), strict=True))


def layers(**changes):
    """A builder from the usual list of layers, some of them replaced or, with None, removed."""
    found = {
        "conv1": nn.Conv2d(3, 32, kernel_size=5, padding=2),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(32, 64, kernel_size=5, padding=2),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "conv3": nn.Conv2d(64, 64, kernel_size=5, padding=2),
        "relu3": nn.ReLU(),
        "pool3": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "fc4": nn.LazyLinear(1000),
        "relu4": nn.ReLU(),
        "fc5": nn.LazyLinear(10),
        **changes,
    }
    return lambda: nn.Sequential(*copy.deepcopy([*filter(None, found.values())]))


class Alexnet(nn.Module):
    """The style of the lab sheet's script, with the pooling that notebook 05 asks for."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, (5, 5), stride=1, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((2, 2), stride=(2, 2), padding=0),
            nn.Conv2d(32, 64, (5, 5), padding="same"),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(64, 64, (5, 5), padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
        )
        self.classifier = nn.Sequential(nn.Linear(1024, 1000), nn.ReLU(), nn.Linear(1000, 10))

    def forward(self, input):
        bsize = input.size(0)
        return self.classifier(self.features(input).view(bsize, -1))


class Skipped(Alexnet):
    """A layer that forward forgets."""

    def __init__(self):
        super().__init__()
        self.conv4 = nn.Conv2d(64, 64, 5, padding=2)


def lenet():
    return nn.Sequential(
        nn.Conv2d(3, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def nearest(patches, vocabulary):
    return [int(((vocabulary - patch) ** 2).sum(1).argmin()) for patch in patches]


def counts(patches, vocabulary, minlength=None):
    length = len(vocabulary) if minlength is None else minlength
    return np.bincount(nearest(patches, vocabulary), minlength=length)


def shares_loop(patches, vocabulary):
    result = torch.zeros(len(vocabulary))
    for word in nearest(patches, vocabulary):
        result[word] += 1 / len(patches)
    return result


def patience(losses):
    lowest, best, worse = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            lowest, best, worse = loss, epoch, 0
        else:
            worse += 1
        if worse == 2:
            break
    return best


def step(model, images, labels, criterion, optimizer):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def zero_at_the_end(model, images, labels, criterion, optimizer):
    model.train()
    loss = criterion(F.log_softmax(model(images), dim=1), labels)
    loss.backward()
    optimizer.step()
    model.zero_grad()
    return loss.detach()


def by_hand(model, images, labels, criterion, optimizer):
    """Another order, gradients by autograd.grad, predictions computed twice."""
    with torch.no_grad():
        model.eval()(images).argmax(1)
    loss = criterion(model.train()(images), labels)
    for weights, gradient in zip(
        model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
    ):
        weights.grad = gradient
    optimizer.step()
    return float(loss)


def no_zero_grad(model, images, labels, criterion, optimizer):
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def zero_grad_late(model, images, labels, criterion, optimizer):
    loss = criterion(model(images), labels)
    loss.backward()
    model.zero_grad(set_to_none=False)
    optimizer.step()
    return loss.item()


def own_criterion(model, images, labels, criterion, optimizer):
    return step(model, images, labels, F.cross_entropy, optimizer)


def step_first(model, images, labels, criterion, optimizer):
    loss = criterion(model(images), labels)
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


def no_backward(model, images, labels, criterion, optimizer):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    optimizer.step()
    return loss.item()


def no_step(model, images, labels, criterion, optimizer):
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.zero_grad()
    return loss.item()


def no_update(model, images, labels, criterion, optimizer):
    return criterion(model(images), labels).item()


def twice(model, images, labels, criterion, optimizer):
    loss = step(model, images, labels, criterion, optimizer)
    optimizer.step()
    return loss


def eval_mode(model, *arguments):
    model.eval()
    return step(model, *arguments)


def softmax(model, images, labels, criterion, optimizer):
    return step(
        lambda inputs: F.softmax(model(inputs), dim=1), images, labels, criterion, optimizer
    )


def cost_after(model, images, labels, criterion, optimizer):
    step(model, images, labels, criterion, optimizer)
    return criterion(model(images), labels).item()


def graph(model, images, labels, criterion, optimizer):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss


ANSWERS = {
    "padding_stride": Answers(
        right=[(2, 1), np.array([2.0, 1])],
        wrong={
            "no-padding": (0, 1),
            "total": (4, 1),
            "small": (1, 1),
            "swapped": (1, 2),
            "stride": [2, 2],
        },
    ),
    "pooling_settings": Answers(
        right=[(0, 2), torch.tensor([0, 2])],
        wrong={"overlap": (0, 1), "swapped": (2, 0), "padding": (1, 2), "quarter": (0, 4)},
    ),
    "layer_table": Answers(
        right=[
            table(),
            dict(reversed(table(fc4=1000, fc5=[10]).items())),
            table(fc4=(1000, 1, 1), fc5=torch.Size([10])),
            table(fc4=np.array([1000]), fc5=torch.tensor([10])),
            [[list(size), weights] for size, weights in table().values()],
        ],
        wrong={
            "no-bias": table([2400, 0, 51200, 0, 102400, 0, 1024000, 10000]),
            "depth": table([832, 0, 1664, 0, 1664, 0, 17000, 10010]),
            "one-filter": table([76, 0, 801, 0, 1601, 0, 1025, 1001]),
            "pooling-weights": table([2432, 128, 51264, 256, 102464, 256, 1025000, 10010]),
            "last-pooling": table([2432, 0, 51264, 0, 102464, 0, 4097000, 10010]),
            "padding-forgotten": table(
                conv1=(32, 28, 28),
                pool1=(32, 14, 14),
                conv2=(64, 10, 10),
                pool2=(64, 5, 5),
                conv3=(64, 1, 1),
            ),
            "not-halved": table(
                pool1=(32, 32, 32), conv2=(64, 32, 32), pool2=(64, 16, 16), conv3=(64, 16, 16)
            ),
            "input-channels": table(conv1=(3, 32, 32), pool1=(3, 16, 16), conv2=(32, 16, 16)),
            "channels-last": table(pool1=[16, 16, 32], conv2=[16, 16, 64], pool3=[4, 4, 64]),
            "dense-input": table(fc4=1024, fc5=(1000,)),
            "maps-read": table([2432, 0, 51264, 0, 51264, 0, 1025000, 10010]),
        },
    ),
    "total_weights": Answers(
        right=[1191170, sum(WEIGHTS), torch.tensor(WEIGHTS).sum()],
        wrong={
            "no-bias": 1190000,
            "depth": 832 + 2 * 1664 + 1025000 + 10010,
            "convolutions-only": sum(WEIGHTS[:5]),
            "dense-only": 1035010,
            "last-pooling": 1191170 + 3072000,
        },
    ),
    "weights_per_image": Answers(
        right=[1191170 / 50000, 23.8, 24],
        wrong={"inverse": 50000 / 1191170, "test-set": 119.1, "all-images": 19.85},
    ),
    "bow_histogram": Answers(
        right=[
            shares_loop,
            lambda patches, vocabulary: counts(patches, vocabulary) / len(patches),
            lambda patches, vocabulary: (
                F.one_hot(torch.cdist(patches, vocabulary).argmin(dim=1), len(vocabulary))
                .float()
                .mean(dim=0)
            ),
        ],
        wrong={
            "counts": counts,
            "absent-words": lambda patches, vocabulary: (
                counts(patches, vocabulary, minlength=0) / len(patches)
            ),
            "farthest": lambda patches, vocabulary: (
                torch.histc(
                    (patches[:, None] - vocabulary).norm(dim=2).argmax(1).float(),
                    len(vocabulary),
                    -0.5,
                    len(vocabulary) - 0.5,
                )
                / len(patches)
            ),
            "manhattan": lambda patches, vocabulary: (
                np.bincount(
                    (patches[:, None] - vocabulary).abs().sum(dim=2).argmin(1),
                    minlength=len(vocabulary),
                )
                / len(patches)
            ),
            "largest-gap": lambda patches, vocabulary: (
                np.bincount(
                    (patches[:, None] - vocabulary).abs().amax(dim=2).argmin(1),
                    minlength=len(vocabulary),
                )
                / len(patches)
            ),
            "product": lambda patches, vocabulary: (
                np.bincount((vocabulary @ patches.T).argmax(0), minlength=len(vocabulary))
                / len(patches)
            ),
            "presence": lambda patches, vocabulary: np.sign(counts(patches, vocabulary)),
            "by-words": lambda patches, vocabulary: counts(patches, vocabulary) / len(vocabulary),
            "norm": lambda patches, vocabulary: F.normalize(
                torch.tensor(counts(patches, vocabulary)).float(), dim=0
            ),
            "assignments": nearest,
        },
    ),
    "bow_svm_weights": Answers(
        right=[
            lambda words, classes: words * classes + classes,
            lambda words, classes: sum(p.numel() for p in nn.Linear(words, classes).parameters()),
        ],
        wrong={
            "no-bias": lambda words, classes: nn.Linear(words, classes).weight.numel(),
            "one-class": lambda words, classes: 1 + words,
            "one-class-no-bias": lambda words, classes: words,
            "one-bias": lambda words, classes: 1 + words * classes,
            "pairs": lambda words, classes: (words + 1) * math.comb(classes, 2),
            "swapped": lambda words, classes: words * classes + words,
        },
    ),
    "bow_vocabulary_weights": Answers(
        right=[
            lambda words, side, channels: words * side * side * channels,
            lambda words, side, channels: torch.empty(words, channels, side, side).numel(),
        ],
        wrong={
            "channels": lambda words, side, channels: words * side * side,
            "side": lambda words, side, channels: words * side * channels,
            "one-word": lambda words, side, channels: channels * side * side,
            "bias": lambda words, side, channels: words + words * side * side * channels,
            "words": lambda words, side, channels: words,
        },
    ),
    "cifarnet": Answers(
        right=[layers(), Alexnet, Alexnet(), lambda: nn.Sequential(nn.Sequential(layers()()))],
        wrong={
            "lenet": lenet,
            "softmax": layers(end=nn.Softmax(dim=-1)),
            "log-softmax": layers(end=nn.LogSoftmax(dim=1)),
            "final-activation": layers(end=nn.Sigmoid()),
            "no-padding": layers(conv2=nn.Conv2d(32, 64, 5)),
            "padding": layers(conv1=nn.Conv2d(3, 32, 5, padding=1)),
            "stride": layers(conv3=nn.Conv2d(64, 64, 5, stride=2, padding=2)),
            "no-activation": layers(relu2=None),
            "sigmoid": layers(relu1=nn.Sigmoid()),
            "activation": layers(relu1=nn.SiLU()),
            "no-pooling": layers(pool3=None),
            "average": layers(relu2=None, pool2=nn.Sequential(nn.AvgPool2d(2), nn.ReLU())),
            "pooling-window": layers(pool1=nn.MaxPool2d(3, stride=2, padding=1)),
            "no-flatten": layers(flatten=None, fc4=nn.Linear(1024, 1000)),
            "inputs": layers(fc4=nn.Linear(64 * 8 * 8, 1000)),
            "filters": layers(conv3=nn.Conv2d(64, 128, 5, padding=2)),
            "kernel": layers(conv1=nn.Conv2d(3, 32, 3, padding=1)),
            "units": layers(fc4=nn.Linear(1024, 100)),
            "classes": layers(fc5=nn.Linear(1000, 100)),
            "no-bias": layers(conv1=nn.Conv2d(3, 32, 5, padding=2, bias=False)),
            "missing-layer": layers(conv3=None, relu3=None, pool3=None),
            "extra-layer": layers(more=nn.Sequential(nn.ReLU(), nn.Linear(10, 10))),
            "unused": Skipped,
            "dropout": layers(relu4=nn.Sequential(nn.ReLU(), nn.Dropout())),
            "tanh": layers(relu4=nn.Tanh()),
        },
    ),
    "training_step": Answers(
        right=[step, zero_at_the_end, by_hand],
        wrong={
            "no-zero-grad": no_zero_grad,
            "zero-grad-late": zero_grad_late,
            "step-first": step_first,
            "no-backward": no_backward,
            "no-step": no_step,
            "no-update": no_update,
            "twice": twice,
            "eval-mode": eval_mode,
            "softmax": softmax,
            "own-criterion": own_criterion,
            "cost-after": cost_after,
            "graph": graph,
        },
    ),
    "first_loss": Answers(
        right=[
            math.log,
            lambda classes: -np.log(1 / classes),
            lambda classes: nn.CrossEntropyLoss()(torch.zeros(1, classes), torch.tensor([0])),
        ],
        wrong={
            "log10": math.log10,
            "log2": np.log2,
            "probability": lambda classes: 1 / classes,
            "sign": lambda classes: -math.log(classes),
            "error": lambda classes: (classes - 1) / classes,
            "classes": lambda classes: classes,
            "entropy-term": lambda classes: math.log(classes) / classes,
        },
    ),
    "stopping_epoch": Answers(
        right=[
            lambda losses: losses.index(min(losses)) + 1,
            lambda losses: min(range(len(losses)), key=losses.__getitem__) + 1,
            lambda losses: torch.tensor(losses).argmin() + 1,
        ],
        wrong={
            "index": lambda losses: losses.index(min(losses)),
            "first-rise": lambda losses: next(
                (n for n, (a, b) in enumerate(pairwise(losses), start=1) if b > a),
                len(losses),
            ),
            "patience": patience,
            "largest": lambda losses: losses.index(max(losses)) + 1,
            "loss": min,
            "last": len,
        },
    ),
}
