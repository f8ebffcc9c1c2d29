# %% [markdown]
# # 07. Voir ce que voit un réseau
#
# À la fin de ce notebook, vous saurez :
#
# - montrer les filtres d'un réseau, ses cartes, et ce qui les excite le plus ;
# - expliquer une décision par trois cartes : occlusion, saillance, Grad-CAM ;
# - mettre une explication à l'épreuve, et dire ce qu'une image prouve ou ne prouve pas ;
# - tromper un réseau d'un changement invisible.
#
# **Durée :** 1 h 30
#
# **Prérequis :** les notebooks 03 (LeNet-5) et 04 (le réseau pour CIFAR-10)

# %% parameters=true grading="images=200 epochs=1 photos=80 steps=2 points=60 attacked=8 control=2"
from tp_cnn import runtime

P = runtime.parameters(
    quick={
        "images": 6000,  # to train LeNet-5
        "epochs": 2,
        "photos": 1000,
        "steps": 60,  # of gradient ascent
        "points": 500,  # in the plane
        "attacked": 80,
        "control": 12,
    },
    full={"images": 60_000, "epochs": 5, "photos": 4000, "points": 1500, "attacked": 500},
)
P

# %%
import statistics
from collections import defaultdict

import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from torch.nn.functional import cross_entropy, interpolate

# %%
from tp_cnn import training
from tp_cnn.checks import visualisation as check
from tp_cnn.checks.engine.framework import grade
from tp_cnn.data.batches import Batches, keep, only
from tp_cnn.data.classroom import in_french, load_for_class
from tp_cnn.data.normalise import CIFAR10, Normalise, channel_statistics
from tp_cnn.display import Table, announce, decimal
from tp_cnn.models import LeNet5, visualisation as look
from tp_cnn.models.geometry import layers_of, receptive_field
from tp_cnn.plots import training as plots, visualisation as pictures
from tp_cnn.training import pretrained

# %% [markdown]
# ## 1. Deux réseaux à regarder
#
# LeNet-5, entraîné ici même en quelques secondes ; et le réseau livré avec le paquet (celui des
# notebooks 05 et 06), qui distingue huit classes de CIFAR-10. Tout se calcule sur le processeur, image
# par image.

# %%
digits_train, digits_test = load_for_class("mnist", otherwise="digits")
digits_train, digits_test = keep(digits_train, P.images), keep(digits_test, P.points)
grey = Normalise(channel_statistics(digits_train.images))
digits = grey(digits_test.images)
announce(device="cpu", data=digits_train.name)

# %%
runtime.seed_everything(0)
lenet = LeNet5()
learn = Batches(digits_train, 64, shuffle=True, normalise=grey, device="cpu")
optimizer = torch.optim.SGD(lenet.parameters(), lr=0.05, momentum=0.9)
training.fit(lenet, learn, epochs=P.epochs, optimizer=optimizer, progress=False)
lenet = lenet.eval()

# %%
NAMES = in_french(pretrained.CLASSES)  # of the eight answers of the network
photo_set = load_for_class("cifar10", otherwise="shapes")[1]
if photo_set.name == "cifar10":
    photo_set = only(photo_set, NAMES)
photo_set = keep(photo_set, P.photos)
photos = pretrained.normalise()(photo_set.images)  # (N, 3, 32, 32)
cifarnet = pretrained.pretrained_cifarnet()

# %% [markdown]
# Sans CIFAR-10, le notebook montre au réseau livré les formes dessinées de `shapes`. Il n'a jamais
# appris ces classes-là : on explique alors ce qu'il **répond**, juste ou non. Dans les deux cas, la
# classe expliquée est celle que le réseau donne.

# %%
with torch.no_grad():
    scores = cifarnet(photos)  # (N, 8)
    said = scores.argmax(1)
    read = lenet(digits).argmax(1)
chosen = scores.argmax(0)  # for each answer, the image with the largest score
answers = [NAMES[label] for label in said[chosen]]
plots.image_grid(
    photo_set.images[chosen], answers, title="Pour chaque réponse, l'image de plus grand score"
)

# %% [markdown]
# ## 2. Les filtres
#
# Les poids d'une première couche ont la forme de petites images : autant les regarder. Mais un poids
# n'est pas un niveau de gris : il peut être négatif, et d'un filtre à l'autre les grandeurs changent.
# Il faut choisir une échelle.

# %% [markdown] question="visu-filtres" kind="code"
# ### Des poids aux images
#
# Écrivez la fonction qui ramène des filtres ($F \times C \times k \times k$) entre 0 et 1 : leur plus
# petit poids donne 0, le plus grand 1. Si `shared` est vrai, une seule échelle vaut pour tous les
# filtres ; sinon, chaque filtre a la sienne, commune à ses canaux.

# %% [markdown] hint="visu-filtres"
# `(weights - low) / (high - low)`, où `low` et `high` sont soit deux nombres, soit deux nombres par
# filtre.

# %% [markdown] hint="visu-filtres"
# `weights.amin(axes, keepdim=True)` prend le plus petit sur plusieurs axes, et garde une forme qui
# s'aligne. Pour un minimum par filtre, quel axe doit survivre ?


# %% answer="visu-filtres"
def filter_images(weights, shared):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # low, high = ..., ...
    # return (weights - low) / (high - low)
    axes = (0, 1, 2, 3) if shared else (1, 2, 3)
    low, high = weights.amin(axes, keepdim=True), weights.amax(axes, keepdim=True)
    return (weights - low) / (high - low)
    ### END SOLUTION


# %% test="visu-filtres-test" points=2
check.filter_images(filter_images)
### BEGIN HIDDEN TESTS
grade(check.filter_images(filter_images, seed=1), points=2)
### END HIDDEN TESTS

# %%
filter_images = check.filter_images.use(filter_images, otherwise=look.filter_images)
first = cifarnet.features[0].weight.detach()  # (32, 3, 5, 5)
strengths = first.flatten(1).norm(dim=1).sort(descending=True)
ranks = strengths.indices[[*range(8), *range(24, 32)]]
views = {"une échelle": filter_images(first, True), "chacun la sienne": filter_images(first, False)}
pictures.rows_of_images(
    {name: images[ranks] for name, images in views.items()},
    "Réseau livré : les 8 filtres les plus forts, puis les 8 plus faibles",
)

# %%
weights = lenet.features[0].weight.detach()  # (6, 1, 5, 5)
pictures.rows_of_images(
    {
        "une échelle": filter_images(weights, True),
        "chacun la sienne": filter_images(weights, False),
    },
    "Les six filtres de LeNet-5",
)

# %% [markdown]
# Une échelle commune montre quels filtres comptent, et éteint les faibles. Une échelle par filtre montre
# toutes les formes, et fait passer du bruit pour un motif. *Ce que cela prouve :* la première couche
# cherche des bords et des couleurs. *Ce que cela ne prouve pas :* à quoi ils servent ensuite ; et pour
# les couches suivantes, dont les filtres lisent des dizaines de cartes, il n'y a plus d'image à faire.
#
# ## 3. Les cartes
#
# Une carte montre où un filtre a répondu. Pour lire ce que donne une couche au milieu d'un réseau, sans
# le réécrire, PyTorch permet d'y accrocher une fonction, un **hook**, appelée à chaque passage.

# %% [markdown] question="visu-cartes" kind="code"
# ### Lire les cartes d'une couche
#
# Écrivez la fonction qui renvoie les cartes que donne `layer` quand le réseau `model` lit `image`
# ($C \times H \times L$) : un tenseur (canaux, hauteur, largeur), sans gradient. Après l'appel, le
# réseau est comme avant : plus de hook.

# %% [markdown] hint="visu-cartes"
# `layer.register_forward_hook(f)` appellera `f(module, inputs, output)` ; il renvoie une poignée dont
# `remove()` décroche le hook. La fonction peut ranger `output` dans une liste.

# %% [markdown] hint="visu-cartes"
# Le réseau attend un lot : `image[None]` en fait un d'une image. La sortie aussi est un lot d'une image.
# Et `torch.no_grad()` évite de garder le calcul.


# %% answer="visu-cartes"
def feature_maps(model, layer, image):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # found = []
    # hook = ...  # un crochet qui remplit la liste
    # ...  # faire tourner le réseau, retirer le crochet
    # return ...
    found = []
    hook = layer.register_forward_hook(lambda module, inputs, output: found.append(output[0]))
    with torch.no_grad():
        model(image[None])
    hook.remove()
    return found[0]
    ### END SOLUTION


# %% test="visu-cartes-test" points=3
check.feature_maps(feature_maps)
### BEGIN HIDDEN TESTS
grade(check.feature_maps(feature_maps, seed=1), points=3)
### END HIDDEN TESTS

# %%
feature_maps = check.feature_maps.use(feature_maps, otherwise=look.feature_maps)
shown = chosen[1]
stages = {"étape 1": 3, "étape 2": 7, "étape 3": 11}  # the ReLU that ends each stage
pictures.rows_of_images(
    {
        name: feature_maps(cifarnet, cifarnet.features[place], photos[shown])[:12]
        for name, place in stages.items()
    },
    f"Douze cartes de chaque étape, pour une image dite « {NAMES[said[shown]]} »",
)

# %% [markdown]
# Les premières cartes ressemblent à l'image ; les dernières, de 4×4 pixels, n'en gardent que « il y a
# cela, par là ». *Ce que cela prouve :* où chaque filtre répond, pour cette image. *Ce que cela ne
# prouve pas :* que cette réponse ait compté dans la décision.
#
# ## 4. Ce qui excite un filtre
#
# Zeiler et Fergus (2014) ont demandé aux images de répondre : parmi des milliers, lesquelles excitent le
# plus un filtre, et quel **morceau** a-t-il vu ? Le champ récepteur du notebook 01 donne ce morceau.
#
# **Prédire.** Que verrez-vous à la première couche, à la deuxième, à la troisième ? *Votre
# prédiction :* …


# %%
def best_patches(depth, channel, count=8):
    """The parts of the photographs that excite one filter most, enlarged to 32×32."""
    layers = cifarnet.features[:depth]
    with torch.no_grad():
        maps = layers(photos)[:, channel]  # (N, h, w)
    field, patches = receptive_field(layers_of(layers)), []
    values, places = maps.flatten(1).max(1)
    for image in values.topk(count).indices.tolist():
        row, column = divmod(places[image].item(), maps.shape[2])
        (top, bottom), (left, right) = field.window(row), field.window(column)
        patch = photo_set.images[image, :, max(top, 0) : bottom + 1, max(left, 0) : right + 1]
        patches.append(interpolate(patch[None] / 255, size=32)[0])
    return torch.stack(patches)


# %%
depths = {"conv1": 1, "conv2": 5, "conv3": 9}
fields = {
    name: receptive_field(layers_of(cifarnet.features[:end])).size for name, end in depths.items()
}
rows = {
    f"{name}, filtre {channel}": best_patches(end, channel)
    for name, end in depths.items()
    for channel in (ranks[:3].tolist() if end == 1 else (2, 5, 11))
}
print({name: f"{side}×{side} pixels" for name, side in fields.items()})
pictures.rows_of_images(rows, "Les morceaux qui excitent le plus quelques filtres", size=0.7)

# %% [markdown] question="visu-exemples" kind="experience"
# ### Des morceaux, couche après couche
#
# Ligne par ligne, qu'ont en commun les morceaux d'un même filtre ? Comment cela change-t-il d'une couche
# à la suivante ? Un filtre répond-il à une classe, à une forme, à une couleur ? Que ne voit-on pas dans
# une telle image ?

# %% [markdown] answer="visu-exemples-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) conv1 : bords d'une direction, clair contre sombre, dans 5×5 pixels (les filtres de couleur,
#   plus faibles, ne sont pas montrés ici). conv2 : textures, coins,
#   alternances. conv3 : morceaux d'objets, contrastes forme et fond ; le champ couvre l'image presque
#   entière.
# - (1) Les morceaux d'une ligne partagent une forme ou une couleur bien plus qu'une classe : la classe
#   n'apparaît qu'avec la combinaison des filtres.
# - (1) On ne voit que les maximums : rien sur les réponses moyennes, ni sur l'usage que le réseau en
#   fait ; huit images choisies parmi mille se laissent raconter.
# ### END MARK SCHEME

# %% [markdown]
# ## 5. L'image qu'un filtre voudrait voir
#
# Au lieu de chercher parmi des images, fabriquons-en une : partons d'un bruit, et suivons le gradient
# du score **par rapport à l'image**, les poids ne bougeant pas.

# %% [markdown] question="visu-montee" kind="code"
# ### La montée de gradient
#
# `score` prend un lot d'une image et donne un nombre. Écrivez la fonction qui fait `steps` pas le long
# de son gradient par rapport à l'image ; chaque pas a la longueur `rate` : le gradient est divisé par sa
# norme (euclidienne, sur toute l'image). L'image reçue ne change pas ; celle qui est renvoyée ne garde
# pas de gradient.

# %% [markdown] hint="visu-montee"
# `image.clone().requires_grad_(True)` est une image que l'on peut dériver. À chaque pas, il faut un
# gradient neuf, et modifier l'image sous `torch.no_grad()`.

# %% [markdown] hint="visu-montee"
# `torch.autograd.grad(score(image[None]), image)` renvoie un tuple d'un seul gradient, sans rien
# accumuler ; `gradient.norm()` est sa norme.


# %% answer="visu-montee"
def ascend(score, image, steps, rate):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # image = image.clone().requires_grad_(True)
    # for _ in range(steps):
    #     ...  # un pas le long du gradient
    # return ...
    image = image.clone().requires_grad_(True)
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(score(image[None]), image)
        with torch.no_grad():
            image += rate * gradient / gradient.norm()
    return image.detach()
    ### END SOLUTION


# %% test="visu-montee-test" points=3
check.ascend(ascend)
### BEGIN HIDDEN TESTS
grade(check.ascend(ascend, seed=1), points=3)
### END HIDDEN TESTS

# %%
ascend = check.ascend.use(ascend, otherwise=look.ascend)
runtime.seed_everything(0)
noise = 0.1 * torch.randn(3, 32, 32)
scores = [look.Excitation(cifarnet.features[:5], channel) for channel in range(8)]
bare = torch.stack([ascend(score, noise, P.steps, 1.0) for score in scores])
smooth = torch.stack([look.ascend_smoothly(score, noise, P.steps, 1.0) for score in scores])
pictures.rows_of_images(
    {"gradient seul": filter_images(bare, False), "décalé et lissé": filter_images(smooth, False)},
    "Ce que voudraient voir huit filtres de conv2",
    size=0.8,
)

# %% [markdown]
# La montée seule trouve des hachures d'un ou deux pixels, auxquelles aucune photographie ne ressemble.
# En décalant un peu l'image à chaque pas, et en la lissant de temps en temps (`ascend_smoothly`), il ne
# reste que des motifs qui tiennent à plusieurs endroits : des rayures plus larges, des plages de
# couleur. *Ce que cela
# prouve :* ce motif-là excite le filtre. *Ce que cela ne prouve pas :* qu'il soit présent dans de vraies
# images.
#
# ## 6. Expliquer une décision
#
# Trois façons de demander « quels pixels ont compté pour cette réponse ? ». Toutes regardent le **score**
# de la classe (la sortie brute du réseau), et non le coût.

# %% [markdown] question="visu-occlusion" kind="code"
# ### Cacher
#
# Écrivez la fonction qui cache l'image carré par carré (`size` pixels de côté, bord à bord, mis à 0 sur
# tous les canaux) et renvoie de combien **baisse** le score de `label` : une valeur par carré, dans un
# tenseur (hauteur / `size`, largeur / `size`).

# %% [markdown] hint="visu-occlusion"
# Le score de l'image entière se calcule une fois. Pour chaque carré, repartez d'une copie de l'image.

# %% [markdown] hint="visu-occlusion"
# Le carré de la ligne `row` va des pixels `row * size` à `(row + 1) * size`, exclu ; de même pour les
# colonnes. Le score est `model(image[None])[0, label]`.


# %% answer="visu-occlusion"
def occlusion(model, image, label, size):
    rows, columns = image.shape[1] // size, image.shape[2] // size
    drops = torch.zeros(rows, columns)
    ### BEGIN SOLUTION
    with torch.no_grad():
        score = model(image[None])[0, label]
        for row in range(rows):
            for column in range(columns):
                hidden = image.clone()
                hidden[:, row * size : (row + 1) * size, column * size : (column + 1) * size] = 0
                drops[row, column] = score - model(hidden[None])[0, label]
    return drops
    ### END SOLUTION


# %% test="visu-occlusion-test" points=3
check.occlusion(occlusion)
### BEGIN HIDDEN TESTS
grade(check.occlusion(occlusion, seed=1), points=3)
### END HIDDEN TESTS

# %% [markdown] question="visu-saillance" kind="code"
# ### Dériver
#
# La **saillance** (Simonyan et al., 2014) : la dérivée du score de `label` par rapport à chaque pixel dit
# combien un petit changement de ce pixel le ferait bouger. Renvoyez une carte (hauteur, largeur) : à
# chaque pixel, la plus grande valeur absolue parmi les canaux.

# %% [markdown] hint="visu-saillance"
# Comme pour la montée : une copie de l'image que l'on peut dériver, un score, un gradient. Il n'y a pas
# de pas à faire.

# %% [markdown] hint="visu-saillance"
# Le gradient a la forme de l'image, $C \times H \times L$ : d'abord `abs()`, puis `amax(0)`.


# %% answer="visu-saillance"
def saliency(model, image, label):
    ### BEGIN SOLUTION
    image = image.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(model(image[None])[0, label], image)
    return gradient.abs().amax(0)
    ### END SOLUTION


# %% test="visu-saillance-test" points=2
check.saliency(saliency)
### BEGIN HIDDEN TESTS
grade(check.saliency(saliency, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="visu-gradcam" kind="code"
# ### Peser les cartes
#
# **Grad-CAM** (Selvaraju et al., 2017) regarde les dernières cartes $A_c$, celles de `model.features`.
# Le poids d'une carte est la moyenne, sur ses places, du gradient du score par rapport à elle. La
# réponse est $\mathrm{ReLU}(\sum_c w_c A_c)$, agrandie à la taille de l'image par interpolation
# bilinéaire.

# %% [markdown] hint="visu-gradcam"
# Coupez le réseau en deux : `maps = model.features(image[None])`, puis
# `model.classifier(maps)[0, label]`. Le gradient se prend par rapport à `maps`.

# %% [markdown] hint="visu-gradcam"
# `gradients.mean((2, 3), keepdim=True)` a la forme $1 \times C \times 1 \times 1$ et multiplie les
# cartes. `interpolate(cam, size=image.shape[1:], mode="bilinear")` veut quatre dimensions.


# %% answer="visu-gradcam"
def gradcam(model, image, label):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # maps = ...  # (1, C, h, w)
    # score = ...
    # weights = ...  # (1, C, 1, 1)
    # cam = ...  # (1, 1, h, w)
    # return ...
    maps = model.features(image[None])
    score = model.classifier(maps)[0, label]
    (gradients,) = torch.autograd.grad(score, maps)
    weights = gradients.mean((2, 3), keepdim=True)
    cam = torch.relu((weights * maps).sum(1, keepdim=True)).detach()
    return interpolate(cam, size=image.shape[1:], mode="bilinear")[0, 0]
    ### END SOLUTION


# %% test="visu-gradcam-test" points=3
check.gradcam(gradcam)
### BEGIN HIDDEN TESTS
grade(check.gradcam(gradcam, seed=1), points=3)
### END HIDDEN TESTS

# %%
occlusion = check.occlusion.use(occlusion, otherwise=look.occlusion)
saliency = check.saliency.use(saliency, otherwise=look.saliency)
gradcam = check.gradcam.use(gradcam, otherwise=look.gradcam)
METHODS = {
    "occlusion": lambda model, image, label: occlusion(model, image, label, 4),
    "saillance": saliency,
    "Grad-CAM": gradcam,
}


def explained(model, images, labels):
    """What each method shows of the answer ``label`` to each image."""
    pairs = list(zip(images, labels.tolist()))
    return {
        name: [method(model, image, label) for image, label in pairs]
        for name, method in METHODS.items()
    }


# %%
four = chosen[[0, 1, 5, 6]]
pictures.explanations(
    photo_set.images[four] / 255,
    explained(cifarnet, photos[four], said[four]),
    [NAMES[label] for label in said[four]],
    "Trois explications des mêmes réponses",
)

# %%
two = [(digits_test.labels == digit).nonzero()[0].item() for digit in (1, 2)]
pictures.explanations(
    digits_test.images[two] / 255,
    explained(lenet, digits[two], read[two]),
    [str(label) for label in read[two].tolist()],
    "Et pour LeNet-5",
)

# %% [markdown]
# Les trois cartes ne disent pas la même chose, car elles ne répondent pas à la même question : que
# perd-on en **cachant** ceci (occlusion : en rouge, le score baisse ; en bleu, il monte), à quoi le score est-il **sensible** (saillance), quelles cartes
# ont **parlé pour** la classe (Grad-CAM, grossière : les dernières cartes ont 4×4 ou 5×5 places) ? Sur
# les deux dernières, le clair est fort. Une
# carte de Grad-CAM toute sombre n'est pas une panne : nulle part, les dernières cartes n'ont parlé pour
# cette classe, et ReLU a mis tout le reste à zéro. *Ce que cela prouve :* peu, tant qu'on n'a pas vérifié
# que ces cartes dépendent du réseau.
#
# ## 7. Le contrôle
#
# Adebayo et al. (2018) proposent une épreuve simple : tirer les poids **au hasard**, et refaire la carte.
# Si elle ne change pas, c'est qu'elle montrait l'image, pas le réseau. Comme témoin, une carte de bords,
# qui ne regarde aucun réseau.
#
# **Prédire.** Quelle carte changera le plus ? Laquelle le moins ? *Votre prédiction :* …

# %%
METHODS["bords"] = lambda model, image, label: look.edges(image)
drawn = look.redrawn(cifarnet, seed=0)
tested = torch.arange(min(P.control, len(photos)))
before = explained(cifarnet, photos[tested], said[tested])
after = explained(drawn, photos[tested], said[tested])
agreement = {
    name: [look.correlation(one, other) for one, other in zip(before[name], after[name])]
    for name in METHODS
}

# %%
maps = {}
for name in METHODS:
    maps[f"{name},\nappris"] = before[name][:2]
    maps[f"{name},\nau hasard"] = after[name][:2]
names = [NAMES[label] for label in said[tested[:2]]]
pictures.explanations(
    photo_set.images[tested[:2]] / 255, maps, names, "Poids appris, poids au hasard"
)

# %%
Table(
    ["carte", "corrélation moyenne, poids appris et au hasard", "la plus grande"],
    [
        [
            name,
            decimal(statistics.mean(found)),
            decimal(max(found)),
        ]
        for name, found in agreement.items()
    ],
)

# %% [markdown] question="visu-controle" kind="experience" star=true
# ### Le réseau, ou l'image ?
#
# Lesquelles de ces cartes dépendent du réseau ? Que conclure d'une carte très corrélée à celle d'un
# réseau tiré au hasard ? Une carte qui change avec les poids est-elle pour autant une bonne explication ?
# Que vaut ici un résultat sur une seule image ?

# %% [markdown] answer="visu-controle-texte" points=4
# ### BEGIN MARK SCHEME
# - (1) Lecture de la table : occlusion et Grad-CAM changent beaucoup, leur corrélation moyenne est nulle
#   ou faible (une image peut pourtant monter haut) ; la saillance garde en moyenne environ 0,2, parce
#   que les deux cartes sont plus fortes au centre ; les bords ne changent pas du tout (1).
# - (1) Une carte qui survit au tirage des poids ne dit rien de ce que le réseau a appris : c'est un
#   détecteur de bords, aussi convaincante soit-elle à l'œil.
# - (1) Passer le contrôle est nécessaire, non suffisant : la carte dépend du réseau, cela ne dit pas
#   qu'elle en désigne les raisons.
# - (1) Une image se choisit ; il faut une moyenne sur plusieurs images (et plusieurs tirages) pour
#   conclure.
# ### END MARK SCHEME

# %% [markdown]
# ## 8. Les caractéristiques dans le plan
#
# Juste avant sa dernière couche, LeNet-5 décrit une image par 84 nombres. Deux façons de les poser sur une
# feuille : l'ACP, une projection, et t-SNE (van der Maaten et Hinton, 2008), qui cherche des points du
# plan dont les voisins soient ceux d'origine.

# %%
with torch.no_grad():
    inside = lenet.classifier[:-1](lenet.features(digits))  # (N, 84)
views = {
    "ACP": PCA(2).fit_transform(inside.numpy()),
    "t-SNE": TSNE(perplexity=min(30, len(inside) // 4), init="pca", random_state=0).fit_transform(
        inside.numpy()
    ),
}
wrong = read != digits_test.labels
pictures.planes(views, digits_test.labels, wrong, digits_test.classes)

# %% [markdown]
# Autre regard, dans l'espace entier : pour une photographie, ses plus proches voisines, d'abord entre pixels,
# puis entre les 1000 caractéristiques du réseau livré.


# %%
def nearest(vectors, index, count=5):
    """The images closest to one of them, itself first."""
    return torch.cdist(vectors[index][None], vectors)[0].argsort()[: count + 1]


with torch.no_grad():
    described = cifarnet.classifier[:-1](cifarnet.features(photos))  # (N, 1000)
rows = {}
for index in chosen[[1, -3, -1]].tolist():
    name = NAMES[said[index]]
    rows[f"{name} : pixels"] = photo_set.images[nearest(photos.flatten(1), index)] / 255
    rows[f"{name} : réseau"] = photo_set.images[nearest(described, index)] / 255
pictures.rows_of_images(rows, "Une image (à gauche) et ses plus proches voisines", size=0.75)

# %% [markdown] question="visu-espace" kind="experience"
# ### Ce que montre un plan
#
# Où se trouvent les images mal classées ? Que gagne, et que perd, t-SNE sur l'ACP : peut-on y lire une
# distance entre deux groupes ? Entre pixels, de quoi les voisines ont-elles l'air ? Et entre
# caractéristiques ?

# %% [markdown] answer="visu-espace-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Les erreurs sont entre les groupes, ou isolées dans le groupe d'une autre classe : le réseau les
#   décrit comme des images de celle-ci.
# - (1) t-SNE sépare des groupes que l'ACP superpose, mais la distance entre deux groupes, leur taille et
#   leur forme n'y ont pas de sens ; l'ACP est une projection : ce qui y est loin l'est vraiment, mais
#   deux points proches peuvent être loin l'un de l'autre.
# - (1) Voisines de pixels : mêmes couleurs, même fond, objets quelconques. Voisines de caractéristiques :
#   souvent le même objet, sous d'autres couleurs et d'autres poses.
# ### END MARK SCHEME

# %% [markdown]
# ## 9. Tromper le réseau
#
# Le gradient dit comment changer une image pour que le score monte ; il dit aussi comment la changer pour
# que le réseau se trompe. Goodfellow et al. (2015) bougent **chaque** valeur d'une même petite quantité,
# dans le sens du signe.

# %% [markdown] question="visu-signe" kind="code"
# ### Un pas dans le mauvais sens
#
# Écrivez la fonction qui ajoute à chaque valeur de l'image `epsilon` fois le **signe** de la dérivée du
# **coût** (l'entropie croisée de `label`) par rapport à elle.

# %% [markdown] hint="visu-signe"
# Cette fois, c'est bien le coût que l'on dérive : `cross_entropy(model(image[None]), …)`, dont le second
# argument est un tenseur d'une étiquette.

# %% [markdown] hint="visu-signe"
# `torch.tensor([label])` est ce tenseur ; `gradient.sign()` vaut -1, 0 ou 1 en chaque valeur.


# %% answer="visu-signe"
def adversarial_step(model, image, label, epsilon):
    ### BEGIN SOLUTION
    moving = image.clone().requires_grad_(True)
    loss = cross_entropy(model(moving[None]), torch.tensor([label]))
    (gradient,) = torch.autograd.grad(loss, moving)
    return image + epsilon * gradient.sign()
    ### END SOLUTION


# %% test="visu-signe-test" points=2
check.adversarial_step(adversarial_step)
### BEGIN HIDDEN TESTS
grade(check.adversarial_step(adversarial_step, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown]
# **Prédire.** De combien de niveaux, sur 255, faut-il bouger chaque pixel pour que la moitié des réponses
# changent ? Et avec un bruit au hasard de la même taille ? *Votre prédiction :* …

# %%
adversarial_step = check.adversarial_step.use(adversarial_step, otherwise=look.adversarial_step)
runtime.seed_everything(0)
level = 1 / (255 * statistics.mean(CIFAR10.std))  # one of 255 levels, once normalised
levels = [0, 1, 2, 4, 8, 16]
kept = {"signe du gradient": defaultdict(list), "bruit": defaultdict(list)}
for index in range(min(P.attacked, len(photos))):
    image, label = photos[index], said[index].item()
    for count in levels:
        moved = adversarial_step(cifarnet, image, label, count * level)
        noisy = image + count * level * torch.randn_like(image).sign()
        with torch.no_grad():
            same = cifarnet(torch.stack([moved, noisy])).argmax(1) == label
        for name, one in zip(kept, same.tolist()):
            kept[name][count].append(one)

# %%
lines = {name: [statistics.mean(found[count]) for count in levels] for name, found in kept.items()}
pictures.accuracy_by_change(levels, lines, "Le même changement, choisi ou au hasard")


# %%
def enough(unchanged):
    """The smallest change that made another answer; twice the largest one where none did."""
    found = (count for count, same in zip(levels, unchanged) if not same)
    return next(found, 2 * levels[-1])


fooled = defaultdict(list)
steps = zip(*(kept["signe du gradient"][count] for count in levels))
for label, unchanged in zip(said.tolist(), steps):
    fooled[NAMES[label]].append(enough(unchanged))
Table(
    ["réponse", "images", "niveaux qui la changent (médiane)"],
    [
        [name, len(found), decimal(statistics.median(found), "g")]
        for name, found in sorted(fooled.items())
    ],
)

# %%
unchanged = kept["signe du gradient"][8]
index = unchanged.index(min(unchanged))  # the first image whose answer changed
moved = adversarial_step(cifarnet, photos[index], said[index].item(), 8 * level)
with torch.no_grad():
    new = cifarnet(moved[None]).argmax(1).item()
mean, std = (torch.tensor(one).view(3, 1, 1) for one in (CIFAR10.mean, CIFAR10.std))
trio = torch.stack([photos[index], moved, (moved - photos[index]) * 8])
names = [NAMES[said[index]], f"{NAMES[new]}\n(8 niveaux)", "changement\n(×8)"]
plots.image_grid((trio * std + mean).clamp(0, 1), names, title="Presque la même image")

# %% [markdown] question="visu-tromper" kind="experience"
# ### Si peu
#
# Combien de niveaux suffisent, et que fait un bruit de même taille ? D'où vient la différence, puisque
# chaque pixel bouge autant ? Quelles réponses sont les plus fragiles ? Que penser d'un réseau exact près de
# neuf fois sur dix que si peu suffit à tromper ?

# %% [markdown] answer="visu-tromper-texte" points=3
# ### BEGIN MARK SCHEME
# - (1) Quelques niveaux, invisibles à l'œil, changent une bonne part des réponses ; le bruit de même
#   taille n'y fait presque rien.
# - (1) En 3 072 dimensions, des milliers de très petits changements qui vont tous dans le sens du gradient
#   s'additionnent ; ceux du bruit se compensent. Un grand effet sans grande cause en chaque point.
# - (1) Réponses fragiles : les plus petites médianes de la table, souvent des classes qui ont une voisine
#   (cerf et cheval) ; une dizaine d'images chacune, c'est peu pour les classer. L'exactitude sur des
#   images tirées au hasard ne garantit rien contre quelqu'un qui choisit l'image : la robustesse se
#   mesure à part.
# ### END MARK SCHEME

# %% [markdown]
# ## À retenir
#
# - Les premiers filtres se lisent comme des images ; les suivants, par ce qui les excite.
# - Un hook lit n'importe quelle couche ; il se retire après usage.
# - Occlusion, saillance et Grad-CAM dérivent ou mesurent le **score** d'une classe ; elles répondent à
#   trois questions différentes.
# - Une carte qui ne change pas quand les poids sont tirés au hasard montre l'image, pas le réseau.
# - t-SNE garde les voisins, pas les distances.
# - Un changement invisible, bien choisi, suffit à tromper un réseau exact.
#
# ## Pour aller plus loin
#
# - M. Zeiler, R. Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014.
# - K. Simonyan, A. Vedaldi, A. Zisserman, *Deep inside convolutional networks*, ICLR 2014.
# - R. Selvaraju et al., *Grad-CAM*, ICCV 2017.
# - C. Olah, A. Mordvintsev, L. Schubert, *Feature visualization*, Distill, 2017.
# - J. Adebayo et al., *Sanity checks for saliency maps*, NeurIPS 2018.
# - I. Goodfellow, J. Shlens, C. Szegedy, *Explaining and harnessing adversarial examples*, ICLR 2015.

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
# - Plusieurs notebooks ensemble : `report.from_notebook("07_visualisation", "06_transfert", …)`.

# %% [markdown]
# *Votre bilan ici.*

# %%
from tp_cnn.authoring import report

report.from_notebook("07_visualisation", authors=[], follow_up=False)
