"""`CaptionEnsemble`: several captioners that decide on every word together."""

from keras_seqcv.models.caption_writer import CaptionWriter
from keras_seqcv.models.image_captioner import ImageCaptioner


class CaptionEnsemble:
    """Writes captions with several captioners: the probability of a word is the mean of theirs.

    p(word) = 1/M sum_m p_m(word),  attention: the mean of those models that look

    Args:
        models: list of `ImageCaptioner` with equal vocabularies and encoders that give features of the same shape.

    Raises:
        TypeError, ValueError: for something else.

    Example:

    >>> scenes = ks.data.scenes(4)
    >>> words, encoder = ks.data.Words(sum(scenes.captions, [])), ks.models.ImageEncoder(weights=None, image_size=64)
    >>> models = [ks.models.ImageCaptioner(encoder, words, attention=kind, units=8) for kind in ("soft", None)]
    >>> caption = ks.models.CaptionEnsemble(models).caption(scenes[0].image, beam=2, max_length=4)
    >>> caption.attention.shape[1:]
    (2, 2)

    Reference:
        Sutskever, Vinyals, Le: Sequence to Sequence Learning with Neural Networks. arXiv 1409.3215, 2014.
    """

    def __init__(self, models):
        models = list(models)
        if not models:
            raise ValueError("models: expected at least one ImageCaptioner, received none")
        for model in models:
            if not isinstance(model, ImageCaptioner):
                raise TypeError(f"models: expected ImageCaptioners, received {type(model).__name__}")
        first = models[0]
        for k, model in enumerate(models[1:], 1):
            if model.vocabulary != first.vocabulary:
                raise ValueError(f"models: expected equal vocabularies, that of model {k} differs from that of model 0")
            shapes = first.encoder.feature_shape, model.encoder.feature_shape
            if shapes[0] != shapes[1]:
                raise ValueError(f"models: expected features of equal shape, received {shapes[0]} and {shapes[1]}")
        self.models = models
        self._writer = CaptionWriter(models)

    def caption(self, images=None, beam=3, max_length=20, *, features=None, **options):
        """As `ImageCaptioner.caption`."""
        return self._writer.caption(images, beam, max_length, features, options)

    def sample(self, images=None, max_length=20, *, features=None, temperature=1.0, top_k=None, top_p=None, seed=None):
        """As `ImageCaptioner.sample`."""
        return self._writer.sample(images, max_length, features, temperature, top_k, top_p, seed)
