"""The log contract: what each line of a participant's log holds."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from saliency_benchmark.study.log_form import ACCESS, ANSWERED, CONFIDENCE, PHASES
from saliency_benchmark.utility_design import TASKS

CODE = r"^[a-z0-9_-]{1,32}$"
Text = Annotated[str, Field(max_length=4000)]
Number = Annotated[int, Field(strict=True, ge=0, le=100_000)]


class Event(BaseModel):
    """One event of a participant's log. Times are in milliseconds, `viewport` is width and height in pixels."""

    model_config = ConfigDict(extra="forbid")

    study: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    participant: Annotated[str, Field(pattern=CODE)]
    condition: Annotated[str, Field(min_length=1, max_length=200)]
    access: Literal[ACCESS]
    task: Literal[TASKS]
    phase: Literal[PHASES]
    trial: Number
    sequence: Number
    item: Annotated[str, Field(max_length=50)] | None
    map: Annotated[str, Field(max_length=250)] | None
    answer: Annotated[int, Field(strict=True)] | Text | dict[Text, Annotated[int, Field(strict=True)] | Text] | None
    correct: StrictBool | None
    confidence: Annotated[int, Field(strict=True, ge=CONFIDENCE[0], le=CONFIDENCE[-1])] | None
    rt_ms: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
    viewport: tuple[Number, Number]
    time: AwareDatetime
    slot: Number | None = None
    pilot: StrictBool = False

    @model_validator(mode="after")
    def _answered(self) -> "Event":
        if self.phase in ANSWERED:
            if self.answer not in (0, 1) or isinstance(self.answer, bool):
                raise ValueError(f"answer of a trial is {self.answer!r}; wanted: 0 or 1")
            if None in (self.item, self.correct, self.confidence):
                raise ValueError("a trial has an item, correct and confidence")
        if self.time.utcoffset() != timedelta(0):
            raise ValueError("time is not UTC")
        return self


def problems(error: ValidationError) -> str:
    """What is wrong, in one line; never what was sent."""
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'event'}: {each['msg']}" for each in error.errors()[:3])
