"""Codecs that are prepared make no code when the first message of a kind comes."""

from __future__ import annotations

import builtins
from itertools import chain

import pytest

from cinq.wire import nas, pfcp


def test_what_is_prepared_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in chain(nas.prepare(), pfcp.prepare()):
        pass
    made = []
    with monkeypatch.context() as patched:
        patched.setattr(builtins, "compile", lambda *arguments: made.append(arguments))
        steps = sum(1 for _ in chain(nas.prepare(), pfcp.prepare()))
        message = nas.AuthenticationResponse(res=bytes(16))
        assert nas.decode(nas.encode(message)) == message
        request = pfcp.HeartbeatRequest(recovery_time_stamp=1)
        assert isinstance(pfcp.decode(pfcp.encode(request, sequence=1)), pfcp.HeartbeatRequest)
    assert steps >= len(nas.GMM_MESSAGES) + len(nas.GSM_MESSAGES) + len(pfcp.MESSAGES)
    assert not made
