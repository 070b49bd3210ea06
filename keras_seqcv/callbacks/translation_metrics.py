"""BLEU after an epoch, in the logs of training."""

import os

import numpy as np

from keras_seqcv.callbacks.text_metrics import TextMetrics
from keras_seqcv.metrics.translations import checked_references, translation_scores


class TranslationMetrics(TextMetrics):
    """Translates sentences after an epoch and puts the scores of the translations into its logs.

    The logs get "val_bleu" and "val_chrf", from 0 to 100, as sacrebleu computes them, and "val_exact", the share of
    translations that are the reference, letter by letter. As with `CaptionMetrics`: give it before the callbacks that
    read the logs (`ModelCheckpoint(monitor="val_bleu", mode="max")`); epochs without evaluation repeat the last scores.

    Args:
        dataset: has `texts`, a list of str, and `references`, a list of as many str (or lists of str), as those of
            `ks.data.translations` do.
        beam: width of the search, at least 1. 1: the most likely word each time.
        max_length: longest translation, at least 1. None: by the length of each source.
        every: so many epochs from evaluation to evaluation, at least 1; the first epoch is always evaluated.
        count: only so many sentences, the first ones. None: all.
        lowercase: whether capitals do not count.
        prefix: what the names in the logs begin with.
        path: folder for the translations of each evaluation: `epoch_0001.json` and so on, `translations.json` from
            `evaluate`. None: not kept.
        verbose: 1 prints a line with the first translation at each evaluation, 0 nothing.

    Raises:
        TypeError: an argument of a wrong type, or a model that has no `translate`.
        ValueError: an argument out of its range; a name is in the logs already.
        ImportError: sacrebleu is not installed.
        OSError: the translations cannot be written; it names the file.

    Example:
        >>> from types import SimpleNamespace
        >>> class Model(keras.Model):
        ...     def translate(self, texts, beam=1, max_length=None):
        ...         return [SimpleNamespace(text="two red apples") for text in texts]
        >>> valid = SimpleNamespace(texts=["a", "b"], references=["two red apples", "two green apples"])
        >>> scores = ks.callbacks.TranslationMetrics(valid, verbose=0).evaluate(Model())
        >>> scores["exact"]
        0.5
    """

    verb, folder = "translate", "translations"

    def __init__(
        self,
        dataset,
        beam: int = 1,
        max_length: int | None = None,
        every: int = 1,
        count: int | None = None,
        lowercase: bool = False,
        prefix: str = "val_",
        path: str | os.PathLike | None = None,
        verbose: int = 1,
    ):
        if not hasattr(dataset, "texts") or not hasattr(dataset, "references"):
            raise TypeError(
                f"`dataset` must have `texts` and `references`, lists of str, received {type(dataset).__name__}"
            )
        self.max_length, self.count = max_length, count
        optional = {name: value for name, value in (("max_length", max_length), ("count", count)) if value is not None}
        super().__init__({"beam": beam, "every": every, **optional}, prefix, path, verbose)
        texts, references = list(dataset.texts), checked_references(list(dataset.references))
        if len(texts) != len(references):
            received = f"received {len(references)} for {len(texts)}"
            raise ValueError(f"`dataset` must have a reference for each text, {received}")
        if count is not None and count > len(texts):
            raise ValueError(f"`count` must be at most the number of sentences, {len(texts)}, received {count}")
        self.texts, self.references, self.lowercase = texts[:count], references[:count], lowercase
        # No sacrebleu: known now, and not after the first hour of training.
        translation_scores(["a"], ["a"])

    def _written(self, model) -> list:
        results = list(model.translate(self.texts, beam=self.beam, max_length=self.max_length))
        if len(results) != len(self.texts):
            received = f"received {len(results)} for {len(self.texts)}"
            raise ValueError(f"`model` must give a translation for each text, {received}")
        return results

    def _scored(self, texts: list[str]) -> tuple[dict, list[dict]]:
        scores = translation_scores(texts, self.references, self.lowercase)
        del scores["signature"]
        alike = [self._folded(text) in map(self._folded, row) for text, row in zip(texts, self.references, strict=True)]
        each = [
            {"source": source, "translation": text, "references": row}
            for source, text, row in zip(self.texts, texts, self.references, strict=True)
        ]
        return {**scores, "exact": float(np.mean(alike))}, each

    def _folded(self, text: str) -> str:
        return text.lower() if self.lowercase else text

    def _line(self, texts: list[str], scores: dict) -> str:
        return f"BLEU {scores['bleu']:.2f}: {texts[0]!r}"
