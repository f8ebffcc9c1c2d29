# %% [markdown]
# # 01. Convolution, pooling et champs récepteurs
#
# Une image en couleurs de 224 × 224 pixels, ce sont 150 528 nombres. Relier chacun d'eux à chaque
# neurone d'une couche coûterait des millions de poids, et il faudrait tout réapprendre pour le même
# chat décalé de trois pixels. La convolution évite ces deux écueils. Ici, vous la calculez à la
# main, vous la programmez, puis vous mesurez ce qu'elle apporte et ce qu'elle coûte.
#
# **À la fin, vous saurez**
#
# - calculer une convolution et un pooling, et dire ce que PyTorch calcule exactement ;
# - prévoir la taille de sortie et le nombre de poids d'une couche ;
# - expliquer ce que la convolution et le pooling apportent, et ce qu'ils perdent ;
# - faire tourner un réseau sur une image plus grande que prévu ;
# - calculer le champ récepteur d'un neurone, et le mesurer.
#
# **Durée :** 4 h 30 (2 h pour les seules questions numérotées, qui se suivent sans les autres)
#
# **Barème :** 64,5 points
#
# **Prérequis :** NumPy ; savoir ce qu'est une couche complètement connectée (*fully-connected*),
# que l'on appelle aussi couche dense.

# %% [markdown]
# **Mode d'emploi.** Remplacez les `...` par vos réponses, puis exécutez la cellule qui suit : elle
# répond « À faire », « Juste » ou « Pas encore », avec une piste. Dès qu'elle dit « Juste », c'est
# **votre** code que la suite du notebook exécute ; une ligne « Suite » dit lequel a servi. Les
# indices se déplient en cas de blocage. Avant une expérience qui peut surprendre, on vous demande
# une **prédiction** d'une ligne : elle compte dès qu'elle est écrite, juste ou non.
#
# Les questions numérotées sont celles de la feuille de TP ; une étoile ★ signale celles du compte
# rendu du soir. Les encadrés « À corriger » relèvent des erreurs de trois supports de cours que vous
# risquez de croiser : 001 (*Réseaux convolutifs*), 003 (*Réseaux de neurones*) et 004 (*Réseau de
# neurones convolutionnel*).

# %% parameters=true grading="training_steps=5 vgg_width=2"
from tp_cnn import runtime

P = runtime.parameters(
    quick={"seed": 0, "vgg_width": 8, "training_steps": 400},
    full={"vgg_width": 16, "training_steps": 1500},
)
P

# %%
from itertools import pairwise
from time import perf_counter
from timeit import repeat

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from torch import nn
from torch.nn import functional as F

from tp_cnn.models import geometry
from tp_cnn.display import announce, decimal, percent, thousands
from tp_cnn.checks import convolution as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.scratch import convolution, pooling, sizes

# %%
from tp_cnn.plots.convolution import images as on_images, layers as on_layers
from tp_cnn.plots.convolution.steps import (
    convolution_slider,
    feature_maps,
    matrices,
    padding_and_stride,
)
from tp_cnn.plots.style import COLOURS, MARKERS, clean, figure
from tp_cnn.plots.volumes import volumes

# %%
runtime.seed_everything(P.seed)
rng = np.random.default_rng(P.seed)
data = "une photo et 1 797 chiffres (« digits »), fournis avec scikit-learn"
announce(device=runtime.describe_device(torch.device("cpu")), data=data)

# %% [markdown]
# ## 1. Un filtre qui glisse sur un signal
#
# Un filtre $w$ de taille $k$ glisse sur un signal $x$ de taille $n$. À chaque position $t$, on
# multiplie les valeurs face à face et on additionne :
#
# $$y_t = \sum_{a=0}^{k-1} x_{t+a}\, w_a.$$
#
# Le filtre reste tout entier dans le signal, si bien que la sortie est plus courte que l'entrée.
# Les mêmes poids servent à toutes les positions, et chaque sortie ne regarde que $k$ valeurs :
# toute la suite découle de ces deux idées. Si un curseur s'affiche, déplacez-le ; sinon, lisez les
# étapes de gauche à droite.

# %%
convolution_slider(np.array([[2, 1, 0, 1, 3]]), np.array([[1, -1]]))

# %% [markdown] question="conv-1d-main" kind="calcul"
# ### Un signal, un filtre, un crayon
#
# Le signal est $1\;0\;2\;4\;3$ et le filtre $3\;2$. Calculez à la main la sortie `correlated` ; sa
# première valeur est 3.
#
# Résumez-la ensuite par un **max-pooling** : une fenêtre de 2 cases, qui avance d'une case à la
# fois, et dont on ne garde que la plus grande valeur. C'est `pooled`. Donnez deux listes.

# %% [markdown] hint="conv-1d-main"
# Première position : $1\times 3 + 0\times 2 = 3$. Décalez le filtre d'une case et recommencez.

# %% [markdown] hint="conv-1d-main"
# Le filtre a 4 places possibles dans le signal. La deuxième donne $0\times 3 + 2\times 2$. La
# fenêtre du pooling a ensuite 3 places possibles dans ces 4 valeurs.

# %% answer="conv-1d-main-correlation"
correlated = [3, 4, 14, 18]  # SOLUTION

# %% test="conv-1d-main-correlation-test" points=1
check.correlation_by_hand(correlated)
### BEGIN HIDDEN TESTS
grade(check.correlation_by_hand(correlated, seed=1), points=1)
### END HIDDEN TESTS

# %% answer="conv-1d-main-pooling"
pooled = [4, 14, 18]  # SOLUTION

# %% test="conv-1d-main-pooling-test" points=1
check.max_pooling_by_hand(pooled)
### BEGIN HIDDEN TESTS
grade(check.max_pooling_by_hand(pooled, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="conv-1d" kind="code"
# ### La même chose en Python
#
# Écrivez `correlate_1d`, avec une boucle sur les positions. La vérification compare votre fonction
# à `torch.nn.functional`, sur ce signal puis sur d'autres.

# %% [markdown] hint="conv-1d"
# `signal[t : t + k]` est le morceau de signal que le filtre recouvre à la position `t`.

# %% [markdown] hint="conv-1d"
# La somme des produits s'écrit `np.sum(signal[t : t + k] * kernel)`. La dernière position possible
# est $n - k$ : combien de positions cela fait-il, en comptant la position 0 ?


# %% answer="conv-1d"
def correlate_1d(signal, kernel):
    n, k = len(signal), len(kernel)
    out = []
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # for t in ...:  # toutes les positions du filtre
    #     out.append(...)
    for t in range(n - k + 1):
        out.append(np.sum(signal[t : t + k] * kernel))
    ### END SOLUTION
    return np.array(out)


# %% test="conv-1d-test" points=2
check.correlation_1d(correlate_1d)
### BEGIN HIDDEN TESTS
grade(check.correlation_1d(correlate_1d, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# À quoi cela sert-il ? À **détecter un motif**. La sortie est grande là où le signal ressemble au
# filtre. Ci-dessous, un motif est caché deux fois dans du bruit : la corrélation le retrouve. (La
# somme du motif est nulle : sans cela, un simple plateau très haut ferait aussi réagir le filtre.
# C'est une des raisons de centrer les données.)

# %%
correlate_1d = check.correlation_1d.use(correlate_1d, convolution.correlate1d)
motif = np.array([-2.0, -1, 0, 3, 3, 0, -1, -2])
noisy = 0.8 * rng.normal(size=100)
noisy[20:28] += motif
noisy[65:73] += motif

drawn, (above, below) = figure(2, 1, width=7, height=3.6, sharex=True)
above.plot(noisy)
above.set_title("signal bruité, le motif en 20 et en 65", fontsize=9)
below.plot(correlate_1d(noisy, motif), color=COLOURS[1])
below.set_title("corrélation avec le motif", fontsize=9)
above.set(ylabel="valeur")
below.set(xlabel="position $t$", ylabel="accord")
drawn

# %% [markdown]
# ## 2. Convolution ou corrélation ?
#
# L'opération ci-dessus est en réalité une **corrélation croisée**. La convolution des
# mathématiciens lit le filtre à l'envers, et elle compte aussi les positions où il dépasse du
# signal (nul en dehors de ses $n$ valeurs) :
#
# $$z_t = \sum_{a=0}^{k-1} x_{t-a}\, w_a, \qquad t = 0, \dots, n+k-2.$$
#
# L'apprentissage profond dit « convolution » pour les deux, par habitude : `conv1d` et `conv2d` de
# PyTorch sont des corrélations, **sans miroir**.

# %% [markdown] question="conv-miroir" kind="code"
# ### Le miroir
#
# Écrivez `convolve_1d`, la convolution des mathématiciens, qui renvoie $n + k - 1$ valeurs. Vous
# pouvez appeler votre `correlate_1d`.

# %% [markdown] hint="conv-miroir"
# Deux choses la distinguent de la corrélation : le filtre est lu à l'envers, et il peut dépasser du
# signal. `kernel[::-1]` règle la première.

# %% [markdown] hint="conv-miroir"
# Au plus fort du dépassement, une seule case du filtre touche le signal : combien en dépassent ?
# `np.pad(signal, 2)`, par exemple, ajoute 2 zéros de chaque côté.


# %% answer="conv-miroir"
def convolve_1d(signal, kernel):
    k = len(kernel)
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # padded = ...  # le signal, avec des zéros des deux côtés
    # mirrored = ...  # le filtre, lu à l'envers
    padded = np.pad(signal, k - 1)
    mirrored = kernel[::-1]
    ### END SOLUTION
    return correlate_1d(padded, mirrored)


# %% test="conv-miroir-test" points=2
check.convolution_1d(convolve_1d)
### BEGIN HIDDEN TESTS
grade(check.convolution_1d(convolve_1d, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# > **À corriger.** Le document 003 écrit $z_i = \sum_{k=1}^{\mathrm{len}(y)} x_{i-k}\, y_k$. Si
# > l'on compte à partir de 1, $z_1$ ne reçoit aucune valeur et tout arrive un cran trop tard ; si
# > l'on compte à partir de 0, $y_0$ ne sert jamais. Quant au miroir, l'image de son exemple est
# > dite « après miroir » : le filtre y glisse tel quel, comme dans PyTorch.

# %%
convolve_1d = check.convolution_1d.use(convolve_1d, convolution.convolve1d)
x, y = np.array([1, 2, 3]), np.array([1, 10])
literal = np.zeros(4, dtype=int)
for i in (1, 2, 3, 4):  # le document compte à partir de 1
    for k in (1, 2):
        if 1 <= i - k <= 3:
            literal[i - 1] += x[i - k - 1] * y[k - 1]
print("formule du document 003 :", literal)
print("convolve_1d             :", np.array(convolve_1d(x, y), dtype=int))
print("np.convolve             :", np.convolve(x, y))

# %%
conv1d = F.conv1d(torch.tensor(x)[None], torch.tensor(y)[None, None])
print("conv1d de PyTorch       :", conv1d[0].numpy())
conv1d = F.conv1d(torch.tensor(x)[None], torch.tensor(y).flip(0)[None, None], padding=1)
print("conv1d, filtre retourné :", conv1d[0].numpy())

# %% [markdown]
# Le miroir a une vertu : il donne à la convolution les propriétés d'un produit. Vérifions-les sur
# des vecteurs tirés au hasard. Chaque nombre est le plus grand écart entre les deux membres de
# l'égalité.


# %%
def correlate(x, y):
    return convolve_1d(x, y[::-1])  # un miroir de trop annule l'autre


def gap(one, other):
    return f"{decimal(np.abs(one - other).max(), '.1e'):>8}"


x, y, u = rng.normal(size=(3, 6))
for name, f in {"convolution": convolve_1d, "corrélation": correlate}.items():
    print(name)
    print("  x⋆y = y⋆x              ", gap(f(x, y), f(y, x)))
    print("  x⋆(y⋆u) = (x⋆y)⋆u      ", gap(f(x, f(y, u)), f(f(x, y), u)))
    print("  x⋆(y + u) = x⋆y + x⋆u  ", gap(f(x, y + u), f(x, y) + f(x, u)))

# %% [markdown] question="conv-proprietes" kind="experience"
# ### Ce que le miroir apporte, et à qui
#
# D'après ces écarts, quelles propriétés la corrélation perd-elle ? Pourquoi un réseau de neurones
# peut-il s'en passer ?

# %% [markdown] answer="conv-proprietes-texte" points=2
# ### BEGIN MARK SCHEME
# - La convolution est commutative, associative et distributive (écarts de $10^{-15}$ au plus, ceux
#   des arrondis) ; la corrélation reste distributive mais n'est ni commutative ni associative : 1 point.
# - Les poids du filtre sont appris : un réseau à convolutions « miroir » apprendrait simplement les
#   filtres retournés, pour la même sortie. Et l'on n'échange jamais l'image et le filtre, qui n'ont
#   pas le même rôle : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## 3. En deux dimensions
#
# Le filtre devient un petit tableau, qui glisse sur l'image de gauche à droite puis de haut en
# bas :
#
# $$y_{i,j} = \sum_{a=0}^{k-1}\sum_{b=0}^{k-1} x_{i+a,\,j+b}\; w_{a,b}.$$

# %%
small = np.array([[1, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1], [1, 0, 1, 2]])
convolution_slider(small, np.array([[1, 0], [0, -1]]))

# %% [markdown] question="conv-2d-main" kind="calcul"
# ### Une couche complète à la main
#
# Voici une image 4 × 4 et un filtre 2 × 2, sans biais. Calculez la sortie `convolved`, puis
# appliquez-lui **ReLU**, qui remplace chaque valeur $z$ par $\max(0, z)$ : c'est `rectified`.
# Donnez chaque tableau comme une liste de lignes, telle que `[[1, 2], [3, 4]]`.

# %%
image = np.array([[2.0, -1, -1, 3], [-2, 1, 2, -1], [0, 0, 2, 3], [2, -1, -3, 2]])
kernel = np.array([[-1.0, 2], [0, 1]])
matrices({"image": image, "filtre": kernel})

# %% [markdown] hint="conv-2d-main"
# La première sortie est en haut à gauche : $2\times(-1) + (-1)\times 2 + (-2)\times 0 + 1\times 1$.

# %% [markdown] hint="conv-2d-main"
# Le filtre a 3 places en largeur et 3 en hauteur, donc la sortie est 3 × 3. Sa première ligne
# commence par $-3$ puis $1$. ReLU ne change ensuite que les valeurs négatives.

# %% answer="conv-2d-main-convolution"
convolved = [[-3, 1, 6], [4, 5, -1], [-1, 1, 6]]  # SOLUTION

# %% test="conv-2d-main-convolution-test" points=1
check.worked_example(convolved)
### BEGIN HIDDEN TESTS
grade(check.worked_example(convolved, seed=1), points=1)
### END HIDDEN TESTS

# %% answer="conv-2d-main-relu"
rectified = [[0, 1, 6], [4, 5, 0], [0, 1, 6]]  # SOLUTION

# %% test="conv-2d-main-relu-test" points=1
check.worked_example_relu(rectified)
### BEGIN HIDDEN TESTS
grade(check.worked_example_relu(rectified, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="conv-relu" kind="code"
# ### ReLU
#
# Écrivez `relu` pour un tableau de forme quelconque, sans modifier celui que l'on vous donne.

# %% [markdown] hint="conv-relu"
# Il faut comparer chaque valeur à 0 et garder la plus grande des deux.

# %% [markdown] hint="conv-relu"
# `np.maximum` compare deux tableaux case à case, ou un tableau et un nombre.


# %% answer="conv-relu"
def relu(values):
    return np.maximum(values, 0)  # SOLUTION


# %% test="conv-relu-test" points=1
check.relu(relu)
### BEGIN HIDDEN TESTS
grade(check.relu(relu, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# > **À corriger.** Le document 003 présente ReLU comme une fonction de $\mathbb{R}$ dans $[0, 1]$.
# > Elle va de $\mathbb{R}$ dans $[0, +\infty[$ : rien ne la borne en haut, et c'est ce qui laisse
# > passer le gradient quand les valeurs sont grandes.

# %%
relu = check.relu.use(relu, pooling.relu)
z = np.linspace(-3, 3, 61)
drawn, axis = figure(width=4.5, height=2.6)
axis.plot(z, relu(z), label="ReLU")
axis.plot(z, z.clip(0, 1), "--", label="une fonction à valeurs dans [0, 1]")
axis.set(title="Deux fonctions de $z$", xlabel="$z$", ylabel="sortie")
axis.legend(frameon=False, fontsize=8)
clean(axis)
drawn

# %% [markdown] question="conv-2d" kind="code"
# ### Première version : un canal
#
# Vous allez programmer la convolution en quatre versions, chacune avec une idée de plus. Voici la
# première : une image à un canal, un filtre carré. Chaque version est comparée à PyTorch.

# %% [markdown] hint="conv-2d"
# Le nombre de lignes de la sortie suit la même règle qu'en une dimension, et les colonnes aussi ;
# mais l'image n'est pas forcément carrée : `height, width = image.shape`.

# %% [markdown] hint="conv-2d"
# La sortie a `height - k + 1` lignes et `width - k + 1` colonnes. À la position `(i, j)`, le filtre
# recouvre `image[i : i + k, j : j + k]`.


# %% answer="conv-2d"
def correlate_2d(image, kernel):
    k = len(kernel)
    height, width = image.shape
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # rows, columns = ..., ...  # taille de la sortie
    # out = np.zeros((rows, columns))
    # for i in range(rows):
    #     for j in range(columns):
    #         out[i, j] = ...
    rows, columns = height - k + 1, width - k + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel)
    ### END SOLUTION
    return out


# %% test="conv-2d-test" points=2
check.correlation_2d(correlate_2d)
### BEGIN HIDDEN TESTS
grade(check.correlation_2d(correlate_2d, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Ce qu'un filtre détecte

# %% [markdown] question="conv-bords-verticaux" kind="calcul"
# ### Les bords verticaux
#
# Ce filtre soustrait la colonne de gauche à celle de droite. Que donne-t-il sur une zone unie ? Et
# là où l'image passe du noir (0) au blanc (1), de gauche à droite ?
#
# Calculez `edges`, sa sortie sur cette image binaire, à la main ou avec votre fonction. (Le
# document 003 dit cette image « après miroir » : le filtre glisse donc tel quel.)

# %%
binary = np.array(
    [[1.0, 0, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 1, 1], [1, 1, 1, 0, 0]]
)
vertical = np.array([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])
matrices({"image": binary, "filtre": vertical})

# %% [markdown] hint="conv-bords-verticaux"
# Pour chaque fenêtre 3 × 3, comptez les 1 de sa colonne de droite et retirez ceux de sa colonne de
# gauche.

# %% [markdown] hint="conv-bords-verticaux"
# Première fenêtre : un seul 1 à droite, deux à gauche, donc $-1$. La sortie est 3 × 3. Votre
# fonction donne le tout avec `correlate_2d(binary, vertical)`.

# %% answer="conv-bords-verticaux"
edges = [[-1, -1, 1], [-2, 0, 2], [-1, 0, 1]]  # SOLUTION

# %% test="conv-bords-verticaux-test" points=1
check.vertical_edges(edges)
### BEGIN HIDDEN TESTS
grade(check.vertical_edges(edges, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Avant l'apprentissage profond, on choisissait les filtres à la main. En voici cinq, très
# classiques, sur une photo. Lisez les nombres : leur somme vaut 1 quand le filtre garde la
# luminosité, et 0 quand il ne réagit qu'aux changements (l'image montre alors la valeur absolue de
# la sortie).

# %%
correlate_2d = check.correlation_2d.use(correlate_2d, convolution.conv2d_one_channel)
picture = on_images.sample_picture(96)
asked = ("flou uniforme", "contours : 8 voisins")
known = {name: k for name, k in convolution.IMAGE_KERNELS.items() if name not in asked}
on_images.filtered_images(picture, known, correlate_2d)

# %% [markdown] question="conv-filtres-image" kind="calcul"
# ### Deux filtres à inventer
#
# 1. `blur` : un filtre 3 × 3 qui remplace chaque pixel par la moyenne de son voisinage, lui-même
#    compris.
# 2. `contours` : un filtre 3 × 3 dont le centre est entouré de huit $-1$, et qui donne 0 sur toute
#    zone unie.

# %% [markdown] hint="conv-filtres-image"
# Une moyenne donne le même poids à chaque valeur. Sur une zone unie de valeur $c$, la sortie d'un
# filtre vaut $c$ fois la somme de ses poids.

# %% [markdown] hint="conv-filtres-image"
# Pour le flou, 9 poids égaux dont la somme vaut 1 ; `np.full((3, 3), c)` remplit un tableau de $c$.
# Pour les contours, une somme nulle : le centre compense exactement les huit $-1$.

# %% answer="conv-filtres-image-flou"
blur = np.full((3, 3), 1 / 9)  # SOLUTION

# %% test="conv-filtres-image-flou-test" points=1
check.box_blur(blur)
### BEGIN HIDDEN TESTS
grade(check.box_blur(blur, seed=1), points=1)
### END HIDDEN TESTS

# %% answer="conv-filtres-image-contours"
contours = [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]  # SOLUTION

# %% test="conv-filtres-image-contours-test" points=1
check.edge_kernel(contours)
### BEGIN HIDDEN TESTS
grade(check.edge_kernel(contours, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Vos deux filtres à l'œuvre, par votre corrélation (ceux qui manquent encore ne sont pas montrés) :

# %%
written = {"votre flou": blur, "vos contours": contours}
yours = {name: np.array(kernel) for name, kernel in written.items() if np.shape(kernel) == (3, 3)}
on_images.filtered_images(
    picture, {"identité": convolution.IMAGE_KERNELS["identité"], **yours}, correlate_2d
)

# %% [markdown]
# ### Reconnaître un X
#
# Une croix et un rond sont dessinés sur 9 × 9 cases : 1 pour l'encre, $-1$ pour le fond. Un filtre
# est ici un **fragment** de dessin, et l'on prend la **moyenne** des produits : 1 si toutes les
# cases s'accordent, $-1$ si aucune ne s'accorde. La carte obtenue (*feature map*) dit où le
# fragment se trouve. L'exemple est de Brandon Rohrer.

# %%
corner = convolution.X[:3, :3]
diagonal = convolution.FRAGMENTS["diagonale ↘"]
matrices({"le X": convolution.X, "son coin": corner, "le fragment": diagonal})

# %% [markdown] question="conv-detecteur" kind="code"
# ### Un détecteur de fragments
#
# 1. Calculez à la main l'accord `agreement` entre le fragment et le coin en haut à gauche du X.
# 2. Écrivez `feature_map`, qui calcule cet accord à toutes les positions.

# %% [markdown] hint="conv-detecteur"
# Le produit de deux cases vaut 1 si elles sont égales, $-1$ sinon. Combien de cases diffèrent ?

# %% [markdown] hint="conv-detecteur"
# Une seule case diffère sur neuf : la somme des produits vaut $8 - 1$. Pour toute la carte,
# `correlate_2d` donne déjà cette somme à chaque position ; que manque-t-il pour une moyenne ?

# %% answer="conv-detecteur-accord"
agreement = 7 / 9  # SOLUTION

# %% test="conv-detecteur-accord-test" points=1
check.fragment_value(agreement)
### BEGIN HIDDEN TESTS
grade(check.fragment_value(agreement, seed=1), points=1)
### END HIDDEN TESTS


# %% answer="conv-detecteur-carte"
def feature_map(image, fragment):
    return correlate_2d(image, fragment) / fragment.size  # SOLUTION


# %% test="conv-detecteur-carte-test" points=2
check.feature_map(feature_map)
### BEGIN HIDDEN TESTS
grade(check.feature_map(feature_map, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Voici les cartes du X et du O pour trois fragments, coupées après deux décimales. Regardez les
# maxima : la « croix » se trouve parfaitement dans le X, jamais dans le O, qui n'a que des bouts de
# diagonale.

# %%
feature_map = check.feature_map.use(feature_map, convolution.fragment_map)
feature_maps({"X": convolution.X, "O": convolution.O}, feature_map)

# %% [markdown]
# Une couche enchaîne ensuite ReLU, qui ne garde que les accords, et un max-pooling, qui ne garde
# que le meilleur de chaque région. Ici le pooling est 2 × 2 et sa fenêtre avance de 2 ; la carte a
# 7 lignes, donc les dernières fenêtres sont incomplètes, et gardées (`ceil_mode=True`).

# %%
found = feature_map(convolution.X, diagonal)
kept = pooling.max_pool2d(relu(found), 2, ceil_mode=True)
matrices(
    {"carte": convolution.truncate(found), "ReLU puis max-pooling": convolution.truncate(kept)}
)

# %% [markdown]
# Dans un réseau, personne ne choisit plus ces fragments : leurs valeurs sont des **poids**, et la
# descente de gradient les trouve.
#
# ## 5. Padding, stride et taille de sortie
#
# - Le **padding** $p$ ajoute $p$ rangées de zéros de chaque côté de l'entrée.
# - Le **stride** $s$ est le pas : le nombre de cases entre deux positions de la fenêtre.
#
# Sur la figure, les deux fenêtres sont les deux premières de leur ligne, et les cases grises sont
# les zéros ajoutés.

# %%
padding_and_stride(5, 3, ((0, 1), (1, 1), (0, 2), (1, 2)))

# %% [markdown]
# > **À corriger.** Le document 001 appelle *padding* le pas entre deux positions : c'est le
# > *stride*. Avec un filtre 5 × 5, il passe de 32 × 32 à 28 × 28 : c'est le cas sans padding.
# >
# > Le document 004 annonce qu'avec un filtre 3 × 3, un padding de 2 conserve la taille. Il ajoute
# > en fait deux lignes et deux colonnes.


# %%
def size_after(image_side, kernel, **options):
    layer = nn.Conv2d(1, 1, kernel, **options)
    return tuple(layer(torch.zeros(1, 1, image_side, image_side)).shape[2:])


print("32 × 32, filtre 5 × 5, sans padding :", size_after(32, 5))
print("32 × 32, filtre 5 × 5, padding 1    :", size_after(32, 5, padding=1))
print("32 × 32, filtre 5 × 5, stride 2     :", size_after(32, 5, stride=2))
for padding in (0, 1, 2):
    print(f"25 × 25, filtre 3 × 3, padding {padding}    :", size_after(25, 3, padding=padding))

# %% [markdown] question="conv-taille-sortie" number="1" kind="code"
# ### Taille de la sortie
#
# L'entrée est de taille $x \times y \times z$ : $z$ est sa **profondeur**, le nombre de ses canaux.
# Un filtre de côté $k$, de padding $p$ et de stride $s$ la parcourt, et il lit tous les canaux à la
# fois. Quelle est la taille de la sortie ?
#
# 1. La hauteur et la largeur se calculent de la même façon : écrivez `output_size` pour un axe.
# 2. `output_shape` : donnez les **trois** nombres de la sortie, profondeur en dernier, d'une couche
#    de `filters` filtres comme celui-ci. (Un seul filtre, c'est `filters=1`. Pourquoi $z$ n'est-il
#    pas un argument ?)

# %% [markdown] hint="conv-taille-sortie"
# Le padding agrandit l'axe : combien de cases compte-t-il alors ? Combien de cases la fenêtre
# peut-elle parcourir avant de buter sur le bord ?

# %% [markdown] hint="conv-taille-sortie"
# Sur $n + 2p$ cases, la fenêtre peut avancer de $n + 2p - k$ cases, par pas de $s$ : comptez les pas
# entiers (`//`), puis les positions. Pour la profondeur : combien de valeurs le filtre donne-t-il à
# chaque position, quand il a additionné tous les canaux ? Et une couche de filtres ?


# %% answer="conv-taille-sortie"
def output_size(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1  # SOLUTION


# %% test="conv-taille-sortie-test" points=2
check.output_size(output_size)
### BEGIN HIDDEN TESTS
grade(check.output_size(output_size, seed=1), points=2)
### END HIDDEN TESTS


# %% answer="conv-taille-sortie-forme"
def output_shape(x, y, filters, kernel, stride, padding):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ..., ..., ...
    sides = [output_size(side, kernel, stride, padding) for side in (x, y)]
    return *sides, filters
    ### END SOLUTION


# %% test="conv-taille-sortie-forme-test" points=1
check.output_shape(output_shape)
### BEGIN HIDDEN TESTS
grade(check.output_shape(output_shape, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="conv-padding-conserve" kind="calcul"
# ### Conserver la taille
#
# Avec un stride de 1 et un filtre de côté impair, quel padding donne une sortie de même taille que
# l'entrée ? Complétez la formule.

# %% [markdown] hint="conv-padding-conserve"
# Écrivez que la taille de sortie de la question 1 est égale à $n$, et cherchez $p$.

# %% [markdown] hint="conv-padding-conserve"
# Il reste $2p - k + 1 = 0$. Vérifiez avec un filtre 3 × 3 : la cellule plus haut donne la réponse.


# %% answer="conv-padding-conserve"
def same_padding(kernel):
    return (kernel - 1) // 2  # SOLUTION


# %% test="conv-padding-conserve-test" points=1
check.same_padding(same_padding)
### BEGIN HIDDEN TESTS
grade(check.same_padding(same_padding, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="conv-stride" kind="code"
# ### Deuxième version : padding et stride
#
# Complétez `correlate_2d_strided`, qui se sert de `output_size`. Avec padding 1 et stride 2, la
# fenêtre se déplace comme ci-dessous.

# %%
output_size = check.output_size.use(output_size, geometry.output_size)
convolution_slider(small, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), stride=2, padding=1)

# %% [markdown] hint="conv-stride"
# Commencez par encadrer l'image de zéros ; vous travaillez ensuite sans padding. La sortie `(i, j)`
# n'est plus au-dessus du pixel `(i, j)` : où est le coin de sa fenêtre ?

# %% [markdown] hint="conv-stride"
# `np.pad(image, padding)` ajoute les zéros des quatre côtés. Le coin de la fenêtre est la ligne
# `i * stride` et la colonne `j * stride` de l'image encadrée.


# %% answer="conv-stride"
def correlate_2d_strided(image, kernel, stride, padding):
    k = len(kernel)
    rows, columns = (output_size(n, k, stride, padding) for n in image.shape)
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # padded = ...  # l'image, encadrée de zéros
    # out = np.zeros((rows, columns))
    # for i in range(rows):
    #     for j in range(columns):
    #         top, left = ..., ...  # coin de la fenêtre
    #         out[i, j] = ...
    padded = np.pad(image, padding)
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[i, j] = np.sum(padded[top : top + k, left : left + k] * kernel)
    ### END SOLUTION
    return out


# %% test="conv-stride-test" points=2
check.correlation_2d_strided(correlate_2d_strided)
### BEGIN HIDDEN TESTS
grade(check.correlation_2d_strided(correlate_2d_strided, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# ## 6. La couche de convolution
#
# Une image en couleurs a trois **canaux**, et une couche cachée en a souvent des dizaines. Un
# filtre a autant de tranches que l'entrée a de canaux : on corrèle chaque canal avec sa tranche, on
# additionne les résultats, puis on ajoute un **biais**. Un filtre donne donc *une* carte ; une
# couche de $C$ filtres donne une « image » à $C$ canaux, que la couche suivante reçoit.
#
# Voici un filtre 2 × 2 à trois tranches, de biais 1, sur une petite image à trois canaux. Suivez la
# première case : ce que trouve chaque tranche, puis la somme.

# %%
channels = np.array([[[3, 0, 0, 0], [0, 3, 3, 2]], [[2, 1, 1, 0], [2, 2, 0, 0]]])
channels = np.concatenate([channels, [[[1, 1, 2, 2], [0, 2, 3, 3]]]])
slices = np.array([[[1, 0], [0, -1]], [[0, 1], [1, 0]], [[-1, 0], [0, 2]]])
on_layers.filter_on_channels(channels, slices, bias=1)

# %% [markdown] question="conv-canaux" kind="code"
# ### Troisième version : des canaux et des filtres
#
# L'image est de forme `(canaux, h, l)`, les filtres `(f, canaux, k, k)`, les biais `(f,)`. Sans
# padding, et avec un stride de 1 : votre `correlate_2d` fait l'essentiel du travail.

# %% [markdown] hint="conv-canaux"
# `image[c]` est un canal, et `kernels[f][c]` la tranche du filtre `f` qui lui correspond.

# %% [markdown] hint="conv-canaux"
# `correlate_2d(image[c], kernels[f][c])` est ce que trouve la tranche du canal `c`. Il reste à
# réunir les canaux comme sur la figure ; combien de fois le biais compte-t-il ?


# %% answer="conv-canaux"
def conv_channels(image, kernels, bias):
    maps = []
    for f in range(len(kernels)):
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # found = ...  # ce que trouve le filtre f, additionné sur les canaux
        # maps.append(found + ...)
        found = sum(correlate_2d(image[c], kernels[f][c]) for c in range(len(image)))
        maps.append(found + bias[f])
        ### END SOLUTION
    return np.stack(maps)


# %% test="conv-canaux-test" points=2
check.convolution_channels(conv_channels)
### BEGIN HIDDEN TESTS
grade(check.convolution_channels(conv_channels, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Les trois canaux d'une photo, vus par deux filtres : l'un ne garde que le rouge moins le bleu,
# l'autre fait la moyenne des couleurs, puis en cherche les contours.

# %%
conv_channels = check.convolution_channels.use(conv_channels, convolution.conv2d_channels)
correlate_2d_strided = check.correlation_2d_strided.use(
    correlate_2d_strided, convolution.conv2d_strided
)
colours = load_sample_image("flower.jpg")[60:360:4, 120:420:4].transpose(2, 0, 1) / 255
red_or_blue = np.array([1.0, 0, -1])[:, None, None] * np.full((3, 3), 1 / 9)
edges_of_all = np.full((3, 1, 1), 1 / 3) * convolution.IMAGE_KERNELS["contours : 8 voisins"]
found = conv_channels(colours, np.stack([red_or_blue, edges_of_all]), np.zeros(2))
filters = {"rouge moins bleu": found[0], "contours": np.abs(found[1])}
on_images.photo_and_maps(colours, filters)

# %% [markdown] question="conv-lot" kind="code"
# ### Quatrième version : un lot d'images
#
# Dernière idée : toute une pile d'images, `(n, canaux, h, l)`, avec padding et stride. Vous obtenez
# ce que calcule `torch.nn.functional.conv2d`, de forme `(n, f, h', l')`.

# %% [markdown] hint="conv-lot"
# Pour une image, reprenez la troisième version en remplaçant `correlate_2d` par
# `correlate_2d_strided`.

# %% [markdown] hint="conv-lot"
# Les canaux se parcourent dans une boucle de plus, à l'intérieur de celle des filtres. Un total qui
# part de `bias[f]` évite d'avoir à y penser ensuite.


# %% answer="conv-lot"
def conv_batch(images, kernels, bias, stride, padding):
    outputs = []
    for image in images:
        maps = []
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # for f in range(len(kernels)):
        #     maps.append(...)  # la carte du filtre f
        for f in range(len(kernels)):
            found = bias[f]
            for c in range(len(image)):
                found = found + correlate_2d_strided(image[c], kernels[f][c], stride, padding)
            maps.append(found)
        ### END SOLUTION
        outputs.append(maps)
    return np.array(outputs)


# %% test="conv-lot-test" points=2
check.convolution_batch(conv_batch)
### BEGIN HIDDEN TESTS
grade(check.convolution_batch(conv_batch, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="conv-predire-temps" kind="reponse"
# ### Prédire : combien de fois plus vite ?
#
# Toutes ces boucles sont claires, mais lentes. Les bibliothèques rangent toutes les fenêtres d'un
# coup dans un grand tableau et font **un seul produit de matrices** : c'est `conv2d_windows`, du
# paquet `tp_cnn`, écrite en cinq lignes. Sur le même processeur, combien de fois plus vite que vos
# boucles ira PyTorch : 3, 30, 300 fois, plus encore ? Une ligne, avant d'exécuter la suite.

# %% [markdown] answer="conv-predire-temps-texte" points=0.5
# ### BEGIN MARK SCHEME
# - Un ordre de grandeur est écrit, juste ou non : 0,5 point.
# ### END MARK SCHEME

# %%
conv_batch = check.convolution_batch.use(conv_batch, convolution.conv2d_batch)
images = rng.normal(size=(4, 3, 32, 32))
weights, bias = rng.normal(size=(8, 3, 5, 5)), rng.normal(size=8)
layer = nn.Conv2d(3, 8, 5, dtype=torch.float64)
layer.weight.data, layer.bias.data = torch.tensor(weights), torch.tensor(bias)
wanted = layer(torch.tensor(images)).detach().numpy()

# %%
ways = {
    "boucles": lambda: conv_batch(images, weights, bias, 1, 0),
    "fenêtres et produit": lambda: convolution.conv2d_windows(images, weights, bias),
    "PyTorch": lambda: layer(torch.tensor(images)).detach().numpy(),
}
for name, way in ways.items():
    seconds = min(repeat(way, number=1, repeat=3))
    print(
        f"{name:<20} {decimal(1000 * seconds, '8.1f')} ms   plus grand écart {gap(way(), wanted)}"
    )

# %% [markdown]
# L'aviez-vous prévu ? L'écart se compte en centaines, parfois en milliers : Python interprète chaque
# tour de boucle, alors que le produit de matrices est un seul appel, écrit pour le processeur. Le
# calcul est pourtant le même : les plus grands écarts sont ceux des arrondis.

# %% [markdown] question="conv-poids" number="1" kind="code"
# ### Nombre de poids à apprendre
#
# 1. `conv_weights` : combien de poids, biais compris, a une couche de `filters` filtres de côté
#    `kernel`, sur une entrée à `channels` canaux ?
# 2. `dense_weights` : combien en faudrait-il à une couche complètement connectée qui reçoit la même
#    entrée, `height` × `width` × `channels`, et donne la même sortie qu'**un seul** filtre,
#    `out_height` × `out_width` ?

# %% [markdown] hint="conv-poids"
# Combien de nombres contient un filtre, sachant qu'il traverse tous les canaux ? Et de combien
# d'entrées dépend un neurone complètement connecté ?

# %% [markdown] hint="conv-poids"
# Un filtre a $k \times k \times z$ poids et un biais. Un neurone complètement connecté a un poids
# par valeur d'entrée et un biais, et il faut un neurone par valeur de sortie.


# %% answer="conv-poids-convolution"
def conv_weights(kernel, channels, filters):
    return filters * (kernel**2 * channels + 1)  # SOLUTION


# %% test="conv-poids-convolution-test" points=2
check.conv_weights(conv_weights)
### BEGIN HIDDEN TESTS
grade(check.conv_weights(conv_weights, seed=1), points=2)
### END HIDDEN TESTS


# %% answer="conv-poids-dense"
def dense_weights(height, width, channels, out_height, out_width):
    return (height * width * channels + 1) * out_height * out_width  # SOLUTION


# %% test="conv-poids-dense-test" points=2
check.dense_weights(dense_weights)
### BEGIN HIDDEN TESTS
grade(check.dense_weights(dense_weights, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="conv-poids-exemple" kind="calcul"
# ### Sur un exemple
#
# L'image est de taille 25 × 25 × 3. Combien de poids, biais compris, ont
#
# - `filter_weights` : un filtre 5 × 5 sur cette image ?
# - `neuron_weights` : un neurone complètement connecté à cette image ?

# %% [markdown] hint="conv-poids-exemple"
# Une couleur est faite de trois nombres, et chacun a son propre poids.

# %% [markdown] hint="conv-poids-exemple"
# Le filtre traverse les trois canaux, le neurone voit toute l'image : combien de nombres chacun
# multiplie-t-il par un poids ? Que reste-t-il à ajouter ?

# %% answer="conv-poids-exemple-filtre"
filter_weights = 5 * 5 * 3 + 1  # SOLUTION

# %% test="conv-poids-exemple-filtre-test" points=1
check.filter_weights(filter_weights)
### BEGIN HIDDEN TESTS
grade(check.filter_weights(filter_weights, seed=1), points=1)
### END HIDDEN TESTS

# %% answer="conv-poids-exemple-neurone"
neuron_weights = 25 * 25 * 3 + 1  # SOLUTION

# %% test="conv-poids-exemple-neurone-test" points=1
check.neuron_weights(neuron_weights)
### BEGIN HIDDEN TESTS
grade(check.neuron_weights(neuron_weights, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# > **À corriger.** Sur cet exemple, le document 004 compte 26 et 626 poids : il oublie la
# > profondeur. Ces nombres sont ceux d'une image à un seul canal, comme le montre la cellule.


# %%
def count(layer):
    return sum(parameter.numel() for parameter in layer.parameters())


print("un canal, filtre 5 × 5           :", count(nn.Conv2d(1, 1, kernel_size=5)))
print("un canal, neurone sur 25 × 25    :", count(nn.Linear(25 * 25 * 1, 1)))
print("trois canaux, c'est bien plus    :", count(nn.Conv2d(3, 1, kernel_size=5)) > 26)

# %% [markdown]
# Et dans un vrai réseau ? Voici la première couche de VGG16 : 64 filtres 3 × 3, de padding 1, sur
# une image 224 × 224 × 3, et la couche complètement connectée de mêmes entrée et sortie.

# %%
conv_weights = check.conv_weights.use(conv_weights, sizes.conv_weights)
dense_weights = check.dense_weights.use(dense_weights, sizes.dense_weights)
convolved_weights = conv_weights(3, 3, 64)
dense_equivalent = 64 * dense_weights(224, 224, 3, 224, 224)
print(f"convolution            : {thousands(convolved_weights):>15} poids")
print(f"complètement connectée : {thousands(dense_equivalent):>15} poids")

# %% [markdown] question="conv-avantages" number="2" kind="reponse" star=true
# ### Avantages et limite
#
# Quels avantages la convolution a-t-elle sur une couche complètement connectée ? Quelle est sa
# principale limite ?

# %% [markdown] answer="conv-avantages-texte" points=3
# ### BEGIN MARK SCHEME
# - Peu de poids, car ils sont **partagés** entre les positions et **locaux** ; leur nombre ne
#   dépend pas de la taille de l'image. Donc moins de mémoire, de calcul et de surapprentissage : 1
#   point.
# - **Équivariance** par translation : un motif appris à un endroit est reconnu partout, et la
#   sortie se décale avec l'entrée. La structure spatiale est conservée (pas d'aplatissement) et
#   l'image peut être de taille quelconque : 1 point.
# - Limite : la **localité**. Un neurone ne voit qu'une fenêtre ; relier deux régions éloignées
#   demande plusieurs couches, des strides ou du pooling (question 7). Accepter aussi : pas
#   d'équivariance par rotation ni par changement d'échelle ; partager les poids nuit si la position
#   compte : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## 7. Pooling
#
# Un pooling glisse lui aussi une fenêtre, sur **chaque carte séparément**, et résume ce qu'elle
# voit : par son maximum (*max-pooling*) ou par sa moyenne (*average pooling*). Il n'a aucun poids à
# apprendre. Le plus courant est 2 × 2 avec un stride de 2 : il divise la hauteur et la largeur par
# deux. Une couleur, une fenêtre ; le maximum de chacune est encadré.

# %%
rows = [[4.0, 5, 7, 0, 8, -3], [-3, 8, 8, 1, -2, 1], [-3, 7, 4, 4, -1, 2], [-2, 6, 2, -2, 0, 5]]
on_layers.pooling_windows(np.array(rows))

# %% [markdown] question="pool-table" kind="calcul"
# ### Max-pooling à la main
#
# Calculez `table`, le max-pooling 2 × 2 de stride 2 de ce tableau.

# %%
numbers = np.arange(1.0, 17).reshape(4, 4)
matrices({"entrée": numbers})

# %% [markdown] hint="pool-table"
# Avec un stride de 2, les fenêtres 2 × 2 ne se chevauchent pas : elles découpent le tableau en
# quatre.

# %% [markdown] hint="pool-table"
# La fenêtre en haut à gauche contient 1, 2, 5 et 6. La sortie est une liste de deux lignes.

# %% answer="pool-table"
table = [[6, 8], [14, 16]]  # SOLUTION

# %% test="pool-table-test" points=1
check.max_pool_table(table)
### BEGIN HIDDEN TESTS
grade(check.max_pool_table(table, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="pool-code" kind="code"
# ### Les deux poolings
#
# Même fenêtre glissante que pour la convolution, mais on en résume le contenu par une fonction
# `summary` au lieu de le multiplier par un filtre. Complétez `pool`, pour une image à un canal et
# sans padding, puis servez-vous-en pour écrire `max_pool` et `average_pool`.

# %% [markdown] hint="pool-code"
# Reprenez les deux boucles de la deuxième version de la convolution, sans le padding.

# %% [markdown] hint="pool-code"
# La fenêtre est `image[top : top + size, left : left + size]`, où `top` vaut `i * stride`. `np.max`
# et `np.mean` lisent un tableau entier et renvoient un nombre : donnez l'une ou l'autre comme
# `summary`.


# %% answer="pool-code-fenetre"
def pool(image, size, stride, summary):
    rows, columns = (output_size(n, size, stride, 0) for n in image.shape)
    out = np.zeros((rows, columns))
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # ...  # remplir out, fenêtre par fenêtre
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[i, j] = summary(image[top : top + size, left : left + size])
    ### END SOLUTION
    return out


# %% answer="pool-code"
def max_pool(image, size, stride):
    return pool(image, size, stride, np.max)  # SOLUTION


def average_pool(image, size, stride):
    return pool(image, size, stride, np.mean)  # SOLUTION


# %% test="pool-code-max-test" points=1
check.max_pool(max_pool)
### BEGIN HIDDEN TESTS
grade(check.max_pool(max_pool, seed=1), points=1)
### END HIDDEN TESTS

# %% test="pool-code-moyenne-test" points=1
check.average_pool(average_pool)
### BEGIN HIDDEN TESTS
grade(check.average_pool(average_pool, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# ### Que se passe-t-il quand l'image se décale ?
#
# La convolution est **équivariante** : si l'image se décale, la carte se décale d'autant, sans
# changer. La cellule le vérifie sur deux vues de la même photo, prises à 3 pixels d'écart. Cela a
# deux limites : près des **bords**, où des pixels entrent et sortent (et où le padding met des
# zéros), et avec un **stride** $s$, où seuls les décalages multiples de $s$ se retrouvent tels quels.

# %%
photo = on_images.sample_picture(128)
detector = convolution.IMAGE_KERNELS["contours : 8 voisins"]
before = correlate_2d(photo[:, :120], detector)
after = correlate_2d(photo[:, 3:123], detector)
print("plus grand écart, case à case    :", decimal(np.abs(after - before).max()))
print("plus grand écart, après recalage :", decimal(np.abs(after[:, :-3] - before[:, 3:]).max()))

# %% [markdown]
# Le réseau, lui, doit finir par répondre « chat » où que soit le chat : il lui faut de
# l'**invariance**. Mesurons ce que le pooling en apporte.

# %% [markdown] question="pool-decalage" kind="code"
# ### Mesurer un changement
#
# Écrivez `shift_change`, l'écart relatif entre un tableau et le même après décalage :
# $\lVert \text{after} - \text{before} \rVert \,/\, \lVert \text{before} \rVert$, où
# $\lVert\cdot\rVert$ est la racine de la somme des carrés. Il vaut 0 si rien n'a changé.

# %% [markdown] hint="pool-decalage"
# Les tableaux peuvent avoir plusieurs dimensions : sommez sur toutes leurs cases.

# %% [markdown] hint="pool-decalage"
# `np.linalg.norm(array)` calcule cette norme, quelle que soit la forme du tableau. De quels deux
# tableaux faut-il la norme ?


# %% answer="pool-decalage"
def shift_change(before, after):
    return np.linalg.norm(after - before) / np.linalg.norm(before)  # SOLUTION


# %% test="pool-decalage-test" points=1
check.shift_change(shift_change)
### BEGIN HIDDEN TESTS
grade(check.shift_change(shift_change, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="pool-predire" kind="reponse"
# ### Prédire : un seul pixel
#
# La photo va glisser. Après un décalage d'**un seul** pixel, quel sera l'écart relatif sur la carte
# de contours : plutôt 1 %, 10 % ou 100 % ? Et après un max-pooling 2 × 2 ? Une ligne.

# %% [markdown] answer="pool-predire-texte" points=0.5
# ### BEGIN MARK SCHEME
# - Deux ordres de grandeur sont écrits, justes ou non : 0,5 point.
# ### END MARK SCHEME

# %% [markdown] question="pool-interet" number="3" kind="experience" star=true
# ### L'intérêt du pooling
#
# La cellule décale la photo de 0 à 8 pixels et trace l'écart relatif (la norme du changement, divisée
# par celle de la carte) sur la carte de contours, sans pooling puis après des max-poolings de plus en
# plus larges.
#
# Que montre la figure ? Quel intérêt voyez-vous au pooling spatial ? Et quel prix paie-t-on ?

# %%
max_pool = check.max_pool.use(max_pool, pooling.max_pool2d)
shift_change = check.shift_change.use(shift_change, pooling.relative_change)
maps = correlate_2d(photo, detector)
views = [relu(maps[:, shift : shift + 112]) for shift in range(9)]
drawn, axis = figure(width=6, height=3)
for size, marker in zip((1, 2, 4, 8), MARKERS, strict=False):
    pooled_views = [max_pool(view, size, size) for view in views]
    changes = [shift_change(pooled_views[0], view) for view in pooled_views]
    label = "sans pooling" if size == 1 else f"{size} × {size}"
    axis.plot(range(9), changes, marker=marker, label=label)
axis.legend(frameon=False, fontsize=8)
axis.set(title="La photo glisse", xlabel="décalage (pixels)", ylabel="écart relatif")
clean(axis)
drawn

# %% [markdown] answer="pool-interet-texte" points=3
# ### BEGIN MARK SCHEME
# - Lecture de la figure : pour un décalage d'un pixel, l'écart passe d'environ 0,95 sans pooling
#   (la carte n'a presque plus rien de commun, case à case) à environ 0,5, 0,2 puis 0,1 ; il remonte
#   avec le décalage : l'invariance est **locale**, de l'ordre de la taille de la fenêtre : 1 point.
# - Intérêt : un peu d'invariance aux petites translations et déformations ; cartes plus petites,
#   donc moins de calcul, de mémoire et de poids dans les couches complètement connectées ; champ
#   récepteur qui grandit plus vite : 1 point.
# - Prix : on perd la position précise et des détails, ce qui gêne la localisation et la
#   segmentation : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# Revenez à votre prédiction : sans pooling, un seul pixel suffit à rendre la carte méconnaissable,
# case à case (regardez le premier point de la courbe du haut). Un contour est mince ; décalé d'un
# pixel, il ne se recouvre presque plus. Le pooling, lui, n'efface pas tout décalage plus petit que sa
# fenêtre : un maximum près du bord d'une fenêtre passe dans la suivante.
#
# À l'extrême, un maximum pris sur **toute** la carte est complètement invariant : il dit « le
# fragment est quelque part », sans dire où. Voyez le X, que l'on promène dans une image plus
# grande.

# %%
for down, right in [(0, 0), (4, 7), (11, 2)]:
    wide = np.full((20, 20), -1)
    wide[down : down + 9, right : right + 9] = convolution.X
    found = feature_map(wide, convolution.FRAGMENTS["croix"])
    row, column = divmod(found.argmax(), found.shape[1])
    print(f"X en ({down}, {right}) : maximum {decimal(found.max())}, trouvé en ({row}, {column})")

# %% [markdown]
# ## 8. Des images plus grandes que prévu
#
# Un réseau classique enchaîne des convolutions (avec ReLU) et des poolings, puis **aplatit** les
# cartes et finit par des couches complètement connectées. Voici VGG16 (Simonyan et Zisserman,
# 2014), avec les mêmes couches mais moins de filtres et des couches finales plus étroites, pour
# tenir sur votre machine. Il attend des images 224 × 224. Ses poids sont tirés au hasard.


# %%
def vgg_features(width):
    layers, channels = [], 3
    for repeats, factor in [(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)]:
        for _ in range(repeats):
            layers += [nn.Conv2d(channels, factor * width, 3, padding=1), nn.ReLU()]
            channels = factor * width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def initialise(module):
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


# %%
class SmallVGG(nn.Module):
    def __init__(self, width, classes=2):
        super().__init__()
        self.features = vgg_features(width)  # (batch, 8 width, 7, 7)
        sides = [8 * width * 7 * 7, 256, 256, classes]
        dense = [layer for pair in pairwise(sides) for layer in (nn.Linear(*pair), nn.ReLU())]
        self.classifier = nn.Sequential(nn.Flatten(), *dense[:-1])
        self.apply(initialise)

    def forward(self, images):
        return self.classifier(self.features(images))


torch.manual_seed(P.seed)
vgg = SmallVGG(P.vgg_width).eval()
volumes(vgg, (3, 224, 224), "Un petit VGG16")

# %% [markdown] question="conv-image-plus-grande" number="4" kind="experience" star=true
# ### Une image plus grande
#
# La cellule donne à ce réseau une image de la taille prévue, puis une image plus grande. Peut-on,
# sans modifier l'image, calculer toutes les couches du réseau, ou une partie seulement ?
# Lesquelles, et pourquoi ?

# %%
for height, width in [(224, 224), (320, 384)]:
    maps, shapes = torch.zeros(1, 3, height, width), []
    with torch.no_grad():
        for layer in vgg.features:
            maps = layer(maps)
            if isinstance(layer, nn.MaxPool2d):
                shapes.append(f"{maps.shape[2]} × {maps.shape[3]}")
    print(f"image {height} × {width}, après chaque pooling :", ", ".join(shapes))
    try:
        print("  couches complètement connectées :", tuple(vgg.classifier(maps).shape))
    except RuntimeError as error:
        print("  couches complètement connectées : PyTorch refuse,", error)

# %% [markdown] answer="conv-image-plus-grande-texte" points=3
# ### BEGIN MARK SCHEME
# - Les convolutions, les ReLU et les poolings se calculent tous : un filtre glisse sur une image de
#   n'importe quelle taille, et les cartes sont simplement plus grandes (ici 10 × 12 au lieu de
#   7 × 7 à la fin) : 1,5 point.
# - La première couche complètement connectée échoue : son nombre d'entrées est fixé par sa matrice
#   de poids ($512 \times 7 \times 7 = 25\,088$ dans VGG16). Les suivantes n'ont donc pas d'entrée :
#   1,5 point.
# ### END MARK SCHEME

# %% [markdown]
# (Le VGG16 de `torchvision` ne se plaint pas : avant ses couches complètement connectées, il ramène
# toute carte à 7 × 7 par une moyenne, `AdaptiveAvgPool2d`. C'est un ajout ; l'article ne l'a pas.)

# %% [markdown] question="conv-dense-equivalente" number="5" kind="code"
# ### Complètement connectée, donc convolution
#
# Une couche complètement connectée de `outputs` neurones lit des cartes de forme (`channels`,
# `height`, `width`), aplaties. On veut la remplacer par une convolution.
#
# 1. `kernel_shape` : quelle est la forme des poids de cette convolution, à la façon de PyTorch ?
# 2. `dense_to_kernel` : rangez les poids de la couche, `(outputs, channels * height * width)`, dans
#    cette forme.
# 3. Expliquez pourquoi les sorties sont les mêmes, et ce que deviennent les couches complètement
#    connectées suivantes.
#
# La figure en montre l'idée sur une seule carte 3 × 3 et un seul neurone : chaque nombre est un
# rang, et l'on multiplie ceux qui portent le même.

# %%
on_layers.dense_as_convolution()

# %% [markdown] hint="conv-dense-equivalente"
# Un neurone voit toutes les cartes à la fois : quelle doit être la taille d'un filtre qui en voit
# autant ? Combien de positions ce filtre peut-il occuper ?

# %% [markdown] hint="conv-dense-equivalente"
# Un filtre aussi grand que l'image n'a qu'une position. PyTorch range les poids d'une convolution
# comme `(filtres, canaux, hauteur, largeur)`, et aplatit les cartes canal par canal, puis ligne par
# ligne. Quelle méthode de NumPy change la forme d'un tableau dans cet ordre ?


# %% answer="conv-dense-equivalente-forme"
def kernel_shape(channels, height, width, outputs):
    return outputs, channels, height, width  # SOLUTION


# %% test="conv-dense-equivalente-forme-test" points=1
check.dense_kernel_shape(kernel_shape)
### BEGIN HIDDEN TESTS
grade(check.dense_kernel_shape(kernel_shape, seed=1), points=1)
### END HIDDEN TESTS


# %% answer="conv-dense-equivalente-poids"
def dense_to_kernel(weights, channels, height, width):
    return weights.reshape(len(weights), channels, height, width)  # SOLUTION


# %% test="conv-dense-equivalente-poids-test" points=1
check.dense_to_kernel(dense_to_kernel)
### BEGIN HIDDEN TESTS
grade(check.dense_to_kernel(dense_to_kernel, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] answer="conv-dense-equivalente-texte" points=2
# ### BEGIN MARK SCHEME
# - Un neurone calcule $\sum_{c,i,j} w_{c,i,j}\, x_{c,i,j} + b$. C'est ce que donne un filtre de la
#   taille des cartes ($h \times l$, sans padding) à sa seule position possible. À chaque neurone
#   son filtre : 1 point.
# - Sa sortie est de taille $1 \times 1$, avec autant de canaux qu'il y avait de neurones. Les
#   couches suivantes sont donc des convolutions $1 \times 1$ : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# Essayons sur la première couche complètement connectée du réseau : ses poids, rangés en filtres,
# passent dans `conv2d`.

# %%
dense_to_kernel = check.dense_to_kernel.use(dense_to_kernel, convolution.dense_to_kernel)
first = vgg.classifier[1]
with torch.no_grad():
    maps = vgg.features(torch.randn(1, 3, 224, 224))  # (1, canaux, 7, 7)
    kernels = dense_to_kernel(first.weight.numpy(), maps.shape[1], 7, 7)
    as_dense = first(maps.flatten(1))
    as_convolution = F.conv2d(maps, torch.tensor(kernels), first.bias)
print("couche dense :", tuple(as_dense.shape), "; convolution :", tuple(as_convolution.shape))
print("plus grand écart :", decimal((as_dense - as_convolution[:, :, 0, 0]).abs().max(), ".0e"))

# %% [markdown]
# La fonction `to_fully_convolutional` du paquet fait cette conversion pour un réseau entier, sans
# copier ses poids. Sur une image de la taille prévue, l'égalité est garantie par l'`assert`.

# %%
from tp_cnn.models.fully_convolutional import to_fully_convolutional

convolutional = to_fully_convolutional(vgg)
print(*list(convolutional)[1:], sep="\n")
nominal = torch.randn(2, 3, 224, 224)
with torch.no_grad():
    before, after = vgg(nominal), convolutional(nominal)
assert after.shape == (2, 2, 1, 1)
assert torch.allclose(before, after[:, :, 0, 0], atol=1e-4)
print("plus grand écart :", decimal((before - after[:, :, 0, 0]).abs().max(), ".0e"))

# %% [markdown] question="conv-taille-carte" number="6" kind="calcul"
# ### La taille de la carte de sortie
#
# Ce réseau convolutionnel donne, pour une image 224 × 224, une sortie 1 × 1. Quel est le côté
# `map_size` de sa sortie pour une image carrée de côté `size`, au moins égal à 224 ?

# %% [markdown] hint="conv-taille-carte"
# Suivez la taille : les convolutions 3 × 3 ont un padding de 1, chacun des cinq poolings divise par
# deux, et la première couche convertie est une convolution 7 × 7.

# %% [markdown] hint="conv-taille-carte"
# Après les poolings, il reste `size // 32` cases de côté. Un filtre 7 × 7 sans padding glisse
# dessus ; les convolutions 1 × 1 ne changent plus rien.


# %% answer="conv-taille-carte"
def map_size(size):
    return size // 32 - 7 + 1  # SOLUTION


# %% test="conv-taille-carte-test" points=2
check.vgg_map_size(map_size)
### BEGIN HIDDEN TESTS
grade(check.vgg_map_size(map_size, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Que dit cette carte ? Pour le voir, donnons un sens aux deux sorties du réseau : on règle sa
# **seule dernière couche**, par une régression logistique, pour distinguer deux photos, un temple
# et une fleur. Tout le reste demeure au hasard. (Ces photos servent aussi à la figure suivante :
# c'est une illustration, pas un test.)

# %%
from sklearn.linear_model import LogisticRegression

names = ("china.jpg", "flower.jpg")
photos = [torch.tensor(load_sample_image(name)).permute(2, 0, 1) / 255 - 0.5 for name in names]
with torch.no_grad():
    seen = [convolutional[:-1](photo[None])[0].flatten(1).T for photo in photos]
labels = np.repeat([0, 1], [len(vectors) for vectors in seen])
readout = LogisticRegression(max_iter=1000).fit(torch.cat(seen), labels)
slope, offset = torch.tensor(readout.coef_[0]) / 2, torch.tensor(readout.intercept_[0]) / 2
with torch.no_grad():
    vgg.classifier[-1].weight.copy_(torch.stack([-slope, slope]))
    vgg.classifier[-1].bias.copy_(torch.stack([-offset, offset]))

# %% [markdown]
# On colle maintenant la fleur à gauche et le temple à droite, dans une image de 427 × 896 pixels,
# et on ne la donne qu'**une fois** au réseau convolutionnel. Le cadre orange montre la fenêtre dont
# il est le plus sûr, et sa case dans la carte.

# %%
montage = torch.cat([photos[1][:, :, 100:548], photos[0][:, :, 40:488]], dim=2)
with torch.no_grad():
    scores = to_fully_convolutional(vgg)(montage[None])[0]
picture = (montage + 0.5).permute(1, 2, 0).numpy()
names = "T : temple, F : fleur"
on_images.output_map(picture, scores, window=224, jump=32, classes=["T", "F"], legend=names)

# %% [markdown] question="carte-predire" kind="reponse"
# ### Prédire : une fois, ou fenêtre par fenêtre ?
#
# On aurait pu découper l'image en 154 fenêtres 224 × 224, une tous les 32 pixels, et les donner une à
# une au réseau d'origine. Les réponses seraient-elles exactement les mêmes, presque, pas du tout ? Et
# en combien de fois plus de temps ? Une ligne.

# %% [markdown] answer="carte-predire-texte" points=0.5
# ### BEGIN MARK SCHEME
# - Une prédiction sur les réponses et une sur le temps sont écrites, justes ou non : 0,5 point.
# ### END MARK SCHEME

# %%
corners = [(32 * row, 32 * column) for row in range(7) for column in range(22)]
with torch.no_grad():
    start = perf_counter()
    at_once = to_fully_convolutional(vgg)(montage[None])[0].softmax(0)
    middle = perf_counter()
    answers = [vgg(montage[None, :, y : y + 224, x : x + 224])[0] for y, x in corners]
    end = perf_counter()
one_by_one = torch.stack(answers).softmax(1).T.view(2, 7, 22)
same = (one_by_one.argmax(0) == at_once.argmax(0)).float().mean()
mean_gap = (one_by_one - at_once).abs().mean()
times = decimal(middle - start), decimal(end - middle)
print(f"en une fois : {times[0]} s ; fenêtre par fenêtre : {times[1]} s")
print(f"même classe pour {percent(same, 0)} des {len(corners)} fenêtres")
print("écart moyen des probabilités :", decimal(mean_gap))

# %% [markdown]
# Le temps avait de quoi surprendre : les fenêtres se recouvrent, et le réseau d'origine recalcule tout
# à chaque fois. Les réponses se ressemblent sans être les mêmes ; la question 6 vous demandera
# pourquoi.

# %% [markdown]
# Essayons un vrai détecteur. On entraîne quelques secondes LeNet-5 sur de petits chiffres
# (28 × 28), plus une onzième classe, « rien » : des chiffres décentrés, ou sortis du cadre.
# L'entraînement lui-même est le sujet du notebook 03 ; ici, contentez-vous de le regarder tourner.

# %%
from tp_cnn.data.sources import load


def small_size(images):
    return F.interpolate(images / 255, size=20, mode="bilinear", antialias=True)


digits = load("digits", "train")
images = F.pad(small_size(digits.images), (4, 4, 4, 4))  # (1437, 1, 28, 28), comme dans MNIST
NOTHING = 10


def shifted(images, down, right):
    framed = F.pad(images, (28, 28, 28, 28))
    return framed[..., 28 - down : 56 - down, 28 - right : 56 - right]


# %%
def training_batch():
    chosen = torch.randint(len(images), (96,))
    near = torch.randint(-3, 4, (2,)).tolist()
    angle, distance = 2 * torch.pi * torch.rand(1), 8 + 20 * torch.rand(1)
    far = [round(float(distance * side)) for side in (angle.cos(), angle.sin())]
    batch = torch.cat([shifted(images[chosen[:64]], *near), shifted(images[chosen[64:]], *far)])
    return batch, torch.cat([digits.labels[chosen[:64]], torch.full((32,), NOTHING)])


# %%
from tp_cnn.models.lenet5 import LeNet5

torch.manual_seed(P.seed)
lenet = LeNet5(classes=11)
optimizer = torch.optim.Adam(lenet.parameters(), lr=3e-3)
for _ in range(P.training_steps):
    batch, labels = training_batch()
    outputs = lenet(batch)
    loss = F.cross_entropy(outputs, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
right = (outputs.argmax(1) == labels).float().mean()
print(f"bonnes réponses dans le dernier lot : {percent(right, 0)}")

# %% [markdown]
# Quatre chiffres que le réseau n'a jamais vus sont posés dans une grande image. La carte laisse en
# blanc les fenêtres où il répond « rien ».

# %%
unseen = load("digits", "test")
canvas = torch.zeros(1, 1, 56, 140)
for digit, top, left in [(2, 6, 8), (6, 30, 42), (0, 8, 76), (3, 28, 112)]:
    first = (unseen.labels == digit).nonzero()[0]
    canvas[:, :, top : top + 20, left : left + 20] = small_size(unseen.images[first])
with torch.no_grad():
    scores = to_fully_convolutional(lenet)(canvas)[0]
classes = [*map(str, range(10)), "rien"]
on_images.output_map(
    canvas[0, 0].numpy(), scores, window=28, jump=4, classes=classes, background=NOTHING
)

# %% [markdown] question="conv-carte-sortie" number="6" kind="experience"
# ### La carte de sortie
#
# Reprenez la question 4 pour un réseau ainsi converti. Peut-on tout calculer ? Quelle est la forme
# de la sortie, que signifie chacune de ses cases, et quel en est l'intérêt ?
#
# Pour finir : pourquoi la carte et les fenêtres découpées ne sont-elles pas tout à fait d'accord ?

# %% [markdown] answer="conv-carte-sortie-texte" points=3
# ### BEGIN MARK SCHEME
# - Oui, tout se calcule. La sortie est une **carte** de forme (classes, $h'$, $l'$) : une réponse
#   par fenêtre de la taille prévue (224 × 224, ou 28 × 28), les fenêtres étant espacées de 32
#   pixels (VGG16) ou de 4 (LeNet-5), le produit des strides : 1 point.
# - Intérêt : détecter et **localiser** sans découper l'image (détection, segmentation) ; accepter
#   toute taille ; un seul passage, où les calculs communs aux fenêtres qui se chevauchent ne sont
#   faits qu'une fois. On peut aussi moyenner la carte pour classer plus sûrement : 1 point.
# - Désaccords : à l'intérieur de l'image, une fenêtre voit ses voisins là où le réseau d'origine
#   voyait les zéros du padding. Sans padding, l'égalité serait exacte : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## 9. Champs récepteurs
#
# Le **champ récepteur** d'un neurone est l'ensemble des pixels de l'image dont sa sortie dépend.
# Celui d'un neurone de la première couche est la fenêtre de son filtre. Et au-delà ?

# %% [markdown] question="champ-premieres-couches" number="7" kind="calcul"
# ### Les deux premières couches
#
# Les deux premières couches de VGG16 sont des convolutions 3 × 3 de stride 1. Donnez
# `first_fields`, la liste des côtés de leurs champs récepteurs : un nombre pour la première, un
# pour la deuxième.

# %% [markdown] hint="champ-premieres-couches"
# Un neurone de la deuxième couche lit 3 × 3 neurones de la première. Dessinez leurs fenêtres, en
# une dimension.

# %% [markdown] hint="champ-premieres-couches"
# Trois fenêtres de 3 pixels, décalées d'un pixel : de quel pixel à quel pixel leur réunion
# va-t-elle ?

# %% answer="champ-premieres-couches"
first_fields = [3, 5]  # SOLUTION

# %% test="champ-premieres-couches-test" points=1
check.first_fields(first_fields)
### BEGIN HIDDEN TESTS
grade(check.first_fields(first_fields, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="champ-formule" number="7" kind="code"
# ### Les couches plus profondes
#
# Écrivez `receptive_field(layers)`, le côté du champ récepteur après une suite de couches, où
# chaque couche (convolution ou pooling) est un couple `(kernel, stride)`. Suivez deux nombres,
# d'une couche à la suivante :
#
# - `field`, le côté du champ récepteur ;
# - `jump`, le nombre de pixels de l'image entre deux neurones voisins.

# %% [markdown] hint="champ-formule"
# Une couche de côté $k$ réunit $k$ champs voisins, décalés de `jump` pixels : elle ajoute au champ
# $k - 1$ décalages. Au départ, un pixel se voit lui-même : `field, jump = 1, 1`.

# %% [markdown] hint="champ-formule"
# `jump` est multiplié par le stride de chaque couche, mais dans quel ordre ? Les $k$ champs que
# réunit une couche sont encore écartés de l'ancien `jump` : son stride n'écarte que ses sorties.


# %% answer="champ-formule"
def receptive_field(layers):
    field, jump = 1, 1
    for kernel, stride in layers:
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # field = ...
        # jump = ...
        field += (kernel - 1) * jump
        jump *= stride
        ### END SOLUTION
    return field


# %% test="champ-formule-test" points=2
check.receptive_field(receptive_field)
### BEGIN HIDDEN TESTS
grade(check.receptive_field(receptive_field, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# **La mesure.** Un pixel compte si la dérivée de la sortie par rapport à lui n'est pas nulle :
# l'autograd de PyTorch la calcule. Ici, une, deux ou trois convolutions 3 × 3 dont tous les poids
# valent 1 ; chaque nombre est la dérivée du neurone central par rapport au pixel.


# %%
def gradient(depth):
    conv = nn.Conv2d(1, 1, 3, bias=False)
    nn.init.ones_(conv.weight)
    image = torch.zeros(1, 1, 9, 9, requires_grad=True)
    maps = nn.Sequential(*[conv] * depth)(image)
    middle = maps.shape[2] // 2
    maps[0, 0, middle, middle].backward()
    return image.grad[0, 0].numpy()


matrices({f"{depth} couche{'s' * (depth > 1)}": gradient(depth) for depth in (1, 2, 3)})

# %% [markdown]
# Les pixels non nuls forment un carré de la taille prévue. Remarquez aussi les valeurs : le centre
# compte bien plus que les bords, car il est lu par plus de chemins. Luo *et al.* (2016) appellent
# **champ récepteur effectif** cette région centrale, nettement plus petite que le champ théorique.
#
# Dans un vrai réseau, ReLU et le max-pooling annulent une partie des dérivées et cacheraient des
# pixels : la fonction `measured_receptive_field` du paquet les remplace, le temps de la mesure, par
# l'identité et par une moyenne. Formule et mesure s'accordent-elles sur VGG16 ?

# %%
receptive_field = check.receptive_field.use(receptive_field, sizes.receptive_field)
for block, end in enumerate([5, 10, 17, 24, 31], start=1):
    part = vgg.features[:end]
    formula = receptive_field([(layer.kernel, layer.stride) for layer in geometry.layers_of(part)])
    measured = geometry.measured_receptive_field(part, (3, 448, 448))
    assert measured.size == formula
    print(f"bloc {block} : champ de {measured.size:>3} pixels, tous les {measured.jump:>2} pixels")

# %%
layers = geometry.layers_of(vgg.features)  # convolutions et poolings, dans l'ordre
ends = {"conv1_1": 1, "conv1_2": 2, "conv2_2": 5, "conv3_3": 9, "conv4_3": 13, "pool5": 18}
fields = {name: geometry.receptive_field(layers[:end]) for name, end in ends.items()}
on_images.receptive_fields(
    on_images.sample_picture(224), fields
)  # l'image, puis son centre agrandi

# %% [markdown] question="champ-interpretation" number="7" kind="reponse"
# ### Interprétation
#
# Que devient le champ récepteur dans les couches profondes ? Qu'est-ce qui le fait grandir ?
# Comment interprétez-vous ce que voient, et donc ce que peuvent reconnaître, les premières couches
# et les dernières ?

# %% [markdown] answer="champ-interpretation-texte" points=3
# ### BEGIN MARK SCHEME
# - Il grandit à chaque couche : de 3 puis 5 pixels à 212 après le dernier pooling de VGG16 ; un
#   neurone de la première couche complètement connectée voit toute l'image
#   ($212 + 6 \times 32 = 404 > 224$) : 1 point.
# - Une convolution ajoute $(k - 1)$ fois le pas courant : la croissance est linéaire à pas
#   constant. Strides et poolings multiplient le pas, et donc accélèrent la croissance : 1 point.
# - Les premières couches voient quelques pixels : bords, coins, couleurs. Les suivantes combinent
#   ces détections sur des régions de plus en plus grandes : textures, parties d'objets, puis
#   objets. La profondeur compense ainsi la localité de la convolution. Bonus de présentation :
#   évoquer le champ effectif : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## À retenir
#
# Fermez vos réponses, et vérifiez que vous savez :
#
# - dire en quoi la « convolution » de PyTorch diffère de celle des mathématiciens, et pourquoi cela ne
#   change rien quand les poids sont appris ;
# - écrire de tête la taille de sortie et le nombre de poids d'une couche (question 1) ;
# - citer deux idées qui rendent la convolution économe, et son prix (question 2) ;
# - distinguer l'**équivariance** de la convolution et l'**invariance**, locale, du pooling, chacune
#   avec ses limites (question 3) ;
# - dire quelle couche fixe la taille des images, et comment la remplacer (questions 4 à 6) ;
# - expliquer ce qui fait grandir un champ récepteur (question 7).
#
# ## Pour aller plus loin
#
# - V. Dumoulin et F. Visin, [*A guide to convolution arithmetic for deep
#   learning*](https://arxiv.org/abs/1603.07285), 2016 : toutes les tailles, figures à l'appui,
#   et la convolution transposée.
# - Y. LeCun, L. Bottou, Y. Bengio et P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998 : LeNet-5, et déjà son balayage d'une ligne de
#   chiffres.
# - K. Simonyan et A. Zisserman, [*Very deep convolutional networks for large-scale image
#   recognition*](https://arxiv.org/abs/1409.1556), 2014 : VGG16, évalué lui aussi comme un réseau
#   entièrement convolutionnel.
# - J. Long, E. Shelhamer et T. Darrell, [*Fully convolutional networks for semantic
#   segmentation*](https://arxiv.org/abs/1411.4038), CVPR 2015 : de la carte de sortie à la
#   segmentation.
# - W. Luo, Y. Li, R. Urtasun et R. Zemel, [*Understanding the effective receptive field in deep
#   convolutional neural networks*](https://arxiv.org/abs/1701.04128), NIPS 2016.
# - A. Araujo, W. Norris et J. Sim, [*Computing receptive fields of convolutional neural
#   networks*](https://distill.pub/2019/computing-receptive-fields), Distill, 2019.
# - R. Zhang, [*Making convolutional networks shift-invariant
#   again*](https://arxiv.org/abs/1904.11486), ICML 2019 : pourquoi un pooling de stride 2 n'est pas
#   tout à fait invariant, et comment l'adoucir.
# - B. Rohrer, *How convolutional neural networks work*, 2016 : le X et le O, en vidéo.

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
# - Plusieurs notebooks ensemble : `report.from_notebook("01_convolution", "03_lenet_mnist", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("01_convolution", authors=[], follow_up=False)
