"""A UE: the subject of the 5GMM procedures and of the NGAP procedures of its connection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cinq.crypto.nas_security import NasSecurity
from cinq.nf.amf import n1, n2
from cinq.nf.amf.connection import NgConnection
from cinq.nf.amf.context import SecurityContext, UeContext
from cinq.procedure import Subject
from cinq.wire import nas, ngap

if TYPE_CHECKING:
    from cinq.nf.amf.amf import AMF


class Ue(Subject[UeContext]):
    """Besides the stored context, what lasts as long as a connection or a process:

    connection: None in CM-IDLE. security: the working NAS security context, `keys` its key set.
    secured: the secure exchange of NAS messages is established on this connection (TS 24.501 §4.4.2.5).
    kgnb_count: the uplink NAS COUNT that KgNB is derived from (TS 33.501 §A.9).
    kept: the store has its context. doubtful: the context was restored and may be behind what the UE has seen:
    it is authenticated anew.
    paged: its 5G-GUTI was paged and is to be replaced. pending: what waits for the UE to be reached.
    resources: what is set up with the next accept.
    replayed_capability: the UE security capability that the last SECURITY MODE COMMAND repeated.
    why: the cause of the next release of the connection.
    """

    __slots__ = (
        "amf",
        "connection",
        "doubtful",
        "kept",
        "keys",
        "kgnb_count",
        "paged",
        "pending",
        "replayed_capability",
        "resources",
        "secured",
        "security",
        "why",
    )

    def __init__(self, amf: AMF, context: UeContext) -> None:
        super().__init__(context, amf.runtime)
        self.amf = amf
        self.connection: NgConnection | None = None
        self.keys = context.security
        self.security: NasSecurity | None = None if self.keys is None else self.keys.live()
        self.secured = False
        self.kgnb_count = 0
        self.doubtful = False
        self.kept = False
        self.paged = False
        self.pending: tuple[n2.Transfer, ...] = ()
        self.resources: tuple[n2.Transfer, ...] = ()
        self.replayed_capability = b""
        self.why: ngap.Cause = ("nas", "normal-release")

    # ports of the subject

    def send(self, message: object) -> None:
        """A NAS message (protected, and carried by the NGAP message that fits) or an NGAP message."""
        if isinstance(message, nas.GmmMessage):
            n2.send_nas(self, message)
            if isinstance(message, nas.AuthenticationReject):
                self.why = ("nas", "authentication-failure")
            if isinstance(message, n2.REJECTS):
                self.release_soon()
        elif isinstance(message, ngap.Paging):
            n2.page(self, message)
        elif isinstance(message, ngap.Pdu):
            n2.send_ngap(self, message)
        else:
            raise TypeError(f"{type(message).__name__} cannot be sent to a UE")

    def release_soon(self) -> None:
        """A rejected UE has no use of its connection. (One that is not registered loses it when it is idle.)"""
        from cinq.nf.amf.procedures.an_release import release_by_amf

        if self.context.rm_state == "RM-REGISTERED":
            self.perform_soon(release_by_amf, self.why)

    def stored(self, context: UeContext) -> None:
        self.amf.store_ue(self)

    def commit(self, **changes: object) -> None:
        """As Subject.commit. CM state is what it is at this moment; so are the security counts of what is stored."""
        state = "CM-IDLE" if self.connection is None else "CM-CONNECTED"
        if state != self.context.cm_state:
            changes["cm_state"] = state
            changes["idle_since"] = self.amf.clock.now()
        if "rm_state" in changes or self.context.rm_state == "RM-REGISTERED":
            self._note_counts(changes)
        super().commit(**changes)

    def _note_counts(self, changes: dict[str, object]) -> None:
        if self.keys is not None and self.security is not None:
            changes["security"] = self.keys = SecurityContext(
                self.keys.ksi,
                self.keys.kamf,
                self.keys.integrity,
                self.keys.ciphering,
                self.security.ul_count,
                self.security.dl_count,
            )

    def status(self, message: object) -> object | None:
        """5GMM STATUS #98 for a checked message that fits no state (TS 24.501 §7.4); silence for any other."""
        if isinstance(message, n1.Checked) and not isinstance(message.message, nas.FiveGMMStatus):
            return nas.FiveGMMStatus(cause=nas.GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE)
        return None

    def content(self, message: object) -> object:
        if isinstance(message, (n1.Checked, n1.Unprotected)):
            return message.message
        return message

    def describe(self, message: object) -> tuple[str, str]:
        content = self.content(message)
        if isinstance(content, nas.NasMessage):
            return "N1", content.NAME
        return "N2" if isinstance(content, ngap.Pdu) else "", type(content).__name__

    def idle(self) -> None:
        """A UE that is not registered keeps neither its connection nor, without one, its context."""
        if self.context.rm_state == "RM-REGISTERED":
            return
        if self.connection is None:
            self.amf.forget(self)
        elif self.connection.releasing:  # a release that came to no end
            self.disconnect()
            self.amf.forget(self)
        elif not self.runtime.stopping:
            from cinq.nf.amf.procedures.an_release import release

            self.beside(partial(release, self, self.why), "an_release")

    # its connection

    def connect(self, connection: NgConnection) -> None:
        """The UE speaks on a new connection; one that it had before is released."""
        before = self.connection
        if before is not None:
            n2.drop(before, ("radioNetwork", "release-due-to-5gc-generated-reason"))
        self.connection = connection
        self.secured = False
        self.why = ("nas", "normal-release")

    def disconnect(self) -> None:
        """CM-IDLE."""
        connection = self.connection
        if connection is not None:
            self.amf.release_ids(connection)
            self.connection = None
        self.secured = False

    async def revert(self, before: tuple[SecurityContext | None, NasSecurity | None, bool]) -> None:
        """The security context that was current before one that the UE did not take into use."""
        self.keys, self.security, self.secured = before

    def reject(self, message: nas.GmmMessage) -> None:
        """Answer a message that cannot be read, on behalf of no procedure, and let go of an unknown UE."""
        self.tell(message)
        if self.is_idle:
            self.idle()

    @property
    def procedure_name(self) -> str:
        running = self.running
        return "" if running is None else running.name

    @property
    def label(self) -> str:
        supi = self.context.supi
        if supi is not None:
            return str(supi)
        connection = self.connection
        return "UE" if connection is None else f"UE {connection.amf_ue_ngap_id}"
