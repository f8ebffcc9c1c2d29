"""The blocks themselves: Inception, residual, dense, ConvNeXt. Beside each, what goes wrong."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from tp_cnn.checks.engine.blocks import BlockCheck
from tp_cnn.checks.engine.framework import Mistake
from tp_cnn.models import convnext, densenet, resnet
from tp_cnn.models import inception as googlenet


class Joined(nn.Module):
    """``join(maps, part(maps), part(maps), ...)``: any block, right or wrong."""

    def __init__(self, join: Callable[..., Tensor], *parts: nn.Module):
        super().__init__()
        self.join, self.parts = join, nn.ModuleList(parts)

    def forward(self, maps: Tensor) -> Tensor:
        return self.join(maps, *[part(maps) for part in self.parts])


def concatenate(axis: int = 1, first: bool = False) -> Callable[..., Tensor]:
    """Join the parts along an axis, with what they received if ``first``."""
    return lambda maps, *parts: torch.cat([maps, *parts] if first else parts, dim=axis)


SIDE_BY_SIDE, ADDED = concatenate(), concatenate(first=True)

# Inception

conv = googlenet.convolution


def _inception(
    inputs: int,
    ones: int,
    threes: tuple[int, int],
    fives: tuple[int, int],
    pooled: int,
    join: Callable = SIDE_BY_SIDE,
    pool: nn.Module | None = None,
    layer: Callable = conv,
    reduction: Callable = conv,
) -> nn.Module:
    pool = pool or nn.MaxPool2d(3, stride=1, padding=1)
    return Joined(
        join,
        layer(inputs, ones),
        nn.Sequential(reduction(inputs, threes[0]), layer(*threes, kernel=3)),
        nn.Sequential(reduction(inputs, fives[0]), layer(*fives, kernel=5)),
        nn.Sequential(pool, layer(inputs, pooled)),
    )


def _unpadded(inputs: int, filters: int, kernel: int = 1) -> nn.Module:
    layer = nn.Conv2d(inputs, filters, kernel, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(filters, eps=0.001), nn.ReLU())


def _without_reduction(inputs, ones, threes, fives, pooled):
    pool = nn.MaxPool2d(3, stride=1, padding=1)
    large = conv(inputs, threes[1], kernel=3), conv(inputs, fives[1], kernel=5)
    return Joined(
        concatenate(), conv(inputs, ones), *large, nn.Sequential(pool, conv(inputs, pooled))
    )


def _without_projection(inputs, ones, threes, fives, pooled):
    right = _inception(inputs, ones, threes, fives, pooled)
    right.parts[3] = right.parts[3][0]
    return right


def _one_size(inputs, ones, threes, fives, pooled):
    right = _inception(inputs, ones, threes, fives, pooled)
    right.parts[2][1] = conv(*fives, kernel=3)
    return right


inception = BlockCheck(
    "Le module Inception (Szegedy et al., 2015, figure 2b) : quatre branches, concaténées.",
    answer=_inception,
    names=("inputs", "ones", "threes", "fives", "pooled"),
    tries=[
        ((8, 3, (4, 5), (6, 7), 9), (2, 8, 7, 6)),
        ((5, 7, (2, 6), (3, 4), 8), (2, 5, 6, 9)),
    ],
    any_order=True,
    mistakes=[
        Mistake(
            "no-reduction",
            _without_reduction,
            "Les 1×1 manquent avant les grands filtres : c'est pourtant ce qui rend le module peu "
            "coûteux.",
        ),
        Mistake(
            "no-padding",
            lambda *sizes: _inception(*sizes, layer=_unpadded),
            "Les grands filtres rognent les bords : les cartes ne se superposent plus.",
        ),
        Mistake(
            "pool-stride",
            lambda *sizes: _inception(*sizes, pool=nn.MaxPool2d(3, padding=1)),
            "Par défaut, nn.MaxPool2d avance d'une fenêtre entière : ici, sa sortie doit garder la "
            "taille de l'entrée.",
        ),
        Mistake(
            "pool-padding",
            lambda *sizes: _inception(*sizes, pool=nn.MaxPool2d(3, stride=1)),
            "Sans padding, le max-pooling rend des cartes plus petites que les autres branches.",
        ),
        Mistake(
            "average",
            lambda *sizes: _inception(*sizes, pool=nn.AvgPool2d(3, stride=1, padding=1)),
            "La quatrième branche prend un maximum, pas une moyenne.",
        ),
        Mistake(
            "no-projection",
            _without_projection,
            "Après le max-pooling, une 1×1 manque : sans elle, cette branche rend autant de cartes "
            "que l'entrée.",
        ),
        Mistake(
            "wrong-axis",
            lambda *sizes: _inception(*sizes, join=concatenate(axis=-1)),
            "Les branches se mettent bout à bout le long des canaux.",
        ),
        Mistake(
            "sum",
            lambda *sizes: _inception(*sizes, join=lambda maps, *parts: sum(parts)),
            "Les branches ne s'additionnent pas : elles se concatènent.",
        ),
        Mistake(
            "one-size",
            _one_size,
            "Les deux grandes branches ont des filtres de même taille : l'idée est d'en avoir de "
            "plusieurs.",
        ),
    ],
)

# The residual block


def _residual(
    inputs: int,
    filters: int,
    stride: int,
    join: Callable | None = None,
    project: Callable[..., bool] = lambda inputs, filters, stride: (inputs, stride) != (filters, 1),
    body: nn.Module | None = None,
) -> nn.Module:
    body = body or resnet.basic(inputs, filters, stride).body
    parts = [body]
    if project(inputs, filters, stride):
        parts.append(nn.Sequential(*resnet.convolution(inputs, filters, kernel=1, stride=stride)))
    join = join or (lambda kept, change: functional.relu(change + kept))
    return Joined(
        lambda maps, change, kept=None: join(maps if kept is None else kept, change), *parts
    )


def _without_inner_activation(inputs, filters, stride):
    first, second = (
        resnet.convolution(inputs, filters, 3, stride),
        resnet.convolution(filters, filters, 3),
    )
    return _residual(inputs, filters, stride, body=nn.Sequential(*first, *second))


def _stride_late(inputs, filters, stride):
    first, second = (
        resnet.convolution(inputs, filters, 3),
        resnet.convolution(filters, filters, 3, stride),
    )
    return _residual(inputs, filters, stride, body=nn.Sequential(*first, nn.ReLU(), *second))


def _unreduced_shortcut(inputs, filters, stride):
    body = resnet.basic(inputs, filters, stride).body
    project = (inputs, stride) != (filters, 1)
    return _residual(inputs, filters, 1, body=body, project=lambda *_: project)


residual = BlockCheck(
    "Le bloc résiduel (He et al., 2016, figures 2 et 5) : ReLU(corps(x) + raccourci(x)).",
    answer=_residual,
    names=("inputs", "filters", "stride"),
    tries=[
        ((6, 6, 1), (2, 6, 8, 10)),
        ((4, 7, 2), (2, 4, 8, 10)),
        ((5, 8, 1), (2, 5, 7, 6)),
        ((6, 6, 2), (2, 6, 8, 10)),
    ],
    mistakes=[
        Mistake(
            "no-shortcut",
            lambda *sizes: _residual(
                *sizes, join=lambda kept, change: functional.relu(change), project=lambda *_: False
            ),
            "L'entrée n'est ajoutée nulle part : c'est un bloc ordinaire.",
        ),
        Mistake(
            "sum-after-relu",
            lambda *sizes: _residual(
                *sizes, join=lambda kept, change: functional.relu(change) + kept
            ),
            "La somme vient avant la dernière ReLU, pas après.",
        ),
        Mistake(
            "relu-before-sum",
            lambda *sizes: _residual(
                *sizes, join=lambda kept, change: functional.relu(functional.relu(change) + kept)
            ),
            "Le corps se termine par une ReLU : il ne peut plus qu'ajouter, jamais retrancher.",
        ),
        Mistake(
            "no-last-relu",
            lambda *sizes: _residual(*sizes, join=lambda kept, change: change + kept),
            "La dernière ReLU manque, après la somme.",
        ),
        Mistake(
            "no-inner-relu",
            _without_inner_activation,
            "Sans ReLU entre elles, les deux convolutions n'en valent qu'une.",
        ),
        Mistake(
            "product",
            lambda *sizes: _residual(
                *sizes, join=lambda kept, change: functional.relu(change * kept)
            ),
            "Le corps et le raccourci s'additionnent.",
        ),
        Mistake(
            "channels-only",
            lambda *sizes: _residual(
                *sizes, project=lambda inputs, filters, stride: inputs != filters
            ),
            "Quand le stride n'est pas 1, la taille change aussi : le raccourci doit la suivre.",
        ),
        Mistake(
            "size-only",
            lambda *sizes: _residual(*sizes, project=lambda inputs, filters, stride: stride != 1),
            "Quand le nombre de cartes change, le raccourci doit le suivre, même sans stride.",
        ),
        Mistake(
            "no-projection",
            lambda *sizes: _residual(*sizes, project=lambda *_: False),
            "L'entrée et la sortie du corps n'ont pas la même forme : il faut alors une projection "
            "(1×1) sur le raccourci.",
        ),
        Mistake(
            "always-projected",
            lambda *sizes: _residual(*sizes, project=lambda *_: True),
            "Quand la forme ne change pas, le raccourci est l'entrée elle-même, sans convolution.",
        ),
        Mistake(
            "stride-late",
            _stride_late,
            "Le stride est sur la première convolution : la deuxième travaille sur des cartes déjà "
            "réduites.",
        ),
        Mistake(
            "shortcut-stride",
            _unreduced_shortcut,
            "La projection du raccourci garde toute la taille : il lui faut le stride du corps.",
        ),
    ],
)

# The layer of a dense block


def _dense(inputs: int, growth: int, join: Callable = ADDED, body=None):
    body = body or nn.Sequential(
        *densenet.before(inputs, nn.Conv2d(inputs, growth, 3, padding=1, bias=False))
    )
    return Joined(join, body)


def _after(inputs, growth):
    layer = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
    return _dense(inputs, growth, body=nn.Sequential(layer, nn.BatchNorm2d(growth), nn.ReLU()))


def _without_activation(inputs, growth):
    layer = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
    return _dense(inputs, growth, body=nn.Sequential(nn.BatchNorm2d(inputs), layer))


def _relu_first(inputs, growth):
    layer = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
    return _dense(inputs, growth, body=nn.Sequential(nn.ReLU(), nn.BatchNorm2d(inputs), layer))


dense_layer = BlockCheck(
    "Une couche de DenseNet (Huang et al., 2017) : elle ajoute ses cartes à celles qu'elle reçoit.",
    answer=_dense,
    names=("inputs", "growth"),
    tries=[((6, 4), (2, 6, 7, 5)), ((3, 8), (2, 3, 6, 6)), ((5, 5), (2, 5, 6, 7))],
    any_order=True,
    mistakes=[
        Mistake(
            "new-only",
            lambda *sizes: _dense(*sizes, join=lambda maps, new: new),
            "Les cartes reçues manquent à la sortie : les couches suivantes ne les verraient plus.",
        ),
        Mistake(
            "sum",
            lambda *sizes: _dense(*sizes, join=lambda maps, new: maps + new),
            "DenseNet concatène : c'est ResNet qui additionne.",
        ),
        Mistake(
            "wrong-axis",
            lambda *sizes: _dense(*sizes, join=concatenate(axis=-1, first=True)),
            "Les cartes se mettent bout à bout le long des canaux.",
        ),
        Mistake(
            "after",
            _after,
            "Ici la normalisation et la ReLU viennent avant la convolution.",
        ),
        Mistake(
            "no-relu",
            _without_activation,
            "La ReLU manque, entre la normalisation et la convolution.",
        ),
        Mistake(
            "relu-first",
            _relu_first,
            "La ReLU vient avant la normalisation : l'ordre est normalisation, ReLU, convolution.",
        ),
        Mistake(
            "normalised",
            lambda inputs, growth: _normalised(inputs, growth),
            "Ce sont les cartes reçues qu'on garde, telles quelles : pas celles que la "
            "normalisation et la ReLU ont changées.",
        ),
    ],
)


def _normalised(inputs, growth):
    before = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
    layer = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
    return nn.Sequential(before, Joined(concatenate(first=True), layer))


# The block of ConvNeXt


def _convnext(channels: int, wide: int = 4, after: nn.Module | None = None, **changes: nn.Module):
    layers = {
        "filters": nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels),
        "norm": convnext.ChannelNorm(channels, eps=1e-6),
        "widen": nn.Conv2d(channels, wide * channels, kernel_size=1),
        "activation": nn.GELU(),
        "narrow": nn.Conv2d(wide * channels, channels, kernel_size=1),
        **changes,
    }
    block = convnext.ConvNeXtBlock(channels)
    block.body = nn.Sequential(*[layer for layer in layers.values() if layer is not None])
    return block


class _NoShortcut(convnext.ConvNeXtBlock):
    def forward(self, maps):
        return self.scale * self.body(maps)


class _NoScale(convnext.ConvNeXtBlock):
    def forward(self, maps):
        return maps + self.body(maps)


class _ScaledInput(convnext.ConvNeXtBlock):
    def forward(self, maps):
        return self.scale * (maps + self.body(maps))


convnext_block = BlockCheck(
    "Le bloc de ConvNeXt (Liu et al., 2022, figure 4).",
    answer=_convnext,
    names=("channels",),
    tries=[((6,), (2, 6, 9, 8)), ((5,), (2, 5, 8, 10))],
    mistakes=[
        Mistake(
            "dense-filters",
            lambda channels: _convnext(
                channels, filters=nn.Conv2d(channels, channels, 7, padding=3)
            ),
            "Le 7×7 lit tous les canaux : il faut un filtre par canal (groups).",
        ),
        Mistake(
            "small-filters",
            lambda channels: _convnext(
                channels, filters=nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
            ),
            "Les filtres de ConvNeXt ont 7 pixels de côté.",
        ),
        Mistake(
            "no-padding",
            lambda channels: _convnext(
                channels, filters=nn.Conv2d(channels, channels, 7, groups=channels)
            ),
            "Sans padding, le 7×7 rogne les bords : l'entrée et la sortie ne s'additionnent plus.",
        ),
        Mistake(
            "no-shortcut",
            _NoShortcut,
            "L'entrée n'est pas ajoutée à la fin du bloc.",
        ),
        Mistake(
            "no-scale",
            _NoScale,
            "Le facteur scale, un par canal, n'est pas appliqué à ce que le bloc ajoute.",
        ),
        Mistake(
            "scaled-input",
            _ScaledInput,
            "Le facteur scale ne porte que sur ce que le bloc ajoute, pas sur l'entrée.",
        ),
        Mistake(
            "batch-norm",
            lambda channels: _convnext(channels, norm=nn.BatchNorm2d(channels)),
            "ConvNeXt normalise les canaux de chaque pixel (ChannelNorm), pas le lot.",
        ),
        Mistake(
            "no-norm",
            lambda channels: _convnext(channels, norm=None),
            "La normalisation manque, après le 7×7.",
        ),
        Mistake(
            "relu",
            lambda channels: _convnext(channels, activation=nn.ReLU()),
            "L'activation de ConvNeXt est GELU, pas ReLU.",
        ),
        Mistake(
            "no-activation",
            lambda channels: _convnext(channels, activation=None),
            "Il manque l'activation entre les deux 1×1 : sans elle, ils n'en valent qu'un.",
        ),
        Mistake(
            "more-activations",
            lambda channels: _convnext(
                channels, narrow=nn.Sequential(nn.Conv2d(4 * channels, channels, 1), nn.GELU())
            ),
            "Il n'y a qu'une activation par bloc, entre les deux 1×1.",
        ),
        Mistake(
            "not-widened",
            lambda channels: _convnext(channels, wide=1),
            "Le milieu du bloc est quatre fois plus large que ses bouts.",
        ),
        Mistake(
            "tanh",
            lambda channels: _convnext(channels, activation=nn.GELU(approximate="tanh")),
            "C'est l'approximation de GELU par une tangente hyperbolique : laissez nn.GELU() sans "
            "argument.",
        ),
    ],
    tolerance=1e-5,  # GELU and its approximation are that close
)
