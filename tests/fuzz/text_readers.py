"""Readers of texts, tables and JSON."""

import functools

import keras_seqcv as ks
from keras_seqcv.data.picture_splits import split_pictures
from tests.fuzz import seeds
from tests.fuzz.formats import changed_gzip, changed_json, changed_text
from tests.fuzz.reader import Reader, one, several

_QUESTIONS = {"questions": [{"question_id": k, "image_id": k // 2, "question": f"is it {k}?"} for k in range(4)]}
_ANSWERS = {"annotations": [{"question_id": k, "answers": [{"answer": "yes"}, {"answer": "no"}]} for k in range(4)]}
_COCO = {
    "images": [{"id": k, "file_name": f"{k}.jpg"} for k in range(3)],
    "annotations": [{"id": 10 + k, "image_id": k % 3, "caption": f"a dog of {k} years"} for k in range(5)],
}
_FLICKR = b"a.jpg#0\ta dog\na.jpg#1\ta cat\nb.jpg#0\tit\n"
_COMMAS = b'image,caption\na.jpg,a dog\nb.jpg,"a, cat"\n'
_BARS = b'image_name| comment_number| comment\na.jpg| 0| a "dog"\n'
_ASKED = b"image,question,answer\na.jpg,what is it?,a dog\na.jpg,is it red?,no\n"
_LABELLED = b'text,label\nhow good,positive\n"how, bad",negative\nso so,middling\n'
_TAGGED = b"a\tO\nstar\tTHING\n\nit\tO\n"


def _read_questions(path) -> None:
    ks.data.read_questions(path, path.with_name("answers.json"), "{}.jpg")


def _read_pairs(path) -> None:
    ks.data.read_translations(path, path.with_name("case.en"))


def _read_split(path) -> None:
    split_pictures([f"{k}.jpg" for k in range(5)], path, None, 0.5, 0)


def _clips() -> list:
    files = {f"here/{label}/{k}.gif": seeds.animation("GIF") for label in "ab" for k in range(2)}
    table = b"path\tlabel\nhere/a/0.gif\ta\nhere/b/1.gif\tb\n"
    segments = b"path\tstart\tend\tlabel\nhere/a/0.gif\t0\t2\tx\nhere/a/0.gif\t2\t3\ty\n"
    return [({**files, "case.tsv": lines}, "case.tsv") for lines in (table, segments)]


def _read_clips(path) -> None:
    found = ks.data.read_labelled_videos(path)
    if found.per_step:
        for number in range(len(found)):
            found.frame_labels(number, 3)


_pairs = functools.partial(several, "case.de", case_en=b"a dog\ntwo\n")
READERS = [
    Reader("Characters of a text", one("case.txt", b"to be\nor not\n"), ks.data.Characters, changed_text),
    Reader("Words of a text", one("case.txt", b"to be\nor not\n"), ks.data.Words, changed_text),
    Reader("load_text", one("case.txt", "süß\nor not\n".encode()), ks.data.load_text, changed_text),
    Reader("captions, COCO", one("case.json", seeds.as_json(_COCO)), ks.data.read_captions, changed_json),
    Reader("captions, Flickr", one("case.txt", _FLICKR), ks.data.read_captions, changed_text),
    Reader("captions, table", one("case.csv", _COMMAS, _BARS), ks.data.read_captions, changed_text),
    Reader(
        "questions, VQA",
        several("case.json", case_json=seeds.as_json(_QUESTIONS), answers_json=seeds.as_json(_ANSWERS)),
        _read_questions,
        changed_json,
    ),
    Reader("questions, table", one("case.csv", _ASKED), ks.data.read_questions, changed_text),
    Reader("translations", _pairs(case_de=b"ein Hund\nzwei\n"), _read_pairs, changed_text),
    Reader(
        "translations, gzip",
        several("case.de.gz", case_de_gz=seeds.compressed(b"ein Hund\nzwei\n"), case_en=b"a dog\ntwo\n"),
        _read_pairs,
        changed_gzip,
    ),
    Reader("labelled texts, CSV", one("case.csv", _LABELLED), ks.data.read_labelled_texts, changed_text),
    Reader("labelled texts, TSV", one("case.tsv", b"good\tyes\nbad\tno\n"), ks.data.read_labelled_texts, changed_text),
    Reader("tagged texts", one("case.conll", _TAGGED), ks.data.read_tagged_texts, changed_text),
    Reader("labelled videos, table", _clips, _read_clips, changed_text),
    Reader("picture split", one("case.txt", b"0.jpg\n1.jpg\n3.jpg\n"), _read_split, changed_text),
]
