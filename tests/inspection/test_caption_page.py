"""`caption_page`: the right captions in the right order, as text, in a file that needs nothing else."""

import numpy as np
import pytest

import keras_seqcv as ks
from tests.inspection.results import HOSTILE, Page, Result, plain


def page_of(tmp_path, scores, count=8, **options):
    """A page of as many captions: "caption 0" and so on, picture i of the colour (10 i, 0, 0)."""
    n = len(scores)
    images = [plain(8, 8, (10 * i, 0, 0)) for i in range(n)]
    results = [Result(f"caption {i}", [], None) for i in range(n)]
    references = [[f"reference {i}a", f"reference {i}b"] for i in range(n)]
    path = ks.inspection.caption_page(images, results, references, scores, tmp_path / "c.html", count=count, **options)
    assert [p.name for p in tmp_path.iterdir()] == ["c.html"]
    return Page(path.read_text(encoding="utf-8"))


def test_best_median_and_worst(tmp_path):
    """Eleven scores, shuffled: order 5 3 9 0 | 8 1 4 ... by hand."""
    scores = [0.7, 0.5, 0.0, 0.9, 0.4, 1.0, 0.1, 0.2, 0.6, 0.8, 0.3]  # from the best: 5 3 9 0 8 1 4 10 7 6 2
    page = page_of(tmp_path, scores, count=2)
    assert page.texts("strong") == [f"caption {i}" for i in (5, 3, 8, 1, 6, 2)]
    assert [heading.split()[0] for heading in page.texts("h2")] == ["Best", "Around", "Worst,"]
    assert page.texts("li") == [f"reference {i}{x}" for i in (5, 3, 8, 1, 6, 2) for x in "ab"]
    assert page.texts("p", **{"class": "number"})[0] == "CIDEr-D 1.000, picture 5"
    assert [round(picture[4, 4, 0] / 10) for picture in page.pictures()] == [5, 3, 8, 1, 6, 2]
    assert page.texts("p", **{"class": "hint"}) == ["11 captions, mean CIDEr-D 0.500"]


def test_few_captions_are_shown_once_each(tmp_path):
    page = page_of(tmp_path, [0.1, 0.3, 0.2, 0.3], count=2, metric="BLEU-4")
    assert page.texts("strong") == [f"caption {i}" for i in (1, 3, 2, 0)]  # equal ones in their order
    assert len(page.texts("h2")) == 1 and page.texts("p", **{"class": "number"})[3] == "BLEU-4 0.100, picture 0"


def test_no_caption_twice_where_there_are_enough(tmp_path):
    for n in (7, 8, 24, 25):
        count = (n - 1) // 3
        texts = page_of(tmp_path, np.arange(n, dtype="float32"), count=count).texts("strong")
        assert len(texts) == len(set(texts)) == 3 * count


def test_only_the_pictures_that_are_shown_are_read(tmp_path):
    class Pictures(list):
        def __getitem__(self, i):
            read.append(i)
            return super().__getitem__(i)

    read = []
    n = 10
    results, references = [Result("a", [], None)] * n, [["a"]] * n
    ks.inspection.caption_page(Pictures([plain()] * n), results, references, range(n), tmp_path / "c.html", count=1)
    assert sorted(read) == [0, 5, 9]  # (10 - 1) // 2 = 4 from the best, 9


def test_text_stays_text_and_nothing_is_loaded(tmp_path):
    arguments = [plain()], [Result(HOSTILE, [], None)], [[HOSTILE]], [0.5]
    path = ks.inspection.caption_page(*arguments, tmp_path / "c.html", metric=HOSTILE)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.texts("strong") == page.texts("li") == [HOSTILE]
    assert page.texts("h1") == [f"Captions by {HOSTILE}"] and page.all("script") == []
    assert "script-src" not in page.assert_needs_nothing_else()


def test_scores_of_the_metrics_and_captions_of_a_model_fit(tmp_path):
    """With what `caption_scores` gives: the caption that is its reference is the best."""
    texts = ["a red square at the top", "a red circle in the middle of it", "there is nothing"]
    references = [["a blue ring is on the left"], ["a red circle in the middle of it"], ["a red square at the top"]]
    _, each = ks.metrics.caption_scores(texts, references, per_caption=True)
    results = [ks.models.Caption(text, text.split(), -1.0, -1.0, [], None) for text in texts]
    path = ks.inspection.caption_page([plain()] * 3, results, references, each["CIDEr-D"], tmp_path / "c.html")
    assert Page(path.read_text(encoding="utf-8")).texts("strong")[0] == texts[1]


ONE = {"images": [plain()], "results": [Result("a", [], None)], "references": [["a"]], "scores": [0.5]}


@pytest.mark.parametrize(
    ("error", "message", "change"),
    [
        (ValueError, r"must have the same length, received \[1, 1, 1, 2\]", {"scores": [0.5, 0.5]}),
        (ValueError, "at least one picture", {name: [] for name in ONE}),
        (TypeError, "`scores` must be a list", {"scores": {"CIDEr-D": 1.0}}),
        (ValueError, "`scores` must be 1 finite numbers", {"scores": [float("nan")]}),
        (ValueError, "`scores` must be 1 finite numbers", {"scores": ["good"]}),
        (TypeError, "`count` must be an int", {"count": 1.5}),
        (TypeError, "`count` must be an int", {"count": True}),
        (ValueError, "`count` must be at least 1, received 0", {"count": 0}),
        (TypeError, "`metric` must be a str", {"metric": 4}),
        (TypeError, r"`results\[0\]` .* received str without text", {"results": ["a dog"]}),
        (TypeError, r"`references\[0\]` must be a list of captions", {"references": ["a dog"]}),
        (TypeError, r"`references\[0\]` must be a list of captions", {"references": [None]}),
        (TypeError, r"`references\[0\]` must be a list of captions", {"references": [[1]]}),
        (TypeError, r"`images\[0\]`.* uint8", {"images": np.zeros((1, 8, 8, 3))}),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, error, message, change):
    with pytest.raises(error, match=message):
        ks.inspection.caption_page(**{**ONE, "path": tmp_path / "new" / "c.html", **change})
    assert list(tmp_path.iterdir()) == []
