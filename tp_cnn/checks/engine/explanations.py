"""What Python's, NumPy's and PyTorch's frequent errors mean, in French, and where to look.

Of an error that is not here, a check shows its own words and the student's line, as before.
"""

import re

NAME = r"'?([\w.\[\]]+)'?"
EXPLANATIONS = [  # a pattern of the text of the error -> what to say; {0} is its first group
    # Names and calls
    (
        rf"name {NAME} is not defined",
        "Le nom {0} n'existe pas ici : faute de frappe, ou ligne manquante qui devait le créer.",
    ),
    (
        rf"(?:local variable {NAME} referenced before|cannot access .*variable {NAME})",
        "Le nom {0} est lu avant d'avoir reçu une valeur dans la fonction.",
    ),
    (
        rf"module {NAME} has no attribute {NAME}",
        "Le module {0} n'a rien qui s'appelle {1} : vérifiez l'orthographe.",
    ),
    (
        rf"{NAME} object has no attribute {NAME}",
        "Un objet de type {0} n'a rien qui s'appelle {1} : est-ce bien sur cet objet qu'il faut "
        "l'appeler ?",
    ),
    (
        rf"{NAME} object is not callable",
        "Des parenthèses suivent un objet de type {0}, qui n'est pas une fonction : un opérateur "
        "manque, ou le nom d'une fonction a été repris.",
    ),
    (
        rf"{NAME} object is not subscriptable|{NAME} object does not support item assignment"
        r"|invalid index to scalar variable|slice\(\) cannot be applied to a 0-dim tensor",
        "Des crochets suivent un nombre, ou autre chose qui n'a pas d'éléments.",
    ),
    (
        r"'(?:method|function|builtin_function_or_method)' object is not iterable",
        "C'est une fonction qui est donnée, et non ce qu'elle renvoie : il manque ses parenthèses.",
    ),
    (
        r"cannot unpack non-iterable NoneType object|'NoneType' object is not iterable",
        "Une suite est attendue, et il n'y a rien (None) : une fonction appelée ici a-t-elle son "
        "return ?",
    ),
    (
        r"'type' object does not support the context manager protocol|^__enter__$",
        "Il manque des parenthèses après with, comme dans with torch.no_grad().",
    ),
    (
        rf"cannot unpack non-iterable {NAME} object|{NAME} object is not iterable"
        r"|iteration over a 0-d (?:array|tensor)",
        "Une boucle, ou une affectation à plusieurs noms, attend une suite : un nombre n'en est "
        "pas une. Manque-t-il range(...) ?",
    ),
    (
        r"not enough values to unpack \(expected (?:at least )?(\d+), got (\d+)\)",
        "Il faut autant de valeurs à droite du = que de noms à gauche, {0} : il y en a {1}.",
    ),
    (
        r"too many values to unpack \(expected (\d+)(?:, got \d+)?\)",
        "À droite du =, il y a plus de {0} valeurs : il faut autant de noms que de valeurs.",
    ),
    (
        r"missing \d+ required positional arguments?: (.+)",
        "Il manque un argument dans cet appel : {0}.",
    ),
    (
        r"missing (?:a )?required argument|missing \d+ required"
        r"|at least (?:\d+|one) (?:positional )?arguments?"
        r"|expected (?:at least )?\d+ (?:positional )?arguments?,? (?:but )?got 0|takes exactly"
        r"|takes at least|takes no arguments|expected exactly \d+|must have at least"
        r"|expected at least|takes from \d+ to \d+|invalid number of arguments",
        "Le nombre des arguments de cet appel ne convient pas : il en manque, ou il y en a trop.",
    ),
    (
        r"takes (\d+) positional arguments? but (\d+) (?:was|were) given",
        "Cet appel donne {1} arguments là où la fonction en attend {0} (self compris, pour une "
        "méthode).",
    ),
    (
        r"got an unexpected keyword argument '(\w+)'",
        "La fonction appelée n'a pas d'argument qui s'appelle {0}.",
    ),
    (
        r"got multiple values for argument '(\w+)'",
        "L'argument {0} est donné deux fois : par sa place et par son nom.",
    ),
    (
        r"invalid combination of arguments|must be Tensor, not (?:int|float|list|tuple|\w+)"
        r"|argument '?\w+'? .*must be",
        "Un argument de cet appel n'est pas du type attendu, ou n'est pas à sa place.",
    ),
    # Types
    (
        r"unsupported operand type\(s\) for (\S+): '(\S+)' and '(\S+)'",
        "L'opération {0} ne se fait pas entre {1} et {2} : l'un des deux n'est pas ce que vous "
        "croyez.",
    ),
    (
        r"bad operand type for unary (\S+): '(\S+)'",
        "Le signe {0} ne s'applique pas à un objet de type {1}.",
    ),
    (
        r"'\S+' not supported between instances of '(\S+)' and '(\S+)'",
        "Les types {0} et {1} ne se comparent pas.",
    ),
    (
        r"list indices must be integers or slices, not str",
        "C'est une liste : prenez d'abord un de ses éléments, par son numéro ([0] pour le "
        "premier), puis ce qui porte ce nom.",
    ),
    (
        r"Cannot interpret '\d+' as a data type",
        "La forme d'un tableau se donne en un seul argument, entre ses propres parenthèses : "
        "np.zeros((lignes, colonnes)).",
    ),
    (
        r"'float' object cannot be interpreted as an integer|slice indices must be integers"
        r"|only integers?, slices|must be integers or slices"
        r"|can't convert .* to .*int|expected .*int.* float|type must be tuple of ints"
        r"|indices must be integers|tensors used as indices must be|arrays used as indices"
        r"|expects .* to be .*ints?\b|cannot be interpreted as an integer|integer is required",
        "Une taille, un indice ou un nombre de tours doit être un entier : une division avec / "
        "donne un nombre à virgule, // un entier.",
    ),
    (
        r"object of type '(\S+)' has no len\(\)|len\(\) of (?:unsized object|a 0-d tensor)",
        "La fonction len compte les éléments d'une suite : ce qui lui est donné n'en est pas une, "
        "ou se parcourt seulement, avec for.",
    ),
    (
        r"truth value of an (?:array|empty)|Boolean value of Tensor with more than one value",
        "Un if, ou un and, demande vrai ou faux : un tableau en contient plusieurs.",
    ),
    (
        r"only integer scalar arrays|only (?:length-1|0-dimensional|size-1) arrays can be converted"
        r"|can (?:only )?be converted to Python scalars|cannot be converted to Scalar"
        r"|setting an array element with a sequence|inhomogeneous shape",
        "Un seul nombre est attendu là où vous donnez un tableau : manque-t-il une somme, ou un "
        "indice ?",
    ),
    (
        r"can only concatenate (\S+) \(not \"(\S+)\"\) to|can't multiply sequence by non-int",
        "Une liste ou un tuple ne se calcule pas comme un nombre : + les met bout à bout.",
    ),
    (
        r"expected Tensor as element|expected sequence|must be tuple of Tensors"
        r"|need at least one array|expects a non-empty TensorList|arrays to stack must be",
        "Une liste non vide de tableaux est attendue : regardez ce qu'elle contient.",
    ),
    (
        r"expected (?:scalar type|.*dtype) .*Long",
        "Il faut des entiers ici, comme le sont des étiquettes : .long() les convertit.",
    ),
    (
        r"log_softmax\w*\"? not implemented for '(?:Long|Int)'",
        "L'entropie croisée reçoit des entiers à la place des scores : les scores d'abord, les "
        "étiquettes ensuite.",
    ),
    (
        r"(?:expected|found) .*(?:dtype|scalar type)|not implemented for '|same dtype"
        r"|Input type .* and weight type|can only be .*floating|only be calculated for floating"
        r"|could not infer (?:output )?dtype",
        "Deux types de nombres ne vont pas ensemble (entiers et décimaux, simple et double "
        "précision) : convertissez, par .float() par exemple.",
    ),
    # Indices and shapes
    (
        r"index (-?\d+) is out of bounds for (?:axis|dimension) (\d+) with size (\d+)",
        "L'indice {0} est demandé sur l'axe {1}, dont la taille est {2} (le premier est 0) : "
        "jusqu'où va la boucle, et les indices sont-ils dans le bon ordre ?",
    ),
    (
        r"(?:list|tuple|string) (?:assignment )?index out of range|index out of range",
        "L'indice dépasse la fin de la suite : le premier est 0, le dernier len(...) - 1.",
    ),
    (
        r"too many indices for (?:array|tensor)",
        "Il y a plus d'indices entre les crochets que d'axes dans ce tableau.",
    ),
    (
        r"axis (-?\d+) is out of bounds for array of dimension (\d+)"
        r"|Dimension out of range \(expected to be in range of \[.*\], but got (-?\d+)\)",
        "Cet axe n'existe pas : le premier porte le numéro 0, et le tableau en a moins.",
    ),
    (
        r"operands could not be broadcast together with shapes (\(.*?\)) (\(.*?\))",
        "Ces deux tableaux, de formes {0} et {1}, ne se combinent pas valeur par valeur : "
        "d'où vient l'axe de trop, ou celui qui n'a pas la bonne taille ?",
    ),
    (
        r"could not broadcast input array from shape (\(.*?\)) into shape (\(.*?\))",
        "Un résultat de forme {0} ne tient pas dans une place de forme {1}.",
    ),
    (
        r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at "
        r"non-singleton dimension (\d+)",
        "Ces deux tenseurs ne se combinent pas : sur l'axe {2}, l'un a {0} valeurs, l'autre {1}.",
    ),
    (
        r"[Ee]xpected input batch_size",
        "Il faut une étiquette par image du lot : pour une seule, torch.tensor([label]).",
    ),
    (
        r"must have same number of dimensions",
        "Ces tenseurs n'ont pas le même nombre d'axes : pour les mettre bout à bout, il le faut.",
    ),
    (
        r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)"
        r"|shape mismatch|shapes? .* not aligned|mismatch in its core dimension"
        r"|must match except|stack expects each tensor to be equal size"
        r"|all input arrays must have the same shape"
        r"|expected .*size.* to match|must be equal|must have the same",
        "Ces tableaux n'ont pas des formes qui vont ensemble : affichez leurs shape.",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied \((\d+x\d+) and (\d+x\d+)\)",
        "Le produit de formes {0} et {1} n'existe pas : il faut autant de colonnes à gauche que de "
        "lignes à droite. Dans une couche dense, comptez les valeurs qui arrivent, mises à plat.",
    ),
    (
        r"expected input\[.*\] to have (\d+) channels, but got (\d+) channels",
        "Nombre de canaux qu'attend cette convolution : {0} ; qu'elle reçoit : {1}.",
    ),
    (
        r"Expected size for first two dimensions of batch2",
        "Ces deux lots de matrices ne se multiplient pas : le dernier axe du premier doit avoir la "
        "taille de l'avant-dernier axe du second.",
    ),
    (
        r"running_mean should contain (\d+) elements not (\d+)",
        "Nombre de canaux qu'attend cette normalisation : {1} ; qu'elle reçoit : {0}.",
    ),
    (
        r"shape '(.*)' is invalid for input of size (\d+)"
        r"|cannot reshape array of size (\d+) into shape|can only specify one unknown dimension"
        r"|cannot reshape",
        "Le nombre de valeurs ne permet pas cette forme : le produit des tailles doit rester le "
        "même.",
    ),
    (
        r"[Gg]ot \dD input, but .* mode needs (\d)D input",
        "Cet agrandissement attend {0} axes, lot et canaux compris : [None] en ajoute un.",
    ),
    (
        r"Expected .*(?:\dD|\d-D|dimensional).*(?:input|tensor)|expected .*D (?:or .*D )?input"
        r"|expected \d+ dims|must have at least \d+ dim|must be \d-dimensional",
        "Cette opération attend un autre nombre d'axes : regardez la forme de ce qu'elle reçoit.",
    ),
    (
        r"Kernel size can't be greater than actual input size|Output size is too small"
        r"|negative dimensions are not allowed|negative dimension|[Nn]egative padding"
        r"|index can't contain negative values|pad should be at most half|Trying to create tensor "
        r"with negative|smaller than the kernel|Invalid window",
        "Une taille devient négative ou trop petite : le filtre ou la fenêtre dépasse de ce "
        "qu'il doit lire, ou une soustraction est à l'envers.",
    ),
    (
        r"zero-size array to reduction|attempt to get argm|arg is an empty sequence"
        r"|iterable argument is empty|max\(\): Expected reduction|mean of empty",
        "Il n'y a rien dont prendre le maximum : la fenêtre, ou la liste, est vide.",
    ),
    (
        r"number of sizes provided \(0\)",
        "Un seul nombre est attendu là où vous donnez un tableau : manque-t-il un indice ?",
    ),
    (
        r"requires? .*(?:positive|non-negative|greater)"
        r"|must be (?:positive|greater|non-negative|a positive|>)|should be .*(?:greater|positive)"
        r"|from.*must be less|low >= high|random_ expects 'from'|has to be between 0 and 1"
        r"|step must be|must not be zero|arg 3 must not be zero",
        "Un nombre donné à cet appel sort de ce qu'il permet : il est nul, négatif ou trop grand.",
    ),
    # Numbers
    (r"division by zero|modulo by zero|float division", "Le diviseur vaut zéro ici."),
    (
        r"math range error",
        "Le résultat est trop grand pour un nombre à virgule : une exponentielle, sans doute.",
    ),
    (
        r"cannot convert float (?:NaN|infinity)|math domain error",
        "Le calcul a donné l'infini ou un résultat qui n'est pas un nombre (NaN).",
    ),
    # PyTorch
    (
        r"does not require grad and does not have a grad_fn",
        "L'appel à backward() part d'un nombre qui ne dépend d'aucun poids : un no_grad, un detach "
        "ou un item() l'a coupé du réseau, ou ce n'est pas le coût.",
    ),
    (
        r"grad can be implicitly created only for scalar",
        "Un backward() part d'un seul nombre : le coût, et non les scores.",
    ),
    (
        r"backward through the graph a second time|modified by an inplace operation",
        "Le même calcul a servi à deux backward(), ou ses valeurs ont changé entre-temps.",
    ),
    (
        r"leaf Variable that requires grad",
        "Un poids, ou une image, est modifié pendant que PyTorch suit ses gradients : faites-le "
        "dans with torch.no_grad().",
    ),
    (
        r"requires_grad flags of leaf variables",
        "Ce tenseur vient d'un calcul que PyTorch suit : detach() d'abord, ou requires_grad = True "
        "avant ce calcul.",
    ),
    (
        r"Can't call numpy\(\)",
        "PyTorch suit encore ce tenseur : detach() avant numpy().",
    ),
    (
        r"appear in more than one parameter group",
        "Un même poids est dans deux groupes de l'optimiseur : chacun n'a qu'un pas.",
    ),
    (
        r"optimizer can only optimize Tensors",
        "L'optimiseur attend des poids, ceux de parameters() par exemple : que reçoit-il ?",
    ),
    (
        r"missing the required \"forward\" function",
        "Le réseau n'a pas de méthode forward : vérifiez son nom, et son retrait dans la classe.",
    ),
    (
        r"before Module\.__init__\(\) call",
        "Il manque super().__init__() au début de __init__ : avant lui, rien ne garde les couches.",
    ),
    (
        r"is not a Module subclass",
        "Un réseau n'est fait que de couches : ce qui est donné n'en est pas une (un nombre, une "
        "fonction, ou une classe sans parenthèses).",
    ),
    (
        r"Expected floating point type for target with class probabilities",
        "L'entropie croisée reçoit des classes (un argmax ?) à la place des scores.",
    ),
    (
        r"Expected more than 1 value per channel when training",
        "Une normalisation par lot, en mode train(), ne peut rien d'un lot d'une seule image.",
    ),
    (
        r"Target (-?\d+) is out of bounds",
        "L'étiquette {0} n'a pas de score : la dernière couche a trop peu de sorties.",
    ),
    (r"optimizer got an empty parameter list", "L'optimiseur n'a reçu aucun poids."),
    (
        r"maximum recursion depth",
        "La fonction s'appelle elle-même sans fin : le nom qu'elle appelle est le sien.",
    ),
]


def explain(text: str) -> str:
    """What an error says, in French, from its text; empty where it is not a frequent one."""
    for pattern, sentence in EXPLANATIONS:
        found = re.search(pattern, text)
        if found:
            groups = [group for group in found.groups() if group is not None]
            return sentence.format(*groups)
    return ""
