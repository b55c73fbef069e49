"""Small coloured words for lists: the word says everything, the colour only repeats it."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

__all__ = ["badge", "counted", "in_words", "moment"]
STEPS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def badge(text: str, tone: str = "default", *, title: str = "") -> SafeString:
    """Show a word in the colour of `tone`: success, info, warning, danger or default."""
    if title:
        return format_html('<span class="badge badge-{}" title="{}">{}</span>', tone, title, text)
    return format_html('<span class="badge badge-{}">{}</span>', tone, text)


def in_words(then: datetime, now: datetime | None = None) -> str:
    """Say how far a moment is away: `in 3 days`, `2 hours ago`."""
    distance = then - (now or timezone.now())
    ahead, size = distance >= timedelta(0), abs(distance)
    for step, name in STEPS:
        if size >= step:
            count = (size + step / 2) // step
            words = counted(count, name)
            return f"in {words}" if ahead else f"{words} ago"
    return "in less than a minute" if ahead else "just now"


def counted(count: int, name: str) -> str:
    """Say how many: `1 grant`, `2 grants`."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def moment(then: datetime | None, now: datetime | None = None) -> SafeString:
    """Show a moment by its distance, with the exact time in UTC beside it."""
    if then is None:
        return format_html("{}", "-")
    return format_html(
        '<time datetime="{}">{} <span class="moment-exact">({} UTC)</span></time>',
        then.isoformat(),
        in_words(then, now),
        f"{then:%Y-%m-%d %H:%M}",
    )
