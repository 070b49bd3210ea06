"""The checks of what `LanguageModel` is made with."""

import numbers

from keras_seqcv import data


def check_arguments(vocabulary, cells, cell, layers, units, embedding_dim, dropout, residual, stateful):
    """Raise TypeError or ValueError that names the first wrong argument; `cells` are the names that `cell` may be."""
    if not isinstance(vocabulary, data.Vocabulary):
        raise TypeError(f"vocabulary: expected a ks.data vocabulary, received {type(vocabulary).__name__}")
    if not isinstance(cell, str) or cell not in cells:
        raise ValueError(f"cell: expected one of {cells}, received {cell!r}")
    for name, value in (("layers", layers), ("units", units), ("embedding_dim", embedding_dim)):
        if name == "embedding_dim" and value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}: expected an int >= 1, received {value!r}")
    if isinstance(dropout, bool) or not isinstance(dropout, numbers.Real) or not 0 <= dropout < 1:
        raise ValueError(f"dropout: expected a rate in [0, 1), received {dropout!r}")
    for name, value in (("residual", residual), ("stateful", stateful)):
        if not isinstance(value, bool):
            raise TypeError(f"{name}: expected a bool, received {value!r}")
