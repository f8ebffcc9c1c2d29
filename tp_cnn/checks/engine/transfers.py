"""The checks of what is done to a network that has learnt: freeze, train, tune, read its features.

Networks are small ones with ``.features`` (a batch normalisation among them) and ``.classifier``;
images are tensors (N, 3, 8, 8). Nothing here is a right answer: what a function did is told as
weights, statistics, results and the settings of its optimiser.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim import optimizer as optimizers

from tp_cnn.checks.engine.calls import Refused, try_all
from tp_cnn.checks.engine.facts import Fact, Seen
from tp_cnn.checks.engine.loops import (
    LoopCheck,
    Observation,
    forward_of,
    hooks_left,
    loss_facts,
    weights_of,
)

SIDE, HIDDEN = 8, 400
BATCH_NORM = 1  # its place in the features
WIDTH = 4  # channels of the maps


class _TaughtNetwork(nn.Module):
    """A network that has "learnt": its batch norm has seen images."""

    def __init__(self, classes: int):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH), nn.MaxPool2d(2), nn.ReLU()
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(WIDTH * 16, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes)
        )
        with torch.no_grad():
            self.features(2 * torch.randn(50, 3, SIDE, SIDE) + 0.5)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _frozen(classes: int) -> nn.Module:
    """A network of which the last layer alone learns."""
    network = _TaughtNetwork(classes)
    for weights in [*network.features.parameters(), *network.classifier[:-1].parameters()]:
        weights.requires_grad = False
    return network


def _batches(classes: int, sizes: tuple[int, ...] = (6, 6, 3)) -> list[tuple[Tensor, Tensor]]:
    return [(torch.randn(size, 3, SIDE, SIDE), torch.randint(classes, (size,))) for size in sizes]


def _body(network: nn.Module) -> np.ndarray:
    """All the weights but those of the last layer."""
    parts = [*network.features.parameters(), *network.classifier[:-1].parameters()]
    return torch.cat([weights.detach().flatten() for weights in parts]).numpy()


def _statistics(network: nn.Module) -> Fact:
    sentence = "la moyenne et la variance que garde la normalisation par lot ne sont pas celles "
    return Fact(_running(network), f"{sentence}attendues.")


def _frozen_given(groups: list[dict]) -> Fact:
    """How many frozen tensors an optimiser was given."""
    count = sum(not weights.requires_grad for group in groups for weights in group["params"])
    return Fact(count, f"parmi les poids donnés à l'optimiseur, {count} tenseurs sont gelés.")


class FreezeCheck(LoopCheck):
    """The check of ``freeze(model, classes)`` -> how many weights still learn."""

    names = ("model", "classes")
    trains = False

    def observe(self, function: Callable) -> Observation:
        # Not 2, how many tensors the last layer has.
        counts = [int(torch.randint(3, 5, ())), int(torch.randint(5, 9, ()))]
        images = torch.randn(5, 3, SIDE, SIDE)
        # All drawn before: the function draws a layer.
        networks = [_TaughtNetwork(classes + 3) for classes in counts]
        known = [name for name, _ in networks[0].named_parameters()]
        facts, clues = [], []

        def tries() -> Iterator[tuple]:
            for self.model, classes in zip(networks, counts, strict=True):
                old = self.model.classifier[-1]
                rows = old.weight.tolist()
                yield self.model, classes
                _refuse_replaced(self.model)
                facts.extend(_freeze_facts(self.model, images, rows))
                attribute = any("requires_grad" in vars(one) for one in self.model.modules())
                left = (name if name in known else "new" for name, _ in _learning(self.model))
                clues.append((attribute, self.model.classifier[-1] is old, *left))

        trials, refusal = try_all(function, tries())
        facts += [Fact(one.result, when="pour le nombre renvoyé, ") for one in trials]
        touched = any(not weights.requires_grad for weights in self.model.parameters())
        return Observation(Seen(facts, tuple(clues)), trials, self.model, touched, refusal)


def _refuse_replaced(model: nn.Module) -> None:
    """Refuse a network whose classifier is no longer a sequence of layers."""
    layers = getattr(model, "classifier", None)
    if not isinstance(layers, nn.Sequential) or not len(layers):
        message = "model.classifier n'est plus la suite de couches qu'il était."
        advice = "Remplacez la seule dernière couche, model.classifier[-1]."
        raise Refused(f"{message}\n  → {advice}", "classifier")


def _learning(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """The weights that still learn, by their name, but for those of the last layer."""
    own = {id(weights) for weights in model.classifier[-1].parameters()}
    named = model.named_parameters()
    return [(name, one) for name, one in named if one.requires_grad and id(one) not in own]


def _freeze_facts(model: nn.Module, images: Tensor, old: list[list[float]]) -> list[Fact]:
    """``old``: the weights of the last layer that is to be replaced."""
    head = model.classifier[-1]
    left = len(_learning(model))
    learns = all(weights.requires_grad for weights in head.parameters())
    length = len(model.classifier)
    kind = type(head).__name__
    moved = "le résultat est juste, mais des poids déjà appris ont changé."
    return [
        Fact(left, f"{left} tenseurs de poids apprennent encore hors de la dernière couche."),
        _scores(model, images),
        Fact(length, f"le classifieur a maintenant {length} couches."),
        Fact(int(learns), "la dernière couche n'apprend plus : elle est gelée aussi."),
        Fact(
            int(isinstance(head, nn.Linear)),
            f"la dernière couche est un objet {kind} : il faut une couche dense, nn.Linear, seule.",
        ),
        Fact(_kept(head, old), "la dernière couche garde des poids de l'ancienne."),
        Fact(_biased(head), "les biais de la dernière couche sont trop grands pour être neufs."),
        Fact(_body(model), moved),
    ]


def _scores(model: nn.Module, images: Tensor) -> Fact:
    """How many scores the network gives; -1 if it does not run any more."""
    try:
        with torch.no_grad():
            count = model.eval()(images).shape[1]
    except Exception:
        message = "le réseau ne marche plus sur des images : la dernière couche reçoit-elle bien "
        return Fact(-1, f"{message}ce que donne l'avant-dernière ?")
    return Fact(count, f"le réseau donne {count} scores par image.")


def _kept(layer: nn.Module, old: list[list[float]]) -> int:
    """How many rows of weights come from ``old``."""
    matrices = [weights.tolist() for weights in layer.parameters() if weights.ndim == 2]
    return sum(row in old for rows in matrices for row in rows)


def _biased(layer: nn.Module) -> int:
    """Whether biases are larger than those that PyTorch draws; weights are drawn in other ways."""
    limit = HIDDEN**-0.5 + 1e-6
    biases = [weights for weights in layer.parameters() if weights.ndim == 1]
    return int(any(bool(one.abs().max() > limit) for one in biases))


class _TrainingCheck(LoopCheck):
    """Two trainings of small networks, of 3 then 2 epochs."""

    rates: int  # how many learning rates the function receives

    def observe(self, function: Callable) -> Observation:
        plans = [(3, 3), (4, 2)]  # classes, epochs
        drawn = [(_frozen(classes), _batches(classes)) for classes, _ in plans]
        # All drawn before: what the function draws must not change them.
        rates = [(0.02 + 0.1 * torch.rand(self.rates)).tolist() for _ in plans]
        facts, clues = [], []

        def tries() -> Iterator[tuple]:
            for (model, batches), given, (_, epochs) in zip(drawn, rates, plans, strict=True):
                self.model = model.train(not self.trains)  # the other mode than the right one
                events = _events(model.classifier[-1])
                done, head = len(steps), weights_of(model.classifier[-1])
                yield model, batches, *given, epochs
                still = np.array_equal(weights_of(model.classifier[-1]), head)
                idle = still and len(steps) == done
                facts.extend(self.facts(model, steps[done:], epochs * len(batches)))
                pulled = any(pulls[done:])
                clues.append(("forward" in events, "backward" in events, pulled, idle))

        def step(optimizer: Optimizer, *_) -> None:
            steps.append(optimizer)
            pulls.append(_has_gradient(optimizer))

        steps, pulls, trials, refusal = [], [], [], None
        hook = optimizers.register_optimizer_step_pre_hook(step)
        try:
            trials, refusal = try_all(function, tries())
        finally:
            hook.remove()
        if not refusal:
            facts += loss_facts([one.result for one in trials])
        moved = any(weights.grad is not None for weights in self.model.parameters())
        seen = Seen(facts, tuple(clues))
        return Observation(seen, trials, self.model, moved or bool(steps), refusal)

    def facts(self, model: nn.Module, steps: list[Optimizer], expected: int) -> list[Fact]:
        """``steps``: the optimiser of each step, of which there should be ``expected``."""
        raise NotImplementedError


def _events(head: nn.Module) -> list[str]:
    """What happens to the last layer from now on, and not to a copy of it."""
    events: list[str] = []
    head.register_forward_hook(lambda layer, *_: events.append(forward_of(layer, head)))
    head.bias.register_hook(lambda _: events.append("backward"))
    return events


def _has_gradient(optimizer: Optimizer) -> bool:
    weights = [one for group in optimizer.param_groups for one in group["params"]]
    return any(one.grad is not None and bool(one.grad.any()) for one in weights)


def _common_facts(model: nn.Module, steps: list[Optimizer], expected: int) -> list[Fact]:
    counted = len(steps) or expected  # an update by hand has no optimiser; its weights tell
    head = torch.cat([one.detach().flatten() for one in model.classifier[-1].parameters()])
    return [
        Fact(
            counted, f"l'optimiseur a fait {len(steps)} pas ; il en faut un par lot et par époque."
        ),
        _kind(steps),
        _decay(steps),
        Fact(head.numpy(), "les poids de la dernière couche n'arrivent pas où il faut."),
    ]


def _number(steps: list[Optimizer], advice: str) -> Fact:
    """How many optimisers made steps; none is as good as one (see `_common_facts`)."""
    count = len({id(one) for one in steps}) or 1
    return Fact(count, f"{count} optimiseurs ont fait des pas : il en faut un seul, {advice}.")


def _kind(steps: list[Optimizer]) -> Fact:
    others = sorted({type(one).__name__ for one in steps} - {"SGD"})
    return Fact(len(others), f"l'optimiseur est {', '.join(others)} ; il faut SGD.")


def _decay(steps: list[Optimizer]) -> Fact:
    """Whether an optimiser pulls weights towards 0, too little for them to show it."""
    decays = any(group.get("weight_decay") for one in steps for group in one.param_groups)
    asked = "l'optimiseur a un weight_decay, qui n'est pas demandé : il tire les poids vers 0."
    return Fact(int(decays), asked)


class LastLayerCheck(_TrainingCheck):
    """The check of ``train(model, batches, rate, epochs)`` -> loss of the last batch."""

    names = ("model", "batches", "rate", "epochs")
    trains = False
    rates = 1

    def facts(self, model: nn.Module, steps: list[Optimizer], expected: int) -> list[Fact]:
        moved = "des poids appris avant, qui devaient rester gelés, ont bougé."
        return [
            _frozen_given(steps[0].param_groups if steps else []),
            _statistics(model),
            Fact(_body(model), moved),
            _number(steps, "créé avant la boucle"),
            *_common_facts(model, steps, expected),
        ]


class FineTuneCheck(_TrainingCheck):
    """The check of ``tune(model, batches, body_rate, head_rate, epochs)`` -> last loss."""

    names = ("model", "batches", "body_rate", "head_rate", "epochs")
    rates = 2

    def facts(self, model: nn.Module, steps: list[Optimizer], expected: int) -> list[Fact]:
        still = sum(not weights.requires_grad for weights in model.parameters())
        return [
            Fact(still, f"{still} tenseurs de poids sont encore gelés."),
            _number(steps, "qui reçoit deux groupes de poids, chacun avec son pas (lr)"),
            *_common_facts(model, steps, expected),
            _statistics(model),  # of few values: two mistakes may look alike there
            Fact(_body(model), "les poids d'avant la dernière couche n'arrivent pas où il faut."),
        ]


class ExtractCheck(LoopCheck):
    """The check of ``extract(model, batches)`` -> what the last layer receives, (N, features)."""

    names = ("model", "batches")
    trains = False

    def observe(self, function: Callable) -> Observation:
        probe = torch.randn(4, 3, SIDE, SIDE)
        tries = [(_TaughtNetwork(5), _batches(5, sizes)) for sizes in ((1,), (4, 4, 2))]
        ran: list[bool] = []
        hooks = [
            model.features[0].register_forward_hook(lambda *_: ran.append(True))
            for model, _ in tries
        ]
        trials, refusal = try_all(function, ((model.train(), batches) for model, batches in tries))
        for hook in hooks:
            hook.remove()
        facts = []
        for trial, (model, _) in zip(trials, tries, strict=False):
            moved = "des statistiques de la normalisation par lot ont bougé pendant le calcul."
            facts.append(Fact(_running(model), moved))
            facts.append(Fact(trial.result, when="pour les caractéristiques, "))
            graph = isinstance(trial.result, Tensor) and trial.result.requires_grad
            kept = "les valeurs sont justes, mais gardent le graphe de calcul."
            changed = "les valeurs sont justes, mais le réseau en sort changé."
            facts += [Fact(int(graph), kept), Fact(weights_of(model), changed)]
            facts.append(Fact(int(_runs(model, probe)), changed))
            facts.append(hooks_left(model))
        clues = tuple(_is_list(trial.result) for trial in trials)
        return Observation(Seen(facts, clues), trials, tries[-1][0], bool(ran), refusal)


def _is_list(result: object) -> bool:
    """Whether it is a tensor by batch, not joined."""
    return isinstance(result, list | tuple) and any(isinstance(one, Tensor) for one in result)


def _running(model: nn.Module) -> Tensor:
    return model.features[BATCH_NORM].running_mean.clone()


def _runs(model: nn.Module, probe: Tensor) -> bool:
    try:
        with torch.no_grad():
            return model.eval()(probe).shape == (len(probe), 5)
    except Exception:  # it lost a layer
        return False
