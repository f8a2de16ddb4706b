"""What a UE says on N1: out of its envelope, and to its procedures."""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.n1.envelope import BrokenTransport, Checked, Discarded, Unprotected
from cinq.nf.amf.ue import Ue
from cinq.procedure import Refused
from cinq.wire import nas


def receive(ue: Ue, octets: bytes) -> None:
    """An uplink NAS PDU of a UE that has a connection."""
    try:
        arrival = ue.exchange.open(octets)
    except Discarded as discarded:
        journal.n1_ignored(ue, octets, str(discarded))
    except nas.NasError as error:
        try:
            answer_broken(ue, octets, error)
        except Refused as refused:
            journal.n1_ignored(ue, octets, refused.reason)
    else:
        arrived(ue, arrival)


def arrived(ue: Ue, arrival: Checked[nas.NasMessage] | Unprotected[nas.NasMessage]) -> None:
    """Hand a message to its UE."""
    message = arrival.message
    if ue.runtime.journal.listening:
        journal.n1_message(ue, "in", message, nas.encode(_deciphered(ue, arrival)))
    elif type(message) in journal.MAY_TROUBLE:
        journal.n1_message(ue, "in", message, b"")
    if isinstance(arrival, Checked) and not isinstance(message, nas.SecurityModeComplete):
        ue.exchange.secured = True
    ue.receive(arrival)
    if ue.exchange.nearly_used_up and ue.context.rm_state == "RM-REGISTERED":
        ue.renew_keys()


def _deciphered(ue: Ue, arrival: Checked[nas.NasMessage] | Unprotected[nas.NasMessage]) -> nas.NasMessage:
    """The message as the journal shows it: the container of an initial one has its own ciphering (§4.4.6)."""
    message = arrival.message
    if isinstance(arrival, Checked) and isinstance(message, nas.ServiceRequest | nas.RegistrationRequest):
        container = message.nas_message_container
        if container is not None:
            return message.replace(nas_message_container=ue.exchange.decipher(container, arrival.count))
    return message


def answer_broken(ue: Ue, octets: bytes, error: nas.NasError) -> None:
    """TS 24.501 clause 7: a request is rejected, anything else gets 5GMM STATUS; too short or unknown is ignored."""
    journal.n1_ignored(ue, octets, str(error))
    if error.cause is None:
        return
    if isinstance(error.partial, nas.ULNASTransport):
        ue.receive(BrokenTransport(error.partial))
    elif not ue.is_idle:  # what is under way goes on
        ue.tell(nas.FiveGMMStatus(cause=error.cause))
    elif error.message_type == nas.RegistrationRequest.TYPE:
        ue.reject(nas.RegistrationReject(cause=error.cause))
    elif error.message_type == nas.ServiceRequest.TYPE:
        ue.reject(nas.ServiceReject(cause=error.cause))
    else:
        ue.tell(nas.FiveGMMStatus(cause=error.cause))
