"""Problem details, TS 29.500 §5.2.7 and TS 29.571 §5.2.4.1: the error family of the SBI."""

from __future__ import annotations

from cinq.procedure import Why
from cinq.sbi.operation import Model


class InvalidParam(Model):
    """One attribute that was wrong: its JSON pointer or query name, and why."""

    param: str
    reason: str | None = None


class ProblemDetails(Model):
    """The body of every answer that is not a success.

    mend: what mends it, an extension member (RFC 9457 §3.2) that others pass over.
    """

    status: int
    cause: str | None = None
    title: str | None = None
    detail: str | None = None
    instance: str | None = None
    invalid_params: list[InvalidParam] | None = None
    mend: str | None = None


class Problem(Exception):
    """A service operation refused. `details` is what crosses the interface.

    status: HTTP status. cause: the application error of the service's table, for example USER_NOT_FOUND.
    detail: for a person; a Why says what mends it too. headers: of the answer, beside its body.
    """

    headers: tuple[tuple[str, str], ...] = ()

    def __init__(
        self, status: int, cause: str | None = None, detail: str | None = None, *invalid: InvalidParam
    ) -> None:
        self.details = ProblemDetails(
            status=status,
            cause=cause,
            detail=None if detail is None else str(detail),
            invalid_params=list(invalid) or None,
            mend=(detail.mend or None) if isinstance(detail, Why) else None,
        )
        super().__init__(status, cause, detail)

    @classmethod
    def of(cls, details: ProblemDetails) -> Problem:
        problem = cls(details.status, details.cause, details.detail)
        problem.details = details
        return problem

    @property
    def status(self) -> int:
        return self.details.status

    @property
    def cause(self) -> str | None:
        return self.details.cause

    def __str__(self) -> Why:
        """'404 USER_NOT_FOUND: imsi-... is not provisioned'; as a reason it says what mends it, too."""
        details = self.details
        said = str(details.status) if details.cause is None else f"{details.status} {details.cause}"
        return Why(f"{said}: {details.detail}" if details.detail else said, details.mend or "")

    @property
    def why(self) -> Why:
        """For a person: what went wrong, and what mends it."""
        return Why(self.details.detail or self.details.cause or str(self.status), self.details.mend or "")
