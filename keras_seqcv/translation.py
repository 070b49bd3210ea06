"""`Translation`: what a translator says, and which words of the source it looked at."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Translation:
    """A translation, how sure the model is of it, and where it looked.

    Args:
        text: str.
        words: list of T str, the words (or pieces of words) one by one.
        score: what hypotheses are ordered by; without penalties the log-probability.
        log_probability: of the translation with its end, in nats.
        alternatives: list of (text, score), the next best translations, best first.
        source_words: list of S str, the source as the model reads it.
        alignment: (T, S) float32, for each word the weights of the source words, which sum to one; None of a model
            without attention.

    Example:

    >>> ks.models.Translation("a dog", ["a", "dog"], -1.5, -1.5, [], ["ein", "hund"], np.eye(2, dtype="float32"))
    Translation('a dog', score=-1.50)
    """

    text: str
    words: list
    score: float
    log_probability: float
    alternatives: list
    source_words: list
    alignment: np.ndarray | None

    def __repr__(self) -> str:
        return f"Translation({self.text!r}, score={self.score:.2f})"

    @staticmethod
    def maker(source_words: list):
        """A function for `hypotheses.read_hypotheses`, which knows nothing of a source; what lies behind it is cut."""

        def make(text, words, score, log_probability, alternatives, weights):
            alignment = None if weights is None else weights[:, : len(source_words)]
            return Translation(text, words, score, log_probability, alternatives, source_words, alignment)

        return make


def source_of(vocabulary, text: str, where: str = "text") -> tuple[np.ndarray, list]:
    """Ids (S,) int32 and words of a text as a translator reads them.

    Args:
        vocabulary: that of the source, with `encode` and `split`.
        where: what an error calls the text.

    Raises:
        TypeError, ValueError: no str, or one without words.

    Example:

    >>> from keras_seqcv.translation import source_of
    >>> source_of(ks.data.Words(tokens=["ein", "hund"]), "ein großer hund")
    (array([4, 3, 5], dtype=int32), ['ein', 'großer', 'hund'])
    """
    if not isinstance(text, str):
        raise TypeError(f"{where}: expected a str, received {type(text).__name__}")
    line = " ".join(text.split())  # a sentence has one line
    ids = np.asarray(vocabulary.encode(line), "int32")
    if not ids.size:
        raise ValueError(f"{where}: expected a text with words in it, received {text!r}")
    return ids, vocabulary.split(line)
