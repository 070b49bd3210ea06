"""Caption metrics after an epoch, in the logs of training."""

import os

import tensorflow as tf

from keras_seqcv.callbacks.text_metrics import TextMetrics
from keras_seqcv.metrics.caption_input import reference_tokens
from keras_seqcv.metrics.captions import caption_scores


class CaptionMetrics(TextMetrics):
    """Captions pictures after an epoch and puts the scores of the captions into its logs.

    The logs get "val_bleu_1" to "val_bleu_4", "val_rouge_l", "val_cider_d" and, where asked for, "val_meteor". Keras
    hands the logs of an epoch from one callback to the next, in the order of the list, and last to its own history and
    progress bar: give this one before `ModelCheckpoint(monitor="val_cider_d", mode="max")`, `EarlyStopping`,
    `CSVLogger` and `TensorBoard`, where "val_cider_d" is "epoch_cider_d" of the run "validation".

    Pictures are captioned after the first epoch of a training and after those whose number is a multiple of `every`.
    The epochs between repeat the last scores: Keras's callbacks would take NaN for the best value ever if it came
    first, and `CSVLogger` knows only what the first epoch has. `EarlyStopping` counts the epochs between too: its
    `patience` is best a multiple of `every`.

    Args:
        dataset: has `images`, a `tf.data.Dataset` of batches of pictures, always in the same order, and `references`, a
            list that holds for each picture a list of captions (str).
        beam: width of the search, at least 1. 1: the most likely word each time.
        max_length: longest caption in words, at least 1.
        every: so many epochs from evaluation to evaluation, at least 1.
        count: only so many pictures, the first ones. None: all.
        meteor: METEOR too, which needs Java and `pip install "keras_seqcv[captions]"`.
        prefix: what the names in the logs begin with.
        path: folder for the captions of each evaluation: `epoch_0001.json` and so on, `captions.json` from `evaluate`.
            None: not kept.
        verbose: 1 prints a line with the first caption at each evaluation, 0 nothing.

    Raises:
        TypeError: an argument of a wrong type, or a model that has no `caption`.
        ValueError: an argument out of its range; as many captions as references do not come; a name is in the logs
            already.
        ImportError: METEOR without the extra.
        RuntimeError: METEOR without Java.
        OSError: the captions cannot be written; it names the file.

    Example:
        >>> from types import SimpleNamespace
        >>> class Model(keras.Model):
        ...     def caption(self, images, beam=1, max_length=20):
        ...         return [SimpleNamespace(text="a red circle") for batch in images for picture in batch]
        >>> pictures = tf.data.Dataset.from_tensor_slices(np.zeros((3, 8, 8, 3), "uint8")).batch(2)
        >>> valid = SimpleNamespace(images=pictures, references=[["a red circle"], ["a circle"], ["a blue square"]])
        >>> scores = ks.callbacks.CaptionMetrics(valid, verbose=0).evaluate(Model())
        >>> round(scores["bleu_1"], 3), round(scores["cider_d"], 3)
        (0.667, 2.785)
    """

    verb, folder = "caption", "captions"

    def __init__(
        self,
        dataset,
        beam: int = 1,
        max_length: int = 20,
        every: int = 1,
        count: int | None = None,
        meteor: bool = False,
        prefix: str = "val_",
        path: str | os.PathLike | None = None,
        verbose: int = 1,
    ):
        if not isinstance(getattr(dataset, "images", None), tf.data.Dataset) or not hasattr(dataset, "references"):
            raise TypeError(
                "`dataset` must have `images`, a tf.data.Dataset, and `references`, a list of lists of captions, "
                f"received {type(dataset).__name__}"
            )
        numbers = {"beam": beam, "max_length": max_length, "every": every}
        self.count = count
        super().__init__(numbers if count is None else {**numbers, "count": count}, prefix, path, verbose)
        references = list(dataset.references)
        if count is not None and count > len(references):
            raise ValueError(f"`count` must be at most the number of pictures, {len(references)}, received {count}")
        # Wrong references, no Java: known now, and not after the first hour of training.
        reference_tokens(references)
        if meteor:
            caption_scores(["a"], [["a"]], meteor=True)
        self.dataset, self.references = dataset, references[:count]
        self.meteor = bool(meteor)

    def _written(self, model) -> list:
        results = list(model.caption(self._images(), beam=self.beam, max_length=self.max_length))
        if len(results) != len(self.references):
            raise ValueError(
                "`dataset` must have as many pictures as lists of references, received "
                f"{len(results)} captions for {len(self.references)} lists"
            )
        return results

    def _scored(self, texts: list[str]) -> tuple[dict, list[dict]]:
        scores, each = caption_scores(texts, self.references, meteor=self.meteor, per_caption=True)
        each = {_key(name): values for name, values in each.items()}
        told = [
            {"caption": text, "references": list(references), "scores": {k: float(v[i]) for k, v in each.items()}}
            for i, (text, references) in enumerate(zip(texts, self.references, strict=True))
        ]
        return {_key(name): float(value) for name, value in scores.items()}, told

    def _line(self, texts: list[str], scores: dict) -> str:
        return f"CIDEr-D {scores['cider_d']:.3f}: {texts[0]!r}"

    def _images(self) -> tf.data.Dataset:
        """All batches, or as many as hold the first `count` pictures, the last one cut."""
        images = self.dataset.images
        if self.count is None:
            return images
        first = next(iter(images.take(1)), None)
        size = self.count if first is None else int(tf.nest.flatten(first)[0].shape[0])
        return images.unbatch().take(self.count).batch(size)


def _key(name: str) -> str:
    """ "CIDEr-D" as the logs have it: "cider_d"."""
    return name.lower().replace("-", "_")
