"""The base of every validated value: pydantic, never changed, and no field is unknown."""

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """A value that is validated when it is made, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
