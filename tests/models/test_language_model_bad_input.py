"""Bad input: an error that says which argument, what was expected, and what came."""

import math

import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.models import LanguageModel
from tests.models.language_model_oracles import LETTERS, small

NAN = float("nan")


@pytest.fixture(scope="module")
def model():
    return small()


GENERATE = [
    ({"temperature": 0}, "temperature: expected a number > 0 .*received 0"),
    ({"temperature": 0.0, "greedy": True}, "temperature: expected"),
    ({"temperature": -1}, "temperature: .*received -1"),
    ({"temperature": NAN}, "temperature: .*received nan"),
    ({"temperature": math.inf}, "temperature: .*received inf"),
    ({"temperature": "hot"}, "temperature: .*received 'hot'"),
    ({"temperature": None}, "temperature: .*received None"),
    ({"temperature": True}, "temperature: .*received True"),
    ({"length": -1}, "length: expected an int >= 0.*received -1"),
    ({"length": 2.5}, "length: .*received 2.5"),
    ({"length": 3.0}, "length: .*received 3.0"),
    ({"length": "3"}, "length: .*received '3'"),
    ({"length": True}, "length: .*received True"),
    ({"length": None}, "length: .*received None"),
    ({"length": 2**31}, "length: .*received 2147483648"),
    ({"top_k": 0}, "top_k: expected an int >= 1.*received 0"),
    ({"top_k": len(LETTERS) + 1}, r"top_k: expected an int in \[1, 12\], received 13"),
    ({"top_k": 2.0}, "top_k: .*received 2.0"),
    ({"top_k": True}, "top_k: .*received True"),
    ({"top_p": 0}, r"top_p: expected a number in \(0, 1\], received 0"),
    ({"top_p": 1.01}, "top_p: .*received 1.01"),
    ({"top_p": NAN}, "top_p: .*received nan"),
    ({"top_p": "0.5"}, "top_p: .*received '0.5'"),
    ({"seed": 2**31}, r"seed: expected an int in \[-2\*\*31, 2\*\*31\), received 2147483648"),
    ({"seed": -(2**31) - 1}, "seed: .*received -2147483649"),
    ({"seed": 1.5}, "seed: .*received 1.5"),
    ({"seed": True}, "seed: .*received True"),
    ({"stop": ""}, "stop: expected strings of at least one character, received ''"),
    ({"stop": ["a", ""]}, "stop: expected"),
    ({"stop": [1]}, r"stop: .*received \[1\]"),
    ({"stop": 5}, "stop: .*received 5"),
    ({"stop": b"a"}, "stop: .*received b'a'"),
    ({"prompt": ""}, "prompt: expected at least one token, received '' at place 0"),
    ({"prompt": "abcX"}, r"prompt 'abcX' .*'X' \(U\+0058\) at position 3.*not among the 12 characters"),
    ({"prompt": "a😀b"}, r"prompt .*'😀' \(U\+1F600\) at position 1"),
    ({"prompt": "a\ud800"}, r"prompt .*U\+D800 at position 1"),
]


@pytest.mark.parametrize(("arguments", "message"), GENERATE, ids=ascii)
def test_generate_and_stream(model, arguments, message):
    arguments = {"prompt": "abc", "length": 5, **arguments}
    for verb in (model.generate, model.stream):
        with pytest.raises(ValueError, match=message):
            verb(**arguments)


@pytest.mark.parametrize(
    ("prompt", "error", "message"),
    [
        ([], ValueError, "prompt: .*received an empty list"),
        (["ab", ""], ValueError, "prompt: .*received '' at place 1"),
        (["ab", "aX"], ValueError, "prompt 'aX' at place 1: .*'X'"),
        (["ab", 5], TypeError, "prompt: expected str, received int at place 1"),
        (5, TypeError, "prompt: expected str or a list of str, received int"),
        (None, TypeError, "prompt: .*received NoneType"),
        (b"ab", TypeError, "prompt: .*received bytes"),
    ],
    ids=str,
)
def test_prompts(model, prompt, error, message):
    with pytest.raises(error, match=message):
        model.generate(prompt, length=3)
    with pytest.raises(TypeError if not isinstance(prompt, str) else error, match="prompt"):
        model.stream(prompt, length=3)


def test_a_long_prompt_is_not_repeated_whole(model):
    with pytest.raises(ValueError, match="at position 50000") as caught:
        model.generate("a" * 50000 + "X")
    assert len(str(caught.value)) < 400


def test_prompts_of_words_without_words():
    words = small(ks.data.Words("to be"))
    with pytest.raises(ValueError, match="prompt: expected at least one token, received '   '"):
        words.generate("   ")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "text: scoring needs at least two tokens, received 0"),
        ("a", ValueError, "text: scoring needs at least two tokens, received 1"),
        (["ab", "a"], ValueError, "text: scoring needs"),
        ("abX", ValueError, r"'X' \(U\+0058\) at position 2"),
        (b"ab\xff", ValueError, "not valid UTF-8 at byte offset 2"),
        (5, TypeError, "text.*received int"),
        (None, TypeError, "text.*received NoneType"),
    ],
    ids=str,
)
def test_score(model, text, error, message):
    with pytest.raises(error, match=message):
        model.score(text)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"vocabulary": "abc"}, TypeError, "vocabulary: expected a ks.data vocabulary, received str"),
        ({"vocabulary": None}, TypeError, "vocabulary: .*received NoneType"),
        ({"cell": "rnn"}, ValueError, r"cell: expected one of \['gru', 'lstm', 'simple_rnn'\], received 'rnn'"),
        ({"cell": ["lstm"]}, ValueError, r"cell: .*received \['lstm'\]"),
        ({"layers": 0}, ValueError, "layers: expected an int >= 1, received 0"),
        ({"layers": 1.0}, ValueError, "layers: .*received 1.0"),
        ({"layers": True}, ValueError, "layers: .*received True"),
        ({"units": -1}, ValueError, "units: expected an int >= 1, received -1"),
        ({"units": "8"}, ValueError, "units: .*received '8'"),
        ({"units": None}, ValueError, "units: .*received None"),
        ({"embedding_dim": 0}, ValueError, "embedding_dim: expected an int >= 1, received 0"),
        ({"dropout": 1}, ValueError, r"dropout: expected a number in \[0, 1\), received 1"),
        ({"dropout": -0.1}, ValueError, "dropout: .*received -0.1"),
        ({"dropout": NAN}, ValueError, "dropout: .*received nan"),
        ({"dropout": "0"}, ValueError, "dropout: .*received '0'"),
        ({"residual": "no"}, TypeError, "residual: expected a bool, received 'no'"),
        ({"stateful": None}, TypeError, "stateful: expected a bool, received None"),
    ],
    ids=str,
)
def test_constructor(arguments, error, message):
    with pytest.raises(error, match=message):
        LanguageModel(**{"vocabulary": ks.data.Bytes(), **arguments})


def test_texts_and_files(tmp_path):
    for text in ("", b"", []):
        with pytest.raises(ValueError, match="empty|no documents"):
            ks.data.text_streams(text, batch_size=1, steps=1)
    with pytest.raises(ValueError, match=r"text has 9 tokens, too few.* 2 \* 8 \+ 1 = 17"):
        ks.data.text_streams("abcdefghi", batch_size=2, steps=8)
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"good \xff bad")
    for read in (ks.data.load_text, ks.data.Characters, lambda path: ks.data.text_streams(path, 1, 2)):
        with pytest.raises(ValueError, match="broken.txt is not valid UTF-8 at byte offset 5"):
            read(broken)


def test_inputs_of_the_network(model):
    with pytest.raises(ValueError, match=r"reset: expected shape .*received \(3,\)"):
        model({"tokens": np.zeros((2, 4), "int32"), "reset": np.zeros(3, bool)})
    with pytest.raises(ValueError, match="state"):
        model.read(tf.zeros((1, 2), tf.int32), [[tf.zeros((1, 8))]])
