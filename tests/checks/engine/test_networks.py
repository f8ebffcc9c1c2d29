"""What the checks of networks, steps, evaluations and tables do, beyond their tables of answers."""

import copy

import pytest
import torch
from torch import nn

from tp_cnn.checks import ameliorations, architectures, cifar, lenet
from tp_cnn.checks.engine.framework import Mistake
from tp_cnn.checks.engine.network_mistakes import NETWORK_MISTAKES, instead, without
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.models import CifarNet, LeNet5

with torch.device("meta"):
    RIGHT = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 8),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(8, 2),
    )
improved = NetworkCheck(
    "Un réseau avec normalisation par lot et dropout.",
    answer=[RIGHT],
    image_shape=(3, 8, 8),
    mistakes=[
        Mistake("rate", instead(nn.Dropout, nn.Dropout(0.2)), "Le taux du dropout est à revoir."),
        Mistake("no-dropout", without(nn.Dropout), "Il manque le dropout."),
        *NETWORK_MISTAKES,
    ],
)


def improved_network(rate=0.5, last=(nn.ReLU, nn.Dropout), normalise=True):
    between = [layer(rate) if layer is nn.Dropout else layer() for layer in last]
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        *[nn.BatchNorm2d(4)] * normalise,
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 8),
        *between,
        nn.Linear(8, 2),
    )


def test_models_of_the_package_are_right():
    assert lenet.lenet5(LeNet5).ok
    assert lenet.lenet5(LeNet5("tanh")).ok
    assert cifar.cifarnet(CifarNet).ok
    assert cifar.cifarnet(CifarNet(batch_norm=True)).mistake == "extra-layer"
    assert cifar.cifarnet(CifarNet(dropout=0.1)).mistake == "dropout"


@pytest.mark.parametrize("seed", range(3))
def test_batch_normalisation_and_dropout_may_be_asked(seed):
    assert improved(improved_network(), seed=seed).ok
    assert improved(improved_network(last=(nn.Dropout, nn.ReLU)), seed=seed).ok  # the same function
    assert improved(improved_network(rate=0.2), seed=seed).mistake == "rate"
    assert improved(improved_network(last=[nn.ReLU]), seed=seed).mistake == "no-dropout"
    assert improved(improved_network(normalise=False), seed=seed).mistake == "missing-layer"


def test_a_check_changes_nothing_around_it():
    network = nn.Sequential(LeNet5(), nn.Softmax(1)).eval()
    before = copy.deepcopy(network.state_dict())
    torch.manual_seed(3)
    drawn = torch.rand(5)
    torch.manual_seed(3)
    lenet.lenet5(network)
    improved(improved_network)
    lenet.evaluation(lambda model, batches: torch.rand(1) * torch.set_grad_enabled(False))
    cifar.training_step(lambda *inputs: torch.rand(1))
    assert torch.is_grad_enabled()
    torch.manual_seed(3)
    cifar.training_step(lambda *inputs: torch.rand(1).item())
    lenet.lenet5(network)
    assert torch.equal(torch.rand(5), drawn)
    assert not network.training
    assert not network[0]._forward_hooks
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


class Unusual(nn.Module):
    """Document 001's network, its dense layer used in an unusual way."""

    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(3, 50, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(50, 100, 3, padding=1),
            nn.ReLU(),
        )
        self.dense = nn.Linear(100, 10)


class BatchLost(Unusual):
    def forward(self, images):
        return self.dense(self.convs(images).amax((0, 2, 3)))


class GivenAway(Unusual):
    def forward(self, images):
        values = self.convs(images).amax((2, 3))
        return nn.functional.linear(values, self.dense.weight, self.dense.bias)


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = [*Unusual().convs, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(100, 10)]

    def forward(self, images):
        for layer in self.parts:
            images = layer(images)
        return images


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (BatchLost, "la première dimension est le lot"),
        (GivenAway, "Appelez la couche"),
        (Listed, "self.parts = nn.ModuleList(...)"),
    ],
)
def test_what_is_unusual_is_told_as_it_is(network, words):
    verdict = architectures.mended(network)
    assert verdict.status == "wrong"
    assert words in verdict.message


def test_a_network_that_is_built_below_must_not_come_built():
    layers = [*Unusual().convs, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(100, 10)]
    verdict = architectures.mended(nn.Sequential(*layers))
    assert (verdict.status, verdict.mistake) == ("wrong", "type")
    assert "une fonction sans argument, ou une classe" in verdict.message


def zeros(network):
    for weights in network.parameters():
        nn.init.zeros_(weights).requires_grad_(False)
    return network


def test_zero_or_frozen_weights_hide_no_other_mistake():
    assert cifar.cifarnet(zeros(nn.Sequential(CifarNet(), nn.Tanh()))).mistake == (
        "final-activation"
    )


class Cut(CifarNet):
    def forward(self, images):
        return self.classifier(self.features(images).detach())


def test_a_right_network_that_cannot_learn_is_told_why():
    frozen, equal = CifarNet(), CifarNet()
    frozen.classifier[-1].weight.requires_grad_(False)
    nn.init.ones_(equal.features[0].weight)
    same = CifarNet()
    for network, mistake, words in [
        (frozen, "frozen", "Linear(1000, 10) est gelée"),
        (equal, "constant", "les poids de Conv2d(3, 32, 5) sont égaux"),
        (Cut, "cut", "aucun gradient n'arrive à Conv2d(3, 32, 5)"),
        (lambda: same, "same-object", "la fonction renvoie le même réseau"),
    ]:
        verdict = cifar.cifarnet(network)
        assert (verdict.status, verdict.mistake) == ("wrong", mistake)
        assert words in verdict.message
    assert cifar.cifarnet(same).ok


class Broken(LeNet5):
    def forward(self, images):
        maps = self.features(images)
        return self.classifier(maps.reshape(-1, 5))  # not an image a row


def test_error_in_forward_shows_its_line_and_the_layer():
    message = lenet.lenet5(Broken).message
    assert "jusqu'à Linear(400, 120), le calcul diffère" in message
    assert "return self.classifier(maps.reshape(-1, 5))  # not an image a row" in message


def test_several_mistakes_are_told_in_the_order_of_the_network():
    network = CifarNet()
    network.features[0] = nn.Conv2d(3, 32, 5)
    network.features[5] = nn.Sigmoid()
    network.classifier.append(nn.Softmax(1))
    assert cifar.cifarnet(network).mistake == "no-padding"
    network.features[0] = nn.Conv2d(3, 32, 5, padding=2)
    assert cifar.cifarnet(network).mistake == "sigmoid"
    network.features[5] = nn.ReLU()
    assert cifar.cifarnet(network).mistake == "softmax"


def test_a_mistake_that_is_not_known_is_still_located():
    network = CifarNet()
    network.features[2] = nn.Tanhshrink()
    verdict = cifar.cifarnet(network)
    assert (verdict.status, verdict.mistake) == ("wrong", None)
    assert "n° 1 (Conv2d(3, 32, 5)) ; ensuite, jusqu'à Conv2d(32, 64, 5)" in verdict.message


def test_a_step_with_two_mistakes_is_told_the_first_then_the_second():
    def step(model, images, labels, criterion, optimizer, zero_grad=False):
        if zero_grad:
            optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    def better(*inputs):
        return step(*inputs, zero_grad=True)

    assert cifar.training_step(step).mistake == "no-zero-grad"
    assert cifar.training_step(better).mistake == "graph"


def test_a_step_with_an_optimizer_of_its_own_is_refused():
    def step(model, images, labels, criterion, optimizer):
        own = torch.optim.SGD(model.parameters(), lr=0.2)
        own.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        own.step()
        return loss.item()

    verdict = cifar.training_step(step)
    assert verdict.status == "wrong"
    assert "sans que l'optimiseur reçu" in verdict.message


def test_signature_and_errors_of_a_step():
    verdict = cifar.training_step(lambda model, images, labels: None)
    assert verdict.message == (
        "votre fonction doit accepter 5 arguments, dans cet ordre : "
        "model, images, labels, criterion, optimizer."
    )

    def step(model, images, labels, criterion, optimizer):
        print("debut")
        with torch.no_grad():
            loss = criterion(model(images), labels)
        loss.backward()

    message = cifar.training_step(step).message
    assert "loss.backward()\n  RuntimeError : element 0 of tensors does not require grad" in message
    assert message.endswith("Votre code a affiché :\n    debut")


def test_an_evaluation_that_forgets_eval_and_more_is_told_eval_first():
    def evaluate(model, batches):
        return 100 * sum(float((model(x).argmax(1) == y).float().mean()) for x, y in batches)

    assert lenet.evaluation(evaluate).mistake == "train-mode"
    assert lenet.evaluation(lambda model, batches: evaluate(model.eval(), batches)).mistake == (
        "percent"
    )


def test_cells_of_a_table_are_judged_one_by_one():
    table = {name: list(cells) for name, cells in cifar.layer_table.answer.items()}
    table["conv2"][1], table["pool1"][1], table["fc4"][0] = 51_200, 128, (999,)
    verdict = cifar.layer_table(table)
    assert verdict.mistake == "pooling-weights"
    lines = verdict.message.splitlines()
    assert lines[0] == "13 cases justes sur 16."
    assert [line.split(" :")[0].strip() for line in lines[1:]] == [
        "pool1, nombre de poids",
        "→ Un pooling prend un maximum",
        "conv2, nombre de poids",
        "→ Le biais est oublié",
        "fc4, taille de sortie",
        "→ C'est tout près",
    ]
    table["fc5"] = ...
    table["conv1"][0] = (32, ..., ...)
    assert str(cifar.layer_table(table)) == "◻ À faire : il reste 3 cases à remplir."
    table["pool1"][1] = None
    assert cifar.layer_table(table).message.endswith(
        "None compte comme une case vide : écrivez un nombre."
    )
    del table["fc5"]
    assert cifar.layer_table(table).message.endswith("fc4, fc5) ; vous en donnez 7.")


def test_a_batch_flattened_with_its_images_is_said(capsys):
    layers = [nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(6, 16, 5)]
    layers += [nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(0), nn.Linear(400, 120), nn.ReLU()]
    layers += [nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    assert not lenet.lenet5(nn.Sequential(*layers)).ok
    assert "la première dimension est le lot" in capsys.readouterr().out


def stages(convolution=nn.Conv2d, normalisation=nn.BatchNorm2d, bias=True):
    """A builder of the convolutions of notebook 05."""

    def stage(inputs, filters, ceil_mode=False):
        first = convolution(inputs, filters, 5, padding=2, bias=bias)
        pooling = nn.MaxPool2d(2, ceil_mode=ceil_mode)
        return [first, normalisation(filters), nn.ReLU(), pooling]

    return lambda: nn.Sequential(*stage(3, 32), *stage(32, 64), *stage(64, 64, ceil_mode=True))


def lazy_convolution(inputs, filters, *sizes, **settings):
    return nn.LazyConv2d(filters, *sizes, **settings)


@pytest.mark.parametrize(
    "network",
    [
        stages(convolution=lazy_convolution),
        stages(normalisation=lambda channels: nn.LazyBatchNorm2d()),
        stages(lazy_convolution, lambda channels: nn.LazyBatchNorm2d()),
    ],
)
def test_lazy_modules_are_right(network):
    verdict = ameliorations.features(network)
    assert verdict.ok, verdict


def test_a_bias_left_out_before_a_normalisation_deserves_a_word():
    verdict = ameliorations.features(stages(bias=False))
    assert verdict.ok
    assert "Un biais est omis avant une normalisation par lot : c'est permis" in verdict.message
    assert "biais" not in ameliorations.features(stages()).message


class OwnDropout(nn.Module):
    def __init__(self, p=0.5, scale=None, image_by_image=True):
        super().__init__()
        self.p, self.scale = p, 1 / (1 - p) if scale is None else scale
        self.image_by_image = image_by_image

    def forward(self, values):
        if not self.training:
            return values
        shape = values.shape if self.image_by_image else values.shape[1:]
        return values * (torch.rand(shape) >= self.p) * self.scale


def dense_layers(dropout):
    return lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(1024, 1000), nn.ReLU(), dropout, nn.Linear(1000, 10)
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_dropout_of_one_s_own_is_right(seed):
    def check(**settings):
        return ameliorations.classifier(dense_layers(OwnDropout(**settings)), seed=seed)

    assert check().ok
    assert check(p=0.4).mistake == "rate"
    assert not check(scale=1.0).ok
    assert not check(image_by_image=False).ok


class OwnNormalisation(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(one(channels)) for one in (torch.ones, torch.zeros))
        self.register_buffer("moving_mean", torch.zeros(channels))
        self.register_buffer("moving_variance", torch.ones(channels))
        self.eps = eps

    def forward(self, maps):
        mean, variance = self.moving_mean, self.moving_variance
        if self.training:
            mean, variance = maps.mean((0, 2, 3)), maps.var((0, 2, 3), correction=0)
            with torch.no_grad():
                self.moving_mean.lerp_(mean, 0.1)
                self.moving_variance.lerp_(maps.var((0, 2, 3)), 0.1)
        mean, variance, gamma, beta = (
            one.view(1, -1, 1, 1) for one in (mean, variance, self.gamma, self.beta)
        )
        return gamma * (maps - mean) / (variance + self.eps).sqrt() + beta


def test_a_normalisation_of_one_s_own_is_right():
    verdict = ameliorations.features(stages(normalisation=OwnNormalisation))
    assert verdict.ok, verdict
    wrong = stages(normalisation=lambda channels: OwnNormalisation(channels, eps=1.0))
    assert not ameliorations.features(wrong).ok


def by_hand(factor):
    def train(model, batches, epochs):
        speeds = [torch.zeros_like(weights) for weights in model.parameters()]
        rates = [0.01 * factor**epoch for epoch in range(epochs)]
        model.train()
        for rate in rates:
            for images, labels in batches:
                model.zero_grad()
                nn.functional.cross_entropy(model(images), labels).backward()
                with torch.no_grad():
                    for weights, speed in zip(model.parameters(), speeds, strict=True):
                        speed.mul_(0.9).add_(weights.grad)
                        weights.sub_(rate * speed)
        return rates

    return train


def test_an_update_written_by_hand_is_right():
    assert ameliorations.training_loop(by_hand(0.95)).ok
    verdict = ameliorations.training_loop(by_hand(0.5))
    assert not verdict.ok
    assert "sans optimiseur de PyTorch" in verdict.message


def test_a_training_loop_may_evaluate_in_between_but_must_count_its_epochs():
    def train(model, batches, epochs, ignored=False):
        rates = by_hand(0.95)(model.train(), batches, 4 if ignored else epochs)
        model.eval()(next(iter(batches))[0])
        model.train()
        return rates

    assert ameliorations.training_loop(train).ok
    assert not ameliorations.training_loop(lambda *inputs: train(*inputs, ignored=True)).ok


def layer_norms():
    sides = iter([28, 14, 7])
    return stages(normalisation=lambda channels: nn.LayerNorm([channels, *[next(sides)] * 2]))()


@pytest.mark.parametrize(
    "network",
    [
        layer_norms,
        stages(normalisation=lambda channels: nn.GroupNorm(1, channels)),
        stages(normalisation=nn.InstanceNorm2d),  # without weights: nothing to see in its place
        stages(normalisation=lambda channels: nn.InstanceNorm2d(channels, affine=True)),
    ],
)
def test_another_normalisation_is_called_by_its_name(network):
    verdict = ameliorations.features(network)
    assert verdict.mistake == "other-normalisation"
    assert "n'est pas une normalisation par lot" in verdict.message
    assert "Il manque une couche" not in verdict.message


class KeptMask(nn.Module):
    """Its mask is drawn once, when the network is built."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", (torch.rand(1000) < 0.5).float())

    def forward(self, values):
        return values * self.mask * 2 if self.training else values


def test_a_mask_that_never_changes_is_named():
    assert ameliorations.classifier(dense_layers(KeptMask())).mistake == "same-mask"


@pytest.mark.parametrize("step_size", [2, 10])
def test_stairs_are_not_told_constant(step_size):
    def train(model, batches, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size, 0.95)
        rates = []
        for _ in range(epochs):
            rates.append(scheduler.get_last_lr()[0])
            for images, labels in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(images), labels).backward()
                optimizer.step()
            scheduler.step()
        return rates

    verdict = ameliorations.training_loop(train)
    assert verdict.mistake == "stairs"
    assert f"toutes les {step_size} époques" in verdict.message
    assert "step" not in vars(torch.optim.lr_scheduler.StepLR)  # left as it was


class MadeInForward(Unusual):
    """A dense layer that is new, and forgets all, at each pass."""

    def forward(self, images):
        return nn.Linear(100, 10)(self.convs(images).amax((2, 3)))


class InADictionary(Unusual):
    def __init__(self):
        super().__init__()
        self.parts = {"convs": self.convs, "dense": self.dense}
        del self.convs, self.dense

    def forward(self, images):
        return self.parts["dense"](self.parts["convs"](images).amax((2, 3)))


@pytest.mark.parametrize("build", [MadeInForward, InADictionary])
def test_a_layer_that_the_network_does_not_hold_is_not_called_missing(build):
    verdict = architectures.mended(build)
    assert verdict.mistake == "outsider"
    assert "sert dans forward sans faire partie du réseau" in verdict.message


def lenet_without(*lines):
    network = LeNet5()
    layers = [*network.features, nn.Flatten(), *network.classifier]
    dense = [one for one in layers if isinstance(one, nn.Linear)]
    return nn.Sequential(*[one for one in layers if one not in [dense[line] for line in lines]])


@pytest.mark.parametrize("line", [0, 1])
def test_a_line_that_is_forgotten_is_not_a_wrong_number_of_neurons(line):
    verdict = lenet.lenet5(lambda: lenet_without(line))
    assert verdict.mistake == "missing-layer", verdict


class Exponentials(nn.Module):
    """A softmax by hand, that overflows on bright images."""

    def forward(self, scores):
        return scores.exp() / scores.exp().sum(1, keepdim=True)


def test_what_overflows_is_not_told_to_be_drawn():
    verdict = lenet.lenet5(lambda: nn.Sequential(LeNet5(), Exponentials()))
    assert (verdict.status, verdict.mistake) == ("wrong", None)
    assert "hasard" not in verdict.message


def test_a_cell_of_another_row_is_not_told_where_that_row_is_right():
    sizes = [(32, 32, 32), (32, 16, 16), (64, 16, 16), (64, 8, 8), (64, 8, 8), (64, 4, 4), 1000, 10]
    counts = [2432, 0, 51264, 0, 102464, 0, 1025000, 10010]
    rows = list(zip(sizes, counts, strict=True))
    halved = cifar.layer_table([((32, 16, 16), 2432), *rows[1:]])
    assert (halved.status, halved.clue) == ("wrong", "part")
    exchanged = [*rows[:6], (1000, 10010), (10, 1025000)]
    assert cifar.layer_table(exchanged).clue == "other-row"
    backwards = cifar.layer_table([row[::-1] for row in rows])
    assert (backwards.mistake, backwards.clue) == (None, "backwards")
    assert "sans virgule" not in backwards.message


def test_a_name_of_row_with_a_slip_does_not_move_the_others():
    verdicts = {
        "softmax": 1,
        "sortie": 1,  # « sorties »
        "maximum": 2,
        "sans pooling": 2,
        "in_features": 0,
        "out_features": 0,
        "inp_dim": 0,
    }
    assert architectures.defects(verdicts).ok
