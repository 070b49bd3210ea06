"""Pictures and questions in, answers out: what `VisualQuestionAnswerer` does around its compiled step."""

import numpy as np
import tensorflow as tf

from keras_seqcv.answer import Answer, answer_of, question_ids
from keras_seqcv.lengths import padded
from keras_seqcv.models.argument_checks import check_width
from keras_seqcv.models.image_inputs import is_single, prepared

_BATCH = 32


class QuestionAnswering:
    """Answers with one model.

    Args:
        model: `VisualQuestionAnswerer`.
    """

    def __init__(self, model):
        self._model = model
        options = {"autograph": False, "reduce_retracing": True}
        self._encode = tf.function(model.features, **options)
        self._look = tf.function(self._best, **options)

    def answer(self, images, questions, top, features):
        check_width("top", top)
        top = min(top, len(self._model.answers))
        if (images is None) == (features is None):
            raise ValueError(f"images: expected pictures or features, received {'none' if images is None else 'both'}")
        pictures = None if features is None else np.asarray(features)
        one_picture = features is None and is_single(images)
        count = 1 if one_picture else len(images if pictures is None else pictures)
        texts, picture_of, single = _paired(questions, count, one_picture)
        tokens = [question_ids(self._model.vocabulary, text) for text in texts]
        if pictures is None:
            size = self._model.encoder.image_size
            pictures = [prepared(image, size) for image in ([images] if one_picture else images)]
        found = []
        for start in range(0, len(texts), _BATCH):
            rows = slice(start, start + _BATCH)
            found += self._batch(pictures, picture_of[rows], texts[rows], tokens[rows], top, features is not None)
        return found[0] if single else found

    def _batch(self, pictures, picture_of, texts, tokens, top, are_features) -> list[Answer]:
        """Answers of some questions; each picture is encoded once."""
        shown = sorted(set(picture_of))
        inputs = {"features" if are_features else "image": tf.constant(np.stack([pictures[k] for k in shown]))}
        features = tf.gather(self._encode(inputs), [shown.index(k) for k in picture_of])
        ids, scores, maps, of_words = self._look(features, tf.constant(padded(tokens)), tf.constant(top))
        maps = None if maps is None else maps.numpy().reshape(len(texts), -1, *self._model.encoder.places)
        of_words = None if of_words is None else of_words.numpy()
        names, answers = self._model.vocabulary.tokens, []
        for k, text in enumerate(texts):
            weights = (None if maps is None else maps[k], None if of_words is None else of_words[k])
            words = [names[i] for i in tokens[k]]
            answers.append(answer_of(self._model.answers, ids[k].numpy(), scores[k].numpy(), text, words, *weights))
        return answers

    def _best(self, features, tokens, top):
        """The best answers (B, n) and their probabilities, weights of the places (B, K, L), of the words (B, T)."""
        logits, of_places, of_words = self._model.look(features, tokens)
        scores, ids = tf.math.top_k(self._model.probabilities(logits), top)
        return ids, scores, tf.stack(of_places, axis=1) if of_places else None, of_words


def _paired(questions, count: int, one_picture: bool) -> tuple[list, list[int], bool]:
    """Questions, the number of the picture of each, and whether one answer is wanted and no list."""
    if isinstance(questions, str):
        return [questions] * count, list(range(count)), one_picture
    if questions is None or isinstance(questions, (bytes, dict)) or not hasattr(questions, "__iter__"):
        raise TypeError(f"questions: expected a str or a list of str, received {type(questions).__name__}")
    texts = list(questions)
    if not texts or not count:
        raise ValueError(f"questions: expected one at least, of a picture at least, received {len(texts)} of {count}")
    if one_picture:
        return texts, [0] * len(texts), False
    if len(texts) != count:
        raise ValueError(f"questions: expected one for each of {count} pictures, received {len(texts)}")
    return texts, list(range(count)), False
