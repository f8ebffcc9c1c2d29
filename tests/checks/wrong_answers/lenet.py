"""What students could answer in notebook 03: networks in their several styles, loops, counts."""

import copy
from collections import Counter

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.checks.wrong_answers import Answers


def sequential(*end, filters=(6, 16), padding=2, pool=nn.MaxPool2d, activation=nn.ReLU, **sizes):
    """A builder of LeNet-5; the keywords and what is added at its end make it wrong."""
    first, second = filters
    units, kernel = sizes.get("units", (120, 84)), sizes.get("kernel", 5)
    bias, classes = sizes.get("bias", True), sizes.get("classes", 10)
    stride, second_padding = sizes.get("stride", 1), sizes.get("second_padding", 0)
    return lambda: nn.Sequential(
        nn.Conv2d(1, first, kernel, stride, padding, bias=bias),
        activation(),
        pool(2),
        nn.Conv2d(first, second, kernel, padding=second_padding, bias=bias),
        pool(2),
        activation(),
        nn.Flatten(),
        nn.LazyLinear(units[0]),
        activation(),
        nn.Linear(units[0], units[1]),
        activation(),
        nn.Linear(units[1], classes),
        *end,
    )


def layers(**changes):
    """A builder from the usual list of layers, some of them replaced or, with None, removed."""
    found = {
        "conv1": nn.Conv2d(1, 6, 5, padding=2),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(6, 16, 5),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(400, 120),
        "relu3": nn.ReLU(),
        "fc2": nn.Linear(120, 84),
        "relu4": nn.ReLU(),
        "fc3": nn.Linear(84, 10),
        **changes,
    }
    return lambda: nn.Sequential(*copy.deepcopy([*filter(None, found.values())]))


class WithForward(nn.Module):
    """The functional style, with layers declared in another order than that of their use."""

    def __init__(self):
        super().__init__()
        self.fc3 = nn.Linear(84, 10)
        self.fc2 = nn.Linear(120, 84)
        self.fc1 = nn.Linear(400, 120)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv1 = nn.Conv2d(1, 6, 5, padding="same")

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu_(F.max_pool2d(self.conv2(x), (2, 2)))
        x = x.view(len(x), -1)
        x = torch.tanh(self.fc1(x))
        x = self.fc2(x).clamp(min=0)
        return self.fc3(x)


class Paper(nn.Module):
    """As in the article, the third layer is a convolution that sees the whole map."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.ZeroPad2d(2), nn.Conv2d(1, 6, 5)),
            nn.Sequential(nn.MaxPool2d(2), nn.Tanh()),
            nn.Sequential(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AdaptiveMaxPool2d(5)),
        )
        self.c5 = nn.Conv2d(16, 120, 5)
        self.classifier = nn.Sequential(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))

    def forward(self, x):
        return self.classifier(torch.tanh(self.c5(self.features(x))).squeeze())


class Unused(WithForward):
    def __init__(self):
        super().__init__()
        self.fc4 = nn.Linear(10, 10)


class Forgetful(WithForward):
    """A dropout that goes on in evaluation."""

    def forward(self, x):
        x = F.dropout(F.max_pool2d(F.relu(self.conv1(x)), 2), 0.2)
        x = F.relu(F.max_pool2d(self.conv2(x), 2)).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def evaluate(model, batches):
    was_training = model.training
    model.eval()
    correct = count = 0
    with torch.inference_mode():
        for images, labels in batches:
            correct += (model(images).max(dim=1).indices == labels).sum().item()
            count += labels.shape[0]
    model.train(was_training)
    return correct / count


@torch.no_grad()
def evaluate_all(model, batches):
    model.eval()
    results = [(torch.softmax(model(images), 1), labels) for images, labels in batches]
    scores, labels = map(torch.cat, zip(*results, strict=True))
    return (np.argmax(scores.numpy(), axis=1) == labels.numpy()).mean()


def careless(mode=False, axis=1, graph=False, total=sum):
    """``total`` makes one number of the accuracies by batch."""

    def evaluate(model, batches):
        model.train(mode)
        accuracies = []
        with torch.set_grad_enabled(graph):
            for images, labels in batches:
                accuracies.append((model(images).argmax(axis) == labels).float().mean().item())
        return total(accuracies, [len(labels) for _, labels in batches])

    return evaluate


def weighted(accuracies, sizes):
    return float(np.average(accuracies, weights=sizes))


def evaluate_copy(model, batches):
    return evaluate_all(copy.deepcopy(model), batches)


def compares_values(model, batches):
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for images, labels in batches:
            correct += (model(images).max(1)[0] == labels).sum().item()
            count += len(labels)
    return correct / count


def returns_in_the_loop(model, batches):
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for images, labels in batches:
            correct += (model(images).argmax(1) == labels).sum().item()
            count += len(labels)
            return correct / count


def moved(images, right, down):
    result = torch.zeros_like(images)
    height, width = images.shape[2:]
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                result[:, :, row, column] = images[:, :, row - down, column - right]
    return result


def cropped(images, right, down):
    padded = F.pad(images, [4, 4, 4, 4])
    height, width = images.shape[2:]
    return padded[:, :, 4 - down : 4 - down + height, 4 - right : 4 - right + width]


def most_common(labels, predictions, wanted=lambda label, prediction: label != prediction):
    return with_count(labels, predictions, wanted)[0]


def with_count(labels, predictions, wanted=lambda label, prediction: label != prediction):
    pairs = zip(labels.tolist(), predictions.tolist(), strict=True)
    return Counter(pair for pair in pairs if wanted(*pair)).most_common(1)[0]


def counted_as_tensors(labels, predictions):
    pairs = zip(labels, predictions, strict=True)
    return Counter(pair for pair in pairs if pair[0] != pair[1]).most_common(1)[0][0]


def separately(labels, predictions):
    wrong = labels != predictions
    return labels[wrong].mode().values.item(), predictions[wrong].mode().values.item()


def confusion(labels, predictions):
    matrix = np.zeros((10, 10), dtype=int)
    for label, prediction in zip(labels, predictions, strict=True):
        matrix[label, prediction] += 1
    np.fill_diagonal(matrix, 0)
    return matrix


ANSWERS = {
    "lenet5": Answers(
        right=[
            layers(),
            sequential(activation=nn.Tanh),
            WithForward,
            Paper(),
            lambda: nn.Sequential(WithForward(), nn.Identity()),
            lambda: nn.Sequential(nn.Dropout(0), layers(fc3=nn.LazyLinear(10))()).double(),
        ],
        wrong={
            "swapped": sequential(filters=(16, 6)),
            "softmax": sequential(nn.Softmax(dim=1)),
            "log-softmax": sequential(nn.LogSoftmax(dim=1)),
            "final-activation": sequential(nn.ReLU()),
            "no-padding": layers(conv1=nn.Conv2d(1, 6, 5)),
            "padding": sequential(second_padding=2),
            "stride": sequential(stride=2),
            "no-activation": layers(relu3=None),
            "sigmoid": sequential(activation=nn.Sigmoid),
            "activation": sequential(activation=nn.GELU),
            "no-pooling": layers(pool2=None),
            "average": sequential(pool=nn.AvgPool2d),
            "pooling-window": layers(pool2=nn.MaxPool2d(2, stride=1)),
            "no-flatten": layers(flatten=None),
            "inputs": layers(fc1=nn.Linear(256, 120)),
            "filters": sequential(filters=(6, 12)),
            "kernel": sequential(kernel=3),
            "units": sequential(units=(120, 80)),
            "classes": sequential(classes=2),
            "no-bias": sequential(bias=False),
            "missing-layer": layers(fc2=None, fc3=nn.Linear(120, 10)),
            "extra-layer": layers(relu1=nn.BatchNorm2d(6)),
            "unused": Unused,
            "dropout": layers(relu4=nn.Sequential(nn.ReLU(), nn.Dropout(0.3))),
        },
    ),
    "weights_by_layer": Answers(
        right=[
            [156, 2416, 48120, 10164, 850],
            {"conv1": 156, "conv2": 2416, "dense3": 48120, "dense4": 10164, "dense5": 850},
            torch.tensor(
                [
                    sum(p.numel() for p in layer.parameters())
                    for layer in (
                        nn.Conv2d(1, 6, 5),
                        nn.Conv2d(6, 16, 5),
                        nn.Linear(400, 120),
                        nn.Linear(120, 84),
                        nn.Linear(84, 10),
                    )
                ]
            ),
        ],
        wrong={
            "no-bias": [150, 2400, 48000, 10080, 840],
            "one-bias": [151, 2401, 48001, 10081, 841],
            "depth": [156, 416, 48120, 10164, 850],
            "side": {"C1": 36, "C3": 496, "C5": 48120, "F6": 10164, "sortie": 850},
            "one-filter": (26, 151, 48120, 10164, 850),
            "no-pooling": [156, 2416, 192120, 10164, 850],
            "padding": [156, 2416, 30840, 10164, 850],
            "not-cropped": [156, 2416, (16 * 7 * 7 + 1) * 120, 10164, 850],
            "outputs": [156, 2416, 120, 84, 10],
        },
    ),
    "evaluation": Answers(
        right=[evaluate, evaluate_all, evaluate_copy, careless(total=weighted)],
        wrong={
            "train-mode": careless(mode=True, total=weighted),
            "axis": careless(axis=0, total=weighted),
            "values": compares_values,
            "first-batch": returns_in_the_loop,
            "unweighted": careless(total=lambda accuracies, sizes: np.mean(accuracies)),
            "last-batch": careless(total=lambda accuracies, sizes: accuracies[-1]),
            "full-batches": careless(
                total=lambda accuracies, sizes: np.dot(accuracies, sizes) / (sizes[0] * len(sizes))
            ),
            "percent": careless(total=lambda *measures: 100 * weighted(*measures)),
            "error": careless(total=lambda *measures: 1 - weighted(*measures)),
            "count": careless(total=lambda accuracies, sizes: np.dot(accuracies, sizes)),
            "by-batches": careless(
                total=lambda accuracies, sizes: np.dot(accuracies, sizes) / len(sizes)
            ),
            "graph": careless(graph=True, total=weighted),
        },
    ),
    "hidden_width": Answers(
        right=[77, 78, 78.0, (77,), torch.tensor(77), round((61706 - 10) / 795)],
        wrong={
            "no-output-layer": 79,
            "side": round(61696 / 39),
            "outputs-only": round(61696 / 10),
            "same-neurons": 204,
            "fraction": (61706 - 10) / 795,
        },
    ),
    "shift": Answers(
        right=[moved, cropped],
        wrong={
            "wrapped": lambda images, right, down: torch.roll(images, (down, right), dims=(2, 3)),
            "axes": lambda images, right, down: cropped(images, down, right),
            "opposite": lambda images, right, down: cropped(images, -right, -down),
            "upwards": lambda images, right, down: moved(images, right, -down),
            "border": lambda images, right, down: cropped(
                F.pad(images.float(), [4, 4, 4, 4], mode="replicate"), right, down
            )[:, :, 4:-4, 4:-4],
            "no-negative": lambda images, right, down: cropped(images, max(0, right), max(0, down)),
            "unmoved": lambda images, right, down: images.clone(),
        },
    ),
    "errors_on_test": Answers(
        right=[95, 10_000 * 0.95 / 100, torch.tensor(95)],
        wrong={
            "right-ones": 9905,
            "share": 0.95 * 10_000,
            "percent": 0.95,
            "divided": 0.95 / 100,
            "train-set": 60_000 * 0.0095,
        },
    ),
    "lenet_gap": Answers(
        right=[15, 10_000 * (1.10 - 0.95) / 100],
        wrong={
            "points": 1.10 - 0.95,
            "share": 1500,
            "sign": 95 - 110,
            "total": 205,
            "lenet4": 110,
            "lenet5": 95,
        },
    ),
    "confusion_rate": Answers(
        right=[
            lambda labels, predictions: (labels != predictions).float().mean().item(),
            lambda labels, predictions: 1 - np.mean(labels.numpy() == predictions.numpy()),
            lambda labels, predictions: (
                sum(a != b for a, b in zip(labels.tolist(), predictions.tolist(), strict=True))
                / len(labels)
            ),
        ],
        wrong={
            "accuracy": lambda labels, predictions: (labels == predictions).float().mean(),
            "percent": lambda labels, predictions: (
                100 * (labels != predictions).sum().item() / len(labels)
            ),
            "count": lambda labels, predictions: (labels != predictions).sum(),
            "distance": lambda labels, predictions: np.abs(
                labels.numpy() - predictions.numpy()
            ).mean(),
            "classes": lambda labels, predictions: (labels != predictions).sum() / 10,
        },
    ),
    "most_confused": Answers(
        right=[
            most_common,
            lambda labels, predictions: np.unravel_index(
                confusion(labels, predictions).argmax(), (10, 10)
            ),
            lambda labels, predictions: list(most_common(labels, predictions)),
        ],
        wrong={
            "diagonal": lambda labels, predictions: most_common(
                labels, predictions, wanted=lambda *pair: True
            ),
            "swapped": lambda labels, predictions: most_common(predictions, labels),
            "both-ways": lambda labels, predictions: most_common(
                torch.minimum(labels, predictions), torch.maximum(labels, predictions)
            ),
            "separately": separately,
            "with-count": with_count,
            "most-common": lambda labels, predictions: [with_count(labels, predictions)],
            "first-error": counted_as_tensors,
            "count": lambda labels, predictions: confusion(labels, predictions).max(),
        },
    ),
}
