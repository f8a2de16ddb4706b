"""What crosses the SBI: HTTP messages with these media types, TS 29.500 §5.4."""

from __future__ import annotations

from cinq.transport.http2.message import Headers, Request, Response

JSON = "application/json"
HAL = "application/3gppHal+json"
CLOUD_EVENT = "application/cloudevents+json"
PROBLEM = "application/problem+json"
MULTIPART = "multipart/related"
FORM = "application/x-www-form-urlencoded"


def media_type(content_type: str | None) -> str:
    """'Application/JSON; charset=utf-8' -> 'application/json'."""
    return (content_type or "").partition(";")[0].strip().lower()


__all__ = ["FORM", "HAL", "JSON", "MULTIPART", "PROBLEM", "Headers", "Request", "Response", "media_type"]
