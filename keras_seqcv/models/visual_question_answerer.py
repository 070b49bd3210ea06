"""`VisualQuestionAnswerer`: looks at a picture, reads a question about it, and gives the answer."""

import json

import keras
import tensorflow as tf

from keras_seqcv.layers import AdditiveAttention
from keras_seqcv.metrics.answers import SoftAccuracy
from keras_seqcv.models import visual_question_answerer_signatures
from keras_seqcv.models.application_model import ApplicationModel
from keras_seqcv.models.film import ModulatedConvolutions
from keras_seqcv.models.fusion import Fusion
from keras_seqcv.models.image_inputs import check_image_inputs, features_of, pictures_of
from keras_seqcv.models.question_answering import QuestionAnswering
from keras_seqcv.models.sequence_encoder import TextEncoder
from keras_seqcv.models.visual_question_answerer_arguments import check_arguments


@keras.saving.register_keras_serializable(package="keras_seqcv")
class VisualQuestionAnswerer(ApplicationModel):
    """Answers questions about pictures, from a closed list of answers.

    q        = vector of the question, `TextEncoder`
    v_l      = encoder(picture)_l                                        places, or their mean v
    z_l      = fusion(q, v_l)                                            what place l has to do with the question
    u_0      = tanh(q W_u + b_u)
    a_k      = softmax_l(w_k . tanh(z_l W_k + u_{k-1} R_k + b_k))        stacked attention, k = 1 ... K
    u_k      = u_{k-1} + sum_l a_{k,l} z_l
    logits   = relu([u_K, mean_l z_l, max_l z_l] W_h + b_h) W_o + b_o

    How many there are of something no distribution over places can tell; mean and maximum beside it do. With
    `film_layers` v_l in fusion is what convolutions that the question sets have made of the places, see
    `ModulatedConvolutions`: places then know of each other. With `attention_layers=0` the picture is one vector:
    logits = relu(fusion(q, v) W_h + b_h) W_o + b_o.

    Args:
        encoder: an `ImageEncoder`, frozen or not.
        vocabulary: `data.Words` of the questions. It is saved with the model.
        answers: sequence of str, the answers that there are.
        cell: "simple_rnn" | "lstm" | "gru". units: U, int >= 1. layers: int >= 1. bidirectional: bool.
        question_pooling: "last" | "mean" | "attention" over the words.
        embedding_dim: width of a word; None: `units`.
        attention_layers: K >= 0.
        fusion: "concat" | "product" | "bilinear".
        fusion_dim: width of z, of the product, and of the keys; None: `units`.
        film_layers: K >= 0, convolutions over the places that the question sets.
        dropout: rate in [0, 1) at words, recurrent layers, and the answer.
        word_dropout: rate at which words are replaced by the unknown word in training.
        soft_answers: whether targets are scores of several annotators, each answer right by itself: probabilities are
            then sigmoids, and the loss is a cross-entropy for each answer. Otherwise one answer is right: a softmax.
        blind_to: None | "image" | "question": a baseline that sees zeros in place of the one or the other; it needs
            fusion "concat".

    Call arguments:
        inputs: dict of "tokens" (B, T) int, or (B, N, T), N questions about each picture, padded behind; and "image"
            (B, H, W, 3) or "features" (B, L, D) or (B, D), what the encoder gives.
        training: bool.

    Returns:
        logits (B, A) or (B, N, A), float32. Targets of `fit`: (B,) or (B, N) int, numbers of answers; with
        `soft_answers` (B, A) or (B, N, A) in [0, 1].

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> scenes = ks.data.scenes(8)
    >>> texts = [q.question for some in scenes.questions for q in some]
    >>> encoder = ks.models.ImageEncoder(weights=None, image_size=64)
    >>> model = ks.models.VisualQuestionAnswerer(encoder, ks.data.Words(texts), scenes.answers, units=16)
    >>> answer = model.answer(scenes[0].image, texts[0], top=2)
    >>> answer.attention.shape, len(answer.alternatives)
    ((2, 2), 1)

    Reference:
        Agrawal et al.: VQA: Visual Question Answering. arXiv 1505.00468, 2015. Yang et al.: Stacked Attention Networks
        for Image Question Answering. arXiv 1511.02274, 2015. Perez et al.: FiLM: Visual Reasoning with a General
        Conditioning Layer. arXiv 1709.07871, 2017.
    """

    nested = ("encoder", "vocabulary")

    def __init__(
        self,
        encoder,
        vocabulary,
        answers,
        cell="lstm",
        units=256,
        layers=1,
        bidirectional=False,
        question_pooling="last",
        embedding_dim=None,
        attention_layers=2,
        fusion="bilinear",
        fusion_dim=None,
        film_layers=0,
        dropout=0.2,
        word_dropout=0.0,
        soft_answers=False,
        blind_to=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        options = {
            "cell": cell,
            "units": units,
            "layers": layers,
            "bidirectional": bidirectional,
            "question_pooling": question_pooling,
            "embedding_dim": units if embedding_dim is None else embedding_dim,
            "attention_layers": attention_layers,
            "fusion": fusion,
            "fusion_dim": units if fusion_dim is None else fusion_dim,
            "film_layers": film_layers,
            "dropout": dropout,
            "word_dropout": word_dropout,
            "soft_answers": soft_answers,
            "blind_to": blind_to,
        }
        self.answers = check_arguments(encoder, vocabulary, answers, options)
        self.encoder, self.vocabulary, self.options = encoder, vocabulary, options
        dtype, width = self.dtype_policy, options["fusion_dim"]
        self.question = TextEncoder(
            len(vocabulary),
            options["embedding_dim"],
            vocabulary.pad_id,
            vocabulary.unknown_id,
            word_dropout,
            keras.initializers.RandomNormal(stddev=0.5),
            cell=cell,
            units=units,
            layers_count=layers,
            bidirectional=bidirectional,
            pooling=question_pooling,
            dropout=dropout,
            dtype=dtype,
            name="question",
        )
        self.film = None
        if film_layers:
            self.film = ModulatedConvolutions(film_layers, width, dtype=dtype, name="film")
        self.fusion = Fusion(fusion, width, width, dtype=dtype, name="fusion")
        self.first_query = None
        if attention_layers:
            self.first_query = keras.layers.Dense(width, activation="tanh", dtype=dtype, name="first_query")
        self.attentions = [
            AdditiveAttention(width, dtype=dtype, name=f"attention_{k}") for k in range(attention_layers)
        ]
        self.hidden = keras.layers.Dense(2 * width, activation="relu", dtype=dtype, name="hidden")
        self.output_layer = keras.layers.Dense(len(self.answers), dtype="float32", name="logits")
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=dtype)
        self._answering = None
        self.build()
        self.built = True

    def get_config(self):
        return {
            **super().get_config(),
            **self.options,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
            "answers": list(self.answers),
        }

    def build(self, input_shape=None):
        width, places = self.options["fusion_dim"], self.encoder.feature_shape[:-1] if self.attentions else ()
        self.question.build()
        question = (None, None, self.question.width)
        depth = self.encoder.depth
        if self.film:
            self.film.build(question, (None, *self.encoder.places, depth))
            self.film.built, depth = True, width
        self.fusion.build(question, (None, *places, depth))
        if self.attentions:
            self.first_query.build(question)
        for attention in self.attentions:
            attention.build((None, width), (None, *places, width))
        self.hidden.build((None, None, 3 * width if self.attentions else width))
        self.output_layer.build((None, None, self.hidden.units))
        for layer in (self.question, self.fusion, *self.attentions):
            layer.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape["tokens"][:-1], len(self.answers))

    def compile(self, optimizer="adam", loss=None, metrics=None, weighted_metrics=None, **kwargs):
        """As `keras.Model.compile`; by default with the loss of the model's kind of answers, and their accuracy.

        The metric is "accuracy", or of soft answers "soft_accuracy": the mean score of the answers that are chosen.
        """
        soft = self.options["soft_answers"]
        if loss is None:
            kind = keras.losses.BinaryCrossentropy if soft else keras.losses.SparseCategoricalCrossentropy
            loss = kind(from_logits=True, reduction="mean_with_sample_weight")
        if metrics is None and weighted_metrics is None:
            weighted_metrics = [SoftAccuracy() if soft else keras.metrics.SparseCategoricalAccuracy("accuracy")]
        super().compile(optimizer, loss=loss, metrics=metrics, weighted_metrics=weighted_metrics, **kwargs)

    def call(self, inputs, training=False):
        check_image_inputs(inputs)
        return self.look(self.features(inputs, training), inputs["tokens"], training)[0]

    def features(self, inputs, training=False):
        """What is looked at: of a dict with "image" or "features", (B, L, D), or (B, D) without attention."""
        pooled = not self.attentions
        if self.options["blind_to"] == "image":
            (pictures,) = pictures_of(inputs).values()
            shape = self.encoder.feature_shape[-1:] if pooled else self.encoder.feature_shape
            return tf.zeros((tf.shape(pictures)[0], *shape), self.compute_dtype)
        return features_of(self.encoder, inputs, pooled, self.compute_dtype, training)

    def look(self, features, tokens, training=False):
        """Looks at pictures with questions.

        Args:
            features: of B pictures, as from `features`. tokens: (B, T) or (B, N, T) int.

        Returns:
            logits (B, A) or (B, N, A); weights of the places, a list of K of (B, L) or (B, N, L); weights of the words
            (B, T) or (B, N, T), or None.
        """
        tokens, shape = tf.cast(tokens, tf.int32), tf.shape(tokens)
        several = tokens.shape.rank == 3
        flat = tf.reshape(tokens, (-1, shape[2])) if several else tokens
        _, question, of_words, _ = self.question(flat, training=training)  # (B N, Q)
        question = tf.zeros_like(question) if self.options["blind_to"] == "question" else question
        question = self.dropout_layer(question, training=training)
        question = tf.reshape(question, (-1, shape[1], self.question.width)) if several else question[:, None]
        found, of_places = self._found(*self._modulated(question, features, training))  # (B N, F2)
        hidden = self.dropout_layer(self.hidden(found), training=training)
        logits = self.output_layer(hidden)
        if not several:
            return logits, of_places, of_words
        apart = lambda a: tf.reshape(a, (-1, shape[1], a.shape[-1] or tf.shape(a)[-1]))  # noqa: E731
        return apart(logits), [apart(a) for a in of_places], None if of_words is None else apart(of_words)

    def probabilities(self, logits):
        """Of each answer, from logits (..., A): a softmax, or of soft answers sigmoids."""
        return tf.sigmoid(logits) if self.options["soft_answers"] else tf.nn.softmax(logits)

    def _modulated(self, question, features, training):
        """Questions (B, N, Q) and features (B, ...); after the modulated convolutions (B N, 1, Q) and (B N, L, C)."""
        if not self.film:
            return question, features
        places = tf.reshape(features, (-1, *self.encoder.places, features.shape[-1]))  # (B, h, w, D)
        places = self.film(question, places, training=training)  # (B N, h, w, C)
        question = tf.reshape(question, (-1, 1, question.shape[-1])) if question.shape[1] != 1 else question
        return question, tf.reshape(places, (-1, *features.shape[1:-1], places.shape[-1]))

    def _found(self, question, features):
        """Questions (B, N, Q), features (B, D) or (B, L, D) -> what was found (B N, F2), weights K of (B N, L)."""
        fused = self.fusion(question, features)  # (B, N, F) or (B, N, L, F)
        fused = tf.reshape(fused, (-1, *fused.shape[2:]))  # (B N, L, F)
        if not self.attentions:
            return fused, []
        query = tf.reshape(self.first_query(question), (-1, fused.shape[-1]))  # (B N, F)
        of_places = []
        for attention in self.attentions:
            context, weights = attention(query, fused)
            query = query + context
            of_places.append(weights)
        seen = query, tf.reduce_mean(fused, axis=1), tf.reduce_max(fused, axis=1)
        return tf.concat(seen, axis=1), of_places

    def answer(self, images=None, questions=None, top=3, *, features=None):
        """Answer questions about pictures.

        Args:
            images: a picture: path, encoded bytes, PIL image, or array (H, W, 3) uint8; or a list of these, or an array
                (B, H, W, 3).
            questions: a str; of one picture a str or a list of str, of a list of pictures a list of as many.
            top: int >= 1, how many answers are given, the best one and `alternatives`; at most as many as there are.
            features: (B, L, D) or (B, D) instead of pictures, what the encoder gives.

        Returns:
            An `Answer`; a list of them for several questions or pictures.

        Raises:
            TypeError, ValueError: for an argument that is not as above; a file that is not a picture is named; a
                question without any word that the vocabulary knows is quoted.
        """
        if self._answering is None:
            self._answering = QuestionAnswering(self)
        return self._answering.answer(images, questions, top, features)

    def export_signatures(self, format, top=3):
        """Signatures for `ks.export`; see `models.visual_question_answerer_signatures`."""
        return visual_question_answerer_signatures.signatures(self, format, top)

    def export_examples(self, format, images=None, questions=None):
        """Example inputs for the comparison of an export with this model, and for measuring the ranges of int8.

        Args:
            images: (N, H, W, 3) uint8 of the encoder's size. None: noise, which is good enough to compare, but has
                other ranges than pictures.
            questions: N str. None: questions of words at random.
        """
        return visual_question_answerer_signatures.examples(self, format, images, questions)

    def export_metadata(self):
        """Files that travel with an export."""
        return {"vocabulary.json": self.vocabulary.to_json(), "answers.json": json.dumps(list(self.answers))}
