"""Whether a network can learn: right as it is, it may be frozen, or cut from its gradient."""

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parameter import is_lazy

from tp_cnn.checks.engine.calls import Refused, attempt
from tp_cnn.checks.engine.traces import short_name


def still_layer(network: nn.Module) -> Refused | None:
    """What to say of the first layer that will not learn as it is; to call before its weights are
    drawn again.
    """
    for layer in network.modules():
        for weights in layer.parameters(recurse=False):
            if not weights.requires_grad:
                message = f"{short_name(layer)} est gelée (requires_grad=False)."
                return Refused(f"{message}\n  → Un poids gelé n'apprend rien.", "frozen")
            if not is_lazy(weights) and weights.squeeze().ndim > 1 and _constant(weights):
                message = f"tous les poids de {short_name(layer)} sont égaux."
                advice = "Ses neurones apprendraient tous la même chose : laissez PyTorch les tirer"
                return Refused(f"{message}\n  → {advice} au hasard.", "constant")
    return None


def _constant(weights: Tensor) -> bool:
    return weights.numel() > 1 and bool((weights == weights.flatten()[0]).all())


def refuse_plain_lists(network: nn.Module) -> None:
    """Refuse layers that are kept in a list of Python, where PyTorch sees none of their weights.

    Raises:
        Refused: named "plain-list".
    """
    known = {id(weights) for weights in network.parameters()}
    for module in network.modules():
        for name, values in vars(module).items():
            layers = values if isinstance(values, list | tuple) else ()
            layers = [layer for layer in layers if isinstance(layer, nn.Module)]
            if any(id(weights) not in known for one in layers for weights in one.parameters()):
                message = f"les couches de self.{name} sont dans une simple liste de Python."
                advice = f"PyTorch ne les y voit pas : écrivez self.{name} = nn.ModuleList(...), ou"
                raise Refused(f"{message}\n  → {advice} nn.Sequential.", "plain-list")


def refuse_outsiders(network: nn.Module, images: Tensor) -> None:
    """Refuse layers that forward calls and that the network does not hold: made in forward, or kept
    in a dictionary, where PyTorch sees none of their weights.

    Raises:
        Refused: named "outsider".
    """
    if "forward" in vars(network):  # it stands for one whose layers run elsewhere
        return
    own, found = set(network.modules()), []

    def enter(layer: nn.Module, _) -> None:
        if layer not in own and list(layer.parameters(recurse=False)):
            found.append(layer)

    hook = register_module_forward_pre_hook(enter)
    try:
        attempt(lambda: network.eval()(images.clone()), (), [])
    except Refused as refusal:  # told when the network is followed
        if refusal.mistake == "time":
            raise
    finally:
        hook.remove()
        network.train()
    if found:
        message = f"{short_name(found[0])} sert dans forward sans faire partie du réseau."
        advice = "Créez chaque couche dans __init__, sous un nom de self (ou dans nn.ModuleList,"
        raise Refused(
            f"{message}\n  → {advice} nn.ModuleDict) : ailleurs, l'optimiseur ne la voit pas.",
            "outsider",
        )


def refuse_cut(network: nn.Module, images: Tensor) -> None:
    """Refuse a network in which a gradient does not reach every weight.

    Raises:
        Refused: named "cut".
    """
    owners = [(layer, one) for layer in network.modules() for one in layer.parameters(False)]

    def gradients():
        result = network.train()(images)
        if not result.requires_grad:
            return [None] * len(owners)
        return torch.autograd.grad(
            result.square().sum(), [weights for _, weights in owners], allow_unused=True
        )

    with torch.enable_grad():
        found = attempt(gradients, (), []).result
    for (layer, _), gradient in zip(owners, found, strict=True):
        if gradient is None:
            message = f"aucun gradient n'arrive à {short_name(layer)} : elle n'apprendra rien."
            advice = "Cherchez un .detach(), un .data ou un torch.no_grad() dans forward."
            raise Refused(f"{message}\n  → {advice}", "cut")


def refuse_same_object(student: object) -> None:
    """Refuse a function that gives the same network, or a part of it, at each call.

    Raises:
        Refused: named "same-object".
    """
    if isinstance(student, nn.Module):
        return
    first, second = (attempt(student, (), []).result for _ in range(2))
    if {id(weights) for weights in first.parameters()} & {id(one) for one in second.parameters()}:
        message = "d'un appel à l'autre, la fonction renvoie le même réseau, ou une même couche."
        advice = "Créez toutes les couches dans la fonction : sinon, un deuxième apprentissage"
        raise Refused(f"{message}\n  → {advice} repartirait des poids du premier.", "same-object")
