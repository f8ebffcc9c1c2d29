# %% [markdown]
# # 09. Apprendre sans étiquettes
#
# À la fin de ce notebook, vous saurez :
#
# - écrire un auto-encodeur, et dire ce qu'il a de commun avec une analyse en composantes
#   principales ;
# - mesurer ce que vaut un encodeur appris sans étiquettes quand il y en a peu ;
# - écrire une machine de Boltzmann restreinte, l'entraîner, et vérifier l'approximation que l'on
#   fait ;
# - empiler deux machines, et situer cette idée de 2006 parmi celles d'aujourd'hui.
#
# **Durée :** 2 h 15
#
# **Prérequis :** les notebooks 01 (convolution), 02 (rétropropagation) et 03 (LeNet-5 sur MNIST)

# %% parameters=true grading="images=200 test=100 epochs=1 linear_steps=5 seeds=1 steps=3 machine_epochs=1"
from tp_cnn import runtime

P = runtime.parameters(
    quick={
        "images": 5000,
        "test": 2000,
        "epochs": 5,
        "linear_steps": 400,
        "seeds": 3,
        "steps": 150,
        "machine_epochs": 6,
    },
    full={
        "images": 50_000,
        "test": 10_000,
        "epochs": 15,
        "seeds": 5,
        "steps": 400,
        "machine_epochs": 20,
    },
)
P

# %%
from functools import partial

import numpy as np
import torch
from IPython.display import display
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from torch import nn
from torch.nn.functional import cross_entropy

from tp_cnn.checks import non_supervise as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.data.batches import keep
from tp_cnn.data.classroom import load_for_class
from tp_cnn.data.normalise import to_unit
from tp_cnn.display import Table, announce, decimal, percent
from tp_cnn.experiments import reference
from tp_cnn.models import LeNet5
from tp_cnn.models.autoencoder import ConvAutoEncoder, LinearAutoEncoder
from tp_cnn.plots import non_supervise as pictures
from tp_cnn.plots.transfert import accuracy_by_labels
from tp_cnn.plots.visualisation import rows_of_images
from tp_cnn.scratch import rbm

# %% [markdown]
# ## 1. Un réseau qui recopie
#
# Un **auto-encodeur** apprend à rendre ce qu'on lui donne, en passant par quelques nombres
# seulement : le **code**. Il n'a besoin d'aucune étiquette. La première moitié, l'encodeur, résume ;
# la seconde, le décodeur, reconstruit.

# %%
train_set, test_set = load_for_class("mnist", otherwise="digits")
train_set, test_set = keep(train_set, P.images), keep(test_set, P.test)
images, labels = to_unit(train_set.images), train_set.labels  # (N, 1, 28, 28), from 0 to 1
test_images, test_labels = to_unit(test_set.images), test_set.labels
vectors = images.flatten(1)  # (N, 784)
announce(device="cpu", data=train_set.name)

# %% [markdown]
# Commençons par le plus simple : deux matrices, sans activation, et un code de 5 nombres. L'analyse
# en composantes principales (ACP) cherche, elle aussi, les 5 directions qui perdent le moins. Les
# deux se comparent par l'**angle** entre les deux sous-espaces : 0° s'ils sont le même.

# %% [markdown] question="auto-prevoir" kind="reponse"
# ### Avant de lancer
#
# Notez en une ligne l'angle que vous attendez à la fin : nul, petit, quelconque ? Et les colonnes du
# décodeur seront-elles les composantes principales elles-mêmes ?

# %% [markdown] answer="auto-prevoir-texte" points=1
# ### BEGIN MARK SCHEME
# - (1) Une prévision est notée pour l'angle et pour les colonnes ; juste ou non, elle vaut le point.
# ### END MARK SCHEME

# %%
few = vectors[:2000] - vectors[:2000].mean(dim=0)
principal = PCA(5).fit(few.numpy()).components_.T  # (784, 5)
torch.manual_seed(0)
linear = LinearAutoEncoder(784, 5)
optimizer = torch.optim.Adam(linear.parameters(), lr=0.01)
angles = {}
for turn in range(1, P.linear_steps + 1):
    loss = (linear(few) - few).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if turn % 50 == 0 or turn == 1:
        spanned = linear.decoder.weight.detach().numpy()
        angles[turn] = np.degrees(subspace_angles(spanned, principal).max())

# %%
Table(
    ["pas", "plus grand angle avec l'ACP"],
    [[k, f"{decimal(v, '.1f')}°"] for k, v in angles.items()],
)

# %%
columns = linear.decoder.weight.detach().numpy()
cosines = principal.T @ (columns / np.linalg.norm(columns, axis=0))
print("cosinus entre composantes principales (lignes) et colonnes du décodeur :")
print(np.array2string(cosines, formatter={"float": lambda value: f"{decimal(value):>6}"}))

# %% [markdown] question="auto-lineaire" kind="experience"
# ### Deux sous-espaces
#
# Que devient l'angle ? Que disent les cosinus des colonnes prises une par une ? Qu'en concluez-vous
# sur ce qu'un auto-encodeur linéaire peut apprendre de plus que l'ACP ?

# %% [markdown] answer="auto-lineaire-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) L'angle tend vers 0 : le sous-espace est celui de l'ACP (Baldi et Hornik, 1989). La prévision
#   est reprise.
# - (1) Les colonnes, elles, sont des mélanges des composantes (dans chaque colonne, plusieurs cosinus
#   sont loin de 0, et aucun ne vaut ±1) : rien dans le coût ne les sépare. Sans activation, l'auto-encodeur ne peut pas faire mieux
#   que l'ACP.
# ### END MARK SCHEME

# %% [markdown]
# ## 2. Avec des convolutions
#
# Pour encoder : deux convolutions de stride 2. Pour décoder, il faut le chemin inverse : la
# **convolution transposée** pose, pour chaque valeur de l'entrée, une copie du filtre sur la sortie,
# en avançant de `stride` ; les copies qui se recouvrent s'additionnent. `padding` rogne la sortie des
# deux côtés, `output_padding` ajoute quelques cases d'un seul.

# %% [markdown] question="auto-taille" kind="calcul"
# ### La taille d'une convolution transposée
#
# Une entrée de côté `size`, un filtre de côté `kernel` : quel est le côté de la sortie ?

# %% [markdown] hint="auto-taille"
# Dessinez la place des copies du filtre pour une entrée de 3 cases et un stride de 2 : où commence la
# dernière, et jusqu'où va-t-elle ?

# %% [markdown] hint="auto-taille"
# La dernière copie commence après `size - 1` sauts ; ajoutez-lui sa longueur, puis corrigez pour les
# deux sortes de padding.


# %% answer="auto-taille"
def transposed_size(size, kernel, stride, padding, output_padding):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return (size - 1) * stride + kernel - 2 * padding + output_padding
    ### END SOLUTION


# %% test="auto-taille-test" points=1
check.transposed_size(transposed_size)
### BEGIN HIDDEN TESTS
grade(check.transposed_size(transposed_size, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="auto-conv" kind="code"
# ### L'auto-encodeur
#
# Encodeur : convolution 3×3 de stride 2 et padding 1 vers 16 cartes (14×14), ReLU ; une autre vers 32
# cartes (7×7), ReLU ; à plat ; dense vers `latent` nombres, **sans** activation. Décodeur : dense
# vers 32×7×7 valeurs, ReLU ; `nn.Unflatten(1, (32, 7, 7))` ; convolution transposée 3×3 vers 16
# cartes (14×14), ReLU ; une dernière vers 1 carte (28×28), sans activation : le coût applique la
# sigmoïde.

# %% [markdown] hint="auto-conv"
# `nn.ConvTranspose2d(entrées, sorties, 3, stride=2, padding=1, output_padding=...)` : la formule que
# vous venez d'écrire dit quel `output_padding` rend 14 à partir de 7.

# %% [markdown] hint="auto-conv"
# Six couches pour l'encodeur, six pour le décodeur, chacune dans un `nn.Sequential` ; `forward`
# encode puis décode.


# %% answer="auto-conv"
class AutoEncoder(nn.Module):
    def __init__(self, latent):
        super().__init__()
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # self.encoder = ...
        # self.decoder = ...
        down = {"kernel_size": 3, "stride": 2, "padding": 1}
        up = {**down, "output_padding": 1}
        maps = [nn.Conv2d(1, 16, **down), nn.ReLU(), nn.Conv2d(16, 32, **down), nn.ReLU()]
        self.encoder = nn.Sequential(*maps, nn.Flatten(), nn.Linear(32 * 7 * 7, latent))
        begin = [nn.Linear(latent, 32 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (32, 7, 7))]
        grow = [nn.ConvTranspose2d(32, 16, **up), nn.ReLU(), nn.ConvTranspose2d(16, 1, **up)]
        self.decoder = nn.Sequential(*begin, *grow)
        ### END SOLUTION

    def forward(self, images):
        ### BEGIN SOLUTION
        ### PLACEHOLDER
        # return ...
        return self.decoder(self.encoder(images))
        ### END SOLUTION


# %% test="auto-conv-test" points=3
check.autoencoder(AutoEncoder)
### BEGIN HIDDEN TESTS
grade(check.autoencoder(AutoEncoder, seed=1), points=3)
### END HIDDEN TESTS


# %%
def learn(model, noise=0.0):
    """Make ``model`` give back clean images from images to which noise was added."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(P.epochs):
        for rows in torch.randperm(len(images)).split(64):
            seen = images[rows] + noise * torch.randn_like(images[rows])
            loss = criterion(model(seen), images[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


# %%
Network = check.autoencoder.use(AutoEncoder, otherwise=ConvAutoEncoder)
torch.manual_seed(0)
plane, wide = learn(Network(2)), learn(Network(16))


# %%
def rebuilt(model, given):
    with torch.no_grad():
        return model(given).sigmoid()


shown = test_images[:12]
rows_of_images(
    {
        "image": shown,
        "code de 2": rebuilt(plane, shown),
        "code de 16": rebuilt(wide, shown),
    },
    title="Douze images de test, reconstruites",
)

# %% [markdown]
# Un code de deux nombres est un point du plan. Où tombent les chiffres, que le réseau n'a jamais vus
# étiquetés ?

# %%
with torch.no_grad():
    codes = plane.encoder(test_images)
pictures.latent_plane(codes, test_labels, test_set.classes)

# %% [markdown]
# Marchons tout droit entre les codes de deux images, et décodons chaque étape ; au-dessous, le
# mélange des deux images elles-mêmes, pixel par pixel.

# %%
with torch.no_grad():
    first, second = wide.encoder(test_images[:2])
    shares = torch.linspace(0, 1, 10)[:, None]
    walk = wide.decoder((1 - shares) * first + shares * second).sigmoid()
shares = shares[..., None, None]
blend = (1 - shares) * test_images[0] + shares * test_images[1]
rows_of_images({"codes": walk, "pixels": blend}, title="D'une image à l'autre")

# %% [markdown]
# Dernière variante : on ajoute du **bruit** à l'image donnée, et l'on demande l'image propre. Le
# réseau ne peut plus se contenter de recopier.

# %%
torch.manual_seed(0)
cleaner = learn(Network(16), noise=0.5)
noisy = shown + 0.5 * torch.randn_like(shown)
rows_of_images(
    {
        "image bruitée": noisy.clamp(0, 1),
        "réseau ordinaire": rebuilt(wide, noisy),
        "réseau débruiteur": rebuilt(cleaner, noisy),
    },
    title="Rendre l'image propre",
)

# %% [markdown] question="auto-regarder" kind="experience"
# ### Ce que le code a gardé
#
# Quelles classes se séparent dans le plan, lesquelles se mêlent ? En quoi la marche entre deux codes
# diffère-t-elle du mélange des pixels ? Que fait l'auto-encodeur ordinaire d'une image bruitée, et
# pourquoi ?

# %% [markdown] answer="auto-regarder-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Certaines classes forment des nuages à part (souvent les 1 et les 0), d'autres se recouvrent
#   (4, 7 et 9 ; 3, 5 et 8) : deux nombres ne suffisent pas, et rien ne demandait de séparer.
# - (1) La marche passe par des formes qui ressemblent à des chiffres, où les traits se déplacent ; le
#   mélange superpose deux images fantômes.
# - (1) Il n'a jamais vu de bruit : son encodeur donne un code d'ailleurs, et l'image rendue est plus
#   loin de la bonne que celle du débruiteur, qui a appris à l'ignorer.
# ### END MARK SCHEME

# %% [markdown]
# ## 3. Un bon départ avec peu d'étiquettes ?
#
# Le document 003 dit des auto-encodeurs qu'ils servent souvent au **pré-apprentissage** de quelques
# couches. Mesurons-le : le même classifieur (l'encodeur, une ReLU, puis une couche dense), entraîné sur
# 100, 300, 1000 ou 3000 images étiquetées, à partir de poids tirés au hasard ou de ceux de l'auto-encodeur, qui
# a vu toutes les images sans leurs étiquettes.


# %%
def teach(build, count, seed, steps):
    """Train a network on ``count`` labelled images; its accuracy on the test images."""
    torch.manual_seed(seed)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    chosen = torch.randperm(len(images))[:count]
    for _ in range(steps):
        rows = chosen[torch.randint(count, (50,))]
        loss = cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return float((model(test_images).argmax(1) == test_labels).float().mean())


# %%
def fresh_encoder(seed, learned):
    torch.manual_seed(seed)
    network = Network(16)
    if learned:
        network.load_state_dict(cleaner.state_dict())
    return network.encoder


def classifier(encoder):
    return nn.Sequential(encoder, nn.ReLU(), nn.Linear(16, 10))


# %%
counts = [count for count in (100, 300, 1000, 3000) if count <= len(images)]
ways = {"poids au hasard": False, "encodeur pré-appris": True}
accuracies = {
    name: {
        count: [
            teach(partial(classifier, fresh_encoder(seed, learned)), count, seed, P.steps)
            for seed in range(P.seeds)
        ]
        for count in counts
    }
    for name, learned in ways.items()
}

# %% [markdown]
# À côté de vos mesures (creux), celles de référence du projet : un auto-encodeur qui a vu les 60 000 images
# de MNIST, des classifieurs entraînés 400 pas, cinq graines.

# %%
table = reference.load("pretraining")
measured = {
    name: {
        count: [row["test_accuracy"] for row in table.where(way=name, images=count)]
        for count in (100, 300, 1000, 3000)
    }
    for name in ways
}
means = {name: {n: np.mean(found) for n, found in accuracies[name].items()} for name in ways}
ours = means if train_set.name == "mnist" else {}
accuracy_by_labels(measured, None, "Un encodeur pré-appris ? Référence (pleins), ici (creux)", ours)


# %%
def gain(found, count):
    """What pre-training adds, in points: mean and standard deviation over the seeds."""
    random, learned = (np.array(found[name][count]) for name in ways)
    each = 100 * (learned - random)
    spread = each.std(ddof=min(1, len(each) - 1))
    return f"{decimal(each.mean(), '+.1f')} ± {decimal(spread, '.1f')}"


Table(
    ["étiquettes", "gain ici (points)", "gain de la référence (points)"],
    [[count, gain(accuracies, count), gain(measured, count)] for count in counts],
)

# %% [markdown] question="auto-preapprentissage" kind="experience" star=true
# ### Ce que vaut le pré-apprentissage
#
# De combien de points l'encodeur pré-appris améliore-t-il le classifieur, selon le nombre
# d'étiquettes ? Comparez ce gain à l'écart d'une graine à l'autre. L'affirmation du document
# tient-elle ici ?

# %% [markdown] answer="auto-preapprentissage-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Les gains sont lus dans la table, pour chaque nombre d'étiquettes, ici et dans la référence : deux à
#   quatre points dans celle-ci, un petit gain.
# - (1) Ils sont comparés à la dispersion entre les graines : un gain plus petit qu'elle n'est pas
#   établi (ici, avec trois graines ; dans la référence, à 100 étiquettes, et tout juste à 3 000).
# - (1) Conclusion honnête : un auto-encodeur qui a vu beaucoup d'images sans étiquettes aide un peu, à
#   peu près autant de 100 à 3 000 étiquettes ; rien ne montre ici que cela aide surtout quand elles sont
#   très rares.
# ### END MARK SCHEME

# %% [markdown]
# ## 4. La machine de Boltzmann restreinte
#
# Autre façon d'apprendre sans étiquettes, plus ancienne : décrire la **probabilité** d'une image.
# Des unités **visibles** $v$ (les pixels) et **cachées** $h$, toutes à 0 ou à 1, reliées par des
# poids $W$, avec un biais $a$ pour les premières et $b$ pour les secondes. Chaque état a une
# **énergie** et une probabilité :
# $$E(v, h) = -\sum_{ij} v_i W_{ij} h_j - \sum_i a_i v_i - \sum_j b_j h_j
# \qquad P(v, h) = \frac{e^{-E(v, h)}}{Z}$$
# $Z$, la somme des $e^{-E}$ sur **tous** les états, en compte $2^{d + u}$ pour $d$ unités visibles et
# $u$ cachées : on ne sait pas la calculer pour 784 pixels. Pour 4 unités visibles et 3 cachées, si : cela permettra de tout vérifier.

# %% [markdown] question="rbm-energie" kind="calcul"
# ### L'énergie
#
# Écrivez l'énergie de chaque ligne : `visible` (n, d), `hidden` (n, u), `weights` (d, u), `a` (d,),
# `b` (u,). Résultat : (n,).

# %% [markdown] hint="rbm-energie"
# `visible @ weights` (n, u) dit ce que chaque unité cachée reçoit. Que reste-t-il à faire avec
# `hidden`, ligne par ligne ?

# %% [markdown] hint="rbm-energie"
# Un produit terme à terme, puis une somme sur le dernier axe, pour les poids ; un produit matriciel
# pour chaque biais. Les trois termes ont le même signe.


# %% answer="rbm-energie"
def energy(visible, hidden, weights, a, b):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return -((visible @ weights) * hidden).sum(axis=1) - visible @ a - hidden @ b
    ### END SOLUTION


# %% test="rbm-energie-test" points=1
check.energy(energy)
### BEGIN HIDDEN TESTS
grade(check.energy(energy, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown]
# La machine est dite restreinte parce que deux unités du même côté ne sont pas reliées. Quand les
# visibles sont connues, les cachées sont donc **indépendantes**, et chacune est à 1 avec la
# probabilité $\sigma\left(b_j + \sum_i v_i W_{ij}\right)$, où $\sigma(x) = 1 / (1 + e^{-x})$ ; et de
# même dans l'autre sens.

# %% [markdown] question="rbm-conditionnelles" kind="code"
# ### Les deux conditionnelles
#
# Écrivez-les pour un lot : des cachées sachant les visibles (n, d) → (n, u), et des visibles sachant
# les cachées (n, u) → (n, d).

# %% [markdown] hint="rbm-conditionnelles"
# Une sigmoïde par unité, comme une couche dense du notebook 02.

# %% [markdown] hint="rbm-conditionnelles"
# Dans un sens `weights` multiplie à droite telle quelle ; dans l'autre, elle se lit à l'envers :
# vérifiez avec des formes différentes, une machine carrée ne montrerait pas l'erreur.


# %%
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# %% answer="rbm-conditionnelles"
def hidden_probabilities(visible, weights, b):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return sigmoid(visible @ weights + b)
    ### END SOLUTION


def visible_probabilities(hidden, weights, a):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return sigmoid(hidden @ weights.T + a)
    ### END SOLUTION


# %% test="rbm-cachees-test" points=1
check.hidden_probabilities(hidden_probabilities)
### BEGIN HIDDEN TESTS
grade(check.hidden_probabilities(hidden_probabilities, seed=1), points=1)
### END HIDDEN TESTS

# %% test="rbm-visibles-test" points=1
check.visible_probabilities(visible_probabilities)
### BEGIN HIDDEN TESTS
grade(check.visible_probabilities(visible_probabilities, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="rbm-energie-libre" kind="code"
# ### L'énergie libre
#
# Pour comparer deux images, on somme sur tous les états cachés :
# $F(v) = -\log \sum_h e^{-E(v, h)} = -\sum_i a_i v_i - \sum_j \log\left(1 + e^{x_j}\right)$, avec
# $x_j = b_j + \sum_i v_i W_{ij}$. Écrivez-la pour un lot (n, d) → (n,), même quand $x_j$ vaut 1000.

# %% [markdown] hint="rbm-energie-libre"
# `np.exp(1000)` est infini, mais $\log(1 + e^{1000})$ vaut 1000.

# %% [markdown] hint="rbm-energie-libre"
# `np.logaddexp(p, q)` calcule $\log(e^p + e^q)$ sans passer par les exponentielles : quel $p$ donne le
# 1 ?


# %% answer="rbm-energie-libre"
def free_energy(visible, weights, a, b):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    return -visible @ a - np.logaddexp(0, visible @ weights + b).sum(axis=1)
    ### END SOLUTION


# %% test="rbm-energie-libre-test" points=2
check.free_energy(free_energy)
### BEGIN HIDDEN TESTS
grade(check.free_energy(free_energy, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="rbm-gibbs" kind="code"
# ### Un pas de Gibbs
#
# Pour tirer des images d'une machine, on tire tour à tour les cachées sachant les visibles, puis les
# visibles sachant les cachées. Pour que le résultat se vérifie, les nombres au hasard (entre 0 et 1)
# sont donnés : une unité est à 1 quand le sien est **plus petit** que sa probabilité.

# %% [markdown] hint="rbm-gibbs"
# `(draws < probabilities)` donne des vrais et des faux ; `.astype(float)` en fait des 1 et des 0.

# %% [markdown] hint="rbm-gibbs"
# Deux lignes : les unités cachées tirées (des 0 et des 1), puis les visibles à partir d'elles.


# %% answer="rbm-gibbs"
def gibbs_step(visible, weights, a, b, draws_hidden, draws_visible):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    hidden = (draws_hidden < sigmoid(visible @ weights + b)).astype(float)
    return (draws_visible < sigmoid(hidden @ weights.T + a)).astype(float)
    ### END SOLUTION


# %% test="rbm-gibbs-test" points=2
check.gibbs_step(gibbs_step)
### BEGIN HIDDEN TESTS
grade(check.gibbs_step(gibbs_step, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# Le gradient de la log-vraisemblance par $W_{ij}$ est la différence de deux moyennes de
# $v_i P(h_j = 1 \mid v)$ : sur les **données**, moins sur des images de la **machine**. Les secondes
# demanderaient des chaînes très longues. La **divergence contrastive** (Hinton, 2002) se contente de
# $k$ pas de Gibbs à partir des données : CD-$k$.

# %% [markdown] question="rbm-cd" kind="code"
# ### La divergence contrastive
#
# Écrivez ce qu'elle ajoute aux poids (au pas près), (d, u) : la moyenne sur les données `data` (n, d),
# moins celle sur les échantillons `samples` (m, d).

# %% [markdown] hint="rbm-cd"
# La somme sur le lot des $v_i P(h_j = 1 \mid v)$ est un produit de matrices.

# %% [markdown] hint="rbm-cd"
# `data.T @ probabilités` a la forme (d, u) ; chaque moyenne a son propre nombre de lignes.


# %% answer="rbm-cd"
def contrast(data, samples, weights, b):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    positive = data.T @ sigmoid(data @ weights + b) / len(data)
    negative = samples.T @ sigmoid(samples @ weights + b) / len(samples)
    return positive - negative
    ### END SOLUTION


# %% test="rbm-cd-test" points=3
check.contrast(contrast)
### BEGIN HIDDEN TESTS
grade(check.contrast(contrast, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown]
# De combien CD-$k$ se trompe-t-elle ? Sur la petite machine, `rbm.exact_gradient` énumère tous les
# états. Trente mille chaînes partent de trois images, et l'on compare après 1, 2, 5, 10 et 30 pas.

# %%
up = check.hidden_probabilities.use(hidden_probabilities, otherwise=rbm.hidden_probabilities)
step = check.gibbs_step.use(gibbs_step, otherwise=rbm.gibbs_step)
change = check.contrast.use(contrast, otherwise=rbm.contrast)
free = check.free_energy.use(free_energy, otherwise=rbm.free_energy)

# %%
rng = np.random.default_rng(0)
machine = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
data = np.repeat(rbm.states(4)[[3, 5, 12]], 10_000, axis=0)
exact = rbm.exact_gradient(data, *machine)
gaps, chains = {}, data
for k in range(1, 31):
    draws = rng.random((len(data), 3)), rng.random((len(data), 4))
    chains = step(chains, *machine, *draws)
    if k in (1, 2, 5, 10, 30):
        gaps[k] = np.abs(change(data, chains, machine[0], machine[2]) - exact).max()
pictures.bias(gaps, noise=0.5 / np.sqrt(len(data)))

# %% [markdown] question="rbm-biais" kind="experience"
# ### Le biais de CD-k
#
# Comment l'écart au gradient exact change-t-il avec $k$ ? Pourquoi CD-1 apprend-elle quand même ? Que
# proposeriez-vous pour réduire le biais sans payer plus de pas ?

# %% [markdown] answer="rbm-biais-texte" points=2
# ### BEGIN MARK SCHEME
# - (1) L'écart diminue quand $k$ grandit, jusqu'au bruit du tirage : après assez de pas, la chaîne a
#   oublié d'où elle part et tire bien de la machine.
# - (1) Le signe de CD-1 est le plus souvent bon : elle rend les données plus probables que ce que la
#   machine en fait en un pas. Garder les chaînes d'un lot au suivant (persistantes, Tieleman 2008)
#   les laisse se mélanger sans pas de plus.
# ### END MARK SCHEME

# %% [markdown]
# ## 5. Sur les chiffres
#
# La même règle, sur 784 pixels et 128 unités cachées. Les niveaux de gris, entre 0 et 1, y tiennent
# lieu de probabilités d'être à 1 ; les images que tire la machine, elles, n'ont que des 0 et des 1.


# %%
def learn_machine(data, hidden, epochs, rate=0.1, seed=0):
    """Weights and biases after each epoch of CD-1."""
    rng = np.random.default_rng(seed)
    weights = 0.01 * rng.standard_normal((data.shape[1], hidden))
    a, b = np.zeros(data.shape[1]), np.zeros(hidden)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(data)), len(data) // 64):
            seen = data[rows]
            draws = rng.random((len(seen), hidden)), rng.random(seen.shape)
            drawn = step(seen, weights, a, b, *draws)
            weights = weights + rate * change(seen, drawn, weights, b)
            a = a + rate * (seen.mean(0) - drawn.mean(0))
            b = b + rate * (up(seen, weights, b).mean(0) - up(drawn, weights, b).mean(0))
        yield weights, a, b


# %%
pixels = vectors.numpy()
held, learned = pixels[: len(pixels) // 10], pixels[len(pixels) // 10 :]
rng, rows = np.random.default_rng(1), []
for weights, a, b in learn_machine(learned, 128, P.machine_epochs):
    draws = rng.random((len(held), 128)), rng.random(held.shape)
    rebuilt_pixels = step(held, weights, a, b, *draws)
    rows.append(
        {
            "reconstruction": ((rebuilt_pixels - held) ** 2).mean(),
            "apprentissage": free(learned[: len(held)], weights, a, b).mean(),
            "mises de côté": free(held, weights, a, b).mean(),
        }
    )
pictures.energies(rows)

# %%
pictures.filters(weights, (28, 28))

# %% [markdown]
# Laissons la machine rêver : douze chaînes partent d'images de test, et l'on regarde où elles en sont
# après 1, 10 et 200 pas.

# %%
rng = np.random.default_rng(2)
chains, kept = test_images[:12].flatten(1).numpy(), {"départ": test_images[:12]}
for k in range(1, 201):
    draws = rng.random((12, 128)), rng.random((12, 784))
    chains = step(chains, weights, a, b, *draws)
    if k in (1, 10, 200):
        kept[f"{k} pas"] = torch.tensor(chains).view(-1, 1, 28, 28)
rows_of_images(kept, title="Douze chaînes de Gibbs")

# %% [markdown] question="rbm-chiffres" kind="experience"
# ### Lire une machine
#
# Que montrent les poids des unités cachées ? L'erreur de reconstruction baisse : est-ce la preuve que
# la machine apprend bien la probabilité des images ? Que dit l'écart entre les deux énergies libres ?

# %% [markdown] answer="rbm-chiffres-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Des traits et des taches locales, positifs et négatifs : des morceaux de chiffres plutôt que
#   des chiffres entiers.
# - (1) Non : une machine qui resterait sur place après un pas reconstruirait bien sans rien savoir de
#   la probabilité. C'est une mesure commode, pas ce que l'on optimise.
# - (1) Les deux énergies libres se comparent (Z leur est commun) : quand celle des images mises de
#   côté reste de plus en plus au-dessus de celle de l'apprentissage, la machine apprend ses images
#   par cœur. En quelques époques, les deux courbes se suivent : rien de tel ne se voit encore.
# ### END MARK SCHEME

# %% [markdown]
# ## 6. Empiler : le *deep belief network*
#
# Le document 003 cite les réseaux de croyance profonds. L'idée (Hinton, Osindero et Teh, 2006) :
# apprendre une machine sur les images, puis une deuxième sur ce que la première en fait, et ainsi de
# suite ; enfin, prendre ces poids comme départ d'un réseau ordinaire.

# %% [markdown] question="dbn-empiler" kind="code"
# ### Monter
#
# `machines` est une liste de couples (poids, biais des cachées). Écrivez la fonction qui fait monter
# un lot d'images à travers toutes, avec les **probabilités** des unités cachées.

# %% [markdown] hint="dbn-empiler"
# Ce que donne une machine est ce que reçoit la suivante : une boucle suffit.

# %% [markdown] hint="dbn-empiler"
# Dans la boucle, remplacez `visible` par les probabilités des unités cachées de la machine.


# %% answer="dbn-empiler"
def climb(visible, machines):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # return ...
    for weights, b in machines:
        visible = sigmoid(visible @ weights + b)
    return visible
    ### END SOLUTION


# %% test="dbn-empiler-test" points=2
check.stack(climb)
### BEGIN HIDDEN TESTS
grade(check.stack(climb, seed=1), points=2)
### END HIDDEN TESTS

# %%
rise = check.stack.use(climb, otherwise=rbm.climb)
first_machine = (weights, b)
above = rise(learned, [first_machine])
*_, (weights2, _, b2) = learn_machine(above, 64, P.machine_epochs, seed=1)
machines = [first_machine, (weights2, b2)]
print("784 →", " → ".join(str(len(b)) for _, b in machines))


# %%
def belief_network(learned):
    """784 → 128 → 64 → 10, from the two machines or from random weights."""
    layers = [nn.Linear(784, 128), nn.Sigmoid(), nn.Linear(128, 64), nn.Sigmoid()]
    if learned:
        for layer, (weights, b) in zip(layers[::2], machines, strict=True):
            layer.weight.data = torch.tensor(weights.T, dtype=torch.float32)
            layer.bias.data = torch.tensor(b, dtype=torch.float32)
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 10))


# %%
starts = {
    "deux machines empilées": lambda: belief_network(True),
    "mêmes couches, poids au hasard": lambda: belief_network(False),
    "LeNet-5": LeNet5,
}
results = {
    name: {
        count: [teach(build, count, seed, 2 * P.steps) for seed in range(P.seeds)]
        for count in counts
    }
    for name, build in starts.items()
}
display(accuracy_by_labels(results, None, "Deux machines empilées ?"))
Table(
    ["départ", *[f"{count} étiquettes" for count in counts]],
    [
        [name, *[percent(np.mean(by_count[count]), 1) for count in counts]]
        for name, by_count in results.items()
    ],
)

# %% [markdown] question="dbn-comparer" kind="experience"
# ### Les trois réseaux
#
# Le pré-apprentissage aide-t-il le réseau dense ? LeNet-5, qui n'a rien vu d'avance, fait-il mieux ou
# moins bien que lui ? D'où vient son avantage ?

# %% [markdown] answer="dbn-comparer-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Les écarts entre les deux réseaux denses sont lus à chaque nombre d'étiquettes, et comparés à
#   la dispersion des graines.
# - (1) LeNet-5 est situé par rapport à eux, à chaque nombre d'étiquettes, d'après la table.
# - (1) LeNet-5 sait d'avance que les pixels voisins vont ensemble et qu'un trait est le même partout :
#   une structure donnée vaut souvent mieux qu'un départ appris. Le pré-apprentissage, lui, apprend
#   des images sans étiquettes ce que cette structure donne gratuitement.
# ### END MARK SCHEME

# %% [markdown] question="non-supervise-aujourdhui" kind="reponse"
# ### Et aujourd'hui ?
#
# Les machines de Boltzmann ne servent presque plus à initialiser un réseau. Qu'est-ce qui a rendu
# leur pré-apprentissage inutile, et qu'est-ce qui a pris la suite pour apprendre sans étiquettes ?
# Citez deux articles.

# %% [markdown] answer="non-supervise-aujourdhui-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) ReLU, de meilleures initialisations, la normalisation par lot et de grands jeux étiquetés : un
#   réseau profond s'apprend directement.
# - (1) L'auto-supervision : une tâche dont les étiquettes viennent de l'image (retrouver ce qui est
#   masqué, reconnaître deux vues de la même image).
# - (1) Deux références justes, par exemple SimCLR (Chen et al., 2020) et les auto-encodeurs masqués
#   (He et al., 2022), ou BYOL, MoCo, DINO.
# ### END MARK SCHEME

# %% [markdown]
# ## À retenir
#
# - Sans activation, un auto-encodeur retrouve le sous-espace de l'ACP ; avec des convolutions et un
#   code assez grand, il apprend bien plus.
# - Une machine de Boltzmann donne une probabilité aux images, à une constante près que l'on ne sait
#   pas calculer ; sur une petite machine, tout se vérifie par énumération.
# - Un départ appris sans étiquettes se juge comme le reste : plusieurs graines, plusieurs nombres
#   d'étiquettes, et un petit gain se dit petit.
#
# ## Pour aller plus loin
#
# - G. Hinton, *Training Products of Experts by Minimizing Contrastive Divergence*, Neural
#   Computation, 2002 ; G. Hinton, S. Osindero et Y.-W. Teh, *A Fast Learning Algorithm for Deep
#   Belief Nets*, 2006.
# - D. Erhan et al., *Why Does Unsupervised Pre-training Help Deep Learning?*, JMLR, 2010.
# - K. He et al., *Masked Autoencoders Are Scalable Vision Learners*, CVPR 2022.

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
# - Plusieurs notebooks ensemble : `report.from_notebook("09_non_supervise", "08_architectures", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("09_non_supervise", authors=[], follow_up=False)
