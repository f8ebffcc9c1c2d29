# %% [markdown]
# # 01. Un petit examen
#
# **Durée :** 10 min
#
# **Prérequis :** aucun

# %% parameters=true grading="size=6"
from tp_cnn import runtime

P = runtime.parameters(quick={"size": 28})
P

# %%
# ruff: noqa: B018, E402
import numpy as np

from tp_cnn.checks import convolution as check
from tp_cnn.checks.engine.framework import grade

sizes = np.arange(5, P.size)

# %% [markdown] question="taille" number="1" kind="code" star=true
# ### Taille de la sortie
#
# Écrivez la taille de sortie d'une convolution.

# %% [markdown] hint="taille"
# Comptez les positions.

# %% [markdown] hint="taille"
# Combien de pas après la première position ?


# %% answer="taille"
def output_size(size, kernel, stride, padding):
    ### BEGIN SOLUTION
    steps = (size + 2 * padding - kernel) // stride
    return steps + 1
    ### END SOLUTION


# %% test="taille-test" points=2
check.output_size(output_size)
### BEGIN HIDDEN TESTS
grade(check.output_size(output_size, seed=1), points=2)
### END HIDDEN TESTS

# %% [markdown] question="poids" number="2" kind="calcul"
# ### Nombre de poids
#
# Combien de poids a un filtre 5×5 sur une image de 3 canaux ?

# %% [markdown] hint="poids"
# Multipliez.

# %% [markdown] hint="poids"
# Sans oublier le biais.

# %% answer="poids"
filter_weights = 5 * 5 * 3 + 1  # SOLUTION

# %% test="poids-test" points=1
check.filter_weights(filter_weights)
### BEGIN HIDDEN TESTS
grade(check.filter_weights(filter_weights, seed=1), points=1)
### END HIDDEN TESTS

# %% [markdown] question="avantages" number="3" kind="reponse"
# ### Avantages de la convolution

# %% [markdown] answer="avantages-texte" points=3
# ### BEGIN MARK SCHEME
# - les poids partagés : 2 points ;
# - la localité : 1 point.
# ### END MARK SCHEME
