"""Settings of the NEF."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Application:
    """A client. apis: names of those that it may use. notify: API roots, and paths, that it may be notified at."""

    id: str
    secret: str = field(repr=False)
    apis: tuple[str, ...]
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A quality that applications may ask for by its name, for so many seconds at the longest."""

    name: str
    longest_s: int = 86_400


@dataclass(frozen=True, slots=True)
class Settings:
    """token_s: seconds for which an access token holds."""

    applications: tuple[Application, ...] = ()
    profiles: tuple[Profile, ...] = ()
    token_s: int = 3600
