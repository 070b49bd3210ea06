"""`SequenceClassifier`: reads a text, or any features over time, and labels it, or every step of it."""

import keras
import tensorflow as tf

from keras_seqcv.models import sequence_classifier_signatures
from keras_seqcv.models.label_head import LabelHead
from keras_seqcv.models.labelling_model import LabellingModel
from keras_seqcv.models.sequence_classifier_arguments import check_arguments, checked_features, checked_tokens
from keras_seqcv.models.sequence_classifying import SequenceClassifying
from keras_seqcv.models.sequence_encoder import SequenceEncoder, TextEncoder


@keras.saving.register_keras_serializable(package="keras_seqcv")
class SequenceClassifier(LabellingModel):
    """Gives a sequence one of several labels (many to one), or each of its steps (many to many, step by step).

    x_t       = E[word_t], or features
    h_t       = RNN(x_t, h_{t-1}), of two directions [h_t, h'_t], in any number of layers
    v         = h_T, mean_t h_t, or sum_t a_t h_t with a = softmax_t(w . tanh(h_t W_a + b_a))
    logits    = v W + b
    logits_t  = h_t W + b                                       with `per_step`

    Args:
        labels: sequence of C different str, at least two. They are saved with the model.
        vocabulary: `data.Words` for texts, saved with the model; or None.
        features: D, width of features, instead of a vocabulary.
        cell: "simple_rnn" | "lstm" | "gru". units: U, int >= 1. layers: int >= 1.
        bidirectional: whether each layer reads both ways. One that does cannot label steps as they come.
        pooling: "last" | "mean" | "attention": what is kept of a sequence. None: "last"; nothing with `per_step`.
        per_step: whether every step has a label.
        embedding_dim: width of a word; None: `units`.
        dropout: rate in [0, 1) at the input of each layer and before the labels.
        word_dropout: rate at which words are replaced by the unknown word in training.
        label_smoothing: in [0, 1), of the default loss.

    Call arguments:
        inputs: of texts tokens (B, T) int, padded behind with the vocabulary's `pad_id`; of features (B, T, D), or a
            dict of "features" and "lengths" (B,) int. What is padding is not read.
        training: bool.

    Returns:
        logits (B, C), or (B, T, C) with `per_step`; float32. Those of padding mean nothing: give them weight 0, as
        `data.labelled_texts` does.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> texts = ks.data.opinions(40)
    >>> model = ks.models.SequenceClassifier(texts.names, texts.words(), units=8, pooling="attention")
    >>> model.compile()
    >>> _ = model.fit(ks.data.labelled_texts(texts, model=model, validation=0), verbose=0)
    >>> found = model.classify("the acting is not good", explain="attention")
    >>> found.label in ("negative", "positive"), found.importance.shape
    (True, (5,))

    Reference:
        Yang et al.: Hierarchical Attention Networks for Document Classification. NAACL 2016. (pooling "attention")
        Graves, Schmidhuber: Framewise Phoneme Classification with Bidirectional LSTM. Neural Networks 18, 2005.
    """

    nested = ("vocabulary",)

    def __init__(
        self,
        labels,
        vocabulary=None,
        features=None,
        cell="lstm",
        units=128,
        layers=1,
        bidirectional=False,
        pooling=None,
        per_step=False,
        embedding_dim=None,
        dropout=0.3,
        word_dropout=0.0,
        label_smoothing=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        options = {
            "cell": cell,
            "units": units,
            "layers": layers,
            "bidirectional": bidirectional,
            "pooling": pooling,
            "per_step": per_step,
            "embedding_dim": embedding_dim,
            "dropout": dropout,
            "word_dropout": word_dropout,
            "label_smoothing": label_smoothing,
        }
        self.labels = check_arguments(labels, vocabulary, features, options)
        self.vocabulary, self.features = vocabulary, features
        self.options = options
        shared = {
            "cell": cell,
            "units": units,
            "layers_count": layers,
            "bidirectional": bidirectional,
            "pooling": self.pooling,
            "dropout": dropout,
            "dtype": self.dtype_policy,
            "name": "reader",
        }
        if vocabulary is None:
            self.reader = SequenceEncoder(**shared)
        else:
            width = units if embedding_dim is None else embedding_dim
            marks = {"pad_id": vocabulary.pad_id, "unknown_id": vocabulary.unknown_id}
            self.reader = TextEncoder(len(vocabulary), width, **marks, word_dropout=word_dropout, **shared)
        self.head = LabelHead(len(self.labels), per_step, dropout, dtype=self.dtype_policy, name="head")
        self._classifying = None
        self.build()
        self.built = True

    @property
    def per_step(self) -> bool:
        """Whether every step has a label."""
        return self.options["per_step"]

    @property
    def encoder(self) -> SequenceEncoder:
        """The recurrent layers."""
        return self.reader if self.vocabulary is None else self.reader.encoder

    @property
    def recurrent(self) -> SequenceEncoder:
        return self.encoder

    def embed_step(self, x):
        return x if self.vocabulary is None else self.reader.embedding(x)

    def get_config(self):
        return {
            **super().get_config(),
            **self.options,
            "labels": list(self.labels),
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
            "features": self.features,
        }

    def build(self, input_shape=None):
        self.reader.build((None, None, self.features))
        self.reader.built = True
        self.head.build(self.reader.width)
        self.head.built = True

    def compute_output_shape(self, input_shape):
        shape = input_shape["features"] if isinstance(input_shape, dict) else input_shape
        return (*shape[: 1 + self.per_step], len(self.labels))

    def call(self, inputs, training=False):
        return self.read(inputs, training)[0]

    def read(self, inputs, training=False):
        """Inputs as of a call -> logits, and with pooling "attention" the weights of the steps (B, T), else None."""
        if self.vocabulary is None:
            features, mask = checked_features(inputs, self.features)
            outputs, vector, weights = self.reader(features, mask=mask, training=training)
        else:
            outputs, vector, weights, _ = self.reader(checked_tokens(inputs), training=training)
        return self.head(outputs, vector, training=training), weights

    def embedded(self, inputs):
        """What the recurrent layers read: (B, T, D), and its mask (B, T) or None."""
        if self.vocabulary is None:
            return checked_features(inputs, self.features)
        tokens = checked_tokens(inputs)
        return self.reader.embedding(tokens), tokens != self.vocabulary.pad_id

    def gradient_by_input(self, inputs):
        """Logits, and how much each step did for the likeliest label: sum_d x_{t,d} dlogit / dx_{t,d}, (B, T)."""
        x, mask = self.embedded(inputs)
        x = tf.cast(x, self.compute_dtype)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            outputs, vector, _ = self.encoder(x, mask=mask)
            logits = self.head(outputs, vector)
            chosen = tf.reduce_max(logits, axis=-1)
        return logits, tf.reduce_sum(tf.cast(x * tape.gradient(chosen, x), tf.float32), axis=-1)

    def classify(self, inputs, explain=None):
        """Label sequences, or every step of them.

        Args:
            inputs: a text (str), or a list of texts; or lists of words (str), as the words of a file of tags are given:
                then a word that the vocabulary cuts in pieces has one label, that of its last piece. Of a model of
                features: an array (T, D), or a list of those, or (B, T, D). All of it is read, however long.
            explain: None | "attention" (the weights of the pooling of that name) | "gradient" (of the likeliest
                label's logit times the input; for any model without `per_step`): the `importance` of each step.

        Returns:
            A `Classification`, or a `StepClassification` with `per_step`; a list of them for several sequences.

        Raises:
            TypeError, ValueError: for an argument that is not as above, and for a text without any word.
        """
        if self._classifying is None:
            self._classifying = SequenceClassifying(self)
        return self._classifying.classify(inputs, explain)

    def stream(self, steps):
        """Label steps as they come, with states that are carried on: what is to come is not waited for.

        Args:
            steps: iterable of words (str), or of features (D,).

        Returns:
            Generator of a `Classification` after each step: of this step with `per_step`, else of all so far.

        Raises:
            ValueError: the model reads both ways, or keeps more of a sequence than the last output.
        """
        self.check_can_step()
        if self._classifying is None:
            self._classifying = SequenceClassifying(self)
        return self._classifying.stream(steps)

    def export_signatures(self, format):
        """Signatures for `ks.export`; see `models.sequence_classifier_signatures`."""
        return sequence_classifier_signatures.signatures(self, format)

    def export_examples(self, format, inputs=None):
        """Example inputs for the comparison of an export with this model, and for measuring the ranges of int8.

        Args:
            inputs: as of `classify`, a list. None: random words or features; they have other ranges than real ones:
                `tflite(..., "int8", examples=model.export_examples("litert", texts))`.
        """
        return sequence_classifier_signatures.examples(self, format, inputs)

    def export_metadata(self):
        """Files that travel with an export."""
        files = super().export_metadata()
        return files if self.vocabulary is None else files | {"vocabulary.json": self.vocabulary.to_json()}
