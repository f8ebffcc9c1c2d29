# %% [markdown]
# # 08. D'AlexNet au ViT
#
# À la fin de ce notebook, vous saurez :
#
# - dire ce que chaque grande architecture a apporté, et ce que cela coûte en poids et en calcul ;
# - écrire un module Inception, un bloc résiduel, une couche de DenseNet, un bloc de ConvNeXt ;
# - écrire l'attention, et dire en quoi elle ne voit pas l'image comme une convolution ;
# - comparer des réseaux sous un même budget, et lire le code d'un autre d'un œil critique.
#
# **Durée :** 3 h
#
# **Prérequis :** les notebooks 01 (convolution), 04 et 05 (un réseau pour CIFAR-10, la normalisation
# par lot)

# %% parameters=true grading="images=100 test=100 epochs=1 depth_images=60 depth_epochs=1"
from tp_cnn import runtime

P = runtime.parameters(
    quick={
        "images": 1000,
        "test": 1000,
        "epochs": 3,
        "depth_images": 1000,
        "depth_epochs": 5,
        "batch_size": 50,
    },
    full={"images": 20_000, "test": 10_000, "epochs": 10, "depth_images": 10_000},
)
P

# %%
from functools import partial
from math import sqrt
from time import perf_counter

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, gelu as torch_gelu, relu
from torch.nn.functional import scaled_dot_product_attention

from tp_cnn import training
from tp_cnn.checks import architectures as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.data.batches import Batches, keep, split_train
from tp_cnn.data.classroom import load_for_class
from tp_cnn.data.normalise import Normalise, channel_statistics
from tp_cnn.display import Table, announce, decimal, percent, thousands
from tp_cnn.experiments import reference
from tp_cnn.experiments.configurations import ARCHITECTURES, CONFIGURATIONS

# %%
from tp_cnn.models import CIFAR_SIZE, CifarNet, LeNet5, alexnet, convnext, count_weights, densenet
from tp_cnn.models import inception, multiply_adds, resnet, vgg, vit
from tp_cnn.models import geometry
from tp_cnn.models.geometry import measured_receptive_field
from tp_cnn.plots import architectures as pictures
from tp_cnn.plots.volumes import volumes

# %% [markdown]
# ## 1. Trente ans de réseaux
#
# En 1989, le premier LeNet lit des codes postaux avec moins de 10 000 poids. En 2012, **AlexNet**
# gagne le concours ImageNet (1,2 million de photos, mille classes) avec 60 millions de poids et
# deux cartes graphiques. Tout ce qui suit part de là. Un réseau sur le périphérique « meta » n'a que
# des tailles, pas de valeurs : on peut en compter les poids et les **multiplications** (chacune avec
# son addition) pour une image, sans rien calculer.

# %%
with torch.device("meta"):
    famous = {
        "LeNet-5": LeNet5(),
        "AlexNet": alexnet.AlexNet(),
        "VGG16": vgg.vgg16(),
        "GoogLeNet": inception.googlenet(),
        "ResNet-50": resnet.resnet50(),
        "DenseNet-121": densenet.densenet121(),
        "ViT-B/16": vit.vit_b_16(),
        "ConvNeXt-T": convnext.convnext_tiny(),
    }
shapes = {name: (1, 28, 28) if name == "LeNet-5" else (3, 224, 224) for name in famous}
weights = {name: count_weights(model) for name, model in famous.items()}
products = {name: multiply_adds(model, shapes[name]) for name, model in famous.items()}

# %% [markdown]
# Les erreurs sont celles des articles, pour un seul réseau : la part des images de validation dont
# la première réponse est fausse. Elles ne se comparent qu'à peu près : le ViT a d'abord appris sur
# 14 millions d'autres images, et les articles ne découpent pas tous l'image de la même façon.
# L'article de GoogLeNet ne donne que l'erreur sur les cinq premières réponses (10,1 %).

# %%
history_of_networks = [
    ("LeNet-5", 1998, 5, None),
    ("AlexNet", 2012, 8, 0.407),
    ("VGG16", 2015, 16, 0.256),
    ("GoogLeNet", 2015, 22, None),
    ("ResNet-50", 2016, 50, 0.2285),
    ("DenseNet-121", 2017, 121, 0.2502),
    ("ViT-B/16", 2021, 50, 0.1603),
    ("ConvNeXt-T", 2022, 59, 0.179),
]
milestones = [
    pictures.Milestone(name, year, layers, weights[name], products[name], error)
    for name, year, layers, error in history_of_networks
]
pictures.frieze(milestones)

# %%
Table(
    ["réseau", "année", "couches à poids", "poids", "millions de multiplications", "erreur"],
    [
        [
            one.name,
            one.year,
            one.layers,
            thousands(one.weights),
            thousands(round(one.multiply_adds / 1e6))
            if one.multiply_adds > 1e9
            else decimal(one.multiply_adds / 1e6, ".1f"),
            percent(one.error, 1) if one.error else "",
        ]
        for one in milestones
    ],
)

# %% [markdown]
# Les documents arrondissent : 60 millions de poids pour AlexNet (61,1 dans cette version d'un seul
# bloc ; 61,0 dans celle de l'article, coupée en deux pour deux cartes graphiques), 138 pour VGG16,
# « presque 9 fois moins » qu'AlexNet pour Inception v1 : 6,9 millions d'après le document 004, 7,0 ici. Le document
# 003 appelle GoogLeNet « inception-v4 » : c'est la première version ; la quatrième date de 2016.

# %% [markdown] question="archi-alexnet" kind="calcul"
# ### Où sont les 60 millions ?
#
# AlexNet a cinq convolutions et trois couches denses, de 9216 à 4096, de 4096 à 4096 et de 4096 à
# 1000. Quelle **part** de ses 61 100 840 poids est dans les trois couches denses, entre 0 et 1 ?

# %% [markdown] hint="archi-alexnet"
# Une couche dense a un poids par couple (entrée, sortie), et un biais par sortie.

# %% [markdown] hint="archi-alexnet"
# Calculez les trois nombres de poids, additionnez-les, puis divisez par le total donné.

# %% answer="archi-alexnet"
### BEGIN SOLUTION
### PLACEHOLDER
# dense_share = ...
dense_counts = [9216 * 4096 + 4096, 4096 * 4096 + 4096, 4096 * 1000 + 1000]
dense_share = sum(dense_counts) / 61_100_840
### END SOLUTION

# %% test="archi-alexnet-test" points=1
check.alexnet_share(dense_share)
### BEGIN HIDDEN TESTS
grade(check.alexnet_share(dense_share, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Gardez ce nombre en tête : la plupart des architectures qui suivent remplacent ces couches par la
# **moyenne de chaque carte**, suivie d'une seule petite couche dense.
#
# ## 2. VGG : de petits filtres, les uns sur les autres
#
# VGG (Simonyan et Zisserman, 2015) n'a que des filtres 3×3. Le document 004 compare un filtre 5×5
# (26 poids) à deux 3×3 de suite (20 poids) : c'est le compte pour **un** canal d'entrée et **un**
# filtre. Avec $C$ canaux partout, il y a $C$ filtres qui lisent chacun $C$ canaux.

# %%
volumes(famous["VGG16"], (3, 224, 224), "VGG16")

# %% [markdown] question="archi-vgg" kind="calcul"
# ### Les poids d'une pile
#
# Écrivez le nombre de poids, biais compris, de `layers` convolutions de suite, à filtres de côté
# `kernel`, qui gardent toutes `channels` canaux.

# %% [markdown] hint="archi-vgg"
# Commencez par un seul filtre : combien de valeurs lit-il, et a-t-il autre chose à apprendre ?

# %% [markdown] hint="archi-vgg"
# Multipliez les poids d'un filtre par le nombre de filtres d'une couche, puis par celui des couches.


# %% answer="archi-vgg"
def stacked_weights(channels, kernel, layers):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return layers * channels * (kernel**2 * channels + 1)
    ### END SOLUTION


# %% test="archi-vgg-test" points=2
check.stacked_weights(stacked_weights)
### BEGIN HIDDEN TESTS
grade(check.stacked_weights(stacked_weights, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="archi-champ" kind="calcul"
# ### Ce que voit une pile
#
# Quel est le côté du champ récepteur de `layers` convolutions de suite, de côté `kernel` et de
# stride 1 ?

# %% [markdown] hint="archi-champ"
# Le notebook 01 l'a calculé : de combien de pixels le champ grandit-il à chaque couche ?

# %% [markdown] hint="archi-champ"
# Partez du pixel seul (côté 1) et ajoutez, couche après couche, ce dont un filtre déborde.


# %% answer="archi-champ"
def stacked_field(kernel, layers):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return 1 + layers * (kernel - 1)
    ### END SOLUTION


# %% test="archi-champ-test" points=1
check.stacked_field(stacked_field)
### BEGIN HIDDEN TESTS
grade(check.stacked_field(stacked_field, seed=1), points=1)
### END HIDDEN TESTS

# %%
count = check.stacked_weights.use(stacked_weights, otherwise=geometry.stacked_weights)
field = check.stacked_field.use(stacked_field, otherwise=geometry.stacked_field)
Table(
    ["pile", "champ récepteur", "poids, 1 canal", "poids, 64 canaux"],
    [
        [f"{layers} × ({kernel}×{kernel})", field(kernel, layers)]
        + [thousands(count(channels, kernel, layers)) for channels in (1, 64)]
        for kernel, layers in [(5, 1), (3, 2), (7, 1), (3, 3)]
    ],
)

# %% [markdown] question="archi-vgg-pourquoi" kind="reponse"
# ### Pourquoi empiler ?
#
# Deux 3×3 de suite ont le champ d'un 5×5. Donnez deux raisons de les préférer, et dites ce que cela
# coûte. Pourquoi VGG16 a-t-il quand même 138 millions de poids ?

# %% [markdown] answer="archi-vgg-pourquoi-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Moins de poids pour un même champ ($18C^2$ contre $25C^2$, aux biais près), donc moins de
#   calcul ; une activation de plus, donc une fonction plus riche.
# - (1) Coût : une couche de plus à traverser, des cartes intermédiaires de plus à garder pour la
#   rétropropagation ; deux 3×3 linéaires ne donnent pas non plus tous les 5×5.
# - (1) Les poids de VGG16 sont dans ses couches denses, comme ceux d'AlexNet : la première à elle
#   seule en a plus de 100 millions (512×7×7 entrées, 4096 sorties).
# ### END MARK SCHEME

# %% [markdown]
# ## 3. Quatre façons d'assembler des convolutions

# %%
pictures.blocks()

# %% [markdown]
# À gauche, le bloc ordinaire, que vous connaissez. Les trois autres font passer l'information par
# plusieurs chemins : un **raccourci** que l'on additionne (ResNet), des **branches** que l'on met
# bout à bout (Inception), ou toutes les cartes d'avant que l'on garde (DenseNet). Pour n'écrire que
# ce qui compte, `conv` donne une convolution qui garde la taille, sa normalisation par lot et sa
# ReLU.

# %%
conv = inception.convolution
conv(192, 64, kernel=3)

# %% [markdown] question="archi-inception" kind="code"
# ### Le module Inception
#
# Quatre branches lisent les mêmes cartes :
#
# 1. une 1×1 vers `ones` cartes ;
# 2. une 1×1 vers `threes[0]` cartes, puis une 3×3 vers `threes[1]` ;
# 3. une 1×1 vers `fives[0]` cartes, puis une 5×5 vers `fives[1]` ;
# 4. un max-pooling 3×3 **qui garde la taille**, puis une 1×1 vers `pooled` cartes.
#
# Leurs sorties se mettent bout à bout, canal après canal.

# %% [markdown] hint="archi-inception"
# `conv(inputs, ones)` est la première branche. Pour le max-pooling, quels stride et padding gardent
# la taille avec une fenêtre de 3 ?

# %% [markdown] hint="archi-inception"
# `nn.Sequential` enchaîne deux couches d'une branche. `torch.cat(liste, dim=...)` met des tenseurs
# bout à bout le long d'un axe : quel est celui des canaux dans (lot, canaux, lignes, colonnes) ?


# %% answer="archi-inception"
class Inception(nn.Module):
    def __init__(self, inputs, ones, threes, fives, pooled):
        super().__init__()
        self.first = conv(inputs, ones)
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # self.second = ...
        # self.third = ...
        # self.fourth = ...
        self.second = nn.Sequential(conv(inputs, threes[0]), conv(*threes, kernel=3))
        self.third = nn.Sequential(conv(inputs, fives[0]), conv(*fives, kernel=5))
        pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.fourth = nn.Sequential(pool, conv(inputs, pooled))
        ### END SOLUTION

    def forward(self, maps):
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # return ...
        branches = [self.first(maps), self.second(maps), self.third(maps), self.fourth(maps)]
        return torch.cat(branches, dim=1)
        ### END SOLUTION


# %% test="archi-inception-test" points=3
check.inception(Inception)
### BEGIN HIDDEN TESTS
grade(check.inception(Inception, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown] question="archi-inception-cout" kind="calcul"
# ### Ce que la 1×1 fait gagner
#
# Combien de multiplications coûte une branche « 1×1 de `inputs` vers `reduced` cartes, puis
# `kernel`×`kernel` de `reduced` vers `filters` », sur des cartes de `size`×`size` qui gardent leur
# taille ? (On ne compte pas les biais.)

# %% [markdown] hint="archi-inception-cout"
# Comptez d'abord pour une seule position de la sortie : combien de valeurs chaque filtre lit-il ?

# %% [markdown] hint="archi-inception-cout"
# Les deux convolutions s'ajoutent ; chacune se refait à chaque position de la carte.


# %% answer="archi-inception-cout"
def branch_cost(size, inputs, reduced, filters, kernel):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return size**2 * (inputs * reduced + kernel**2 * reduced * filters)
    ### END SOLUTION


# %% test="archi-inception-cout-test" points=2
check.inception_cost(branch_cost)
### BEGIN HIDDEN TESTS
grade(check.inception_cost(branch_cost, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Le premier module de GoogLeNet reçoit 192 cartes de 28×28. Sa branche 5×5 n'en lit que 16, que la
# 1×1 lui prépare, pour en rendre 32.

# %%
cost = check.inception_cost.use(branch_cost, otherwise=geometry.branch_products)
direct = 28**2 * 5**2 * 192 * 32
reduced = cost(28, 192, 16, 32, 5)
millions = [decimal(one / 1e6, ".1f") for one in (direct, reduced)]
print(f"sans 1×1 : {millions[0]} millions de multiplications ; avec : {millions[1]}")

# %% [markdown] question="archi-auxiliaires" kind="reponse"
# ### Les classifieurs auxiliaires
#
# GoogLeNet a, en apprentissage seulement, deux petits classifieurs branchés au milieu du réseau,
# dont les coûts s'ajoutent à celui de la fin. À quoi servent-ils, et pourquoi les retire-t-on
# ensuite ? Qu'est-ce qui, depuis, les a rendus inutiles ?

# %% [markdown] answer="archi-auxiliaires-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Ils donnent aux couches du milieu un gradient plus direct, et les poussent à être déjà
#   utiles à la décision ; à l'usage, seule la dernière réponse compte.
# - (1) La normalisation par lot (2015) puis les raccourcis (ResNet) laissent passer le gradient
#   jusqu'aux premières couches sans cette aide.
# ### END MARK SCHEME

# %% [markdown]
# ## 4. ResNet : apprendre ce qu'il faut changer
#
# He, Zhang, Ren et Sun (2016) se demandent si un réseau plus profond apprend toujours mieux ; nous
# referons leur expérience. Dans leur réseau, chaque bloc n'apprend que ce qu'il faut **ajouter** à ce
# qu'il reçoit.
#
# `layer(inputs, filters, kernel, stride)` donne ici une convolution et sa normalisation, sans
# activation.


# %%
def layer(inputs, filters, kernel, stride=1):
    return nn.Sequential(*resnet.convolution(inputs, filters, kernel, stride))


# %% [markdown] question="archi-residuel" kind="code"
# ### Le bloc résiduel
#
# Le **corps** : une 3×3 (avec le stride) de `inputs` vers `filters` cartes, une ReLU, une 3×3 de
# `filters` vers `filters`. Le **raccourci** : l'entrée elle-même quand le corps rend la même forme,
# et sinon une 1×1 de même stride, avec sa normalisation (une *projection*). On additionne les deux,
# **puis** vient la dernière ReLU.

# %% [markdown] hint="archi-residuel"
# La forme change si le nombre de cartes change, ou si le stride n'est pas 1. `nn.Identity()` rend ce
# qu'il reçoit.

# %% [markdown] hint="archi-residuel"
# Dans `forward`, calculez le corps et le raccourci à partir des mêmes cartes ; une seule ReLU porte
# sur leur somme, et le corps n'en a pas à la fin.


# %% answer="archi-residuel"
class Residual(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # self.body = ...
        # self.shortcut = ...
        first, second = layer(inputs, filters, 3, stride), layer(filters, filters, 3)
        self.body = nn.Sequential(first, nn.ReLU(), second)
        if stride == 1 and inputs == filters:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = layer(inputs, filters, 1, stride)
        ### END SOLUTION

    def forward(self, maps):
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # return ...
        return relu(self.body(maps) + self.shortcut(maps))
        ### END SOLUTION


# %% test="archi-residuel-test" points=3
check.residual(Residual)
### BEGIN HIDDEN TESTS
grade(check.residual(Residual, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown] question="archi-prevoir" kind="reponse"
# ### Avant de lancer
#
# Nous allons entraîner le même réseau avec 8, 20 et 32 couches, sans raccourci puis avec. Notez en
# une ligne ce que vous attendez du **coût d'apprentissage** de chacun après quelques époques.

# %% [markdown] answer="archi-prevoir-texte" points=1
# ### BEGIN MARK SCHEME
# - (1) Une prévision est notée, pour les deux familles ; juste ou non, elle vaut le point.
# ### END MARK SCHEME

# %% [markdown]
# Les images sont celles de CIFAR-10, réduites ici à 16×16 pour aller vite.

# %%
train_set, test_set = load_for_class("cifar10", otherwise="shapes")
device = runtime.device()
announce(device=runtime.describe_device(device), data=train_set.name)
learn_set, validation_set = split_train(train_set, 500, seed=0)
normalise = Normalise(channel_statistics(learn_set.images))
test = Batches(keep(test_set, P.test), 250, normalise=normalise)
validation = Batches(validation_set, 250, normalise=normalise)


# %%
def halved(images):
    return avg_pool2d(normalise(images), 2)


def small(image_set, shuffle=False):
    return Batches(image_set, P.batch_size, shuffle=shuffle, normalise=halved)


small_train = small(keep(learn_set, P.depth_images), shuffle=True)
small_validation = small(keep(validation_set, 250))

# %%
Block = check.residual.use(Residual, otherwise=resnet.basic)
residual_network = partial(resnet.resnet_cifar, block=Block)
depth_histories = {"sans raccourci": {}, "avec raccourcis": {}}
builders = {"sans raccourci": resnet.plain_cifar, "avec raccourcis": residual_network}
for kind, build in builders.items():
    for depth in (8, 20, 32):
        torch.manual_seed(0)
        model = build(depth).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        depth_histories[kind][depth] = training.fit(
            model, small_train, small_validation, epochs=P.depth_epochs, optimizer=optimizer
        )

# %%
pictures.depths(depth_histories)

# %% [markdown]
# D'où cela vient-il ? Regardons le gradient que reçoit chaque convolution 3×3 du réseau de 32
# couches, avant tout apprentissage.


# %%
def gradient_norms(model):
    images, labels = next(iter(small_train))
    nn.functional.cross_entropy(model(images), labels).backward()
    layers = [one for one in model.modules() if isinstance(one, nn.Conv2d)]
    return [float(one.weight.grad.norm()) for one in layers if one.kernel_size == (3, 3)]


norms = {}
for kind, build in builders.items():
    torch.manual_seed(0)
    norms[kind] = gradient_norms(build(32).to(small_train.images.device))
pictures.gradients(norms)

# %% [markdown] question="archi-profondeur" kind="experience" star=true
# ### La profondeur, sans et avec raccourcis
#
# Comparez les coûts d'apprentissage à 8, 20 et 32 couches, dans les deux familles, à ce que vous
# aviez prévu. Le surapprentissage peut-il expliquer la différence ? Que dit la figure des
# gradients ?

# %% [markdown] answer="archi-profondeur-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Sans raccourci, plus le réseau est profond moins il apprend, et celui de 32 couches ne descend
#   presque pas ; avec, chaque profondeur apprend mieux qu'elle ne le faisait sans, même si les plus
#   profonds restent derrière en si peu d'époques. La prévision est reprise.
# - (1) Ce n'est pas du surapprentissage : c'est le coût d'**apprentissage** qui est plus haut, alors
#   que le réseau profond peut représenter tout ce que représente l'autre (des blocs égaux à
#   l'identité).
# - (1) Les gradients : sans raccourci, leur taille change beaucoup d'un bout à l'autre du réseau ;
#   avec, ils passent aussi par les sommes et restent du même ordre d'une couche à l'autre. En si peu
#   d'époques, on voit une vitesse d'apprentissage, pas la limite atteinte.
# ### END MARK SCHEME

# %% [markdown]
# ## 5. DenseNet : ne rien jeter
#
# Huang, Liu, van der Maaten et Weinberger (2017) gardent **toutes** les cartes d'avant : chaque
# couche lit tout ce qui la précède et ajoute $k$ cartes (`growth`). Ici la normalisation et la ReLU
# viennent **avant** la convolution.

# %% [markdown] question="archi-dense" kind="code"
# ### Une couche de DenseNet
#
# Écrivez la couche qui reçoit `inputs` cartes et en rend `inputs + growth` : celles reçues, telles
# quelles, et celles qu'elle calcule par normalisation par lot, ReLU et convolution 3×3 qui garde la
# taille (sans biais).

# %% [markdown] hint="archi-dense"
# La normalisation porte sur ce qui entre dans la convolution : combien de cartes est-ce ?

# %% [markdown] hint="archi-dense"
# Mettez les trois couches dans un `nn.Sequential`, puis concaténez l'entrée et ce qu'il en fait.


# %% answer="archi-dense"
class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # self.body = ...
        filters = nn.Conv2d(inputs, growth, kernel_size=3, padding=1, bias=False)
        self.body = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), filters)
        ### END SOLUTION

    def forward(self, maps):
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # return ...
        return torch.cat([maps, self.body(maps)], dim=1)
        ### END SOLUTION


# %% test="archi-dense-test" points=2
check.dense_layer(DenseLayer)
### BEGIN HIDDEN TESTS
grade(check.dense_layer(DenseLayer, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="archi-dense-cout" kind="calcul"
# ### Ce que cela coûte
#
# Un bloc de `layers` couches reçoit `inputs` cartes. Combien de cartes ses couches **lisent**-elles,
# en tout ? (La première en lit `inputs`, la deuxième `inputs + growth`, et ainsi de suite.)

# %% [markdown] hint="archi-dense-cout"
# La couche de rang $i$, comptée à partir de 0, lit l'entrée du bloc et ce que les $i$ couches d'avant
# ont ajouté.

# %% [markdown] hint="archi-dense-cout"
# Une somme sur les rangs suffit ; elle grandit comme le carré du nombre de couches.


# %% answer="archi-dense-cout"
def maps_read(inputs, growth, layers):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return sum(inputs + rank * growth for rank in range(layers))
    ### END SOLUTION


# %% test="archi-dense-cout-test" points=1
check.dense_maps(maps_read)
### BEGIN HIDDEN TESTS
grade(check.dense_maps(maps_read, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Peu de poids, mais beaucoup de cartes, à relire à chaque couche et à garder en mémoire pour la
# rétropropagation : c'est le prix de DenseNet, que la table de la partie 8 mesure.
#
# ## 6. GELU et ConvNeXt : des convolutions à la mode des transformers
#
# (Les **transformers**, nés pour le texte, sont l'objet de la partie 7.)
#
# **GELU** (Hendrycks et Gimpel, 2016) multiplie $x$ par la probabilité $\Phi(x)$ qu'une variable
# normale centrée réduite soit plus petite que $x$. La fonction d'erreur donne
# $\Phi(x) = \frac{1}{2}\left(1 + \operatorname{erf}\frac{x}{\sqrt 2}\right)$.

# %% [markdown] question="archi-gelu" kind="code"
# ### GELU
#
# Écrivez-la pour un tenseur. `torch.erf` est la fonction d'erreur.

# %% [markdown] hint="archi-gelu"
# Calculez d'abord la probabilité : elle doit valoir 0,5 en 0 et tendre vers 1 à droite.

# %% [markdown] hint="archi-gelu"
# Reprenez la formule de $\Phi$ terme à terme avec `torch.erf` et `sqrt`, puis multipliez par $x$.


# %% answer="archi-gelu"
def gelu(values):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return values * 0.5 * (1 + torch.erf(values / sqrt(2)))
    ### END SOLUTION


# %% test="archi-gelu-test" points=1
check.gelu(gelu)
### BEGIN HIDDEN TESTS
grade(check.gelu(gelu, seed=1), points=1)
### END HIDDEN TESTS

# %%
smooth = check.gelu.use(gelu, otherwise=torch_gelu)
pictures.activations({"ReLU": relu, "GELU": smooth})

# %% [markdown]
# Le document 004 dit de GELU qu'elle est dérivable partout, qu'elle n'est pas monotone et que ses
# neurones ne meurent pas. Vérifions les trois par le calcul.

# %%
grid = torch.linspace(-6, 6, 120_001, dtype=torch.float64)
steps = smooth(grid).diff() / grid.diff()  # slopes between neighbours, 0.0001 apart
jumps = [values.diff().abs().max() for values in (steps, relu(grid).diff() / grid.diff())]
lowest = smooth(grid).argmin()
Table(
    ["mesure", "valeur"],
    [
        ["plus grand saut de pente entre deux points voisins, GELU", f"{jumps[0]:.0e}"],
        ["plus grand saut de pente entre deux points voisins, ReLU", f"{jumps[1]:.0f}"],
        ["minimum de GELU", decimal(smooth(grid)[lowest], ".3f")],
        ["atteint en", decimal(grid[lowest])],
        ["pente de GELU en -2", decimal(steps[40_000], ".3f")],
        ["pente de GELU en -6", f"{steps[0]:.0e}"],
    ],
)

# %% [markdown] question="archi-gelu-lire" kind="reponse"
# ### Trois affirmations
#
# Pour chacune des trois, dites si ces nombres la confirment, et avec quelle réserve.

# %% [markdown] answer="archi-gelu-lire-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Dérivable partout : les pentes voisines ne sautent pas (l'écart est de l'ordre du pas), celle
#   de ReLU saute de 1 en 0. Pas monotone : un minimum négatif, vers -0,75, et une pente négative à
#   sa gauche.
# - (1) Neurones qui ne meurent pas : la pente n'est pas nulle pour une entrée négative, mais elle
#   devient minuscule loin à gauche (en -6, elle est de l'ordre de $10^{-8}$ à $10^{-7}$) : un neurone
#   qui n'y reçoit que de telles entrées n'apprend pas davantage.
# ### END MARK SCHEME

# %% [markdown]
# **ConvNeXt** (Liu et al., 2022) reprend un ResNet et lui donne les habitudes des transformers :
# des filtres 7×7, un par canal ; une seule normalisation par bloc, sur les canaux de chaque pixel
# (`ChannelNorm`) ; un milieu **quatre fois plus large** que les bouts ; une seule activation, GELU.

# %% [markdown] question="archi-convnext" kind="code"
# ### Le bloc de ConvNeXt
#
# Le corps, dans l'ordre : une 7×7 qui garde la taille, avec **un filtre par canal** ; `ChannelNorm` ;
# une 1×1 de `channels` vers `4 * channels` ; GELU ; une 1×1 de retour. Le bloc rend son entrée, plus
# `self.scale` (un facteur appris par canal, donné) fois le corps.

# %% [markdown] hint="archi-convnext"
# L'argument `groups` de `nn.Conv2d` partage les canaux en groupes, lus chacun par ses filtres :
# combien de groupes faut-il pour que chaque filtre ne lise qu'un canal ?

# %% [markdown] hint="archi-convnext"
# Cinq couches dans un `nn.Sequential`, puis une somme. Le padding d'une 7×7 se trouve comme celui
# d'une 3×3 ou d'une 5×5.

# %%
ChannelNorm = partial(convnext.ChannelNorm, eps=1e-6)


# %% answer="archi-convnext"
class ConvNeXtBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 0.1))
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # self.body = ...
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels),
            ChannelNorm(channels),
            nn.Conv2d(channels, 4 * channels, kernel_size=1),
            nn.GELU(),
            nn.Conv2d(4 * channels, channels, kernel_size=1),
        )
        ### END SOLUTION

    def forward(self, maps):
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # return ...
        return maps + self.scale * self.body(maps)
        ### END SOLUTION


# %% test="archi-convnext-test" points=3
check.convnext_block(ConvNeXtBlock)
### BEGIN HIDDEN TESTS
grade(check.convnext_block(ConvNeXtBlock, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# ## 7. Le ViT : une image comme une phrase
#
# Un transformer (Vaswani et al., 2017) lit une suite de **jetons** (*tokens*), des vecteurs. Le ViT
# (Dosovitskiy et al., 2021) en fait avec une image : il la coupe en **carreaux** (*patches*), met
# chacun à plat et le multiplie par une même matrice. C'est une convolution dont le stride égale la
# taille du filtre.

# %% [markdown] question="archi-patches" kind="code"
# ### Couper en carreaux
#
# Coupez des images (lot, canaux, lignes, colonnes) en carreaux de `size`×`size`, lus ligne par ligne
# comme un texte. Rendez (lot, carreaux, canaux × size × size), les valeurs d'un carreau dans l'ordre
# canal, ligne, colonne.

# %% [markdown] hint="archi-patches"
# Deux boucles sur les carreaux conviennent, avec `torch.stack`. Ou bien `torch.nn.functional.unfold`,
# qui découpe des fenêtres : lisez la forme de ce qu'elle rend.

# %% [markdown] hint="archi-patches"
# `unfold(images, size, stride=...)` rend (lot, valeurs, carreaux) : il reste un échange d'axes.


# %% answer="archi-patches"
def patches(images, size):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return nn.functional.unfold(images, size, stride=size).transpose(1, 2)
    ### END SOLUTION


# %% test="archi-patches-test" points=2
check.patches(patches)
### BEGIN HIDDEN TESTS
grade(check.patches(patches, seed=1), points=2)
### END HIDDEN TESTS

# %%
cut = check.patches.use(patches, otherwise=vit.patches)
images = normalise(test_set.images[:4])
projection = nn.Conv2d(3, 96, kernel_size=4, stride=4)
with torch.no_grad():
    by_convolution = projection(images).flatten(2).transpose(1, 2)
    by_patches = cut(images, 4) @ projection.weight.flatten(1).T + projection.bias
print("jetons :", tuple(by_patches.shape))
print("écart avec la convolution :", decimal((by_patches - by_convolution).abs().max(), ".1e"))

# %% [markdown]
# Chaque jeton donne trois vecteurs : une **requête** (ce qu'il cherche), une **clé** (ce qu'il est)
# et une **valeur** (ce qu'il donne). L'attention compare chaque requête à toutes les clés et mélange
# les valeurs en proportion :
# $$\operatorname{attention}(Q, K, V) = \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt d}\right) V$$
# où $d$ est la taille d'une requête. Pour une requête, les parts ont une somme de 1.

# %% [markdown] question="archi-attention" kind="code"
# ### L'attention
#
# Écrivez-la. Les deux derniers axes sont (jetons, taille) ; ceux d'avant sont des lots, que `@`
# respecte.

# %% [markdown] hint="archi-attention"
# `keys.transpose(-2, -1)` échange les deux derniers axes, et `@` multiplie des matrices lot par lot.

# %% [markdown] hint="archi-attention"
# Les scores ont la forme (…, requêtes, clés) : le long de quel axe les parts doivent-elles s'ajouter
# à 1 ?


# %% answer="archi-attention"
def attention(queries, keys, values):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    scores = queries @ keys.transpose(-2, -1) / sqrt(queries.shape[-1])
    return scores.softmax(dim=-1) @ values
    ### END SOLUTION


# %% test="archi-attention-test" points=3
check.attention(attention)
### BEGIN HIDDEN TESTS
grade(check.attention(attention, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# Un petit ViT, avec votre attention si elle est juste. Il a quatre **têtes** : quatre attentions côte à
# côte, chacune avec ses requêtes, ses clés et ses valeurs. Un jeton de plus, que lira le classifieur,
# s'ajoute aux 64 carreaux, et chaque jeton reçoit un vecteur de **position**, appris. Avant tout apprentissage, voici ce qu'un
# carreau prend aux autres dans la première couche, et le champ récepteur de la première convolution
# de quelques réseaux.

# %%
attend = check.attention.use(attention, otherwise=scaled_dot_product_attention)
torch.manual_seed(0)
small_vit = vit.vit_cifar(attend=attend).eval()
with torch.no_grad():
    first = small_vit.layers[0]
    shares = first.attention.weights(first.norm1(small_vit.tokens(images)))
seen = shares[0, :, 1 + 8 * 3 + 4, 1:].unflatten(1, (8, 8))  # (heads, rows, columns)
pictures.attention(test_set.images[0] / 255, seen, patch=(3, 4))

# %%
for name, first in {
    "VGG": nn.Conv2d(3, 64, 3, padding=1),
    "AlexNet": nn.Conv2d(3, 64, 11, stride=4, padding=2),
    "ConvNeXt, un bloc": nn.Conv2d(3, 3, 7, padding=3, groups=3),
}.items():
    print(f"{name} : {measured_receptive_field(first, (3, 64, 64)).size} pixels de côté")
print("part prise au carreau le plus lointain :", percent(float(seen[:, 7, 0].mean())))

# %% [markdown] question="archi-voir" kind="reponse"
# ### Voir loin
#
# En quoi l'attention ne voit-elle pas l'image comme une convolution ? Qu'est-ce qu'une convolution
# sait d'avance, et que le ViT doit apprendre ? Qu'en attendez-vous avec peu d'images ?

# %% [markdown] answer="archi-voir-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Dès la première couche, chaque carreau peut prendre quelque chose à tous les autres (ses
#   parts sont toutes positives), alors qu'une convolution ne voit que ses voisins ; et ces parts
#   dépendent de l'image, alors que les poids d'un filtre n'en dépendent pas.
# - (1) La convolution sait d'avance que les voisins vont ensemble et qu'un motif est le même
#   partout ; le ViT doit l'apprendre (positions comprises) : il lui faut plus d'images, et il sera
#   moins bon avec peu.
# ### END MARK SCHEME

# %% [markdown]
# ## 8. Le même budget pour tous
#
# Des versions à la taille de CIFAR-10, avec vos blocs là où ils sont justes. Tous les réseaux
# apprennent sur les mêmes images, le même nombre d'époques, avec le même optimiseur (AdamW) et le même
# pas.

# %%
module = check.inception.use(Inception, otherwise=inception.Inception)
dense = check.dense_layer.use(DenseLayer, otherwise=partial(densenet.DenseLayer, narrow=False))
modern = check.convnext_block.use(ConvNeXtBlock, otherwise=convnext.SMALL_BLOCK)
networks = {
    "CifarNet (AlexNet)": partial(CifarNet, batch_norm=True),
    "VGG": vgg.vgg_cifar,
    "GoogLeNet": partial(inception.googlenet_cifar, module=module),
    "ResNet-20": partial(resnet.resnet_cifar, 20, block=Block),
    "DenseNet": partial(densenet.densenet_cifar, layer=dense),
    "ConvNeXt": partial(convnext.convnext_cifar, block=modern),
    "ViT": partial(vit.vit_cifar, attend=attend),
}

# %% [markdown] question="archi-pronostic" kind="reponse"
# ### Avant de lancer
#
# Notez en une ligne le réseau qui, d'après vous, classera le mieux après si peu d'images, et celui
# qui classera le moins bien.

# %% [markdown] answer="archi-pronostic-texte" points=1
# ### BEGIN MARK SCHEME
# - (1) Un pronostic est noté, pour le premier et pour le dernier ; juste ou non, il vaut le point.
# ### END MARK SCHEME


# %%
def measure(build):
    torch.manual_seed(0)
    model = build().to(device)
    train = Batches(
        keep(learn_set, P.images), P.batch_size, shuffle=True, normalise=normalise, device=device
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    history = training.fit(model, train, validation, epochs=P.epochs, optimizer=optimizer)
    start = perf_counter()
    accuracy = training.evaluate(test, model).accuracy
    speed = len(test.labels) / (perf_counter() - start)
    learned = P.epochs * len(train.labels) / sum(history.seconds)
    return {"accuracy": accuracy, "learned": learned, "classified": speed, "model": model.cpu()}


measured = {name: measure(build) for name, build in networks.items()}

# %%
counts = {name: count_weights(one["model"]) for name, one in measured.items()}
costs = {name: multiply_adds(one["model"], (3, 32, 32)) for name, one in measured.items()}
Table(
    ["réseau", "test", "poids", "millions de multiplications", "apprises/s", "classées/s"],
    [
        [
            name,
            percent(one["accuracy"], 1),
            thousands(counts[name]),
            decimal(costs[name] / 1e6, ".1f"),
            thousands(round(one["learned"])),
            thousands(round(one["classified"])),
        ]
        for name, one in measured.items()
    ],
)

# %%
pictures.trade_offs(
    {name: [one["accuracy"]] for name, one in measured.items()},
    {
        "poids": counts,
        "secondes pour apprendre 1000 images": {
            name: 1000 / one["learned"] for name, one in measured.items()
        },
    },
    "Vos mesures : exactitude, poids et temps",
)

# %% [markdown]
# Vos mesures n'ont qu'une graine, et un même pas pour tous. Voici celles de référence du projet, sur
# CIFAR-10 : 10 000 images, quatre époques, trois graines et un pas propre à chaque famille. Un trait
# joint la plus petite et la plus grande exactitude des trois graines. (Le DenseNet de la référence
# commence chaque couche par une 1×1, qui réduit : il a un peu plus de poids que le vôtre.)

# %%
table = reference.load("architectures")
referenced = {
    CONFIGURATIONS[name].label: [
        row["test_accuracy"] for row in table.where(configuration=name) if row["test_accuracy"]
    ]
    for name in ARCHITECTURES
}
with torch.device("meta"):
    standard = {
        CONFIGURATIONS[name].label: CIFAR_SIZE[name](**CONFIGURATIONS[name].model_options)
        for name in ARCHITECTURES
    }
sizes = {name: count_weights(model) for name, model in standard.items()}
work = {name: multiply_adds(model, (3, 32, 32)) for name, model in standard.items()}
costs = {"poids": sizes, "multiplications par image": work}
pictures.trade_offs(referenced, costs, "Référence : exactitude de test, poids et calcul")

# %%
table

# %% [markdown] question="archi-comparer" kind="experience"
# ### Lire la comparaison
#
# Le nombre de poids prédit-il l'exactitude ? et la vitesse ? Qu'est-ce qui, dans cette comparaison,
# favorise certains réseaux ? Le document 004 donne un tableau où ConvNeXt-T classe 1943 images par
# seconde contre 1326 pour Swin-T (un transformer), avec 82,1 % contre 81,3 % sur ImageNet : que
# peut-on en conclure, et que ne peut-on pas conclure de notre table ?

# %% [markdown] answer="archi-comparer-texte" points=4
# ### BEGIN MARK SCHEME
# - (1) Le nombre de poids ne prédit ni l'une ni l'autre : dans la référence, GoogLeNet, qui en a le moins,
#   est devant ; DenseNet, qui en a très peu aussi, est l'un des plus lents. Le pronostic est repris.
# - (1) La vitesse suit plutôt les multiplications, et encore : la façon dont le processeur les fait
#   (filtres par canal, cartes à concaténer, petites matrices) compte autant.
# - (1) Ce qui favorise : si peu d'images et d'époques avantagent les réseaux qui savent d'avance le
#   plus (convolutions) et qui apprennent vite ; dans la référence, ConvNeXt et le ViT, faits pour de longs
#   apprentissages, restent derrière. Un même pas pour tous en avantage certains, et les graines d'un même
#   réseau s'écartent d'un demi-point (GoogLeNet) à cinq points (DenseNet, ViT) : un petit écart ne dit rien.
# - (1) Le tableau du document vaut pour ImageNet entier, 300 époques, une carte graphique et des
#   réseaux de 28 millions de poids : à coût égal, une convolution bien réglée y vaut un transformer.
#   Notre table ne dit rien de ce régime, et l'ordre peut s'y inverser.
# ### END MARK SCHEME

# %% [markdown]
# ## 9. Lire le code d'un autre
#
# Le document 001 donne un modèle, `BasicCNNModel`. Ligne par ligne :
#
# | ligne | ce qu'elle fait |
# |---|---|
# | `inp_dim` | argument du constructeur, (10, 10) par défaut |
# | deux convolutions 3×3, sans padding | de 3 à 50 cartes, puis de 50 à 100, chacune suivie d'une ReLU |
# | `in_features` | dans `forward`, donne à cet attribut de chaque convolution la taille de son entrée |
# | `maximum` | garde le plus grand nombre de chaque carte, ligne puis colonne : un vecteur de 100 |
# | `sorties` | couche dense de 100 vers `outp_dim[0] * outp_dim[1] * 10` scores |
# | `out_features` | dans `forward`, donne à cet attribut de la couche dense une autre valeur |
# | `softmax` | à la fin de `forward`, avant l'entropie croisée de l'apprentissage |
# | `sans pooling` | rien entre les deux convolutions |

# %% [markdown] question="archi-lire" kind="code"
# ### Ce que vaut chaque ligne
#
# Pour chacune, écrivez 0 si elle n'a **aucun effet**, 1 si elle **nuit** à l'apprentissage d'un
# classement en dix classes, 2 si elle marche mais **limite** ce que le réseau peut voir.

# %% [markdown] hint="archi-lire"
# Essayez : construisez une `nn.Conv2d`, changez un de ses attributs, et regardez la forme de ses
# poids.

# %% [markdown] hint="archi-lire"
# Deux lignes limitent : l'une fait perdre où se trouve un motif, l'autre garde un champ récepteur
# minuscule. Deux nuisent : cherchez ce que reçoit l'entropie croisée, et combien de scores il y a.

# %% answer="archi-lire"
### BEGIN SOLUTION
### PLACEHOLDER
# verdicts = {
#     "in_features": ...,
#     "out_features": ...,
#     "inp_dim": ...,
#     "softmax": ...,
#     "sorties": ...,
#     "maximum": ...,
#     "sans pooling": ...,
# }
verdicts = {
    "in_features": 0,
    "out_features": 0,
    "inp_dim": 0,
    "softmax": 1,
    "sorties": 1,
    "maximum": 2,
    "sans pooling": 2,
}
### END SOLUTION

# %% test="archi-lire-test" points=2
check.defects(verdicts)
### BEGIN HIDDEN TESTS
grade(check.defects(verdicts, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="archi-reparer" kind="code"
# ### Le réparer
#
# Récrivez-le à votre façon, pour des images de 3 canaux et **dix classes** : 50 filtres 3×3, ReLU,
# max-pooling 2×2, 100 filtres 3×3, ReLU, le maximum de chaque carte, une couche dense. Les
# convolutions gardent la taille ; le réseau rend des scores. Écrivez une fonction sans argument qui
# le construit.

# %% [markdown] hint="archi-reparer"
# `nn.AdaptiveMaxPool2d(1)` prend le maximum de chaque carte, quelle que soit sa taille ; il reste
# alors à mettre à plat.

# %% [markdown] hint="archi-reparer"
# Un `nn.Sequential` de huit couches suffit : aucune ne vient après la couche dense.


# %% answer="archi-reparer"
def build_mended():
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return nn.Sequential(
        nn.Conv2d(3, 50, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(50, 100, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(100, 10),
    )
    ### END SOLUTION


# %% test="archi-reparer-test" points=3
check.mended(build_mended)
### BEGIN HIDDEN TESTS
grade(check.mended(build_mended, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# Le même réseau, avec et sans le softmax de trop, sous le même budget. Les deux coûts ne se comparent
# pas : ce que reçoit l'entropie croisée reste alors entre 0 et 1, et le coût ne peut pas descendre sous
# $\log(1 + 9/e) \approx 1{,}46$. C'est l'exactitude que l'on compare.

# %%
build = check.mended.use(build_mended, otherwise=vgg.vgg_cifar)
for name, tail in {"scores": [], "softmax de trop": [nn.Softmax(dim=1)]}.items():
    torch.manual_seed(0)
    model = nn.Sequential(build(), *tail).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    train = Batches(
        keep(learn_set, P.images), P.batch_size, shuffle=True, normalise=normalise, device=device
    )
    history = training.fit(model, train, validation, epochs=P.epochs, optimizer=optimizer)
    cost, right = history[-1].train_loss, training.evaluate(test, model).accuracy
    print(f"{name} : coût d'apprentissage {decimal(cost, '.3f')}, test {percent(right, 1)}")

# %% [markdown]
# ## À retenir
#
# - Les poids d'AlexNet et de VGG16 sont dans leurs couches denses ; depuis, une moyenne par carte les
#   remplace.
# - Des filtres empilés, des 1×1 qui réduisent, des filtres par canal : trois façons de voir autant
#   en calculant moins.
# - Un raccourci ne rend pas un réseau plus puissant : il le rend plus facile à apprendre.
# - L'attention relie tous les points de l'image, et doit apprendre ce qu'une convolution sait
#   d'avance.
# - Poids, multiplications, secondes et exactitude sont quatre mesures différentes : une comparaison
#   dit toujours son budget.
#
# ## Pour aller plus loin
#
# - K. He, X. Zhang, S. Ren et J. Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016.
# - Z. Liu et al., *A ConvNet for the 2020s*, CVPR 2022 : chaque changement, mesuré.
# - A. Dosovitskiy et al., *An Image is Worth 16×16 Words*, ICLR 2021.
# - `tp-cnn compare architectures` refait la comparaison avec plusieurs graines et un pas propre à
#   chaque réseau.

# %% [markdown]
# ## Votre compte rendu
#
# Écrivez votre bilan dans la cellule ci-dessous : ce que montrent vos résultats, ce que vous en
# pensez, ce que vous n'avez pas réussi ou pas compris. Enregistrez (Ctrl+S), puis exécutez la
# dernière cellule : elle range vos réponses par numéro dans `compte_rendu.html`, à côté de ce
# notebook. Un navigateur l'ouvre et l'imprime en PDF (Ctrl+P).
#
# - Vos noms : `authors=["Ada Lovelace", "Blaise Pascal"]`.
# - Le compte rendu du soir, question ★ seulement : `follow_up=True`.
# - Plusieurs notebooks ensemble : `report.from_notebook("08_architectures", "07_visualisation", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("08_architectures", authors=[], follow_up=False)
