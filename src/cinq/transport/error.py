"""The error family of the transport room."""

from __future__ import annotations


class TransportError(OSError):
    """Something the host does not give: a privilege, a library, an address, a port.

    what: what is missing or in the way, with the name of the thing.
    remedy: the command or the setting that mends it, empty when there is none.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}: {remedy}" if remedy else what)

    def __str__(self) -> str:
        return f"{self.what}; mend it with: {self.remedy}" if self.remedy else self.what


class NoAnswerError(TransportError):
    """The other end does not answer, or refuses: it may be there later."""

    @property
    def not_sent(self) -> bool:
        """Whether it is certain that nothing was sent, so that nothing has been carried out."""
        return ": not sent: " in self.what
