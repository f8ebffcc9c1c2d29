# %% [markdown]
# # 03. LeNet-5 lit des chiffres
#
# À la fin de ce notebook, vous saurez :
#
# - construire LeNet-5 couche par couche et compter ses poids ;
# - l'entraîner sur MNIST, et dire ce que mesurent (ou non) les courbes obtenues ;
# - le comparer honnêtement à un réseau dense (« complètement connecté », disait le notebook 01) qui a
#   autant de poids que lui ;
# - regarder ses filtres, ses erreurs, et situer ses résultats parmi ceux de 1989 à 1998.
#
# **Durée :** 2 h 15 (45 min pour les seules questions numérotées)
#
# **Barème :** 34 points
#
# **Prérequis :** le notebook 01 (convolution, pooling, taille de sortie)

# %% parameters=true grading="images=600 test=500 epochs=1 epochs_small_set=1"
from tp_cnn import runtime

P = runtime.parameters(
    quick={
        "images": 60_000,
        "test": 10_000,
        "epochs": 3,
        "epochs_small_set": 25,
        "batch_size": 128,
        "rate": 0.05,
        "seeds": 1,
    },
    full={"epochs": 15, "seeds": 3},
)
P

# %%
import inspect
import statistics
from dataclasses import replace
from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import pad

# %%
from tp_cnn import training
from tp_cnn.display import Table, announce, decimal, percent, thousands
from tp_cnn.checks import lenet as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.data import augment
from tp_cnn.data.batches import Batches, keep, split_train
from tp_cnn.data.classroom import load_for_class
from tp_cnn.data.normalise import Normalise, channel_statistics
from tp_cnn.models import Dense, LeNet5, count_weights, hidden_for, summary
from tp_cnn.plots import lenet as pictures, training as plots
from tp_cnn.plots.volumes import volumes
from tp_cnn.scratch import mistakes

# %% [markdown]
# ## 1. Les images
#
# MNIST : 60 000 chiffres manuscrits pour apprendre, 10 000 pour tester, en 28×28 pixels et en
# niveaux de gris. Hors ligne et sans copie locale, le notebook continue avec `digits`, un petit jeu
# de vrais chiffres livré avec scikit-learn : tout fonctionne, mais les nombres changent, et 360 images
# de test ne départagent pas deux réseaux proches.

# %%
train_set, test_set = load_for_class("mnist", otherwise="digits")
test_set = keep(test_set, P.test)
device = runtime.device()
announce(device=runtime.describe_device(device), data=train_set.name)

# %%
plots.image_grid(
    train_set.images[:20],
    [train_set.classes[label] for label in train_set.labels[:20]],
    title="Vingt images d'apprentissage et leur étiquette",
)

# %% [markdown]
# Trois jeux d'images, trois rôles. Le réseau apprend sur le premier ; c'est sur la **validation**
# que l'on compare des réglages ; le **test** ne sert qu'à mesurer ce qui est déjà décidé. Le regarder
# pour choisir reviendrait à tricher un peu : on choisirait ce qui lui convient, à lui.

# %%
learn_set, validation_set = split_train(keep(train_set, P.images), 0.1, seed=0)
normalise = Normalise(channel_statistics(learn_set.images))
validation = Batches(validation_set, 500, normalise=normalise)
test = Batches(test_set, 500, normalise=normalise)
epochs = P.epochs if len(train_set) >= 10_000 else P.epochs_small_set
{"apprentissage": len(learn_set), "validation": len(validation_set), "test": len(test_set)}

# %% [markdown]
# ## 2. Le réseau
#
# LeNet-5 (LeCun, Bottou, Bengio et Haffner, 1998) alterne convolution et pooling, puis finit par
# des couches denses :
#
# | étape | réglage | sortie |
# |---|---|---|
# | image | | 1×28×28 |
# | convolution | 6 filtres 5×5, padding 2 | 6×28×28 |
# | max-pooling puis activation | 2×2 | 6×14×14 |
# | convolution | 16 filtres 5×5, sans padding | 16×10×10 |
# | max-pooling puis activation | 2×2 | 16×5×5 |
# | mise à plat | | 400 |
# | dense, activation | 120 neurones | 120 |
# | dense, activation | 84 neurones | 84 |
# | dense | 10 sorties | 10 |
#
# L'article utilisait une tangente hyperbolique et un pooling appris ; la version d'aujourd'hui
# préfère ReLU et le maximum. Le padding de 2 remplace le cadre blanc des images 32×32 de l'article.

# %%
volumes(LeNet5(), (1, 28, 28), "LeNet-5 : des cartes de plus en plus petites et nombreuses")

# %% [markdown] question="lenet-construire" kind="code"
# ### Construire LeNet-5
#
# Écrivez une fonction qui renvoie un nouveau réseau, avec les couches du tableau.
#
# La fonction de coût sera l'**entropie croisée** : l'opposé du logarithme de la probabilité que le
# réseau donne à la bonne classe, nul s'il en est sûr, très grand s'il se trompe avec assurance. Celle
# de PyTorch calcule elle-même ces probabilités : elle attend les dix sorties **telles quelles**.

# %% [markdown] hint="lenet-construire"
# `nn.Sequential` enchaîne les couches dans l'ordre où vous les donnez. Il vous faut `nn.Conv2d`,
# `nn.MaxPool2d`, `nn.ReLU`, `nn.Flatten` et `nn.Linear`, et rien d'autre.

# %% [markdown] hint="lenet-construire"
# La première couche est `nn.Conv2d(1, 6, kernel_size=5, padding=2)`. La première couche dense reçoit
# 16×5×5 valeurs ; qu'est-ce qui suit la dernière ?


# %% answer="lenet-construire"
def build_lenet5():
    ### BEGIN SOLUTION
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(6, 16, kernel_size=5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        *[nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)],
    )
    ### END SOLUTION


# %% test="lenet-construire-test" points=3
check.lenet5(build_lenet5)
### BEGIN HIDDEN TESTS
grade(check.lenet5(build_lenet5, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown] question="lenet-poids" kind="calcul"
# ### Compter ses poids
#
# Combien de poids, biais compris, dans chacune des cinq couches qui apprennent ? Donnez-les dans
# l'ordre du réseau.

# %% [markdown] hint="lenet-poids"
# Un filtre a un poids par case et par carte d'entrée, plus un biais. Un neurone dense a un poids
# par entrée, plus un biais.

# %% [markdown] hint="lenet-poids"
# Deuxième convolution : 16 filtres, chacun de 5×5 cases sur 6 cartes, et un biais par filtre.

# %% answer="lenet-poids"
### BEGIN SOLUTION
### PLACEHOLDER
# weights_by_layer = [..., ..., ..., ..., ...]

convolutions = [(5 * 5 * 1 + 1) * 6, (5 * 5 * 6 + 1) * 16]
weights_by_layer = [*convolutions, (400 + 1) * 120, (120 + 1) * 84, (84 + 1) * 10]
### END SOLUTION

# %% test="lenet-poids-test" points=2
check.weights_by_layer(weights_by_layer)
### BEGIN HIDDEN TESTS
grade(check.weights_by_layer(weights_by_layer), points=2)
### END HIDDEN TESTS

# %% [markdown]
# La suite entraîne **votre** réseau, dès que la vérification l'a dit juste ; le paquet en contient un,
# `LeNet5`, pour que vous puissiez avancer même si le vôtre résiste encore. Où sont les poids ?

# %%
build_lenet5 = check.lenet5.use(build_lenet5, LeNet5)
summary(build_lenet5(), (1, 28, 28))

# %% [markdown]
# ## 3. L'apprentissage
#
# Une seule fonction, `fit`, répète des époques : elle parcourt les images par petits lots, corrige
# les poids après chaque lot, puis mesure le réseau sur la validation. Le pas d'apprentissage baisse
# peu à peu jusqu'à zéro, et le **momentum** de 0,9 donne de l'élan : chaque correction garde 90 % de
# la précédente (le notebook 05 dira pourquoi).
#
# La graine fixe les poids de départ et l'ordre des images : sur la même machine, relancer la cellule
# redonne le même réseau. Avec un autre nombre de fils de calcul, les sommes s'arrondissent autrement
# et c'est un **autre** réseau : avec la graine 0, nous avons mesuré de 0,92 à 1,06 % d'erreur.


# %%
def train_network(make_model, seed=0, epochs=epochs):
    runtime.seed_everything(seed)
    model = make_model().to(device)
    learn = Batches(learn_set, P.batch_size, shuffle=True, normalise=normalise, seed=seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=P.rate, momentum=0.9)
    steps = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(learn))
    options = {"scheduler": steps, "step_each": "batch", "epochs": epochs}
    return model, training.fit(model, learn, validation, optimizer=optimizer, **options)


# %%
lenet, lenet_history = train_network(build_lenet5)
lenet_history

# %%
plots.curves({"LeNet-5": lenet_history}, "LeNet-5 : apprentissage et validation")

# %% [markdown] question="lenet-apprentissage" number="13" kind="experience"
# ### Lire les courbes
#
# Vous venez de lancer le code fourni. Décrivez ce que vous voyez : que fait le coût, que fait
# l'exactitude ? Puis testez-le : la cellule ci-dessous double le nombre d'époques. Qu'y gagne-t-on,
# en apprentissage et en validation ?

# %%
_, longer_history = train_network(build_lenet5, epochs=2 * epochs)
runs = {f"{epochs} époques": lenet_history, f"{2 * epochs} époques": longer_history}
plots.curves(runs, "Deux fois plus d'époques")

# %% [markdown] answer="lenet-apprentissage" points=2
# ### BEGIN MARK SCHEME
# - (1) Le coût d'apprentissage baisse vite, surtout à la première époque, et l'exactitude monte
#   en miroir : l'essentiel est appris en une ou deux lectures des images.
# - (1) Avec deux fois plus d'époques, le coût d'apprentissage continue de descendre, alors que la
#   validation n'y gagne que quelques dixièmes de point d'exactitude et que son coût s'aplatit :
#   l'écart entre les deux s'ouvre. (Le pas s'annule à la fin de chaque entraînement : les deux
#   courbes n'ont pas le même pas à la même époque.)
# ### END MARK SCHEME

# %% [markdown]
# La fonction qui parcourt les images est la même pour apprendre et pour évaluer : elle apprend si on
# lui donne un `optimizer`, elle évalue sinon. Lisez-la, la question suivante porte sur elle. (Le
# dernier lot peut être plus petit : son coût moyen est pondéré par sa taille. `autocast` choisit la
# précision des calculs ; `distributed` partage le travail entre plusieurs processus, s'il y en a ;
# `replay` refait plus vite, sur un GPU, les calculs des lignes qui suivent `else`, et `_refuse_nan`
# arrête un apprentissage qui diverge : vous pouvez sauter ces lignes.)

# %%
head, _, body = inspect.getsource(training.epoch).split('"""', 2)
lines = (head.rstrip() + body).splitlines()
print("\n".join(line for line in lines if not line.lstrip().startswith("#")))

# %% [markdown] question="train-test-mesures" number="14" kind="reponse" star=true
# ### Ce que mesurent l'apprentissage et le test
#
# Les données mises à part, quelles différences importantes y a-t-il entre le coût et l'exactitude
# calculés pendant l'apprentissage, et ceux calculés en évaluation ? Expliquez pourquoi, à la
# première époque, l'exactitude de validation dépasse souvent celle d'apprentissage.

# %% [markdown] answer="train-test-mesures" points=3
# ### BEGIN MARK SCHEME
# - (1) Apprentissage : les poids changent après chaque lot. La moyenne de l'époque mélange donc les
#   mesures d'autant de réseaux différents, les premiers étant moins bons. Évaluation : un seul
#   réseau, dont rien ne change les poids (pas d'`optimizer`), mesuré sur toutes les images.
# - (1) Modes : `model.train()` garde le comportement d'apprentissage de certaines couches (dropout,
#   normalisation par lot), `model.eval()` celui d'utilisation ; les images d'apprentissage peuvent
#   aussi être augmentées. Et l'évaluation ne construit pas le graphe des gradients : ni mise à jour
#   possible, ni mémoire dépensée.
# - (1) À la première époque, la moyenne d'apprentissage compte les débuts, quand le réseau ne savait
#   presque rien ; la validation ne voit que le réseau de la fin de l'époque.
# ### END MARK SCHEME

# %% [markdown]
# Une moyenne d'époque parle des réseaux de **toute** l'époque, en moyenne de celui du milieu ; la
# validation, du réseau de la fin. À gauche, les points comme dans le tableau ; à droite, chaque
# moyenne d'apprentissage une demi-époque plus tôt, au moment dont elle parle. Sur MNIST, les deux
# courbes racontent alors à peu près la même descente. (La première moyenne reste haute : le coût tombe
# si vite que les tout premiers lots y pèsent lourd.)

# %%
pictures.half_epoch(lenet_history)

# %% [markdown] question="lenet-evaluation" kind="code"
# ### Évaluer sans rien changer
#
# Écrivez la fonction qui mesure l'exactitude d'un réseau : la part d'images bien classées, entre 0
# et 1. `batches` donne des couples `images`, `labels` ; le dernier lot peut être plus petit que les
# autres. Pensez à tout ce que vous venez de lire.

# %% [markdown] hint="lenet-evaluation"
# Deux comptes suffisent : les images bien classées et les images vues. La division vient à la fin,
# une seule fois.

# %% [markdown] hint="lenet-evaluation"
# La classe prédite est la position de la plus grande des dix sorties : `argmax(1)`. Et que fait
# `epoch`, avant sa boucle et autour d'elle, quand elle n'a pas d'`optimizer` ?


# %% answer="lenet-evaluation"
def accuracy_of(model, batches):
    ### BEGIN SOLUTION
    model.eval()
    correct, count = 0, 0
    with torch.no_grad():
        for images, labels in batches:
            correct += (model(images).argmax(1) == labels).sum().item()
            count += len(labels)
    return correct / count
    ### END SOLUTION


# %% test="lenet-evaluation-test" points=3
check.evaluation(accuracy_of)
### BEGIN HIDDEN TESTS
grade(check.evaluation(accuracy_of, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# `model.eval()` et `torch.no_grad()` ne figent pas les poids : le premier change le comportement de
# quelques couches (dropout, normalisation par lot), le second évite de retenir de quoi dériver. Les
# poids restent les mêmes parce que personne ne les corrige. Votre fonction retrouve-t-elle, à une ou
# deux images près, la dernière exactitude de validation du tableau ? (Là où c'est plus rapide,
# `autocast` a calculé celle du tableau avec des nombres plus courts : une image à la limite entre deux
# classes peut changer de camp.)


# %%
def accuracy(model, batches):
    return training.evaluate(batches, model).accuracy


accuracy_of = check.evaluation.use(accuracy_of, accuracy)
print("accuracy_of :", percent(accuracy_of(lenet, validation)))
print("le tableau  :", percent(lenet_history[-1].validation_accuracy))

# %% [markdown]
# ## 4. Contre un réseau dense de même taille
#
# Un réseau dense voit l'image comme une liste de 784 nombres, sans savoir quels pixels sont voisins.
# Pour une comparaison honnête, donnons-lui **autant de poids** qu'à LeNet-5.

# %% [markdown] question="dense-largeur" kind="calcul"
# ### Combien de neurones cachés ?
#
# Le réseau dense a 784 entrées, une couche cachée de $h$ neurones et 10 sorties, avec des biais.
# Quel entier $h$ donne à peu près les 61 706 poids de LeNet-5 ?

# %% [markdown] hint="dense-largeur"
# Écrivez le nombre de poids en fonction de $h$ : d'abord ceux de la couche cachée, puis ceux de la
# sortie.

# %% [markdown] hint="dense-largeur"
# Chaque neurone caché coûte 784 poids et un biais en entrée, et 10 poids vers la sortie.

# %% answer="dense-largeur"
hidden_neurons = round((61_706 - 10) / (784 + 1 + 10))  # SOLUTION

# %% test="dense-largeur-test" points=1
check.hidden_width(hidden_neurons)
### BEGIN HIDDEN TESTS
grade(check.hidden_width(hidden_neurons), points=1)
### END HIDDEN TESTS

# %% [markdown] question="dense-predire" kind="reponse"
# ### Prédire : à poids égaux
#
# Avant de l'entraîner : lequel des deux réseaux se trompera le moins sur le test, et combien de fois
# moins ? Lequel aura les époques les plus rapides, et combien de fois ? Une ligne.

# %% [markdown] answer="dense-predire-texte" points=0.5
# ### BEGIN MARK SCHEME
# - (0,5) Une prédiction sur l'erreur et une sur le temps sont écrites, justes ou non.
# ### END MARK SCHEME

# %%
dense, dense_history = train_network(lambda: Dense(hidden_for(61_706)))
plots.curves({"LeNet-5": lenet_history, "dense": dense_history}, "À nombre de poids égal")


# %%
def row(name, model, history):
    error = 1 - accuracy_of(model, test)
    seconds = f"{decimal(statistics.median(history.seconds), '.1f')} s"
    return [name, thousands(count_weights(model)), percent(error), seconds]


Table(
    ["réseau", "poids", "erreur de test", "temps par époque"],
    [row("LeNet-5", lenet, lenet_history), row("dense", dense, dense_history)],
)

# %% [markdown] question="dense-comparaison" kind="experience"
# ### Convolution ou couche dense
#
# Comparez les deux réseaux, et revenez à votre prédiction : erreur, temps d'une époque, allure des
# courbes. À nombre de poids égal, d'où vient l'avantage de LeNet-5 ? Et pourquoi est-il plus lent ?

# %% [markdown] answer="dense-comparaison" points=3
# ### BEGIN MARK SCHEME
# - (1) LeNet-5 se trompe nettement moins, sur le test comme sur la validation ; l'écart entre
#   apprentissage et validation est plus grand pour le réseau dense.
# - (1) Ses filtres sont petits et partagés : il n'a pas à réapprendre un trait à chaque endroit de
#   l'image, et la structure (voisinage des pixels) est donnée plutôt qu'apprise.
# - (1) Le partage fait que chaque poids sert à de nombreuses positions : pour autant de poids, il y
#   a beaucoup plus de multiplications (environ 420 000 contre 62 000 par image).
# ### END MARK SCHEME

# %% [markdown]
# ### Et si le chiffre est décalé ?
#
# Les chiffres de MNIST sont centrés. Déplaçons ceux du test de quelques pixels, sans rien
# réapprendre.

# %% [markdown] question="decalage" kind="code"
# ### Décaler des images
#
# Écrivez la fonction qui déplace toutes les images de `right` pixels vers la droite et `down` vers
# le bas (vers la gauche ou le haut si le nombre est négatif). Des zéros entrent par le bord opposé,
# et la taille ne change pas. Un décalage ne dépasse jamais 4 pixels.

# %% [markdown] hint="decalage"
# Entourez l'image d'une marge de zéros avec `pad(images, [4, 4, 4, 4])`, puis découpez-y une fenêtre
# de la taille de départ.

# %% [markdown] hint="decalage"
# Sans décalage, la fenêtre commence à la ligne 4 et à la colonne 4 de l'image agrandie. Pour que
# l'image aille vers la droite, la fenêtre doit-elle commencer plus à gauche ou plus à droite ?


# %% answer="decalage"
def shift_images(images, right, down):
    height, width = images.shape[2:]
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # top, left = ..., ...
    # return ...

    padded = pad(images, [4, 4, 4, 4])
    top, left = 4 - down, 4 - right
    return padded[:, :, top : top + height, left : left + width]
    ### END SOLUTION


# %% test="decalage-test" points=2
check.shift(shift_images)
### BEGIN HIDDEN TESTS
grade(check.shift(shift_images, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="decalage-predire" kind="reponse"
# ### Prédire : deux pixels
#
# Sur les images de test décalées de 2 pixels, quelle part chacun des deux réseaux classera-t-il encore
# bien ? Une ligne.

# %% [markdown] answer="decalage-predire-texte" points=0.5
# ### BEGIN MARK SCHEME
# - (0,5) Une part pour chaque réseau est écrite, juste ou non.
# ### END MARK SCHEME


# %%
shift_images = check.shift.use(shift_images, augment.shift)


def shifted_accuracy(model, pixels):  # moyenne sur les quatre directions
    found = []
    for right, down in [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]:
        moved = replace(test_set, images=shift_images(test_set.images, right, down))
        found.append(accuracy_of(model, Batches(moved, 500, normalise=normalise)))
    return statistics.mean(found)


# %%
pixels = [0, 1, 2, 3, 4]
by_shift = {
    name: [shifted_accuracy(model, pixel) for pixel in pixels]
    for name, model in {"LeNet-5": lenet, "dense": dense}.items()
}
pictures.accuracy_against(
    pixels, by_shift, "décalage (pixels), moyenne des 4 directions", "Images de test décalées"
)

# %% [markdown] question="decalage-robustesse" kind="experience"
# ### Résister à un décalage
#
# Lequel des deux réseaux résiste le mieux, et jusqu'à combien de pixels ? L'aviez-vous prévu ? Une
# convolution suit l'image quand elle se déplace : pourquoi LeNet-5 finit-il quand même par se tromper ? Que
# changeriez-vous à l'apprentissage pour qu'il résiste mieux ?

# %% [markdown] answer="decalage-robustesse" points=2
# ### BEGIN MARK SCHEME
# - (1) Le réseau dense chute dès 2 pixels, LeNet-5 tient plus longtemps puis baisse aussi. Ses
#   convolutions suivent l'image (bords mis à part) et ses max-poolings absorbent une partie des petits
#   décalages, mais les couches denses de la fin regardent les cartes à des positions fixes : elles
#   n'ont vu que des chiffres centrés.
# - (1) Décaler au hasard les images pendant l'apprentissage (augmentation, notebook 05).
# ### END MARK SCHEME

# %% [markdown]
# ## 5. Ce que le réseau a appris
#
# Les six filtres de la première couche sont de petites images de 5×5 : on peut les regarder, ainsi
# que ce qu'ils donnent d'un chiffre.

# %%
first_image = normalise(test_set.images[:1])[0]
first_layer = next(layer for layer in lenet.modules() if isinstance(layer, nn.Conv2d))
pictures.filters_and_maps(first_layer, first_image)

# %% [markdown] question="lenet-filtres" kind="experience"
# ### Lire des filtres
#
# Choisissez deux filtres. À quoi réagit chacun (un bord, une direction, une tache) ? Vérifiez-le sur
# sa carte d'activation.

# %% [markdown] answer="lenet-filtres" points=1
# ### BEGIN MARK SCHEME
# - (1) Deux filtres décrits par leur zone positive et leur zone négative (un bord clair d'un côté,
#   une barre oblique…), et reliés aux endroits de la carte où la réponse est forte. Les filtres
#   changent d'une graine à l'autre : on note la cohérence avec les images affichées.
# ### END MARK SCHEME

# %% [markdown]
# ## 6. Ses erreurs

# %% [markdown] question="taux-erreur" kind="code"
# ### Le taux d'erreur
#
# Écrivez la fonction qui donne la part des images mal classées, entre 0 et 1, à partir des
# étiquettes et des classes prédites (deux tenseurs d'entiers).

# %% [markdown] hint="taux-erreur"
# `labels != predictions` vaut vrai là où le réseau se trompe.

# %% [markdown] hint="taux-erreur"
# La moyenne d'un tenseur de vrai et de faux serait la part des vrais, mais PyTorch ne calcule la
# moyenne que de nombres à virgule : convertissez-le d'abord.


# %% answer="taux-erreur"
def error_rate(labels, predictions):
    return (labels != predictions).float().mean().item()  # SOLUTION


# %% test="taux-erreur-test" points=1
check.confusion_rate(error_rate)
### BEGIN HIDDEN TESTS
grade(check.confusion_rate(error_rate, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Un taux ne dit pas *quelles* erreurs. La matrice de confusion, si : une ligne par vraie classe, une
# colonne par classe prédite. La couleur ne montre que les erreurs.

# %%
error_rate = check.confusion_rate.use(error_rate, mistakes.error_rate)
logits, labels = training.predict(test, lenet)
predictions = logits.argmax(1)
print("taux d'erreur sur le test :", percent(error_rate(labels, predictions)))
plots.confusion(labels, predictions, test_set.classes, "LeNet-5 sur les images de test")

# %% [markdown] question="paire-confondue" kind="code"
# ### La confusion la plus fréquente
#
# Écrivez la fonction qui renvoie le couple `(vraie, prédite)` des deux classes le plus souvent
# confondues : une image de classe `vraie` prise pour une `prédite`.

# %% [markdown] hint="paire-confondue"
# Ne gardez que les erreurs, puis comptez chaque couple. `collections.Counter` compte les éléments
# d'une liste.

# %% [markdown] hint="paire-confondue"
# `zip(labels.tolist(), predictions.tolist())` donne les couples. Un `Counter` a une méthode
# `most_common` : affichez ce qu'elle renvoie avant d'y chercher le couple.


# %% answer="paire-confondue"
def most_confused(labels, predictions):
    ### BEGIN SOLUTION
    from collections import Counter

    pairs = zip(labels.tolist(), predictions.tolist())
    return Counter(pair for pair in pairs if pair[0] != pair[1]).most_common(1)[0][0]
    ### END SOLUTION


# %% test="paire-confondue-test" points=2
check.most_confused(most_confused)
### BEGIN HIDDEN TESTS
grade(check.most_confused(most_confused, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Voici les images de cette confusion-là (ou de l'une d'elles, s'il y a égalité).

# %%
most_confused = check.most_confused.use(most_confused, mistakes.most_confused)
true, said = most_confused(labels, predictions)
pair = (labels == true) & (predictions == said)
plots.image_grid(test_set.images[pair][:20], title=f"Des {true} pris pour des {said}")

# %%
plots.worst_mistakes(test_set.images, labels, logits, test_set.classes)

# %% [markdown] question="pires-erreurs" kind="experience"
# ### Regarder les pires erreurs
#
# Voici les images dont la vraie classe reçoit la plus petite probabilité. Auriez-vous toujours su ?
# Classez-les en deux ou trois familles, et dites laquelle un meilleur réseau pourrait corriger. La
# confiance affichée vous paraît-elle honnête ?

# %% [markdown] answer="pires-erreurs" points=2
# ### BEGIN MARK SCHEME
# - (1) Des familles plausibles, tirées des images affichées : chiffres ambigus ou mal étiquetés, que
#   personne ne lirait ; chiffres lisibles mais d'une forme rare (4 fermé, 7 barré, 2 bouclé), qu'un
#   réseau mieux entraîné ou des images augmentées corrigeraient ; traits coupés ou très épais.
# - (1) Non : le réseau annonce souvent plus de 90 % en se trompant. L'entropie croisée le pousse à
#   des sorties extrêmes ; une probabilité affichée n'est pas une garantie.
# ### END MARK SCHEME

# %% [markdown]
# ## 7. De 1989 à 1998, et aujourd'hui
#
# | modèle | poids | erreur sur MNIST |
# |---|---|---|
# | LeNet (LeNet-1) | 2 600 | 1,70 % |
# | LeNet-4 | 17 000 | 1,10 % |
# | LeNet-5 | 60 000 | 0,95 % |
#
# > **À corriger.** Le support 004 date la première ligne de 1989. Le réseau de 1989 lisait les codes
# > postaux d'enveloppes : MNIST n'existait pas encore. Les trois erreurs sont celles de l'article de
# > 1998 ; la première y est celle de LeNet-1, un descendant du réseau de 1989.

# %% [markdown] question="tableau-1998" kind="calcul"
# ### Des pour cent aux images
#
# Sur les 10 000 images de test, combien d'images LeNet-5 classe-t-il mal à 0,95 % d'erreur ? Et
# combien de moins que LeNet-4 ?

# %% [markdown] hint="tableau-1998"
# Un pour cent de 10 000 images, c'est 100 images.

# %% [markdown] hint="tableau-1998"
# Pour la deuxième réponse, comptez les erreurs des deux réseaux en images, puis faites la
# différence.

# %% answer="tableau-1998"
lenet5_mistakes = round(10_000 * 0.95 / 100)  # SOLUTION
fewer_than_lenet4 = round(10_000 * 1.10 / 100) - lenet5_mistakes  # SOLUTION

# %% test="tableau-1998-test" points=1
check.errors_on_test(lenet5_mistakes)
### BEGIN HIDDEN TESTS
grade(check.errors_on_test(lenet5_mistakes), points=1)
### END HIDDEN TESTS

# %% test="tableau-1998-ecart-test" points=1
check.lenet_gap(fewer_than_lenet4)
### BEGIN HIDDEN TESTS
grade(check.lenet_gap(fewer_than_lenet4), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Refaisons le tableau avec des réseaux de mêmes tailles, entraînés ici. Ils ont à peu près autant
# de poids que ceux de l'époque, mais pas exactement leur architecture : ReLU, max-pooling, toutes
# les cartes reliées.


# %%
def small_lenet(first, second, *hidden):
    sizes = [second * 4 * 4, *hidden, 10]
    denses = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    between = [layer for dense_layer in denses for layer in (nn.ReLU(), dense_layer)]
    convolutions = [nn.Conv2d(1, first, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(first, second, 5)]
    return nn.Sequential(*convolutions, nn.MaxPool2d(2), nn.Flatten(), *between)


SIZES = {
    "taille de LeNet-1": lambda: small_lenet(4, 10),
    "taille de LeNet-4": lambda: small_lenet(4, 16, 56),
    "LeNet-5": build_lenet5,
    "dense": lambda: Dense(hidden_for(61_706)),
}


# %%
def measured_row(name, make_model):
    models = [train_network(make_model, seed)[0] for seed in range(P.seeds)]
    errors = [1 - accuracy_of(model, test) for model in models]
    spread = f"{percent(min(errors))} à {percent(max(errors))}" if P.seeds > 1 else "une graine"
    weights = thousands(count_weights(models[0]))
    return [name, weights, percent(statistics.mean(errors)), spread]


Table(
    ["réseau", "poids", f"erreur de test après {epochs} époques", "dispersion"],
    [measured_row(name, make_model) for name, make_model in SIZES.items()],
)

# %% [markdown]
# Avec le temps d'apprendre, le même LeNet-5 descend bien plus bas : la table
# [`benchmarks/results/accuracy.md`](../benchmarks/results/accuracy.md) du projet donne l'erreur
# moyenne sur trois graines, avec la tangente hyperbolique puis avec ReLU, en vingt époques et en
# décalant au hasard les images d'apprentissage.

# %% [markdown] question="tableau-mesure" kind="experience"
# ### Comparer à trente ans de distance
#
# Comparez vos lignes à celles de la table historique. L'ordre des réseaux est-il le même ? De LeNet-1
# à LeNet-5, il y a 23 fois plus de poids : par combien l'erreur est-elle divisée, en 1998 puis chez
# vous ? Un écart de 0,1 point entre deux réseaux vous
# paraît-il sûr, avec une seule graine et 10 000 images de test ?

# %% [markdown] answer="tableau-mesure" points=2
# ### BEGIN MARK SCHEME
# - (1) Même ordre, des réseaux convolutifs les plus petits aux plus grands ; avec 23 fois plus de
#   poids, l'erreur est divisée par deux environ (1,8 en 1998) : le rendement des poids décroît. Le
#   réseau dense fait moins bien que des réseaux convolutifs beaucoup plus petits.
# - (1) Non : 0,1 point fait 10 images sur 10 000. Autour de 1 % d'erreur (100 images), le seul hasard
#   du jeu de test donne un écart type de 10 images environ, et changer de graine déplace l'erreur
#   d'autant. Il faut plusieurs graines, et un écart plus grand que leur dispersion.
# ### END MARK SCHEME

# %% [markdown]
# ## 8. Plus difficile : Fashion-MNIST
#
# Même format, mais dix sortes de vêtements. Une copie complète compte 60 000 images ; un petit
# échantillon suffit pour voir le phénomène, pas pour citer un résultat. Hors ligne et sans copie, la
# cellule prend `digits` à la place.

# %%
fashion_train, fashion_test = load_for_class("fashion-mnist", otherwise="digits")
few = torch.stack([(fashion_test.labels == n).nonzero()[0, 0] for n in range(10)])
plots.image_grid(fashion_test.images[few], fashion_test.classes, title="Une image de chaque classe")


# %%
def accuracy_with_600(images, tests):
    part = keep(images, 600, seed=0)
    few = Batches(part, 32, shuffle=True, normalise=Normalise(channel_statistics(part.images)))
    runtime.seed_everything(0)
    model = build_lenet5().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    training.fit(model, few, epochs=20, optimizer=optimizer, progress=False)
    tests = Batches(tests.subset(slice(300)), 300, normalise=few.normalise)
    return percent(accuracy_of(model, tests), 1)


# %%
Table(
    ["600 images d'apprentissage", "exactitude sur 300 images de test"],
    [
        [train_set.name, accuracy_with_600(train_set, test_set)],
        [fashion_train.name, accuracy_with_600(fashion_train, fashion_test)],
    ],
)

# %% [markdown] question="fashion" kind="experience"
# ### Chiffres et vêtements
#
# Le même réseau apprend avec 600 images de chaque jeu. Lequel est le plus difficile, et pourquoi ?
# Quelles classes de vêtements vous attendez-vous à voir confondues ?

# %% [markdown] answer="fashion" points=2
# ### BEGIN MARK SCHEME
# - (1) Fashion-MNIST est plus difficile : les formes d'une même classe varient davantage, et des
#   classes voisines se ressemblent.
# - (1) Chemise, tee-shirt, pull et manteau entre eux ; sandale, basket et bottine entre elles. (Avec
#   `digits` à la place, la question se traite sur les chiffres : 3, 5 et 8, 4 et 9.)
# ### END MARK SCHEME

# %% [markdown]
# ## À retenir
#
# Fermez vos réponses, et vérifiez que vous savez :
#
# - dessiner LeNet-5, et dire dans quelle couche sont la plupart de ses poids ;
# - dire ce que mesurent la moyenne d'une époque d'apprentissage et celle d'une évaluation, et ce que
#   font, et ne font pas, `eval()` et `no_grad()` (question 14) ;
# - justifier trois jeux d'images, et l'usage de chacun ;
# - expliquer ce que vaut, à nombre de poids égal, de partager de petits filtres, et ce que cela coûte ;
# - lire un taux d'erreur avec sa dispersion : combien d'images font 0,1 point ?
#
# ## Pour aller plus loin
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998.
# - H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a novel image dataset for benchmarking machine
#   learning algorithms*, 2017.
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger, *On calibration of modern neural networks*, ICML 2017 :
#   pourquoi la confiance affichée est trop grande.

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
# - Plusieurs notebooks ensemble : `report.from_notebook("03_lenet_mnist", "01_convolution", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("03_lenet_mnist", authors=[], follow_up=False)
