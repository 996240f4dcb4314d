import pytest
from pydantic import ValidationError

from assets.config.mistakes import mistakes_of
from assets.config.schedule import Calendar

Hours = dict[str, list[str]]


@pytest.mark.parametrize(
    ("hours", "spans"),
    [
        (
            {"tuesday": ["13:30-18:00", "09:00-12:30"], "monday": ["09:00-18:00"], "sunday": []},
            "monday 09:00-18:00, tuesday 09:00-12:30, tuesday 13:30-18:00",
        ),
        (
            {"saturday-monday": ["22:00-06:00"]},
            "monday 22:00-06:00, saturday 22:00-06:00, sunday 22:00-06:00",
        ),
        ({"monday": ["00:00-06:00"], "sunday": ["18:00-24:00"]}, "monday 00:00-06:00, sunday 18:00-24:00"),
        ({"monday": ["09:00-08:00"]}, "monday 09:00-08:00"),
    ],
)
def test_spans_stand_in_the_order_of_the_week(hours: Hours, spans: str) -> None:
    calendar = Calendar.model_validate({"working_hours": hours})
    assert calendar.working_hours
    assert ", ".join(map(str, calendar.working_hours.spans)) == spans


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({"mnday": []}, "working_hours.mnday: unknown weekday 'mnday'; did you mean monday?"),
        (
            {"x-friday": []},
            "working_hours.x-friday: unknown weekday 'x'; expected a day such as monday, or monday-friday",
        ),
        (
            {"monday-monday": []},
            "working_hours.monday-monday: 'monday-monday' must be a weekday, or a range of two such as monday-friday",
        ),
        (
            {"monday-friday": ["09:00-12:30", "9-5"]},
            "working_hours.monday-friday.1: must be two local times such as \"09:00-12:30\" or \"18:00-24:00\", got '9-5'",
        ),
        (
            {"monday": ["09:00-09:00"]},
            "working_hours.monday.0: the end of '09:00-09:00' must differ from its begin; a whole day is \"00:00-24:00\"",
        ),
        (
            {"monday-friday": ["09:00-17:00"], "friday": []},
            "working_hours: `monday-friday` and `friday` both have friday",
        ),
        (
            {"monday": ["09:00-12:30", "12:29-13:00"]},
            "working_hours: monday 09:00-12:30 overlaps monday 12:29-13:00",
        ),
        (
            {"sunday": ["22:00-06:00"], "monday": ["05:59-07:00"]},
            "working_hours: sunday 22:00-06:00 overlaps monday 05:59-07:00",
        ),
        ({"monday": []}, "working_hours: must have a span on some weekday"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_is_wrong(hours: Hours, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Calendar.model_validate({"working_hours": hours})
    assert mistakes_of(caught.value, Calendar) == [message]
