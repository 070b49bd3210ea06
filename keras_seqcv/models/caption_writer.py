"""Pictures in, captions out: what `ImageCaptioner` and `CaptionEnsemble` do around their compiled loops."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from keras_seqcv.caption import Caption
from keras_seqcv.decoding import ensemble, write
from keras_seqcv.hypotheses import read_hypotheses
from keras_seqcv.models.image_inputs import is_single, pictures_of, prepared
from keras_seqcv.models.text_writer import Choice
from keras_seqcv.models.word_search import SearchFunctions, check_count, checked_search, search_words
from keras_seqcv.scalars import scalar

_BATCH = 32


class CaptionWriter:
    """Writes captions with one captioner, or with several that decide on every word together.

    It keeps the compiled loops, one for each set of options in use.

    Args:
        models: list of `ImageCaptioner` with the same vocabulary.
    """

    def __init__(self, models):
        self._models = list(models)
        self._vocabulary = self._models[0].vocabulary
        self._functions = SearchFunctions()

    def caption(self, images, beam, max_length, features, options):
        options = checked_search("caption", beam, max_length, options)
        key = ("search", beam, max_length, *sorted(options.items()))
        search = self._function(key, self._search(beam, max_length, options))
        return self._each(images, features, lambda batch: self._captions_of(search(self._memories(batch))))

    def sample(self, images, max_length, features, temperature, top_k, top_p, seed):
        check_count("max_length", max_length)
        choice = Choice(temperature, top_k, top_p, False, seed)
        draw = self._function(("sample", max_length, *choice.options), self._draw(max_length))
        seeds = _seeds(int(choice.seed))
        return self._each(
            images, features, lambda batch: self._drawn(draw(self._memories(batch), next(seeds), **choice.options))
        )

    def _each(self, images, features, write_batch: Callable):
        """Captions of all pictures, batch by batch; one alone for one picture alone."""
        if (images is None) == (features is None):
            raise ValueError(f"images: expected pictures or features, received {'none' if images is None else 'both'}")
        if isinstance(images, tf.data.Dataset):
            return [one for batch in images for one in write_batch(_named(batch))]
        if features is not None:
            return [one for batch in _batches(np.asarray(features)) for one in write_batch({"features": batch})]
        single, size = is_single(images), self._models[0].encoder.image_size
        pictures = [prepared(image, size) for image in ([images] if single else images)]
        if not pictures:
            raise ValueError("images: expected at least one picture, received none")
        captions = [one for batch in _batches(pictures) for one in write_batch({"image": np.stack(batch)})]
        return captions[0] if single else captions

    def _memories(self, batch: dict) -> list:
        """What each model decodes, of a batch of pictures or features."""
        names = tuple(sorted(batch))
        encode = self._function(("memory", names), lambda batch: [model.memory(batch) for model in self._models])
        return encode(batch)

    def _step(self, memories):
        """The models' common step, its states and what it looks at."""
        fixed = [model.fixed(memory) for model, memory in zip(self._models, memories, strict=True)]
        states = [model.initial_states(memory) for model, memory in zip(self._models, memories, strict=True)]
        steps = [model.stepper() for model in self._models]
        return (steps[0], states[0], fixed[0]) if len(steps) == 1 else (ensemble(steps), states, fixed)

    def _search(self, beam, max_length, options):
        def search(memories):
            batch = tf.shape(memories[0])[0]
            return search_words(*self._step(memories), batch, self._vocabulary, beam, max_length, **options)

        return search

    def _draw(self, max_length):
        words = self._vocabulary

        def draw(memories, seed, **choice):
            step, states, fixed = self._step(memories)
            start = tf.fill((tf.shape(memories[0])[0], 1), words.start_id)
            never = tf.one_hot([words.pad_id, words.start_id, words.unknown_id], len(words), float("-inf"), 0.0)

            def allowed(tokens, states):
                logits, states, *_ = step(tokens, states, fixed)
                return logits + tf.reduce_sum(never, axis=0), states

            lengths = tf.ones_like(start[:, 0])
            ids = write(allowed, states, start, lengths, max_length, seed, places=max_length, **choice)
            return ids, *self._reread(memories, ids)

        return draw

    def _reread(self, memories, ids):
        """log p of each word of ids (B, T), and where the models looked, by reading what was written."""
        tokens = tf.pad(ids[:, :-1], [[0, 0], [1, 0]], constant_values=self._vocabulary.start_id)
        results = [model.decoder(tokens, memory) for model, memory in zip(self._models, memories, strict=True)]
        probabilities = tf.add_n([tf.nn.softmax(result[0]) for result in results]) / len(results)
        log_p = tf.math.log(tf.gather(probabilities, ids, axis=2, batch_dims=2))
        weights = [result[1] for result in results if result[1] is not None]
        return log_p, tf.add_n(weights) / len(weights) if weights else None

    def _captions_of(self, result) -> list[Caption]:
        weights = None if result.weights is None else result.weights[:, 0].numpy()
        return self._read((result.ids, result.scores, result.log_probabilities), weights)

    def _read(self, parts, weights) -> list[Caption]:
        """Captions of ids, scores and log-probabilities of a search, and of weights (B, T, L) or None."""
        if weights is not None:
            weights = weights.reshape(*weights.shape[:2], *self._models[0].encoder.places)
        return read_hypotheses(Caption, self._vocabulary, *(np.asarray(part) for part in parts), weights)

    def _drawn(self, result) -> list[Caption]:
        ids, log_p, weights = (None if a is None else a.numpy() for a in result)
        ended = np.cumsum(ids == self._vocabulary.end_id, axis=1)
        # What is written counts up to the end, and with it.
        counted = np.concatenate([np.zeros_like(ended[:, :1]), ended[:, :-1]], axis=1) == 0
        totals = (log_p * counted).sum(1, keepdims=True)
        return self._read((ids[:, None], totals, totals), weights)

    def _function(self, key, function: Callable):
        return self._functions.function(key, function, reduce_retracing=True)


def _named(batch) -> dict:
    """A batch of a dataset: pictures, features, or the inputs of `fit`."""
    if isinstance(batch, tuple):
        batch = batch[0]
    if isinstance(batch, dict):
        return pictures_of(batch)
    return {"image" if batch.shape.rank == 4 else "features": batch}


def _batches(items):
    return (items[k : k + _BATCH] for k in range(0, len(items), _BATCH))


def _seeds(seed: int) -> Iterator[tf.Tensor]:
    """A seed for each batch, the first one as given: rows of one batch draw from streams of their own."""
    while True:
        yield scalar(seed, "int32")
        seed = (seed + 0x9E3779B1 + 2**31) % 2**32 - 2**31
