# %% [markdown]
# # 06. Réutiliser ce qu'un réseau a appris
#
# À la fin de ce notebook, vous saurez :
#
# - adapter un réseau déjà entraîné à de nouvelles classes : geler, remplacer, régler finement ;
# - éviter les pièges du transfert : normalisation oubliée, couches mal gelées, normalisation par lot
#   qui bouge en secret ;
# - dire quand le transfert gagne, de combien d'étiquettes il dispense, et quand il perd.
#
# **Durée :** 1 h 30
#
# **Prérequis :** les notebooks 04 (le réseau pour CIFAR-10) et 05 (normalisation par lot)

# %% parameters=true grading="labels=24 test=40 epochs=1 steps=2 counts=1"
from tp_cnn import runtime

P = runtime.parameters(
    quick={
        "labels": 300,  # labelled images of the new task
        "test": 1000,
        "epochs": 12,
        "steps": 70,  # of the longer comparisons; 0: what the reference had
        "counts": 2,  # numbers of labels tried, of 30, 300, 1000
        "seeds": 1,
    },
    full={"test": 2000, "epochs": 30, "steps": 0, "counts": 3, "seeds": 3},
)
P

# %%
import copy
import time
from collections import defaultdict

import torch
from torch import nn
from torch.nn.functional import cross_entropy

# %%
from tp_cnn import training
from tp_cnn.checks import transfert as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.data.batches import Batches, keep, only
from tp_cnn.data.classroom import in_french, load_for_class
from tp_cnn.data.normalise import CIFAR10
from tp_cnn.display import Table, announce, decimal, percent, thousands
from tp_cnn.experiments import reference
from tp_cnn.models import Dense, LeNet5, count_weights, hidden_for, summary
from tp_cnn.plots import training as plots, transfert as pictures
from tp_cnn.training import pretrained, transfer

# %% [markdown]
# ## 1. Le réseau de départ, et la tâche d'arrivée
#
# Apprendre de zéro demande beaucoup d'images étiquetées. Or les premières couches d'un réseau
# cherchent des bords, des couleurs, des textures : de quoi décrire bien d'autres images que celles qui
# ont servi à les apprendre. D'où l'idée du **transfert** : partir d'un réseau entraîné par d'autres, et
# n'en refaire que la fin.
#
# Le paquet contient un tel réseau : celui du notebook 05, avec normalisation par lot, entraîné sur
# **huit** classes de CIFAR-10. Il n'a jamais vu ni chat ni chien : ce sera notre nouvelle tâche. Sa
# fiche dit d'où il vient.

# %%
source = pretrained.pretrained_cifarnet()
card = pretrained.card()
Table(
    ["le réseau livré", ""],
    [
        ["données", "CIFAR-10 (copie JPEG), huit classes"],
        ["classes", ", ".join(in_french(pretrained.CLASSES))],
        ["images", "36 000 pour apprendre, 4 000 de validation, 8 000 de test"],
        ["apprentissage", "15 époques, lots de 128, SGD, momentum 0,9, one-cycle jusqu'à 0,05"],
        ["exactitude de test", percent(float(card["test accuracy"].split()[0]), 1)],
    ],
)

# %%
train_set, test_set = load_for_class("cifar10", otherwise="digits")
pets = train_set.name == "cifar10"
if pets:
    old_test = keep(only(test_set, in_french(pretrained.CLASSES)), P.test)
    train_set, test_set = (only(one, ("chat", "chien")) for one in (train_set, test_set))
learn_set, test_set = keep(train_set, P.labels), keep(test_set, P.test)
device = runtime.device()
announce(device=runtime.describe_device(device), data=train_set.name)

# %%
titles = [train_set.classes[label] for label in learn_set.labels[:10]]
plots.image_grid(learn_set.images[:10], titles, title="La nouvelle tâche : dix images étiquetées")

# %% [markdown]
# Nous ferons comme si seules quelques centaines d'images étaient étiquetées. Sans CIFAR-10, la tâche
# devient la lecture des dix chiffres de `digits` : tout fonctionne, mais cette source-là est loin de
# sa cible, et les nombres changent. Les tables de référence, elles, portent toujours sur les chats et
# les chiens.

# %%
{"apprentissage": len(learn_set), "test": len(test_set), "classes": len(train_set.classes)}

# %%
summary(source, (3, 32, 32))

# %% [markdown] question="transfert-predire" kind="reponse"
# ### Prédire : quelles couches réutiliser ?
#
# Avant toute mesure : parmi les cinq couches de ce réseau (trois convolutions, chacune avec sa
# normalisation, et deux couches denses), lesquelles garderiez-vous telles quelles pour distinguer chats
# et chiens, lesquelles referiez-vous, et pourquoi ? Votre réponse changerait-elle avec dix images
# étiquetées, ou avec dix mille ?

# %% [markdown] answer="transfert-predire-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Les premières couches décrivent (bords, couleurs, textures) et servent partout : on les garde.
#   La dernière classe : ses sorties sont les anciennes classes, il faut la remplacer. Entre les deux,
#   de plus en plus propre à la tâche d'origine.
# - (1) Avec très peu d'images, geler presque tout : autant de poids libres que d'images, ou plus, se
#   surapprennent. Avec beaucoup d'images, on peut tout laisser bouger, voire partir de zéro. (Toute
#   prédiction argumentée est acceptée ; la suite la met à l'épreuve.)
# ### END MARK SCHEME

# %% [markdown]
# ## 2. Lui parler sa langue
#
# Ce réseau n'a vu que des images à trois canaux, ramenées entre 0 et 1, puis normalisées canal par
# canal **avec la moyenne et l'écart-type de ses images à lui**. Lui donner autre chose, c'est changer
# de langue au milieu de la phrase.

# %% [markdown] question="transfert-preparer" kind="code"
# ### Préparer les images
#
# Écrivez la fonction qui reçoit des images `uint8` ($N \times 1$ ou $3 \times H \times L$), et la
# moyenne et l'écart-type de chaque canal (des triplets, pour des valeurs entre 0 et 1). Elle renvoie
# des images à **trois** canaux, normalisées. Une image grise a trois fois le même canal.

# %% [markdown] hint="transfert-preparer"
# Trois étapes : diviser pour aller de 0 à 1, retirer la moyenne, diviser par l'écart-type. Les deux
# triplets doivent s'aligner sur l'axe des canaux.

# %% [markdown] hint="transfert-preparer"
# `torch.tensor(mean).view(3, 1, 1)` s'aligne sur les canaux. `images.expand(-1, 3, -1, -1)` répète un
# canal unique, et laisse en paix une image qui en a déjà trois.


# %% answer="transfert-preparer"
def prepare(images, mean, std):
    ### BEGIN SOLUTION
    images = images.expand(-1, 3, -1, -1) / 255
    mean, std = torch.tensor(mean).view(3, 1, 1), torch.tensor(std).view(3, 1, 1)
    return (images - mean) / std
    ### END SOLUTION


# %% test="transfert-preparer-test" points=2
check.prepare(prepare)
### BEGIN HIDDEN TESTS
grade(check.prepare(prepare, seed=1), points=2)
### END HIDDEN TESTS

# %%
prepare = check.prepare.use(prepare, otherwise=transfer.prepare)


def normalise(images):
    return prepare(images.cpu(), CIFAR10.mean, CIFAR10.std).to(images.device)


def lots(image_set, size=32, **options):
    return Batches(image_set, size, normalise=normalise, **options)


# %% [markdown]
# Combien coûte l'oubli ? Voici le réseau livré sur ses propres classes, avec et sans sa
# normalisation.

# %%
source = source.to(device)
if pets:
    with_it = training.evaluate(lots(old_test, 500), source).accuracy
    without = training.evaluate(Batches(old_test, 500), source).accuracy
    print(f"huit classes, normalisation : {percent(with_it, 1)} ; oubliée : {percent(without, 1)}")

# %% [markdown]
# ## 3. Geler, remplacer
#
# **Geler** un poids, c'est lui retirer son gradient : `requires_grad = False`. La dernière couche,
# elle, donne un score par ancienne classe : il en faut une neuve, qui lit les mêmes 1000 valeurs.

# %% [markdown] question="transfert-geler" kind="code"
# ### Geler le réseau
#
# Écrivez la fonction qui gèle **tous** les poids du réseau reçu, remplace sa dernière couche,
# `model.classifier[-1]`, par une couche dense neuve à `classes` sorties, et renvoie le **nombre de
# poids** (biais compris) qui apprennent encore.

# %% [markdown] hint="transfert-geler"
# `model.parameters()` donne tous les poids, tenseur par tenseur. Une couche neuve, elle, naît avec
# `requires_grad=True` : l'ordre des deux opérations compte.

# %% [markdown] hint="transfert-geler"
# `model.classifier[-1].in_features` est la largeur que lit la dernière couche ; `weights.numel()` est
# le nombre de poids d'un tenseur.


# %% answer="transfert-geler"
def freeze(model, classes):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # ...  # geler
    # ...  # remplacer la dernière couche
    # return ...  # le nombre de poids qui apprennent encore

    for weights in model.parameters():
        weights.requires_grad = False
    model.classifier[-1] = nn.Linear(model.classifier[-1].in_features, classes)
    return sum(weights.numel() for weights in model.parameters() if weights.requires_grad)
    ### END SOLUTION


# %% test="transfert-geler-test" points=3
check.freeze(freeze)
### BEGIN HIDDEN TESTS
grade(check.freeze(freeze, seed=1), points=3)
### END HIDDEN TESTS

# %%
freeze = check.freeze.use(freeze, otherwise=transfer.freeze)


def frozen_copy():
    runtime.seed_everything(0)
    model = pretrained.pretrained_cifarnet()
    learning = freeze(model, len(train_set.classes))
    return model.to(device), learning


frozen, learning = frozen_copy()
total = sum(weights.numel() for weights in frozen.parameters())
print(f"{thousands(learning)} poids apprennent, sur {thousands(total)}.")

# %% [markdown] question="transfert-dernier" kind="code"
# ### Apprendre la dernière couche seule
#
# La boucle est donnée ; il reste à préparer le réseau et l'optimiseur : SGD, au pas `rate`, momentum
# 0,9, et **rien d'autre** que les poids qui apprennent. Rien de ce qui a été appris avant ne doit
# bouger, les moyennes de la normalisation par lot comprises.

# %% [markdown] hint="transfert-dernier"
# Une normalisation par lot met à jour sa moyenne et sa variance à chaque passage en mode `train()`,
# sans gradient : geler ses poids n'y change rien. De quel mode avez-vous besoin ?

# %% [markdown] hint="transfert-dernier"
# `weights.requires_grad` dit si un tenseur apprend ; une liste en compréhension trie ceux de
# `model.parameters()`.


# %% answer="transfert-dernier"
def train_last_layer(model, batches, rate, epochs):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # ...  # le mode
    # learning = ...
    # optimizer = ...
    model.eval()
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=rate, momentum=0.9)
    ### END SOLUTION
    for _ in range(epochs):
        for images, labels in batches:
            loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


# %% test="transfert-dernier-test" points=3
check.train_last_layer(train_last_layer)
### BEGIN HIDDEN TESTS
grade(check.train_last_layer(train_last_layer, seed=1), points=3)
### END HIDDEN TESTS

# %%
train_last_layer = check.train_last_layer.use(train_last_layer, otherwise=transfer.train_last_layer)
results = {}


def noted(name, model, learning, seconds):
    """Keep the test accuracy of a network for the table of part 8."""
    accuracy = training.evaluate(lots(test_set, 500), model).accuracy
    results[name] = (accuracy, learning, seconds)
    return f"{name} : {percent(accuracy, 1)} sur le test, en {decimal(seconds, '.1f')} s"


# %%
fixed = list(lots(learn_set, shuffle=True))  # the same batches at each epoch
first_head = copy.deepcopy(frozen.classifier[-1])
start = time.perf_counter()
train_last_layer(frozen, fixed, rate=0.01, epochs=P.epochs)
frozen_seconds = time.perf_counter() - start
noted("gelé", frozen, learning, frozen_seconds)

# %% [markdown]
# ## 4. Ne calculer qu'une fois
#
# À chaque époque, les couches gelées refont exactement le même calcul sur les mêmes images. Autant le
# faire une fois, garder ce que reçoit la dernière couche (les **caractéristiques**, 1000 valeurs par
# image), et n'entraîner qu'un classifieur linéaire dessus.

# %% [markdown] question="transfert-extraire" kind="code"
# ### Extraire les caractéristiques
#
# Écrivez la fonction qui renvoie, pour toutes les images des lots et dans leur ordre, ce que reçoit la
# dernière couche du réseau : un tenseur $N \times 1000$ pour le nôtre. Elle ne change rien au réseau,
# et ne garde aucun gradient.

# %% [markdown] hint="transfert-extraire"
# Un réseau traverse `model.features`, puis `model.classifier`. Une tranche d'un `nn.Sequential` est
# encore un `nn.Sequential`, que l'on peut appeler.

# %% [markdown] hint="transfert-extraire"
# `model.classifier[:-1]` est tout le classifieur sauf sa dernière couche ; `torch.cat` met bout à bout
# les tenseurs d'une liste. N'oubliez ni le mode, ni `torch.no_grad()`.


# %% answer="transfert-extraire"
def extract(model, batches):
    ### BEGIN SOLUTION
    model.eval()
    with torch.no_grad():
        parts = [model.classifier[:-1](model.features(images)) for images, _ in batches]
    return torch.cat(parts)
    ### END SOLUTION


# %% test="transfert-extraire-test" points=3
check.extract(extract)
### BEGIN HIDDEN TESTS
grade(check.extract(extract, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# **Prédire.** Une époque sur ces caractéristiques sera-t-elle 2, 10 ou 100 fois plus rapide ? Et le
# classifieur obtenu sera-t-il le même, ou seulement voisin ? *Votre prédiction :* …

# %%
extract = check.extract.use(extract, otherwise=transfer.extract)
features = extract(frozen, fixed)
pairs = list(zip(features.split(32), [labels for _, labels in fixed]))
head = copy.deepcopy(first_head)  # where the frozen network started
start = time.perf_counter()
transfer.train_last_layer(head, pairs, rate=0.01, epochs=P.epochs)
seconds = time.perf_counter() - start

# %%
gap = (head.weight - frozen.classifier[-1].weight).abs().max().item()
Table(
    ["une époque", "durée", "écart des poids à la fin"],
    [
        ["réseau gelé", f"{decimal(1000 * frozen_seconds / P.epochs, '.0f')} ms", ""],
        [
            "sur les caractéristiques",
            f"{decimal(1000 * seconds / P.epochs, '.1f')} ms",
            decimal(gap, ".1g"),
        ],
    ],
)

# %% [markdown]
# Le même classifieur, aux arrondis près, pour une fraction du temps. Cela ne vaut que tant que rien ne
# change avant la dernière couche : ni poids, ni statistiques, ni images augmentées au hasard.
#
# ## 5. Régler finement
#
# Deuxième voie : laisser **tout** le réseau apprendre, mais doucement. La dernière couche part du
# hasard et a besoin d'un grand pas ; les autres savent déjà beaucoup, un petit pas leur suffit.

# %% [markdown] question="transfert-affiner" kind="code"
# ### Deux pas d'apprentissage
#
# Le réseau arrive gelé, sa dernière couche déjà remplacée. Dégelez tout, mettez-le dans le bon mode, et
# donnez à SGD (momentum 0,9) deux groupes de poids : la dernière couche au pas `head_rate`, toutes les
# autres au pas `body_rate`.

# %% [markdown] hint="transfert-affiner"
# Un groupe est un dictionnaire : `{"params": …, "lr": …}` ; l'optimiseur en reçoit une liste. Cette
# fois, le réseau s'adapte aux nouvelles images : sa normalisation par lot aussi.

# %% [markdown] hint="transfert-affiner"
# Les poids d'avant la dernière couche sont ceux de `model.features`, et ceux de
# `model.classifier[:-1]`.


# %% answer="transfert-affiner"
def fine_tune(model, batches, body_rate, head_rate, epochs):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # ...  # dégeler, choisir le mode
    # groups = ...
    # optimizer = ...
    model.train()
    for weights in model.parameters():
        weights.requires_grad = True
    body = [*model.features.parameters(), *model.classifier[:-1].parameters()]
    head = list(model.classifier[-1].parameters())
    groups = [{"params": body, "lr": body_rate}, {"params": head, "lr": head_rate}]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    ### END SOLUTION
    for _ in range(epochs):
        for images, labels in batches:
            loss = cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


# %% test="transfert-affiner-test" points=3
check.fine_tune(fine_tune)
### BEGIN HIDDEN TESTS
grade(check.fine_tune(fine_tune, seed=1), points=3)
### END HIDDEN TESTS

# %%
fine_tune = check.fine_tune.use(fine_tune, otherwise=transfer.fine_tune)
tuned, _ = frozen_copy()
start = time.perf_counter()
fine_tune(tuned, fixed, body_rate=0.003, head_rate=0.01, epochs=P.epochs)
noted("affiné", tuned, count_weights(tuned), time.perf_counter() - start)

# %% [markdown]
# ### Trop vite, il oublie
#
# Changeons le pas des couches déjà apprises, et mesurons deux choses : la nouvelle tâche, et ce qu'il
# reste de **l'ancienne** (avec les couches réglées, et l'ancienne dernière couche remise à sa place).
#
# **Prédire.** Quel pas donnera le meilleur résultat sur la nouvelle tâche ? Lequel effacera
# l'ancienne ? *Votre prédiction :* …


# %%
def remembered(model):
    """Accuracy on the eight old classes, the old last layer put back."""
    again = copy.deepcopy(model)
    again.classifier[-1] = copy.deepcopy(source.classifier[-1])
    return training.evaluate(lots(old_test, 500), again).accuracy


rates = [0.0001, 0.001, 0.01, 0.1]
measured = defaultdict(list)
for rate in rates:
    model, _ = frozen_copy()
    fine_tune(model, fixed, rate, 0.01, epochs=-(-P.epochs // 3))
    measured["nouvelle tâche"].append(training.evaluate(lots(test_set, 500), model).accuracy)
    if pets:
        measured["anciennes classes"].append(remembered(model))

# %%
pictures.rates_and_memory(rates, measured, "Apprendre sans oublier")

# %% [markdown] question="transfert-pas" kind="experience"
# ### Le pas qui oublie
#
# Que deviennent les deux courbes quand le pas grandit ? Expliquez-les. Si la nouvelle tâche est seule à
# compter, l'oubli est-il un défaut ? Pourquoi un pas trop grand nuit-il quand même à la nouvelle tâche ?

# %% [markdown] answer="transfert-pas-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Petit pas : les poids ne bougent presque pas, et la nouvelle tâche profite de ce qui est déjà
#   su. L'ancienne perd pourtant déjà quelques points : en mode `train()`, les moyennes et les variances
#   de la normalisation par lot passent aux nouvelles images, quel que soit le pas. Grand pas : les
#   premiers gradients, venus d'une dernière couche tirée au hasard, abîment les filtres ; les anciennes
#   classes s'oublient, et la nouvelle tâche y perd.
# - (1) L'oubli en soi n'est pas un défaut si l'ancienne tâche ne sert plus ; mais ce qui est effacé
#   était le savoir que l'on venait chercher : avec peu d'étiquettes, on ne peut pas le réapprendre, et
#   l'on retombe vers un réseau appris de zéro, ou l'apprentissage diverge.
# ### END MARK SCHEME

# %% [markdown]
# ## 6. Combien d'étiquettes ?
#
# Trois voies : le réseau appris **de zéro**, **gelé** (seule la dernière couche apprend), **affiné**.
# Avec combien d'images étiquetées chacune vaut-elle la peine ? Votre machine fait quelques essais avec
# un petit budget ; la référence a été mesurée de 10 à 3 000 étiquettes, sur cinq graines.
#
# **Prédire.** Avec 30 étiquettes, quelle voie gagne, et de combien ? À partir de combien d'étiquettes
# l'apprentissage de zéro rattrape-t-il les autres ? *Votre prédiction :* …

# %%
ours = defaultdict(dict)
for count in (30, 300, 1000)[: P.counts]:
    part = keep(train_set, max(count, len(train_set.classes)))
    for way in transfer.WAYS:
        steps = P.steps or transfer.steps_for(len(part))
        ours[way][len(part)] = transfer.measure(way, part, test_set, seed=0, steps=steps)

# %%
table = reference.load("transfer_labels")
ways = {way: defaultdict(list) for way in transfer.WAYS}
for row in table:
    ways[row["way"]][row["images"]].append(row["test_accuracy"])
mine = ours if pets else {}
pictures.accuracy_by_labels(
    ways, 0.5, "Chats contre chiens : référence (pleins), ici (creux)", mine
)

# %%
table

# %% [markdown] question="transfert-etiquettes" kind="experience" star=true
# ### Ce que valent les étiquettes
#
# Décrivez les trois courbes, et dites où elles se croisent (ou non). Combien d'étiquettes faut-il au
# réseau appris de zéro pour égaler le réseau gelé avec 100 étiquettes ? Quelle voie a la plus grande
# dispersion, et pourquoi ? Votre prédiction était-elle bonne ?

# %% [markdown] answer="transfert-etiquettes-texte" points=4
# ### BEGIN MARK SCHEME
# - (1) Jusqu'à 1 000 étiquettes, les deux voies du transfert sont devant : de 2 à 5 points au-dessus de
#   l'apprentissage de zéro, qui part de 55 % (le hasard donne 50 %).
# - (1) Gelé et affiné se tiennent jusqu'à 30 étiquettes ; l'affiné passe ensuite devant, d'un à deux
#   points, puis de près de trois avec 3 000. De zéro, le réseau rattrape le gelé vers 3 000 étiquettes, pas encore l'affiné.
# - (1) Lecture horizontale : le réseau gelé avec 100 étiquettes (63 %) vaut le réseau de zéro avec 300.
# - (1) La dispersion est la plus grande de zéro, avec 10 à 100 étiquettes (deux à trois points) : tout dépend des
#   images tirées et des poids de départ ; une seule graine ne prouve rien.
# ### END MARK SCHEME

# %% [markdown]
# ## 7. Loin de la source
#
# Chats et chiens ressemblent aux classes d'origine. Et des chiffres manuscrits, gris, sur fond noir ?
# Sur MNIST, avec peu d'étiquettes, comparons LeNet-5 appris de zéro, un réseau dense qui a autant de
# poids que lui, et le réseau livré, gelé puis affiné. Une mise à jour coûte bien moins aux deux
# premiers, plus petits : ils en font dix fois plus. LeNet-5 prend alors un temps voisin de celui du
# réseau affiné ; le réseau dense reste plusieurs fois plus rapide.
#
# **Prédire.** Classez ces quatre réseaux. *Votre prédiction :* …

# %%
far_train, far_test = load_for_class("mnist", otherwise="digits")
far_learn, far_test = keep(far_train, P.labels), keep(far_test, P.test)
new_networks = {"LeNet-5, de zéro": LeNet5, "dense, de zéro": lambda: Dense(hidden_for(61_706))}
far_steps = P.steps or transfer.steps_for(len(far_learn))

# %%
far = {
    name: transfer.measure_new(make, far_learn, far_test, seed=0, steps=far_steps)
    for name, make in new_networks.items()
}
for way in ("gelé", "affiné"):
    far[f"réseau livré, {way}"] = transfer.measure(way, far_learn, far_test, 0, steps=far_steps)

# %%
far_table = reference.load("transfer_far")
names = dict(zip(far, ("lenet5", "dense", "gelé", "affiné")))


def measured_far(way, images):
    """Mean of the reference, over its seeds."""
    found = [row["test_accuracy"] for row in far_table.where(way=way, images=images)]
    return percent(sum(found) / len(found), 1)


Table(
    ["MNIST", f"ici, {len(far_learn)} étiquettes", "référence, 100", "référence, 1 000"],
    [
        [name, percent(far[name], 1), measured_far(way, 100), measured_far(way, 1000)]
        for name, way in names.items()
    ],
)

# %% [markdown] question="transfert-loin" kind="experience"
# ### Quand la source est loin
#
# Comparez les quatre lignes à 100 puis à 1 000 étiquettes. Le transfert aide-t-il encore ? Le réseau
# gelé fait-il mieux que LeNet-5, vingt fois plus petit que lui ? Expliquez.

# %% [markdown] answer="transfert-loin-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Lecture de la table, colonne par colonne. Dans la référence, à 100 étiquettes, l'affiné est
#   devant ; LeNet-5 et le réseau gelé se tiennent ; le réseau dense est derrière. À 1 000, LeNet-5 a
#   rejoint l'affiné, et le gelé n'a presque plus d'avance sur le réseau dense.
# - (1) Gelé, le réseau livré plafonne : ses caractéristiques décrivent des couleurs et des textures de
#   photographies, absentes des chiffres, et rien ne peut les adapter.
# - (1) Affiné, il s'adapte : les filtres de bords restent un bon départ, surtout avec peu d'étiquettes.
#   LeNet-5, petit et appris sur les bonnes images, suffit dès qu'il y en a mille ; un grand réseau
#   n'est pas un avantage en soi.
# ### END MARK SCHEME

# %% [markdown]
# ### Jusqu'où geler ?
#
# Gelons les $k$ premières couches, pour $k$ de 0 (tout apprend) à 4 (seule la dernière apprend) :
# chaque couche dit ainsi à quel point elle est générale (Yosinski et al., 2014).
#
# **Prédire.** L'exactitude va-t-elle monter, descendre, ou passer par un maximum ? *Votre
# prédiction :* …


# %%
def frozen_up_to(k, seed=0):
    model = pretrained.pretrained_cifarnet()
    steps = P.steps or transfer.steps_for(len(learn_set))
    options = {"steps": steps, "seed": seed, "normalise": normalise}
    transfer.adapt(model, learn_set, frozen=k, **options)
    return training.evaluate(lots(test_set, 500), model).accuracy


here = {k: [frozen_up_to(k, seed) for seed in range(P.seeds)] for k in range(5)}

# %%
layer_table = reference.load("transfer_layers")
referenced = defaultdict(list)
for row in layer_table:
    referenced[row["frozen"]].append(row["test_accuracy"])
runs = {
    f"ici, {len(learn_set)} étiquettes": here,
    "référence (chats et chiens), 1 000 étiquettes": referenced,
}
pictures.accuracy_by_frozen(
    runs, ["conv1", "conv2", "conv3", "fc4"], "Ce que coûte une couche gelée"
)

# %% [markdown] question="transfert-couches" kind="experience"
# ### Ce que chaque couche a de général
#
# Jusqu'à quelle couche geler ne coûte-t-il rien, ou presque ? Laquelle est la plus propre aux anciennes
# classes ? L'écart entre deux points voisins dépasse-t-il la dispersion entre graines ?

# %% [markdown] answer="transfert-couches-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) Geler les trois convolutions ne coûte presque rien (un demi-point dans la référence) : leurs
#   filtres sont généraux. Geler aussi fc4 en coûte un de plus : elle est la plus propre aux anciennes
#   classes.
# - (1) Jusqu'à conv3, les écarts entre k voisins sont plus petits que la dispersion : seule la tendance
#   se lit. Celui de fc4 ne la dépasse guère sur la figure, mais chacune des cinq graines y perd environ
#   un point : comparé graine par graine, il est établi.
# ### END MARK SCHEME

# %% [markdown]
# ## 8. Bilan
#
# Reste la troisième voie pour compléter la table : le même réseau, appris de zéro sur les mêmes images
# étiquetées, avec autant de mises à jour. Et, si vous avez téléchargé ses poids
# (`tp-cnn data fetch resnet18`, 47 Mo), un réseau bien plus grand, appris sur le million d'images
# d'ImageNet : la table l'ajoute quand elle le trouve, et s'en passe sinon. (Ses images à lui étaient
# plus grandes, et normalisées autrement : `transfer.resnet_features` prépare les nôtres pour lui.)

# %%
start = time.perf_counter()
accuracy = transfer.measure("de zéro", learn_set, test_set, seed=0, steps=P.epochs * len(fixed))
results["de zéro"] = (accuracy, total, time.perf_counter() - start)

# %%
resnet = pretrained.pretrained_resnet18()
print("ResNet-18 : trouvé." if resnet else "ResNet-18 : absent, la table s'en passe.")

if resnet:
    start = time.perf_counter()
    head = nn.Linear(512, len(train_set.classes)).to(device)
    labels = learn_set.labels.to(device)
    features = transfer.resnet_features(resnet, learn_set)  # 512 values an image
    pairs = list(zip(features.split(32), labels.split(32)))
    transfer.train_last_layer(head, pairs, rate=0.01, epochs=P.epochs)
    right = head(transfer.resnet_features(resnet, test_set)).argmax(1).cpu() == test_set.labels
    seconds = time.perf_counter() - start
    results["ResNet-18 gelé"] = (right.float().mean().item(), count_weights(head), seconds)

# %%
Table(
    [f"{len(learn_set)} étiquettes", "exactitude de test", "poids appris", "temps"],
    [
        [name, percent(accuracy, 1), thousands(weights), f"{decimal(seconds, '.1f')} s"]
        for name, (accuracy, weights, seconds) in results.items()
    ],
)

# %% [markdown] question="transfert-bilan" kind="reponse"
# ### Que conseillez-vous ?
#
# Une collègue a 200 photographies étiquetées de deux espèces d'oiseaux, et un ordinateur portable.
# Une autre a 50 000 radiographies. Que conseillez-vous à chacune, et qu'avez-vous mesuré ici qui le
# justifie ? Que vérifieriez-vous en premier ?

# %% [markdown] answer="transfert-bilan-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) 200 oiseaux : réseau préentraîné sur des photographies, gelé, caractéristiques calculées une
#   fois (quelques secondes) ; éventuellement affiné ensuite avec un petit pas. Vérifier d'abord que la
#   préparation des images est celle du réseau.
# - (1) 50 000 radiographies : beaucoup d'étiquettes et source lointaine ; comparer honnêtement affiné
#   et de zéro, sur une validation et plusieurs graines, sans supposer que le transfert gagne.
# ### END MARK SCHEME

# %% [markdown]
# ## À retenir
#
# - Les premières couches décrivent, la dernière classe : on garde les unes, on remplace l'autre.
# - Geler, c'est `requires_grad = False` **et** le mode `eval()` pour la normalisation par lot.
# - Un réseau préentraîné attend des images préparées comme celles de son apprentissage.
# - Des couches gelées ne se calculent qu'une fois.
# - Affiner demande deux pas : petit pour ce qui est su, plus grand pour ce qui est neuf.
# - Le transfert gagne avec peu d'étiquettes, et son avance fond quand elles se comptent par milliers ;
#   plus la source est loin, moins il aide.
#
# ## Pour aller plus loin
#
# - J. Yosinski, J. Clune, Y. Bengio, H. Lipson, *How transferable are features in deep neural
#   networks?*, NeurIPS 2014.
# - S. Kornblith, J. Shlens, Q. Le, *Do better ImageNet models transfer better?*, CVPR 2019.
# - M. Raghu, C. Zhang, J. Kleinberg, S. Bengio, *Transfusion: understanding transfer learning for
#   medical imaging*, NeurIPS 2019 : quand le transfert n'apporte presque rien.

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
# - Plusieurs notebooks ensemble : `report.from_notebook("06_transfert", "05_ameliorations", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("06_transfert", authors=[], follow_up=False)
