"""Sets of `tensorflow_datasets`: found, checked and prepared."""

from collections.abc import Callable

_VALIDATION_SPLITS = ("validation", "val")


def prepared_set(name: str, fits: Callable, expected: str, data_dir=None):
    """The builder of a set, which is downloaded if it is not there.

    Args:
        name: of the set.
        fits: function of the builder -> whether its features are such as are wanted; asked before the download.
        expected: what is wanted, for the error.
        data_dir: folder of the sets. None: that of `tensorflow_datasets`.

    Raises:
        ImportError: `tensorflow_datasets` is not installed.
        ValueError: other features.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError('sets of tensorflow_datasets need it: pip install "keras_seqcv[tfds]"') from error
    builder = tfds.builder(name, data_dir=data_dir)
    if not fits(builder):
        raise ValueError(f"expected {expected}, {name} has the features {dict(builder.info.features)}")
    builder.download_and_prepare()
    return builder


def validation_split(builder) -> str | None:
    """Name of the part for validation; None if there is none of the usual names."""
    return next((split for split in _VALIDATION_SPLITS if split in builder.info.splits), None)
