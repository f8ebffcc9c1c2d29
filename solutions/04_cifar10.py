# %% [markdown]
# # 04. Un réseau pour CIFAR-10, appris de zéro
#
# À la fin de ce notebook, vous saurez :
#
# - dimensionner un réseau convolutionnel : padding, pooling, tailles et poids de chaque couche ;
# - le comparer à ce qui se faisait avant lui, le sac de mots visuels suivi d'un SVM ;
# - écrire une mise à jour des poids, et vérifier un réseau avant de l'entraîner longtemps ;
# - lire une grille de réglages, et dire ce qui ne va pas dans une courbe d'apprentissage.
#
# **Durée :** 3 h
#
# **Prérequis :** les notebooks 01 (convolution) et 03 (LeNet-5 sur MNIST)

# %% parameters=true grading="images=200 validation=200 epochs=1 grid_images=200 grid_epochs=1 words=20 test=200"
from tp_cnn import runtime

P = runtime.parameters(
    quick={
        "images": 1500,
        "validation": 1000,
        "epochs": 22,
        "rate": 0.1,
        "batch_size": 16,
        "grid_images": 1500,
        "grid_epochs": 4,
        "words": 200,
        "test": 2000,
    },
    full={
        "images": 45_000,
        "validation": 5000,
        "epochs": 14,
        "batch_size": 32,
        "grid_images": 10_000,
        "grid_epochs": 5,
        "words": 400,
        "test": 10_000,
    },
)
P

# %%
from math import log

import torch
from IPython.display import display
from torch import nn

# %%
from tp_cnn import training
from tp_cnn.experiments import reference
from tp_cnn.display import Table, announce, percent, thousands
from tp_cnn.checks import cifar as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.data.batches import Batches, keep, split_train
from tp_cnn.data.classroom import load_for_class
from tp_cnn.scratch import bag_of_words
from tp_cnn.data.normalise import Normalise, channel_statistics, to_unit
from tp_cnn.errors import CourseError
from tp_cnn.training.history import History, lowest_epoch
from tp_cnn.models import CifarNet, count_weights
from tp_cnn.plots import cifar as pictures, training as plots
from tp_cnn.plots.volumes import volumes

# %% [markdown]
# ## 1. Les images
#
# CIFAR-10 (Krizhevsky, 2009) : dix classes d'objets et d'animaux, 50 000 images pour apprendre et
# 10 000 pour tester, en couleur mais minuscules : 32×32 pixels. Sans copie locale et sans connexion, le
# notebook continue avec `shapes`, dix formes colorées que le paquet dessine : tout fonctionne, mais
# les nombres changent. Les tables de référence, elles, portent toujours sur CIFAR-10.

# %%
train_set, test_set = load_for_class("cifar10", otherwise="shapes")
device = runtime.device()
announce(device=runtime.describe_device(device), data=train_set.name)

# %%
by_class = [(train_set.labels == number).nonzero()[:2, 0] for number in range(10)]
shown = torch.stack(by_class, dim=1).flatten()
plots.image_grid(
    train_set.images[shown],
    [train_set.classes[label] for label in train_set.labels[shown]],
    title="Deux images de chaque classe",
)

# %% [markdown]
# Le profil rapide n'apprend que sur une petite partie des images, pour tenir en quelques minutes ;
# le profil complet les prend toutes. La **validation** sert à comparer des réglages, le **test** ne
# servira qu'une fois, à la fin.

# %%
learn_set, validation_set = split_train(train_set, P.validation, seed=0)
learn_set, test_set = keep(learn_set, P.images), keep(test_set, P.test)
{"apprentissage": len(learn_set), "validation": len(validation_set), "test": len(test_set)}

# %% [markdown]
# ## 2. Dimensionner le réseau
#
# Le réseau de ce TP suit le style d'AlexNet (Krizhevsky, Sutskever et Hinton, 2012), en plus petit :
#
# | couche | réglage |
# |---|---|
# | conv1 | 32 filtres 5×5, ReLU |
# | pool1 | max-pooling 2×2 |
# | conv2 | 64 filtres 5×5, ReLU |
# | pool2 | max-pooling 2×2 |
# | conv3 | 64 filtres 5×5, ReLU |
# | pool3 | max-pooling 2×2 |
# | fc4 | dense, 1000 neurones, ReLU |
# | fc5 | dense, 10 neurones, softmax |
#
# Une couche **dense** est ce que le sujet de TP nomme « complètement connectée » (*fully connected*,
# d'où fc4 et fc5) : chaque neurone lit toutes les valeurs de la couche d'avant.
#
# Rappel du notebook 01 : une fenêtre de taille $k$ qui avance de $s$ sur une entrée de taille $n$
# entourée de $p$ zéros de chaque côté donne
# $\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1$ valeurs.

# %% [markdown] question="cifar-padding" kind="calcul" number="8"
# ### Garder la taille
#
# Quels padding et stride donner aux convolutions 5×5 pour que la sortie ait la taille de l'entrée ?

# %% [markdown] hint="cifar-padding"
# Le filtre doit pouvoir se centrer sur chaque pixel, ceux du bord compris.

# %% [markdown] hint="cifar-padding"
# Centré sur un pixel du bord, un filtre 5×5 dépasse de l'image : de combien de colonnes ?

# %% answer="cifar-padding"
conv_padding = (5 - 1) // 2  # zeros on each side  # SOLUTION
conv_stride = 1  # SOLUTION

# %% test="cifar-padding-test" points=1
check.padding_stride((conv_padding, conv_stride))
### BEGIN HIDDEN TESTS
grade(check.padding_stride((conv_padding, conv_stride)), points=1)
### END HIDDEN TESTS

# %% [markdown] question="cifar-pooling" kind="calcul" number="9"
# ### Diviser la taille par deux
#
# Quels padding et stride donner aux max-poolings 2×2 pour diviser par deux la hauteur et la largeur ?

# %% [markdown] hint="cifar-pooling"
# Les fenêtres de deux pixels doivent se suivre sans se chevaucher.

# %% [markdown] hint="cifar-pooling"
# Posez $k = 2$ et $n = 32$ dans la formule, et cherchez $s$ et $p$ pour trouver 16.

# %% answer="cifar-pooling"
pool_padding = 0  # SOLUTION
pool_stride = 2  # SOLUTION

# %% test="cifar-pooling-test" points=1
check.pooling_settings((pool_padding, pool_stride))
### BEGIN HIDDEN TESTS
grade(check.pooling_settings((pool_padding, pool_stride)), points=1)
### END HIDDEN TESTS

# %% [markdown] question="cifar-couches" kind="calcul" number="10" star=true
# ### Tailles et poids, couche par couche
#
# Pour une image de 3×32×32, donnez pour chaque couche la taille de sa sortie et le nombre de ses
# poids, biais compris. Une taille s'écrit `(cartes, hauteur, largeur)`, ou `(neurones,)` pour une
# couche dense.

# %% [markdown] hint="cifar-couches"
# Les convolutions gardent la hauteur et la largeur, les poolings les divisent par deux. Un filtre a
# un poids par case **et par carte d'entrée**, plus un biais. Un pooling n'apprend rien.

# %% [markdown] hint="cifar-couches"
# conv2 : 64 filtres, chacun de 5×5 cases sur 32 cartes, et un biais par filtre. fc4 reçoit toutes
# les valeurs de pool3, mises à plat : combien y en a-t-il ?

# %% answer="cifar-couches"
layers = {
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # "conv1": (..., ...),  # size, weights
    # "pool1": (..., ...),
    # "conv2": (..., ...),
    # "pool2": (..., ...),
    # "conv3": (..., ...),
    # "pool3": (..., ...),
    # "fc4": (..., ...),
    # "fc5": (..., ...),
    "conv1": ((32, 32, 32), (5 * 5 * 3 + 1) * 32),
    "pool1": ((32, 16, 16), 0),
    "conv2": ((64, 16, 16), (5 * 5 * 32 + 1) * 64),
    "pool2": ((64, 8, 8), 0),
    "conv3": ((64, 8, 8), (5 * 5 * 64 + 1) * 64),
    "pool3": ((64, 4, 4), 0),
    "fc4": ((1000,), (64 * 4 * 4 + 1) * 1000),
    "fc5": ((10,), (1000 + 1) * 10),
    ### END SOLUTION
}

# %% test="cifar-couches-test" points=4
check.layer_table(layers)
### BEGIN HIDDEN TESTS
grade(check.layer_table(layers), points=4)
### END HIDDEN TESTS

# %% [markdown] question="cifar-total" kind="calcul" number="11"
# ### Autant de poids, pour combien d'images ?
#
# Combien de poids en tout ? Et combien cela fait-il de poids par image d'apprentissage de CIFAR-10
# (50 000 images) ? Gardez la valeur exacte.

# %% [markdown] hint="cifar-total"
# Additionnez la deuxième colonne de votre table ; `sum` le fait pour vous.

# %% [markdown] hint="cifar-total"
# `layers.values()` donne les couples (taille, poids), l'un après l'autre : additionnez le second de
# chacun. La moyenne par image est une division.

# %% answer="cifar-total"
total_weights = sum(weights for _, weights in layers.values())  # SOLUTION
weights_per_image = total_weights / 50_000  # SOLUTION

# %% test="cifar-total-test" points=1
check.total_weights(total_weights)
### BEGIN HIDDEN TESTS
grade(check.total_weights(total_weights), points=1)
### END HIDDEN TESTS

# %% test="cifar-poids-par-image-test" points=1
check.weights_per_image(weights_per_image)
### BEGIN HIDDEN TESTS
grade(check.weights_per_image(weights_per_image), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Gardez ce rapport en tête : la question 18 dira ce que le réseau fait de tous ces poids.
#
# Une couche utilise chacun de ses poids une fois par position de sa sortie : une convolution en a
# peu, mais les emploie partout. Voici votre table en image, puis le réseau en volumes, dès qu'elle
# est juste.

# %%
if check.layer_table(layers).ok:
    display(pictures.layer_shares(layers))
    display(volumes(CifarNet(), (3, 32, 32), "De l'image aux dix scores"))

# %% [markdown] question="cifar-repartition" kind="reponse" number="10" star=true
# ### Commenter la répartition
#
# Où sont les poids ? Où se fait l'essentiel du calcul ? Quelle couche faudrait-il changer pour
# alléger la mémoire, et laquelle pour gagner du temps ? Laquelle risque le plus d'apprendre les
# images par cœur ?

# %% [markdown] answer="cifar-repartition-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Les poids sont dans les couches denses, fc4 surtout (86 %) : c'est elle que l'on réduit pour
#   la mémoire, et c'est elle qui risque le plus le surapprentissage.
# - (1) Les calculs sont dans les convolutions (96 %), conv2 en tête : un poids partagé sert à chaque
#   position. C'est là que se gagne le temps. Les cartes, elles, sont les plus grosses au début.
# ### END MARK SCHEME

# %% [markdown]
# ## 3. Avant les réseaux : le sac de mots visuels
#
# Vers 2004, on décrivait une image comme un texte, par ses mots, sans leur place (Csurka et al.) :
#
# 1. **découper** l'image en petits morceaux qui se chevauchent ;
# 2. apprendre un **vocabulaire** : les $K$ centres que k-means trouve parmi des morceaux de toutes
#    les images, sans regarder les étiquettes ;
# 3. remplacer chaque morceau par son mot le plus proche, et décrire l'image par un **histogramme** :
#    la part de chaque mot ;
# 4. séparer les classes par un **SVM linéaire** : pour chaque classe, un poids par mot et un biais.
#
# Nos morceaux sont des carrés de 6×6 pixels en couleur, dont on retire la luminosité et, à peu près,
# le contraste.

# %%
pictures.patches_on(
    train_set.images[shown[1]],
    bag_of_words.SIDE,
    bag_of_words.STRIDE,
    "Six morceaux voisins d'une image",
)

# %%
patches = bag_of_words.draw_patches(learn_set.images, 30_000)
words = bag_of_words.learn_vocabulary(patches, P.words)
pictures.vocabulary(words, channels=3, title=f"Les {P.words} mots du vocabulaire")

# %% [markdown]
# Des bords de toutes les directions, des taches, des dégradés de couleur : retenez ces images, vous
# en reverrez de semblables parmi les filtres d'un réseau (notebook 07).

# %% [markdown] question="sac-histogramme" kind="code" number="12"
# ### L'histogramme d'une image
#
# Écrivez la fonction qui décrit une image. Elle reçoit ses morceaux (un tenseur $n \times d$) et le
# vocabulaire ($K \times d$) ; elle renvoie un tenseur de $K$ valeurs, la part des morceaux dont
# chaque mot est le plus proche (distance euclidienne).

# %% [markdown] hint="sac-histogramme"
# `torch.cdist(patches, vocabulary)` donne toutes les distances, $n \times K$. Pour chaque ligne,
# quel est l'indice de la plus petite ?

# %% [markdown] hint="sac-histogramme"
# `torch.bincount(mots, minlength=K)` compte combien de fois chaque indice est présent ; il reste à
# passer des nombres aux parts.


# %% answer="sac-histogramme"
def histogram(patches, vocabulary):
    ### BEGIN SOLUTION
    nearest = torch.cdist(patches, vocabulary).argmin(1)
    return torch.bincount(nearest, minlength=len(vocabulary)) / len(patches)
    ### END SOLUTION


# %% test="sac-histogramme-test" points=3
check.bow_histogram(histogram)
### BEGIN HIDDEN TESTS
grade(check.bow_histogram(histogram, seed=1), points=3)
### END HIDDEN TESTS

# %%
histogram = check.bow_histogram.use(histogram, otherwise=bag_of_words.histogram)


def describe(images):
    """The histogram of each image: (images, words)."""
    patches = (bag_of_words.cut_patches(one)[0] for one in images.split(1))
    return torch.stack([torch.as_tensor(histogram(one, words)) for one in patches]).float()


# %%
learn_words, validation_words = describe(learn_set.images), describe(validation_set.images)
some = shown[[1, 6, 8]]
pictures.histograms(
    train_set.images[some],
    describe(train_set.images[some]),
    [train_set.classes[label] for label in train_set.labels[some]],
)

# %%
svm = bag_of_words.train_svm(learn_words, learn_set.labels)
Table(
    ["sac de mots + SVM", "exactitude"],
    [
        ["apprentissage", percent(bag_of_words.accuracy(svm, learn_words, learn_set.labels), 1)],
        [
            "validation",
            percent(bag_of_words.accuracy(svm, validation_words, validation_set.labels), 1),
        ],
    ],
)

# %% [markdown] question="sac-poids" kind="calcul" number="12"
# ### Combien de nombres à apprendre ?
#
# Écrivez deux formules : le nombre de poids du SVM, biais compris, pour un vocabulaire de `words`
# mots et `classes` classes ; et le nombre de valeurs à apprendre pour décrire le vocabulaire, quand
# un mot est un morceau de `side`×`side` pixels à `channels` canaux.

# %% [markdown] hint="sac-poids"
# Le SVM est linéaire : pour chaque classe, un poids par case de l'histogramme, et un biais.

# %% [markdown] hint="sac-poids"
# Un mot est le centre d'un groupe de morceaux : il a autant de valeurs qu'eux. Un morceau de 6×6
# pixels en couleur en compte 6×6×3.


# %% answer="sac-poids"
def svm_weights(words, classes):
    return (words + 1) * classes  # SOLUTION


def vocabulary_values(words, side, channels):
    return words * side * side * channels  # SOLUTION


# %% test="sac-poids-svm-test" points=1
check.bow_svm_weights(svm_weights)
### BEGIN HIDDEN TESTS
grade(check.bow_svm_weights(svm_weights, seed=1), points=1)
### END HIDDEN TESTS

# %% test="sac-poids-vocabulaire-test" points=1
check.bow_vocabulary_weights(vocabulary_values)
### BEGIN HIDDEN TESTS
grade(check.bow_vocabulary_weights(vocabulary_values, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# La comparaison des deux approches attend que le réseau ait appris, sur les mêmes images.
#
# ## 4. Construire et vérifier
#
# Au notebook 03, LeNet-5 apprenait MNIST. Changeons de données et de réseau. La boucle, elle, ne
# change pas : `fit` prend n'importe quel réseau et n'importe quelles images.

# %% [markdown] question="cifar-reseau" kind="code" number="15"
# ### Construire le réseau
#
# Écrivez une fonction qui renvoie un nouveau réseau, avec les couches de la partie 2. La dernière
# couche donne les dix scores **tels quels** : le softmax, qui en fait des probabilités, est déjà dans
# le coût. (Ce coût, l'**entropie croisée**, vaut $-\log p_y$ pour une image de classe $y$, où $p_y$
# est la probabilité que le réseau donne à la bonne classe.)

# %% [markdown] hint="cifar-reseau"
# `nn.Sequential` enchaîne les couches. Une étape complète s'écrit `nn.Conv2d(…)`, `nn.MaxPool2d(2)`,
# `nn.ReLU()` : prendre le maximum d'abord donne le même résultat, avec quatre fois moins de valeurs
# à activer.

# %% [markdown] hint="cifar-reseau"
# La première couche est `nn.Conv2d(3, 32, kernel_size=5, padding=2)`. N'oubliez pas `nn.Flatten()`
# avant fc4, qui reçoit 64×4×4 valeurs.


# %% answer="cifar-reseau"
def build_network():
    ### BEGIN SOLUTION
    def stage(inputs, filters):
        convolution = nn.Conv2d(inputs, filters, kernel_size=5, padding=2)
        return [convolution, nn.MaxPool2d(2), nn.ReLU()]

    dense = [nn.Flatten(), nn.Linear(64 * 4 * 4, 1000), nn.ReLU(), nn.Linear(1000, 10)]
    return nn.Sequential(*stage(3, 32), *stage(32, 64), *stage(64, 64), *dense)
    ### END SOLUTION


# %% test="cifar-reseau-test" points=3
check.cifarnet(build_network)
### BEGIN HIDDEN TESTS
grade(check.cifarnet(build_network, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown] question="pas-apprentissage" kind="code" number="15"
# ### Une mise à jour des poids
#
# C'est le cœur de la boucle que vous avez lue au notebook 03, un pas de la descente de gradient.
# Écrivez la fonction qui corrige une fois les poids de `model` sur un lot, et renvoie le coût de ce
# lot, **un nombre** Python.

# %% [markdown] hint="pas-apprentissage"
# Quatre gestes : calculer le coût, oublier les gradients d'avant, calculer les nouveaux, déplacer
# les poids. Lesquels appartiennent à l'optimiseur ?

# %% [markdown] hint="pas-apprentissage"
# `optimizer.zero_grad()` avant `loss.backward()`, puis `optimizer.step()`. `loss.item()` donne le
# nombre, sans le graphe de calcul.


# %% answer="pas-apprentissage"
def training_step(model, images, labels, criterion, optimizer):
    ### BEGIN SOLUTION
    loss = criterion(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION


# %% test="pas-apprentissage-test" points=3
check.training_step(training_step)
### BEGIN HIDDEN TESTS
grade(check.training_step(training_step, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# ### Deux minutes de vérification, avant des heures d'apprentissage
#
# Un réseau sain doit pouvoir apprendre **vingt images par cœur**. S'il n'y arrive pas, inutile d'en
# essayer cinquante mille. La cellule répète votre mise à jour sur un seul lot, avec votre réseau ; un
# des deux n'est pas encore juste ? Celui du paquet le remplace, et tout continue.


# %%
build_network = check.cifarnet.use(build_network, otherwise=CifarNet)
training_step = check.training_step.use(training_step, otherwise=training.step)


# %%
def memorise(build, step, count=20, steps=60):
    runtime.seed_everything(0)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)  # faster than SGD here
    images, labels = next(iter(Batches(learn_set, count, device="cpu")))
    return [step(model, images, labels, nn.CrossEntropyLoss(), optimizer) for _ in range(steps)]


losses = memorise(build_network, training_step)
pictures.loss_by_step(losses, "Vingt images, apprises par cœur")

# %% [markdown]
# Le coût tombe près de 0 : réseau, coût et optimiseur vont bien ensemble. (D'où part-il ? La question
# 17 y vient.) La suite entraîne ce réseau-là, par cette mise à jour-là : ceux que nomment les lignes
# « Suite » ci-dessus.


# %%
def train_network(images, rate, batch_size, epochs, normalise=to_unit):
    runtime.seed_everything(0)
    model = build_network().to(device, memory_format=torch.channels_last)
    batches = Batches(images, batch_size, shuffle=True, normalise=normalise)
    validation = Batches(validation_set, 500, normalise=normalise)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    options = {"epochs": epochs, "optimizer": optimizer, "step": training_step}
    return model, training.fit(model, batches, validation, **options)


# %% [markdown]
# Descente de gradient par lots, sans rien d'autre : ni normalisation, ni augmentation, ni *momentum*
# (une inertie donnée à la descente, que définira le notebook 05). Ce sera le point de départ du
# notebook 05. La même graine redonne les mêmes tirages ; mais un autre nombre de fils de calcul
# additionne dans un autre ordre, et quelques époques suffisent pour que ces arrondis mènent à un
# réseau un peu différent : vos nombres ne sont pas au chiffre près ceux du voisin.
#
# **Prédisez d'abord**, en une ligne : en combien d'époques l'exactitude d'apprentissage passera-t-elle
# 20 %, et que vaudra-t-elle à la fin, en apprentissage et en validation ?

# %% [markdown]
# *Votre prédiction :*

# %%
model, history = train_network(learn_set, P.rate, P.batch_size, P.epochs)
history

# %% [markdown] question="cifar-convergence" kind="experience" number="15"
# ### Assez d'époques ?
#
# Lisez la table, et revenez à votre prédiction : qu'est-ce qui vous surprend ? Combien d'époques
# faut-il pour que le réseau commence vraiment à apprendre ? A-t-il fini de converger à la dernière,
# sur ses images d'apprentissage et sur celles de validation ?

# %% [markdown] answer="cifar-convergence-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Avec peu d'images, un palier d'abord : pendant deux à cinq époques le coût reste près de 2,3 et
#   l'exactitude près de 10 %, puis il descend. Ce qui compte est le nombre de mises à jour (images /
#   taille du lot × époques) : avec toutes les images, la première époque suffit à quitter le palier.
# - (1) Le coût d'apprentissage baisse encore à la fin ; l'exactitude de validation, elle, ne monte
#   plus depuis plusieurs époques. En apprentissage, non ; en validation, oui : continuer ne sert plus.
# ### END MARK SCHEME

# %% [markdown]
# ## 5. Deux réglages : le pas d'apprentissage et la taille des lots
#
# Après chaque lot, les poids $\theta$ deviennent $\theta - \eta\, g$, où $\eta$ est le **pas
# d'apprentissage** (*learning rate*) et $g$ le gradient moyen du lot, une estimation du gradient de
# toutes les images. Voyons l'effet de $\eta$ et de la taille du lot, pour un même nombre d'époques.
# Pour que quelques époques suffisent à voir une différence, les images sont ici normalisées : la
# question 19, au notebook 05, dira ce que cela change.
#
# **Prédisez d'abord** : des pas 0,5, 0,1 et 0,01, lequel mènera le plus haut avec des lots de 16 ? et
# avec des lots de 128 ?

# %% [markdown]
# *Votre prédiction :*


# %%
def grid_run(rate, batch_size):
    images = keep(learn_set, P.grid_images)
    normalise = Normalise(channel_statistics(images.images))
    try:
        return train_network(images, rate, batch_size, P.grid_epochs, normalise)[1]
    except CourseError:  # the loss is no longer a number
        return History()


runs = {(rate, size): grid_run(rate, size) for rate in (0.5, 0.1, 0.01) for size in (16, 128)}
pictures.grid(runs, "Exactitude finale en validation, temps d'une époque")

# %% [markdown]
# Voici une grille plus large, mesurée une fois pour toutes par le projet sur 10 000 images de
# CIFAR-10, sans normalisation, et les conditions de la mesure. Les temps sont en secondes de calcul.
# Votre prédiction tient-elle, ici et là ?

# %%
grid = reference.load("cifar10_grid")
settings = {(row["learning_rate"], row["batch_size"]) for row in grid}
measured = {
    (rate, size): grid.where(learning_rate=rate, batch_size=size).history()
    for rate, size in settings
}
pictures.grid(
    measured, "Référence, 10 000 images : exactitude finale en validation, temps d'une époque"
)

# %%
grid

# %% [markdown] question="pas-et-lots" kind="experience" number="16" star=true
# ### L'effet du pas et de la taille des lots
#
# Que se passe-t-il quand le pas est trop petit ? trop grand ? Et quand les lots grossissent, à
# nombre d'époques égal ? Comparez aussi les temps. Pourquoi ne règle-t-on pas l'un sans l'autre ?

# %% [markdown] answer="pas-et-lots-texte" points=4
# ### BEGIN MARK SCHEME
# - (1) Un pas trop petit : le coût ne bouge presque pas (le réseau reste au palier du hasard). Un pas
#   trop grand : le coût saute, reste ou retourne au hasard, voire diverge. Entre les deux, une plage
#   étroite, d'un facteur dix environ.
# - (1) À nombre d'époques égal, de grands lots font moins de mises à jour : l'apprentissage est plus
#   lent. De petits lots en font davantage, avec un gradient plus bruité, ce qui aide parfois à
#   généraliser.
# - (1) Temps : une époque coûte à peu près le même calcul ; de très petits lots la rallongent
#   (surcoût de chaque mise à jour), et les grands lots n'ont d'intérêt que si le matériel en profite (GPU).
# - (1) Les deux vont ensemble : un lot plus grand donne un gradient plus sûr et supporte un pas plus
#   grand ; multiplier la taille par $k$ invite à multiplier le pas par $k$ (Goyal et al., 2017).
# ### END MARK SCHEME

# %% [markdown]
# ## 6. Le tout début
#
# Avant tout apprentissage, le coût a déjà une valeur, et l'on peut la prévoir.

# %% [markdown] question="premier-cout" kind="calcul" number="17"
# ### Le coût d'un réseau qui ne sait rien
#
# Avant d'apprendre, un réseau donne à peu près la même probabilité aux $C$ classes. Écrivez la
# fonction qui donne le coût attendu.

# %% [markdown] hint="premier-cout"
# Quelle est la probabilité de chaque classe, quand aucune n'est préférée ?

# %% [markdown] hint="premier-cout"
# $-\log(1/C)$ se simplifie ; la fonction `log` (logarithme naturel) est déjà importée.


# %% answer="premier-cout"
def expected_first_loss(classes):
    return log(classes)  # SOLUTION


# %% test="premier-cout-test" points=1
check.first_loss(expected_first_loss)
### BEGIN HIDDEN TESTS
grade(check.first_loss(expected_first_loss, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Mesurons-le, pour dix graines ; puis pour le même réseau dont on agrandit la dernière couche, comme
# le ferait une mauvaise initialisation. **Prédisez d'abord** : multiplier les derniers poids par 30
# rapproche-t-il ou éloigne-t-il le coût de votre formule ? et les dix graines entre elles ?

# %% [markdown]
# *Votre prédiction :*


# %%
@torch.no_grad()
def first_loss(seed, factor):
    runtime.seed_everything(seed)
    model = CifarNet().to(device)  # the package's: its last layer has a name
    model.classifier[-1].weight *= factor
    return training.evaluate(Batches(keep(learn_set, 100), 100), model).loss


starts = {"initialisation de PyTorch": 1, "dernière couche ×30": 30, "dernière couche ×100": 100}
pictures.first_losses(
    {name: [first_loss(seed, factor) for seed in range(10)] for name, factor in starts.items()},
    classes=10,
)

# %% [markdown] question="premier-cout-interprete" kind="experience" number="17"
# ### Interpréter ce premier coût
#
# Au début de la première époque, quel coût et quelle exactitude observez-vous ? À quoi
# correspondent-ils ? Aviez-vous prévu l'effet d'une dernière couche trop grande ? Que soupçonner si le premier coût est bien plus grand que $\log C$ ? Et s'il
# reste longtemps à cette valeur ?

# %% [markdown] answer="premier-cout-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Près de log 10 ≈ 2,30 et de 10 % : un tirage au hasard parmi dix classes équilibrées. Le réseau
#   ne préfère aucune classe ; tout ce qui suit se mesure à partir de là.
# - (1) Bien plus grand : le réseau est sûr de lui et se trompe (poids trop grands, images mal
#   normalisées). Bloqué à log C : il n'apprend pas (un pas trop petit ou trop grand, gradients
#   remis à zéro au mauvais moment, softmax en trop, étiquettes mélangées).
# ### END MARK SCHEME

# %% [markdown]
# ## 7. Et à la fin
#
# Reprenons l'apprentissage de la partie 4. En couleur, le vôtre ; en gris, ceux de la référence (un
# symbole par graine), sur toutes les images de CIFAR-10.

# %%
base = reference.load("cifar10_base")
seeds = sorted({row["seed"] for row in base})
references = {
    f"référence (45 000 images), graine {seed}": base.where(seed=seed).history() for seed in seeds
}
pictures.overfitting(history, references, f"ici ({thousands(len(learn_set))} images)")

# %%
base

# %% [markdown] question="arret-anticipe" kind="code"
# ### Quand fallait-il s'arrêter ?
#
# Écrivez la fonction qui reçoit la liste des coûts de validation, un par époque, et renvoie le numéro
# de l'époque où il fallait s'arrêter : celle du plus petit. La première époque porte le numéro 1.

# %% [markdown] hint="arret-anticipe"
# `min(losses)` donne le plus petit coût ; c'est sa place dans la liste qui vous intéresse.

# %% [markdown] hint="arret-anticipe"
# `losses.index(valeur)` donne la place d'une valeur, comptée à partir de 0.


# %% answer="arret-anticipe"
def stopping_epoch(losses):
    return losses.index(min(losses)) + 1  # SOLUTION


# %% test="arret-anticipe-test" points=1
check.stopping_epoch(stopping_epoch)
### BEGIN HIDDEN TESTS
grade(check.stopping_epoch(stopping_epoch, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Votre réseau, à cette époque puis à la dernière :

# %%
stopping_epoch = check.stopping_epoch.use(stopping_epoch, otherwise=lowest_epoch)
best = history[stopping_epoch(history.validation_loss) - 1]
History([best, history[-1]])

# %% [markdown] question="surapprentissage" kind="experience" number="18" star=true
# ### Qu'est-ce qui ne va pas ?
#
# Comparez apprentissage et validation, pour le coût et pour l'exactitude. Comment s'appelle ce
# phénomène ? D'où vient-il, et pourquoi est-il plus fort avec peu d'images ? Pourquoi le coût de
# validation peut-il remonter sans que l'exactitude baisse ? Proposez deux remèdes.

# %% [markdown] answer="surapprentissage-texte" points=4
# ### BEGIN MARK SCHEME
# - (1) Le coût d'apprentissage descend vers 0 alors que celui de validation atteint un minimum puis
#   **remonte** ; l'exactitude d'apprentissage file vers 100 % et celle de validation plafonne. La
#   référence montre la même chose plus haut : un plafond aux deux tiers, en quelques époques.
# - (1) C'est le surapprentissage : le réseau retient ses exemples au lieu de ce qui leur est commun.
#   Il a bien plus de poids que d'exemples (question 11), et d'autant plus qu'ils sont peu nombreux.
# - (1) Le coût compte aussi la confiance : le réseau devient sûr de lui jusque dans ses erreurs, qui
#   coûtent alors cher, sans être plus nombreuses.
# - (1) Deux remèdes parmi : plus d'images, augmentation, dropout, pénalité sur les poids,
#   normalisation par lot, réseau plus petit, arrêt anticipé.
# ### END MARK SCHEME

# %% [markdown]
# ## 8. Le sac de mots ou le réseau ?
#
# Les décisions sont prises : le jeu de test peut servir, une fois. Les deux approches ont appris sur
# les mêmes images.

# %%
of_words = [
    bag_of_words.accuracy(svm, learn_words, learn_set.labels),
    bag_of_words.accuracy(svm, describe(test_set.images), test_set.labels),
]
of_network = [training.evaluate(Batches(one, 500), model).accuracy for one in (learn_set, test_set)]
bow_values = svm[-1].coef_.size + svm[-1].intercept_.size + words.numel()
Table(
    ["approche", "nombres appris", "apprentissage", "test"],
    [
        ["sac de mots + SVM", thousands(bow_values), *[percent(one, 1) for one in of_words]],
        ["réseau", thousands(count_weights(model)), *[percent(one, 1) for one in of_network]],
    ],
)

# %% [markdown]
# Et avec plus d'images ? Mesures de référence sur CIFAR-10. Le réseau fait le même nombre de mises à
# jour pour 2 000 images que pour 10 000, et davantage pour toutes.

# %%
counts = reference.load("cifar10_counts")
names = {"BoW + SVM": "sac de mots + SVM", "CNN": "réseau"}
whole = [row for row in base if row["test_accuracy"]]  # the last epoch of each run of part 7
Table(
    ["approche", "images", "apprentissage", "test"],
    [
        [
            names.get(row.get("method"), f"réseau de la partie 7, graine {row['seed']}"),
            thousands(row.get("images", 45_000)),
            percent(row["train_accuracy"], 1),
            percent(row["test_accuracy"], 1),
        ]
        for row in [*counts, *whole]
    ],
)

# %%
counts

# %% [markdown]
# Les deux graines ont le même réseau, les mêmes images et les mêmes réglages ; sur le test, dix points
# les séparent. À pas constant, l'exactitude saute d'une époque à l'autre, et prendre la dernière
# revient à tirer au sort. Le notebook 05 y remédie, en réduisant le pas peu à peu.

# %% [markdown] question="sac-ou-reseau" kind="experience" number="12"
# ### Comparer les deux approches
#
# Comparez les nombres appris, l'exactitude, et l'écart entre apprentissage et test, avec peu puis
# avec plus d'images. Qu'apprend le réseau que le sac de mots fixe d'avance ou perd ?

# %% [markdown] answer="sac-ou-reseau-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Le réseau a vingt-cinq (400 mots) à cinquante (200 mots) fois plus de nombres à apprendre,
#   presque tous dans fc4 ; le SVM n'en a que quelques milliers, et son vocabulaire s'apprend sans
#   étiquettes.
# - (1) Dans la référence, le réseau est devant avec 2 000 images déjà, de sept points environ, et
#   garde cette avance avec 10 000 et 45 000 (la dernière époque y est tirée au sort), alors qu'il
#   surapprend bien davantage. Ici, avec moins d'images, les deux peuvent se valoir. (Avec `shapes`,
#   où seule la forme compte, le sac de mots reste loin derrière.)
# - (1) Le sac de mots perd la place des morceaux et leur assemblage, et ses mots ne savent rien des
#   classes ; le réseau apprend ses filtres pour la tâche, et les compose couche après couche.
# ### END MARK SCHEME

# %% [markdown]
# ## À retenir
#
# - Padding et stride se calculent : ils décident de ce que devient la taille (questions 8 et 9).
# - Les poids d'un réseau et son calcul ne sont pas aux mêmes endroits : une table de ses couches
#   (question 10) dit quoi réduire.
# - Avant d'entraîner longtemps : le premier coût se prévoit (question 17), et vingt images
#   s'apprennent par cœur.
# - Le pas et la taille des lots se règlent ensemble, sur la validation.
# - Coût d'apprentissage qui descend, coût de validation qui remonte : surapprentissage. Le notebook
#   05 essaie les remèdes un par un.
#
# ## Pour aller plus loin
#
# - A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009 : CIFAR-10.
# - A. Krizhevsky, I. Sutskever, G. Hinton, *ImageNet classification with deep convolutional neural
#   networks*, NeurIPS 2012 : AlexNet.
# - G. Csurka, C. Dance, L. Fan, J. Willamowski, C. Bray, *Visual categorization with bags of
#   keypoints*, ECCV Workshop on Statistical Learning in Computer Vision, 2004.
# - A. Coates, A. Ng, H. Lee, *An analysis of single-layer networks in unsupervised feature
#   learning*, AISTATS 2011 : jusqu'où vont k-means et un SVM sur CIFAR-10.
# - P. Goyal et al., *Accurate, large minibatch SGD: training ImageNet in 1 hour*, 2017 : pas et
#   taille des lots.
# - C. Zhang, S. Bengio, M. Hardt, B. Recht, O. Vinyals, *Understanding deep learning requires
#   rethinking generalization*, ICLR 2017 : des réseaux qui apprennent par cœur des étiquettes tirées
#   au hasard.

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
# - Plusieurs notebooks ensemble : `report.from_notebook("04_cifar10", "03_lenet_mnist", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("04_cifar10", authors=[], follow_up=False)
