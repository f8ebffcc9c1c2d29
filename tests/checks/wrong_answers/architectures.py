"""What students could answer in notebook 08."""

import math

import torch
from torch import nn
from torch.nn import functional

from tests.checks.wrong_answers import Answers, wrong_of
from tp_cnn.checks.architectures import blocks, costs, tokens
from tp_cnn.models import convnext, densenet, resnet
from tp_cnn.models import inception as googlenet
from tp_cnn.models.geometry import Layer, receptive_field


class Inception(nn.Module):
    """Every layer by hand, created in another order, concatenated in another order."""

    def __init__(self, inputs, ones, threes, fives, pooled):
        super().__init__()
        self.after_pool = self.conv(inputs, pooled, 1)
        self.five = nn.Sequential(self.conv(inputs, fives[0], 1), self.conv(*fives, 5))
        self.three = nn.Sequential(self.conv(inputs, threes[0], 1), self.conv(*threes, 3))
        self.one = self.conv(inputs, ones, 1)

    def conv(self, inputs, filters, kernel):
        layer = nn.Conv2d(inputs, filters, kernel, padding="same")
        return nn.Sequential(layer, nn.BatchNorm2d(filters, eps=0.001), nn.ReLU(inplace=True))

    def forward(self, maps):
        pooled = functional.max_pool2d(maps, 3, stride=1, padding=1)
        parts = [self.after_pool(pooled), self.one(maps), self.three(maps), self.five(maps)]
        return torch.cat(parts, 1)


class InceptionByDefault(Inception):
    """With PyTorch's own normalisation, which the paper leaves open."""

    def conv(self, inputs, filters, kernel):
        layer = nn.Conv2d(inputs, filters, kernel, padding=kernel // 2)
        return nn.Sequential(layer, nn.BatchNorm2d(filters), nn.ReLU())


class LazyResidual(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.LazyConv2d(filters, 3, stride, 1, bias=False),
            nn.LazyBatchNorm2d(),
            nn.ReLU(),
            nn.LazyConv2d(filters, 3, padding=1, bias=False),
            nn.LazyBatchNorm2d(),
        )
        self.shortcut = nn.Sequential()
        if (inputs, stride) != (filters, 1):
            self.shortcut.append(nn.LazyConv2d(filters, 1, stride, bias=False))
            self.shortcut.append(nn.LazyBatchNorm2d())

    def forward(self, x):
        return torch.relu(self.shortcut(x) + self.body(x))


class Residual(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.shortcut = None
        if stride > 1 or inputs != filters:
            self.shortcut = nn.Conv2d(inputs, filters, 1, stride=stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(filters)
        self.norm2, self.norm1 = nn.BatchNorm2d(filters), nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride=stride, padding=1, bias=False)

    def forward(self, x):
        kept = x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))
        y = self.conv1(x)
        y = torch.relu(self.norm1(y))
        y = self.norm2(self.conv2(y))
        return functional.relu(kept + y)


class Dense(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, growth, 3, padding=1)

    def forward(self, x):
        new = self.conv(torch.relu(self.norm(x)))
        return torch.cat((new, x), dim=1)


class ConvNeXt(nn.Module):
    """With dense layers on channels that are put last, as in the authors' code."""

    def __init__(self, channels):
        super().__init__()
        self.filters = nn.Conv2d(channels, channels, 7, padding="same", groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.wide = nn.Linear(channels, 4 * channels)
        self.narrow = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x):
        y = self.filters(x).permute(0, 2, 3, 1)
        y = self.gamma * self.narrow(functional.gelu(self.wide(self.norm(y))))
        return x + y.permute(0, 3, 1, 2)


def patches_by_hand(images, size):
    found = []
    for row in range(0, images.shape[2], size):
        for column in range(0, images.shape[3], size):
            patch = images[:, :, row : row + size, column : column + size]
            found.append(patch.reshape(len(images), -1))
    return torch.stack(found, dim=1)


def patches_by_axes(images, size):
    batch, channels, height, width = images.shape
    cut = images.reshape(batch, channels, height // size, size, width // size, size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * size * size)


def attention_by_hand(queries, keys, values):
    scores = torch.einsum("...qd,...kd->...qk", queries, keys) / queries.shape[-1] ** 0.5
    shares = torch.exp(scores - scores.amax(-1, keepdim=True))
    return torch.einsum("...qk,...kv->...qv", shares / shares.sum(-1, keepdim=True), values)


class Mended(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 50, 3, padding="same")
        self.conv2 = nn.Conv2d(50, 100, 3, padding=1)
        self.dense = nn.Linear(100, 10)

    def forward(self, x):
        x = functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        return self.dense(torch.relu(self.conv2(x)).amax(dim=(2, 3)))


def mended(*changes, pool=nn.MaxPool2d(2), last=nn.AdaptiveMaxPool2d(1), padding=1, **sizes):  # noqa: B008
    sizes = {"filters": 50, "classes": 10, **sizes}
    layers = [
        nn.Conv2d(3, sizes["filters"], 3, padding=padding),
        nn.ReLU(),
        pool,
        nn.Conv2d(sizes["filters"], 100, 3, padding=padding),
        nn.ReLU(),
        last,
        nn.Flatten(),
        nn.Linear(100, sizes["classes"]),
        *changes,
    ]
    return nn.Sequential(*[layer for layer in layers if layer is not None])


VERDICTS = dict(
    zip(
        ["in_features", "out_features", "inp_dim", "softmax", "sorties", "maximum", "sans pooling"],
        [0, 0, 0, 1, 1, 2, 2],
        strict=True,
    )
)

ANSWERS = {
    "stacked_weights": Answers(
        right=[
            lambda channels, kernel, layers: (kernel * kernel * channels + 1) * channels * layers,
            lambda c, k, n: sum(c * k**2 * c + c for _ in range(n)),
        ],
        wrong=wrong_of(costs.stacked_weights),
    ),
    "stacked_field": Answers(
        right=[
            lambda kernel, layers: layers * kernel - layers + 1,
            lambda kernel, layers: receptive_field([Layer(kernel)] * layers).size,
        ],
        wrong=wrong_of(costs.stacked_field),
    ),
    "alexnet_share": Answers(
        right=[0.9596, 58_631_144 / 61_100_840, torch.tensor(0.95958)],
        wrong=wrong_of(costs.alexnet_share),
    ),
    "inception_cost": Answers(
        right=[
            lambda size, inputs, reduced, filters, kernel: (
                size * size * reduced * (inputs + kernel * kernel * filters)
            ),
            lambda s, i, r, f, k: s**2 * i * r + (s * k) ** 2 * r * f,
        ],
        wrong=wrong_of(costs.inception_cost),
    ),
    "dense_maps": Answers(
        right=[
            lambda inputs, growth, layers: layers * inputs + growth * layers * (layers - 1) // 2,
            lambda i, g, n: sum(i + g * k for k in range(n)),
        ],
        wrong=wrong_of(costs.dense_maps),
    ),
    "inception": Answers(
        right=[Inception, InceptionByDefault, lambda *sizes: googlenet.Inception(*sizes)],
        wrong=wrong_of(blocks.inception),
    ),
    "residual": Answers(
        right=[
            Residual,
            LazyResidual,
            lambda inputs, filters, stride: resnet.basic(inputs, filters, stride),
        ],
        wrong=wrong_of(blocks.residual),
    ),
    "dense_layer": Answers(
        right=[Dense, lambda inputs, growth: densenet.DenseLayer(inputs, growth, narrow=False)],
        wrong=wrong_of(blocks.dense_layer),
    ),
    "convnext_block": Answers(
        right=[ConvNeXt, lambda channels: convnext.ConvNeXtBlock(channels, scale=0.5)],
        wrong=wrong_of(blocks.convnext_block),
    ),
    "gelu": Answers(
        right=[
            lambda values: values * torch.special.ndtr(values),
            lambda x: x / 2 * (1 + torch.erf(x * 0.5**0.5)),
            functional.gelu,
        ],
        wrong=wrong_of(tokens.gelu),
    ),
    "patches": Answers(
        right=[patches_by_hand, patches_by_axes],
        wrong=wrong_of(tokens.patches),
    ),
    "attention": Answers(
        right=[
            attention_by_hand,
            lambda q, k, v: torch.softmax(q @ k.mT / math.sqrt(k.shape[-1]), dim=-1) @ v,
        ],
        wrong=wrong_of(tokens.attention),
    ),
    "defects": Answers(
        right=[VERDICTS, list(VERDICTS.values())],
        wrong={
            "size-set-late": {**VERDICTS, "in_features": 1},
            "unread": {**VERDICTS, "inp_dim": 2},
            "softmax-harmless": {**VERDICTS, "softmax": 0},
            "too-many": {**VERDICTS, "sorties": 0},
            "position": {**VERDICTS, "maximum": 1},
            "field": {**VERDICTS, "sans pooling": 0},
        },
    ),
    "mended": Answers(
        right=[Mended, mended],
        wrong={
            "average": lambda: mended(last=nn.AdaptiveAvgPool2d(1)),
            "no-maximum": lambda: nn.Sequential(
                *mended(last=None)[:-1], nn.Linear(100 * 16 * 16, 10)
            ),
            "softmax": lambda: mended(nn.Softmax(dim=1)),
            "log-softmax": lambda: mended(nn.LogSoftmax(dim=1)),
            "final-activation": lambda: mended(nn.ReLU()),
            "no-padding": lambda: mended(padding=0),
            "no-activation": lambda: nn.Sequential(
                *[one for one in mended() if type(one) is not nn.ReLU]
            ),
            "activation": lambda: nn.Sequential(
                *[nn.ELU() if type(one) is nn.ReLU else one for one in mended()]
            ),
            "no-pooling": lambda: mended(pool=None),
            "filters": lambda: mended(filters=100),
            "classes": lambda: mended(classes=1000),
            "missing-layer": lambda: mended()[:-1],
            "extra-layer": lambda: mended(nn.Linear(10, 10)),
        },
    ),
}
