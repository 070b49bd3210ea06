"""Characters and Bytes: round trips, errors, and the graph forms against the Python forms."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st

from keras_seqcv.data import Bytes, Characters
from tests.data.vocabulary_oracles import TEXT, UNICODE, assert_encoded, few, graph


class TestCharacters:
    def test_sorted_by_code_point_whatever_the_order_of_the_text(self):
        assert Characters("zß中a🙂a").tokens == sorted({"z", "ß", "中", "a", "🙂"})
        assert Characters("abc") == Characters("cba") == Characters(["c", "ab"]) == Characters(b"bca")
        assert hash(Characters("abc")) == hash(Characters("cba"))
        assert Characters("abc") != Characters("abcd") and Characters("abc") != Bytes()

    @few
    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.randoms())
    def test_round_trip(self, text, random):
        vocabulary = Characters(text)
        shuffled = "".join(random.sample(text, len(text)))
        ids = vocabulary.encode(shuffled)
        assert ids.dtype == np.int32 and ids.tolist() == [vocabulary.tokens.index(char) for char in shuffled]
        assert vocabulary.decode(ids) == shuffled
        assert vocabulary.encode(shuffled.encode()).tolist() == ids.tolist()

    def test_file_is_scanned_across_block_borders(self, tmp_path, monkeypatch):
        monkeypatch.setattr("keras_seqcv.data.documents.BLOCK_BYTES", 3)
        text = "aé中🙂" * 5 + "z"
        path = tmp_path / "text.txt"
        path.write_bytes(text.encode())
        assert Characters(path) == Characters(text) == Characters([path, "é"])

    def test_unknown_raises_with_character_and_position(self):
        with pytest.raises(ValueError, match=r"`text` holds the character 'ß' \(U\+00DF\) at position 2"):
            Characters("ab").encode("abß")
        with pytest.raises(ValueError, match="'🙂'"):
            Characters("ab").encode("🙂")
        assert Characters("ab").unknown_id is None

    def test_unknown_character_takes_the_last_id(self):
        vocabulary = Characters("b\ufffda", unknown="\ufffd")
        assert vocabulary.tokens == ["a", "b", "\ufffd"] and vocabulary.unknown_id == 2 and len(vocabulary) == 3
        assert vocabulary.encode("a🙂b\u0000\ufffd").tolist() == [0, 2, 1, 2, 2]
        assert vocabulary.decode([0, 2]) == "a\ufffd"

    def test_tokens_keep_their_order(self):
        vocabulary = Characters(tokens=["c", "?", "a"], unknown="?")
        assert vocabulary.unknown_id == 1
        assert vocabulary.encode("acx").tolist() == [2, 0, 1]
        ids, lengths = vocabulary.encode_tensor(["acx"])
        assert_encoded(ids, lengths, [[2, 0, 1]])

    @pytest.mark.parametrize(
        "arguments, error, message",
        [
            ({}, ValueError, "either `text` or `tokens`"),
            ({"text": "a", "tokens": ["a"]}, ValueError, "received both"),
            ({"text": ""}, ValueError, "empty"),
            ({"text": []}, ValueError, "no documents"),
            ({"text": ["", b""]}, ValueError, "empty"),
            ({"text": 3}, TypeError, "received int"),
            ({"text": ["a", 3]}, TypeError, r"`text\[1\]`.*received int"),
            ({"text": b"ab\xff"}, ValueError, "byte offset 2"),
            ({"text": "a\ud800"}, ValueError, "U\\+D800"),
            ({"tokens": []}, ValueError, "empty"),
            ({"tokens": ["a", "bc"]}, ValueError, r"tokens\[1\].*'bc'"),
            ({"tokens": ["a", 1]}, TypeError, r"tokens\[1\].*int"),
            ({"tokens": ["a", "b", "a"]}, ValueError, "'a' more than once"),
            ({"text": "a", "unknown": "??"}, ValueError, "`unknown` must be one character"),
            ({"text": "a", "unknown": 0}, TypeError, "`unknown`"),
        ],
    )
    def test_bad_arguments(self, arguments, error, message):
        with pytest.raises(error, match=message):
            Characters(**arguments)

    def test_empty_file_and_invalid_file_are_named(self, tmp_path):
        path = tmp_path / "text.txt"
        path.write_bytes(b"")
        with pytest.raises(ValueError, match="text.txt is an empty text"):
            Characters(path)
        path.write_bytes(b"abc\xe2\x28")
        with pytest.raises(ValueError, match="text.txt is not valid UTF-8 at byte offset 3"):
            Characters(path)

    def test_bad_text_and_ids(self):
        vocabulary = Characters("ab")
        for bad in (3, None, ["a"]):
            with pytest.raises(TypeError, match="`text`"):
                vocabulary.encode(bad)
        with pytest.raises(ValueError, match="byte offset 1"):
            vocabulary.encode(b"a\xff")
        with pytest.raises(ValueError, match="U\\+DC00 at position 1"):
            vocabulary.encode("a\udc00")
        for bad in ([0, 2], [-1]):
            with pytest.raises(ValueError, match=r"`ids` must lie in \[0, 2\)"):
                vocabulary.decode(bad)
        for bad in ([[0]], [0.5], 0):
            with pytest.raises(ValueError, match="integers of shape"):
                vocabulary.decode(bad)
        assert vocabulary.decode([]) == "" and vocabulary.encode("").shape == (0,)

    @few
    @given(st.lists(TEXT, max_size=4))
    @example(["\ufeffa", "\ufffd", "\uffff\ufffe", "\x00a\x00", "\r\n"])
    @example([])
    def test_graph_equals_python(self, texts):
        vocabulary = Characters(["aé中\ufffd", *texts])
        encode = graph(vocabulary.encode_tensor, (1, tf.string))
        decode = graph(vocabulary.decode_tensor, (2, tf.int32), (1, tf.int32))
        ids, lengths = encode(tf.constant([text.encode() for text in texts], tf.string))
        assert_encoded(ids, lengths, [vocabulary.encode(text) for text in texts])
        assert [text.decode() for text in decode(ids, lengths).numpy()] == texts

    @few
    @given(st.lists(TEXT, min_size=1, max_size=4))
    def test_graph_equals_python_with_unknown(self, texts):
        vocabulary = Characters("aé中 \U0001f600", unknown="?")
        ids, lengths = vocabulary.encode_tensor(tf.constant([text.encode() for text in texts]))
        assert_encoded(ids, lengths, [vocabulary.encode(text) for text in texts])

    def test_graph_raises_on_unknown_and_on_invalid_utf8(self):
        encode = graph(Characters("ab").encode_tensor, (1, tf.string))
        with pytest.raises(tf.errors.InvalidArgumentError, match="not in the vocabulary"):
            encode(tf.constant(["ab", "aβb"]))
        with pytest.raises(tf.errors.InvalidArgumentError):
            encode(tf.constant([b"a\xff"]))

    def test_decode_tensor_ignores_what_is_past_the_length(self):
        vocabulary = Characters("abc")
        assert vocabulary.decode_tensor([[0, 1, 99], [-5, 7, 7]], [2, 0]).numpy().tolist() == [b"ab", b""]


class TestBytes:
    @few
    @given(st.binary(max_size=40), UNICODE)
    def test_round_trip(self, data, text):
        vocabulary = Bytes()
        assert vocabulary.encode(data).tolist() == list(data)
        assert vocabulary.encode(text).tolist() == list(text.encode())
        assert vocabulary.decode(vocabulary.encode(text)) == text

    @few
    @given(st.lists(st.binary(max_size=20), max_size=4))
    def test_graph_equals_python(self, data):
        vocabulary = Bytes()
        ids, lengths = graph(vocabulary.encode_tensor, (1, tf.string))(tf.constant(data, tf.string))
        assert_encoded(ids, lengths, [list(row) for row in data])
        decode = graph(vocabulary.decode_tensor, (2, tf.int32), (1, tf.int32))
        assert decode(ids, lengths).numpy().tolist() == data

    def test_names(self):
        tokens = Bytes().tokens
        assert len(set(tokens)) == 256 and all(token.isprintable() for token in tokens)
        assert tokens[ord("a")] == "a" and tokens[255] == "<0xFF>"
        assert Bytes().unknown_id is None and Bytes() == Bytes()
        assert Bytes().decode([0xC3]) == "\ufffd"

    def test_bad_text(self):
        with pytest.raises(TypeError, match="received list"):
            Bytes().encode([1])
        with pytest.raises(ValueError, match="U\\+D800"):
            Bytes().encode("\ud800")
        with pytest.raises(ValueError, match=r"\[0, 256\)"):
            Bytes().decode([256])
