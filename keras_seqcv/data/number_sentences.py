"""Sentences about numbers of things, in English and in German: a drawn corpus, as large as one likes.

The two languages order the same words in different ways. German says units before tens ("ein und zwanzig", written
apart here), and puts the participle at the end and the time behind the first verb: "she has sold two hundred and forty
one old books today" is "sie hat heute zwei hundert ein und vierzig alte Bücher verkauft".
"""

import numpy as np

from keras_seqcv.data.parallel_texts import TextPairs

_SUBJECTS = {
    "i have": "ich habe",
    "she has": "sie hat",
    "he has": "er hat",
    "we have": "wir haben",
    "you have": "ihr habt",
}
_VERBS = {
    "bought": "gekauft",
    "sold": "verkauft",
    "seen": "gesehen",
    "counted": "gezählt",
    "found": "gefunden",
    "painted": "gemalt",
    "lost": "verloren",
    "brought": "gebracht",
}
_ADJECTIVES = {
    "red": "rote",
    "small": "kleine",
    "large": "große",
    "old": "alte",
    "new": "neue",
    "green": "grüne",
    "heavy": "schwere",
    "beautiful": "schöne",
}
_NOUNS = {
    "apples": "Äpfel",
    "houses": "Häuser",
    "books": "Bücher",
    "birds": "Vögel",
    "trees": "Bäume",
    "chairs": "Stühle",
    "letters": "Briefe",
    "bottles": "Flaschen",
    "pictures": "Bilder",
    "stones": "Steine",
    "flowers": "Blumen",
    "boats": "Boote",
}
_TIMES = {"today": "heute", "again": "wieder", "already": "schon", "this week": "diese Woche"}
_ENGLISH_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_GERMAN_ONES = (
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn"
).split()
_GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_MOST = 999_999


def number_sentences(count: int, seed: int = 0) -> TextPairs:
    """Draws English sentences and their German translations; numbers go from 2 to 999,999.

    Args:
        count: how many pairs, at least 1. No pair comes twice.
        seed: int >= 0; the same seed gives the same pairs, and the first of many are those of few.

    Returns:
        A `TextPairs`.

    Raises:
        TypeError, ValueError: for another count or seed.

    Example:
        >>> pairs = ks.data.number_sentences(3, seed=2)
        >>> pairs.sources[2], pairs.targets[2]
        ('we have seen seventy eight chairs today', 'wir haben heute acht und siebzig Stühle gesehen')
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"`{name}` must be an int, received {type(value).__name__}")
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}, received {value}")
    rng, pairs = np.random.default_rng([seed, 2024]), {}
    while len(pairs) < count:
        source, target = _sentence(rng)
        pairs.setdefault(source, target)
    return TextPairs(list(pairs), list(pairs.values()))


def _sentence(rng: np.random.Generator) -> tuple[str, str]:
    subject, verb, adjective, noun, time = (
        list(words.items())[rng.integers(len(words))] for words in (_SUBJECTS, _VERBS, _ADJECTIVES, _NOUNS, _TIMES)
    )
    digits = rng.integers(1, 7)  # as many numbers of one digit as of six
    number = int(rng.integers(max(2, 10 ** (digits - 1)), 10**digits))
    adjective = adjective if rng.random() < 0.7 else ("", "")
    time = time if rng.random() < 0.5 else ("", "")
    english = subject[0], verb[0], english_number(number), adjective[0], noun[0], time[0]
    german = subject[1], time[1], german_number(number), adjective[1], noun[1], verb[1]
    return " ".join(filter(None, english)), " ".join(filter(None, german))


def english_number(number: int) -> str:
    """A number from 0 to 999,999 in English words.

    Example:
        >>> from keras_seqcv.data.number_sentences import english_number
        >>> english_number(120_041)
        'one hundred and twenty thousand and forty one'
    """
    _check_number(number)
    thousands, rest = divmod(number, 1000)
    if not thousands:
        return _english_below_1000(rest)
    words = f"{_english_below_1000(thousands)} thousand"
    if not rest:
        return words
    return f"{words}{' and' if rest < 100 else ''} {_english_below_1000(rest)}"


def _english_below_1000(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [] if not hundreds else [_ENGLISH_ONES[hundreds], "hundred"] + (["and"] if rest else [])
    if rest >= 20:
        words += [_ENGLISH_TENS[rest // 10 - 2]] + ([_ENGLISH_ONES[rest % 10]] if rest % 10 else [])
    elif rest or not hundreds:
        words.append(_ENGLISH_ONES[rest])
    return " ".join(words)


def german_number(number: int) -> str:
    """A number from 0 to 999,999 in German words, which are written apart.

    Example:
        >>> from keras_seqcv.data.number_sentences import german_number
        >>> german_number(120_041)
        'ein hundert zwanzig tausend ein und vierzig'
    """
    _check_number(number)
    thousands, rest = divmod(number, 1000)
    words = [*_german_below_1000(thousands), "tausend"] if thousands else []
    if rest or not thousands:
        words += _german_below_1000(rest)
    return " ".join([*words[:-1], "eins"] if words[-1] == "ein" else words)


def _german_below_1000(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = [_GERMAN_ONES[hundreds], "hundert"] if hundreds else []
    if rest >= 20:
        tens = _GERMAN_TENS[rest // 10 - 2]
        words += [_GERMAN_ONES[rest % 10], "und", tens] if rest % 10 else [tens]
    elif rest or not hundreds:
        words.append(_GERMAN_ONES[rest])
    return words


def _check_number(number: int) -> None:
    if not 0 <= number <= _MOST:
        raise ValueError(f"number: expected 0 to {_MOST:,}, received {number!r}")
