"""Codecs that are prepared make no code when the first message of a kind comes."""

from __future__ import annotations

import builtins
from types import ModuleType

import pytest

from cinq.wire import nas, pfcp


@pytest.mark.parametrize("protocol", [nas, pfcp], ids=lambda module: module.__name__)
def test_what_is_prepared_is_not_made_again(protocol: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in protocol.prepare():
        pass

    def compiled(*arguments: object, **named: object) -> object:
        raise AssertionError("compiled again")

    monkeypatch.setattr(builtins, "compile", compiled)
    assert sum(1 for _ in protocol.prepare()) > 50
    message = nas.AuthenticationResponse(res=bytes(16))
    assert nas.decode(nas.encode(message)) == message
    request = pfcp.HeartbeatRequest(recovery_time_stamp=1)
    assert pfcp.decode(pfcp.encode(request, sequence=1)) == request
