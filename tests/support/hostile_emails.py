"""E-mail addresses that somebody might register to be taken for somebody else, in pairs; a seed gives them again."""

# ruff: noqa: RUF001 -- letters that look like others are what this is about

import random
import unicodedata
from collections.abc import Callable, Iterator

LOCALS = ("uploader", "neighbour", "stranger", "curator", "anna.lab", "o'brien", "müller", "straße", "ﬁsher", "İlker")
DOMAINS = ("example.org", "lab.example.org", "example.org.example.org", "xn--exmple-cua.example.org", "exämple.org")
LOOKALIKES = {
    "a": "аɑａ", "c": "сϲ", "e": "еｅé", "i": "іıìİ", "l": "1Il|ⅼ", "n": "ոñ", "o": "оο0ｏ", "p": "рρ", "r": "гⲅ",
    "s": "ѕſ", "u": "υսü", "h": "һ", "g": "ɡ", "m": "ｍ", "x": "хⅹ", ".": "。․‥", "@": "＠﹫", "-": "‐–—_",
}  # fmt: skip
SPICE = (
    "*", "?", "$", "${aws:username}", "${aws:userid}", "${*}", "${$}", "${s3:prefix}", "/", "//", "/../", "..", ".",
    "\\", "'", '"', "`", "%2f", "%2F", "%00", "+", " ", "\t", "\n", "\u200b", "\u202e", "\ufeff", "_", "__", "_2f",
    "_40", "#", "&", "=", ";", ":", "<", ">", "{", "}", "[", "]", "!", "~", "^", ",", "\u0301", "\u0345", "😀", "ß",
)  # fmt: skip


def same_person(one: str, other: str) -> bool:
    """Tell whether two addresses are one apart from case and NFC, by Python's own words for both."""
    return _plain(one) == _plain(other)


def _plain(address: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower())


def pairs(count: int, seed: int = 5) -> Iterator[tuple[str, str]]:
    """Give pairs of an address and what an attacker makes of it, one, two or three tricks away."""
    draw = random.Random(seed)
    for _ in range(count):
        one = _address(draw)
        other = one
        for _ in range(draw.randint(1, 3)):
            other = draw.choice(TRICKS)(other, draw)[:320] or "x"
        yield (one, other) if draw.random() < 0.5 else (other, one)


def _address(draw: random.Random) -> str:
    local = draw.choice(LOCALS)
    kind = draw.random()
    if kind < 0.3:
        local = _spiced(local, draw)
    elif kind < 0.5:
        local = (local + "".join(draw.choices("abcxyz.-_é*", k=draw.randint(100, 300))))[:300]
    return f"{local}@{draw.choice(DOMAINS)}"[:320]


def _spiced(text: str, draw: random.Random) -> str:
    place = draw.randint(0, len(text))
    return text[:place] + draw.choice(SPICE) + text[place:]


def _lookalike(text: str, draw: random.Random) -> str:
    places = [place for place, letter in enumerate(text) if letter in LOOKALIKES]
    if not places:
        return _spiced(text, draw)
    place = draw.choice(places)
    return text[:place] + draw.choice(LOOKALIKES[text[place]]) + text[place + 1 :]


def _swapped(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text))
    return text[:place] + text[place].swapcase() + text[place + 1 :]


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randint(1, len(text))]


def _last_changed(text: str, draw: random.Random) -> str:
    return text[:-1] + draw.choice("abc*?_.@/é")


def _padded(text: str, draw: random.Random) -> str:
    return text + draw.choice("a.@-_*/") * (320 - len(text))


def _escaped(text: str, draw: random.Random) -> str:
    """Write out beforehand what the encoding would write out."""
    place = draw.randrange(len(text))
    return text[:place] + "".join(f"_{byte:02x}" for byte in text[place].encode()) + text[place + 1 :]


def _normal(form: str) -> Callable[[str, random.Random], str]:
    return lambda text, _: unicodedata.normalize(form, text)


TRICKS: tuple[Callable[[str, random.Random], str], ...] = (
    _spiced, _spiced, _lookalike, _lookalike, _swapped, _cut, _last_changed, _padded, _escaped,
    _normal("NFC"), _normal("NFD"), _normal("NFKC"), _normal("NFKD"),
    lambda text, _: text.upper(), lambda text, _: text.casefold(), lambda text, _: f"{text}/{text}",
    lambda text, _: f"/{text}", lambda text, _: text.replace("@", "@."), lambda text, draw: text + draw.choice(SPICE),
)  # fmt: skip
