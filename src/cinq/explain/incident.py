"""An incident: one refusal, release or silence, told so that a person can mend it."""

from __future__ import annotations

import re

import msgspec

_TEXT, _NAME = 400, 80  # characters that are kept of a reason, and of a name
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_VALUES = re.compile(r"'[^']*'|\d+")


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to whom, and why.

    what: "Registration rejected". ue: the SUPI or what else it is called, empty for a gNB's own. gnb: where. cause: the
    3GPP cause. because: the reason. mend: the command or the setting that mends it. first, last: seconds since 1970.
    """

    what: str
    ue: str = ""
    gnb: str = ""
    procedure: str = ""
    cause: str = ""
    because: str = ""
    mend: str = ""
    count: int = 1
    first: float = 0.0
    last: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two the same."""
        return (self.ue, self.gnb, self.what, self.cause, self.because)

    @property
    def kind(self) -> tuple[str, ...]:
        """What it has in common with others that differ by names and numbers."""
        return (self.what, self.cause, _VALUES.sub("#", self.because))

    @property
    def title(self) -> str:
        """'Registration rejected: 5GMM cause #3 illegal UE'."""
        return f"{self.what}: {self.cause}" if self.cause else self.what

    def again(self, other: Incident) -> Incident:
        """With one more of its like."""
        return msgspec.structs.replace(
            self,
            count=self.count + other.count,
            last=max(self.last, other.last),
            mend=other.mend or self.mend,
        )


def clean(text: str, limit: int = _TEXT) -> str:
    """Text from outside, for a screen and a store: one line, not too long."""
    text = _CONTROL.sub("?", str(text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def name(text: str) -> str:
    """A name from outside."""
    return clean(text, _NAME)
