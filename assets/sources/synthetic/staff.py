"""The staff of the synthetic inbox: agents with teams and shifts, and two bots.

An assignee is a position in `ASSIGNEES`. Add people here; what they do with contacts is in `inbox.py`.
"""

from dataclasses import dataclass

SALES, SUPPORT, BILLING = TEAMS = ("sales", "support", "billing")
OPENING_HOUR, CLOSING_HOUR = 7, 22
"""The first shift of every day begins at the one, and the last ends at the other."""


@dataclass(frozen=True, slots=True)
class Assignee:
    """An agent who works from `first_hour` to `last_hour` except on `days_off` (0 is Monday), or a bot."""

    id: str
    name: str
    kind: str = "person"
    team: str = ""
    first_hour: int = 0
    last_hour: int = 0
    days_off: tuple[int, ...] = ()

    def is_on_duty(self, weekday: int, hour: int) -> bool:
        """Return whether the agent works in this hour; a bot has no hours."""
        return weekday not in self.days_off and self.first_hour <= hour < self.last_hour


ASSIGNEES = (
    Assignee("u0", "Maya Chen", "person", SUPPORT, 8, 16, (5, 6)),
    Assignee("u1", "Tom Becker", "person", SALES, 7, 15, (5, 6)),
    Assignee("u2", "Priya Nair", "person", SUPPORT, 9, 17, (5, 6)),
    Assignee("u3", "Lucas Prado", "person", SUPPORT, 11, 19, (5, 6)),
    Assignee("u4", "Aisha Bello", "person", BILLING, 8, 16, (5, 6)),
    Assignee("u5", "Jonas Weber", "person", SUPPORT, 7, 15, (0, 6)),
    Assignee("u6", "Sofía Ruiz", "person", SALES, 14, 22, (0, 1)),
    Assignee("u7", "Wei Zhang", "person", BILLING, 14, 22, (1, 2)),
    Assignee("u8", "Leila Hassan", "person", SUPPORT, 14, 22, (2, 3)),
    Assignee("u9", "Nora Lund", "person", SALES, 7, 15, (3, 4)),
    Assignee("bot", "Welcome Bot", "bot"),
    Assignee("ai", "AI Agent", "ai_agent"),
)
TEAM_LEAD, PASSES_ON, BOT, AI_AGENT = 0, 5, 10, 11
PARTNER = {2: 3, 3: 2}
"""Two agents who send conversations back to each other."""


def _find_on_duty(weekday: int, hour: int, team: str) -> tuple[int, ...]:
    present = [number for number, assignee in enumerate(ASSIGNEES) if assignee.is_on_duty(weekday, hour)]
    return tuple(number for number in present if ASSIGNEES[number].team == team) or tuple(present)


ON_DUTY = [
    [{team: _find_on_duty(weekday, hour, team) for team in TEAMS} for hour in range(24)]
    for weekday in range(7)
]
"""By weekday, hour and team: the agents at work, or those of all teams where the team has none."""
