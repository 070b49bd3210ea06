"""Translation sets of `tensorflow_datasets`, by name."""

from keras_seqcv.data.documents import decode_utf8
from keras_seqcv.data.parallel_texts import TextPairs
from keras_seqcv.data.tfds_sets import prepared_set


def translations_builder(name: str, data_dir=None):
    """The builder of a set with sentences in two languages or more, which is downloaded if it is not there.

    Args:
        name: of the set: "ted_hrlr_translate/pt_to_en", "wmt14_translate/de-en" ...
        data_dir: folder of the sets. None: that of `tensorflow_datasets`.

    Raises:
        ImportError: `tensorflow_datasets` is not installed.
        ValueError: the set has no texts in two languages.
    """
    return prepared_set(name, lambda builder: len(_languages(builder)) > 1, "a set of translations", data_dir)


def load_tfds_translations(builder, split: str, languages: tuple[str, str] | None = None) -> TextPairs:
    """Sentences of one part of a set, and their translations.

    Args:
        builder: that of `translations_builder`.
        split: which part: "train", "validation[:10%]" ...
        languages: from which to which, names of features. None: as the set has them.

    Returns:
        A `TextPairs`.

    Raises:
        ValueError: no such language or split, no examples, or one without text, which is named.

    Example:
        >>> from keras_seqcv.data.tfds_translations import load_tfds_translations, translations_builder
        >>> builder = translations_builder("ted_hrlr_translate/pt_to_en")  # doctest: +SKIP
        >>> pairs = load_tfds_translations(builder, "validation")  # doctest: +SKIP
    """
    known, where = _languages(builder), f"{builder.info.full_name}, {split}"
    source, target = languages or builder.info.supervised_keys or known[:2]
    for language in (source, target):
        if language not in known:
            raise ValueError(
                f"`languages` must be two of {known}, as {builder.info.full_name} has, received {language!r}"
            )
    sides = {source: [], target: []}
    for number, example in enumerate(builder.as_dataset(split=split, shuffle_files=False).as_numpy_iterator()):
        for language, texts in sides.items():
            text = " ".join(decode_utf8(example[language], f"{where}, example {number}, {language!r}").split())
            if not text:
                raise ValueError(
                    f"{where}, example {number}: expected a sentence in {language!r}, received an empty one"
                )
            texts.append(text)
    if not sides[source]:
        raise ValueError(f"{where} has no examples")
    return TextPairs(sides[source], sides[target])


def _languages(builder) -> list[str]:
    import tensorflow_datasets as tfds

    return [name for name, feature in builder.info.features.items() if isinstance(feature, tfds.features.Text)]
