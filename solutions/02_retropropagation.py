# %% [markdown]
# # 02. Rétropropagation : des gradients à la main
#
# Un réseau apprend en corrigeant chacun de ses poids dans le sens qui réduit son erreur. Encore
# faut-il savoir, pour des milliers de poids, quel est ce sens. La **rétropropagation** le calcule
# pour tous à la fois, en remontant le réseau une seule fois. Ici, vous l'écrivez vous-même, de la
# dérivée par rapport à un seul poids jusqu'à un réseau convolutionnel qui lit des chiffres sans PyTorch.
#
# **À la fin, vous saurez**
#
# - calculer à la main les dérivées d'un petit réseau, et les vérifier ;
# - écrire des couches avec `forward`, `backward` et `step`, et les empiler ;
# - dire de quoi dépend une descente de gradient : départ, pas, capacité, initialisation ;
# - faire remonter un gradient à travers une convolution et un max-pooling ;
# - expliquer ce que fait `loss.backward()`.
#
# **Durée :** 2 h 30 (2 h sans le bonus)
#
# **Barème :** 53 points
#
# **Prérequis :** NumPy ; la dérivée d'une fonction composée ; le notebook 01 pour la partie 7.

# %% [markdown]
# **Mode d'emploi.** Remplacez les `...`, puis exécutez la cellule qui suit : elle répond « À
# faire », « Juste » ou « Pas encore », avec une piste. Ce que la vérification juge juste est aussi
# ce que la suite exécute : une ligne « Suite : votre code » le dit. Aux endroits marqués
# **Prédisez**, écrivez votre pronostic en une ligne *avant* d'exécuter ; il n'est pas noté.
#
# Les questions viennent du document 003 (Réseaux de neurones), dont les diapositives laissent les
# dérivées à calculer. Une étoile ★ signale celle du compte rendu du soir.

# %% parameters=true grading="starts=2 descent_steps=20 epochs=2 cnn_epochs=1"
from tp_cnn import runtime

P = runtime.parameters(
    quick={"seed": 0, "starts": 30, "descent_steps": 600, "epochs": 300, "cnn_epochs": 12},
    full={"starts": 100, "descent_steps": 2000, "epochs": 600, "cnn_epochs": 40},
)
P

# %%
from itertools import pairwise
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import torch
from sklearn.datasets import load_digits, make_blobs, make_moons

from tp_cnn.checks import retropropagation as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.display import Table, announce, decimal, percent
from tp_cnn.scratch import convolution, layers, network, perceptron, pooling, scalars, units
from tp_cnn.scratch.units import Unit

# %%
from tp_cnn.plots.retropropagation import curves
from tp_cnn.plots.retropropagation.graphs import perceptron_graph, scalar_graph
from tp_cnn.plots.retropropagation.planes import Panel, boundaries, boundary_film
from tp_cnn.plots.training import image_grid

rng = np.random.default_rng(P.seed)
mine = SimpleNamespace()  # your code where it is right, that of the package elsewhere
data = "points tirés au hasard et 1 797 chiffres (« digits »), fournis avec scikit-learn"
announce(device="processeur, avec NumPy", data=data)

# %% [markdown]
# ## 1. D'un neurone à sa frontière
#
# Un neurone additionne ses entrées, chacune multipliée par un **poids**, ajoute un **biais**, et
# tranche : $f(x) = \mathrm{signe}(w \cdot x + b)$. L'inspiration est biologique, mais ce n'est
# qu'une inspiration : tout ce qui suit est du calcul.

# %% [markdown] question="retro-neurone" kind="code"
# ### Un neurone
#
# Écrivez `neuron` : pour chaque ligne de `X`, de forme (n, d), la réponse $+1$ ou $-1$ du neurone
# de poids `w` et de biais `b`. Un point exactement sur la frontière reçoit $+1$.

# %% [markdown] hint="retro-neurone"
# `X @ w` calcule d'un coup le produit scalaire de chaque ligne avec `w`. Que vaut `np.sign` en 0 ?

# %% [markdown] hint="retro-neurone"
# `np.where(condition, 1, -1)` donne 1 là où la condition est vraie, et $-1$ ailleurs. Votre
# condition compare une somme par ligne à 0.


# %% answer="retro-neurone"
def neuron(X, w, b):
    return np.where(X @ w + b >= 0, 1, -1)  # SOLUTION


# %% test="retro-neurone-test" points=1
check.neuron(neuron)
### BEGIN HIDDEN TESTS
grade(check.neuron(neuron, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# Voici ses réponses pour un choix de poids, sur deux nuages de points. La frontière est la droite
# $w \cdot x + b = 0$ : $w$ lui est perpendiculaire, et $b$ la décale.

# %%
mine.neuron = check.neuron.use(neuron, otherwise=perceptron.neuron)
blobs, blob_labels = make_blobs(120, centers=[[-1, -1], [1.5, 1]], cluster_std=0.8, random_state=1)
choices = {"w = (1, 1), b = 0": ([1, 1], 0), "w = (1, 0), b = 1": ([1, 0], 1)}
panels = [
    Panel(title, lambda X, w=w, b=b: mine.neuron(X, np.array(w), b))
    for title, (w, b) in choices.items()
]
boundaries(panels, blobs, blob_labels)

# %% [markdown]
# Le signe n'aide pas à apprendre : sa dérivée est nulle partout où elle existe, et ne dit donc pas
# dans quel sens corriger $w$. La **régression logistique** le remplace par une probabilité, la
# sigmoïde du **logit** $s = w \cdot x + b$ : $p = \sigma(s) = 1/(1 + e^{-s})$. L'erreur d'un exemple est l'**entropie
# croisée**, $-\log p$ si son étiquette vaut 1, et $-\log(1-p)$ si elle vaut 0.

# %% [markdown] question="retro-logistique" kind="code"
# ### Un coût qui ne déborde pas
#
# Écrivez `log_loss`, l'entropie croisée **moyenne**, d'après les logits et des étiquettes 0 ou 1.
# Attention : pour un logit de $-1000$, $e^{1000}$ dépasse ce qu'un ordinateur sait écrire, et $p$
# vaut exactement 0. Le coût, lui, vaut 1000 si l'étiquette est 1 : partez du logit, sans passer
# par $p$.

# %% [markdown] hint="retro-logistique"
# Écrivez $-\log \sigma(s)$ et $-\log(1 - \sigma(s))$ en fonction de $s$ : les deux font apparaître
# $\log(1 + e^{\pm s})$. De combien diffèrent-ils ?

# %% [markdown] hint="retro-logistique"
# `np.logaddexp(0, s)` calcule $\log(1 + e^{s})$ sans déborder : c'est le coût pour l'étiquette 0.
# Pour l'étiquette 1, il faut en retirer $s$. Écrivez les deux cas en une formule, puis la moyenne.


# %% answer="retro-logistique"
def log_loss(logits, labels):
    return np.mean(np.logaddexp(0, logits) - labels * logits)  # SOLUTION


# %% test="retro-logistique-test" points=2
check.log_loss(log_loss)
### BEGIN HIDDEN TESTS
grade(check.log_loss(log_loss, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Pour descendre, il faut la dérivée de ce coût par rapport à $w$ et à $b$. Vous la calculerez dans la
# partie 2 ; en attendant, `units.LogLoss` la donne.

# %%
mine.log_loss = check.log_loss.use(log_loss, otherwise=units.log_loss)


def fit_logistic(X, labels, rate=1.0, steps=200):
    w, b, cost = np.zeros((2, 1)), 0.0, units.LogLoss()
    for _ in range(steps):
        cost.forward(X @ w + b, labels)
        slopes = cost.backward()  # of the cost by each logit, (n, 1)
        w, b = w - rate * X.T @ slopes, b - rate * slopes.sum()
    return w[:, 0], b


# %% [markdown]
# > **Prédisez.** La régression logistique sépare-t-elle les deux nuages ? Et deux croissants de
# > lune emboîtés : quelle part des points classera-t-elle bien ?

# %% [markdown]
# *Votre prédiction, en une ligne.*

# %%
moons, moon_labels = make_moons(200, noise=0.1, random_state=0)
panels = []
for title, X, labels in [("nuages", blobs, blob_labels), ("lunes", moons, moon_labels)]:
    w, b = fit_logistic(X, labels)
    cost, right = mine.log_loss(X @ w + b, labels), np.mean((X @ w + b >= 0) == labels)
    print(f"{title:<6} : coût {decimal(cost, '.3g')}, {percent(right, 0)} de bonnes réponses")
    panels.append((Panel(title, lambda X, w=w, b=b: X @ w + b), X, labels))
boundaries([panels[1][0]], *panels[1][1:])

# %% [markdown] question="retro-lunes" kind="experience"
# ### Une droite ne suffit pas
#
# Qu'est-ce qui empêche la régression logistique de bien classer les lunes ? Plus de points, ou une
# descente plus longue, y changeraient-ils quelque chose ? Comparez à votre prédiction.

# %% [markdown] answer="retro-lunes-texte" points=2
# ### BEGIN MARK SCHEME
# - Sa frontière est une droite (l'ensemble où le logit $w \cdot x + b$ s'annule), et aucune droite
#   ne sépare les deux croissants : environ 88 % ici : 1 point.
# - Ni les données ni la durée n'y changent rien : c'est la **capacité** du modèle qui manque. Il
#   faut une autre famille de fonctions, par exemple plusieurs neurones en couches : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## 2. Les dérivées du réseau 2-2-1
#
# Le plus petit réseau du document 003 : deux entrées, deux unités cachées, une unité de sortie,
# toutes des sigmoïdes. Chaque unité est une petite régression logistique. Le poids
# $w_{v,u}^{(k)}$ va de la valeur $v$ que reçoit la couche $k$ à son unité $u$, et $z^{(k)}$ est ce
# que cette couche donne. L'entropie croisée est ajoutée comme une dernière couche : elle compare
# $z^{(2)}$ à l'étiquette $y$ et donne l'erreur $err = z^{(3)}$.

# %%
perceptron_graph()

# %% [markdown] question="retro-compter" kind="calcul"
# ### Compter les paramètres
#
# 1. Combien de paramètres, poids et biais, ce réseau apprend-il ? C'est `parameters`.
# 2. Écrivez `count_parameters(sizes)` pour un réseau quelconque : `sizes` est la liste du nombre de
#    valeurs de chaque couche, entrée comprise (`[2, 2, 1]` ici).

# %% [markdown] hint="retro-compter"
# Chaque unité a un poids par valeur qu'elle reçoit, et un biais. La couche du coût n'apprend rien.

# %% [markdown] hint="retro-compter"
# Si une couche reçoit $d$ valeurs et a $U$ unités, ses poids et ses biais forment un tableau
# $W^{(k)}$ de $d + 1$ lignes et $U$ colonnes. `pairwise(sizes)` parcourt les couples de tailles
# voisines, $(d, U)$.

# %% answer="retro-compter-221"
parameters = 9  # SOLUTION

# %% test="retro-compter-221-test" points=1
check.parameters_221(parameters)
### BEGIN HIDDEN TESTS
grade(check.parameters_221(parameters, seed=1), points=1)
### END HIDDEN TESTS


# %% answer="retro-compter-tailles"
def count_parameters(sizes):
    total = 0
    for d, U in pairwise(sizes):
        layer = (d + 1) * U  # SOLUTION
        total += layer
    return total


# %% test="retro-compter-tailles-test" points=1
check.count_parameters(count_parameters)
### BEGIN HIDDEN TESTS
grade(check.count_parameters(count_parameters, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# **À contre-courant.** Pour savoir comment corriger un poids, on dérive l'erreur par rapport à lui.
# On commence par la dernière couche, puis on remonte : chaque couche réutilise ce que la suivante a
# déjà calculé. L'outil est la **règle de la chaîne** : si $a$ agit sur $b$, qui agit sur $c$, alors
# $\dfrac{\partial c}{\partial a} = \dfrac{\partial c}{\partial b}\,\dfrac{\partial b}{\partial a}$.
#
# On répond en une ligne à chacune des quatre questions suivantes, avec des nombres déjà connus.
# (Pour alléger, « la dérivée par $w$ » abrège « la dérivée par rapport à $w$ ».)

# %% [markdown] question="retro-derivee-cout" kind="code"
# ### La dernière couche : le coût
#
# L'erreur est $err = -y \log z^{(2)} - (1 - y) \log(1 - z^{(2)})$. Cette couche n'a aucun
# paramètre, mais on peut la dériver par son entrée : écrivez
# $\dfrac{\partial\, err}{\partial z^{(2)}}$.

# %% [markdown] hint="retro-derivee-cout"
# $y$ est une constante. La dérivée de $\log z$ est $1/z$ ; celle de $\log(1 - z)$ porte un signe
# moins.

# %% [markdown] hint="retro-derivee-cout"
# Vous obtenez deux fractions, l'une en $y$ et l'autre en $1 - y$. Contrôlez leurs signes : si
# $y = 1$, augmenter $z^{(2)}$ doit réduire l'erreur.


# %% answer="retro-derivee-cout"
def cost_by_output(z2, y):
    return -y / z2 + (1 - y) / (1 - z2)  # SOLUTION


# %% test="retro-derivee-cout-test" points=1
check.cost_by_output(cost_by_output)
### BEGIN HIDDEN TESTS
grade(check.cost_by_output(cost_by_output, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="retro-derivee-sortie" kind="code"
# ### La couche 2 : un poids
#
# $z^{(2)} = \sigma\big(w_{1,1}^{(2)} z_1^{(1)} + w_{2,1}^{(2)} z_2^{(1)} + b_1^{(2)}\big)$, et la
# sigmoïde a une propriété commode : $\sigma' = \sigma\,(1 - \sigma)$. Écrivez
# $\dfrac{\partial\, err}{\partial w_{1,1}^{(2)}}$, où `z1` est $z_1^{(1)}$. Vous pouvez appeler
# `cost_by_output`.

# %% [markdown] hint="retro-derivee-sortie"
# Trois maillons : l'erreur par $z^{(2)}$, $z^{(2)}$ par le logit, le logit par le poids.

# %% [markdown] hint="retro-derivee-sortie"
# Le deuxième maillon est $z^{(2)}(1 - z^{(2)})$, et le troisième est la valeur que ce poids
# multiplie. Le produit se simplifie : il ne reste plus de fraction.


# %% answer="retro-derivee-sortie"
def cost_by_weight(z1, z2, y):
    return (z2 - y) * z1  # SOLUTION


# %% test="retro-derivee-sortie-test" points=2
check.cost_by_weight(cost_by_weight)
### BEGIN HIDDEN TESTS
grade(check.cost_by_weight(cost_by_weight, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="retro-derivee-entree" kind="code"
# ### La couche 2 : son entrée
#
# Pour continuer à remonter, il faut savoir comment $z^{(2)}$ dépend de ce que cette couche reçoit :
# écrivez $\dfrac{\partial z^{(2)}}{\partial z_1^{(1)}}$, où `w2` est $w_{1,1}^{(2)}$.

# %% [markdown] hint="retro-derivee-entree"
# Deux maillons : $z^{(2)}$ par le logit, puis le logit par $z_1^{(1)}$.

# %% [markdown] hint="retro-derivee-entree"
# Le logit contient $w_{1,1}^{(2)} z_1^{(1)}$ : quand $z_1^{(1)}$ augmente de 1, il augmente donc du
# poids. Reste à multiplier par la pente de la sigmoïde, écrite avec $z^{(2)}$.


# %% answer="retro-derivee-entree"
def output_by_hidden(z2, w2):
    return z2 * (1 - z2) * w2  # SOLUTION


# %% test="retro-derivee-entree-test" points=1
check.output_by_hidden(output_by_hidden)
### BEGIN HIDDEN TESTS
grade(check.output_by_hidden(output_by_hidden, seed=1), points=1)
### END HIDDEN TESTS

# %%
cost_by_output = check.cost_by_output.use(cost_by_output, perceptron.cost_by_output)
output_by_hidden = check.output_by_hidden.use(output_by_hidden, perceptron.output_by_hidden)

# %% [markdown] question="retro-derivee-premiere" kind="code"
# ### La première couche
#
# Dernière étape : $z_1^{(1)}$ est à son tour une sigmoïde, dont le logit contient
# $w_{1,1}^{(1)} x_1$. Écrivez $\dfrac{\partial\, err}{\partial w_{1,1}^{(1)}}$. Les noms sont ceux
# des questions précédentes, et `x` est $x_1$.

# %% [markdown] hint="retro-derivee-premiere"
# Suivez le chemin sur le graphe, de $err$ à $w_{1,1}^{(1)}$ : il passe par $z^{(2)}$ puis
# $z_1^{(1)}$. Vous avez déjà les deux premiers facteurs.

# %% [markdown] hint="retro-derivee-premiere"
# `cost_by_output(z2, y) * output_by_hidden(z2, w2)` dit combien l'erreur dépend de $z_1^{(1)}$.
# Multipliez par la pente de l'unité cachée, écrite avec `z1`, et par ce que le poids multiplie.


# %% answer="retro-derivee-premiere"
def cost_by_first_weight(x, z1, z2, w2, y):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # by_z1 = ...  # de l'erreur par rapport à z1
    # return ...
    by_z1 = (z2 - y) * w2
    return by_z1 * z1 * (1 - z1) * x
    ### END SOLUTION


# %% test="retro-derivee-premiere-test" points=2
check.cost_by_first_weight(cost_by_first_weight)
### BEGIN HIDDEN TESTS
grade(check.cost_by_first_weight(cost_by_first_weight, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Le document 003 s'arrête ici : les autres paramètres s'obtiennent de même. Mais on ne croit pas un
# gradient sur parole. Comparons vos quatre dérivées à celles de PyTorch
# (**autograd**), et à une dérivée **numérique** : on bouge un peu la variable, et on regarde de
# combien le résultat change.

# %%
mine.cost_by_weight = check.cost_by_weight.use(cost_by_weight, perceptron.cost_by_weight)
mine.cost_by_first_weight = check.cost_by_first_weight.use(
    cost_by_first_weight, perceptron.cost_by_first_weight
)


# %%
def run(x, W1, b1, w2, b2, y):
    """The 2-2-1 network, in PyTorch: what each layer gives."""
    z1 = torch.sigmoid(x @ W1 + b1)
    z2 = torch.sigmoid(z1 @ w2 + b2)
    return z1, z2, -y * z2.log() - (1 - y) * (1 - z2).log()


def draw():
    """An example, the parameters of a network, and a label."""
    shapes = [(2,), (2, 2), (2,), (2,), ()]
    numbers = [torch.tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]
    return *numbers, int(rng.integers(2))


# %%
def by_hand(x, W1, b1, w2, b2, y):
    z1, z2, _ = (value.detach().numpy() for value in run(x, W1, b1, w2, b2, y))
    x, w2 = x.detach().numpy(), w2.detach().numpy()
    first = mine.cost_by_first_weight(x[0], z1[0], z2, w2[0], y)
    output = output_by_hidden(z2, w2[0])
    return [cost_by_output(z2, y), mine.cost_by_weight(z1[0], z2, y), output, first]


def by_autograd(x, W1, b1, w2, b2, y):
    z1, z2, err = run(x, W1, b1, w2, b2, y)
    by_z2, by_w2, by_W1 = torch.autograd.grad(err, [z2, w2, W1], retain_graph=True)
    (by_z1,) = torch.autograd.grad(z2, [z1])
    return [one.item() for one in (by_z2, by_w2[0], by_z1[0], by_W1[0, 0])]


# %%
def slope(f, value, epsilon=1e-5):
    return (f(value + epsilon) - f(value - epsilon)) / (2 * epsilon)


def numerically(x, W1, b1, w2, b2, y):
    x, W1, b1, w2, b2 = (one.detach() for one in (x, W1, b1, w2, b2))
    z1, z2, _ = run(x, W1, b1, w2, b2, y)
    unit = torch.tensor([1.0, 0])
    by_z2 = slope(lambda z: perceptron.cross_entropy(z, y), z2)
    by_w2 = slope(lambda w: run(x, W1, b1, w2 + unit * (w - w2[0]), b2, y)[2], w2[0])
    by_z1 = slope(lambda z: torch.sigmoid((z1 + unit * (z - z1[0])) @ w2 + b2), z1[0])
    corner = torch.diag(unit)
    by_W1 = slope(lambda w: run(x, W1 + corner * (w - W1[0, 0]), b1, w2, b2, y)[2], W1[0, 0])
    return [float(one) for one in (by_z2, by_w2, by_z1, by_W1)]


# %%
draws = [draw() for _ in range(100)]
methods = (by_hand, by_autograd, numerically)
found = np.array([[method(*one) for one in draws] for method in methods])  # (3, 100, 4)
gaps = np.abs(found[0] - found[1:]).max(axis=1)  # (2, 4): against autograd, then numerical
rows = []
for k, name in enumerate(["err par z(2)", "err par w(2)", "z(2) par z(1)", "err par w(1)"]):
    values = [decimal(value, ".8g") for value in found[:, 0, k]]
    rows.append([name, *values, *(f"{gap:.0e}" for gap in gaps[:, k])])
Table(["dérivée", "à la main", "autograd", "numérique", "écart (autograd)", "écart (num.)"], rows)

# %% [markdown]
# Les trois premières colonnes sont celles d'un tirage, et les écarts, les plus grands sur 100
# tirages. L'accord avec autograd va jusqu'à la quinzième décimale : il fait le même calcul que vous.
# La dérivée numérique est bien moins précise (sept ou huit décimales) : la partie 4 dira pourquoi.
#
# Voici un exemple complet. En bleu, les valeurs, calculées de gauche à droite ; en orange, les
# dérivées de l'erreur, calculées de droite à gauche. Suivez un chemin : chaque dérivée est celle qui
# est à sa droite, multipliée par un facteur local. Quand plusieurs flèches partent d'une valeur, comme
# de $x_1$, chaque chemin donne sa part, et les parts **s'additionnent**.

# %%
x, W1, b1, w2, b2, y = draws[0]
z1, z2, err = run(x, W1, b1, w2, b2, y)
tensors = [x, W1, b1, w2, b2, z1, z2, err]
gradients = torch.autograd.grad(err, tensors)


def places(x, W1, b1, w2, b2, z1, z2, err):
    """Where each number stands on the graph."""
    nodes = {"x1": x[0], "x2": x[1], "z11": z1[0], "z12": z1[1], "z2": z2, "err": err}
    nodes |= {"b11": b1[0], "b12": b1[1], "b2": b2}
    nodes |= {(f"x{v + 1}", f"z1{u + 1}"): W1[v, u] for v in (0, 1) for u in (0, 1)}
    nodes |= {(f"z1{u + 1}", "z2"): w2[u] for u in (0, 1)}
    return {key: value.item() for key, value in nodes.items()}


print("étiquette :", y)
perceptron_graph(places(*tensors), places(*gradients))

# %% [markdown]
# Un seul passage a donné **toutes** les dérivées : voilà pourquoi on remonte. En partant des
# paramètres, il faudrait un passage pour chacun d'eux.
#
# ## 3. Des unités qui savent se dériver
#
# Le document 003 le remarque : le perceptron invite à programmer avec des objets. Chaque unité ne
# connaît que son propre calcul, et a trois méthodes :
#
# - `forward(inputs)` calcule la sortie, et garde ce dont `backward` aura besoin ;
# - `backward(gradient)` reçoit la dérivée du coût par rapport à la **sortie** de l'unité, range les
#   dérivées par rapport à ses paramètres, et renvoie celle par rapport à son **entrée** : c'est la
#   règle de la chaîne, un maillon ;
# - `step(rate)` corrige ses paramètres.
#
# On traite un **lot** de $N$ exemples à la fois, un par ligne. Le document 003 additionne les erreurs
# des exemples ; nous en prenons la moyenne, pour que le pas ne dépende pas de la taille du lot. C'est
# le coût, et lui seul, qui divise par $N$ : les autres unités additionnent.

# %% [markdown] question="retro-lineaire" kind="code"
# ### Une couche linéaire
#
# $U$ neurones qui lisent chacun $D$ entrées : `outputs = inputs @ weights + bias`. Complétez la
# classe. Un bon guide : une dérivée par un tableau a toujours la **forme** de ce tableau.

# %% [markdown] hint="retro-lineaire"
# `inputs` est (N, D), `gradient` est (N, U), et `weights_gradient` doit être (D, U) : il n'y a
# qu'un produit de matrices, à une transposition près, qui donne cette forme. De même pour ce que
# `backward` renvoie, (N, D).

# %% [markdown] hint="retro-lineaire"
# Les transposées à prendre sont `self.inputs.T` et `self.weights.T` : de quel côté du gradient ?
# Le biais s'ajoute à chacun des N exemples, donc son gradient est une somme sur `axis=0`. Quant au
# pas, il retire à chaque paramètre `rate` fois son gradient.


# %% answer="retro-lineaire"
class Linear(Unit):
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias  # (D, U), (U,)

    def forward(self, inputs):  # (N, D) -> (N, U)
        self.inputs = inputs
        return inputs @ self.weights + self.bias  # SOLUTION

    def backward(self, gradient):  # (N, U) -> (N, D)
        self.weights_gradient = self.inputs.T @ gradient  # (D, U)  # SOLUTION
        self.bias_gradient = gradient.sum(axis=0)  # (U,)  # SOLUTION
        return gradient @ self.weights.T  # SOLUTION

    def step(self, rate):
        self.weights = self.weights - rate * self.weights_gradient  # SOLUTION
        self.bias = self.bias - rate * self.bias_gradient  # SOLUTION


# %% test="retro-lineaire-test" points=3
check.linear(Linear)
### BEGIN HIDDEN TESTS
grade(check.linear(Linear, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown] question="retro-activation" kind="code"
# ### Deux activations
#
# La sigmoïde et la tangente hyperbolique agissent case par case, sur un tableau de forme
# quelconque, et n'ont rien à apprendre. Leurs pentes s'écrivent avec leur **sortie**, que `forward`
# garde : $s' = s(1 - s)$ et $t' = 1 - t^2$.

# %% [markdown] hint="retro-activation"
# `backward` ne renvoie pas la pente seule : quelle est la règle de la chaîne ?

# %% [markdown] hint="retro-activation"
# Chaque case du gradient reçu est multipliée par la pente de la même case : c'est un produit terme
# à terme, `*`, entre `gradient` et une expression en `self.outputs`.


# %% answer="retro-activation-sigmoide"
class Sigmoid(Unit):
    def forward(self, inputs):
        self.outputs = 1 / (1 + np.exp(-inputs))
        return self.outputs

    def backward(self, gradient):
        return gradient * self.outputs * (1 - self.outputs)  # SOLUTION


# %% test="retro-activation-sigmoide-test" points=1
check.sigmoid(Sigmoid)
### BEGIN HIDDEN TESTS
grade(check.sigmoid(Sigmoid, seed=1), points=1)
### END HIDDEN TESTS


# %% answer="retro-activation-tanh"
class Tanh(Unit):
    def forward(self, inputs):
        self.outputs = np.tanh(inputs)
        return self.outputs

    def backward(self, gradient):
        return gradient * (1 - self.outputs**2)  # SOLUTION


# %% test="retro-activation-tanh-test" points=1
check.tanh(Tanh)
### BEGIN HIDDEN TESTS
grade(check.tanh(Tanh, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="retro-entropie" kind="code"
# ### L'entropie croisée de plusieurs classes
#
# Avec $C$ classes, le réseau donne $C$ scores $s_1, \dots, s_C$ par exemple. Le **softmax** en fait
# des probabilités, $p_c = e^{s_c} / \sum_j e^{s_j}$, et l'erreur est $-\log p_y$, où $y$ est la
# bonne classe. Retirer le plus grand score à tous ne change rien aux probabilités, et évite tout
# débordement. La dérivée par le score $s_c$ est $p_c - 1$ pour la bonne classe, et $p_c$ pour les
# autres.
#
# Complétez la classe : le logarithme des probabilités, le coût moyen, et son gradient (N, C).

# %% [markdown] hint="retro-entropie"
# $\log p_c = s_c - \log \sum_j e^{s_j}$ : une soustraction, où `sums` a déjà la forme (N, 1).

# %% [markdown] hint="retro-entropie"
# `logs[np.arange(len(labels)), labels]` prend, sur chaque ligne, la case de la bonne classe.
# `one_hot` vaut 1 pour la bonne classe et 0 ailleurs : la dérivée est une différence de deux
# tableaux. N'oubliez pas que le coût est une moyenne.


# %% answer="retro-entropie"
class CrossEntropy:
    def forward(self, scores, labels):  # (N, C), (N,) -> a number
        shifted = scores - scores.max(axis=1, keepdims=True)
        sums = np.exp(shifted).sum(axis=1, keepdims=True)  # (N, 1)
        logs = shifted - np.log(sums)  # of the probabilities, (N, C)  # SOLUTION
        self.probabilities, self.labels = np.exp(logs), labels
        return -logs[np.arange(len(labels)), labels].mean()  # SOLUTION

    def backward(self):  # (N, C)
        one_hot = np.eye(self.probabilities.shape[1])[self.labels]
        return (self.probabilities - one_hot) / len(one_hot)  # SOLUTION


# %% test="retro-entropie-test" points=2
check.cross_entropy(CrossEntropy)
### BEGIN HIDDEN TESTS
grade(check.cross_entropy(CrossEntropy, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="retro-reseau" kind="code"
# ### Un réseau
#
# Un réseau est une suite d'unités, puis un coût. `Row` fait déjà passer les valeurs en avant.
# Complétez `Network` : `backward` fait remonter un gradient de la dernière unité à la première et
# le renvoie ; `learn` fait un pas de descente sur un lot, et renvoie le coût d'avant ce pas.


# %%
class Row(Unit):
    def __init__(self, units, cost):
        self.units, self.cost = units, cost

    def forward(self, inputs):
        for unit in self.units:
            inputs = unit.forward(inputs)
        return inputs

    def step(self, rate):
        for unit in self.units:
            unit.step(rate)


# %% [markdown] hint="retro-reseau"
# Chaque unité reçoit ce que la suivante renvoie. `reversed(liste)` parcourt une liste à l'envers.

# %% [markdown] hint="retro-reseau"
# Dans `learn`, le premier gradient est celui du coût : `self.cost.backward()`. À qui faut-il le
# donner ? Et le pas peut-il venir avant ?


# %% answer="retro-reseau"
class Network(Row):
    def backward(self, gradient):
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # for unit in ...:
        #     gradient = ...
        for unit in reversed(self.units):
            gradient = unit.backward(gradient)
        ### END SOLUTION
        return gradient

    def learn(self, inputs, labels, rate):
        cost = self.cost.forward(self.forward(inputs), labels)
        ### BEGIN SOLUTION
        self.backward(self.cost.backward())
        self.step(rate)
        ### END SOLUTION
        return cost


# %% test="retro-reseau-test" points=2
check.network(Network)
### BEGIN HIDDEN TESTS
grade(check.network(Network, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Empilons vos unités, et comparons tous les gradients d'un réseau 4-5-3 à ceux de PyTorch.

# %%
mine.Linear = check.linear.use(Linear, otherwise=units.Linear)
mine.Sigmoid = check.sigmoid.use(Sigmoid, otherwise=units.Sigmoid)
mine.Tanh = check.tanh.use(Tanh, otherwise=units.Tanh)
mine.CrossEntropy = check.cross_entropy.use(CrossEntropy, otherwise=units.CrossEntropy)
mine.Network = check.network.use(Network, otherwise=network.Network)


# %%
def normal_weights(*shapes):
    return [rng.normal(size=shape) for shape in shapes]


W1, b1, W2, b2 = normal_weights((4, 5), 5, (5, 3), 3)
inputs, labels = rng.normal(size=(6, 4)), rng.integers(3, size=6)
first, last = mine.Linear(W1, b1), mine.Linear(W2, b2)
net = mine.Network([first, mine.Tanh(), last], mine.CrossEntropy())
cost = net.cost.forward(net.forward(inputs), labels)
passed = net.backward(net.cost.backward())

# %%
leaves = [torch.tensor(one, requires_grad=True) for one in (W1, b1, W2, b2)]
hidden = torch.tanh(torch.tensor(inputs) @ leaves[0] + leaves[1])
scores = hidden @ leaves[2] + leaves[3]
torch.nn.functional.cross_entropy(scores, torch.tensor(labels)).backward()
ours = [first.weights_gradient, first.bias_gradient, last.weights_gradient, last.bias_gradient]
for name, gradient, leaf in zip(["W1", "b1", "W2", "b2"], ours, leaves):
    gap = np.abs(gradient - leaf.grad.numpy()).max()
    print(f"{name} {gradient.shape!s:<7} plus grand écart {gap:.0e}")

# %% [markdown]
# C'est exactement ce que fait `loss.backward()` : PyTorch note chaque opération pendant le passage
# en avant, puis appelle le `backward` de chacune en remontant. Une différence : ses gradients
# **s'ajoutent** aux précédents, d'où le `zero_grad()` des boucles d'apprentissage. Les vôtres
# remplacent les anciens.
#
# ## 4. Faire confiance à un gradient
#
# On ne débogue pas un gradient à l'œil : un réseau dont le gradient est faux apprend souvent quand
# même, mais mal. La parade est la dérivée numérique, par une différence **avant**
# $\dfrac{f(w + \varepsilon) - f(w)}{\varepsilon}$ ou **centrée**
# $\dfrac{f(w + \varepsilon) - f(w - \varepsilon)}{2\varepsilon}$. Quel $\varepsilon$ choisir ?
#
# > **Prédisez.** Parmi $10^{-2}$, $10^{-5}$, $10^{-8}$ et $10^{-15}$, quel pas donne la dérivée
# > centrée la plus précise ?

# %% [markdown]
# *Votre prédiction, en une ligne.*

# %%
x, W1, b1, w2, b2, y = (one.detach().numpy() if torch.is_tensor(one) else one for one in draws[1])


def error_at(w):
    """The error of the 2-2-1 network, when the weight w(1) of x1 in the first unit is w."""
    changed = W1 + np.array([[w - W1[0, 0], 0], [0, 0]])
    z1 = units.sigmoid(x @ changed + b1)
    return perceptron.cross_entropy(units.sigmoid(z1 @ w2 + b2), y)


z1 = units.sigmoid(x @ W1 + b1)
exact = mine.cost_by_first_weight(x[0], z1[0], units.sigmoid(z1 @ w2 + b2), w2[0], y)

# %%
w = W1[0, 0]
epsilons = 10.0 ** np.arange(-15, 0.1, 0.5)
forward = [(error_at(w + e) - error_at(w)) / e for e in epsilons]
central = [(error_at(w + e) - error_at(w - e)) / (2 * e) for e in epsilons]
errors = {
    "différence avant": np.abs(np.array(forward) / exact - 1),
    "différence centrée": np.abs(np.array(central) / exact - 1),
}
curves.gradient_errors(epsilons, errors)

# %% [markdown] question="retro-difference-finie" kind="experience"
# ### Ni trop grand, ni trop petit
#
# Lisez la figure de droite à gauche : quelle est la pente de chaque courbe, et pourquoi ? Que se
# passe-t-il quand $\varepsilon$ devient très petit ? Quel pas et quelle formule choisir ? Votre
# prédiction était-elle bonne ?

# %% [markdown] answer="retro-difference-finie-texte" points=3
# ### BEGIN MARK SCHEME
# - À droite, l'erreur de la formule : la différence avant est d'ordre 1 (pente 1 : un pas 10 fois
#   plus petit, une erreur 10 fois plus petite), la différence centrée d'ordre 2 (pente 2), car le
#   terme en $\varepsilon$ du développement de Taylor s'y élimine : 1 point.
# - À gauche, l'erreur d'arrondi : on soustrait deux nombres presque égaux, connus à $10^{-16}$ près,
#   puis on divise par $\varepsilon$ : l'erreur croît comme $10^{-16}/\varepsilon$ (pente $-1$) :
#   1 point.
# - Le meilleur compromis est vers $10^{-7}$ pour la différence avant (erreur d'environ $10^{-7}$),
#   vers $10^{-5}$ pour la centrée (environ $10^{-9}$), que l'on préfère donc ; $10^{-15}$ ne vaut
#   rien : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# D'où un test que l'on garde pour toute la suite : bouger chaque poids d'un réseau de $10^{-5}$, et
# comparer. Il coûte deux passages par poids, là où la rétropropagation n'en demande qu'un pour
# tous : on le réserve aux petits réseaux, et aux couches que l'on vient d'écrire.


# %%
def cost_of(values):
    first.weights = values
    return net.cost.forward(net.forward(inputs), labels)


right = first.weights
start = perf_counter()
numerical = network.numerical_gradient(cost_of, right)
first.weights = right
gap = np.abs(numerical - first.weights_gradient).max()
print(f"{right.size} poids, {2 * right.size} passages : plus grand écart {gap:.0e}")

# %% [markdown]
# ## 5. Une descente dépend de son départ
#
# Le **ou exclusif** est le plus petit problème qu'une droite ne résout pas : répondre 1 si une
# seule des deux entrées vaut 1. Deux unités cachées suffisent *en théorie*. Mais la descente de
# gradient ne promet qu'un minimum **local**, qui dépend du point de départ $\theta_0$.
#
# > **Prédisez.** Sur 30 départs au hasard, combien de réseaux 2-2-1 échouent ? Et avec 4, puis 8
# > unités cachées ?

# %% [markdown]
# *Votre prédiction, en une ligne.*

# %%
xor, xor_labels = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def xor_network(hidden, seed):
    draws = np.random.default_rng(seed)

    def draw(shape):
        return draws.normal(size=shape)

    chain = network.dense((2, hidden, 1), draw, mine.Linear, mine.Sigmoid)
    return mine.Network(chain, units.LogLoss())


# %%
costs = {}
for hidden in (2, 4, 8):
    nets = [xor_network(hidden, seed) for seed in range(P.starts)]
    costs[f"2-{hidden}-1"] = np.array(
        [network.train(net, xor, xor_labels, rate=3.0, epochs=P.descent_steps) for net in nets]
    )
curves.descents(costs)

# %% [markdown]
# Regardons de près un réseau 2-2-1 qui réussit et un qui échoue, avec les droites de leurs deux
# unités cachées (en tirets ; une droite peut se confondre avec la frontière, ou sortir du cadre).

# %%
final = costs["2-2-1"][:, -1]
panels = []
for title, seed in {"réussite": final.argmin(), "échec": final.argmax()}.items():
    net = xor_network(2, int(seed))
    network.train(net, xor, xor_labels, rate=3.0, epochs=P.descent_steps)
    lines = net.units[0].weights, net.units[0].bias
    text = f"{title} : coût {decimal(final[seed], '.2g')}"
    panels.append(Panel(text, lambda X, net=net: net.forward(X)[:, 0], lines))
boundaries(panels, xor, xor_labels)

# %% [markdown] question="retro-departs" kind="experience"
# ### Bons et mauvais départs
#
# Quelle part des départs échoue pour chaque taille ? À quelle hauteur les échecs se figent-ils, et
# que répond alors le réseau ? Pourquoi ajouter des unités aide-t-il, alors que deux suffisent ?
# Comparez à votre prédiction.

# %% [markdown] answer="retro-departs-texte" points=3
# ### BEGIN MARK SCHEME
# - Lecture : environ un quart des réseaux 2-2-1 échouent (7 sur 30 ici), presque aucun 2-4-1, aucun
#   2-8-1 : 1 point.
# - Les échecs se figent vers 0,35 ou 0,48 : le gradient y est presque nul. À
#   $0{,}35 \approx \frac{1}{2}\log 2$, deux points sont sûrs et les deux autres reçoivent la même
#   probabilité, 1/2. À 0,48, un seul point est isolé, et les trois autres reçoivent 2/3 : 1 point.
# - Avec plus d'unités, il y a plus de droites : il suffit que deux d'entre elles partent du bon côté,
#   et il y a davantage de directions pour sortir d'un mauvais endroit. En pratique : plus d'unités
#   que nécessaire, et plusieurs départs : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# Et le **pas** (*learning rate*) ? Gardons un réseau qui réussit, et ne laissons bouger que deux de
# ses poids, $w_{1,1}^{(1)}$ et $w_{1,1}^{(2)}$ : leur coût se dessine comme une carte, en lignes de
# niveau (plus sombres au fond). La même descente, 40 pas depuis le même départ, y est tracée pour
# quatre valeurs de $\eta$, la longueur du pas.

# %%
net = xor_network(2, int(final.argmin()))
network.train(net, xor, xor_labels, rate=3.0, epochs=P.descent_steps)
hidden, output = net.units[0], net.units[2]
solution = hidden.weights, output.weights


def two_weights(a, b):
    """The cost, and its gradient, when the weights w(1) and w(2) that we follow are a and b."""
    hidden.weights, output.weights = solution[0].copy(), solution[1].copy()
    hidden.weights[0, 0], output.weights[0, 0] = a, b
    cost = net.cost.forward(net.forward(xor), xor_labels)
    net.backward(net.cost.backward())
    return cost, np.array([hidden.weights_gradient[0, 0], output.weights_gradient[0, 0]])


# %%
best = np.array([solution[0][0, 0], solution[1][0, 0]])
paths = {}
for rate in (0.1, 3.0, 30.0, 100.0):
    path = [best / 2]
    for _ in range(40):
        path.append(path[-1] - rate * two_weights(*path[-1])[1])
    paths[f"η = {decimal(rate, '.3g')}"] = np.array(path)
ranges = np.linspace(-0.3, 2.3, 60), np.linspace(-0.3, 1.7, 60)
first_axis, second_axis = (np.sort(share * value) for share, value in zip(ranges, best))
surface = np.array([[two_weights(a, b)[0] for a in first_axis] for b in second_axis])
curves.loss_surface(first_axis, second_axis, surface, paths, ("$w_{1,1}^{(1)}$", "$w_{1,1}^{(2)}$"))

# %% [markdown] question="retro-pas" kind="experience"
# ### Le pas
#
# Décrivez les quatre trajectoires. Qu'est-ce qu'un pas trop petit, un pas trop grand ? Le document
# 003 affirme que régler le pas n'est pas spécialement plus difficile que pour la régression
# logistique : qu'est-ce qui, ici, peut tout de même surprendre ?

# %% [markdown] answer="retro-pas-texte" points=2
# ### BEGIN MARK SCHEME
# - 0,1 est trop petit : la descente va dans la bonne direction, mais n'a presque pas bougé en 40 pas.
#   3 convient : elle descend régulièrement dans la vallée, sans en atteindre encore le fond. 30 est
#   trop grand : elle saute d'un versant à l'autre, puis retombe par chance dans la vallée (ici, un
#   peu plus loin que 3). 100 diverge : un seul pas l'envoie hors du cadre, là où les sigmoïdes sont
#   saturées et où elle oscille sans fin : 1 point.
# - Comme pour la régression logistique, on cherche par essais (facteurs 3 ou 10) le plus grand pas
#   qui ne diverge pas. Mais la surface n'est pas convexe : elle a des plateaux et plusieurs fonds,
#   et un pas différent peut mener ailleurs, pas seulement plus ou moins vite : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## 6. La capacité
#
# Chaque unité cachée trace une droite, et la couche suivante assemble les demi-plans. Plus il y a
# d'unités, plus la frontière peut se plier : c'est la **capacité**. Le document 003 nomme deux
# dangers : il faut plus de données, et l'optimisation devient plus difficile. Voyons, sur deux
# spirales.


# %%
def spirals(count, noise, rng):
    radius, label = np.sqrt(rng.uniform(0.02, 1, count)), np.arange(count) % 2
    angle = 2.6 * np.pi * radius + np.pi * label
    arms = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return 2 * arms + noise * rng.normal(size=(count, 2)), label


def small_network(sizes, seed):
    draws = np.random.default_rng(seed)

    def draw(shape):
        return 1.5 * draws.normal(size=shape) / np.sqrt(shape[1])

    return mine.Network(network.dense(sizes, draw, mine.Linear, mine.Tanh), units.LogLoss())


points, spiral_labels = spirals(200, 0.06, np.random.default_rng(1))


# %%
def trained_panel(sizes, X, labels, epochs, batch=20):
    """A network trained on these points: its picture, with its hidden units' lines."""
    net = small_network(sizes, seed=0)
    network.train(net, X, labels, rate=0.5, epochs=epochs, batch=batch)
    right = np.mean((net.forward(X)[:, 0] > 0) == labels)
    first = net.units[0]
    lines = (first.weights, first.bias) if len(sizes) == 3 else None
    title = f"{'-'.join(map(str, sizes))} : {percent(right, 0)}"
    return Panel(title, lambda points: net.forward(points)[:, 0], lines)


# %% [markdown]
# > **Prédisez.** Avec une seule couche cachée, combien d'unités faut-il pour démêler les spirales :
# > 1, 2, 4, 8, 16 ou 64 ? Et avec plusieurs couches de 8 ?

# %% [markdown]
# *Votre prédiction, en une ligne.*

# %%
shapes = [(2, units_, 1) for units_ in (1, 2, 4, 8, 16, 64)]
shapes += [(2, 8, 8, 1), (2, 8, 8, 8, 1)]
panels = [trained_panel(sizes, points, spiral_labels, P.epochs) for sizes in shapes]
boundaries(panels, points, spiral_labels)

# %% [markdown]
# Les tirets sont les droites des unités cachées (seize au plus). Voici la frontière d'un réseau
# 2-16-1 pendant son apprentissage, d'abord presque droite, puis enroulée. (Une **époque** est un
# passage sur tous les points.)

# %%
net, panels, done = small_network((2, 16, 1), seed=0), [], 0
for epoch in np.unique(np.geomspace(1, P.epochs, 14).astype(int)):
    network.train(net, points, spiral_labels, 0.5, epochs=int(epoch) - done, batch=20, seed=done)
    done, copies = int(epoch), [np.copy(unit.weights) for unit in (net.units[0], net.units[2])]
    biases = [np.copy(unit.bias) for unit in (net.units[0], net.units[2])]

    def score(X, copies=copies, biases=biases):
        return (np.tanh(X @ copies[0] + biases[0]) @ copies[1] + biases[1])[:, 0]

    panels.append(Panel(f"2-16-1, époque {done}", score, (copies[0], biases[0])))
title = "La frontière s'enroule autour des spirales, époque après époque."
boundary_film(panels, points, spiral_labels, title)

# %% [markdown]
# Une grande capacité se paie. Voici 40 points **bruités** en forme de lunes, et 1 000 autres pour
# tester. Deux réseaux, de 3 et de 64 unités cachées, apprennent longtemps.

# %%
few = make_moons(40, noise=0.3, random_state=0)
many = make_moons(1000, noise=0.3, random_state=100)


def costs_of(net):
    return [net.cost.forward(net.forward(X), labels) for X, labels in (few, many)]


history, panels = {}, []
for name, sizes in {"2-3-1": (2, 3, 1), "2-64-1": (2, 64, 1)}.items():
    net, both = small_network(sizes, seed=0), []
    for _ in range(P.epochs):
        network.train(net, *few, rate=0.5, epochs=10)
        both.append(costs_of(net))
    history[f"{name}, apprentissage"], history[f"{name}, test"] = np.array(both).T
    right = percent(np.mean((net.forward(many[0])[:, 0] > 0) == many[1]), 0)
    panels.append(Panel(f"{name} : test {right}", lambda X, net=net: net.forward(X)[:, 0]))

# %%
title = "40 points pour apprendre, 1 000 pour tester"
curves.lines(history, "époque", "coût moyen", title, xs=10 * np.arange(1, P.epochs + 1))

# %%
boundaries(panels, *few)

# %% [markdown] question="retro-capacite" kind="experience" star=true
# ### Assez, mais pas trop
#
# 1. Comment la frontière change-t-elle avec le nombre d'unités, puis de couches ? Combien d'unités
#    suffisent ici ? Revenez sur votre prédiction.
# 2. Sur les 40 points bruités, décrivez ce que font les coûts d'apprentissage et de test du grand
#    réseau. Comment appelle-t-on cela, et que feriez-vous ?

# %% [markdown] answer="retro-capacite-texte" points=4
# ### BEGIN MARK SCHEME
# - Avec 1 ou 2 unités, une droite (72 % des points) ; avec 4, une frontière courbe qui suit déjà
#   l'essentiel (94 %) ; à partir de 8 unités, la frontière s'enroule et tous les points sont bien
#   classés : 1 point.
# - Plusieurs couches de 8 y arrivent aussi, avec plus de paramètres (105 et 177) que l'unique couche
#   de 8 (33), qui suffit ici : la deuxième combine des régions déjà courbes, au lieu de droites. La
#   capacité ne se réduit pas à un nombre d'unités : 1 point.
# - Pour 64 unités, le coût d'apprentissage tend vers 0, et celui de test baisse puis **remonte** :
#   c'est le surapprentissage. Le réseau apprend le bruit, et sa frontière contourne des points
#   isolés : environ 80 % de bonnes réponses sur le test, contre 90 % pour 3 unités : 1 point.
# - Remèdes, deux au moins : plus de données, moins d'unités, arrêter quand le coût de validation
#   remonte, pénaliser les grands poids, dropout (notebook 05). Il faut une validation pour le voir :
#   1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## 7. À travers les couches d'un réseau convolutionnel (CNN)
#
# Selon le document 003, la même descente, couche par couche, traverse aussi la convolution et le
# pooling. Il reste à l'écrire : une fois ces trois couches prêtes, un réseau convolutionnel n'a plus
# de secret.

# %% [markdown] question="retro-relu" kind="code"
# ### ReLU
#
# C'est la plus simple des dérivées. Écrivez cette unité, pour un tableau de forme quelconque. En 0, où elle n'est pas dérivable, on convient d'une pente nulle, comme PyTorch.

# %% [markdown] hint="retro-relu"
# Où l'entrée est négative, la sortie ne bouge pas quand l'entrée bouge un peu. Et ailleurs ?

# %% [markdown] hint="retro-relu"
# `self.inputs > 0` est un tableau de vrais et de faux, qui se multiplie comme des 1 et des 0.


# %% answer="retro-relu"
class ReLU(Unit):
    def forward(self, inputs):
        self.inputs = inputs
        return np.maximum(inputs, 0)  # SOLUTION

    def backward(self, gradient):
        return gradient * (self.inputs > 0)  # SOLUTION


# %% test="retro-relu-test" points=1
check.relu(ReLU)
### BEGIN HIDDEN TESTS
grade(check.relu(ReLU, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="retro-maxpool" kind="code"
# ### Max-pooling
#
# Le gradient est transmis au pixel que le maximum a choisi ; les autres, qui n'ont compté pour
# rien, reçoivent 0. Si plusieurs pixels sont **à égalité**, un seul a été choisi : on convient du
# premier, de gauche à droite puis de haut en bas, comme PyTorch.
#
# Les fenêtres, de côté `size`, ne se chevauchent pas. Complétez les deux lignes : où est le maximum
# de chaque fenêtre, puis ce que chacun de ses pixels reçoit.

# %% [markdown] hint="retro-maxpool"
# `window` range les pixels d'une fenêtre sur son dernier axe. `argmax` y donne la position du plus
# grand, et du premier en cas d'égalité.

# %% [markdown] hint="retro-maxpool"
# `np.eye(size**2)[chosen]` a la forme de `window`, avec un 1 à la position choisie et des 0
# ailleurs. Le gradient d'une fenêtre est `gradient[:, :, i, j, None]`, de forme (n, c, 1).


# %% answer="retro-maxpool"
def gradient_by_maps(maps, gradient, size):
    passed = np.zeros_like(maps)  # (n, c, h, w)
    n, c, rows, columns = gradient.shape
    for i in range(rows):
        for j in range(columns):
            here = np.s_[:, :, i * size : (i + 1) * size, j * size : (j + 1) * size]
            window = maps[here].reshape(n, c, size**2)
            chosen = window.argmax(axis=2)  # (n, c)  # SOLUTION
            share = np.eye(size**2)[chosen] * gradient[:, :, i, j, None]  # SOLUTION
            passed[here] = share.reshape(n, c, size, size)
    return passed


# %% test="retro-maxpool-test" points=2
check.gradient_by_maps(gradient_by_maps)
### BEGIN HIDDEN TESTS
grade(check.gradient_by_maps(gradient_by_maps, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="retro-conv" kind="code"
# ### Convolution : les poids, le biais, l'entrée
#
# Sortie `(i, j)` : $y_{i,j} = b + \sum_{a,b'} w_{a,b'}\, x_{i+a,\,j+b'}$. Le poids $w_{a,b'}$ sert
# donc à **toutes** les positions, et chacune contribue à son gradient : c'est ce que le document 003
# veut dire quand il le corrige plusieurs fois par itération. De même, un pixel a servi à plusieurs positions. Ni padding ni stride.
#
# 1. `gradient_by_weights(images, gradient)`, de forme (f, c, k, k) ;
# 2. `gradient_by_bias(gradient)`, de forme (f,) ;
# 3. `gradient_by_images(weights, gradient)`, de forme (n, c, h, w).
#
# Les images sont (n, c, h, w), les poids (f, c, k, k), le gradient reçu (n, f, h', w').

# %% [markdown] hint="retro-conv"
# Fixez une case `(a, b)` du filtre. À la position `(i, j)`, elle rencontre le pixel `(i + a, j + b)` :
# quand `(i, j)` parcourt la sortie, ces pixels forment un morceau d'image de la taille du gradient.
# Ce morceau sert aussi bien à la première question qu'à la troisième.

# %% [markdown] hint="retro-conv"
# Le morceau commence à la ligne `a` et compte `rows` lignes ; de même pour les colonnes. `np.einsum`
# donne une lettre à chaque axe, et additionne sur celles qui manquent au résultat :
# `"nfij,ncij->fc"` laisse un nombre par filtre et par canal. Pour l'entrée, quelles lettres doivent
# rester, et laquelle disparaît ? Un pixel sert plusieurs fois : ses parts s'ajoutent.


# %% answer="retro-conv-poids"
def gradient_by_weights(images, gradient):
    rows, columns = gradient.shape[2:]
    k = images.shape[2] - rows + 1
    total = np.zeros((gradient.shape[1], images.shape[1], k, k))  # (f, c, k, k)
    for a in range(k):
        for b in range(k):
            ### BEGIN SOLUTION
            ### PLACEHOLDER
            # met = ...  # les pixels que le poids (a, b) a rencontrés, (n, c, rows, columns)
            # total[:, :, a, b] = ...
            met = images[:, :, a : a + rows, b : b + columns]
            total[:, :, a, b] = np.einsum("nfij,ncij->fc", gradient, met)
            ### END SOLUTION
    return total


# %% test="retro-conv-poids-test" points=2
check.gradient_by_weights(gradient_by_weights)
### BEGIN HIDDEN TESTS
grade(check.gradient_by_weights(gradient_by_weights, seed=1), points=2)
### END HIDDEN TESTS


# %% answer="retro-conv-biais"
def gradient_by_bias(gradient):
    return gradient.sum(axis=(0, 2, 3))  # SOLUTION


# %% test="retro-conv-biais-test" points=1
check.gradient_by_bias(gradient_by_bias)
### BEGIN HIDDEN TESTS
grade(check.gradient_by_bias(gradient_by_bias, seed=1), points=1)
### END HIDDEN TESTS


# %% answer="retro-conv-entree"
def gradient_by_images(weights, gradient):
    rows, columns = gradient.shape[2:]
    c, k = weights.shape[1:3]
    passed = np.zeros((len(gradient), c, rows + k - 1, columns + k - 1))  # (n, c, h, w)
    for a in range(k):
        for b in range(k):
            ### BEGIN SOLUTION
            ### PLACEHOLDER
            # here = ...  # les pixels que le poids (a, b) a rencontrés
            # share = ...  # ce qu'ils reçoivent, (n, c, rows, columns)
            # passed[here] = ...
            share = np.einsum("nfij,fc->ncij", gradient, weights[:, :, a, b])
            passed[:, :, a : a + rows, b : b + columns] += share
            ### END SOLUTION
    return passed


# %% test="retro-conv-entree-test" points=2
check.gradient_by_images(gradient_by_images)
### BEGIN HIDDEN TESTS
grade(check.gradient_by_images(gradient_by_images, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Remarquez les formes : le gradient par les poids **corrèle** l'image et le gradient ; celui par
# l'entrée revient à corréler le gradient, bordé de zéros, avec le filtre **retourné**. Le miroir du
# notebook 01 n'était pas loin.
#
# ### Un CNN sans PyTorch
#
# Deux classes enveloppent vos fonctions. Avec elles, tout ce qui apprend ci-dessous est de vous.

# %%
mine.ReLU = check.relu.use(ReLU, otherwise=units.ReLU)
mine.by_maps = check.gradient_by_maps.use(gradient_by_maps, otherwise=layers.gradient_by_maps)
mine.by_weights = check.gradient_by_weights.use(
    gradient_by_weights, otherwise=layers.gradient_by_weights
)
mine.by_bias = check.gradient_by_bias.use(gradient_by_bias, otherwise=layers.gradient_by_bias)
mine.by_images = check.gradient_by_images.use(
    gradient_by_images, otherwise=layers.gradient_by_images
)


# %%
class Conv2d(Unit):
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias  # (F, C, k, k), (F,)

    def forward(self, images):
        self.images = images
        return convolution.conv2d_windows(images, self.weights, self.bias)  # notebook 01

    def backward(self, gradient):
        self.weights_gradient = mine.by_weights(self.images, gradient)
        self.bias_gradient = mine.by_bias(gradient)
        return mine.by_images(self.weights, gradient)

    def step(self, rate):
        self.weights = self.weights - rate * self.weights_gradient
        self.bias = self.bias - rate * self.bias_gradient


# %%
class MaxPool2d(Unit):
    def __init__(self, size):
        self.size = size

    def forward(self, maps):
        self.maps = maps
        return pooling.max_pool2d(maps, self.size)  # notebook 01

    def backward(self, gradient):
        return mine.by_maps(self.maps, gradient, self.size)


class Flatten(Unit):
    def forward(self, maps):
        self.shape = maps.shape
        return maps.reshape(len(maps), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)


# %% [markdown]
# Les images sont les chiffres 8 × 8 de scikit-learn, bordés d'un pixel : 1 437 pour apprendre, 360
# pour tester. Le réseau : convolution 8 filtres 3 × 3, ReLU, max-pooling 2 × 2, convolution 16
# filtres 3 × 3, ReLU, une couche linéaire. (La taille des poids de départ est le sujet de la
# partie 8.)

# %%
pixels, digit_labels = load_digits(return_X_y=True)
framed = np.pad(pixels.reshape(-1, 1, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
images = framed / 8 - 1  # (1797, 1, 10, 10), between -1 and 1
shuffled = np.random.default_rng(0).permutation(len(images))
learn, test = shuffled[:1437], shuffled[1437:]


def drawn(*shape):
    return units.initialise(rng.normal(size=shape))


cnn = mine.Network(
    [
        *(Conv2d(drawn(8, 1, 3, 3), np.zeros(8)), mine.ReLU(), MaxPool2d(2)),  # 10 -> 8 -> 4
        *(Conv2d(drawn(16, 8, 3, 3), np.zeros(16)), mine.ReLU(), Flatten()),  # 4 -> 2
        mine.Linear(drawn(10, 64).T, np.zeros(10)),
    ],
    mine.CrossEntropy(),
)

# %% [markdown]
# > **Prédisez.** Que vaut le coût au tout début, quand le réseau répond à peu près au hasard parmi
# > dix classes ? Et l'exactitude sur le test à la fin ?

# %% [markdown]
# *Votre prédiction, en une ligne.*

# %%
first_cost = cnn.cost.forward(cnn.forward(images[test]), digit_labels[test])
start = perf_counter()
training_set = images[learn], digit_labels[learn]
cnn_costs = network.train(cnn, *training_set, rate=0.1, epochs=P.cnn_epochs, batch=32)
seconds = perf_counter() - start
answers = cnn.forward(images[test]).argmax(axis=1)
right = np.mean(answers == digit_labels[test])
print(f"coût au départ {decimal(first_cost, '.3g')}, à la fin {decimal(cnn_costs[-1], '.3g')}")
print(f"{percent(right, 1)} des images de test bien classées, après {decimal(seconds, '.3g')} s")

# %% [markdown]
# Au départ, le coût est de l'ordre de $\log 10 \approx 2{,}3$, ce que donneraient dix réponses
# également probables. (Il est plus grand, car les scores de départ ne sont pas égaux.) Plus de 95 % à
# la fin : 1 898 poids, et pas une ligne de PyTorch. Voici des erreurs, s'il en reste, et les huit
# filtres appris.

# %%
order = np.argsort(answers == digit_labels[test], kind="stable")[:10]  # the mistakes first
shown = torch.tensor((images[test[order]] + 1) / 2)
titles = [f"{answers[k]}\nvrai : {digit_labels[test[k]]}" for k in order]
image_grid(shown, titles, title="Des images de test : les erreurs d'abord")

# %%
kernels = cnn.units[0].weights
scaled = torch.tensor((kernels - kernels.min()) / (kernels.max() - kernels.min()))
names = [f"filtre {k + 1}" for k in range(8)]
image_grid(scaled, names, title="Les filtres appris (clair : grand poids)")

# %% [markdown]
# ## 8. D'où partir
#
# Selon le document 003, les poids des filtres ne peuvent pas partir de zéro. Pourquoi ?
#
# > **Prédisez.** Un réseau 2-4-1 à tangentes hyperboliques part de poids tous nuls, un autre de
# > poids tous égaux à 0,5. Que deviennent ses quatre unités cachées après 200 pas ?

# %% [markdown]
# *Votre prédiction, en une ligne.*

# %%
for draw in (np.zeros, lambda shape: np.full(shape, 0.5)):
    net = mine.Network(network.dense((2, 4, 1), draw, mine.Linear, mine.Tanh), units.LogLoss())
    seen = network.train(net, moons, moon_labels, rate=0.5, epochs=200)
    print(
        f"coût : {decimal(seen[0], '.3g')} puis {decimal(seen[-1], '.3g')} ; poids, une colonne par unité :"
    )
    for row in net.units[0].weights:
        print(*(decimal(weight, "8.3f") for weight in row))

# %% [markdown] question="retro-zero" kind="reponse"
# ### Pourquoi pas zéro
#
# Que constatez-vous dans les deux cas (et votre prédiction) ? Expliquez-le avec le gradient d'une couche linéaire, et
# dites en quoi tirer les poids **au hasard** résout le problème. Les biais peuvent-ils, eux, partir
# de zéro ?

# %% [markdown] answer="retro-zero-texte" points=3
# ### BEGIN MARK SCHEME
# - À zéro, les poids de la première couche ne bougent pas : le gradient qui leur arrive est multiplié
#   par ceux de la deuxième, nuls, et la sortie des unités, $\tanh(0) = 0$, annule le gradient de la
#   deuxième. Seul le dernier biais pourrait apprendre ; ici les deux classes ont autant de points
#   (100 et 100), son gradient est nul lui aussi, et le coût reste à $\log 2 \approx 0{,}693$ : 1 point.
# - À 0,5, le réseau apprend, mais les quatre colonnes restent **égales** : les unités reçoivent la
#   même entrée et le même gradient, donc font le même pas. Quatre unités n'en valent qu'une :
#   1 point.
# - Le hasard rompt cette symétrie : chaque unité part d'ailleurs, et se spécialise. Les biais peuvent
#   partir de zéro, les poids suffisent à distinguer les unités : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# Il faut donc du hasard, mais de quelle **taille** ? Une unité additionne `dim` termes : si ses
# poids ont pour variance $v$, la variance de la somme est à peu près $\mathtt{dim} \times v$ fois
# celle de ses entrées. Après dix couches, ce facteur est à la puissance 10. L'heuristique du document 003
# est, pour chaque filtre $w^{(k,m)}$,
#
# $$w^{(k,m)} \leftarrow \sqrt{\frac{2}{\dim(w^{(k,m)})}}\; u, \qquad u_i \sim \mathcal{N}(0, 1).$$

# %% [markdown] question="retro-init" kind="code"
# ### L'heuristique
#
# Écrivez `initialise(draws)`. Le tableau `draws` contient les $u$, tirés selon la loi normale
# centrée réduite. Son premier axe est celui des unités : (U, D) pour une couche linéaire, (f, c, k, k)
# pour des filtres. Renvoyez les poids de départ, de même forme.

# %% [markdown] hint="retro-init"
# $\dim(w^{(k,m)})$ est le nombre de poids d'**une** unité. Combien en a un filtre $k \times k$ sur
# $c$ canaux ?

# %% [markdown] hint="retro-init"
# `draws[0]` contient les tirages de la première unité, et `.size` compte les cases d'un tableau.
# Il reste à multiplier tous les tirages par une racine carrée, `np.sqrt`.


# %% answer="retro-init"
def initialise(draws):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # dim = ...  # nombre de poids d'une unité
    # return ...
    dim = draws[0].size
    return np.sqrt(2 / dim) * draws
    ### END SOLUTION


# %% test="retro-init-test" points=2
check.initialise(initialise)
### BEGIN HIDDEN TESTS
grade(check.initialise(initialise, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Mesurons : dix couches de 200 unités, 500 exemples tirés au hasard. En avant, l'écart-type de ce
# que donne chaque couche ; en arrière, celui du gradient qu'elle reçoit, quand on injecte un bruit à
# la sortie. Quatre tailles de poids : $0{,}01\,u$, $\sqrt{1/\dim}\,u$, $\sqrt{2/\dim}\,u$ (celle que
# vous venez d'écrire) et $0{,}2\,u$.

# %%
mine.initialise = check.initialise.use(initialise, otherwise=units.initialise)
scales = {
    "0,01 × u": lambda u: 0.01 * u,
    "√(1/dim) × u": lambda u: mine.initialise(u) / np.sqrt(2),
    "√(2/dim) × u": mine.initialise,
    "0,2 × u": lambda u: 0.2 * u,
}


# %%
def spread(activation, scale):
    """Standard deviations of the outputs of ten layers, and of the gradients that they receive."""
    values, chain, outputs, gradients = rng.normal(size=(500, 200)), [], [], []
    for _ in range(10):
        chain += [mine.Linear(scale(rng.normal(size=(200, 200))).T, np.zeros(200)), activation()]
        values = chain[-1].forward(chain[-2].forward(values))
        outputs.append(values.std())
    gradient = rng.normal(size=values.shape)
    for unit in reversed(chain):
        gradients += [gradient.std()] if isinstance(unit, activation) else []
        gradient = unit.backward(gradient)
    return outputs, gradients[::-1]


# %% [markdown]
# > **Prédisez.** Laquelle de ces quatre tailles convient à la tangente hyperbolique ? et à ReLU ?

# %% [markdown]
# *Votre prédiction, en une ligne.*

# %%
found = {name: spread(mine.Tanh, scale) for name, scale in scales.items()}
curves.spreads(found, "Dix couches de tangentes hyperboliques")

# %%
found = {name: spread(mine.ReLU, scale) for name, scale in scales.items()}
curves.spreads(found, "Dix couches de ReLU")

# %% [markdown] question="retro-etalement" kind="experience"
# ### L'étalement, couche par couche
#
# Que deviennent les valeurs et les gradients avec des poids trop petits, puis trop grands ? Pourquoi
# les trop grands ne se voient-ils pas de la même façon avec la tangente hyperbolique et avec ReLU ?
# D'où vient le 2 de l'heuristique, et pour laquelle des deux est-il fait ? Aviez-vous bien prédit ?

# %% [markdown] answer="retro-etalement-texte" points=3
# ### BEGIN MARK SCHEME
# - Trop petits : chaque couche multiplie tout par un facteur inférieur à 1 ; au bout de dix couches,
#   les sorties et les gradients ont perdu huit à dix ordres de grandeur, et les premières couches
#   n'apprennent plus (gradient évanescent) : 1 point.
# - Trop grands : avec ReLU, sorties et gradients explosent (facteur 2 par couche, 1000 en tout). La
#   tangente hyperbolique borne les sorties (écart-type proche de 1 : elle sature) ; l'explosion ne se
#   voit que dans les gradients, et moins, car les pentes des unités saturées sont petites : 1 point.
# - ReLU annule la moitié des valeurs, donc divise par deux la moyenne des carrés : le 2 compense
#   exactement, et ses courbes sont plates ; sans lui, on perd un facteur $\sqrt 2$ par couche. Il est
#   fait pour ReLU. La tangente hyperbolique n'annule rien : $\sqrt{1/\dim}$ y suffit à peu près
#   (Glorot et Bengio), et le 2 la fait un peu saturer, sans dommage sur dix couches : 1 point.
# ### END MARK SCHEME

# %% [markdown]
# ## 9. Bonus : votre propre autograd
#
# PyTorch ne connaît pas vos couches : il dérive n'importe quel calcul. L'idée tient en peu de
# lignes : chaque nombre se souvient de ceux dont il vient, et de sa dérivée par chacun (ses
# **arêtes**, `edges`). La classe `Scalar` du paquet sait déjà additionner, calculer `exp` et `log`,
# et ranger les nombres dans l'ordre du calcul, `order()` : chacun après ceux dont il dépend. Lisez-la
# (`scalars.Scalar??` dans une cellule), elle tient en un écran.

# %% [markdown] question="retro-moteur" kind="code" bonus=true
# ### Un moteur de dérivation
#
# Complétez `Value` : les arêtes d'un produit, puis `backward`, qui donne à chaque nombre son
# gradient `grad`, la dérivée du résultat par lui. Un nombre peut servir plusieurs fois.

# %% [markdown] hint="retro-moteur"
# Une arête est un couple `(nombre, dérivée du produit par ce nombre)` : que vaut la dérivée de
# $a \times b$ par $a$ ? Dans `backward`, le résultat a pour dérivée 1 par lui-même ; puis on
# remonte l'ordre du calcul.

# %% [markdown] hint="retro-moteur"
# Quand vient le tour d'un nombre, son gradient est complet, si l'on parcourt
# `reversed(self.order())`. Chacune de ses sources reçoit alors en plus (`+=`) le produit de deux
# nombres : lesquels ?


# %% answer="retro-moteur"
class Value(scalars.Scalar):
    def __mul__(self, other):
        other = self.wrap(other)  # un nombre ordinaire devient un Value
        edges = [(self, other.data), (other, self.data)]  # SOLUTION
        return self.of(self.data * other.data, edges, "×")

    def backward(self):
        self.grad = 1.0
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # for one in ...:
        #     for source, derivative in one.edges:
        #         source.grad += ...
        for one in reversed(self.order()):
            for source, derivative in one.edges:
                source.grad += derivative * one.grad
        ### END SOLUTION


# %% test="retro-moteur-test" points=3
check.engine(Value)
### BEGIN HIDDEN TESTS
grade(check.engine(Value, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# Un neurone et son coût, construits avec ces nombres. Le graphe se lit de gauche à droite ; chaque
# boîte porte l'opération, la valeur, puis (∂) la dérivée du résultat par elle. PyTorch trouve les
# mêmes.

# %%
mine.Value = check.engine.use(Value, otherwise=scalars.Value)
numbers = {"x": 1.5, "w": -0.8, "b": 0.3}
x, w, b = (mine.Value(number, label=name) for name, number in numbers.items())
cost = -(x * w + b).sigmoid().log()
cost.backward()
leaves = [torch.tensor(one.data, requires_grad=True) for one in (x, w, b)]
(-(leaves[0] * leaves[1] + leaves[2]).sigmoid().log()).backward()
for one, leaf in zip((x, w, b), leaves):
    print(f"{one.label} : {one.grad:+.6f}   PyTorch : {leaf.grad:+.6f}".replace(".", ","))
scalar_graph(cost)

# %% [markdown]
# ## À retenir
#
# - Une dérivée se calcule de la sortie vers l'entrée : chaque unité multiplie le gradient qu'elle
#   reçoit par sa dérivée locale. Un seul passage suffit pour tous les poids.
# - Une unité = `forward` (garde ce qu'il faut), `backward` (range et transmet), `step`. La dérivée
#   par un tableau a la forme de ce tableau.
# - Softmax et entropie croisée ensemble : probabilités moins étiquette, divisées par la taille du lot.
# - Une contribution par usage : biais sommé sur le lot, poids d'un filtre sommé sur les positions,
#   pixel sommé sur les fenêtres ; max-pooling, au seul pixel choisi.
# - On vérifie un gradient par une différence centrée, en double précision, avec
#   $\varepsilon \approx 10^{-5}$.
# - La descente dépend du départ et du pas ; plus d'unités aident à apprendre, et à surapprendre.
# - Poids de départ : au hasard, de variance $2/\dim$ pour ReLU.
#
# ## Pour aller plus loin
#
# - D. Rumelhart, G. Hinton et R. Williams, *Learning representations by back-propagating errors*,
#   Nature, 1986 : l'article qui a répandu la méthode.
# - Y. LeCun, L. Bottou, G. Orr et K.-R. Müller, *Efficient BackProp*, 1998 : pas, initialisation,
#   normalisation des entrées.
# - X. Glorot et Y. Bengio, *Understanding the difficulty of training deep feedforward neural
#   networks*, AISTATS 2010 ; K. He, X. Zhang, S. Ren et J. Sun, [*Delving deep into
#   rectifiers*](https://arxiv.org/abs/1502.01852), ICCV 2015 : la taille des poids de départ.
# - A. Baydin, B. Pearlmutter, A. Radul et J. Siskind, [*Automatic differentiation in machine
#   learning: a survey*](https://arxiv.org/abs/1502.05767), JMLR 2018.
# - A. Karpathy, [*micrograd*](https://github.com/karpathy/micrograd) : un autograd de cent lignes ;
#   M. Nielsen, [*Neural networks and deep learning*](http://neuralnetworksanddeeplearning.com),
#   chapitre 2.
# - [TensorFlow Playground](https://playground.tensorflow.org) : la partie 6, à la souris.

# %% [markdown]
# ## Votre compte rendu
#
# Écrivez votre bilan ci-dessous, enregistrez (Ctrl+S), puis exécutez la dernière cellule : elle
# range vos réponses dans `compte_rendu.html`, qu'un navigateur ouvre et imprime en PDF.
#
# - Vos noms : `authors=["Ada Lovelace", "Blaise Pascal"]`.
# - Le compte rendu du soir, question ★ seulement : `follow_up=True`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("02_retropropagation", authors=[], follow_up=False)
