"""BLEU and chrF of translations, by sacrebleu: the values that papers report, with the signature that says how."""

from keras_seqcv.metrics.caption_input import checked_list

MEASURES = ("bleu", "chrf")


def translation_scores(translations, references, lowercase: bool = False) -> dict:
    """Corpus BLEU and chrF of translations, as sacrebleu computes them.

        BLEU = 100 min(1, exp(1 - r/c)) (p_1 p_2 p_3 p_4)^(1/4)

    where p_n is the fraction of the translations' n-grams that are found in their reference, c the number of words of
    all translations, and r that of all references. Texts are cut into words by sacrebleu ("13a"): give them as they
    are.

    Args:
        translations: list of N str. references: list of N str, what people wrote; or of N lists of as many str.
        lowercase: whether capitals do not count.

    Returns:
        dict: "bleu" and "chrf", from 0 to 100, and "signature", str, how BLEU was computed.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, no texts, a text with more references than another.
        ImportError: sacrebleu is not installed.

    Example:
        >>> scores = ks.metrics.translation_scores(["a dog runs on the grass"], ["a dog runs on grass"])
        >>> round(scores["bleu"], 2)
        53.73

    Reference:
        Post: A Call for Clarity in Reporting BLEU Scores. arXiv 1804.08771, 2018. Popović: chrF. WMT 2015.
    """
    texts, sides = checked_texts(translations, references)
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError as error:
        raise ImportError('translation_scores needs sacrebleu: pip install "keras_seqcv[metrics]"') from error
    bleu, chrf = BLEU(lowercase=lowercase), CHRF(lowercase=lowercase)
    found = {"bleu": bleu.corpus_score(texts, sides).score, "chrf": chrf.corpus_score(texts, sides).score}
    return {**found, "signature": str(bleu.get_signature())}


def checked_texts(translations, references) -> tuple[list[str], list[list[str]]]:
    """Translations, and references as sacrebleu takes them: a list of the first of each text, of the second ..."""
    texts = [
        _text(text, f"translations[{k}]") for k, text in enumerate(checked_list(translations, "translations", "str"))
    ]
    rows = checked_references(references)
    if len(texts) != len(rows):
        raise ValueError(f"`translations` and `references` must have one length, received {len(texts)} and {len(rows)}")
    return texts, [list(side) for side in zip(*rows, strict=True)]


def checked_references(references) -> list[list[str]]:
    """For each text the list of its references, as many of each."""
    rows = []
    for k, given in enumerate(checked_list(references, "references", "str")):
        given = [given] if isinstance(given, str) else checked_list(given, f"references[{k}]", "str")
        rows.append([_text(text, f"references[{k}]") for text in given])
    if not rows:
        raise ValueError("`references` must hold at least one text, received none")
    for k, row in enumerate(rows):
        if not row or len(row) != len(rows[0]):
            raise ValueError(
                f"`references[{k}]` must hold {max(1, len(rows[0]))} texts as the first, received {len(row)}"
            )
    return rows


def _text(text, where: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"`{where}` must be a str, received {type(text).__name__}")
    return text
