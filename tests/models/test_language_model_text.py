"""`generate`, `stream` and `score`, against a Python loop that shares no code with them."""

import numpy as np
import pytest

from keras_seqcv.data import Bytes, Characters, Words
from keras_seqcv.models import LanguageModel, text_writer
from tests.models.language_model_oracles import LETTERS, scores_of, small, written

SENTENCE = "to be, or not to be: that is the question\n(whether 'tis nobler) in the mind to suffer"
CHOICES = [
    {},
    {"temperature": 0.5},
    {"temperature": 2.0},
    {"greedy": True},
    {"top_k": 3},
    {"top_p": 0.7},
    {"temperature": 1.3, "top_k": 6, "top_p": 0.9},
]


@pytest.fixture(scope="module")
def models():
    return {
        "characters": small(cell="gru"),
        "layers": small(cell="lstm", layers=2, embedding_dim=4, residual=True),
        "unicode": small(Characters("añ😀語\u0301 x\n"), cell="simple_rnn"),
        "unknown": small(Characters("abcdefg", unknown="\ufffd"), cell="gru"),
        "words": small(Words(SENTENCE), cell="gru"),
        "bytes": small(Bytes(), cell="gru", loud=8.0),
    }


def text_of(model, prompt, length, **options):
    """What the oracle writes behind a prompt, for vocabularies of characters."""
    vocabulary = model.vocabulary
    return prompt + "".join(vocabulary.tokens[i] for i in written(model, vocabulary.encode(prompt), length, **options))


@pytest.mark.parametrize("options", CHOICES, ids=str)
@pytest.mark.parametrize("name", ["characters", "layers", "unicode"])
def test_generate_equals_a_python_loop(models, name, options):
    model = models[name]
    prompt = model.vocabulary.decode([0, 3, 2, 2, 1])
    assert model.generate(prompt, length=70, seed=4, **options) == text_of(model, prompt, 70, seed=4, **options)


def test_prompts_of_different_lengths(models):
    model = models["characters"]
    prompts = ["a", "jihgf edcba\n", "bad", "a"]
    texts = model.generate(prompts, length=40, seed=-9, temperature=0.8)
    expected = [text_of(model, p, 40, seed=-9, row=row, temperature=0.8) for row, p in enumerate(prompts)]
    assert texts == expected and texts[0] != texts[3]
    assert model.generate(prompts[:1], length=40, seed=-9, temperature=0.8) == expected[:1]
    assert model.generate(prompts[0], length=40, seed=-9, temperature=0.8) == expected[0]
    assert model.generate(tuple(prompts), length=40, seed=-9, temperature=0.8) == expected


def test_seeds(models):
    model = models["characters"]
    texts = [model.generate("abc", length=60, seed=seed) for seed in (0, 1, -1, 2**31 - 1, -(2**31), 0)]
    assert texts[0] == texts[5] and len(set(texts)) == 5
    assert len({model.generate("abc", length=60) for _ in range(3)}) == 3  # no seed: another text each time
    assert model.generate("abc", length=np.int64(60), seed=np.int32(1)) == texts[1]
    greedy = {model.generate("abc", length=60, greedy=True, seed=seed) for seed in (None, 0, 1)}
    assert greedy == {model.generate("abc", length=60, top_k=1), model.generate("abc", length=60, temperature=1e-9)}


def test_lengths_are_beginnings_of_one_another(models):
    model = models["layers"]
    longest = model.generate("abc", length=140, seed=3)
    assert model.generate("abc", length=0) == "abc"
    for length in (1, 2, 63, 64, 65, 128, 129):
        assert model.generate("abc", length=length, seed=3) == longest[: 3 + length]


def test_long_jobs_are_compiled_by_xla(monkeypatch):
    monkeypatch.setattr(text_writer, "_JIT_TOKENS", 120)
    model, prompts = small(cell="gru"), ["a", "jihgf edcba\n", "bad"]
    expected = [text_of(model, p, 60, seed=-9, row=row, top_k=4) for row, p in enumerate(prompts)]
    assert model.generate(prompts, length=60, seed=-9, top_k=4) == expected
    assert model.generate(prompts[0], length=60, seed=-9, top_k=4) == expected[0]  # too short a job


def test_generating_leaves_the_streams_alone(models):
    model = models["characters"]
    tokens = model.vocabulary.encode("abcdefg")[None]
    first = model(tokens).numpy()
    again = model(tokens).numpy()
    model.recurrent_layers[0].reset_states()
    np.testing.assert_array_equal(model(tokens), first)
    model.generate("hij", length=5)
    list(model.stream("hij", length=5))
    model.score("hij")
    np.testing.assert_array_equal(model(tokens), again)


# Stop strings ------------------------------------------------------------------------------------------------


def first_complete(text, stops):
    """Reads letter by letter: the text ends before the stop string that is complete first."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))]
    return text


def stops_for(text):
    """Stop strings that come in the text and that do not, long and short, one inside and one across the other."""
    middle = len(text) // 2
    return [
        [text[middle]],
        [text[middle : middle + 4]],
        [text[middle + 1], text[middle : middle + 3]],
        [text[middle : middle + 5], text[middle + 2 : middle + 9]],
        [text[middle + 4 : middle + 6], text[middle : middle + 12] + "?", text[middle + 8 :]],
        ["never", "?"],
        [text],
        [text[-3:]],
    ]


@pytest.mark.parametrize("name", ["characters", "unicode", "words", "bytes"])
def test_stop_strings(models, name):
    model = models[name]
    prompt = "abc" if name == "characters" else "a" if name == "unicode" else "to be"
    whole = model.generate(prompt, length=40, seed=6)[len(prompt) :]
    for stops in stops_for(whole):
        expected = first_complete(whole, stops)
        assert model.generate(prompt, length=40, seed=6, stop=stops) == prompt + expected
        assert model.generate([prompt, prompt], length=40, seed=6, stop=stops)[0] == prompt + expected
        assert "".join(model.stream(prompt, length=40, seed=6, stop=stops)) == expected
    stop = whole[9:11]
    assert model.generate(prompt, length=40, seed=6, stop=stop) == prompt + first_complete(whole, [stop])


def test_stop_in_the_prompt_does_not_stop(models):
    text = models["characters"].generate("abcabc", length=20, seed=2)
    assert models["characters"].generate("abcabc", length=20, seed=2, stop="ca") == "abcabc" + first_complete(
        text[6:], ["ca"]
    )


# Streams of text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["characters", "layers", "unicode", "unknown", "words", "bytes"])
@pytest.mark.parametrize("options", CHOICES[::2], ids=str)
def test_pieces_are_the_text(models, name, options):
    model = models[name]
    for prompt in ("a", "to be", "to be ", "😀") if name in ("words", "bytes") else ("a",):
        for length in (0, 1, 30):
            pieces = list(model.stream(prompt, length=length, seed=8, **options))
            assert all(pieces)
            assert prompt + "".join(pieces) == model.generate(prompt, length=length, seed=8, **options)


def test_characters_of_many_bytes_come_whole(models):
    """A table of bytes that follow one another (each once in the text): pieces are whole characters."""
    text = "aé😀語Я"
    follow = dict(zip(text.encode(), text.encode()[1:], strict=False))
    assert len(follow) == len(text.encode()) - 1  # no byte comes twice
    model = LanguageModel(Bytes(), cell="simple_rnn", layers=1, units=256, stateful=False)
    model.build((None, None))
    logits = np.zeros((256, 256), "float32")
    for byte, after in follow.items():
        logits[byte, after] = 50.0
    # tanh(4 one-hot) remembers the last byte only; the output looks its follower up.
    model.set_weights([4 * np.eye(256), np.zeros((256, 256)), np.zeros(256), logits, np.zeros(256)])
    pieces = list(model.stream("a", length=len(text.encode()) - 1, greedy=True))
    assert pieces == list("é😀語Я")
    assert list(model.stream("a", length=4, greedy=True)) == ["é", "\ufffd"]  # the end comes within a character
    assert model.generate("a", length=4, greedy=True) == "aé\ufffd"
    assert list(model.stream("aé", length=9, greedy=True, stop="語")) == ["😀"]
    assert model.generate("aé😀", length=5, greedy=True) == text


def test_stream_is_lazy_but_checks_at_once(models):
    with pytest.raises(ValueError, match="length"):
        models["characters"].stream("a", length=-1)
    pieces = models["characters"].stream("a", length=2**31 - 1, seed=1)
    assert "".join(next(pieces) for _ in range(5)) == models["characters"].generate("a", length=5, seed=1)[1:]


# Vocabularies -----------------------------------------------------------------------------------------------------


def spaced(words):
    """Spaces between words as a reader expects them, by rules of this test."""
    text, before = "", "\n"
    for word in words:
        glue = before in "\n(" or word in ",.:)'\n"
        text += word if glue else " " + word
        before = word
    return text


@pytest.mark.parametrize("prompt", ["to", "to be", "to be,", "to be ", "to be\n", "("])
def test_words_are_set_apart_from_the_prompt(models, prompt):
    model = models["words"]
    ids = model.vocabulary.encode(prompt)
    for seed in range(6):
        words = [model.vocabulary.tokens[i] for i in written(model, ids, 12, seed=seed) if i > 2]
        last = model.vocabulary.tokens[ids[-1]]
        expected = spaced([last, *words])[len(spaced([last])) :]
        if prompt.endswith(" "):
            expected = expected.removeprefix(" ")
        assert model.generate(prompt, length=12, seed=seed) == prompt + expected


def test_words_keep_the_prompt_as_it_is(models):
    text = models["words"].generate("To  BE xyz", length=3, seed=0)
    assert text.startswith("To  BE xyz")


def test_bytes_with_an_emoji_prompt(models):
    model = models["bytes"]
    ids = written(model, list("né 😀".encode()), 30, seed=5)
    assert model.generate("né 😀", length=30, seed=5) == "né 😀" + bytes(ids).decode(errors="replace")


def test_unknown_characters_have_a_token(models):
    model = models["unknown"]
    assert model.generate("xyz", length=20, seed=1)[3:] == model.generate("\ufffd\ufffd\ufffd", length=20, seed=1)[3:]
    assert set(model.generate("xyz", length=60, seed=1)[3:]) <= set("abcdefg\ufffd")


# Score --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["characters", "layers"])
def test_score_equals_numpy(models, name):
    model = models[name]
    random = np.random.default_rng(0)
    for size in (2, 3, 512, 513, 514, 1300):  # 512 tokens are read at a time
        ids = random.integers(0, len(LETTERS), size)
        scores = model.score(model.vocabulary.decode(ids))
        assert scores.shape == (size - 1,) and scores.dtype == np.float32
        np.testing.assert_allclose(scores, scores_of(model, ids), atol=1e-4, rtol=1e-4)


def test_score_of_lists_bytes_and_words(models):
    model = models["characters"]
    texts = ["abcabc", "ji", "a b\nc d"]
    for text, scores in zip(texts, model.score(texts), strict=True):
        np.testing.assert_allclose(scores, scores_of(model, model.vocabulary.encode(text)), atol=1e-4)
    np.testing.assert_array_equal(model.score(b"abcabc"), model.score("abcabc"))
    assert model.score([]) == []
    for name, text in (("bytes", "né 😀"), ("words", "to be xyz, or"), ("unknown", "axbyc")):
        other = models[name]
        expected = scores_of(other, other.vocabulary.encode(text))
        np.testing.assert_allclose(other.score(text), expected, atol=1e-4)


def test_scores_are_those_of_the_writer(models):
    """What is written at a low temperature is likelier than what is written at a high one."""
    model = models["characters"]
    cold, hot = (model.generate("a", length=200, temperature=heat, seed=1) for heat in (0.2, 5.0))
    assert model.score(cold).mean() > -0.3 and model.score(hot).mean() < -1.0
