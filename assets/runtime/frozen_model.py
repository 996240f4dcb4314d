"""The base of every validated value: an immutable pydantic model without unknown fields."""

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """A value that is validated on creation, and immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")
