"""Text sets of `tensorflow_datasets`, by name."""

import os

import tensorflow as tf

from keras_seqcv.data.documents import decode_utf8


def load_tfds_text(
    name: str, split: str = "train", key: str = "text", data_dir: str | os.PathLike | None = None
) -> list[str]:
    """Returns the documents of a text set of `tensorflow_datasets`, ready for `text_streams`.

    The set is downloaded at its first use.

    Args:
        name: name of the set: "tiny_shakespeare", "imdb_reviews", "lm1b", "wiki40b/en" ...
        split: which part, in the words of `tensorflow_datasets`: "train", "test[:10%]" ...
        key: which feature holds the text.
        data_dir: folder of the sets. None: that of `tensorflow_datasets`.

    Returns:
        List of str, one per example.

    Raises:
        ImportError: `tensorflow_datasets` is not installed.
        ValueError: the set has no such text feature, or no examples in this split.

    Example:
        >>> from keras_seqcv.data import load_tfds_text, text_streams
        >>> documents = load_tfds_text("imdb_reviews", split="train[:1%]")  # doctest: +SKIP
        >>> train = text_streams(documents, batch_size=32, steps=64)  # doctest: +SKIP
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError('load_tfds_text needs tensorflow_datasets: pip install "keras_seqcv[tfds]"') from error
    dataset, info = tfds.load(name, split=split, data_dir=data_dir, with_info=True, shuffle_files=False)
    spec = dataset.element_spec
    # Features may be nested or ragged, but a text is one string.
    texts = [feature for feature, value in spec.items() if value == tf.TensorSpec((), tf.string)]
    if key not in texts:
        raise ValueError(f"`key` must be a text feature of {info.full_name}, one of {texts}, received {key!r}")
    examples = dataset.map(lambda example: example[key]).as_numpy_iterator()
    documents = [decode_utf8(data, f"example {index} of {info.full_name}") for index, data in enumerate(examples)]
    if not documents:
        raise ValueError(f"{info.full_name} has no examples in `split`={split!r}")
    return documents
