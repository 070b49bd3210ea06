"""What classifiers of sequences and of videos have in common: how they are trained, and labels step by step."""

from keras_seqcv.models.application_model import ApplicationModel
from keras_seqcv.models.label_head import can_step, compile_options, label_stepper, labels_json


class LabellingModel(ApplicationModel):
    """An `ApplicationModel` that reads with a `SequenceEncoder` and ends in a `LabelHead`.

    A subclass has `labels`, `options`, `head`, and the three that raise NotImplementedError here.
    """

    @property
    def per_step(self) -> bool:
        """Whether every step has a label."""
        raise NotImplementedError

    @property
    def recurrent(self):
        """The `SequenceEncoder`."""
        raise NotImplementedError

    def embed_step(self, x):
        """What the recurrent layers read of one step: (B, D)."""
        raise NotImplementedError

    @property
    def pooling(self):
        """What is kept of a sequence; None where every step has a label."""
        return None if self.per_step else self.options["pooling"] or "last"

    def compile(self, optimizer="adam", loss=None, metrics=None, weighted_metrics=None, **kwargs):
        """As `keras.Model.compile`; by default the loss is in nats per label, and the accuracy is measured.

        Both leave out what has weight 0, such as padding.
        """
        options = compile_options(self.options["label_smoothing"], loss, metrics, weighted_metrics)
        super().compile(optimizer, **options, **kwargs)

    def initial_states(self, batch=1):
        """The states before the first step, a list of (B, U)."""
        self.check_can_step()
        return self.recurrent.initial_states(batch)

    def stepper(self):
        """A function (x, states) -> probabilities (B, C), states; x is one step of B rows, as a call takes many."""
        self.check_can_step()
        return label_stepper(self.recurrent, self.head, self.embed_step)

    def check_can_step(self):
        """Raise ValueError that says why steps cannot be labelled as they come."""
        if not can_step(self.recurrent):
            kind = f"bidirectional={bool(self.recurrent.backward)} and pooling={self.pooling!r}"
            raise ValueError(f"steps one by one need one direction and no pooling but 'last'; this model has {kind}")

    def export_metadata(self):
        """Files that travel with an export."""
        return labels_json(self.labels, self.per_step)
