"""Words and their tokenizer, against an oracle without regular expressions, in Python and in the graph."""

import sys
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st

from keras_seqcv.data import Words
from keras_seqcv.data.tokenizer import split_words, split_words_tensor
from tests.data.vocabulary_oracles import TEXT, assert_encoded, few, graph


def slow_split(text):
    """An oracle without regular expressions: one character after the other."""
    tokens, word = [], ""

    def is_word(char):
        return unicodedata.category(char)[0] in "LMN"

    for i, char in enumerate(text):
        joins = char in "'\u2019-\u2010\u2011\u200c\u200d" and word and i + 1 < len(text) and is_word(text[i + 1])
        if is_word(char) or joins:
            word += char
            continue
        tokens += [word] if word else []
        word = ""
        if char == "\n" or not char.isspace():
            tokens.append(char)
    return tokens + ([word] if word else [])


class TestWords:
    @few
    @given(TEXT)
    @example("rock-'n'-roll a--b -x- it's 'tis e\u0301 हिन्दी می\u200cخواهم")
    def test_tokenizer_equals_the_oracle(self, text):
        assert split_words(text) == slow_split(text)

    @few
    @given(st.lists(TEXT, max_size=3), st.booleans())
    @example(["ΣΑΣ İI DŽ", "\x00 \x1f\x85 \ufeff"], True)
    def test_graph_tokenizer_equals_python(self, texts, lowercase):
        tokens = split_words_tensor(tf.constant([text.encode() for text in texts], tf.string), lowercase)
        expected = [[word.encode() for word in split_words(text, lowercase)] for text in texts]
        assert tokens.to_list() == expected

    def test_characters_at_all_borders_of_their_classes_are_cut_alike_in_the_graph(self):
        kinds = [
            (unicodedata.category(chr(code))[0] in "LMN", chr(code).isspace(), 0xD800 <= code < 0xE000)
            for code in range(sys.maxunicode + 1)
        ]
        borders = [code for code in range(1, len(kinds)) if kinds[code] != kinds[code - 1]]
        codes = [code for border in borders for code in (border - 1, border) if not 0xD800 <= code < 0xE000]
        assert len(codes) > 2000
        texts = [f"a{chr(code)}b {chr(code)}" for code in codes]
        tokens = split_words_tensor(tf.constant([text.encode() for text in texts])).to_list()
        for text, words in zip(texts, tokens, strict=True):
            assert [word.decode() for word in words] == split_words(text) == slow_split(text)

    def test_order_size_and_count(self):
        text = "b a c b, a b d"
        assert Words(text).tokens == ["<pad>", "<start>", "<end>", "<unk>", "b", "a", ",", "c", "d"]
        assert Words(text, max_size=6).tokens[4:] == ["b", "a"]
        assert Words(["b a c b", ", a b d"], min_count=2).tokens[4:] == ["b", "a"]
        assert Words("B b a", lowercase=True).tokens[4:] == ["b", "a"]
        vocabulary = Words(text)
        assert (vocabulary.pad_id, vocabulary.start_id, vocabulary.end_id, vocabulary.unknown_id) == (0, 1, 2, 3)

    def test_reserved_names_in_a_text_are_ordinary_text(self):
        vocabulary = Words("< pad >")
        assert vocabulary.encode("<pad>").tolist() == vocabulary.encode("< pad >").tolist()
        assert min(vocabulary.encode("<pad>")) > 3

    def test_file_is_never_cut_inside_a_word(self, tmp_path, monkeypatch):
        monkeypatch.setattr("keras_seqcv.data.documents.BLOCK_BYTES", 4)
        text = "wonderful words, über-lang\nand more ünd"
        path = tmp_path / "text.txt"
        path.write_bytes(text.encode())
        assert Words(path) == Words(text)

    @few
    @given(TEXT)
    @example("He said: “well, (don't) 'stop' - at $5!”\nSo.")
    def test_decoded_text_has_the_same_words(self, text):
        words = split_words(text)
        if words:
            vocabulary = Words(text)
            decoded = vocabulary.decode(vocabulary.encode(text))
            assert split_words(decoded) == words

    def test_decode_spacing(self):
        text = "He said: (don't) stop, at $5!\nSo."
        vocabulary = Words(text)
        assert vocabulary.decode(vocabulary.encode(text)) == text
        assert vocabulary.decode([1, *vocabulary.encode("So stop"), 2, 0]) == "So stop"

    @few
    @given(st.data())
    def test_decode_graph_equals_python_and_grows_at_the_end(self, data):
        vocabulary = Words("a b ( ) , \n ’ “ it's")
        ids = data.draw(st.lists(st.integers(0, len(vocabulary) - 1), max_size=12))
        rows = [ids, ids[: len(ids) // 2], []]
        padded = [row + [77] * (len(ids) - len(row)) for row in rows]
        decode = graph(vocabulary.decode_tensor, (2, tf.int32), (1, tf.int32))
        decoded = decode(np.array(padded, "int32").reshape(3, len(ids)), [len(row) for row in rows])
        assert [text.decode() for text in decoded.numpy()] == [vocabulary.decode(row) for row in rows]
        assert vocabulary.decode(ids).startswith(vocabulary.decode(ids[:-1]))

    @few
    @given(st.lists(TEXT, max_size=4), st.booleans())
    def test_encode_graph_equals_python(self, texts, lowercase):
        vocabulary = Words("a A é ß 中 1 . , \n Zé", lowercase=lowercase)
        encode = graph(vocabulary.encode_tensor, (1, tf.string))
        ids, lengths = encode(tf.constant([text.encode() for text in texts], tf.string))
        assert_encoded(ids, lengths, [vocabulary.encode(text) for text in texts])

    @pytest.mark.parametrize(
        "arguments, error, message",
        [
            ({}, ValueError, "either `texts` or `tokens`"),
            ({"texts": " \t"}, ValueError, "no words"),
            ({"texts": 1.5}, TypeError, "float"),
            ({"texts": "a b", "max_size": 4}, ValueError, "`max_size` must be at least 5"),
            ({"texts": "a b", "max_size": 9.0}, TypeError, "`max_size`"),
            ({"texts": "a b", "min_count": 0}, ValueError, "`min_count` must be at least 1"),
            ({"texts": "a b", "min_count": 2}, ValueError, "most frequent comes 1 times"),
            ({"texts": "a", "lowercase": "yes"}, TypeError, "`lowercase`"),
            ({"tokens": "abc"}, TypeError, "`tokens`"),
            ({"tokens": ["a", "a"]}, ValueError, "'a' more than once"),
            ({"tokens": ["New York"]}, ValueError, "'New York'.*no text can give"),
            ({"tokens": ["A"], "lowercase": True}, ValueError, "no text can give"),
            ({"tokens": ["<pad>", "<start>", "<end>", "<unk>"]}, ValueError, "no words"),
            ({"tokens": ["a", "b"], "max_size": 5}, ValueError, "`max_size`=5"),
        ],
    )
    def test_bad_arguments(self, arguments, error, message):
        with pytest.raises(error, match=message):
            Words(**arguments)

    def test_invalid_utf8_in_the_graph(self):
        with pytest.raises(tf.errors.InvalidArgumentError):
            Words("a b").encode_tensor(tf.constant([b"a \xff"]))
