"""Security mode control at the UE, TS 24.501 §5.4.2."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cinq.crypto.nas_security import NasSecurity
from cinq.procedure import Refused
from cinq.ran.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause, SecurityHeader

from .core import Core, CoreUe, Radio, settle
from .test_nas_rules import gmm, play, registered

# security mode, §5.4.2


class Alters(Core):
    """Sends a security mode command that is not what it should be."""

    def __init__(self, change: Callable[[nas.SecurityModeCommand], nas.SecurityModeCommand]) -> None:
        super().__init__()
        self.change = change

    def command_security(self, ue: CoreUe) -> None:
        self.down(ue, self.change(self.security_mode_command(ue)), SecurityHeader.INTEGRITY_NEW)

    def on_message(self, ue: CoreUe, message: nas.NasMessage) -> None:
        if isinstance(message, nas.SecurityModeReject):
            self.release(ue)
        super().on_message(ue, message)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            lambda c: c.replace(replayed_ue_security_capability=nas.UeSecurityCapability(b"\xe0\xe0")),
            GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH,
        ),
        (
            lambda c: c.replace(algorithms=nas.NasAlgorithms(2, 1)),
            GmmCause.SECURITY_MODE_REJECTED_UNSPECIFIED,
        ),
        (lambda c: c.replace(ng_ksi=nas.NgKsi(5)), GmmCause.SECURITY_MODE_REJECTED_UNSPECIFIED),
    ],
    ids=["capability bid down", "MAC of another algorithm", "unknown key set"],
)
def test_security_mode_reject(
    change: Callable[[nas.SecurityModeCommand], nas.SecurityModeCommand], cause: int
) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with pytest.raises(Refused):
            await ue.register()
        rejects = gmm(core, nas.SecurityModeReject)
        assert {getattr(m, "cause", None) for m in rejects} == {cause}
        assert ue.security.current is None

    play(scene, Alters(change))


def test_null_integrity_is_refused() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with pytest.raises(Refused):
            await ue.register()
        causes = {getattr(m, "cause", None) for m in gmm(core, nas.SecurityModeReject)}
        assert causes == {GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH}

    class Weak(Alters):
        def __init__(self) -> None:
            super().__init__(lambda c: c)
            self.integrity = 0

    play(scene, Weak())


def test_algorithms_change_under_the_keys_in_use() -> None:
    """§5.4.2.2: another SECURITY MODE COMMAND with the same ngKSI; the COUNTs go on, the old algorithms are over."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        old = at_core.security
        assert old is not None
        at_core.security = NasSecurity.from_kamf(at_core.kamf, 1, 3)
        at_core.security.ul_count, at_core.security.dl_count = old.ul_count, old.dl_count
        core.integrity, core.ciphering = 1, 3
        core.command_security(at_core)
        await settle()
        assert ue.security.current is not None
        used = ue.security.current.nas
        assert (used.integrity, used.ciphering) == (1, 3)
        assert used.ul_count > old.ul_count
        complete = gmm(core, nas.SecurityModeComplete)[-1]
        assert isinstance(complete, nas.SecurityModeComplete)
        assert complete.nas_message_container is not None, "asked for with RINMR"
        await ue.establish_session()

    play(scene)


def test_security_mode_again_keeps_the_context() -> None:
    """§5.4.2.3: without RINMR, and with a context in use, no initial message follows; the IMEISV does where asked."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        command = core.security_mode_command(at_core).replace(additional_security_information=None)
        core.down(at_core, command, SecurityHeader.INTEGRITY_NEW)
        await settle()
        complete = gmm(core, nas.SecurityModeComplete)[-1]
        assert isinstance(complete, nas.SecurityModeComplete)
        assert complete.nas_message_container is None
        assert complete.imeisv is not None
        assert ue.context.registered

    play(scene)
