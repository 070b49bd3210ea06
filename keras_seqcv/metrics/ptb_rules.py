"""The rules of `ptb_tokenizer`: what is one token, and how it is written.

At each place the longest match wins, and the first of equally long ones. Group 1 of a pattern is the token; what the
pattern reads after it counts for the length and is left for the next token. The rules were found by asking the
original, as a black box, about words and marks in all combinations; nothing of its source is in them.
"""

import re

# `\w` without the underscore, and accents that are characters of their own. The fractions and superscripts that `\w`
# has too are set apart before the rules see them.
_W = r"(?:[^\W_]|[\u0300-\u036f])"
_L = r"(?:[^\W\d_]|[\u0300-\u036f])"
_ASCII = "[A-Za-z0-9]"
_APOSTROPHE = "['\u2019\x92]"
_INNER = "['`\u2018\u2019\x91\x92]"  # inside a word
_ENDING = "(?:[msdMSD]|[rR][eE]|[vV][eE]|[lL][lL])"
_CLITIC = _APOSTROPHE + _ENDING  # 's
_NOT = rf"[nN]{_INNER}[tT]"  # n't
_HYPHEN = "[-\u058a\u2010\u2011]"
_NAME = rf"(?:[dloDLO]{_INNER}{_W}{{2,}}|{_W}+)"  # O'Brien, d'art, dog
_COMPOUND = rf"{_NAME}(?:(?:_|{_HYPHEN}){_NAME})*"
_DOTTED = rf"{_L}{_W}*(?:[.!?]{_L}{_W}*)"
_PARTS = rf"{_ASCII}+(?:-[A-Za-z]+){{0,2}}"
_NUMBER = r"(?:\d*(?:[.,:\u066b\u066c]\d+)+|\d+)"
_TAG = "[A-Za-z][A-Za-z0-9:._-]*"
_URL = r"[^\s<>\"()|{}]"
_URL_END = r"[^\s<>\"()|{}.,!?-]"
_MAIL = r"[^\s<>\"()|{}.]"

# Abbreviations that keep their dot: those before a name, those that may end a sentence, those before a number.
_TITLES = """adj adm adv alex assoc asst atty attys ave brig capt cf cie cmdr col cpl dept det dr drs elec ens ft gen
gov govs hon insp invt jos lieut lt maj messrs mfg mlle mme mr mrs ms msgr mt mtg natl pfc ph pres prof profs pvt rep
reps rev sen sens sfc sgt spc st ste supt treas vs wm"""
_SHORTENED = """al ala apr ariz assn aug bhd bldg blvd bros calif co colo conn corp cos ct dak dec esq est etc ext feb
fla fri ga inc ind intl jan jr jul jun kan kans ky ltd mar md mich minn mo mon mont neb nev nov oct okla penn plc ppte
ppty pte ptes pty ptys rd rt sep sept seq sq sr sys tel tenn thu thurs tue tues univ va vt wed wis wisc wyo ph\\.d
ed\\.d"""
_CAPITALISED = "ark az del ill la mass miss ore pa tex wash"  # ordinary words without a capital
_NUMBERED = "art ca fig figs no nos op pp prop"
# Words that begin a sentence: a dot between a single letter and one of them is not the letter's.
_STARTS = """A About According Additionally After An As At But Earlier He Her Here However If In It Last Many More Now
Once One Other Our She Since So Some Such That The Their Then There These They This We What When While Yet You"""
_FILES = """bat bmp c cgi cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php pl png ppt ps py
sql tar txt wav x xml zip"""

_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": "''", "apos": "'", "nbsp": "", "mdash": "--", "ndash": "--"}
SYMBOLS = {
    **{"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"},
    **{"\u00a2": "cents", "\u00a3": "#", "\x80": "$", "\u00a4": "$", "\u20a0": "$", "\u20ac": "$", "\u00ad": "-"},
    **{"\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3"},
    **dict.fromkeys("\x91\u2018\u201b\u2039", "`"),
    **dict.fromkeys("\x92\u2019\u203a", "'"),
    **dict.fromkeys("\x93\u201c\u00ab", "``"),
    **dict.fromkeys('\x94\u201d\u00bb"', "''"),
    **dict.fromkeys("\x96\x97\u2013\u2014\u2015", "--"),
    **dict.fromkeys(("---", "----"), "--"),
    **dict.fromkeys("\x85\u2026", "..."),
}


def _any(words: str) -> str:
    return "|".join(words.split())


def _symbol(token: str) -> str:
    return SYMBOLS.get(token, token)


def _each_symbol(token: str) -> str:
    return "".join(map(_symbol, token))


def _straight(token: str) -> str:
    return token.translate({0x2018: "`", 0x91: "`", 0x2019: "'", 0x92: "'"})


def _entity(token: str) -> str:
    return _ENTITIES.get(token[1:-1].lower(), token)


def _round_brackets(token: str) -> str:
    return token.replace("(", "-lrb-").replace(")", "-rrb-")


def _unbroken(token: str) -> str:
    """Writes the spaces inside a token as the original does: as spaces that do not break."""
    return _round_brackets(token).replace(" ", "\u00a0")


# Each rule: pattern, how its token is written.
_WORDS = [
    (r"([cC][aA][nN])(?i:not)", _symbol),
    (r"((?i:gon|wan))(?i:na)", _symbol),
    (r"((?i:got))(?i:ta)", _symbol),
    (r"((?i:gim|lem))(?i:me)", _symbol),
    (rf"([A-Za-z]*[A-MO-Za-mo-z]){_NOT}", _symbol),
    (rf"({_COMPOUND}){_CLITIC}", _symbol),
    (rf"({_COMPOUND})", _symbol),
    (rf"((?:[A-HJ-XZ]|n){_INNER}{_L}{{2,}})", _symbol),  # T'ien
    (rf"((?:{_COMPOUND}|{_DOTTED}+|[A-HJ-XZn]{_INNER}{_L}{{2,}})\.)[,;:]", _symbol),
    (rf"({_PARTS}(?:/{_PARTS}){{1,2}})", _symbol),  # and/or
    (rf"({_DOTTED}+)", _symbol),  # one.two
    (rf"({_ASCII}[A-Za-z0-9.,]*(?:-{_ASCII}+)+)", _symbol),  # 2.5-inch
    (rf"((?:{_W}+{_HYPHEN})*[A-Za-z](?:\.[A-Za-z])+\.(?:{_HYPHEN}{_W}+)*)", _symbol),  # U.S.
    (r"([A-Za-z]\.)", _symbol),
    (rf"([A-Za-z])\. +(?:(?:{_any(_STARTS)}|{_any(_STARTS.upper())})[ ]|M[rRsS]\.)", _symbol),
    (rf"((?i:{_any(_TITLES)})\.)", _symbol),
    (rf"((?:(?i:{_any(_SHORTENED)})|{_any(_CAPITALISED.title())}|{_any(_CAPITALISED.upper())})\.).?.?", _symbol),
    (rf"((?i:{_any(_NUMBERED)})\.) ?\d", _symbol),
    (rf"({_NOT})", _straight),
    (r"([A-Z]+(?:(?:[&+]|&amp;)[A-Z]+)+)", lambda token: token.replace("&amp;", "&")),
    (r"([cC]\+\+|[cCfF]#|[A-Z]+\$)", _symbol),
    (r"((?i:anti|pro)-)", _symbol),
    (rf"({_L}+[aeiouyAEIOUY]{_INNER}[aeiouA-Z]{_L}*)", _symbol),  # ma'am
    (rf"((?i:c'mon|e'er|li'l|ev'ry|s'mores|nat'l|o'o|cap{_APOSTROPHE}n|c{_APOSTROPHE}est))", _symbol),
    (rf"((?i:ol|[jdl]){_APOSTROPHE})", _symbol),
    (rf"([yY]{_APOSTROPHE}){_L}", _symbol),
]
_NUMBERS = [
    (rf"([-+]?{_NUMBER})", _symbol),
    (r"(\d{1,2}(?:-|\\?/)\d{1,2}(?:-|\\?/)\d{2,4})", _symbol),
    (r"((?:\d{1,4}[- ])?\d{1,4}(?:\\?/|\u2044)\d{1,4})", _unbroken),  # 2 1/2
    (r"((?:\(\d{2,3}\)[ -]?|(?:\+\+?)?(?:\d{2,4}[- ])?\d{2,4}[- ])\d{3,4}[- ]?\d{3,5})", _unbroken),  # telephones
]
_LINKS = [
    (rf"((?i:https?)://{_URL}+{_URL_END})", _symbol),
    (rf"((?i:www)\.(?:[^\s<>\"()|{{}}.,!?]+\.)+[A-Za-z]{{2,4}}(?:/[^\s<>\"()|]+{_URL_END})?)", _symbol),
    (rf"((?:[^\s!\"$'(),-`{{|}}]+\.)+(?i:com|net|org|edu)(?:/[^\s<>\"()|]+{_URL_END})?)", _symbol),
    (rf"((?:{_W}+\.)+(?i:{_any(_FILES)}))(?!{_W})", _symbol),
    (rf"(<?{_ASCII}[^\s<>\"()|]*@{_MAIL}+(?:\.{_MAIL}+)*>?)", _symbol),
]
_MARKS = [
    (rf"({_CLITIC})[^A-Za-z]", _straight),
    (rf"([\u2019\x92]{_ENDING})", _straight),
    (r"('[tT])(?i:is|was)", _symbol),
    (rf"({_APOSTROPHE}(?:[nN]{_APOSTROPHE}|(?i:em|till?|cause)|[nN](?= )))", _symbol),
    (rf"({_APOSTROPHE}(?:\d\d(?= )|[2-9]0s))", _symbol),  # '90s
    (rf"(<[!?]?{_TAG}(?: +{_TAG}(?: *= *(?:\"[^\"]*\"|'[^']*'))?)* *[/?]?>|</{_TAG} *>|<!--[^>]*>)", _unbroken),
    (r"(&(?i:quot|apos|lt|gt|amp|nbsp|[mn]dash|[a-z]acute|#\d+);)", _entity),
    (rf"(@[A-Za-z_][A-Za-z0-9_]*|#{_L}+)", _symbol),
    (r"([<>]?[:;=]['o*-]?[()DOPdp@|\\{\[\]])[^A-Za-z0-9]", _round_brackets),  # :-)
    (r"([-'<>=^~]_[-'<>=^~])", _symbol),  # ^_^
    (r"(\.{3,5}|\. \. \.(?: \.){0,2})", lambda token: "..."),
    ("([`\x91-\x94\u2018-\u201e\u2039\u203a\u00ab\u00bb]{2})", _each_symbol),
    (r"([!?]+|\*+|_+|#+|@+|-+|<<|>>|'')", _symbol),
]
_REST = [(r"(\S)", _symbol)]


def _compiled(rules: list) -> list:
    return [(re.compile(pattern), write) for pattern, write in rules]


LETTER_RULES = _compiled([*_WORDS, *_LINKS, *_REST])
DIGIT_RULES = _compiled([*_WORDS, *_NUMBERS, *_LINKS, *_REST])
MARK_RULES = _compiled([*_MARKS, *_NUMBERS, *_LINKS, *_REST])
