"""The vocabularies, and how to read one from JSON."""

from keras_seqcv.data.characters import Bytes, Characters
from keras_seqcv.data.subwords import Subwords
from keras_seqcv.data.vocabulary_base import Vocabulary, parse_json
from keras_seqcv.data.words import Words

__all__ = ["Bytes", "Characters", "Subwords", "Vocabulary", "Words", "vocabulary_from_json"]


def vocabulary_from_json(text: str) -> Vocabulary:
    """Makes the vocabulary that `Vocabulary.to_json` wrote, whatever its class.

    Args:
        text: the JSON.

    Returns:
        A `Characters`, `Bytes`, `Words` or `Subwords`.

    Raises:
        ValueError: `text` is not the JSON of a vocabulary.

    Example:
        >>> from keras_seqcv.data import Characters, vocabulary_from_json
        >>> vocabulary_from_json(Characters("abc").to_json()) == Characters("abc")
        True
    """
    name, config = parse_json(text)
    classes = {cls.__name__: cls for cls in (Bytes, Characters, Subwords, Words)}
    if name not in classes:
        raise ValueError(f"expected the JSON of one of {sorted(classes)}, received that of {name!r}")
    try:
        return classes[name].from_config(config)
    except TypeError as error:
        raise ValueError(f"the JSON does not fit {name}: {error}") from error
