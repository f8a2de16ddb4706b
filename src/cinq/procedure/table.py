"""Which message opens which procedure, and what a message that is not awaited meets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from cinq.procedure.verdict import Verdict

S = TypeVar("S")
A = TypeVar("A")
R = TypeVar("R")
M = TypeVar("M")

Function = Callable[[S, A], Coroutine[object, None, R]]
Rule = Callable[[S, M], Verdict]


class Declared:
    """A procedure as the runtime sees it: of any subject, with any argument and any result."""

    def __init__(  # type: ignore[explicit-any]  # of any subject and any argument
        self, begin: Callable[..., Coroutine[object, None, object]]
    ) -> None:
        self.begin = begin
        self.name = begin.__name__
        self.__doc__ = begin.__doc__
        self.collisions: dict[type, Callable[..., Verdict]] = {}  # type: ignore[explicit-any]  # likewise

    def __repr__(self) -> str:
        return f"<procedure {self.name}>"


class Procedure(Declared, Generic[S, A, R]):
    """A declared procedure. Called, it is its own coroutine: one procedure may run another as a step."""

    def __init__(self, function: Function[S, A, R]) -> None:
        super().__init__(function)
        self.function = function

    def __call__(self, subject: S, argument: A) -> Coroutine[object, None, R]:
        return self.function(subject, argument)


def procedure(
    *, opens: type | tuple[type, ...] | None = None
) -> Callable[[Function[S, A, R]], Procedure[S, A, R]]:
    """Declare a procedure of the subject class that annotates its first parameter.

    opens: the message type or types that start it on an idle subject, or the Signal that the network itself gives
    (Subject.want, Subject.demand); None for one that only runs as a step of others.
    TypeError: the first parameter is not annotated with a Subject, or the message opens another procedure.
    """

    def declare(function: Function[S, A, R]) -> Procedure[S, A, R]:
        declared = Procedure(function)
        kinds = opens if isinstance(opens, tuple) else (opens,) if opens is not None else ()
        if kinds:
            _register(function, declared, kinds)
        return declared

    return declare


def _register(function: Callable[[S, A], object], declared: Declared, kinds: tuple[type, ...]) -> None:
    annotations = list(function.__annotations__.values())
    found = annotations[0] if annotations else None
    if isinstance(found, str):
        found = function.__globals__.get(found.partition("[")[0])
    opens: dict[type, Declared] | None = getattr(found, "opens", None)  # as every Subject class has it
    if opens is None:
        raise TypeError(f"{function.__name__}: its first parameter must be annotated with a Subject")
    for kind in kinds:
        if kind in opens:
            raise TypeError(f"{kind.__name__} already opens {opens[kind].name} on {annotations[0]}")
        opens[kind] = declared


def collision(
    running: Declared | tuple[Declared, ...], *messages: type
) -> Callable[[Rule[S, M]], Rule[S, M]]:
    """Declare what `messages` meet while `running` (one or several) is under way and awaits none of them."""

    def declare(rule: Rule[S, M]) -> Rule[S, M]:
        for one in running if isinstance(running, tuple) else (running,):
            for message in messages:
                if message in one.collisions:
                    raise TypeError(f"{message.__name__} has a rule in {one.name} already")
                one.collisions[message] = rule
        return rule

    return declare
