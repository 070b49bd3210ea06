"""What every application model learns in float32, bfloat16 and float16: a task, several seeds, a score for each."""

import functools
import statistics

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.benchmarks import timing
from tests.models import tiny_captioner, tiny_glimpses
from tests.models.begin_again import begin_again, first_state

SIDE = 12  # of the pictures that `DRAW` draws
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
COLUMNS = {"model": "{}", "score": "{}", "without looking": "{:.2f}", **dict.fromkeys(POLICIES, "{}")}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=3, add=options)
    names = args.models or (list(TASKS)[5:6] if args.quick else list(TASKS))
    rows = []
    for name in names:
        task, score, chance = TASKS[name]
        row = {"model": name, "score": score, "without looking": chance()}
        for policy in POLICIES:
            timing.progress("precision", name, policy)
            found = scores(task, policy, args.rounds, args.quick)
            timing.progress("scores", *(f"{one:.4f}" for one in found))
            row[policy] = f"{statistics.mean(found):.3f} ± {statistics.stdev(found):.3f}"
        rows.append(row)
    note = (
        "Mean and standard deviation over as many seeds as rounds, of data that was not trained on. Adam, clipping by "
        "the global norm; in float16 the loss is scaled by Keras's `LossScaleOptimizer`."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def options(parser):
    parser.add_argument("--models", nargs="*", choices=list(TASKS), help="some of them (default: all)")


def scores(task, policy, seeds, quick) -> list[float]:
    """Of as many trainings. The first one's graph serves for the others, which begin with a new model's weights."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    model, found = None, []
    try:
        for seed in range(seeds):
            keras.utils.set_random_seed(seed)
            fresh, rate, data, epochs, score = task()
            if model is None:
                model = fresh
                model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
            else:
                begin_again(model, first_state(fresh, next(iter(data))))
            model.fit(data, epochs=1 if quick else epochs, verbose=0)
            found.append(float(score(model)))
    finally:
        keras.config.set_dtype_policy(before)
        keras.backend.clear_session()
    return found


def batches(x, y, size=64):
    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(y), seed=0).batch(size)


@functools.cache
def sentences(count, seed):
    return ks.data.number_sentences(count, seed=seed)


@functools.cache
def letters() -> str:
    pairs = sentences(1000, 1)
    return " ".join(f"{a}. {b}." for a, b in zip(pairs.sources, pairs.targets, strict=True))[:40_000]


def language_model():
    """Letters of number sentences, English and German in turn."""
    train, valid = ks.data.text_streams(letters(), batch_size=32, steps=50, validation=0.1)
    model = ks.models.LanguageModel(train.vocabulary, cell="lstm", layers=1, units=96, dropout=0.1)
    return model, 1e-2, train, 6, lambda model: model.evaluate(valid, verbose=0, return_dict=True)["loss"]


def marked_places(count, seed):
    """At each of four places lies a word; a mark says which of them counts: features (B, 4, 5), words (B,) in 0..3."""
    rng = np.random.default_rng(seed)
    words, marked = rng.integers(0, 4, (count, 4)), rng.integers(0, 4, count)
    features = np.concatenate([np.eye(4)[words], np.eye(4)[marked][..., None]], axis=2).astype("float32")
    return features, words[np.arange(count), marked]


def captioner(attention):
    """Says the word at the marked place, and then the next one."""

    def inputs(count, seed):
        features, words = marked_places(count, seed)
        said = 4 + np.stack([words, (words + 1) % 4], axis=1)
        tokens = np.concatenate([np.ones((count, 1), int), said], axis=1).astype("int32")
        targets = np.concatenate([said, np.full((count, 1), 2)], axis=1).astype("int32")
        return {"features": features, "tokens": tokens}, targets

    def score(model):
        given, targets = inputs(400, 1)
        captions = model.caption(features=given["features"], beam=1, max_length=3)
        return np.mean([c.text == model.vocabulary.decode(row[:2]) for c, row in zip(captions, targets, strict=True)])

    def task():
        words = ks.data.Words(tokens=["red", "blue", "green", "white"])
        sizes = {"units": 24, "embedding_dim": 16, "image_dim": 24, "attention_units": 16, "dropout": 0.1}
        model = ks.models.ImageCaptioner(tiny_captioner.encoder(), words, attention=attention, **sizes)
        return model, 1e-2, batches(*inputs(1024, 0)), 12, score

    return task


def answerer():
    """Which word lies at the first, second, third or fourth place?"""

    def inputs(count, seed):
        rng = np.random.default_rng(seed)
        words, asked = rng.integers(0, 4, (count, 4)), rng.integers(0, 4, count)
        places = np.tile(np.eye(4), (count, 1, 1))
        features = np.concatenate([np.eye(4)[words], places], axis=2)[..., :7].astype("float32")
        tokens = np.stack([np.full(count, 8), 4 + asked], axis=1).astype("int32")
        return {"features": features, "tokens": tokens}, words[np.arange(count), asked].astype("int32")

    def score(model):
        given, targets = inputs(400, 1)
        return np.mean(model.predict(given, verbose=0).argmax(-1) == targets)

    pixels = keras.Input((32, 32, 3))
    network = keras.Model(pixels, keras.layers.Conv2D(7, 16, strides=16)(pixels))
    words = ks.data.Words(tokens=["first", "second", "third", "fourth", "which"])
    sizes = {"units": 32, "fusion_dim": 32, "embedding_dim": 16, "attention_layers": 2, "dropout": 0.1}
    answers = ["red", "blue", "green", "white"]
    model = ks.models.VisualQuestionAnswerer(ks.models.ImageEncoder(network), words, answers, **sizes)
    return model, 5e-3, batches(*inputs(1024, 0)), 12, score


def translator():
    """Number sentences, English to German: words said right after the right ones before."""
    pairs, valid = sentences(1000, 1), sentences(200, 2)
    words = ks.data.Words(pairs.sources), ks.data.Words(pairs.targets)
    model = ks.models.Translator(*words, units=40, embedding_dim=32, attention_units=32, dropout=0.1)
    options = {"model": model, "buckets": 1, "valid": (valid.sources, valid.targets)}
    train, held_out = ks.data.translations(pairs.sources, pairs.targets, 50, **options)

    def score(model):
        right, count = 0.0, 0.0
        for given, targets, weights in held_out:
            right += np.sum((np.argmax(model.predict_on_batch(given), -1) == targets) * weights.numpy())
            count += np.sum(weights)
        return right / count

    return model, 1e-2, train, 8, score


def opinions(count, seed):
    """Texts of 3 to 12 words, of which the last "good" or "bad" decides."""
    rng = np.random.default_rng(seed)
    texts = [list(rng.choice(["the", "plot", "is", "but", "good", "bad"], rng.integers(2, 12))) for _ in range(count)]
    texts = [[str(rng.choice(["good", "bad"])), *text] for text in texts]
    labels = [[word for word in text if word in ("good", "bad")][-1] for text in texts]
    return [" ".join(text) for text in texts], labels


def sequence_classifier():
    """Which opinion comes last?"""
    texts, labels = opinions(1000, 0)
    sizes = {"units": 24, "embedding_dim": 16, "pooling": "attention", "bidirectional": True, "dropout": 0.1}
    model = ks.models.SequenceClassifier(("bad", "good"), ks.data.Words(texts), **sizes)
    data = ks.data.labelled_texts(texts, labels, 50, model=model, validation=0)

    def score(model):
        found = model.classify(opinions(400, 1)[0])
        return np.mean([one.label == label for one, label in zip(found, opinions(400, 1)[1], strict=True)])

    return model, 1e-2, data, 6, score


def moving_squares(count, seed):
    """Clips of six pictures in which a square moves left, right, up or down."""
    rng = np.random.default_rng(seed)
    clips, ways = np.zeros((count, 6, 16, 16, 3), "uint8"), rng.integers(0, 4, count)
    for clip, way in zip(clips, ways, strict=True):
        row, column = rng.integers(0, 12, 2)
        for t, picture in enumerate(clip):
            r, c = (row + t * (0, 0, -1, 1)[way]) % 13, (column + t * (-1, 1, 0, 0)[way]) % 13
            picture[r : r + 4, c : c + 4] = 255
    return {"video": clips, "lengths": np.full(count, 6, "int32")}, ways.astype("int32")


def video_classifier():
    """Which way does it move?"""
    network = ks.models.small_image_network(16, filters=(12, 16))
    encoder = ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)
    model = ks.models.VideoClassifier(encoder, ("left", "right", "up", "down"), units=24, dropout=0.1)

    def score(model):
        clips, ways = moving_squares(400, 1)
        return np.mean(model.predict(clips, verbose=0).argmax(-1) == ways)

    return model, 5e-3, batches(*moving_squares(640, 0), 32), 12, score


def glimpse_classifier():
    """In which quarter lies the square?"""
    model = tiny_glimpses.tiny(stddev=0.25, samples=5)
    options = {"model": model, "validation": tiny_glimpses.squares(400, seed=1)}
    train, valid = ks.data.labelled_images(tiny_glimpses.squares(1600), 50, **options)
    return model, 5e-3, train, 8, lambda model: model.evaluate(valid, verbose=0, return_dict=True)["accuracy"]


def draw():
    """Pictures of one bright square: a bound on - log p(x)."""
    model = ks.models.DRAW((SIDE, SIDE, 1), steps=4, units=32, latent_dim=8, write=3)
    options = {"model": model, "labels": None, "validation": tiny_glimpses.squares(400, 1, SIDE)}
    train, valid = ks.data.labelled_images(tiny_glimpses.squares(1600, 0, SIDE), 50, **options)
    return model, 1e-2, train, 12, lambda model: model.evaluate(valid, verbose=0, return_dict=True)["loss"]


def letter_nats() -> float:
    """What a model of `language_model` has that knows how often each letter comes."""
    share = np.unique(list(letters()), return_counts=True)[1] / len(letters())
    return -np.sum(share * np.log(share))


def word_share() -> float:
    """What a model of `translator` says right that always says the most frequent word."""
    words = [word for text in sentences(200, 2).targets for word in [*text.split(), "the end"]]
    return np.unique(words, return_counts=True)[1].max() / len(words)


def pixel_nats() -> float:
    """What a model of `draw` has that knows how bright each pixel is on average."""
    mean = tiny_glimpses.squares(1600, 0, SIDE).images.mean(axis=0) / 255
    mean = mean[(mean > 0) & (mean < 1)]
    return -np.sum(mean * np.log(mean) + (1 - mean) * np.log(1 - mean))


TASKS = {
    "`LanguageModel`": (language_model, "nats a letter (less is better)", letter_nats),
    "`ImageCaptioner`, soft attention": (captioner("soft"), "captions right", lambda: 1 / 4),
    "`ImageCaptioner`, hard attention": (captioner("hard"), "captions right", lambda: 1 / 4),
    "`VisualQuestionAnswerer`": (answerer, "answers right", lambda: 1 / 4),
    "`Translator`": (translator, "words right", word_share),
    "`SequenceClassifier`": (sequence_classifier, "labels right", lambda: 1 / 2),
    "`VideoClassifier`": (video_classifier, "labels right", lambda: 1 / 4),
    "`GlimpseClassifier`": (glimpse_classifier, "labels right", lambda: 1 / 4),
    "`DRAW`": (draw, "nats a picture (less is better)", pixel_nats),
}


if __name__ == "__main__":
    main()
