"""What n-gram models of a text say of another text."""

import numpy as np


def ngram_probabilities(training: np.ndarray, text: np.ndarray, longest: int) -> np.ndarray:
    """The probability that n-gram models give each symbol of a text, by counting in a training text.

    p_n(s_t | s_{t-n+1} ... s_{t-1}) = count(s_{t-n+1} ... s_t) / count(s_{t-n+1} ... s_{t-1}, and a symbol)

    Args:
        training: (M,) int, symbols.
        text: (N,) int.
        longest: int >= 1, the largest n.

    Returns:
        (longest, N) float64, row n - 1 by n-grams; 0 where the context never came, or began before the text.

    Example:
        >>> from keras_seqcv.inspection.ngrams import ngram_probabilities
        >>> ngram_probabilities(np.array([0, 1, 0, 1, 0, 0]), np.array([0, 1]), 2).round(2)
        array([[0.67, 0.33],
               [0.  , 0.67]])
    """
    symbols = np.unique(np.concatenate([training, text]), return_inverse=True)[1].reshape(-1)
    width, border = int(symbols.max()) + 1, len(training)
    contexts = np.zeros(len(symbols), "int64")  # the number of the n - 1 symbols before each place
    found = np.zeros((longest, len(text)))
    for n in range(1, longest + 1):
        grams = np.unique(contexts * width + symbols, return_inverse=True)[1].reshape(-1)
        counted = slice(n - 1, border)
        times = np.bincount(grams[counted], minlength=grams.max() + 1)[grams[border:]]
        of_context = np.bincount(contexts[counted], minlength=contexts.max() + 1)[contexts[border:]]
        shares = np.divide(times, of_context, out=np.zeros(len(text)), where=of_context > 0)
        shares[: n - 1] = 0  # these contexts reach into the training text
        found[n - 1] = shares
        contexts = np.concatenate([[0], grams[:-1]])
    return found
