"""Tokens of captions against what the COCO evaluation's own tokeniser made of the same texts."""

import importlib.util
import random
import shutil
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqcv.metrics import tokenize_caption
from keras_seqcv.metrics.ptb_tokenizer import PUNCTUATION

# Each: text, and its tokens between spaces. The tokens were written by Stanford's PTBTokenizer of pycocoevalcap 1.2 on
# Java 17, -preserveLines -lowerCase, less the evaluation's punctuation.
TABLE = [
    # plain words
    ("A dog runs .", "a dog runs"),
    ("two   men\ttalk\non a bench", "two men talk on a bench"),
    ("", ""),
    (".", ""),
    ("\xdcn\xefcode CAF\xc9 na\xefve se\xf1or", "\xfcn\xefcode caf\xe9 na\xefve se\xf1or"),
    ("\u65e5\u672c \u8a9e \u0416\u0443\u043a", "\u65e5\u672c \u8a9e \u0436\u0443\u043a"),
    # contractions
    ("don't Can't WON'T ain't", "do n't ca n't wo n't ai n't"),
    ("it's he'll she'd we've they're I'm", "it 's he 'll she 'd we 've they 're i 'm"),
    ("John's dogs' James'", "john 's dogs james"),
    ("couldn't've y'all're", "could n't 've y' all 're"),
    ("don\u2019t it\u2019s dogs\u2019", "do n't it 's dogs"),
    ("can`t", "ca n`t"),
    ("cannot gonna gotta wanna gimme lemme CANNOT", "can not gon na got ta wan na gim me lem me can not"),
    ("cannots gonna-be wannabe", "cannots gonna-be wannabe"),
    # apostrophes
    ("'tis 'Twas 'em 'cause 'til 'n' rock'n'roll", "'t is 't was 'em 'cause 'til 'n' rock 'n' roll"),
    ("'twere 'bout 'slide", "twere bout slide"),
    ("O'Brien d'Artagnan l'homme o'clock", "o'brien d'artagnan l'homme o'clock"),
    ("ma'am Hawai'i e'er li'l ol' c'mon nat'l cap'n", "ma'am hawai'i e'er li'l ol' c'mon nat'l cap'n"),
    ("y'all d'a j'ai", "y' all d' a j' ai"),
    ("ladies'night fo'c'sle", "ladies night fo c sle"),
    ("he said 'a dog' and \u2018a cat\u2019", "he said a dog and a cat"),
    ("T'ien-wen d'art-x", "t'ien wen d'art-x"),
    # quotes
    ("\"a dog\" ``a cat'' \u201ca cow\u201d \xaba hen\xbb", "a dog a cat a cow a hen"),
    ("'a' `a'", "a a"),
    ("5'10\" 6' 5\"", "5 10 6 5"),
    ("\u201c\u2018a\u2019\u201d", "``` a '''"),
    # brackets
    ("(a) [b] {c} boy(s) ( )", "-lrb- a -rrb- -lsb- b -rsb- -lcb- c -rcb- boy -lrb- s -rrb- -lrb- -rrb-"),
    # hyphens
    (
        "T-shirt merry-go-round 20-year-old mid-1990s African-American",
        "t-shirt merry-go-round 20-year-old mid-1990s african-american",
    ),
    ("pre- -pre anti- pro- a--b a - b -- c --- d -----", "pre pre anti- pro- a b a b c d -----"),
    ("a\u2013b a\u2014b 10\u201320", "a b a b 10 20"),
    ("-ependent 5-5 -5 a-5 3-D", "ependent 5-5 -5 a-5 3-d"),
    ("2.5-inch 1,000-foot a.b-c well-known-x's", "2.5-inch 1,000-foot a.b-c well-known-x 's"),
    # numbers
    ("1 12 1,000 1.5 .5 5. 1,2,3", "1 12 1,000 1.5 .5 5 1,2,3"),
    ("3:30 10:00pm 3:30pm 10am 5 p.m.", "3:30 10:00 pm 3:30 pm 10am 5 p.m."),
    ("1/2 3/4 2 1/2 12/25/2010 1/2-inch 5-1/2", "1/2 3/4 2\xa01/2 12/25/2010 1/2-inch 5-1/2"),
    ("\xbd 1\xbd 2\u2153 m\xb2", "1/2 1 1/2 2 1/3 m \xb2"),
    ("2nd 3rd 1950s 1990's '90s '99 '99s '06-07", "2nd 3rd 1950s 1990 's '90s '99 99s 06-07"),
    ("4x4 mp3 K2 F-16 50% 5.5%", "4x4 mp3 k2 f-16 50 % 5.5 %"),
    (
        "555-1234 (555) 123-4567 1-800-555-1234 555 555 1234",
        "555-1234 -lrb-555-rrb-\xa0123-4567 1-800-555-1234 555\xa0555\xa01234",
    ),
    ("+5 -5.5 5+5 5*5", "+5 -5.5 5 +5 5 * 5"),
    # money
    ("$5 $5.00 US$5 C$ 5$ -$1", "$ 5 $ 5.00 us$ 5 c$ 5 $ $ 1"),
    ("\xa35 \u20ac5 5\xa2 \xa55 #1", "# 5 $ 5 5 cents \xa5 5 # 1"),
    # abbreviations
    ("Mr. Smith Mrs. Jones Dr. No St. Louis", "mr. smith mrs. jones dr. no st. louis"),
    ("U.S. U.S.A. D.C. S.C.U.B.A. a.m. p.m. e.g. i.e. Ph.D.", "u.s. u.s.a. d.c. s.c.u.b.a. a.m. p.m. e.g. i.e. ph.d."),
    ("etc. Jr. Inc. Co. Jan. vs.", "etc. jr. inc. co. jan. vs."),
    ("no. 5 No. 5 no. fig. 2 fig. x", "no. 5 no. 5 no fig. 2 fig x"),
    ("Miss. miss. Mass. mass. Wash. wash. sun.", "miss. miss mass. mass wash. wash sun"),
    ("Mr.Smith etc.the Jan.5", "mr.smith etc.the jan. 5"),
    ("letter I. The dog", "letter i the dog"),
    ("letter I. A", "letter i a"),
    ("letter I. Another", "letter i. another"),
    ("plan B. It is", "plan b it is"),
    ("vitamin C. they", "vitamin c. they"),
    ("the end. The next", "the end the next"),
    ("end.The end.the", "end.the end.the"),
    ("room., all", "room. all"),
    ("U.S.-based anti-U.S. non-x.", "u.s.-based anti-u.s. non-x"),
    ("a. b. c", "a. b. c"),
    # dots
    ("wait... wait.... wait..", "wait wait wait"),
    ("a . . . b .. c \u2026", "a b c"),
    ("!!! ??? ?! ! ? !!", "!!! ??? ?! !!"),
    ("a, b; c: d,e f;g h:i a:1", "a b c d e f g h i a :1"),
    ("a!b a?b yahoo!x", "a!b a?b yahoo!x"),
    # slashes
    ("and/or he/she w/ w/o a/b/c a/b/c/d 10km/h", "and/or he/she w / w/o a/b/c a/b/c / d 10km/h"),
    ("a / b a\\b //", "a / b a \\ b / /"),
    # signs
    ("AT&T R&B Q&A at&t a&b a & b AT&amp;T", "at&t r&b q&a at & t a & b a & b at&t"),
    ("C++ c# A+B a+b a=b a*b ** *** _ __ a_b ~ ^ | <>", "c++ c# a+b a + b a = b a * b ** *** _ __ a_b ~ ^ | < >"),
    ("5\xb0 \u2122 \xa9 \u2192 \u2605 \u2022", "5 \xb0 \u2122 \xa9 \u2192 \u2605 \u2022"),
    ("&amp; &lt; &gt; &quot; &#39; &mdash; &foo;", "& < > &#39; & foo"),
    # addresses
    ("a@b.com @home @a_b #tag #1 ##x", "a@b.com @home @a_b #tag # 1 ## x"),
    (
        "http://a.bc/d?e=f www.abc.com abc.com/de statefarm.com img.jpg 1.jpg a1.txt",
        "http://a.bc/d?e=f www.abc.com abc.com/de statefarm.com img.jpg 1.jpg a1.txt",
    ),
    # tags
    (
        '<b>bold</b> <br /> <a href="x y">z</a> < b > <3',
        '<b> bold </b> <br\xa0/> <a\xa0href="x\xa0y"> z </a> < b > < 3',
    ),
    # faces
    (":) :-) ;) :( =D :P :D ^_^ -_- :o)", ":-rrb- :--rrb- ;-rrb- :-lrb- =d :p :d ^_^ -_- :o-rrb-"),
    ("8) XD <3 :/ (:", "8 -rrb- xd < 3 / -lrb-"),
    # dropped
    ("a \U0001f600 dog \u2764\ufe0f x\U0001f600y", "a dog \u2764 x y"),
    ("soft\xadhyphen zero\u200bwidth\ufeff", "softhyphen zero width"),
]


@pytest.mark.parametrize(("text", "tokens"), TABLE)
def test_table_of_the_original(text, tokens):
    assert tokenize_caption(text) == (tokens.split(" ") if tokens else [])


def test_punctuation_goes_and_brackets_stay():
    for mark in ".,;:?!-'\"`":
        assert tokenize_caption(f"a dog {mark} runs") == ["a", "dog", "runs"]
    assert tokenize_caption("a (dog)") == ["a", "-lrb-", "dog", "-rrb-"]


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\t", "\x0b", "\x0c", "\u2028", "\u3000", "  "])
def test_all_separators_are_spaces(separator):
    assert tokenize_caption(f"{separator}Two dogs{separator}run{separator}") == ["two", "dogs", "run"]


@settings(max_examples=300, deadline=None)
@given(st.text(st.one_of(st.sampled_from(string.printable), st.characters()), max_size=40))
def test_any_text_has_tokens_without_space_or_punctuation(text):
    tokens = tokenize_caption(text)
    assert tokens == [token for token in tokens if token and not set(token) & set(" \n\t\r")]
    assert not PUNCTUATION & set(tokens)
    assert tokens == tokenize_caption(f" {text}\n")
    if "&" not in text:  # an entity such as &lt; is one sign
        written = "".join(tokens)
        assert set(text) & set(string.ascii_letters + string.digits) <= set(written + written.upper())  # none is lost


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("bcfhk", min_size=2, max_size=6), max_size=12))
def test_plain_words_are_tokens(words):
    assert tokenize_caption(" ".join(words)) == words
    assert tokenize_caption(" , ".join(words).upper() + " .") == words


@pytest.mark.parametrize("text", [None, 3, b"a dog", ["a dog"]])
def test_only_text(text):
    with pytest.raises(TypeError, match=f"`text` must be a str, received {type(text).__name__}"):
        tokenize_caption(text)


@pytest.mark.skipif(
    not (shutil.which("java") and importlib.util.find_spec("pycocoevalcap")), reason="needs Java and pycocoevalcap"
)
def test_the_original_itself():
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    pieces = sorted({piece for text, _ in TABLE for piece in text.split()} - {"<a", 'href="x', 'y">z</a>', "<br", "/>"})
    choose = random.Random(0)
    texts = [" ".join(choose.choices(pieces, k=choose.randint(1, 12))) + " end ." for _ in range(2000)]
    original = PTBTokenizer().tokenize({n: [{"caption": text}] for n, text in enumerate(texts)})
    assert [" ".join(tokenize_caption(text)) for text in texts] == [original[n][0] for n in range(len(texts))]
