"""The checks of a training step and of an evaluation, by what they do to a small network.

What a function does is a list of facts: the weights it leaves, the number it returns, the mode it
puts the network in.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from tp_cnn.checks.engine.calls import (
    Refused,
    Trial,
    private_draws,
    refuse_blanks,
    require_function,
    told,
    try_all,
)
from tp_cnn.checks.engine.facts import Fact, Seen, judge_facts
from tp_cnn.checks.engine.framework import Check, Verdict
from tp_cnn.display import decimal

CLASSES = 5
UNREADABLE = (
    "la fonction laisse un réseau dont on ne retrouve plus les parties.\n  → Ne remplacez, et ne "
    "retirez, que ce que l'énoncé demande."
)
RANKS = ["le premier pas", "le deuxième pas", "le troisième pas"]
COPY = "c'est une copie du réseau qui apprend : celui qui est reçu n'a pas bougé."


class OnlyIterated:
    """Batches to go through, and nothing more: the notebooks give objects without a length."""

    def __init__(self, batches: list[tuple[Tensor, Tensor]]):
        self._batches = batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(self._batches)


@dataclass
class Observation:
    """What a function did, and how far it went."""

    seen: Seen
    trials: list[Trial]
    model: nn.Module  # as the function left it
    ran: bool  # the function ran the network
    refusal: Refused | None = None  # the function failed after these facts


class LoopCheck(Check):
    """Base of the checks of loops: ``answer`` and the mistakes' answers are functions."""

    names: Sequence[str]
    trains = True  # whether the network must be left in train mode

    def observe(self, function: Callable) -> Observation:
        """Run ``function`` on a network and images drawn by PyTorch."""
        raise NotImplementedError

    def judge(
        self, student: object, rng: np.random.Generator, see: Callable | None = None
    ) -> Verdict:
        """``see``: another way to call `seen_of`, into the process of the student's function."""
        seed = int(rng.integers(2**31))
        observed, right = (see or self.seen_of)(student, seed), self._observe(self.answer, seed)
        if not observed.ran and not observed.refusal:
            refuse_blanks([trial.result for trial in observed.trials])
        verdict = judge_facts(
            self.completed(observed, right).seen,
            right.seen,
            self.mistakes,
            lambda answer: self.completed(self._observe(answer, seed), right).seen,
            self.tolerance,
        )
        if verdict:
            printed = told(observed.trials[0].printed if observed.trials else "")
            return replace(verdict, message=verdict.message + printed)
        if observed.refusal:
            raise observed.refusal
        if len(observed.seen.facts) < len(right.seen.facts):  # from another process only
            raise Refused("votre fonction n'a pas été suivie jusqu'au bout.")
        return Verdict("right", f"valeurs comparées à {decimal(self.tolerance, 'g')} près.")

    def seen_of(self, student: object, seed: int) -> Observation:
        """What a student's function does; may raise `Refused`. It needs no right answer."""
        require_function(student, list(self.names))
        try:
            return self._observe(student, seed)
        except Refused:
            raise
        except Exception:  # facts are read in parts of the network, that it may have lost
            raise Refused(UNREADABLE, "parts") from None

    def completed(self, observed: Observation, right: Observation) -> Observation:
        """What was seen, with what only the right answer can tell."""
        return observed

    def _observe(self, function: Callable, seed: int) -> Observation:
        with private_draws(seed), torch.enable_grad():
            found = self.observe(function)
        if found.refusal:
            return found
        after = _after(found.model, self.trains)
        return replace(found, seen=replace(found.seen, facts=[*found.seen.facts, *after]))


def _after(model: nn.Module, trains: bool) -> list[Fact]:
    """What the function must leave as it was."""
    frozen = any(not weights.requires_grad for weights in model.parameters())
    waiting = any(not module.training for module in model.modules())
    left = "tout est juste, mais la fonction laisse "
    return [
        Fact(int(frozen), f"{left}des poids gelés (requires_grad=False)."),
        Fact(int(trains and waiting), f"{left}le réseau en mode eval()."),
    ]


class TrainingStepCheck(LoopCheck):
    """The check of ``step(model, images, labels, criterion, optimizer)`` -> loss of the batch.

    The network is in training mode, with a batch normalisation; three batches follow each other.
    """

    names = ("model", "images", "labels", "criterion", "optimizer")

    def observe(self, function: Callable) -> Observation:
        model = small_network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
        events: list[str] = []
        model.register_forward_hook(lambda one, *_: events.append(forward_of(one, model)))
        model[-1].bias.register_hook(lambda _: events.append("backward"))
        optimizer.register_step_pre_hook(lambda *_: events.append("step"))
        weights = [weights_of(model)]
        # All drawn before: what the function draws must not change them.
        batches = [(torch.randn(10, 1, 4, 4), torch.randint(CLASSES, (10,))) for _ in RANKS]
        before = [images.clone() for images, _ in batches]

        def tries() -> Iterator[tuple]:
            for (images, labels), criterion in zip(batches, criteria, strict=True):
                yield model, images, labels, criterion, optimizer
                weights.append(weights_of(model))  # reached only if the function did not fail

        smooth = [0.0, 0.3, 0.1]  # to do without the criterion received shows at the second step
        criteria = [nn.CrossEntropyLoss(label_smoothing=one) for one in smooth]
        trials, refusal = try_all(function, tries())
        still = np.array_equal(weights[-1], weights[0])
        facts = [copy_fact(events, still), _images_fact(batches, before)]
        used = "step" in events
        facts += [_weights_fact(weights, step, used) for step in range(1, len(weights))]
        if not refusal:
            facts += loss_facts([trial.result for trial in trials])
        clues = ("step" in events, *backward_clues(events))
        ran = any(event.startswith("forward") for event in events)
        return Observation(Seen(facts, clues), trials, model, ran, refusal)


def small_network() -> nn.Sequential:
    """The normalisation comes after ReLU: before it, it would cancel any change of the images."""
    layers = [nn.Linear(16, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, CLASSES)]
    return nn.Sequential(nn.Flatten(), *layers)


def forward_of(network: nn.Module, received: nn.Module) -> str:
    """The event of a pass: the copies of a network keep its hooks."""
    return "forward" if network is received else "forward of a copy"


def copy_fact(events: list[str], still: bool) -> Fact:
    return Fact(int(still and "forward of a copy" in events), COPY)


def backward_clues(events: list[str]) -> tuple[bool, bool]:
    """Whether gradients are computed, and before the first step."""
    first = [events.index(name) for name in ("backward", "step") if name in events]
    return "backward" in events, first == sorted(first)


def _images_fact(batches: list[tuple[Tensor, Tensor]], before: list[Tensor]) -> Fact:
    pairs = zip(batches, before, strict=True)
    changed = any(not torch.equal(images, kept) for (images, _), kept in pairs)
    return Fact(int(changed), "la fonction modifie les images reçues.")


def weights_of(model: nn.Module) -> np.ndarray:
    return torch.cat([weights.detach().flatten() for weights in model.parameters()]).numpy()


def hooks_left(model: nn.Module) -> Fact:
    """How many hooks, of any kind, are still on the layers."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    count = sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)
    return Fact(count, "les valeurs sont justes, mais la fonction laisse un hook sur une couche.")


def _weights_fact(weights: list[np.ndarray], step: int, used: bool) -> Fact:
    if np.array_equal(weights[step], weights[step - 1]):
        sentence = f"après {RANKS[step - 1]}, les poids du réseau n'ont pas bougé."
        return Fact(weights[step], sentence)
    if not used:
        moved = "les poids bougent sans que l'optimiseur reçu, optimizer, ait fait un pas"
        sentence = f"{moved}, et n'arrivent pas où il faut."
        return Fact(weights[step], sentence)
    if step == 1:
        sentence = "dès le premier pas, les poids du réseau ne vont pas là où il faut."
    else:
        sentence = f"le premier pas est juste, mais {RANKS[step - 1]} va dans une autre direction."
    return Fact(weights[step], sentence, vague=True)


def loss_facts(losses: list) -> list[Fact]:
    """What to say of the losses that a training returned, once its weights are right."""
    graph = [int(isinstance(loss, Tensor) and loss.requires_grad) for loss in losses]
    return [
        Fact(graph, "les poids sont justes, mais le coût renvoyé garde le graphe de calcul."),
        *[Fact(loss, when="les poids sont justes ; pour le coût renvoyé, ") for loss in losses],
    ]


class EvaluationCheck(LoopCheck):
    """The check of ``evaluate(model, batches)`` -> accuracy between 0 and 1.

    The network comes in training mode, with a dropout. The first try has one batch of as many
    images as classes; the second has three batches, the last one smaller.
    """

    names = ("model", "batches")
    trains = False

    def observe(self, function: Callable) -> Observation:
        dropout = nn.Dropout()
        layers = [nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), dropout, nn.Linear(8, CLASSES)]
        model = nn.Sequential(*layers)
        one = [_batch(model, CLASSES, correct=_drawn(2, 3))]
        sizes, corrects = _three_batches()
        three = [_batch(model, *one) for one in zip(sizes, corrects, strict=True)]
        before = weights_of(model)
        modes: list[bool] = []  # of the layer that runs, in a copy of the network too
        graphs: list[bool] = []
        dropout.register_forward_hook(lambda layer, *_: modes.append(layer.training))
        model.register_forward_hook(lambda *seen: graphs.append(seen[-1].requires_grad))

        def tries() -> Iterator[tuple]:
            for batches in (one, three):
                yield model.train(), OnlyIterated(batches)

        trials, refusal = try_all(function, tries())
        whens = [
            f"pour un lot de {CLASSES} images, ",
            "pour trois lots de {}, {} et {} images, ".format(*sizes),
        ]
        moved = weights_of(model) - before
        facts = [
            Fact(int(any(modes)), "pendant l'évaluation, le réseau est encore en mode train()."),
            Fact(moved, "l'évaluation change les poids du réseau : elle mesure, et rien d'autre."),
            *[Fact(trial.result, when=when) for trial, when in zip(trials, whens, strict=False)],
        ]
        if not refusal:
            kept = "le résultat est juste, mais PyTorch a gardé le graphe de calcul."
            facts.append(Fact(int(any(graphs)), kept))
        # A constant is none of the mistakes; on a wrong axis, the second try fails.
        clues = bool(modes), refusal is None
        return Observation(Seen(facts, clues), trials, model, bool(modes), refusal)


def _drawn(low: int, high: int) -> int:
    """A whole number, both limits included."""
    return int(torch.randint(low, high + 1, ()))


def _three_batches() -> tuple[list[int], list[int]]:
    """Sizes, the last one smaller, and images well classified; every wrong mean shows."""
    while True:
        size, last = _drawn(6, 9), _drawn(2, 4)
        sizes, corrects = [size, size, last], [_drawn(2, size - 1), _drawn(2, size - 1), last]
        share = sum(corrects) / sum(sizes)
        mean, first = sum(np.divide(corrects, sizes)) / 3, corrects[0] / size
        gaps = share - mean, share - first, share - 0.5, mean - first
        if all(abs(gap) > 0.02 for gap in gaps):
            return sizes, corrects


def _batch(model: nn.Module, size: int, correct: int) -> tuple[Tensor, Tensor]:
    """Images of which ``model`` classifies ``correct`` well, and labels that show a wrong axis."""
    while True:
        images = 3 * torch.randn(size, 1, 4, 4)
        with torch.no_grad():
            scores = model.eval()(images)
        labels = scores.argmax(1)
        labels[correct:] = (labels[correct:] + 1) % CLASSES
        # None, or as many as the images well classified, or badly, would hide the mistake.
        hiding = 0, correct, size - correct
        if size != CLASSES or (scores.argmax(0) == labels).sum() not in hiding:
            return images, labels
