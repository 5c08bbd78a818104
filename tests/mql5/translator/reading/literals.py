"""What the literals D'...' and C'...' mean."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from tests.mql5.translator.errors import Mql5Error
from tests.mql5.translator.reading.tokens import Token

_CLOCK = r"(?:\s+(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}))?)?)?"
_DATETIMES = [
    re.compile(r"(?P<year>\d{4})\.(?P<month>\d{1,2})\.(?P<day>\d{1,2})" + _CLOCK),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})" + _CLOCK),
]
_ONLY_CLOCK = re.compile(r"\d{1,2}(:\d{1,2}(:\d{1,2})?)?")


def datetime_seconds(token: Token) -> int:
    """D'2020.12.31 10:30:27' or D'31.12.2020 10:30' or shorter, in seconds since 1970."""
    text = token.text[2:-1].strip()
    if not text or _ONLY_CLOCK.fullmatch(text):
        raise Mql5Error(
            token.at,
            f"{token.text} takes its date from the day of compilation, of which MetaEditor warns: "
            "write the date, as in D'2020.12.31 10:30'",
        )
    for form in _DATETIMES:
        if match := form.fullmatch(text):
            fields = {name: int(value or 0) for name, value in match.groupdict().items()}
            try:
                moment = datetime(**fields, tzinfo=timezone.utc)
            except ValueError as error:
                raise Mql5Error(token.at, f"{token.text} is no date: {error}") from None
            seconds = int(moment.timestamp())
            if seconds < 0:
                raise Mql5Error(token.at, f"{token.text} is before 1970, where datetime begins")
            return seconds
    raise Mql5Error(token.at, f"{token.text} is no date: write D'2020.12.31 10:30:27'")


def color_value(token: Token) -> int:
    """C'255,128,0', its parts decimal or hexadecimal, as 0xBBGGRR."""
    parts = [part.strip() for part in token.text[2:-1].split(",")]
    try:
        red, green, blue = (int(part, 0) for part in parts)
    except ValueError:
        red = -1
    if red < 0 or any(not 0 <= part <= 255 for part in (red, green, blue)):
        raise Mql5Error(token.at, f"{token.text} is no color: write C'red,green,blue', 0 to 255")
    return red | green << 8 | blue << 16
