"""A case that runs its whole course within October 2026, for tests of finished months."""

from __future__ import annotations

from complaints.tests.factories import Story


def accepted(cast, when: str = "2026-10-12 09:00", **changes) -> Story:
    return Story(cast, when, **changes).accept(f"{when[:10]} 23:00")


def closed(cast, when: str = "2026-10-12 09:00", **changes) -> Story:
    story = Story(cast, when, **changes).accept("2026-10-12 10:00").assign("2026-10-12 10:30")
    story.start("2026-10-12 11:00").submit("2026-10-14 15:00").reply("2026-10-15 10:00")
    return story.call_back("2026-10-16 10:00").close("2026-10-19 16:00")
