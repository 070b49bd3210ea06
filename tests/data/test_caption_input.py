"""captions: every argument that is not as it should be."""

import pathlib

import pytest

from keras_seqcv.data import Characters, captions
from tests.data.caption_oracles import WORDS, dataset, pictures


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"vocabulary": None}, ValueError, "one of `model` and `vocabulary` is needed, received neither"),
        ({"model": object()}, ValueError, "one of `model` and `vocabulary` is needed, received both"),
        ({"vocabulary": Characters("abc")}, ValueError, "received Characters, which lacks start_id, end_id"),
        ({"vocabulary": 3}, ValueError, "received int, which lacks start_id"),
        ({"model": 3, "vocabulary": None}, TypeError, "`model` must have a vocabulary and an encoder, received int"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1, received 0"),
        ({"batch_size": None}, TypeError, "`batch_size` must be an int, received NoneType"),
        ({"max_length": 0}, ValueError, "`max_length` must be at least 1, received 0"),
        ({"max_length": 2.0}, TypeError, "`max_length` must be an int, received float"),
        ({"captions_per_image": True}, TypeError, "`captions_per_image` must be an int, received bool"),
        ({"image_size": (0, 3)}, ValueError, "`image_size` must be an int or"),
        ({"image_size": None}, TypeError, "`image_size` must be an int or .height, width., received None"),
        ({"validation": 1.0}, ValueError, r"`validation` must lie in \[0, 1\), received 1.0"),
        ({"validation": float("nan")}, ValueError, "`validation` must lie in"),
        ({"validation": "0.1"}, TypeError, "`validation` must be a float, received str"),
        ({"augment": 1}, TypeError, "`augment` must be a bool, received int"),
        ({"shuffle": None}, TypeError, "`shuffle` must be a bool"),
        ({"missing": "ignore"}, ValueError, "`missing` must be \"raise\" or \"skip\", received 'ignore'"),
        ({"seed": -1}, ValueError, "`seed` must be at least 0, received -1"),
        ({"seed": 0.5}, TypeError, "`seed` must be an int, received float"),
        ({"verbose": 2}, ValueError, "`verbose` must be 0 or 1, received 2"),
    ],
)  # fmt: skip
def test_bad_options(options, kind, message):
    with pytest.raises(kind, match=message):
        dataset(**options)


@pytest.mark.parametrize(
    ("images", "some", "kind", "message"),
    [
        (3, None, TypeError, "`images` must be a folder, a list of paths, an array or .*received int"),
        ("nowhere", None, ValueError, "received nowhere: nothing there"),
        (__file__, None, ValueError, "test_caption_input.py: a file"),
        (pathlib.Path(__file__).parent, [["a"]], TypeError, "`captions` of a folder must be .*received list"),
        ([], [], ValueError, "`images` must hold a picture at least"),
        ([3], [["a"]], TypeError, r"`images\[0\]` must be a path, received int"),
        (["a.png", "a.png"], [["a"], ["b"]], ValueError, r"`images\[1\]` is `images\[0\]` already: a.png"),
        (["a.png"], "captions.txt", TypeError, "`captions` must be a list of 1 lists of str, .*received str"),
        (pictures(2), None, TypeError, "`captions` must be a list of 2 lists of str"),
        (pictures(2), [["a"]], ValueError, "`captions` must be a list of 2 lists of str, .*received 1"),
        (pictures(2), ["a", "b"], TypeError, r"`captions\[0\]` must be a list of str, received str"),
        (pictures(2), [["a"], []], ValueError, r"`captions\[1\]` must hold a caption at least"),
        (pictures(2), [["a"], ["b", 3]], TypeError, r"`captions\[1\]\[1\]` must be a str, received int"),
        (pictures(2), [["a", " \n"], ["b"]], ValueError, r"`captions\[0\]\[1\]` is empty"),
        (pictures(9), [["a"]] * 8 + [["b\ud800"]], ValueError, "caption 0 of 8: "),
        (pictures(2).astype("float32"), [["a"]] * 2, TypeError, "`images` must be uint8, received float32"),
        (pictures(2)[0], [["a"]] * 2, ValueError, r"`images` must have shape \(N, H, W, 3\).*received \(6, 6, 3\)"),
        (pictures(2)[:0], [], ValueError, r"received \(0, 6, 6, 3\)"),
    ],
)  # fmt: skip
def test_bad_pictures_and_captions(images, some, kind, message):
    with pytest.raises(kind, match=message):
        captions(images, some, vocabulary=WORDS, verbose=0)
