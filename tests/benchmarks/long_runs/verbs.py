"""The verbs of small Keras models, and layers called by themselves, with arguments that change from call to call.

Each function makes a model and returns a function of the number of a step.
"""

import keras
import numpy as np

import keras_seqcv as ks
from tests.models import (
    tiny_answerer,
    tiny_captioner,
    tiny_classifier,
    tiny_draw,
    tiny_glimpses,
    tiny_translator,
    tiny_video,
)
from tests.models.language_model_oracles import small


def letters(k, longest=90):
    rng = np.random.default_rng(k)
    return "".join(rng.choice(list("abcdefghij"), 1 + k * 37 % longest))


def generate():
    """Prompts of 1 to 90 tokens, one to three of them, continued by 1 to 120, with four sets of options."""
    model = small(cell="gru")
    options = [{}, {"top_k": 3}, {"top_p": 0.9}, {"greedy": True}]

    def step(k):
        prompt = letters(k) if k % 3 else [letters(k + i) for i in range(1 + k % 2)]
        model.generate(prompt, length=1 + k * 7 % 120, seed=k, **options[k // 7 % 4])

    return step


def stream_and_score():
    model = small(cell="lstm")

    def step(k):
        "".join(model.stream(letters(k), length=1 + k % 5, seed=k))
        model.score(letters(k) + "ab")

    return step


def caption():
    model, pictures = tiny_captioner.captioner(), tiny_captioner.pictures(40)
    return lambda k: model.caption(pictures[k % 40 : k % 40 + 1 + k % 3], beam=1 + k % 4, max_length=6)


def translate():
    model, texts = tiny_translator.translator(), tiny_translator.texts(97)
    return lambda k: model.translate(texts[k % 97 : k % 97 + 1 + k % 4], beam=1 + k % 5)


def answer():
    model, pictures = tiny_answerer.answerer(), tiny_captioner.pictures(40)
    words = tiny_answerer.WORDS
    return lambda k: model.answer(pictures[k % 40], " ".join(words[(k + i) % 6] for i in range(1 + k % 9)))


def classify():
    model, texts = tiny_classifier.classifier(pooling="attention"), tiny_classifier.texts(97)
    return lambda k: model.classify(texts[k % 97 : k % 97 + 1 + k % 4])


def watch():
    model, clips = tiny_video.model(), tiny_video.clips(40)
    return lambda k: model.classify(clips[k % 40 : k % 40 + 1 + k % 3])


def drawing():
    model = tiny_draw.model()
    return lambda k: model.draw(1 + k % 4, seed=k)


def reading():
    model, images = tiny_glimpses.tiny(), tiny_glimpses.squares(40).images
    return lambda k: model.classify(images[k % 40 : k % 40 + 1 + k % 3], samples=k % 3, seed=k)


def predict():
    model = small(cell="gru")
    model.compile()
    return lambda k: model.predict(np.full((1 + k % 3, 4 + k % 6), k % 10, "int32"), verbose=0)


def eager_layers():
    """Every recurrent layer and both attentions, called with batches and lengths that change."""
    cells = [cell(5) for cell in (ks.layers.SimpleRNN, ks.layers.GRU, ks.layers.LSTM)]
    cells += [ks.layers.LSTM(5, stateful=True), keras.layers.Bidirectional(ks.layers.GRU(3))]
    attentions = [ks.layers.AdditiveAttention(4), ks.layers.DotProductAttention()]
    cell = ks.layers.AttentionRNNCell(keras.layers.GRUCell(5), ks.layers.DotProductAttention("general"))
    decoder = ks.layers.AttentionRNN(cell)
    rng = np.random.default_rng(0)
    data = rng.standard_normal((4, 12, 5)).astype("float32")

    def step(k):
        x = data[: 1 + k % 4, : 1 + k % 12]
        cells[k % 5](x)
        attentions[k % 2](x[:, 0], x)
        if k % 5 == 0:
            decoder(x, data[: len(x)])

    return step
