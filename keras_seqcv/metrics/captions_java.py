"""METEOR and SPICE, which are Java programs: through pycocoevalcap, where it and Java are there."""

import importlib
import shutil
import subprocess
import threading

import numpy as np

from keras_seqcv.metrics.caption_input import corpus_tokens

# Both talk to files and pipes in the folder of their package.
_LOCK = threading.Lock()


def meteor(candidates, references, per_caption: bool = False):
    """METEOR: words of candidate and reference aligned by form, stem, synonym and paraphrase; needs Java.

        METEOR = F (1 - q),   F = P R / (a P + (1 - a) R)

    where P and R are the weighted precision and recall of the aligned words, a their balance, and q a penalty for
    alignments that consist of many pieces. The values are those of Meteor 1.5 with its settings for English. The value
    of a corpus is computed from its sums; it is not the mean over captions.

    Args:
        candidates: list of N captions (str), one for each picture. An empty one scores 0.
        references: list of N lists of captions (str): what people wrote about each picture.
        per_caption: also return the value of each caption.

    Returns:
        float from 0 to 1. With `per_caption`: it and an array (N,).

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, a picture without references, no pictures.
        ImportError: pycocoevalcap is not installed.
        RuntimeError: there is no Java, or the program fails.

    Example:
        >>> from keras_seqcv.metrics import meteor
        >>> round(meteor(["A dog runs."], [["A dog is running.", "The dog"]]), 3)  # doctest: +SKIP
        0.312

    Reference:
        Denkowski and Lavie 2014, Meteor Universal: Language Specific Translation Evaluation for Any Target Language.
    """
    corpus, each = meteor_of_tokens(*corpus_tokens(candidates, references))
    return (corpus, each) if per_caption else corpus


def spice(candidates, references, per_caption: bool = False):
    """SPICE: objects, attributes and relations that candidate and references have in common; needs Java.

        SPICE = 2 P R / (P + R)

    where P is the fraction of the candidate's tuples (of one object, of object and attribute, or of two objects and
    their relation) that the references have, and R the fraction of theirs that it has. At its first use pycocoevalcap
    downloads a parser (Stanford CoreNLP 3.6.0). SPICE 1.0 was made for Java 8; on a later Java it may fail.

    Args:
        candidates: list of N captions (str), one for each picture.
        references: list of N lists of captions (str): what people wrote about each picture.
        per_caption: also return the value of each caption, NaN where it has none.

    Returns:
        float from 0 to 1, the mean over captions. With `per_caption`: it and an array (N,).

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: different lengths, a picture without references, no pictures.
        ImportError: pycocoevalcap is not installed.
        RuntimeError: there is no Java, the parser could not be downloaded, or the program fails.

    Example:
        >>> from keras_seqcv.metrics import spice
        >>> spice(["A dog runs."], [["A dog is running.", "The dog"]])  # doctest: +SKIP

    Reference:
        Anderson et al. 2016, SPICE: Semantic Propositional Image Caption Evaluation, arXiv:1607.08822.
    """
    corpus, each = spice_of_tokens(*corpus_tokens(candidates, references))
    return (corpus, each) if per_caption else corpus


def meteor_of_tokens(candidates, references) -> tuple[float, np.ndarray]:
    """Returns METEOR of the corpus and of each caption, float and (N,), from tokens."""
    module = _java_metric("meteor", "pycocoevalcap.meteor.meteor")
    with _LOCK:
        scorer = module.Meteor()
        try:
            corpus, each = scorer.compute_score(*_by_number(candidates, references))
        except (OSError, ValueError) as error:  # a closed pipe, or a line that is no number
            # After an error its lock stays taken, and its destructor would wait for it for ever.
            scorer.lock.release()
            raise RuntimeError(f"meteor: the Java program ended or answered without a number ({error})") from error
    return float(corpus), np.array(each, "float64")


def spice_of_tokens(candidates, references) -> tuple[float, np.ndarray]:
    """Returns SPICE of the corpus and of each caption, float and (N,), from tokens."""
    module = _java_metric("spice", "pycocoevalcap.spice.spice")
    with _LOCK:
        try:
            scorer = module.Spice()
        except OSError as error:
            raise RuntimeError(
                f"spice: its parser, Stanford CoreNLP 3.6.0, could not be downloaded ({error})"
            ) from error
        try:
            corpus, each = scorer.compute_score(*_by_number(candidates, references))
        except (OSError, subprocess.CalledProcessError) as error:
            raise RuntimeError(f"spice: the Java program failed; SPICE 1.0 was made for Java 8 ({error})") from error
    return float(corpus), np.array([scores["All"]["f"] for scores in each], "float64")


def _java_metric(name: str, module: str):
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f'{name} needs Java and pycocoevalcap: pip install "keras_seqcv[captions]"') from error
    if shutil.which("java") is None:
        raise RuntimeError(f"{name} needs Java: no program `java` on the path")
    return found


def _by_number(candidates, references) -> tuple[dict, dict]:
    """Returns references and candidates as pycocoevalcap takes them: dicts from a number to captions."""
    captions = {index: [" ".join(tokens) for tokens in item] for index, item in enumerate(references)}
    return captions, {index: [" ".join(tokens)] for index, tokens in enumerate(candidates)}
