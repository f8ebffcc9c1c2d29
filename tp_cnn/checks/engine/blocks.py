"""The check of a block: branches, sums and concatenations that a chain of layers does not show.

The student's block and the right one are built with the same sizes; the weights of the first are
lent to the layers of the second that play the same part, and both must then give the same maps, in
training and in evaluation. A block of each mistake is lent the same weights: the one that gives
what the student's gives is named. So it does not matter how the block is written, in which order
its layers are created, or how they are called.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from tp_cnn.checks.engine.calls import Refused, attempt, private_draws, refuse_blanks
from tp_cnn.checks.engine.compare import show
from tp_cnn.checks.engine.framework import Check, Verdict
from tp_cnn.checks.engine.functional import own_weights
from tp_cnn.checks.engine.learning import (
    refuse_cut,
    refuse_outsiders,
    refuse_plain_lists,
    refuse_same_object,
    still_layer,
)
from tp_cnn.checks.engine.traces import agree, draw_weights, has_weights, same_layer, short_name
from tp_cnn.display import decimal, thousands

BRIGHT = 20  # times brighter, the last maps show an activation that has a ceiling (ReLU6)
MODES = {True: "en mode train()", False: "en mode eval()"}
PLACES = {  # kind of layer -> how a message calls it
    nn.Conv2d: "une convolution",
    nn.Linear: "une couche dense",
    nn.BatchNorm2d: "une normalisation par lot",
    nn.LayerNorm: "une normalisation des canaux",
}

UNREAD = (
    "cette vérification ne sait pas suivre le calcul que fait le bloc avec ses propres poids "
    "(nn.Parameter) : {}.\n  → Prenez les couches de nn : le bloc est peut-être juste, mais il "
    "faut pouvoir le lire."
)


@dataclass
class Followed:
    """A block while it ran: its layers with weights in order of use, and what it gave."""

    block: nn.Module
    layers: list[nn.Module] = field(default_factory=list)
    parts: list[tuple] = field(default_factory=list)  # what each layer is, and after what it comes
    result: object = None
    refusal: Refused | None = None


@dataclass(eq=False, repr=False)
class BlockCheck(Check):
    """The check of a function, or of a class, that builds a block from its sizes.

    ``answer`` builds the right block from the same arguments, and that of a mistake a wrong one.

    Attributes:
        names: the names of the arguments, for the messages.
        tries: arguments of the builder, beside the shape of what the block receives.
        any_order: whether the channels of the result may come in any order (a concatenation).
    """

    _: KW_ONLY
    names: Sequence[str]
    tries: Sequence[tuple[tuple, tuple[int, ...]]]
    any_order: bool = False

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        with private_draws(int(rng.integers(2**31))), torch.no_grad():
            for arguments, shape in self.tries:
                maps = torch.randn(shape)
                maps[-1] *= BRIGHT
                self._refuse_wrong(student, arguments, maps)
        block = self.answer(*self.tries[0][0])
        count = sum(weights.numel() for weights in block.parameters())
        precision = (
            f"sorties comparées à {decimal(self.tolerance, 'g')} près sur des cartes au hasard"
        )
        return Verdict(
            "right", f"{thousands(count)} poids pour {self._sizes(self.tries[0][0])} ; {precision}."
        )

    def _sizes(self, arguments: tuple) -> str:
        return ", ".join(
            f"{name}={value}" for name, value in zip(self.names, arguments, strict=True)
        )

    def _refuse_wrong(self, student: object, arguments: tuple, maps: Tensor) -> None:
        """Raise `Refused` where the block built with these arguments is not the right one."""
        block = self._build(student, arguments)
        _size(block, maps)
        still = still_layer(block)
        _draw(block)
        refuse_outsiders(block, maps)
        seen = follow(block, maps)
        _refuse_shared(seen)
        difference = self._difference(seen, self.answer(*arguments), maps)
        if difference:
            sentence = f"pour {self._sizes(arguments)}, {difference}"
            for mistake in self.mistakes:
                if not self._difference(seen, mistake.answer(*arguments), maps):
                    raise Refused(f"{sentence}\n  → {mistake.message}", mistake.name)
            raise seen.refusal or Refused(sentence)
        if still:
            raise still
        refuse_cut(block, maps)
        refuse_same_object(lambda: student(*arguments))

    def _build(self, student: object, arguments: tuple) -> nn.Module:
        if not callable(student) or isinstance(student, nn.Module):
            message = "il faut une classe, ou une fonction, qui construit le bloc"
            raise Refused(f"{message} ; vous donnez {show(student)}.", "type")
        block = attempt(student, arguments, list(self.names)).result
        refuse_blanks([block])
        if not isinstance(block, nn.Module):
            message = f"on obtient {show(block)} ; il faut un bloc (nn.Module)."
            raise Refused(message, "type")
        refuse_plain_lists(block)
        return attempt(lambda: block.cpu().float(), (), []).result

    def _difference(self, seen: Followed, right: nn.Module, maps: Tensor) -> str:
        """What tells the student's block from ``right``, in a sentence; "" if nothing does."""
        expected = follow(right, maps)
        if seen.refusal and expected.refusal:
            same = seen.refusal.error == expected.refusal.error and _ran(seen) == _ran(expected)
            return "" if same else "le calcul échoue."
        if seen.refusal or expected.refusal:
            return "le calcul échoue."
        missing = lend(seen, expected)
        if missing:
            return missing
        for training in MODES:
            # The layers lent keep their own statistics: both blocks see the same maps, once.
            values = [follow(one.train(training), maps).result for one in (seen.block, right)]
            said = self._compare(*values)
            if said:
                return f"{MODES[training]}, {said}"
        return ""

    def _compare(self, values: object, wanted: Tensor) -> str:
        if not isinstance(values, Tensor):
            return f"forward renvoie {show(values)} ; il faut un tenseur."
        if values.shape != wanted.shape:
            return f"le bloc donne {tuple(values.shape)} ; ce n'est pas la forme attendue."
        if self.any_order:
            values, wanted = _by_content(values), _by_content(wanted)
        if agree(values, wanted, self.tolerance):
            return ""
        return "les cartes n'ont pas les bonnes valeurs."


def _size(block: nn.Module, maps: Tensor) -> None:
    """Let lazy layers take their size from the maps; `follow` tells the error, if there is one."""
    if any(map(is_lazy, [*block.parameters(), *block.buffers()])):
        with contextlib.suppress(Refused):
            attempt(lambda: block.eval()(maps.clone()), (), [])
        block.train()


def _draw(block: nn.Module) -> None:
    """Weights and statistics without which two blocks could look the same."""
    draw_weights(block)
    for name, values in block.named_buffers():
        if not is_lazy(values) and values.is_floating_point():
            values.copy_(torch.rand_like(values) + ("var" in name) * 0.5)


def _by_content(maps: Tensor) -> Tensor:
    """The channels in an order that depends on their values alone."""
    return maps[:, maps.transpose(0, 1).flatten(1).sum(dim=1).argsort()]


def follow(block: nn.Module, maps: Tensor) -> Followed:
    """Run the block and note its layers with weights."""
    seen, made, kept = Followed(block), {}, []

    def leave(layer, inputs, output):
        seen.layers.append(layer)
        seen.parts.append((_kind(layer), _shape(layer), made.get(id(inputs[0]))))
        made[id(output)] = _shape(layer)
        kept.append(output)  # so that no other tensor takes its place, and its identity

    hooks = [one.register_forward_hook(leave) for one in block.modules() if has_weights(one)]
    buffers = {name: one.clone() for name, one in block.named_buffers() if not is_lazy(one)}
    try:
        result = attempt(lambda: block(maps.clone()), (), []).result
        refuse_blanks([result])
        seen.result = result
    except Refused as refusal:
        if refusal.mistake == "time" or refusal.status == "todo":
            raise
        seen.refusal = refusal
    finally:
        for hook in hooks:
            hook.remove()
        now = dict(block.named_buffers())
        for name, value in buffers.items():  # in training, a pass moves the statistics
            now[name].copy_(value)
    return seen


def _ran(seen: Followed) -> list[str]:
    """The layers that ran, in any order."""
    return sorted(str(part[:2]) for part in seen.parts)


def _refuse_shared(seen: Followed) -> None:
    for rank, layer in enumerate(seen.layers):
        if any(same_layer(layer, other) for other in seen.layers[:rank]):
            message = f"{short_name(layer)} sert à deux endroits du bloc."
            advice = "Chaque place demande sa propre couche, avec ses propres poids."
            raise Refused(f"{message}\n  → {advice}", "shared")


def _kind(layer: nn.Module) -> type:
    for kind in (nn.BatchNorm2d, nn.LayerNorm):
        if isinstance(layer, kind):
            return kind
    # A dense layer on the channels is a convolution of 1×1.
    one = isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1
    return nn.Linear if one else type(layer)


def _shape(layer: nn.Module) -> tuple[int, ...]:
    weights = next(layer.parameters())
    return tuple(weights.squeeze().shape)


def lend(source: Followed, target: Followed) -> str:
    """Give the layers of ``target`` the weights of those of ``source`` that play the same part.

    Returns:
        What is missing or too much in ``source``, in a sentence; "" if nothing is.
    """
    left = list(range(len(source.layers)))
    pairs = {}
    for length in (3, 2):  # first those that also come after the same layer
        for rank, part in enumerate(target.parts):
            if rank in pairs:
                continue
            found = [index for index in left if source.parts[index][:length] == part[:length]]
            if found:
                pairs[rank] = found[0]
                left.remove(found[0])
    lost = [layer for rank, layer in enumerate(target.layers) if rank not in pairs]
    unread = _own_names(source.block)
    if lost and len(unread) > len(_own_names(target.block)):
        return UNREAD.format(", ".join(unread[:4]))
    if lost:
        return f"il manque {_place(lost[0])}, ou ses tailles ne sont pas les bonnes."
    if left:
        return f"{short_name(source.layers[left[0]])} est de trop."
    for rank, index in pairs.items():
        layer = source.layers[index]
        if _has_bias(target.layers[rank]) and not _has_bias(layer):
            return f"{short_name(layer)} n'a pas de biais : rien, ici, ne le remplace."
        _lend_layer(layer, target.layers[rank])
    return _lend_own(source, target)


def _own_names(block: nn.Module) -> list[str]:
    """The weights that are in no layer of a kind that is looked for."""
    layers = [one for one in block.modules() if isinstance(one, tuple(PLACES))]
    read = {id(weights) for layer in layers for weights in layer.parameters()}
    return [name for name, weights in own_weights(block).items() if id(weights) not in read]


def _has_bias(layer: nn.Module) -> bool:
    return getattr(layer, "bias", None) is not None


def _place(layer: nn.Module) -> str:
    kind = PLACES.get(_kind(layer), type(layer).__name__)
    if isinstance(layer, nn.Conv2d):
        return f"une convolution {layer.kernel_size[0]}×{layer.kernel_size[1]}"
    return kind


def _lend_layer(source: nn.Module, target: nn.Module) -> None:
    for name, values in source.state_dict().items():
        own = getattr(target, name, None)
        if isinstance(own, Tensor):
            own.copy_(values.reshape(own.shape))
        elif name == "bias":
            target.bias = nn.Parameter(values.clone())
    if hasattr(source, "eps") and hasattr(target, "eps"):
        target.eps = source.eps  # the paper's own, as good as PyTorch's


def _lend_own(source: Followed, target: Followed) -> str:
    """The same for the parameters that are in no layer, in the order of their creation."""
    mine, theirs = (
        [one for module in seen.block.modules() for one in module.parameters(recurse=False)
         if not any(module is layer for layer in seen.layers)]
        for seen in (source, target)
    )  # fmt: skip
    if len(mine) > len(theirs):
        return "des poids ne servent pas, ou sont de trop."
    if [one.numel() for one in mine] != [one.numel() for one in theirs]:
        return "il manque des poids que le bloc doit apprendre."
    for one, other in zip(mine, theirs, strict=True):
        other.copy_(one.reshape(other.shape))
    return ""
