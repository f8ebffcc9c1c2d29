# %% [markdown]
# # 05. Cinq améliorations, une par une
#
# À la fin de ce notebook, vous saurez :
#
# - normaliser des images sans rien apprendre du jeu de test, et les augmenter sans toucher au
#   test ;
# - régler momentum et décroissance du pas, et écrire une mise à jour avec momentum ;
# - écrire un dropout et une normalisation par lot qui se comportent comme ceux de PyTorch ;
# - mesurer l'effet d'un réglage honnêtement : un seul changement à la fois, plusieurs graines, le
#   même budget.
#
# **Durée :** 4 h (3 h sans les bonus)
#
# **Prérequis :** le notebook 04 (le réseau pour CIFAR-10 et son surapprentissage)

# %% parameters=true grading="images=100 validation=100 epochs=1 test=100 at_once=1 trial_images=64 trial_epochs=1"
from tp_cnn import runtime

P = runtime.parameters(
    quick={
        "images": 4000,
        "validation": 1000,
        "epochs": 7,
        "batch_size": 32,
        "test": 2000,
        "seeds": 1,
        "results": "",
        "at_once": 3,  # trainings on a processor, where there are as many cores
        "trial_images": 1000,
        "trial_epochs": 4,
        "trial_batch_size": 16,
    },
    full={
        "images": 45_000,
        "validation": 5000,
        "epochs": 15,
        "batch_size": 128,
        "test": 10_000,
        "seeds": 3,
        "results": "ameliorations",
        "trial_images": 10_000,
        "trial_epochs": 8,
        "trial_batch_size": 32,
    },
)
P

# %%
import tempfile
from functools import cache
from math import nan
from types import SimpleNamespace

import joblib
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, pad

# %%
from tp_cnn import training
from tp_cnn.experiments import reference
from tp_cnn.scratch import improvements
from tp_cnn.training import recipe
from tp_cnn.training.history import History
from tp_cnn.display import Table, announce, decimal, percent
from tp_cnn.checks import ameliorations as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.experiments.configurations import CONFIGURATIONS, CUMULATIVE, configure, recipes
from tp_cnn.data import augment as augmentations, normalise
from tp_cnn.data.batches import keep, split_train

# %%
from tp_cnn.data.classroom import load_for_class
from tp_cnn.errors import CourseError
from tp_cnn.experiments.comparison import compare
from tp_cnn.models import CifarNet, count_weights
from tp_cnn.plots import ameliorations as pictures, training as plots
from tp_cnn.plots.experiments import comparison
from tp_cnn.experiments.summaries import mean_and_spread, summarise

# %% [markdown]
# ## 1. Comment comparer
#
# Le réseau du notebook 04 apprenait ses images par cœur. Voici cinq remèdes, que l'on **ajoute l'un
# après l'autre**, dans l'ordre du sujet de TP : normalisation, augmentation, momentum et
# décroissance du pas, dropout, normalisation par lot. Chacun est un réglage du même appel : rien
# d'autre ne change, ni le budget, ni les images, ni la graine.
#
# La même graine redonne les mêmes tirages, donc les mêmes courbes sur votre machine. Sur une autre, ou
# avec un autre nombre de fils de calcul, les sommes se font dans un autre ordre : leurs arrondis
# suffisent pour que les courbes s'écartent un peu des vôtres.

# %%
train_set, test_set = load_for_class("cifar10", otherwise="shapes")
device = runtime.device()
announce(device=runtime.describe_device(device), data=train_set.name)

# %%
learn_set, validation_set = split_train(
    keep(train_set, P.images + P.validation), P.validation, seed=0
)
{
    "apprentissage": len(learn_set),
    "validation": len(validation_set),
    "test": min(P.test, len(test_set)),
}

# %% [markdown]
# `study` entraîne des configurations du paquet et range chaque époque dans un dossier. Ce qui y est
# déjà n'est pas refait : le profil complet, qui dure des heures sur un processeur, reprend là où on
# l'a arrêté (le dossier `ameliorations`, à côté de ce notebook). On compare sur la **validation** ; le
# test est mesuré une fois par apprentissage, à la fin, et n'intervient dans aucun choix. Sur un processeur, deux
# ou trois configurations qui se suivent s'entraînent en même temps, un cœur pour chacune : les suivantes
# attendent alors dans le dossier qu'on les demande.

# %%
folder = tempfile.TemporaryDirectory()
results = P.results or f"{folder.name}/ameliorations"


def budget(images, epochs):
    images += P.validation
    held_out = {"validation": P.validation, "test_images": P.test}
    return {"images": images, "epochs": epochs, **held_out}


# %%
dataset = train_set.name  # which goes to other processes, rather than the images
at_once = min(P.at_once, joblib.cpu_count()) if device.type == "cpu" else 1
GROUPS = [CUMULATIVE[start : start + at_once] for start in range(0, len(CUMULATIVE), at_once)]


@cache
def study(*names):
    """The summaries of these configurations, trained first if they are not in the results yet."""
    together = [one for group in GROUPS if {*group} & {*names} for one in group]
    common = {"dataset": dataset, "batch_size": P.batch_size}
    wanted = recipes(together, **common, **budget(P.images, P.epochs))
    runs = compare(wanted, P.seeds, results, jobs=at_once, say=lambda line: None)
    return [one for one in summarise(runs) if one.name in names]


# %%
def with_and_without(before, after, title):
    """The curves of two configurations, the second with one more improvement; first seed."""
    histories = [one.histories[0] for one in study(before, after)]
    return plots.curves(dict(zip(["sans", "avec"], histories, strict=True)), title)


# %% [markdown]
# Pour les essais plus courts, `trial` fait de même sur moins d'images, et sans le test. Lisez-la :
# tout ce que ce notebook va changer y passe, et vos propres essais aussi. `trials` en fait plusieurs,
# en même temps eux aussi.


# %%
def short(name, changes):
    """The recipe of a configuration on a small budget."""
    settings = {"dataset": dataset, "batch_size": P.trial_batch_size}
    return configure(name, **{**settings, **budget(P.trial_images, P.trial_epochs), **changes})


# %%
def trial(name, normalise=None, augment=None, optimizer=None, **changes):
    """The history of a short run; ``changes`` to its recipe, and functions of your own."""
    chosen = short(name, changes)
    runtime.seed_everything(chosen.seed)
    batches = recipe.prepare(chosen, device=device)
    for part in batches.values():
        part.normalise = normalise or part.normalise
    batches["train"].augment = (augment,) if augment else batches["train"].augment
    model = recipe.make_model(chosen, batches["train"].image_set)
    model = model.to(device, memory_format=torch.channels_last)
    descent = optimizer(model.parameters()) if optimizer else recipe.make_optimizer(chosen, model)
    scheduler, step_each = recipe.make_scheduler(chosen, descent, len(batches["train"]))
    options = {"epochs": chosen.epochs, "scheduler": scheduler, "step_each": step_each}
    return training.fit(
        model, batches["train"], batches["validation"], optimizer=descent, **options
    )


# %%
def trials(wanted, function=trial):
    """Label -> history; ``wanted`` gives, for each label, the arguments of `trial`."""
    calls = [joblib.delayed(function)(**arguments) for arguments in wanted.values()]
    return dict(zip(wanted, joblib.Parallel(n_jobs=at_once)(calls), strict=True))


# %%
def last_epochs(histories):
    """Where runs end: accuracies in train and in validation, and the gap between them."""

    def row(name, last):
        gap = round(100 * (last.train_accuracy - last.validation_accuracy))
        accuracies = [percent(last.train_accuracy, 1), percent(last.validation_accuracy, 1)]
        return [name, *accuracies, f"{gap:+d} point{'s' * (abs(gap) > 1)}"]

    header = ["configuration", "apprentissage", "validation", "écart"]
    return Table(header, [row(name, history[-1]) for name, history in histories.items()])


# %% [markdown]
# ## 2. Normaliser les images
#
# Des valeurs entre 0 et 1 sont toutes positives, et les canaux ne se ressemblent pas : la descente
# de gradient avance mal. On ramène donc chaque canal à une moyenne nulle et à un écart-type de 1 :
# à chaque pixel, on retire la moyenne $\mu_c$ de son canal, puis on divise par son écart-type
# $\sigma_c$. Cela fait six nombres, calculés une fois pour toutes.

# %% [markdown] question="statistiques" kind="code"
# ### Les six nombres
#
# Écrivez la fonction qui reçoit des images (un tenseur $N \times 3 \times H \times L$ de valeurs
# entre 0 et 1) et renvoie deux tenseurs de trois valeurs : la moyenne et l'écart-type de **tous les
# pixels** de chaque canal.

# %% [markdown] hint="statistiques"
# `images.mean(dim=…)` accepte plusieurs axes, et les fait tous disparaître. Lequel des quatre axes
# doit rester ?

# %% [markdown] hint="statistiques"
# Les axes s'appellent 0 (image), 1 (canal), 2 (ligne) et 3 (colonne) ; `images.std` prend le même
# argument que `images.mean`.


# %% answer="statistiques"
def channel_statistics(images):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # mean = ...
    # deviation = ...
    # return mean, deviation
    mean = images.mean(dim=(0, 2, 3))
    deviation = images.std(dim=(0, 2, 3))
    return mean, deviation
    ### END SOLUTION


# %% test="statistiques-test" points=2
check.channel_statistics(channel_statistics)
### BEGIN HIDDEN TESTS
grade(check.channel_statistics(channel_statistics, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Pour CIFAR-10, le sujet de TP annonce $\sigma = [0{,}202 ;\ 0{,}199 ;\ 0{,}201]$ comme
# l'écart-type des canaux sur l'ensemble d'apprentissage. Ce n'est pas celui des pixels : c'est la
# **moyenne des écarts-types de chaque image**, plus petite parce qu'elle oublie que des images sont
# claires et d'autres sombres. Voici les deux, sur dix mille images d'apprentissage, par votre
# fonction pour la première.

# %%
channel_statistics = check.channel_statistics.use(
    channel_statistics, otherwise=improvements.channel_statistics
)
many = keep(train_set, 10_000).images
mean, deviation = map(torch.as_tensor, channel_statistics(normalise.to_unit(many)))
per_image = normalise.channel_statistics(many, deviation="images")
Table(
    ["canal", "moyenne", "écart-type des pixels", "moyenne des écarts-types"],
    [
        [name, *(decimal(value, ".3f") for value in values)]
        for name, *values in zip(
            ["rouge", "vert", "bleu"], mean, deviation, per_image.std, strict=True
        )
    ],
)

# %% [markdown] question="normaliser" kind="code"
# ### Normaliser l'apprentissage et le test
#
# Écrivez la fonction qui reçoit les images d'apprentissage et celles de test (valeurs entre 0 et
# 1), et renvoie les deux, normalisées.

# %% [markdown] hint="normaliser"
# D'où viennent les six nombres ? Le réseau apprend avec une certaine échelle : la même doit servir
# ensuite, sans rien demander aux images de test.

# %% [markdown] hint="normaliser"
# Un tenseur de trois valeurs s'aligne sur le dernier axe ; avec `.view(3, 1, 1)`, il s'aligne sur
# les canaux.


# %% answer="normaliser"
def normalise_both(train, test):
    ### BEGIN SOLUTION
    mean = train.mean(dim=(0, 2, 3)).view(3, 1, 1)
    deviation = train.std(dim=(0, 2, 3)).view(3, 1, 1)
    return (train - mean) / deviation, (test - mean) / deviation
    ### END SOLUTION


# %% test="normaliser-test" points=3
check.normalise_both(normalise_both)
### BEGIN HIDDEN TESTS
grade(check.normalise_both(normalise_both, seed=1), points=3)
### END HIDDEN TESTS

# %%
normalise_both = check.normalise_both.use(normalise_both, otherwise=improvements.normalise_both)
unit = normalise.to_unit(learn_set.images[:1000])
pictures.channel_values({"entre 0 et 1": unit, "normalisées": normalise_both(unit, unit)[0]})

# %% [markdown]
# Voyons l'effet sur le réseau. **Prédisez d'abord**, en une ligne : la normalisation change-t-elle
# surtout le début ou la fin ? L'écart entre apprentissage et validation grandira-t-il ?

# %% [markdown]
# *Votre prédiction :*

# %% [markdown]
# Traits pleins : validation ; tirets : apprentissage.

# %%
with_and_without("base", "normalisation", "Avec et sans normalisation")

# %% [markdown]
# Et si l'on divise par l'un ou l'autre des deux écarts-types ? (Essai court, sur moins d'images.)

# %%
by_deviation = trials(
    {
        "écart-type des pixels": {"name": "normalisation"},
        "moyenne des écarts-types": {"name": "normalisation-images"},
    }
)
normalised = by_deviation["écart-type des pixels"]
last_epochs(by_deviation)

# %% [markdown] question="normalisation-effet" kind="experience" number="19"
# ### L'effet de la normalisation
#
# Décrivez vos résultats, et revenez à votre prédiction : que change la normalisation au début de
# l'apprentissage ? à la fin ?
# Le choix de l'écart-type compte-t-il, et pourquoi ?

# %% [markdown] answer="normalisation-effet-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Le réseau quitte bien plus tôt le palier du hasard : dès la première époque, il est là où
#   l'autre n'arrive que plusieurs époques plus tard.
# - (1) À la fin, l'écart entre apprentissage et validation est plus grand : la normalisation aide à
#   optimiser, elle ne régularise pas. Dans la référence (quinze époques, toutes les images), c'est
#   l'étape qui gagne le plus sur le test (table de la partie 7).
# - (1) Les deux écarts-types ne diffèrent que d'un facteur commun ou presque (0,8 environ) : c'est
#   un simple changement d'échelle des entrées, que les poids rattrapent. La différence mesurée est
#   de l'ordre du hasard d'une graine.
# ### END MARK SCHEME

# %% [markdown] question="normalisation-test" kind="reponse" number="20"
# ### Les statistiques de qui ?
#
# Pourquoi calculer la moyenne sur les seuls exemples d'apprentissage, et normaliser les exemples de
# validation avec elle, plutôt qu'avec la leur ?

# %% [markdown] answer="normalisation-test-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Le test doit rester inconnu : tout ce qui est calculé sur lui est une information que l'on
#   n'aura pas en service, et la mesure n'est plus honnête (fuite de données).
# - (1) Le réseau a appris avec une certaine échelle : une même image doit toujours lui arriver sous
#   la même forme, qu'elle soit seule ou dans un lot. Et une image isolée n'a pas de statistiques
#   d'ensemble.
# ### END MARK SCHEME

# %% [markdown]
# ### Bonus : la normalisation ZCA
#
# Deux pixels voisins se ressemblent : une bonne part de ce que dit l'un, l'autre l'a déjà dit. Le
# **blanchiment ZCA** retire aussi ces corrélations. Avec $C = E \Lambda E^\top$ la covariance des
# images d'apprentissage mises à plat, une image $x$ devient
# $E\,(\Lambda + \varepsilon)^{-1/2} E^\top (x - \mu)$. Le retour par $E$ garde une image
# reconnaissable.

# %% [markdown] question="zca-blanchir" kind="code" number="21" bonus=true
# ### Blanchir
#
# Écrivez la fonction qui reçoit des images d'apprentissage et d'autres images, toutes mises à plat
# (deux tenseurs, une ligne par image), et renvoie les secondes, blanchies. $\mu$ et $C$ viennent des
# images d'apprentissage.

# %% [markdown] hint="zca-blanchir"
# `torch.cov(x)` attend une variable par **ligne** ; `torch.linalg.eigh(C)` donne les valeurs propres,
# puis les vecteurs propres, en colonnes.

# %% [markdown] hint="zca-blanchir"
# Une image est ici une ligne : la formule de l'énoncé, écrite pour une colonne, se transpose. Multiplier
# les colonnes de `vectors` par un vecteur de facteurs s'écrit `vectors * facteurs`.


# %% answer="zca-blanchir"
def whiten(train, images, epsilon):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # eigenvalues, vectors = ...
    # return ...
    eigenvalues, vectors = torch.linalg.eigh(torch.cov(train.T))
    matrix = (vectors * (eigenvalues + epsilon).rsqrt()) @ vectors.T
    return (images - train.mean(0)) @ matrix
    ### END SOLUTION


# %% test="zca-blanchir-test" points=3
check.whiten(whiten)
### BEGIN HIDDEN TESTS
grade(check.whiten(whiten, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# $\varepsilon$ se compare aux valeurs propres : on blanchit donc des images **déjà normalisées par
# canal**, de variance 1. Voici ce que devient une image, d'abord réduite d'un pixel sur deux.

# %%
whiten = check.whiten.use(whiten, otherwise=improvements.whiten)
by_channel = normalise.Normalise(normalise.channel_statistics(learn_set.images))
small = by_channel(learn_set.images[:, :, ::2, ::2])
after = torch.as_tensor(whiten(small.flatten(1), small[:4].flatten(1), 0.1)).view(4, 3, 16, 16)
low, high = (after.quantile(share) for share in (0.01, 0.99))  # for the eye only
plots.image_grid(
    torch.cat(
        [learn_set.images[:4, :, ::2, ::2] / 255, ((after - low) / (high - low)).clamp(0, 1)]
    ),
    columns=4,
    title="Avant (en haut) et après blanchiment ZCA",
)

# %% [markdown]
# Et le réseau ? Blanchir est linéaire : appliquée aux vecteurs de la base, votre fonction donne sa
# matrice une fois pour toutes (3072×3072 : quelques secondes), et chaque lot n'est plus qu'un produit.
# On la divise par l'écart-type de ce qu'elle donne : le réseau reçoit des valeurs d'écart-type 1 dans
# les deux cas, et le même pas d'apprentissage peut servir.
# Comparez avec la normalisation par canal, et avec **la vôtre** : `my_normalisation` reçoit des images
# de 0 à 255. Celle-ci ne fait que centrer chaque image : remplacez-la par une idée à vous.


# %%
flat = by_channel(learn_set.images).flatten(1)
centre = flat.mean(0)
matrix = torch.as_tensor(whiten(flat, centre + torch.eye(len(centre)), 0.1)).float()
matrix /= ((flat[:1000] - centre) @ matrix).std()


def whitened(images):
    values = by_channel(images).flatten(1) - centre.to(images.device)
    return (values @ matrix.to(images.device)).view(images.shape)


def my_normalisation(images):  # uint8 (lot, 3, 32, 32) -> float32, de même forme
    values = normalise.to_unit(images)
    return values - values.mean(dim=(1, 2, 3), keepdim=True)


# %%
own = {"ZCA": whitened, "la mienne": my_normalisation}
runs = {label: {"name": "normalisation", "normalise": one} for label, one in own.items()}
last_epochs({"par canal": normalised, **trials(runs)})

# %% [markdown]
# Avec si peu d'images, la covariance s'estime mal. Voici les deux premières normalisations de ce tableau
# dans les mesures de référence du projet : toutes les images de CIFAR-10, et davantage d'époques.

# %%
measured = reference.load("cifar10_improvements")
both = {"par canal": "normalisation", "ZCA": "zca"}
plots.curves(
    {label: measured.where(configuration=name, seed=0).history() for label, name in both.items()},
    "Référence : par canal et ZCA, toutes les images",
)

# %% [markdown] question="zca" kind="experience" number="21" bonus=true
# ### D'autres normalisations
#
# Que fait ZCA aux images, et aux bords en particulier ? Comparez avec la normalisation par canal :
# résultat, temps, quantité de nombres à calculer et à garder. Qu'avez-vous essayé dans
# `my_normalisation`, et qu'en concluez-vous ?

# %% [markdown] answer="zca-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Les aplats s'effacent, les contours ressortent : ce qui est prévisible à partir des voisins
#   est retiré. La covariance compte (3·32·32)² nombres au lieu de six, et sa diagonalisation prend
#   plusieurs secondes ; elle s'estime mal sans bien plus d'images que de valeurs, d'où $\varepsilon$. En
#   quelques époques, ZCA ne fait pas mieux que six nombres : le bruit des directions plates, amplifié,
#   ralentit le début. Sur toutes les images, elle est devant en validation de la deuxième à la sixième
#   époque, puis rejointe ; un point de mieux au test, d'une seule graine, n'établit rien. (Au même pas,
#   une autre graine a divergé.)
# - (1) Un essai personnel, décrit et mesuré (par image, contraste, [-1, 1], PCA, normalisation
#   locale…), commenté avec prudence : une graine, une différence de deux ou trois points ne prouve
#   rien.
# ### END MARK SCHEME

# %% [markdown]
# ## 3. Augmenter les images
#
# Une voiture vue dans un miroir, ou décalée de deux pixels, reste une voiture. À chaque époque, on
# montre donc au réseau une **variante** tirée au hasard de chaque image : une fenêtre de 28×28
# pixels (*crop* en anglais) parmi les 32×32, mise en miroir une fois sur deux. D'une époque à la
# suivante, ce sera rarement la même.

# %% [markdown] question="crop" kind="code"
# ### Une fenêtre au hasard
#
# Écrivez la fonction qui découpe dans **chaque** image du lot ($N \times 3 \times H \times L$) une
# fenêtre de `size`×`size` pixels, à une place tirée au hasard pour elle. Toutes les places où la
# fenêtre tient doivent pouvoir sortir.

# %% [markdown] hint="crop"
# Une boucle sur les images du lot convient : deux tirages par image, un découpage, et
# `torch.stack` réunit le tout.

# %% [markdown] hint="crop"
# `torch.randint(n, ()).item()` tire un entier de 0 à $n - 1$. Pour un côté de 32 et une fenêtre de
# 28, combien de places y a-t-il ?


# %% answer="crop"
def random_crop(images, size):
    height, width = images.shape[2:]
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # windows = []
    # for image in images:
    #     top, left = ..., ...
    #     windows.append(...)
    # return torch.stack(windows)
    windows = []
    for image in images:
        top = torch.randint(height - size + 1, ()).item()
        left = torch.randint(width - size + 1, ()).item()
        windows.append(image[:, top : top + size, left : left + size])
    return torch.stack(windows)
    ### END SOLUTION


# %% test="crop-test" points=3
check.random_crop(random_crop)
### BEGIN HIDDEN TESTS
grade(check.random_crop(random_crop, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown] question="symetrie" kind="code"
# ### Un miroir, une fois sur deux
#
# Écrivez la fonction qui met en miroir (gauche et droite échangées) chaque image du lot avec une
# chance sur deux, indépendamment des autres.

# %% [markdown] hint="symetrie"
# `images.flip(axe)` renvoie tout le lot en miroir. Il reste à choisir, image par image, entre les
# deux versions.

# %% [markdown] hint="symetrie"
# `torch.rand(len(images)) < 0.5` tire un vrai ou faux par image ;
# `torch.where(choix, miroir, images)` choisit, si `choix` a la forme $(N, 1, 1, 1)$.


# %% answer="symetrie"
def random_flip(images):
    ### BEGIN SOLUTION
    mirrored = torch.rand(len(images)) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)
    ### END SOLUTION


# %% test="symetrie-test" points=2
check.random_flip(random_flip)
### BEGIN HIDDEN TESTS
grade(check.random_flip(random_flip, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="augmenter" kind="code"
# ### Apprendre n'est pas tester
#
# Écrivez la fonction qui prépare un lot d'images 32×32 pour le réseau. `training` vaut `True`
# pendant l'apprentissage : fenêtre de 28×28 et miroir au hasard. Sinon, la fenêtre de 28×28 est
# **au centre**, et rien n'est tiré au hasard. Servez-vous de vos deux fonctions.

# %% [markdown] hint="augmenter"
# Deux cas, donc un `if`. Au centre, il reste autant de pixels de chaque côté de la fenêtre.

# %% [markdown] hint="augmenter"
# De 32 à 28, on retire 4 lignes et 4 colonnes. Un découpage s'écrit
# `images[:, :, début:fin, début:fin]`.


# %% answer="augmenter"
def augment(images, training):
    ### BEGIN SOLUTION
    if training:
        return random_flip(random_crop(images, 28))
    return images[:, :, 2:30, 2:30]
    ### END SOLUTION


# %% test="augmenter-test" points=3
check.augment(augment)
### BEGIN HIDDEN TESTS
grade(check.augment(augment, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# La même image, en test puis à cinq époques. En haut, la fenêtre choisie ; en bas, ce que reçoit le
# réseau, en miroir ou non.

# %%
random_crop = check.random_crop.use(random_crop, otherwise=improvements.random_crop)
random_flip = check.random_flip.use(random_flip, otherwise=improvements.random_flip)
augment = check.augment.use(augment, otherwise=improvements.augment)

# %%
image = train_set.images[7:8]
runtime.seed_everything(0)
variants = {"test": augment(image, training=False)[0]}
variants |= {f"époque {number}": augment(image, training=True)[0] for number in range(1, 6)}
pictures.windows(image[0], variants)

# %% [markdown] question="ceil-mode" kind="calcul"
# ### Un pooling qui arrondit
#
# Les images n'ont plus que 28 pixels de côté. Les convolutions gardent la taille, chaque pooling la
# divise par deux : tout ne tombe plus juste. Un pooling arrondit d'ordinaire vers le bas ; avec
# `ceil_mode=True`, vers le haut. Pour les deux réglages de `pool3`, donnez le côté des cartes qui
# en sortent, et le nombre de valeurs que reçoit fc4.

# %% [markdown] hint="ceil-mode"
# Suivez le côté des cartes : 28, puis après pool1, pool2 et pool3. Où faut-il arrondir ?

# %% [markdown] hint="ceil-mode"
# conv3 donne 64 cartes, et fc4 reçoit toutes leurs valeurs, mises à plat.

# %% answer="ceil-mode"
sizes = {
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # "sans ceil_mode": (..., ...),  # side after pool3, values that fc4 receives
    # "avec ceil_mode": (..., ...),
    "sans ceil_mode": (7 // 2, 64 * 3 * 3),
    "avec ceil_mode": (-(-7 // 2), 64 * 4 * 4),
    ### END SOLUTION
}

# %% test="ceil-mode-test" points=2
check.ceil_sizes(sizes)
### BEGIN HIDDEN TESTS
grade(check.ceil_sizes(sizes), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Vérifions sur le réseau du paquet. Avec `ceil_mode`, fc4 garde sa taille : le réseau a le même
# nombre de poids qu'avant, et la comparaison reste honnête.

# %%
Table(
    ["pool3", "taille des cartes pour 28×28", "pour 32×32"],
    [
        [
            f"ceil_mode={ceil_mode}",
            *[
                "×".join(map(str, CifarNet(ceil_mode=ceil_mode).features(images).shape[1:]))
                for images in (torch.zeros(1, 3, 28, 28), torch.zeros(1, 3, 32, 32))
            ],
        ]
        for ceil_mode in (False, True)
    ],
)

# %% [markdown]
# Le sujet de TP propose aussi une autre voie : entourer la fenêtre de zéros pour **revenir à 32×32**.
# Le réseau ne change pas du tout, et les images de test restent entières ; mais un cadre noir entre dans
# l'apprentissage, et pas dans le test.


# %%
def padded(images, generator=None):
    """A random window, mirrored or not, in the middle of a black frame: 32×32 again."""
    windows = augment(images.cpu(), training=True)  # your functions know no GPU
    return pad(windows, [2, 2, 2, 2]).to(images.device)


plots.image_grid(torch.cat([padded(image) for _ in range(4)]), title="La même, revenue à 32×32")

# %%
windows = trials(
    {
        "fenêtre 28×28, au centre en test": {"name": "augmentation"},
        "fenêtre entourée de zéros": {"name": "normalisation", "augment": padded},
    }
)
cropped = windows["fenêtre 28×28, au centre en test"]
last_epochs({"sans augmentation": normalised, **windows})

# %% [markdown]
# La suite garde la première voie. **Prédisez d'abord**, pour un budget plus long : l'augmentation
# fera-t-elle monter ou descendre l'exactitude d'apprentissage ? celle de validation ?

# %% [markdown]
# *Votre prédiction :*

# %%
with_and_without("normalisation", "augmentation", "Avec et sans augmentation")

# %%
last_epochs({one.label: one.histories[0] for one in study("normalisation", "augmentation")})

# %% [markdown]
# L'effet propre d'une augmentation se lit sur l'**écart** entre les deux courbes d'une même couleur. Voici
# la même comparaison dans les mesures de référence du projet : toutes les images de CIFAR-10, et
# davantage d'époques.

# %%
pair = {"sans": "normalisation", "avec": "augmentation"}
plots.curves(
    {label: measured.where(configuration=name, seed=0).history() for label, name in pair.items()},
    "Référence : avec et sans augmentation",
)

# %% [markdown] question="augmentation-effet" kind="experience" number="22"
# ### L'effet de l'augmentation
#
# Décrivez vos résultats, comparez-les aux précédents et à votre prédiction. Que devient l'écart entre
# apprentissage et validation ? Que gagne-t-on en validation, ici et dans la référence ? Que change le
# retour à 32×32 ?

# %% [markdown] answer="augmentation-effet-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) L'écart se ferme presque : l'exactitude d'apprentissage monte moins vite (elle est mesurée
#   sur des images plus difficiles, renouvelées à chaque époque), et le coût de validation ne remonte
#   presque plus.
# - (1) Pendant les premières époques, la validation n'y gagne rien de stable, ou y perd :
#   l'apprentissage est plus lent. Le gain vient quand le réseau sans augmentation se met à surapprendre (ici vers la
#   quatrième ou la cinquième époque) : c'est un remède au surapprentissage, qui suppose un budget où celui-ci se voit.
# - (1) La référence, avec toutes les images, donne un gain de quatre à cinq points sur le test, plus
#   grand que sa dispersion (table de la partie 7). Le retour à 32×32 garde plus de pixels au test, mais
#   y montre des images sans cadre, et apprend ici moins vite : quelques points, sur un essai de quatre
#   époques, ne prouvent rien.
# ### END MARK SCHEME

# %% [markdown] question="symetrie-images" kind="reponse" number="23"
# ### Un miroir pour toutes les images ?
#
# La symétrie horizontale est-elle utilisable sur tout type d'images ? Donnez des cas où elle l'est,
# et d'autres où elle ne l'est pas.

# %% [markdown] answer="symetrie-images-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Oui quand le miroir ne change pas la classe et reste plausible : animaux, véhicules,
#   visages, paysages.
# - (1) Non quand la gauche et la droite ont un sens : chiffres et lettres (b et d, 2 et 5
#   renversés), panneaux « tourner à droite », radiographies (le cœur est à gauche), conduite,
#   cartes. Et la symétrie verticale convient encore moins (sauf vues aériennes ou microscope).
# ### END MARK SCHEME

# %% [markdown] question="augmentation-limites" kind="reponse" number="24"
# ### Les limites
#
# Quelles limites voyez-vous à ce genre d'augmentation ?

# %% [markdown] answer="augmentation-limites-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Les variantes restent très proches de l'original : elles n'apportent ni autre objet, ni
#   autre point de vue, ni autre fond. Elles ne remplacent pas de nouvelles images.
# - (1) Il faut savoir d'avance ce qui ne change pas la classe, et le choisir à la main pour chaque
#   problème ; trop fortes, elles détruisent l'information (objet coupé par la fenêtre) ; elles coûtent
#   du calcul et allongent l'apprentissage.
# ### END MARK SCHEME

# %% [markdown]
# ### Bonus : d'autres augmentations
#
# - **cutout** (DeVries et Taylor, 2017) cache un carré ;
# - la **gigue de couleurs** change luminosité, contraste et saturation ;
# - **mixup** (Zhang et al., 2018) mélange deux images, et leurs étiquettes. (Le paquet tire un
#   mélange où l'image du lot domine le plus souvent, et garde son étiquette : en moyenne, le coût
#   est le même.)

# %%
others = {
    "départ": lambda images, generator: images,
    "cutout": augmentations.Cutout(8),
    "couleurs": augmentations.ColourJitter(0.2),
    "mixup": augmentations.Mixup(),
}
generator = torch.Generator().manual_seed(0)
shown = train_set.images[:3]
plots.image_grid(
    torch.cat([change(shown, generator) for change in others.values()]),
    [name if column == 0 else "" for name in others for column in range(3)],
    columns=3,
    title="Trois autres augmentations",
)


# %%
def my_augmentation(images, generator):  # uint8 (lot, 3, 32, 32) -> uint8, 28×28
    images = augmentations.RandomCrop(28)(images, generator)
    return images.flip(2)  # à vous : remplacez cette ligne par une idée à vous


names = ("cutout", "jitter", "mixup")
runs = {CONFIGURATIONS[name].label: {"name": name} for name in names}
runs["la mienne"] = {"name": "augmentation", "augment": my_augmentation}
last_epochs({"fenêtre et symétrie": cropped, **trials(runs)})

# %% [markdown] question="autres-augmentations" kind="experience" number="25" bonus=true
# ### En essayer d'autres
#
# Comparez ces augmentations, essayez-en une à vous dans `my_augmentation` (celle qui s'y trouve met
# l'image à l'envers), ou changez leur force (`trial("cutout", cutout=16)`). Que peut-on conclure avec ce
# budget, et que faudrait-il mesurer pour en dire plus ?

# %% [markdown] answer="autres-augmentations-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Mixup a la plus basse exactitude d'apprentissage : elle est mesurée sur des images mélangées, et
#   ne se compare pas aux autres. En validation, les trois sont ici au-dessus de la fenêtre et du miroir, de
#   trois à huit points d'une seule graine ; celle que donne la cellule (`my_augmentation`) apprend, mais ne reconnaît plus les images à
#   l'endroit.
# - (1) Un écart de quelques points sur une graine et un millier d'images de validation ne
#   prouve rien : il faut plusieurs graines, tout le jeu de données, et assez d'époques pour que le
#   surapprentissage soit ce qui limite.
# ### END MARK SCHEME

# %% [markdown]
# ## 4. Mieux descendre
#
# Le gradient d'un petit lot n'est qu'une estimation : d'un lot au suivant, il change de direction.
# Le **momentum** en garde la mémoire, comme une bille qui roule. À chaque pas, la vitesse $v$ et
# les poids $\theta$ deviennent, avec la convention de PyTorch,
#
# $$v \leftarrow m\,v + g \qquad\qquad \theta \leftarrow \theta - \eta\,v$$
#
# où $g$ est le gradient, $\eta$ le pas d'apprentissage et $m$ le momentum, 0,9 d'ordinaire.

# %% [markdown] question="momentum" kind="code"
# ### Un pas avec momentum
#
# Écrivez la fonction qui fait ce pas et renvoie le couple des nouveaux poids et de la nouvelle
# vitesse.

# %% [markdown] hint="momentum"
# Deux lignes, dans l'ordre des deux formules : les poids avancent avec la vitesse déjà mise à jour.

# %% [markdown] hint="momentum"
# Évitez `+=` et `-=`, qui modifient les tenseurs reçus : donnez un nouveau nom, ou réaffectez avec
# `velocity = …`.


# %% answer="momentum"
def momentum_step(weights, velocity, gradient, rate, momentum):
    ### BEGIN SOLUTION
    velocity = momentum * velocity + gradient
    weights = weights - rate * velocity
    return weights, velocity
    ### END SOLUTION


# %% test="momentum-test" points=2
check.momentum_step(momentum_step)
### BEGIN HIDDEN TESTS
grade(check.momentum_step(momentum_step, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Dans une vallée étroite, la pente est forte d'un bord à l'autre et faible le long du fond, où la
# descente simple avance à tout petits pas. Avec momentum, l'avancée s'accumule (et les oscillations
# aussi, un temps) : autant de pas mènent bien plus près du minimum.

# %%
CURVATURES = np.array([1.0, 25.0])


def descend(step, momentum, rate=0.06, steps=25):
    weights, velocity = torch.tensor([-4.0, 0.8]), torch.zeros(2)
    path = [weights]
    for _ in range(steps):
        gradient = torch.tensor(CURVATURES, dtype=torch.float32) * weights
        weights, velocity = map(torch.as_tensor, step(weights, velocity, gradient, rate, momentum))
        path.append(weights)
    return torch.stack(path).numpy()


# %%
momentum_step = check.momentum_step.use(momentum_step, otherwise=improvements.momentum_step)
paths = {f"momentum {m:g}".replace(".", ","): descend(momentum_step, m) for m in (0, 0.6)}
pictures.descents(paths, lambda a, b: (CURVATURES[0] * a**2 + CURVATURES[1] * b**2) / 2)

# %% [markdown]
# Autre idée : de grands pas au début, pour avancer, puis de plus petits, pour se poser. La
# **décroissance exponentielle** multiplie le pas par $m$ après chaque époque :
# $\eta_t = \eta \times m^t$ à l'époque $t$, comptée à partir de 0. Le sujet de TP appelle ce $m$
# le momentum : ce n'est **pas** lui, mais un facteur de décroissance. Les deux réglages sont
# indépendants, et vont ici ensemble : 0,9 pour le momentum, 0,95 pour la décroissance.

# %%
pictures.learning_rates(
    {
        f"facteur {factor}".replace(".", ","): [0.01 * factor**epoch for epoch in range(20)]
        for factor in (0.95, 0.85)
    },
    "Décroissance exponentielle",
)

# %% [markdown] question="boucle" kind="code"
# ### La boucle entière
#
# Écrivez la fonction qui entraîne `model` pendant `epochs` époques sur `batches` (des couples
# `images, labels`), par SGD avec un momentum de 0,9, un pas de départ de 0,01 et une décroissance
# exponentielle de 0,95 par époque. Elle renvoie la liste des pas utilisés, un par époque.
# `cross_entropy(scores, labels)` donne le coût. Le réseau reçu sort peut-être d'une évaluation : mettez-le
# dans le mode qui convient.

# %% [markdown] hint="boucle"
# `torch.optim.SGD` prend les poids du réseau, puis `lr` et `momentum`, par leur nom.
# `torch.optim.lr_scheduler.ExponentialLR` prend l'optimiseur et `gamma`.

# %% [markdown] hint="boucle"
# Deux boucles l'une dans l'autre. `optimizer.step()` est dans la boucle des lots ;
# `scheduler.step()` vient après elle, à la fin de chaque époque. `optimizer.param_groups[0]["lr"]`
# donne le pas du moment.


# %% answer="boucle"
def train(model, batches, epochs):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # optimizer = ...
    # scheduler = ...
    # rates = []
    # for _ in range(epochs):
    #     ...
    # return ...
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
    model.train()
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        for images, labels in batches:
            loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
    return rates
    ### END SOLUTION


# %% test="boucle-test" points=4
check.training_loop(train)
### BEGIN HIDDEN TESTS
grade(check.training_loop(train, seed=1), points=4)
### END HIDDEN TESTS

# %% [markdown]
# Un momentum de 0,9 additionne environ $1 / (1 - 0{,}9) = 10$ gradients : la configuration du
# paquet divise donc le pas par dix (0,01 au lieu de 0,1), pour ne changer que ce que l'on étudie.
#
# **Prédisez d'abord** le coût d'apprentissage, après quelques époques, de quatre descentes : sans
# momentum, pas 0,1 puis pas 0,01 ; avec momentum, pas 0,01 puis pas 0,1. Lesquelles se valent ?
# Laquelle échoue ? (Les deux descentes avec momentum ont aussi la décroissance : en quatre époques, le
# pas n'y perd que 15 %.)

# %% [markdown]
# *Votre prédiction :*


# %%
def descent(**arguments):
    """`trial`, with an empty history for a run that diverges."""
    try:
        return trial(**arguments)
    except CourseError:
        return History()


# %%
steps = trials(
    {
        "sans momentum, pas 0,01": {"name": "augmentation", "learning_rate": 0.01},
        "momentum 0,9, pas 0,01": {"name": "momentum"},
        "momentum 0,9, pas 0,1": {"name": "momentum", "learning_rate": 0.1},
    },
    descent,
)
steps = {"sans momentum, pas 0,1": cropped, **steps}
losses = {name: history.train_loss or [nan] * P.trial_epochs for name, history in steps.items()}
pictures.losses(losses, "Quatre descentes, même budget")

# %%
with_and_without("augmentation", "momentum", "Avec et sans momentum et décroissance")

# %%
last_epochs({one.label: one.histories[0] for one in study("augmentation", "momentum")})

# %% [markdown]
# La décroissance, elle, agit tard : en sept époques, le pas n'a baissé que d'un quart. Ses effets se
# lisent dans la référence, sur les **sauts** de la validation d'une époque à la suivante, en fin
# d'apprentissage.

# %%
plots.curves(
    {
        CONFIGURATIONS[name].label: measured.where(configuration=name, seed=0).history()
        for name in ("augmentation", "momentum")
    },
    "Référence : avec et sans momentum et décroissance",
)


# %%
def jumps(name):
    """The mean jump of the validation accuracy in the last six epochs, over the seeds."""
    rows = measured.where(configuration=name)
    seeds = sorted({row["seed"] for row in rows})
    ends = [rows.where(seed=seed).history().validation_accuracy[-6:] for seed in seeds]
    return float(np.abs(np.diff(ends)).mean())


Table(
    ["configuration (référence)", "saut moyen, six dernières époques"],
    [
        [CONFIGURATIONS[name].label, f"{decimal(100 * jumps(name), '.1f')} points"]
        for name in CUMULATIVE[1:]
    ],
)

# %% [markdown] question="momentum-effet" kind="experience" number="26"
# ### L'effet du momentum et de la décroissance
#
# Décrivez vos résultats, comparez-les aux précédents et à votre prédiction : le pas convient-il au
# momentum ? Regardez aussi la **stabilité**, chez vous et dans la référence : de combien la courbe de
# validation saute-t-elle d'une époque à l'autre ?

# %% [markdown] answer="momentum-effet-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) À même longueur de pas (0,1 sans momentum, 0,01 avec), les deux descentes se valent à peu près ;
#   à même pas, 0,01, celle qui a un momentum est bien plus rapide. Avec 0,1, le pas est dix fois trop
#   grand : le coût ne baisse presque pas, ou diverge. Momentum et pas se règlent ensemble.
# - (1) Stabilité : dans la référence, à pas constant et sans momentum, la validation saute environ
#   deux fois plus d'une époque à l'autre qu'avec les deux ; et alors la dernière époque est (presque)
#   la meilleure.
# - (1) Lecture prudente : la décroissance agit surtout tard, et en quelques époques l'effet vu ici est
#   surtout celui du momentum ; sur le test de la référence, le gain est plus petit que sa dispersion.
# ### END MARK SCHEME

# %% [markdown] question="momentum-pourquoi" kind="reponse" number="27"
# ### Pourquoi ?
#
# Pourquoi ces deux méthodes améliorent-elles l'apprentissage ?

# %% [markdown] answer="momentum-pourquoi-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Momentum : moyenne glissante des gradients. Le bruit des lots et les oscillations
#   s'annulent, les directions constantes s'additionnent : on avance plus vite au fond des vallées,
#   et on franchit plateaux et petits creux.
# - (1) Décroissance : de grands pas d'abord, pour explorer et avancer ; des petits ensuite, pour
#   que le bruit des gradients ne fasse plus sauter les poids autour du minimum.
# ### END MARK SCHEME

# %% [markdown]
# ### Bonus : d'autres optimiseurs, d'autres plannings
#
# **Adam** donne à chaque poids son propre pas, d'après la taille de ses gradients ; **AdamW** y
# ajoute une pénalité sur les poids. Le pas peut aussi suivre un **cosinus** jusqu'à zéro, ou un
# cycle (**one-cycle**) : monter d'abord, redescendre ensuite.
# Ajoutez-y le vôtre : ici RMSprop ; d'autres attendent dans `torch.optim`.


# %%
def my_optimizer(weights):
    return torch.optim.RMSprop(weights, lr=3e-4)  # à vous : un autre, ou un autre pas


# %%
labels = {
    "cosinus": "cosine",
    "one-cycle": "one-cycle",
    "Adam (constant)": "adam",
    "AdamW (constant)": "adamw",
}
runs = {label: {"name": name} for label, name in labels.items()}
runs["le mien"] = {"name": "augmentation", "optimizer": my_optimizer}
descents = {"exponentielle (0,95)": steps["momentum 0,9, pas 0,01"], **trials(runs)}
pictures.learning_rates(
    {name: history.learning_rate for name, history in descents.items()},
    "Pas au début de chaque époque",
)

# %%
last_epochs(descents)

# %% [markdown] question="autres-optimiseurs" kind="experience" number="28" bonus=true
# ### En comparer quelques-uns
#
# Comparez-les avec le même budget, le vôtre compris. Lequel mène le plus haut en si peu d'époques ? Les pas des uns et
# des autres se comparent-ils ? Quelles autres variantes connaissez-vous ?

# %% [markdown] answer="autres-optimiseurs-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Description fidèle de la table et de la figure ; avec peu d'époques, Adam et AdamW démarrent
#   souvent vite, sans réglage. AdamW et Adam ne se distinguent pas ici : une pénalité sur les poids
#   n'agit qu'à la longue. Cosinus et one-cycle dépendent du nombre d'époques prévu ; le plus grand pas
#   de one-cycle (0,05) est réglé pour de longs apprentissages, et le laisse ici derrière. Un essai
#   personnel, décrit et mesuré.
# - (1) Un pas d'Adam n'a pas le sens d'un pas de SGD : chaque méthode devrait être comparée à son
#   meilleur réglage. Autres : RMSprop, Adagrad, Nesterov, LAMB, Muon ; paliers, redémarrages,
#   réduction quand la validation stagne, échauffement.
# ### END MARK SCHEME

# %% [markdown]
# ## 5. Dropout
#
# fc4 contient plus d'un million de poids (notebook 04) : c'est là que le réseau retient ses
# exemples. Le **dropout** (Srivastava et al., 2014) éteint chacun de ses neurones avec une
# probabilité $p$, à chaque passage et pour chaque image : aucun ne peut plus compter sur un voisin
# précis.
#
# En évaluation, rien n'est éteint. La somme que reçoit le neurone suivant serait alors plus grande
# qu'en apprentissage ; PyTorch compense **pendant l'apprentissage**, en divisant par $1 - p$ ce qui
# reste allumé, et ne change rien en évaluation.

# %% [markdown] question="dropout" kind="code"
# ### Écrire un dropout
#
# Écrivez cette fonction. `values` est un tenseur (une ligne par image), `p` la probabilité
# d'éteindre, et `training` dit si l'on apprend.

# %% [markdown] hint="dropout"
# `torch.rand(values.shape)` tire un nombre entre 0 et 1 par valeur. Lesquels garder ?

# %% [markdown] hint="dropout"
# Un tableau de vrai et de faux multiplie comme des 1 et des 0. En évaluation, `values` ressort
# telle quelle.


# %% answer="dropout"
def dropout(values, p, training):
    ### BEGIN SOLUTION
    if not training:
        return values
    kept = torch.rand(values.shape) >= p
    return values * kept / (1 - p)
    ### END SOLUTION


# %% test="dropout-test" points=3
check.dropout(dropout)
### BEGIN HIDDEN TESTS
grade(check.dropout(dropout, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# L'article, lui, ne divise pas : il multiplie en évaluation. Un des documents du cours dit « par
# $p$ », la probabilité d'éteindre ; c'est par $1 - p$, la part restée allumée. (Dans l'article,
# $p$ est la probabilité de *garder* : d'où la confusion.) La cellule le montre, sur la somme que
# reçoit un neurone.

# %%
torch.manual_seed(0)
p, inputs = 0.2, torch.rand(200)
off = torch.rand(5000, 200) < p  # 5,000 passes
in_training = inputs.expand(5000, 200).masked_fill(off, 0).sum(1).mean().item()
total = inputs.sum().item()
sums = {
    "en apprentissage, en moyenne, sans division": in_training,
    "en évaluation, multipliée par p": p * total,
    "en évaluation, multipliée par 1 - p": (1 - p) * total,
}
rows = [[name, decimal(value, ".1f")] for name, value in sums.items()]
Table(["somme reçue par un neurone, p = 0,2", "valeur"], rows)

# %% [markdown] question="classifieur" kind="code"
# ### Le mettre à sa place
#
# Écrivez une fonction qui renvoie les couches denses du réseau : elles reçoivent les cartes de
# pool3 (64×4×4), et donnent dix scores. Ajoutez un dropout de probabilité 0,5 **entre fc4 et fc5**.

# %% [markdown] hint="classifieur"
# Reprenez la fin de votre réseau du notebook 04, à partir de `nn.Flatten()`.

# %% [markdown] hint="classifieur"
# `nn.Dropout(0.5)` est une couche comme une autre, qui suit le mode du réseau (`train()` ou
# `eval()`). Avant ou après le ReLU de fc4, l'effet est le même.


# %% answer="classifieur"
def build_classifier():
    ### BEGIN SOLUTION
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 1000),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(1000, 10),
    )
    ### END SOLUTION


# %% test="classifieur-test" points=3
check.classifier(build_classifier)
### BEGIN HIDDEN TESTS
grade(check.classifier(build_classifier, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# **Prédisez d'abord** : avec le dropout, laquelle des deux exactitudes sera la plus haute, celle
# d'apprentissage ou celle de validation ?

# %% [markdown]
# *Votre prédiction :*

# %%
with_and_without("momentum", "dropout", "Avec et sans dropout")

# %%
last_epochs({one.label: one.histories[0] for one in study("momentum", "dropout")})

# %% [markdown] question="dropout-effet" kind="experience" number="29"
# ### L'effet du dropout
#
# Décrivez vos résultats, comparez-les aux précédents et à votre prédiction. Le dropout s'ajoute ici à
# l'augmentation : reste-t-il du surapprentissage à combattre ?

# %% [markdown] answer="dropout-effet-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) L'exactitude d'apprentissage, mesurée avec des neurones éteints, monte moins vite, et reste
#   sous celle de validation une bonne partie du temps ; à la fin l'écart est plus petit (dans la
#   référence, un à deux points au lieu de trois à cinq).
# - (1) En validation, peu ou pas de gain avec ce budget : l'augmentation a déjà effacé le
#   surapprentissage, et il n'y a presque plus rien à corriger. On le dit, plutôt que d'interpréter
#   une différence plus petite que la dispersion ; dans la référence aussi, le gain sur le test est nul
#   à la dispersion près.
# ### END MARK SCHEME

# %% [markdown] question="regularisation" kind="reponse" number="30"
# ### La régularisation
#
# Qu'est-ce que la régularisation, de manière générale ?

# %% [markdown] answer="regularisation-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Tout ce qui contraint ou perturbe l'apprentissage pour réduire l'erreur sur des exemples
#   nouveaux, quitte à augmenter celle d'apprentissage : préférer une solution simple parmi celles
#   qui conviennent.
# - (1) Exemples : pénalité sur les poids (L1, L2), arrêt anticipé, augmentation, dropout, réseau
#   plus petit ou poids partagés, moyenne de plusieurs réseaux.
# ### END MARK SCHEME

# %% [markdown] question="dropout-interpretations" kind="reponse" number="31"
# ### Interpréter le dropout
#
# Cherchez et discutez des interprétations possibles de l'effet du dropout sur un réseau.

# %% [markdown] answer="dropout-interpretations-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Un ensemble : chaque passage entraîne un sous-réseau différent, tous partagent leurs poids,
#   et l'évaluation en fait à peu près la moyenne.
# - (1) Une autre, discutée : empêcher la coadaptation (un neurone doit être utile seul) ; ajouter
#   du bruit multiplicatif, proche d'une pénalité sur les poids ; forcer une représentation
#   redondante ; moins de paramètres actifs à chaque passage ; lecture bayésienne (Gal et
#   Ghahramani, 2016).
# ### END MARK SCHEME

# %% [markdown]
# Pour voir l'influence de $p$, il faut un réseau qui surapprend : on retire l'augmentation.
# **Prédisez d'abord**, pour $p$ = 0, 0,5 et 0,9, l'ordre des trois exactitudes d'apprentissage, puis
# celui des trois écarts entre apprentissage et validation.

# %% [markdown]
# *Votre prédiction :*

# %%
longer = {"name": "momentum", "crop": 0, "flip": False, "epochs": 2 * P.trial_epochs}
by_rate = trials(
    {
        f"p={p:g}".replace(".", ","): {**longer, "model_options": {"dropout": p}}
        for p in (0, 0.5, 0.9)
    }
)
plots.curves(by_rate, "Sans augmentation, trois probabilités")

# %%
last_epochs(by_rate)

# %% [markdown] question="dropout-taux" kind="experience" number="32"
# ### L'influence de la probabilité
#
# Quelle est l'influence de l'hyperparamètre de cette couche ? Décrivez ce qui arrive aux deux
# bouts (l'aviez-vous prévu ?), et la manière de le choisir.

# %% [markdown] answer="dropout-taux-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Plus $p$ est grand, plus l'apprentissage est lent et plus l'écart entre apprentissage et
#   validation se réduit, jusqu'à s'inverser. À 0, rien ne change ; près de 1, il ne reste presque
#   plus de neurones : le réseau sous-apprend, et il faudrait plus d'époques ou une couche plus
#   large.
# - (1) On le choisit sur la validation ; 0,5 convient souvent à une grande couche dense, moins (0,1
#   à 0,3) après des convolutions, qui ont peu de poids.
# ### END MARK SCHEME

# %% [markdown]
# Et voici le même réseau, sur la même image, cinq fois de suite dans chacun des deux modes.


# %%
@torch.no_grad()
def five_passes(model, image, training):
    model.train(training)
    return [decimal(model(image).softmax(1).max().item(), ".4f") for _ in range(5)]


# %%
runtime.seed_everything(0)
network = CifarNet(dropout=0.5)
image = by_channel(test_set.images[:1])
Table(
    ["plus grande probabilité", *[f"passage {number}" for number in range(1, 6)]],
    [
        ["model.train()", *five_passes(network, image, training=True)],
        ["model.eval()", *five_passes(network, image, training=False)],
    ],
)

# %% [markdown] question="dropout-modes" kind="reponse" number="33"
# ### Apprendre et évaluer
#
# Quelle est la différence de comportement de la couche de dropout entre l'apprentissage et
# l'évaluation ? Que se passe-t-il si l'on oublie `model.eval()` ?

# %% [markdown] answer="dropout-modes-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Apprentissage : un masque tiré à chaque passage, et pour chaque image ; ce qui reste est
#   divisé par 1 - p. Évaluation : la couche laisse tout passer. En moyenne, la sortie est la même.
# - (1) Sans `eval()`, le résultat est aléatoire (la même image a deux réponses) et moins bon :
#   l'exactitude mesurée baisse.
# ### END MARK SCHEME

# %% [markdown]
# ## 6. Normaliser aussi à l'intérieur
#
# Normaliser les images aide ; pourquoi s'arrêter à l'entrée ? À chaque mise à jour, les cartes que
# reçoit une couche changent d'échelle, parce que les couches d'avant ont changé. La **normalisation
# par lot** (*batch normalization*, Ioffe et Szegedy, 2015) les ramène, canal par canal, à une
# échelle fixe, puis laisse le réseau choisir la sienne, $\gamma$ et $\beta$, qu'il apprend :
#
# $$\mathrm{BN}(x) = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$

# %% [markdown] question="bn-formule" kind="code"
# ### La formule
#
# Écrivez-la pour des cartes (`maps`, $N \times C \times H \times L$). `mean`, `variance`, `gamma`
# et `beta` ont une valeur par canal.

# %% [markdown] hint="bn-formule"
# Comme pour les images de la partie 2, il faut aligner les vecteurs sur les canaux.

# %% [markdown] hint="bn-formule"
# `vecteur.view(1, -1, 1, 1)` s'aligne sur l'axe 1. `eps` s'ajoute à la variance, avant la racine.


# %% answer="bn-formule"
def normalise_maps(maps, mean, variance, gamma, beta, eps):
    ### BEGIN SOLUTION
    mean, variance, gamma, beta = (
        vector.view(1, -1, 1, 1) for vector in (mean, variance, gamma, beta)
    )
    return gamma * (maps - mean) / (variance + eps).sqrt() + beta
    ### END SOLUTION


# %% test="bn-formule-test" points=3
check.normalise_maps(normalise_maps)
### BEGIN HIDDEN TESTS
grade(check.normalise_maps(normalise_maps, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# Un des documents du cours oublie la racine : il divise par $\sigma^2 + \varepsilon$. Un canal d'écart-type 0,1
# sortirait alors avec un écart-type de 10 :

# %%
torch.manual_seed(0)
one_channel = 0.1 * torch.randn(64, 1, 8, 8)
centred, variance = one_channel - one_channel.mean(), one_channel.var(correction=0)
{
    "écart-type avant": decimal(one_channel.std(), ".3f"),
    "divisé par la variance": decimal((centred / (variance + 1e-5)).std(), ".3f"),
    "divisé par sa racine": decimal((centred / (variance + 1e-5).sqrt()).std(), ".3f"),
}

# %% [markdown] question="bn-lot" kind="code"
# ### Les statistiques, en apprentissage
#
# Pendant l'apprentissage, $\mu$ et $\sigma^2$ sont celles **du lot** : une valeur par canal, prise
# sur toutes les images et toutes les positions. Écrivez la fonction qui les renvoie. Pour cette
# variance-là, PyTorch divise par $n$, et non par $n - 1$.

# %% [markdown] hint="bn-lot"
# Les axes qui disparaissent sont les mêmes que pour les six nombres de la partie 2.

# %% [markdown] hint="bn-lot"
# `maps.var` a un argument, `correction` : ce qu'il retire à $n$ avant de diviser. Il vaut 1 si l'on ne
# dit rien.


# %% answer="bn-lot"
def batch_statistics(maps):
    ### BEGIN SOLUTION
    return maps.mean(dim=(0, 2, 3)), maps.var(dim=(0, 2, 3), correction=0)
    ### END SOLUTION


# %% test="bn-lot-test" points=2
check.batch_statistics(batch_statistics)
### BEGIN HIDDEN TESTS
grade(check.batch_statistics(batch_statistics, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="bn-courantes" kind="code"
# ### Et les statistiques, en évaluation
#
# En évaluation, il n'y a peut-être qu'une image. La couche se sert alors de statistiques
# **courantes**, qu'elle a mises à jour à chaque lot d'apprentissage :
#
# $$\text{courante} \leftarrow (1 - a) \times \text{courante} + a \times \text{celle du lot}$$
#
# PyTorch appelle $a$ `momentum` (0,1 par défaut) ; c'est encore un autre sens du mot. La variance
# du lot y entre divisée par $n - 1$, pour bien estimer celle de toutes les images. Écrivez la mise
# à jour, qui renvoie la nouvelle moyenne et la nouvelle variance courantes.

# %% [markdown] hint="bn-courantes"
# La formule sert deux fois : pour la moyenne et pour la variance.

# %% [markdown] hint="bn-courantes"
# `maps.var(dim=…)` divise déjà par $n - 1$ ; ici, ne donnez pas `correction`.


# %% answer="bn-courantes"
def update_running(maps, running_mean, running_variance, momentum):
    ### BEGIN SOLUTION
    mean, variance = maps.mean(dim=(0, 2, 3)), maps.var(dim=(0, 2, 3))
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_variance = (1 - momentum) * running_variance + momentum * variance
    return new_mean, new_variance
    ### END SOLUTION


# %% test="bn-courantes-test" points=3
check.update_running(update_running)
### BEGIN HIDDEN TESTS
grade(check.update_running(update_running, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# Vos trois fonctions font une normalisation par lot complète. La voici, comparée à celle de
# PyTorch : trois lots d'apprentissage, puis une évaluation.


# %%
@torch.no_grad()
def largest_gaps():
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(4)
    layer.weight.uniform_()
    learnt = {"gamma": layer.weight, "beta": layer.bias, "eps": layer.eps}
    running, gaps = (torch.zeros(4), torch.ones(4)), {}
    for number in (1, 2, 3):
        maps = 2 * torch.randn(8, 4, 6, 6) + 1
        ours = normalise_maps(maps, *batch_statistics(maps), **learnt)
        running = update_running(maps, *running, layer.momentum)
        gaps[f"train(), lot {number}"] = (layer.train()(maps) - ours).abs().max()
    ours = normalise_maps(maps, *running, **learnt)
    gaps["eval()"] = (layer.eval()(maps) - ours).abs().max()
    return {name: decimal(gap.item(), ".1e") for name, gap in gaps.items()}


# %%
normalise_maps = check.normalise_maps.use(normalise_maps, otherwise=improvements.normalise_maps)
batch_statistics = check.batch_statistics.use(
    batch_statistics, otherwise=improvements.batch_statistics
)
update_running = check.update_running.use(update_running, otherwise=improvements.update_running)
print("plus grand écart avec PyTorch :", largest_gaps())

# %% [markdown] question="bn-reseau" kind="code"
# ### Les convolutions du réseau
#
# Écrivez une fonction qui renvoie les trois étages de convolution, de l'image 28×28 aux cartes
# 64×4×4, avec une normalisation par lot **immédiatement après chaque convolution**. Les réglages
# sont ceux du notebook 04 ; pour le dernier pooling, voyez la partie 3.

# %% [markdown] hint="bn-reseau"
# `nn.BatchNorm2d(canaux)` reçoit le nombre de cartes que donne la convolution juste avant. Il en
# faut une par convolution.

# %% [markdown] hint="bn-reseau"
# Reprenez vos étages du notebook 04 : convolution, pooling, ReLU. La nouvelle couche s'intercale, et
# seul le dernier pooling change, pour arrondir comme le dit la partie 3.


# %% answer="bn-reseau"
def build_features():
    ### BEGIN SOLUTION
    def stage(inputs, filters, ceil_mode=False):
        convolution = nn.Conv2d(inputs, filters, kernel_size=5, padding=2)
        pooling = nn.MaxPool2d(2, ceil_mode=ceil_mode)
        return [convolution, nn.BatchNorm2d(filters), pooling, nn.ReLU()]

    return nn.Sequential(*stage(3, 32), *stage(32, 64), *stage(64, 64, ceil_mode=True))
    ### END SOLUTION


# %% test="bn-reseau-test" points=4
check.features(build_features)
### BEGIN HIDDEN TESTS
grade(check.features(build_features, seed=1), points=4)
### END HIDDEN TESTS

# %% [markdown]
# ### Tout ce que vous avez écrit, ensemble
#
# Voici un réseau fait de vos mains : vos images normalisées, découpées et mises en miroir à chaque
# époque par votre augmentation, vos couches, votre boucle. Même les couches `nn.Dropout` et
# `nn.BatchNorm2d` y sont remplacées par vos fonctions (`by_hand`). Les lignes « Suite » disent de qui
# vient chaque morceau.

# %%
build_features = check.features.use(build_features, otherwise=improvements.build_features)
build_classifier = check.classifier.use(build_classifier, otherwise=improvements.build_classifier)
dropout = check.dropout.use(dropout, otherwise=improvements.dropout)
train = check.training_loop.use(train, otherwise=improvements.train)

# %%
runtime.seed_everything(0)
layers = nn.Sequential(build_features(), build_classifier())
batch_norm = [normalise_maps, batch_statistics, update_running]
network = improvements.by_hand(layers, dropout, batch_norm)
extra = count_weights(network) - count_weights(CifarNet())
print(f"poids ajoutés par les normalisations : {extra}")


# %%
half = keep(learn_set, P.images // 2)
unit = [normalise.to_unit(one.images) for one in (half, validation_set)]
learn_images, validation_images = map(torch.as_tensor, normalise_both(*unit))


class Epochs:
    """Batches to iterate again and again: another order, other variants of the images."""

    def __iter__(self):
        for chosen in torch.randperm(len(learn_images)).split(32):
            yield augment(learn_images[chosen], training=True), half.labels[chosen]


# %%
held_out = [(augment(validation_images, training=False), validation_set.labels)]
measures = [training.evaluate(held_out, network)]
for _ in range(2):
    train(network, Epochs(), epochs=1)
    measures.append(training.evaluate(held_out, network))
Table(
    ["époque", "coût de validation", "exactitude de validation"],
    [[number, decimal(one.loss), percent(one.accuracy, 1)] for number, one in enumerate(measures)],
)

# %% [markdown]
# Chaque évaluation met le réseau en mode `eval()` puis le rend comme elle l'a trouvé ; votre boucle le
# remet de toute façon en mode `train()`. Sans cela, dropout et normalisation par lot n'auraient rien
# fait.
#
# Mesurons maintenant la dernière étape comme les autres. **Prédisez d'abord** : la normalisation par lot
# agira-t-elle surtout sur les premières époques ou sur les dernières ?

# %% [markdown]
# *Votre prédiction :*

# %%
with_and_without("dropout", "batch-norm", "Avec et sans normalisation par lot")

# %%
last_epochs({one.label: one.histories[0] for one in study("dropout", "batch-norm")})

# %% [markdown] question="bn-effet" kind="experience" number="34"
# ### L'effet de la normalisation par lot
#
# Décrivez vos résultats, comparez-les aux précédents et à votre prédiction : vitesse, exactitude,
# stabilité. Combien de poids cela coûte-t-il ?

# %% [markdown] answer="bn-effet-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Les premières époques vont plus vite : le coût quitte le palier du départ presque aussitôt.
#   (Avec `shapes` et si peu d'images, dropout et petits lots peuvent cacher cet effet.)
# - (1) Ce qu'il en reste à la fin, lu avec sa dispersion : sur un petit nombre d'images, le gain
#   peut changer de signe d'une graine ou d'une taille de lot à l'autre ; dans la référence, il est
#   établi mais petit, moins d'un point. Des petits lots rendent les statistiques bruitées.
# - (1) Deux poids par canal, 320 en tout : négligeable. Une époque est un peu plus longue, et la
#   couche se comporte autrement en évaluation (oublier `eval()` fait dépendre une image de ses
#   voisines de lot).
# ### END MARK SCHEME

# %% [markdown]
# ## 7. Tout ensemble
#
# Voici vos six configurations, sur vos images (le test de 2 000 images fixes dans le profil rapide : un
# écart-type de mesure d'un point environ).

# %%
mine = study(*CUMULATIVE)
comparison(mine)


# %%
def in_french(values, sign=""):
    return mean_and_spread(values, sign).replace(".", ",")


def cumulative_table(rows):
    header = ["configuration", "graines", "exactitude de test (%)", "gain (points)"]
    cells = [(one.label, len(one.tests), one.tests, one.gains) for one in rows]
    return Table(
        header,
        [
            [label, seeds, in_french(tests), in_french(gains, "+")]
            for label, seeds, tests, gains in cells
        ],
    )


# %%
cumulative_table(mine)

# %% [markdown]
# Et voici la référence, mesurée une fois pour toutes par le projet sur CIFAR-10 : moyenne ±
# écart-type sur les graines. Le gain compare chaque étape à celle d'avant, graine par graine ; un
# gain plus petit que sa dispersion n'est pas établi.
#
# La dernière ligne est **la meilleure recette** : le réseau, la chaîne et le budget ne changent pas.
# Seule change la descente (et, dans cette mesure, la précision des calculs : bfloat16) : un planning *one-cycle*, de plus grand pas 0,1, redescend presque à zéro,
# et une petite pénalité tire les poids vers zéro ($5 \times 10^{-4}$, *weight decay*).
#
# **Prédisez d'abord** : avec toutes les images et quinze époques, laquelle des cinq étapes gagne le plus
# sur le test ? Lesquelles ne gagnent rien qui dépasse leur dispersion ?

# %% [markdown]
# *Votre prédiction :*


# %%
def reference_summary(name, before):
    tests = test_accuracies(name)
    previous = test_accuracies(before)
    histories = [measured.where(configuration=name, seed=seed).history() for seed in tests]
    gains = [tests[seed] - previous[seed] for seed in tests if seed in previous]
    label = CONFIGURATIONS[name].label
    return SimpleNamespace(label=label, histories=histories, tests=[*tests.values()], gains=gains)


def test_accuracies(name):
    """Seed -> test accuracy, of the runs of a configuration."""
    rows = measured.where(configuration=name)
    return {row["seed"]: row["test_accuracy"] for row in rows if row["test_accuracy"] != ""}


# %%
known = [name for name in (*CUMULATIVE, "best") if test_accuracies(name)]
whole = [reference_summary(name, CONFIGURATIONS[name].parent) for name in known]
comparison(whole)

# %%
cumulative_table(whole)

# %%
measured

# %% [markdown]
# Ce que vos quelques époques sur quelques milliers d'images montrent : la normalisation fait démarrer le
# réseau plus tôt, l'augmentation et le dropout referment l'écart entre apprentissage et validation,
# momentum et normalisation par lot accélèrent. Ce qui demande toutes les images et le budget complet :
# ce que chaque étape **fait gagner sur le test**, avec sa dispersion. Aviez-vous prévu que les deux
# premières étapes feraient presque tout, et que le gain du dropout y serait nul ?

# %% [markdown]
# ### Défi : vite et bien (facultatif, non noté)
#
# Apprendre CIFAR-10 le plus vite possible est devenu un jeu : K. Jordan annonce 94 % d'exactitude de
# test en 3,3 secondes, sur un GPU (*airbench94*, 2024). Le paquet en a une version, en un fichier de
# 200 lignes (`tp_cnn/training/speedrun.py`) :
#
#     tp-cnn train --recipe speedrun
#
# Sur une copie JPEG de CIFAR-10, aux pixels un peu abîmés, elle a mené à 90,5 % en 2,8 secondes sur un GPU
# (H200 ; trois graines), et à 90,7 % en une vingtaine de minutes sur deux cœurs de processeur (une
# graine). La page `docs/performance.md` du projet en dit les conditions.
#
# Vous en connaissez presque tout : une première couche qui blanchit des morceaux d'image, des
# normalisations par lot, un pas qui monte puis redescend, des décalages et des miroirs. Du reste,
# retenons trois idées : aucune étiquette n'est donnée pour tout à fait sûre, les poids gardés sont une moyenne
# de ceux que l'on traverse, et au test on additionne les réponses à l'image, à son miroir et à leurs
# décalages.
#
# À vous, sur un essai court : quelle recette mène le plus haut en validation, à budget égal ? Celle de
# la cellule retire le dropout de la meilleure recette. Changez-y ce que vous voulez (un pas, un planning, une
# augmentation…), et n'en jugez que sur la validation.

# %%
my_recipe = {"name": "best", "model_options": {"batch_norm": True}}
last_epochs(trials({"la meilleure recette": {"name": "best"}, "la mienne": my_recipe}))

# %% [markdown] question="bilan" kind="reponse" star=true
# ### Bilan de la partie 3 du sujet
#
# Indiquez les méthodes que vous avez réussi à mettre en œuvre. Pour chacune, expliquez en une
# phrase son principe, et en une autre pourquoi elle améliore l'apprentissage. Dites aussi ce que
# vos mesures, et celles de la référence, permettent ou non d'affirmer.

# %% [markdown] answer="bilan-texte" points=6
# ### BEGIN MARK SCHEME
# - (1) Normalisation : centrer et réduire chaque canal avec les statistiques d'apprentissage ;
#   entrées de même échelle, donc descente mieux conditionnée.
# - (1) Augmentation : variantes aléatoires qui gardent la classe, en apprentissage seulement ; plus
#   d'exemples différents, donc moins de par cœur.
# - (1) Momentum et décroissance : mémoire des gradients, et pas de plus en plus petits ; moins de
#   bruit, descente plus rapide puis plus posée.
# - (1) Dropout : neurones éteints au hasard en apprentissage ; moins de coadaptation, effet
#   d'ensemble.
# - (1) Normalisation par lot : cartes ramenées à une échelle fixe puis réglée par le réseau ;
#   couches moins dépendantes les unes des autres, pas plus grands possibles.
# - (1) Lecture honnête des mesures : dispersion, étapes dont le gain n'est pas établi, effets qui
#   demandent le budget complet.
# ### END MARK SCHEME

# %% [markdown]
# ## À retenir
#
# - Les statistiques de normalisation viennent de l'apprentissage, et de lui seul.
# - L'augmentation est aléatoire en apprentissage, image par image ; en test, rien n'est tiré au
#   hasard.
# - Momentum, facteur de décroissance, `momentum` d'une normalisation par lot : trois nombres
#   différents. `scheduler.step()` vient après l'optimiseur, une fois par époque si le facteur est
#   donné par époque.
# - Dropout et normalisation par lot changent de comportement entre `train()` et `eval()`.
# - Normalisation et normalisation par lot aident à **optimiser** ; augmentation et dropout
#   **régularisent**. On choisit le remède d'après le mal.
# - Un gain s'annonce avec sa dispersion, son budget et ses données.
#
# ## Pour aller plus loin
#
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Dropout: a simple way
#   to prevent neural networks from overfitting*, JMLR 2014.
# - S. Ioffe, C. Szegedy, *Batch normalization: accelerating deep network training by reducing
#   internal covariate shift*, ICML 2015 ; et S. Santurkar et al., *How does batch normalization
#   help optimization?*, NeurIPS 2018, qui discute l'explication.
# - T. DeVries, G. Taylor, *Improved regularization of convolutional neural networks with cutout*,
#   2017 ; H. Zhang et al., *mixup: beyond empirical risk minimization*, ICLR 2018.
# - D. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015 ; I. Loshchilov, F.
#   Hutter, *Decoupled weight decay regularization*, ICLR 2019 ; L. Smith, N. Topin,
#   *Super-convergence*, 2018 (one-cycle).
# - Y. Gal, Z. Ghahramani, *Dropout as a Bayesian approximation*, ICML 2016.
# - A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009 : le blanchiment
#   ZCA.

# %% [markdown]
# ## Votre compte rendu
#
# Écrivez votre bilan dans la cellule ci-dessous : ce que montrent vos résultats, ce que vous en
# pensez, ce que vous n'avez pas réussi ou pas compris. Enregistrez (Ctrl+S), puis exécutez la
# dernière cellule : elle range vos réponses par numéro dans `compte_rendu.html`, à côté de ce
# notebook. Un navigateur l'ouvre et l'imprime en PDF (Ctrl+P).
#
# - Vos noms : `authors=["Ada Lovelace", "Blaise Pascal"]`.
# - Le compte rendu du soir, questions ★ seulement : `follow_up=True`.
# - Plusieurs notebooks ensemble : `report.from_notebook("05_ameliorations", "04_cifar10", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("05_ameliorations", authors=[], follow_up=False)
