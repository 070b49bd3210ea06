"""Which sentence pairs are for training, and which for validation: of files, lists and sets."""

import numpy as np

from keras_seqcv.data.parallel_texts import TextPairs, read_translations
from keras_seqcv.data.tfds_sets import validation_split
from keras_seqcv.data.tfds_translations import load_tfds_translations, translations_builder

_TFDS = "tfds:"


def translation_parts(source, target, valid, validation: float, languages, seed: int) -> list[tuple[str, TextPairs]]:
    """Name and pairs of one part or two: "train" and "valid". The arguments are those of `translations`.

    Raises:
        TypeError, ValueError: as `translations`.

    Example:
        >>> from keras_seqcv.data.translation_sources import translation_parts
        >>> parts = translation_parts(["eins", "zwei"], ["one", "two"], None, 0.5, None, seed=0)
        >>> [(name, len(pairs)) for name, pairs in parts]
        [('train', 1), ('valid', 1)]
    """
    if isinstance(source, str) and source.startswith(_TFDS):
        if target is not None:
            raise TypeError(f"`target` must be None where `source` is a set, received {type(target).__name__}")
        builder = translations_builder(source.removeprefix(_TFDS))
        pairs = load_tfds_translations(builder, "train", languages)
        split = validation_split(builder) if valid is None else valid
        if split is not None:
            return [("train", pairs), ("valid", load_tfds_translations(builder, split, languages))]
    else:
        if languages is not None:
            raise ValueError("`languages` are those of a set of tensorflow_datasets; expected None for files and lists")
        pairs = read_translations(source, target)
        if valid is not None:
            if not isinstance(valid, (tuple, list)) or len(valid) != 2:
                raise TypeError(f"`valid` must be (source, target), received {valid!r:.80}")
            return [("train", pairs), ("valid", read_translations(*valid))]
    count = round(len(pairs) * validation)
    if not validation:
        return [("train", pairs)]
    if not 0 < count < len(pairs):
        received = f"received `validation`={validation} of {len(pairs)}"
        raise ValueError(f"training and validation need a pair each at least, {received}")
    order = np.random.default_rng(seed).permutation(len(pairs))
    return [("train", _chosen(pairs, sorted(order[count:]))), ("valid", _chosen(pairs, sorted(order[:count])))]


def _chosen(pairs: TextPairs, rows) -> TextPairs:
    return TextPairs([pairs.sources[k] for k in rows], [pairs.targets[k] for k in rows])
