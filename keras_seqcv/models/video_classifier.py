"""`VideoClassifier`: looks at the frames of a clip one by one, and labels the clip, or every frame of it."""

import keras

from keras_seqcv.models import video_classifier_signatures
from keras_seqcv.models.frame_encoder import FrameEncoder
from keras_seqcv.models.label_head import LabelHead
from keras_seqcv.models.labelling_model import LabellingModel
from keras_seqcv.models.sequence_encoder import SequenceEncoder
from keras_seqcv.models.video_classifier_arguments import check_arguments, checked_video
from keras_seqcv.models.video_classifying import VideoClassifying


@keras.saving.register_keras_serializable(package="keras_seqcv")
class VideoClassifier(LabellingModel):
    """Gives a clip one of several labels (many to one), or each of its frames (many to many, step by step).

    f_t       = encoder(frame_t), (L, D)
    g_t,l     = f_t,l, or with `place_units` RNN(f_t,l, g_{t-1,l}), the same for all places l
    x_t       = W g_t + b, of all places or of their mean
    h_t       = RNN(x_t, h_{t-1}), of two directions [h_t, h'_t], in any number of layers
    v         = h_T, mean_t h_t, or sum_t a_t h_t with a = softmax_t(w . tanh(h_t W_a + b_a))
    logits    = v W_o + b_o
    logits_t  = h_t W_o + b_o                                   with `per_frame`

    All frames of a batch go through the encoder at once. What is behind the end of a clip counts for nothing, neither
    in the encoder's statistics nor in the loss.

    Args:
        encoder: `ImageEncoder`, frozen or trained with the rest.
        labels: sequence of C different str, at least two. They are saved with the model.
        cell: "simple_rnn" | "lstm" | "gru". units: U, int >= 1. layers: int >= 1.
        bidirectional: whether each layer reads both ways. One that does cannot label frames as they come.
        pooling: "last" | "mean" | "attention": what is kept of a clip. None: "last"; nothing with `per_frame`.
        per_frame: whether every frame has a label.
        frame_pooling: "flatten" (where in the picture something is, is known) | "mean" (of all places; fewer weights).
        place_units: None, or the width of a recurrent layer that reads each place over time before the places of a
            frame become one vector: motions that are small, or of several objects, are learned many times faster.
        frame_dim: F, width of x_t; None: `units`.
        dropout: rate in [0, 1) on x_t, at the input of each layer, and before the labels.
        label_smoothing: in [0, 1), of the default loss.

    Call arguments:
        inputs: frames (B, T, H, W, 3), integers or floats in [0, 255]; or a dict of "video", those, or "features"
            (B, T, L, D) or (B, T, D), what the encoder gives of each frame, and of "lengths" (B,) int if clips are
            padded behind.
        training: bool.

    Returns:
        logits (B, C), or (B, T, C) with `per_frame`; float32. Those of padding mean nothing: give them weight 0, as
        `data.labelled_videos` does.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> scenes = ks.data.moving_scenes(16, frames=8)
    >>> network = ks.models.small_image_network(32, filters=(4, 4))
    >>> encoder = ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)
    >>> model = ks.models.VideoClassifier(encoder, scenes.names, "simple_rnn", units=8)
    >>> model.compile()
    >>> _ = model.fit(ks.data.labelled_videos(scenes, model=model, validation=0), verbose=0)
    >>> model.classify(scenes[0].frames).label in scenes.names
    True
    >>> len(list(model.stream(scenes[0].frames)))
    8

    Reference:
        Donahue et al.: Long-term Recurrent Convolutional Networks for Visual Recognition and Description. CVPR 2015.
        Ballas et al.: Delving Deeper into Convolutional Networks for Learning Video Representations. arXiv 1511.06432,
        2015. (`place_units`)
        Assael et al.: LipNet: End-to-End Sentence-level Lipreading. arXiv 1611.01599, 2016.
    """

    nested = ("encoder",)

    def __init__(
        self,
        encoder,
        labels,
        cell="lstm",
        units=128,
        layers=1,
        bidirectional=False,
        pooling=None,
        per_frame=False,
        frame_pooling="flatten",
        place_units=None,
        frame_dim=None,
        dropout=0.3,
        label_smoothing=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.options = {
            "cell": cell,
            "units": units,
            "layers": layers,
            "bidirectional": bidirectional,
            "pooling": pooling,
            "per_frame": per_frame,
            "frame_pooling": frame_pooling,
            "place_units": place_units,
            "frame_dim": frame_dim,
            "dropout": dropout,
            "label_smoothing": label_smoothing,
        }
        self.labels = check_arguments(encoder, labels, self.options)
        dtype = self.dtype_policy
        width = units if frame_dim is None else frame_dim
        self.looker = FrameEncoder(
            encoder, width, frame_pooling, place_units, cell, dropout, dtype=dtype, name="looker"
        )
        self.reader = SequenceEncoder(
            cell,
            units,
            layers,
            bidirectional,
            self.pooling,
            0.0 if layers == 1 else dropout,
            dtype=dtype,
            name="reader",
        )
        self.head = LabelHead(len(self.labels), per_frame, dropout, dtype=dtype, name="head")
        self._classifying = None
        self.build()
        self.built = True

    @property
    def encoder(self):
        """The `ImageEncoder`."""
        return self.looker.encoder

    @property
    def per_step(self) -> bool:
        """Whether every frame has a label."""
        return self.options["per_frame"]

    @property
    def recurrent(self) -> SequenceEncoder:
        return self.reader

    def embed_step(self, x):
        return x  # `looker` has states of its own, see `stepper`

    def get_config(self):
        return {
            **super().get_config(),
            **self.options,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "labels": list(self.labels),
        }

    def build(self, input_shape=None):
        self.looker.build()
        self.looker.built = True
        self.reader.build((None, None, self.looker.dense.units))
        self.reader.built = True
        self.head.build(self.reader.width)
        self.head.built = True

    def compute_output_shape(self, input_shape):
        if isinstance(input_shape, dict):
            input_shape = next(shape for name, shape in input_shape.items() if name != "lengths")
        return (*input_shape[: 1 + self.per_step], len(self.labels))

    def call(self, inputs, training=False):
        return self.read(inputs, training)[0]

    def read(self, inputs, training=False):
        """Inputs as of a call -> logits, and with pooling "attention" the weights of the frames (B, T), else None."""
        video, features, mask = checked_video(inputs, self.encoder.feature_shape)
        x = self.looker(video, features, mask=mask, training=training)  # (B, T, F)
        outputs, vector, weights = self.reader(x, mask=mask, training=training)
        return self.head(outputs, vector, training=training), weights

    def initial_states(self, batch=1):
        """The states before the first frame, a list of (B, S)."""
        return self.looker.initial_states(batch) + super().initial_states(batch)

    def stepper(self):
        """A function (frames (B, H, W, 3), states) -> probabilities (B, C), states."""
        look, read, count = self.looker.stepper(), super().stepper(), len(self.looker.initial_states(1))

        def advance(frames, states):
            x, own = look(frames, states[:count])
            probabilities, rest = read(x, states[count:])
            return probabilities, own + rest

        return advance

    def classify(self, clips):
        """Label clips, or every frame of them.

        Args:
            clips: a clip, as `ks.data.load_video` takes it: a folder of frames, an animated picture, a video file, an
                array (T, H, W, 3) uint8, an object with `frames`; or a list of these, or an array (B, T, H, W, 3). All
                of it is looked at, however long.

        Returns:
            A `Classification`, with pooling "attention" with the `importance` of each frame; or a `StepClassification`
            with `per_frame`; a list of them for several clips.

        Raises:
            TypeError, ValueError: for what is no clip; a file is named.
        """
        return self._classifier().classify(clips)

    def stream(self, frames):
        """Label frames as they come, from a camera for example, with states that are carried on.

        Args:
            frames: iterable of pictures, as `ks.data.load_image` takes them, of any size.

        Returns:
            Generator of a `Classification` after each frame: of this frame with `per_frame`, else of all so far.

        Raises:
            ValueError: the model reads both ways, or keeps more of a clip than the last output; at the call, not later.
            TypeError, ValueError: for what is no picture, when its turn comes.
        """
        self.check_can_step()
        return self._classifier().stream(frames)

    def _classifier(self):
        if self._classifying is None:
            self._classifying = VideoClassifying(self)
        return self._classifying

    def export_signatures(self, format, frames=None):
        """Signatures for `ks.export`; see `models.video_classifier_signatures`."""
        return video_classifier_signatures.signatures(self, format, frames)

    def export_examples(self, format, clips=None, frames=None):
        """Example inputs for the comparison of an export with this model, and for measuring the ranges of int8.

        Args:
            clips: as of `classify`, a list. None: noise, which is good enough to compare, but has other ranges than
                pictures: `tflite(..., "int8", examples=model.export_examples("litert", clips))`.
            frames: T, where the signatures are made for that many.
        """
        return video_classifier_signatures.examples(self, format, clips, frames)
