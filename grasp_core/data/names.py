"""Two lists of class names that are not the same: only what differs, so that a person sees it."""

import unicodedata
from collections.abc import Sequence

TOLD = 3  # names that are told one by one


def unlike_names(found: Sequence[str], needed: Sequence[str]) -> tuple[str, str]:
    """Say in which names the first list differs from the second, as the one and as the other has them.

    In ASCII, with escapes, as names that look the same may be other characters. Empty texts for equal lists.
    """
    if len(found) != len(needed):
        extra, missing = _without(found, needed), _without(needed, found)
        return (
            f"{len(found)} names{_told(', of which not known', extra)}",
            f"{len(needed)} names{_told(', of which absent', missing)}",
        )
    places = [place for place, pair in enumerate(zip(found, needed, strict=True)) if pair[0] != pair[1]]
    if not places:
        return "", ""
    first, second = (
        ", ".join(f"{names[place]!a} at place {place + 1}" for place in places[:TOLD])
        for names in (found, needed)
    )
    more = f" and {len(places) - TOLD} more places" if len(places) > TOLD else ""
    why = " (another order)" if sorted(found) == sorted(needed) else _same_but(found, needed)
    return f"{first}{more}{why}", f"{second}{more}"


def _same_but(found: Sequence[str], needed: Sequence[str]) -> str:
    """Say what alone differs, when it is what a person does not see."""
    for what, plain in (
        ("the letters are the same in another Unicode form, NFC or NFD", _composed),
        ("only spaces at the ends or the Unicode form differ", lambda name: _composed(name).strip()),
        ("only upper and lower case differ", lambda name: _composed(name).strip().casefold()),
    ):
        if list(map(plain, found)) == list(map(plain, needed)):
            return f" ({what})"
    return ""


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(others)
    return [name for name in names if name not in known]


def _told(what: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return f"{what} {', '.join(map(ascii, names[:TOLD]))}{more}" if names else ""
