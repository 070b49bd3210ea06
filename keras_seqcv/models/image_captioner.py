"""`ImageCaptioner`: looks at a picture and says what is to be seen."""

import keras
import tensorflow as tf

from keras_seqcv.distribution import share, total
from keras_seqcv.distribution.replicas import meet, of_replica
from keras_seqcv.models import image_captioner_signatures, self_critical
from keras_seqcv.models.caption_writer import CaptionWriter
from keras_seqcv.models.image_captioner_arguments import check_arguments
from keras_seqcv.models.image_inputs import check_image_inputs, features_of
from keras_seqcv.models.sequence_decoder import SequenceDecoder
from keras_seqcv.models.writing_model import WritingModel


@keras.saving.register_keras_serializable(package="keras_seqcv")
class ImageCaptioner(WritingModel):
    """Describes a picture word by word, from one vector of it or by looking at its places.

    m_l      = dropout(relu(f_l W_m + b_m)),  f = encoder(picture)
    x_t      = E[word_t]
    soft:      a_t, z_t from h_{t-1} and m;  h_t = LSTM([x_t, beta_t z_t], h_{t-1})       Show, Attend and Tell
    hard:      the same, and z_t is what lies at one place, drawn from a_t; learned by REINFORCE
    None:      h_t = LSTM([x_t, v], h_{t-1}), v = relu(mean_l(f_l) W_m + b_m)             the lecture's, see `inject`
    logits_t = tanh([h_t, z_t] W_o + b_o + x_t) W_v + b_v                                 deep output

    For hard attention the reward of a draw is the log-probability of the word that follows it, less the mean of its
    batch at this step; the expectation of the loss's gradient is thus that of the variational bound's, but for what a
    draw does to later words.

    Args:
        encoder: an `ImageEncoder`, frozen or not.
        vocabulary: `data.Words`. It is saved with the model.
        attention: None | "soft" | "hard".
        cell: "simple_rnn" | "lstm" | "gru". units: U, int >= 1. layers: int >= 1.
        inject: without attention, how the vector is given: "every_step" | "first_step" (as if it were the first word) |
            "state" (the first state).
        embedding_dim, image_dim, attention_units: widths of word, place and key; None: `units`.
        deep_output: False: the words are told from [h_t, z_t] itself.
        tied_embeddings: whether W_v is E^T.
        attend: "before" the cell, as above, or "after" it, as Luong has it: from h_t, which has read word_t already, so
            that a noun is looked for by its adjective. Then h_t = LSTM([x_t, y_{t-1}], h_{t-1}), and
            y_t = tanh([z_t, h_t] W_y) takes the place of [h_t, z_t].
        gate: whether the context is gated by beta_t.
        coverage: whether the attention knows where it has been.
        dropout: rate in [0, 1) on places, words, context and output.
        word_dropout: rate at which words that are read in training are replaced by the unknown word.
        label_smoothing: in [0, 1), of the default loss.
        scheduled_sampling: rate in [0, 1] at which words that are read in training are the model's own, drawn as it
            goes. Can be set later; `callbacks.ScheduledSampling` raises it from epoch to epoch.
        doubly_stochastic: weight of the penalty that every place is to be seen once, per word; 0.05 is a good number.

    Call arguments:
        inputs: dict of "tokens" (B, T) int, which begin with the start word and are padded behind, and "image" (B, H,
            W, 3) or "features" (B, L, D), what the encoder gives. With tokens (B, N, T) there are N captions of each.
        training: bool.

    Returns:
        logits (B, T, V) or (B, N, T, V), float32.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> scenes = ks.data.scenes(8)
    >>> encoder = ks.models.ImageEncoder(weights=None, image_size=64)
    >>> model = ks.models.ImageCaptioner(encoder, ks.data.Words(sum(scenes.captions, [])), units=16)
    >>> caption = model.caption(scenes[0].image, beam=2, max_length=5)
    >>> caption.attention.shape == (len(caption.words), 2, 2)
    True

    Reference:
        Vinyals et al.: Show and Tell. arXiv 1411.4555, 2014. Xu et al.: Show, Attend and Tell. arXiv 1502.03044, 2015.
        Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation. arXiv 1508.04025,
        2015. Bengio et al.: Scheduled Sampling. arXiv 1506.03099, 2015. Rennie et al.: Self-critical Sequence Training.
        arXiv 1612.00563, 2016.
    """

    nested = ("encoder", "vocabulary")

    def __init__(
        self,
        encoder,
        vocabulary,
        attention="soft",
        cell="lstm",
        units=512,
        layers=1,
        inject="every_step",
        embedding_dim=None,
        image_dim=None,
        attention_units=None,
        deep_output=True,
        tied_embeddings=False,
        attend="before",
        gate=True,
        coverage=False,
        dropout=0.5,
        word_dropout=0.0,
        label_smoothing=0.0,
        scheduled_sampling=0.0,
        doubly_stochastic=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        options = {
            "attention": attention,
            "cell": cell,
            "units": units,
            "layers": layers,
            "inject": inject,
            "embedding_dim": units if embedding_dim is None else embedding_dim,
            "image_dim": units if image_dim is None else image_dim,
            "attention_units": units if attention_units is None else attention_units,
            "deep_output": deep_output,
            "tied_embeddings": tied_embeddings,
            "attend": attend,
            "gate": gate,
            "coverage": coverage,
            "dropout": dropout,
            "word_dropout": word_dropout,
            "label_smoothing": label_smoothing,
            "doubly_stochastic": doubly_stochastic,
        }
        check_arguments(encoder, vocabulary, options)
        self.encoder = encoder
        self.vocabulary = vocabulary
        self.options = options
        dtype = self.dtype_policy
        self.projection = keras.layers.Dense(options["image_dim"], activation="relu", dtype=dtype, name="projection")
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=dtype)
        shared = {k: v for k, v in options.items() if k not in ("image_dim", "label_smoothing", "layers")}
        self.decoder = SequenceDecoder(
            len(vocabulary),
            **shared,
            layers_count=layers,
            unknown_id=vocabulary.unknown_id,
            start_id=vocabulary.start_id,
            dtype=dtype,
            name="decoder",
        )
        self._set_scheduled_sampling(scheduled_sampling)
        self._reward, self._writer, self._evaluating = None, None, False
        self.build()
        self.built = True

    @property
    def attention(self):
        """None | "soft" | "hard"."""
        return self.options["attention"]

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
        }

    def build(self, input_shape=None):
        depth = self.encoder.depth
        self.projection.build((None, None, depth))
        places = () if self.attention is None else self.encoder.feature_shape[:1]
        self.decoder.build((None, *places, self.projection.units))
        self.decoder.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape["tokens"], len(self.vocabulary))

    def call(self, inputs, training=False):
        check_image_inputs(inputs)
        meet()
        memory = self.memory(inputs, training)
        return self.decode(memory, inputs["tokens"], training)

    def memory(self, inputs, training=False):
        """What is decoded: of a dict with "image" or "features", (B, L, image_dim), or (B, image_dim)."""
        features = features_of(self.encoder, inputs, self.attention is None, self.compute_dtype, training)
        return self.dropout_layer(self.projection(features), training=training)

    def decode(self, memory, tokens, training=False):
        """Memory of B pictures and tokens (B, T) or (B, N, T) -> logits (B, T, V) or (B, N, T, V)."""
        tokens = tf.cast(tokens, tf.int32)
        shape = tf.shape(tokens)
        if tokens.shape.rank == 3:
            memory = tf.repeat(memory, shape[1], axis=0)  # (B N, L, D)
            tokens = tf.reshape(tokens, (-1, shape[2]))
        tokens = self._read_tokens(memory, tokens, training)
        # What is read behind the end is never looked at: only what sums over time needs the mask.
        sums = training and (self.options["doubly_stochastic"] or self.attention == "hard")
        mask = tokens != self.vocabulary.pad_id if sums else None
        logits, weights, probabilities = self.decoder(tokens, memory, mask=mask, training=training)
        if training and probabilities is not None:
            self._learn_to_look(tokens, logits, weights, probabilities)
        return tf.reshape(logits, tf.concat([shape, tf.shape(logits)[-1:]], axis=0))

    def _learn_to_look(self, tokens, logits, weights, probabilities):
        """Add the loss that hard attention learns from; the word that follows is the next one that is read."""
        words = self.vocabulary
        following = tf.pad(tokens[:, 1:], [[0, 0], [0, 1]], constant_values=words.pad_id)
        following = tf.where(following == words.pad_id, words.end_id, following)  # (B, T)
        mask = tokens != words.pad_id
        reward = -tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
        counts = tf.cast(mask, tf.float32)
        mean = tf.math.divide_no_nan(  # (T,), over the whole batch
            total(tf.reduce_sum(reward * counts, axis=0)), total(tf.reduce_sum(counts, axis=0))
        )
        attention = self.decoder.core.cell.attention
        losses = attention.loss_of_draws(probabilities, weights, reward - mean, mask)
        # What is added counts by rows, and this is a mean over words.
        by_words = tf.math.divide_no_nan(share(tf.reduce_sum(counts)), share(tf.shape(tokens)[0]))
        self.add_loss(of_replica(by_words * tf.math.divide_no_nan(tf.reduce_sum(losses), tf.reduce_sum(counts))))

    def compile(
        self, optimizer="adam", loss=None, metrics=None, weighted_metrics=None, reward=None, samples=5, **kwargs
    ):
        """As `keras.Model.compile`; by default the loss is in nats per word.

        Args:
            reward: None, or what captions are rewarded by in training: an object with `score(captions, items)`, such as
                `models.CiderReward(train.references)`. Then `fit` trains by self-critical sequence training: `samples`
                captions are drawn for each picture of a batch, and those that are better than the others of the same
                picture become likelier. The batches need "item", the number of the picture, as those of `data.captions`
                have; validation goes by `loss`, as ever.
            samples: int >= 1; of one, its advantage is that over the caption by greedy choice.

        Raises:
            ValueError: for other samples, or a reward without `score`.
        """
        self._reward = None if reward is None else self_critical.Reward(reward, samples, self.vocabulary)
        super().compile(optimizer, loss, metrics, weighted_metrics, **kwargs)

    def train_step(self, data):
        if self._reward is None:
            return super().train_step(data)
        return self_critical.train_step(self, self._reward, data)

    def evaluate(self, *args, **kwargs):
        """As `keras.Model.evaluate`; no reward is measured, as nothing is drawn."""
        self._evaluating = True
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self._evaluating = False

    def test_step(self, data):
        logs = super().test_step(data)
        logs.pop("reward", None)
        return logs

    def get_metrics_result(self):
        # Keras takes its results at the end of a pass only where a step has returned as many.
        logs = super().get_metrics_result()
        return {k: v for k, v in logs.items() if k != "reward"} if self._evaluating else logs

    @property
    def metrics(self):
        return [*super().metrics, *([self._reward.tracker] if self._reward else [])]

    def caption(self, images=None, beam=3, max_length=20, *, features=None, **options):
        """Describe pictures by beam search, in one graph.

        Args:
            images: a picture: path, encoded bytes, PIL image, or array (H, W, 3) uint8; or a list of these, an array
                (B, H, W, 3), or a `tf.data.Dataset` of batches of pictures or of features.
            beam: int >= 1, how many hypotheses are kept; 1 is greedy choice.
            max_length: int >= 1, the most words; the end counts as one.
            features: (B, L, D) instead of pictures, what the encoder gives.
            **options: of `decoding.beam_search`: `returned` (how many captions come back, `alternatives` but for the
                first; default: `beam`), `min_length` (words), `no_repeat_ngram`, `length_penalty`, `coverage_penalty`,
                `groups`, `diversity`.

        Returns:
            A `Caption`; a list of them for several pictures.

        Raises:
            TypeError, ValueError: for an argument that is not as above; a file that is not a picture is named.
        """
        return self._caption_writer().caption(images, beam, max_length, features, options)

    def sample(self, images=None, max_length=20, *, features=None, temperature=1.0, top_k=None, top_p=None, seed=None):
        """Describe pictures by drawing each word from the model's distribution.

        Args:
            images, max_length, features: as in `caption`.
            temperature, top_k, top_p, seed: as in `LanguageModel.generate`.

        Returns:
            A `Caption` without alternatives; a list of them for several pictures.

        Raises:
            TypeError, ValueError: as `caption`.
        """
        return self._caption_writer().sample(images, max_length, features, temperature, top_k, top_p, seed)

    def _caption_writer(self):
        if self._writer is None:
            self._writer = CaptionWriter([self])
        return self._writer

    def export_signatures(self, format, beam=3, max_length=20):
        """Signatures for `ks.export`; see `models.image_captioner_signatures`."""
        return image_captioner_signatures.signatures(self, format, beam, max_length)

    def export_examples(self, format, images=None):
        """Example inputs for the comparison of an export with this model, and for measuring the ranges of int8.

        Args:
            images: (N, H, W, 3) uint8 of the encoder's size. None: noise, which is good enough to compare, but has
                other ranges than pictures: `tflite(..., "int8", examples=model.export_examples("litert", images))`.
        """
        return image_captioner_signatures.examples(self, format, images)

    def export_metadata(self):
        """Files that travel with an export."""
        return {"vocabulary.json": self.vocabulary.to_json()}
