"""Notes on days: what readers should know about a day, such as a holiday or an outage. No I/O."""

from datetime import date

from pydantic import Field, ValidationInfo, field_validator

from assets.config.base import ConfigModel, NoteText


class DayNote(ConfigModel):
    """A note on `day`, or on every day from `day` to `until`."""

    day: date
    until: date | None = Field(default=None, description="Last day of the note (default: `day`).")
    text: NoteText

    @field_validator("until")
    @classmethod
    def _ends_after_it_begins(cls, until: date | None, info: ValidationInfo) -> date | None:
        day = info.data.get("day")
        if until and day and until < day:
            raise ValueError("must not be before `day`")
        return until

    @property
    def last_day(self) -> date:
        """Return the last day of the note."""
        return self.until or self.day
