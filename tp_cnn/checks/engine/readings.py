"""The checks of a function that looks at a network: its maps, a gradient, what hides a part of it.

Networks are small ones with ``.features`` (a batch normalisation among them) and ``.classifier``,
in eval mode; an image is (3, H, L), not square. Nothing here is a right answer: what is told is the
result, and how the function leaves the network and the image.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tp_cnn.checks.engine.calls import try_all
from tp_cnn.checks.engine.facts import Fact, Seen
from tp_cnn.checks.engine.loops import LoopCheck, Observation, hooks_left, weights_of

CLASSES, HEIGHT, WIDTH = 5, 8, 12
MAPS = 6
BATCH_NORM = 1  # its place in the features
SCALE = 3.0  # of the last layer: sure of itself, the network shows what a softmax changes


class _SeenNetwork(nn.Module):
    """A network that has "learnt": its batch norm has seen images."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, MAPS, 3, padding=1),
            nn.BatchNorm2d(MAPS),
            nn.MaxPool2d(2),
            nn.Tanh(),
            nn.InstanceNorm2d(MAPS),  # maps of sum 0: any mixture of them has both signs
        )
        size = MAPS * HEIGHT // 2 * WIDTH // 2
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(size, CLASSES))
        with torch.no_grad():
            self.classifier[-1].weight *= SCALE
            self.features(2 * torch.randn(50, 3, HEIGHT, WIDTH) + 0.5)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _image() -> Tensor:
    return torch.randn(3, HEIGHT, WIDTH)


class ReadingCheck(LoopCheck):
    """The check of a function that looks at a network without changing it -> numbers.

    One class a kind of arguments: ``names``, the network first.
    """

    trains = False

    def draw(self) -> list[tuple]:
        """Two tuples of arguments, drawn by PyTorch, of which every argument differs."""
        raise NotImplementedError

    def observe(self, function: Callable) -> Observation:
        drawn = self.draw()
        networks = [arguments[0] for arguments in drawn]
        ran: list[bool] = []
        watched = [
            layer.register_forward_pre_hook(lambda *_: ran.append(True))
            for network in networks
            for layer in network.modules()
        ]
        trials, refusal = try_all(function, iter(drawn))
        for hook in watched:
            hook.remove()
        facts = []
        for trial, arguments in zip(trials, drawn, strict=False):
            facts.append(Fact(trial.result, when="pour un réseau et une image, "))
            facts += _left(trial.result, arguments)
        return Observation(Seen(facts), trials, networks[-1], bool(ran), refusal)


def _left(result: object, arguments: tuple) -> list[Fact]:
    """What must be as it was, and what must not be kept."""
    network, image = arguments[0], next(one for one in arguments if isinstance(one, Tensor))
    right = "les valeurs sont justes, mais "
    trains = any(module.training for module in network.modules())
    graph = isinstance(result, Tensor) and result.requires_grad
    return [
        hooks_left(network),
        Fact(image.detach(), f"{right}l'image reçue a changé : travaillez sur une copie."),
        Fact(
            int(image.requires_grad),
            f"{right}l'image reçue demande maintenant un gradient : travaillez sur une copie.",
        ),
        Fact(int(graph), f"{right}elles gardent le graphe de calcul."),
        Fact(_state(network), f"{right}le réseau en sort changé."),
        Fact(int(trains), f"{right}le réseau, reçu en mode eval(), en sort en mode train()."),
    ]


def _state(network: nn.Module) -> np.ndarray:
    """Weights, and what the batch normalisations keep."""
    kept = [one.float().flatten() for one in network.buffers()]
    return np.concatenate([weights_of(network), torch.cat(kept).numpy()])


class MapsCheck(ReadingCheck):
    """The check of ``maps(model, layer, image)``."""

    names = ("model", "layer", "image")

    def draw(self) -> list[tuple]:
        networks = [_SeenNetwork(), _SeenNetwork()]
        layers = [networks[0].features[0], networks[1].features[2]]
        return [(one, layer, _image()) for one, layer in zip(networks, layers, strict=True)]


class _Score(nn.Module):
    """A smooth score of an image, one number, unlike for each network drawn."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Tanh())
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)[:, 1].mean()


class AscentCheck(ReadingCheck):
    """The check of ``ascend(score, image, steps, rate)``."""

    names = ("score", "image", "steps", "rate")

    def draw(self) -> list[tuple]:
        return [(_Score(), _image(), *one) for one in [(3, 0.5), (5, 0.8)]]


def _predicted(network: nn.Module, image: Tensor) -> int:
    with torch.no_grad():
        return int(network(image[None]).argmax())


class LabelCheck(ReadingCheck):
    """The check of ``look(model, image, label)``, and of one more setting in what derives from it.

    Attributes:
        settings: the two values of that setting.
    """

    names = ("model", "image", "label")
    settings: tuple = ()

    def draw(self) -> list[tuple]:
        seen = [(_SeenNetwork(), _image()) for _ in range(2)]
        label, *others = torch.randperm(CLASSES).tolist()
        # A network that predicts the class asked twice hides that another one was read.
        other = next(one for one in others if one != _predicted(*seen[1]))
        more = [(one,) for one in self.settings] or [(), ()]
        return [
            (*both, asked, *setting)
            for both, asked, setting in zip(seen, (label, other), more, strict=True)
        ]


class OcclusionCheck(LabelCheck):
    """The check of ``occlusion(model, image, label, size)``."""

    names = ("model", "image", "label", "size")
    settings = (2, 4)


class AdversarialCheck(LabelCheck):
    """The check of ``move(model, image, label, epsilon)``."""

    names = ("model", "image", "label", "epsilon")
    settings = (0.1, 0.3)

    def draw(self) -> list[tuple]:
        drawn = super().draw()
        drawn[1][0].features[0].weight.data[:, 0] = 0  # a channel not read: a gradient of sign 0
        return drawn
