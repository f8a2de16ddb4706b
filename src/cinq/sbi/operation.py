"""Operations: what a method of a service Protocol says of itself, TS 29.501 §5.

An operation's Python parameters are, in order: those of its path ({supiOrSuci} becomes supi_or_suci), then
its query parameters, then `body`. The names on the wire are the names in Python in camel case.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Generic, ParamSpec, Protocol, TypeVar, dataclass_transform

import msgspec

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _ModelMeta(msgspec.StructMeta):
    """Frozen and keyword-only for every subclass, for msgspec and for type checkers alike."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, object], **config: object
    ) -> _ModelMeta:
        config.setdefault("kw_only", True)
        # msgspec's stub spells out each option; they pass through unread here.
        return super().__new__(mcls, name, bases, namespace, **config)  # type: ignore[arg-type]


class Model(msgspec.Struct, metaclass=_ModelMeta, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A JSON object. Attribute names are those of the 3GPP API in camel case.

    CONDITIONAL: JSON names of attributes that the schema leaves out and a condition makes mandatory all the same.
    """

    CONDITIONAL: ClassVar[tuple[str, ...]] = ()


class SecretModel(Model):
    """A JSON object that holds keys: repr gives no more than its name."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Multipart(
    msgspec.Struct, metaclass=_ModelMeta, frozen=True, rename="camel", omit_defaults=True, gc=False
):
    """A multipart/related body: `json_data` and octets named as in the API's multipart schema."""

    json_data: object


class ErrorShape(Protocol):
    """The body in which an operation refuses, where that is not problem details alone. A Model or a Multipart."""

    @classmethod
    def of(cls, problem: Exception) -> ErrorShape | None:
        """None: problem details say it all."""
        ...

    def problem(self, status: int) -> Exception: ...


class Query(Model, rename="kebab"):
    """The query parameters of an operation that has many of them, as one argument."""


class Form(Model):
    """A body of type application/x-www-form-urlencoded: strings as they are, all else as JSON."""


class Created(msgspec.Struct, Generic[T], frozen=True):
    """A 201 answer: the path of the new resource below the service's root, and the body.

    The whole URI, where another process has made it.
    """

    location: str
    body: T

    @property
    def id(self) -> str:
        """The last segment of the location: the identifier of the new resource; of a URI with its API root before."""
        last = self.location.rsplit("/", 1)[-1]
        if "://" not in self.location:
            return last
        return "/".join((*self.location.split("/", 3)[:3], last))


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a service.

    service: API name, for example nudm-ueau. name: the stage 2 name, for example Nudm_UEAuthentication_Get.
    path: below {apiRoot}/service/version. parameters: Python names of path and query parameters, in order; types:
    what they are. request, response: shapes, None where there is no body. error: of a refusal, None: problem details.
    scopes: resource/operation-level scopes of the API (TS 29.500 §6.7.3), each of which grants it beside the service's.
    callback: whether it is a notification, to a URI that its receiver gave (TS 29.501 §5.3.2). asked: the shape that
    holds all query parameters; then it is the one argument behind those of the path. written: query parameter by its
    Python name -> its name on the wire.
    """

    service: str
    version: str
    name: str
    method: str
    path: str
    status: int
    attribute: str
    parameters: tuple[str, ...]
    types: tuple[object, ...]
    query: tuple[str, ...]
    request: object
    response: object
    error: type[ErrorShape] | None = None
    scopes: tuple[str, ...] = ()
    callback: bool = False
    asked: type[Query] | None = None
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Below the API root: the service and its version, where it has one."""
        return f"/{self.service}/{self.version}" if self.version else f"/{self.service}"

    @property
    def route(self) -> str:
        return f"{self.root}{self.path}"

    @property
    def owner(self) -> str:
        """The NF type that serves it: UDM of nudm-sdm, AMF of namf-callback."""
        return OWNERS.get(self.service) or self.service[1:].partition("-")[0].upper()


@dataclass(frozen=True, slots=True)
class _Declared:
    name: str
    method: str
    path: str
    status: int
    error: type[ErrorShape] | None
    scopes: tuple[str, ...]


OWNERS = {
    "oauth2": "NRF",
    "bootstrapping": "NRF",
    "lmf-callback": "LMF",
    "nf-status-callback": "NF",
    "n5g-eir-eic": "5G_EIR",
    "3gpp-as-session-with-qos": "NEF",
    "3gpp-traffic-influence": "NEF",
    "quality-on-demand": "NEF",
    "3gpp-monitoring-event": "NEF",
    "af-callback": "AF",
    "af-monitoring-callback": "AF",
    "af-session-callback": "AF",
    "sink-callback": "AF",
    "n32c-handshake": "SEPP",
    "n32f-forward": "SEPP",
}
"""Of services that are not named after the NF type."""
_DECLARED: dict[object, _Declared] = {}


def operation(
    name: str,
    method: str,
    path: str,
    status: int = 200,
    error: type[ErrorShape] | None = None,
    scopes: tuple[str, ...] = (),
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Declares a method of a service Protocol as an operation: stage 2 name, method, path, status, shape of errors.

    scopes: see Operation.
    """

    def declare(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        _DECLARED[function] = _Declared(name, method, path, status, error, scopes)
        return function

    return declare


def service(name: str, version: str) -> Callable[[type[T]], type[T]]:
    """Declares a Protocol as a service: its API name and version in the URI."""

    def declare(protocol: type[T]) -> type[T]:
        _SERVICES[protocol] = (name, version)
        return protocol

    return declare


_SERVICES: dict[type, tuple[str, str]] = {}
_OPERATIONS: dict[type, tuple[Operation, ...]] = {}


def services() -> tuple[type, ...]:
    """Every service declared so far."""
    return tuple(_SERVICES)


def operations(protocol: type) -> tuple[Operation, ...]:
    """The operations of a service, in the order of declaration."""
    found = _OPERATIONS.get(protocol)
    if found is None:
        name, version = _SERVICES[protocol]
        members = [
            (attribute, declared)
            for attribute, function in vars(protocol).items()
            if inspect.isfunction(function) and (declared := _DECLARED.get(function))
        ]
        found = tuple(_resolve(protocol, name, version, attribute, d) for attribute, d in members)
        _OPERATIONS[protocol] = found
    return found


def service_name(protocol: type) -> str:
    return _SERVICES[protocol][0]


def _resolve(protocol: type, name: str, version: str, attribute: str, declared: _Declared) -> Operation:
    function = vars(protocol)[attribute]
    hints = typing.get_type_hints(function)
    names = [n for n in inspect.signature(function).parameters if n not in ("self", "body")]
    asked = next((h for h in hints.values() if isinstance(h, type) and issubclass(h, Query)), None)
    spelt: dict[str, str] = {}
    if asked is not None:
        fields = msgspec.structs.fields(asked)
        names = [n for n in names if hints[n] is not asked] + [each.name for each in fields]
        hints = {**hints, **{each.name: each.type for each in fields}}
        spelt = {each.name: each.encode_name for each in fields}
    in_path = {snake(p) for p in re.findall(r"\{(\w+)\}", declared.path)}
    response = hints.get("return")
    query = tuple(n for n in names if n not in in_path)
    return Operation(
        service=name,
        version=version,
        name=declared.name,
        method=declared.method,
        path=declared.path,
        status=declared.status,
        attribute=attribute,
        parameters=tuple(names),
        types=tuple(hints[n] for n in names),
        query=query,
        request=hints.get("body"),
        response=None if response is type(None) else response,
        error=declared.error,
        scopes=declared.scopes,
        callback=name.endswith("-callback"),
        asked=asked,
        written={n: spelt.get(n) or n.replace("_", "-") for n in query},
    )


def snake(camel: str) -> str:
    """supiOrSuci -> supi_or_suci; pduSessionID -> pdu_session_id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", camel).lower()


@lru_cache(None)
def optional(kind: object) -> bool:
    """Whether None is one of the values of this type."""
    return kind is None or type(None) in typing.get_args(kind)
