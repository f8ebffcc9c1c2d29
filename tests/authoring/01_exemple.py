# %% [markdown]
# # 01. Un exemple
#
# Un petit carnet qui a une question de chaque genre.
#
# **Durée :** 10 min
#
# **Prérequis :** aucun

# %% parameters=true
width = 3

# %% [markdown]
# ## Première partie

# %%
# ruff: noqa: B018, E402, I001
import matplotlib.pyplot as plt
from tp_cnn.display import announce

plt.figure(figsize=(width, 2))
plt.plot([0, 1])
plt.show()
announce(device="cpu", data="aucune")

# %% [markdown] question="taille" number="1" kind="code" star=true
# ### Taille de la sortie
#
# Complétez la fonction.

# %% [markdown] hint="taille"
# Comptez les positions.

# %% [markdown] hint="taille"
# La dernière position est $n - k$.


# %% answer="taille"
def size(n, k):
    # n and k: pixels
    ### BEGIN SOLUTION
    last_position = n - k
    return last_position + 1
    ### END SOLUTION


def counts(n):
    ### BEGIN SOLUTION
    ### PLACEHOLDER
    # numbers = ...
    # return numbers

    numbers = list(range(n))
    return numbers
    ### END SOLUTION


# %% test="taille-test" points=2
print("Juste" if size(5, 3) == 3 else "Pas encore")
### BEGIN HIDDEN TESTS
2 if size(28, 5) == 24 else 0
### END HIDDEN TESTS

# %% [markdown] question="poids" number="2" kind="calcul" bonus=true
# ## Nombre de poids

# %% [markdown] hint="poids"
# Multipliez.

# %% [markdown] hint="poids"
# Sans oublier le biais.

# %% answer="poids"
weights = 5 * 5 * 3 + 1  # of one filter  # SOLUTION

# %% test="poids-test" points=1
print("À faire" if weights is ... else "Juste")
### BEGIN HIDDEN TESTS
1 if weights == 76 else 0
### END HIDDEN TESTS

# %% [markdown] question="avantages" kind="reponse"
# ### Avantages de la convolution

# %% [markdown] answer="avantages-texte" points=3
# Deux avantages au moins.
#
# ### BEGIN MARK SCHEME
# - les poids partagés : 2 points ;
# - la localité : 1 point.
# ### END MARK SCHEME

# %% [markdown] question="largeur" kind="experience"
# ### Largeur
#
# Relancez avec une autre largeur.

# %% [markdown] answer="largeur-texte" points=0.5
# ### BEGIN MARK SCHEME
# La figure change.
# ### END MARK SCHEME
