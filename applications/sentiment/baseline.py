"""What words alone can tell: logistic regression on bags of words and pairs of words, as a Keras model."""

import collections

import keras
import numpy as np
import tensorflow as tf

PAIRS_MOST, PAIRS_LEAST = 200_000, 2  # features at most, and in how many texts a feature is at least


class BagOfWords:
    """Logistic regression on tf-idf of words and of pairs of neighbours; its weights are one row of a table for each.

    logits = sum_f v_f W_f + b,   v_f = (1 + log n_f) log(N / N_f), divided by the length of v

    Args:
        names: labels in the order of their numbers.
        vocabulary: cuts texts into words.
    """

    def __init__(self, names, vocabulary):
        self.names, self.vocabulary = list(names), vocabulary

    def fit(self, train, valid, epochs=30, batch_size=64, verbose=0):
        """Learn from `LabelledTexts`; the weights of the epoch that was best on `valid` are kept."""
        counts = [self._counts(text) for text in train.texts]
        seen = collections.Counter(feature for some in counts for feature in some)
        often = [f for f, n in seen.most_common(PAIRS_MOST) if n >= PAIRS_LEAST]
        self._places = {feature: k for k, feature in enumerate(often, 1)}
        self._rarity = np.array([0.0, *(np.log(len(train) / seen[f]) for f in often)], "float32")
        self.model = self._model()
        self.model.compile(
            keras.optimizers.Adam(0.01),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        best = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
        sets = [self._dataset(some, batch_size, shuffle=some is train) for some in (train, valid)]
        self.model.fit(
            sets[0], validation_data=sets[1], epochs=epochs, callbacks=[best], verbose=verbose, shuffle=False
        )

    def labels(self, texts) -> list[str]:
        """The likeliest label of each text."""
        found = []
        for k in range(0, len(texts), 256):
            rows = [self._row(text) for text in texts[k : k + 256]]
            found.append(self.model.predict_on_batch(_padded(rows)).argmax(1))
        return [self.names[k] for k in np.concatenate(found)]

    def _model(self):
        ids, values = keras.Input((None,), dtype="int32", name="ids"), keras.Input((None,), name="values")
        rows = keras.layers.Embedding(len(self._rarity), len(self.names), "zeros")(ids)  # (B, F, C)
        logits = keras.layers.Lambda(lambda x: tf.einsum("bf,bfc->bc", x[0], x[1]))([values, rows])
        return keras.Model({"ids": ids, "values": values}, _Bias()(logits))

    def _counts(self, text):
        words = self.vocabulary.split(text)
        return collections.Counter([*words, *zip(words, words[1:])])

    def _row(self, text):
        counts = {self._places[f]: n for f, n in self._counts(text).items() if f in self._places}
        ids = np.fromiter(counts, "int32", len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), "float32", len(counts)))) * self._rarity[ids]
        return ids, values / max(float(np.linalg.norm(values)), 1e-9)

    def _dataset(self, texts, batch_size, shuffle):
        rows = [self._row(text) for text in texts.texts]
        numbers = np.array([self.names.index(label) for label in texts.labels])
        chance = np.random.default_rng(0)

        def batches():
            order = chance.permutation(len(rows)) if shuffle else np.arange(len(rows))
            for k in range(0, len(rows), batch_size):
                some = order[k : k + batch_size]
                yield _padded([rows[i] for i in some]), numbers[some]

        shape = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)
        inputs = dict(zip(("ids", "values"), shape, strict=True))
        dataset = tf.data.Dataset.from_generator(batches, output_signature=(inputs, tf.TensorSpec((None,), tf.int64)))
        options = tf.data.Options()
        options.autotune.enabled = False
        count = -(-len(rows) // batch_size)
        return dataset.apply(tf.data.experimental.assert_cardinality(count)).with_options(options)


class _Bias(keras.layers.Layer):
    def build(self, shape):
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer="zeros")

    def call(self, x):
        return x + self.bias


def _padded(rows) -> dict:
    longest = max(1, *(len(ids) for ids, _ in rows))
    ids, values = np.zeros((len(rows), longest), "int32"), np.zeros((len(rows), longest), "float32")
    for k, (some, numbers) in enumerate(rows):
        ids[k, : len(some)], values[k, : len(some)] = some, numbers
    return {"ids": ids, "values": values}
