"""`Translator`: reads a text in one language and writes it in another."""

import keras
import tensorflow as tf

from keras_seqcv.models import translator_signatures
from keras_seqcv.models.sequence_decoder import SequenceDecoder
from keras_seqcv.models.sequence_encoder import TextEncoder
from keras_seqcv.models.translation_writer import TranslationWriter
from keras_seqcv.models.translator_arguments import ATTENTIONS, check_arguments, check_inputs
from keras_seqcv.models.writing_model import WritingModel

_ENCODER = ("cell", "units", "bidirectional", "embedding_dim", "dropout", "word_dropout")


@keras.saving.register_keras_serializable(package="keras_seqcv")
class Translator(WritingModel):
    """An encoder reads the source, a decoder writes the translation word by word.

    m_1 ... m_S = encoder(source)                                            GRU, forwards and backwards
    x_t         = E[word_t]
    additive:     a_t, z_t from h_{t-1} and m;  h_t = GRU([x_t, z_t], h_{t-1})          Bahdanau
    dot:          the same, with the score h W m_l in place of v . tanh(h W + m_l W' + b)
    None:         h_t = GRU(x_t, h_{t-1}), h_0 = tanh(m W_s + b_s), m what the encoder has read last; see `inject`
    logits_t    = tanh([h_t, z_t] W_o + b_o + x_t) W_v + b_v                 deep output

    Args:
        source_vocabulary, target_vocabulary: `data.Words` or `data.Subwords`, the same one or two. They are saved with
            the model.
        attention: "additive" | "dot" | None, the encoder-decoder that hands over one vector.
        cell: "simple_rnn" | "lstm" | "gru". units: U, of each direction of the encoder, and of the decoder.
        layers: of encoder and decoder, int >= 1.
        bidirectional: whether the encoder reads both ways.
        embedding_dim, attention_units: widths of words and of additive keys; None: `units`.
        attend: "before" the cell, as above, or "after" it, as Luong has it: from h_t, which has read word_t already.
            Then h_t = GRU([x_t, y_{t-1}], h_{t-1}), and y_t = tanh([z_t, h_t] W_y) takes the place of [h_t, z_t].
        gate: whether the context is gated. coverage: whether the attention knows where it has been.
        inject: without attention, how the vector is given: "state" (the first state) | "every_step" | "first_step" (as
            if it were the first word).
        deep_output: False: the words are told from [h_t, z_t] itself.
        tied_embeddings: whether W_v is E^T.
        dropout: rate in [0, 1) on words, on what goes from layer to layer, on what the encoder gives, on the output.
        word_dropout: rate at which words that are read in training are replaced by the unknown word, on both sides.
        label_smoothing: in [0, 1), of the default loss.
        scheduled_sampling: rate in [0, 1] at which words that the decoder reads in training are the model's own, drawn
            as it goes. Can be set later; `callbacks.ScheduledSampling` raises it from epoch to epoch.

    Call arguments:
        inputs: dict of "source" (B, S) int, padded behind, and "tokens" (B, T) int, which begin with the start word and
            are padded behind.
        training: bool.

    Returns:
        logits (B, T, V) float32.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> words = ks.data.Words("one two three"), ks.data.Words("eins zwei drei")
    >>> model = ks.models.Translator(*words, units=8)
    >>> translation = model.translate("two one", beam=2, max_length=4)
    >>> translation.alignment.shape == (len(translation.words), 2)
    True

    Reference:
        Sutskever, Vinyals, Le: Sequence to Sequence Learning with Neural Networks. arXiv 1409.3215, 2014. Cho et al.:
        Learning Phrase Representations using RNN Encoder-Decoder. arXiv 1406.1078, 2014. Bahdanau, Cho, Bengio: Neural
        Machine Translation by Jointly Learning to Align and Translate. arXiv 1409.0473, 2014. Luong, Pham, Manning:
        Effective Approaches to Attention-based Neural Machine Translation. arXiv 1508.04025, 2015.
    """

    nested = ("source_vocabulary", "target_vocabulary")

    def __init__(
        self,
        source_vocabulary,
        target_vocabulary,
        attention="additive",
        cell="gru",
        units=512,
        layers=1,
        bidirectional=True,
        embedding_dim=None,
        attention_units=None,
        attend="before",
        gate=False,
        coverage=False,
        inject="state",
        deep_output=True,
        tied_embeddings=False,
        dropout=0.3,
        word_dropout=0.0,
        label_smoothing=0.0,
        scheduled_sampling=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.options = {
            "attention": attention,
            "cell": cell,
            "units": units,
            "layers": layers,
            "bidirectional": bidirectional,
            "embedding_dim": units if embedding_dim is None else embedding_dim,
            "attention_units": units if attention_units is None else attention_units,
            "attend": attend,
            "gate": gate,
            "coverage": coverage,
            "inject": inject,
            "deep_output": deep_output,
            "tied_embeddings": tied_embeddings,
            "dropout": dropout,
            "word_dropout": word_dropout,
            "label_smoothing": label_smoothing,
        }
        check_arguments(source_vocabulary, target_vocabulary, self.options)
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        dtype = self.dtype_policy
        self.encoder = TextEncoder(
            len(source_vocabulary),
            **{name: self.options[name] for name in _ENCODER},
            layers_count=layers,
            pooling="last" if attention is None else None,
            pad_id=source_vocabulary.pad_id,
            unknown_id=source_vocabulary.unknown_id,
            dtype=dtype,
            name="encoder",
        )
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=dtype)
        own = ("attention", "layers", "bidirectional", "label_smoothing")
        self.decoder = SequenceDecoder(
            len(target_vocabulary),
            ATTENTIONS[attention],
            **{name: value for name, value in self.options.items() if name not in own},
            layers_count=layers,
            unknown_id=target_vocabulary.unknown_id,
            start_id=target_vocabulary.start_id,
            dtype=dtype,
            name="decoder",
        )
        self._set_scheduled_sampling(scheduled_sampling)
        self._writer = None
        self.build()
        self.built = True

    @property
    def vocabulary(self):
        """That of what is written, the target's."""
        return self.target_vocabulary

    @property
    def attention(self):
        """ "additive" | "dot" | None."""
        return self.options["attention"]

    def get_config(self):
        vocabularies = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.nested}
        return {**super().get_config(), **vocabularies}

    def build(self, input_shape=None):
        self.encoder.build()
        self.encoder.built = True
        places = () if self.attention is None else (None,)
        self.decoder.build((None, *places, self.encoder.width))
        self.decoder.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape["tokens"], len(self.target_vocabulary))

    def call(self, inputs, training=False):
        check_inputs(inputs)
        return self.decode(self.memory(inputs, training), inputs["tokens"], training)

    def memory(self, inputs, training=False) -> dict:
        """What is decoded: of a dict with "source", "outputs" (B, S, F) and "mask" (B, S), or "outputs" (B, F)."""
        outputs, vector, _, mask = self.encoder(inputs["source"], training=training)
        if self.attention is None:
            return {"outputs": self.dropout_layer(vector, training=training)}
        memory = {"outputs": self.dropout_layer(outputs, training=training)}
        return memory if mask is None else {**memory, "mask": mask}

    def decode(self, memory, tokens, training=False):
        """A memory of B rows and tokens (B, T) -> logits (B, T, V)."""
        tokens = self._read_tokens(memory, tf.cast(tokens, tf.int32), training)
        outputs, *mask = self._looked_at(memory)
        # What is read behind the end is never looked at: tokens need no mask.
        return self.decoder(tokens, outputs, memory_mask=mask[0] if mask else None, training=training)[0]

    def _looked_at(self, memory):
        return tuple(memory[name] for name in ("outputs", "mask") if name in memory)

    def translate(self, texts, beam=5, max_length=None, **options):
        """Translate by beam search, in one graph; sentences of about one length together.

        Args:
            texts: str, or a list of str.
            beam: int >= 1, how many hypotheses are kept; 1 is greedy choice.
            max_length: int >= 1, the most words; the end counts as one. None: by the length of the source, S words
                rounded up to a power of two from 8 on: twice that, and 8.
            **options: of `decoding.beam_search`: `returned` (how many translations come back, `alternatives` but for
                the first; default: `beam`), `min_length` (words), `no_repeat_ngram`, `length_penalty`,
                `coverage_penalty`, `groups`, `diversity`.

        Returns:
            A `Translation`; a list of them for a list.

        Raises:
            TypeError, ValueError: for an argument that is not as above; a text without words.
        """
        if self._writer is None:
            self._writer = TranslationWriter(self)
        return self._writer.translate(texts, beam, max_length, options)

    def export_signatures(self, format, beam=5, max_length=64):
        """Signatures for `ks.export`; see `models.translator_signatures`."""
        return translator_signatures.signatures(self, format, beam, max_length)

    def export_examples(self, format, texts=None):
        """Example inputs for the comparison of an export with this model, and for measuring the ranges of int8.

        Args:
            texts: list of str, sentences of the source. None: words by chance, which is good enough to compare, but has
                other ranges than sentences: `tflite(..., "int8", examples=model.export_examples("litert", texts))`.
        """
        return translator_signatures.examples(self, format, texts)

    def export_metadata(self):
        """Files that travel with an export."""
        return {
            "vocabulary.json": self.target_vocabulary.to_json(),
            "source_vocabulary.json": self.source_vocabulary.to_json(),
        }
