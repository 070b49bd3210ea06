"""What a text that goes on behind a prompt looks like: spaces between words, and where it stops."""

from collections.abc import Sequence


def continuation(vocabulary, prompt: str, last_id: int, ids) -> str:
    """The text of `ids`, written as it follows a prompt.

    Args:
        vocabulary: has `decode` and `unit`; the text of more tokens begins with the text of fewer.
        prompt: what comes before.
        last_id: the last token of the prompt; on it depends whether a space comes between two words.
        ids: ints, the tokens behind it.

    Returns:
        What is to be joined to the prompt.

    Example:
        >>> from keras_seqcv.continuation import continuation
        >>> words = ks.data.Words("to be, or not")
        >>> be, comma, to, nothing = (int(words.encode(w)[0]) for w in ("be", ",", "to", "not"))
        >>> continuation(words, "to", to, [be, comma, nothing]), continuation(words, "to ", to, [be, comma, nothing])
        (' be, not', 'be, not')
    """
    text = vocabulary.decode([last_id, *(int(i) for i in ids)])[len(vocabulary.decode([last_id])) :]
    spaced = vocabulary.unit == "word" and prompt.endswith(" ")
    return text.removeprefix(" ") if spaced else text


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before the stop string that is complete first; of several that end together, the longest.

    Example:
        >>> from keras_seqcv.continuation import cut
        >>> cut("one. two; three", [";", ". "]), cut("one", ["."])
        ('one', 'one')
    """
    found = [(text.index(s) + len(s), text.index(s)) for s in stops if s in text]
    return text[: min(found)[1]] if found else text


def checked_stops(stop) -> list[str]:
    """The stop strings as a list.

    Raises:
        ValueError: if `stop` is not None, a str or strings of at least one character.
    """
    stops = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(stops, (list, tuple, set, frozenset)) or not all(isinstance(s, str) and s for s in stops):
        raise ValueError(f"stop: expected strings of at least one character, received {stop!r}")
    return list(stops)
