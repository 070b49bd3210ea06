"""Features of pictures that are computed once and kept on disk."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.archive_checks import check_array
from keras_seqcv.layers.inner_layers import inner_layers
from keras_seqcv.placing import placed

_FORMAT = 1  # changed with what an encoder computes or a file holds: files of another one are not used
_DTYPES = ("float32", "float16")


def cached_features(encoder, images, folder, identity, dtype, batch_size, verbose) -> np.memmap:
    """See `ImageEncoder.cached_features`."""
    _check(encoder, dtype, batch_size, verbose)
    source = _Images(images, batch_size)
    contents = None if identity is not None else source.digest()
    parts = [_FORMAT, fingerprint(encoder), dtype, contents or _checked_identity(identity)]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    path = Path(folder) / f"features_{key[:32]}.npy"
    if not path.exists():
        with placed(path, folder=False) as temporary:
            _compute(encoder, source, temporary, dtype, contents, verbose)
    return _opened(path, encoder.feature_shape, dtype)


def fingerprint(encoder) -> str:
    """SHA-256 of all that decides which features an encoder gives, its name and those of its layers left out."""
    config = encoder.get_config()
    network = config["network"]
    if not isinstance(network, str):  # Keras numbers names anew in every session
        network = json.dumps(network, sort_keys=True, default=str)
        for i, layer in enumerate(inner_layers(encoder.network)):
            network = network.replace(json.dumps(layer.name), f'"{i}"')
    facts = [network, config["pooling"], list(config["image_size"]), config["preprocess"], encoder.compute_dtype]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for variable in encoder.weights:
        value = keras.ops.convert_to_numpy(variable)
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


class _Images:
    """An array or a dataset, as batches of arrays (B, H, W, 3)."""

    def __init__(self, images, batch_size):
        self.number = None
        if isinstance(images, tf.data.Dataset):
            spec = images.element_spec
            rank = spec.shape.rank if isinstance(spec, tf.TensorSpec) else None
            if rank not in (3, 4):
                raise TypeError(f"images: expected a dataset of images or of batches of them, received one of {spec}")
            self._images = images.batch(batch_size) if rank == 3 else images
            self.batches = self._images.as_numpy_iterator
            return
        images = images if hasattr(images, "shape") else np.asarray(images)
        if len(images.shape) != 4 or images.shape[0] == 0:
            raise ValueError(f"images: expected shape (N, H, W, 3), N >= 1, received {tuple(images.shape)}")
        self._images, self._batch_size, self.number = images, batch_size, images.shape[0]
        self.batches = self._slices

    def _slices(self) -> Iterator[np.ndarray]:
        for start in range(0, self.number, self._batch_size):
            yield np.asarray(self._images[start : start + self._batch_size])

    def digest(self) -> str:
        """SHA-256 of the images, however they are batched; counts them."""
        digest, number = hashlib.sha256(), 0
        for batch in self.batches():
            _add(digest, batch)
            number += len(batch)
        self.number = number
        return digest.hexdigest()


def _add(digest, batch: np.ndarray) -> None:
    head = f"{batch.dtype}{batch.shape[1:]}".encode()
    for image in batch:
        digest.update(head)
        digest.update(np.ascontiguousarray(image).data)


def _compute(encoder, source, path, dtype, contents, verbose) -> None:
    """Write the features of all images to a `.npy` file, batch by batch.

    Raises:
        ValueError: for features that `dtype` cannot hold, for no images, and if the images are not those of `contents`.
    """
    shape = encoder.feature_shape
    progress = keras.utils.Progbar(source.number, verbose=verbose, unit_name="image")
    digest, done = hashlib.sha256(), 0
    with path.open("wb") as file:
        _write_header(file, (0, *shape), dtype)
        for batch in source.batches():
            features = np.asarray(encoder.predict_on_batch(batch), "float32")
            with np.errstate(over="ignore"):  # it is infinity then
                features = features.astype(dtype)
            if not np.isfinite(features).all():
                raise ValueError(f"dtype: {dtype} cannot hold the features of images {done} to {done + len(batch) - 1}")
            file.write(features.tobytes())
            if contents:
                _add(digest, batch)
            done += len(batch)
            progress.update(done, finalize=False)
        progress.update(done, finalize=True)
        if done == 0:
            raise ValueError("images: expected at least one, the dataset is empty")
        # The header leaves room for the number of rows: they are counted as they come.
        file.seek(0)
        _write_header(file, (done, *shape), dtype)
    if contents and digest.hexdigest() != contents:
        raise ValueError(
            "images: expected the same ones in the same order each time, received others at the second pass; leave out "
            "shuffling and augmentation"
        )


def _write_header(file, shape, dtype) -> None:
    head = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)


def _opened(path, shape, dtype) -> np.memmap:
    try:
        with path.open("rb") as file:
            check_array(file, path.stat().st_size)
        features = np.load(path, mmap_mode="r", allow_pickle=False)
        if features.shape[1:] != shape or features.dtype != dtype:
            raise ValueError(f"expected {shape} in {dtype}, received {features.shape[1:]} in {features.dtype}")
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged, delete it: {error}") from error
    return features


def _check(encoder, dtype, batch_size, verbose) -> None:
    if encoder.trainable:
        raise ValueError(f"encoder: expected a frozen one, received trainable={encoder.trainable!r}")
    if dtype not in _DTYPES:
        raise ValueError(f"dtype: expected one of {_DTYPES}, received {dtype!r}")
    if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
        raise ValueError(f"batch_size: expected an int >= 1, received {batch_size!r}")
    if verbose not in (0, 1):
        raise ValueError(f"verbose: expected 0 or 1, received {verbose!r}")


def _checked_identity(identity) -> str | list[str]:
    names = [identity] if isinstance(identity, str) else identity
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"identity: expected a str or a list of str, received {identity!r}")
    return identity if isinstance(identity, str) else list(identity)
