"""The check of a network: built right, whatever the way it is written.

The network is followed on a few random images, from one layer with weights to the next, and each
stretch is computed again with PyTorch's layers and the student's own weights. So a subclass with
``F.relu``, nested ``Sequential``, ``LazyLinear``, ``padding="same"``, or a pooling before the
activation rather than after are all right; and the first stretch that differs is compared with the
known mistakes.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tp_cnn.checks.engine.calls import Refused, private_draws
from tp_cnn.checks.engine.compare import show
from tp_cnn.checks.engine.framework import Check, Mistake, Verdict
from tp_cnn.checks.engine.functional import own_weights
from tp_cnn.checks.engine.learning import (
    refuse_cut,
    refuse_outsiders,
    refuse_plain_lists,
    refuse_same_object,
    still_layer,
)
from tp_cnn.checks.engine.traces import (
    Stage,
    Trace,
    agree,
    build,
    draw_weights,
    given_away,
    has_weights,
    is_own_normalisation,
    outputs,
    own_dropout,
    run_stage,
    same_layer,
    short_name,
    stages,
    trace,
)
from tp_cnn.display import decimal, thousands

IMAGES = 3  # an odd number, that no layer of the course has as its size
DARK = 0.01  # times darker, the second one shows what a maximum hides elsewhere (a leaky ReLU)
BRIGHT = 40  # times brighter, the last one shows an activation that has a ceiling (ReLU6)
KINDS = {
    nn.Conv2d: "une convolution",
    nn.Linear: "une couche dense",
    nn.BatchNorm2d: "une normalisation par lot",
}
NO_BIAS = (
    "Un biais est omis avant une normalisation par lot : c'est permis, puisqu'elle le retire et a "
    "le sien, beta."
)
UNTOLD = ("", "missing-layer", "extra-layer")  # what may come from a layer that was not seen
UNREAD = (
    "cette vérification ne sait pas suivre le calcul que fait le réseau avec ses propres poids "
    "(nn.Parameter) : {}.\n  → Donnez-les tels quels à F.conv2d, F.linear ou F.batch_norm, ou "
    "prenez les couches de nn : le réseau est peut-être juste, mais il faut pouvoir le lire."
)
GIVEN = (
    "le réseau donne lui-même à une fonction les poids de {} : cette vérification ne sait pas le "
    "suivre.\n  → Appelez la couche : le réseau est peut-être juste, mais il faut pouvoir le lire."
)
BUILT = (
    "il faut une fonction sans argument, ou une classe, qui construit le réseau ; vous donnez un "
    "réseau déjà construit."
)
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

OTHERS = (
    nn.GroupNorm,
    nn.LayerNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.LocalResponseNorm,
)


@dataclass(frozen=True)
class Stretch:
    """A part of the student's network, beside the right ways to compute it."""

    right: Sequence[Stage]
    layer: nn.Module | None  # the layer with weights that ends it; None after the last one
    start: Tensor
    observed: Tensor
    entered: Tensor | None = None  # what the layer received


class Different(Exception):
    """A network is not the right one: a sentence in French, the name of a mistake or a stretch."""

    def __init__(self, sentence: str, name: str = "", stretch: Stretch | None = None):
        super().__init__(sentence)
        self.name, self.stretch = name, stretch


@dataclass(eq=False, repr=False)
class NetworkCheck(Check):
    """The check of a network, or of a function without arguments that builds one.

    ``answer`` is a sequence of right networks, which may differ only by layers without weights
    (with ReLU, with tanh). Only their settings are read: build them on the "meta" device.

    The ``answer`` of a mistake is a function that takes a right stage to wrong ones (see
    `network_mistakes`), or the wrong numbers of outputs of the layers with weights, as a list, or
    None: it is then found by its name, in `_compare_settings` and what follows.

    Attributes:
        image_shape: (channels, height, width) of an image.
        built: whether the answer must build the network, because what follows calls it.
    """

    _: KW_ONLY
    image_shape: tuple[int, int, int]
    built: bool = False

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        seed = int(rng.integers(2**31))
        with private_draws(seed), torch.no_grad():
            if self.built and isinstance(student, nn.Module):
                raise Refused(BUILT, "type")
            network = build(student)
            refuse_plain_lists(network)
            still = still_layer(network)
            draw_weights(network)
            images = torch.randn(IMAGES, *self.image_shape)
            images[1] *= DARK
            images[-1] *= BRIGHT
            refuse_outsiders(network, images)
            try:
                seen = self._follow(network.eval(), images, seed)
                _refuse_unused(network, seen)
                _refuse_shared(seen)
                self._follow_in_training(network.train(), images, seed)
            except Different as found:
                return self._explain(found, network.eval(), images, seed)
            if still:
                raise still
            refuse_cut(network, images)
            refuse_same_object(student)
        count = sum(weights.numel() for weights in network.parameters())
        precision = (
            f"sorties comparées à {decimal(self.tolerance, 'g')} près sur des images au hasard"
        )
        said = f"{len(seen.layers)} couches à poids, {thousands(count)} poids ; {precision}."
        without = any(getattr(layer, "bias", layer) is None for layer in seen.layers)
        return Verdict("right", said + (f"\n  {NO_BIAS}" if without else ""))

    def _follow(self, network: nn.Module, images: Tensor, seed: int) -> Trace:
        """Raise `Different` at the first stretch that is not what it should be."""
        for right in self.answer:
            right.train(network.training)
        seen = trace(network, images, seed)
        start = images
        for index, right in enumerate(zip(*map(stages, self.answer), strict=True)):
            last = right[0][-1] if right[0] else None
            if last is None or not has_weights(last):
                break
            if index == len(seen.layers):
                raise seen.refusal or _missing(seen, last)
            _compare_settings(seen, index, self.answer[0], network)
            if index == len(seen.outputs):  # this layer failed: what did it receive?
                right = [stage[:-1] for stage in right]
                self._compare(seen, index, Stretch(right, None, start, seen.inputs[index]), seed)
                raise _bad_inputs(seen, index)
            observed = seen.outputs[index]
            if isinstance(last, nn.Linear) and observed.ndim > 1:
                observed = observed.flatten(1)  # a convolution may stand for a dense layer
            stretch = Stretch(right, seen.layers[index], start, observed, seen.inputs[index])
            self._compare(seen, index, stretch, seed)
            start = observed
        if len(seen.layers) > index:
            raise Different(f"{seen.name(index)} est de trop.", "extra-layer")
        if seen.refusal:
            raise seen.refusal
        if seen.result is None:
            raise Refused("forward ne renvoie rien (None) : il lui manque un return.", "type")
        if not isinstance(seen.result, Tensor):
            raise Refused(f"forward renvoie {show(seen.result)} ; il faut un tenseur.", "type")
        self._compare(seen, index, Stretch(right, None, start, seen.result), seed)
        return seen

    def _compare(self, seen: Trace, index: int, stretch: Stretch, seed: int) -> None:
        if self._agrees(stretch.right, stretch, seed):
            return
        sentence = _place(seen, index)
        dropouts = [own_dropout(one, stretch.start, stretch.entered) for one in stretch.right]
        name = next(filter(None, dropouts), "")
        expected = run_stage(stretch.right[0], stretch.start, stretch.layer, seed)
        if expected is not None and expected.shape != stretch.observed.shape:
            sizes = " × ".join(map(str, stretch.observed.shape[1:]))
            mixed = " Les images du lot y sont mélangées : la première dimension est le lot."
            if stretch.observed.shape == (IMAGES,):
                mixed = " Il n'en sort qu'un nombre par image : il manque l'axe des classes."
            sentence += f" Taille obtenue, par image : {sizes}." if sizes else mixed
        if seen.refusal and index == len(seen.outputs):  # it fails right after
            sentence += _error(seen)
        raise Different(sentence, name, stretch)

    def _agrees(self, candidates: Sequence[Stage], stretch: Stretch, seed: int) -> bool:
        for stage in candidates:
            if own_dropout(stage, stretch.start, stretch.entered) == "right":
                return True
            values = run_stage(stage, stretch.start, stretch.layer, seed)
            if values is None or values.shape != stretch.observed.shape:
                continue
            if agree(stretch.observed, values, self.tolerance):
                return True
        return False

    def _follow_in_training(self, network: nn.Module, images: Tensor, seed: int) -> None:
        """Some layers (dropout) act in training only."""
        try:
            self._follow(network, images, seed)
        except Different as found:
            sentence = f"{found} C'est en mode train() ; en mode eval(), tout est juste."
            name = "dropout-late" if _random_later(network, images, found, seed) else "dropout"
            if found.name:
                name = "same-mask" if _same_masks(network, images, seed) else found.name
            raise Different(sentence, name, found.stretch) from None
        drawn = any(isinstance(one, nn.Dropout) and one.p for one in self.answer[0])
        if drawn and _same_masks(network, images, seed):
            sentence = (
                "en mode train(), deux passages des mêmes images éteignent les mêmes neurones."
            )
            raise Different(sentence, "same-mask")

    def _explain(self, found: Different, network: nn.Module, images: Tensor, seed: int) -> Verdict:
        traces = [trace(network, images, other) for other in (seed, seed + 1)]
        if traces[0].unread and not traces[0].refusal and found.name in UNTOLD:
            raise Refused(UNREAD.format(", ".join(traces[0].unread[:4])), "unread")
        given = given_away(network, images, seed, traces[0]) if found.name in UNTOLD else None
        if given is not None:
            raise Refused(GIVEN.format(short_name(given)), "unread")
        other = _other_normalisation(network) if self._asks_normalisation() else None
        if other is not None and found.name in ("missing-layer", "extra-layer"):
            sentence = f"{short_name(other)} n'est pas une normalisation par lot."
            found = Different(sentence, "other-normalisation")
        if found.stretch and not _same_results(*traces):
            sentence = "deux passages des mêmes images, en mode eval(), donnent deux résultats."
            found = Different(sentence, "left-on")
        for mistake in self.mistakes:
            if self._matches(mistake, found, traces[0], seed):
                return Verdict("wrong", f"{found}\n  → {mistake.message}", mistake.name)
        return Verdict("wrong", str(found), found.name or None)

    def _asks_normalisation(self) -> bool:
        return any(isinstance(one, NORMALISATIONS) for one in self.answer[0])

    def _matches(self, mistake: Mistake, found: Different, seen: Trace, seed: int) -> bool:
        if isinstance(mistake.answer, list):
            return mistake.answer == [outputs(layer) for layer in seen.layers]
        if mistake.answer is None or found.stretch is None:
            # Where no dropout is asked, one that is left on in evaluation is one too many.
            names = ("left-on", "dropout") if found.name == "left-on" else (found.name,)
            return mistake.name in names
        wrong = [stage for right in found.stretch.right for stage in mistake.answer(right)]
        return self._agrees(wrong, found.stretch, seed)


def _random_later(network: nn.Module, images: Tensor, found: Different, seed: int) -> bool:
    """Whether nothing is drawn up to the stretch that differs, and something is after it."""
    traces = [trace(network, images, other) for other in (seed, seed + 1)]
    layer = found.stretch and found.stretch.layer
    if layer is None or _same_results(*traces):
        return False
    index = next(i for i, one in enumerate(traces[0].layers) if same_layer(one, layer))
    return torch.equal(*(seen.outputs[index] for seen in traces))


def _same_masks(network: nn.Module, images: Tensor, seed: int) -> bool:
    """Whether two passes of the same images in training give the same results."""
    return _same_results(*(trace(network, images, other) for other in (seed, seed + 1)))


def _same_results(first: Trace, second: Trace) -> bool:
    results = [seen.result for seen in (first, second)]
    if not all(isinstance(result, Tensor) for result in results):
        return True
    return torch.equal(*map(torch.nan_to_num, results))  # NaN is not equal to itself


# What can be read from the settings of layers; the last words name the mistake


def _compare_settings(seen: Trace, index: int, right: nn.Sequential, network: nn.Module) -> None:
    layers = [layer for layer in right if has_weights(layer)]
    layer, expected = seen.layers[index], layers[index]
    name = seen.name(index)
    both = isinstance(layer, NORMALISATIONS) and isinstance(expected, NORMALISATIONS)
    if both and type(layer) is not type(expected):
        raise Different(f"{name} n'est pas faite pour ces valeurs.", "dimensions")
    following = layers[index + 1 : index + 2]
    if _is_early(seen, index, expected, following):
        raise Different(f"{name} vient avant sa convolution.", "before-convolution")
    if not _same_kind(seen, index, expected):
        extra = _more(type(layer), seen.layers, layers) > 0
        sentence = f"{name} n'est pas à sa place : il faut ici {_kind(expected)}."
        raise Different(sentence, "extra-layer" if extra else "missing-layer")
    useless_bias = bool(following) and isinstance(following[0], NORMALISATIONS)
    if len(list(layer.parameters())) < len(list(expected.parameters())) and not useless_bias:
        raise Different(f"{name} n'a pas de biais.", "no-bias")
    number, wanted = outputs(layer), outputs(expected)
    if number != wanted:
        words = ("sorties", "classes") if index == len(layers) - 1 else ("neurones", "units")
        words = ("canaux", "channels") if isinstance(expected, NORMALISATIONS) else words
        word, mistake = ("filtres", "filters") if isinstance(expected, nn.Conv2d) else words
        # One that fails stops early: count what was built, where layers hold all the weights.
        some = list(filter(has_weights, network.modules())) if seen.refusal else seen.layers
        more = 0 if seen.refusal and own_weights(network) else _more(type(expected), some, layers)
        if more:  # then this layer may well be right, but for its place
            mistake = "extra-layer" if more > 0 else "missing-layer"
        size = "trop" if number > wanted else "trop peu"
        raise Different(f"{name} a {number} {word}, c'est {size}.", mistake)
    if isinstance(expected, nn.Conv2d) and layer.kernel_size != expected.kernel_size:
        size = " × ".join(map(str, layer.kernel_size))
        raise Different(f"{name} a des filtres de {size}.", "kernel")


def _same_kind(seen: Trace, index: int, expected: nn.Module) -> bool:
    layer, output = seen.layers[index], seen.outputs[index : index + 1]
    if isinstance(expected, nn.BatchNorm2d) and is_own_normalisation(layer):
        return True
    whole_map = isinstance(layer, nn.Conv2d) and output and output[0].shape[2:] == (1, 1)
    return isinstance(layer, type(expected)) or (isinstance(expected, nn.Linear) and whole_map)


def _is_early(seen: Trace, index: int, expected: nn.Module, following: list) -> bool:
    """Whether a normalisation and the convolution that it should follow are the other way round."""
    asked = isinstance(expected, nn.Conv2d) and bool(following)
    found = seen.layers[index : index + 2]
    return (
        asked
        and len(found) == 2
        and isinstance(following[0], NORMALISATIONS)
        and isinstance(found[0], NORMALISATIONS)
        and isinstance(found[1], nn.Conv2d)
    )


def _other_normalisation(network: nn.Module) -> nn.Module | None:
    modules = list(network.modules())
    if any(isinstance(one, NORMALISATIONS) for one in modules):
        return None
    return next((one for one in modules if isinstance(one, OTHERS)), None)


def _more(kind: type, some: Sequence[nn.Module], others: Sequence[nn.Module]) -> int:
    """How many more layers of one kind."""
    return sum(isinstance(a, kind) for a in some) - sum(isinstance(b, kind) for b in others)


def _kind(layer: nn.Module) -> str:
    return KINDS.get(type(layer), type(layer).__name__)


def _missing(seen: Trace, expected: nn.Module) -> Different:
    after = f"après {seen.name(len(seen.layers) - 1)}, " if seen.layers else ""
    return Different(f"{after}il manque {_kind(expected)}.", "missing-layer")


def _bad_inputs(seen: Trace, index: int) -> Different:
    size = " × ".join(map(str, seen.inputs[index].shape[1:]))
    sentence = f"{seen.name(index)} reçoit {size} valeurs par image et ne peut rien en faire."
    return Different(sentence + _error(seen), "inputs")


def _error(seen: Trace) -> str:
    """The student's own line and PyTorch's words, on lines of their own."""
    return "\n" + str(seen.refusal).partition("\n")[2]


def _refuse_unused(network: nn.Module, seen: Trace) -> None:
    for module in network.modules():
        used = any(_shares(module, layer) for layer in seen.layers)
        if has_weights(module) and not used:
            raise Different(f"{short_name(module)} est construite et ne sert pas.", "unused")


def _shares(module: nn.Module, layer: nn.Module) -> bool:
    return any(one is other for one in module.parameters() for other in layer.parameters())


def _refuse_shared(seen: Trace) -> None:
    for index, layer in enumerate(seen.layers):
        if any(same_layer(layer, other) for other in seen.layers[:index]):
            raise Different(f"{seen.name(index)} est une couche qui a déjà servi.", "shared")


def _place(seen: Trace, index: int) -> str:
    if index == 0:
        return f"{seen.name(0)} ne donne pas ce qu'il faut."
    right = f"tout est juste jusqu'à {seen.name(index - 1)}"
    if index == len(seen.layers):
        return f"{right} ; le réseau fait ensuite un calcul de trop."
    return f"{right} ; ensuite, jusqu'à {short_name(seen.layers[index])}, le calcul diffère."
