"""What each reader of `ks.data` gives to `fit`: functions of a folder, in which they may write, that make a dataset."""

import keras
import numpy as np

import keras_seqcv as ks


def caption_batches(folder):
    scenes = ks.data.scenes(24, image_size=48)
    for k, image in enumerate(scenes.images()):
        keras.utils.save_img(folder / f"{k}.png", image)
    words = ks.data.Words(caption for some in scenes.captions for caption in some)
    names = [folder / f"{k}.png" for k in range(24)]
    return ks.data.captions(names, scenes.captions, image_size=48, batch_size=4, vocabulary=words, verbose=0)


def question_batches(folder):
    scenes = ks.data.scenes(24, image_size=48)
    words = ks.data.Words(q.question for some in scenes.questions for q in some)
    options = {"vocabulary": words, "answers": scenes.answers, "questions_per_image": 5, "verbose": 0}
    return ks.data.questions(scenes.images(), scenes.questions, image_size=48, batch_size=4, **options)


def image_batches(folder):
    return ks.data.labelled_images(ks.data.drawn_digits(40), batch_size=8, augment=ks.data.PictureShifts(2))


def sequence_batches(folder):
    waves = [np.sin(np.arange(5 + k % 9))[:, None] for k in range(40)]
    return ks.data.labelled_sequences(waves, ["a", "b"] * 20, 4, names=["a", "b"])


def text_batches(folder):
    some = ks.data.opinions(50)
    return ks.data.labelled_texts(some, batch_size=8, vocabulary=some.words(), names=some.names)


def video_batches(folder):
    scenes = ks.data.moving_scenes(20)
    options = {"names": scenes.names, "image_size": 32, "window": 8, "augment": ks.data.VideoChanges()}
    return ks.data.labelled_videos(scenes, batch_size=4, **options)


def stream_batches(folder):
    (folder / "text.txt").write_text("to be or not to be " * 40, encoding="utf-8")
    return ks.data.text_streams(folder / "text.txt", batch_size=4, steps=8)


def translation_batches(folder):
    pairs = ks.data.number_sentences(80)
    words = ks.data.Words(pairs.sources), ks.data.Words(pairs.targets)
    return ks.data.translations(pairs.sources, pairs.targets, batch_size=8, vocabularies=words)
