"""What the UDM works with of a subscriber: keys and sequence number as octets."""

from __future__ import annotations

from dataclasses import dataclass, field

from cinq.crypto.aka import AuthenticationFunctions, functions
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.services.nudr_dr import AuthenticationSubscription

SQN_LIMIT = 1 << 48


@dataclass(frozen=True, slots=True)
class Credentials:
    """sqn: the last sequence number given out, 48 bits, the low ind_length bits IND (TS 33.102 §C.1.1)."""

    algorithm: AuthenticationFunctions
    k: bytes = field(repr=False)
    opc: bytes = field(repr=False)
    amf: bytes
    sqn: int
    ind_length: int

    def next_sqn(self, last: int) -> int:
        """The sequence number after `last`: SEQ one up, IND one on. Wraps at 48 bits as the USIM's does."""
        seq, ind = divmod(last, 1 << self.ind_length)
        ind = (ind + 1) % (1 << self.ind_length)
        return ((seq + 1 << self.ind_length) + ind) % SQN_LIMIT


def credentials(supi: str, record: AuthenticationSubscription) -> Credentials:
    """The record as octets. Problem 500 when it does not hold together: what is wrong, never the key."""
    name = (record.algorithm_id or "milenage").lower()
    opc = record.enc_topc_key if name == "tuak" else record.enc_opc_key
    try:
        k, opc_octets = bytes.fromhex(record.enc_permanent_key or ""), bytes.fromhex(opc or "")
        amf = bytes.fromhex(record.authentication_management_field or "8000")
        number = record.sequence_number
        sqn, ind = (int(number.sqn, 16), number.ind_length) if number else (0, 5)
        wanted = ((16, 32), 32) if name == "tuak" else ((16,), 16)
        if len(k) not in wanted[0] or len(opc_octets) != wanted[1] or len(amf) != 2:
            raise ValueError("key, OPc or AMF has a wrong length")
        return Credentials(functions(name), k, opc_octets, amf, sqn, ind)
    except ValueError as error:
        mend = f"cinq subscriber add --replace {supi} --k ... --opc ..."
        why = Why(f"authentication subscription of {supi}: {error}", mend)
        raise Problem(500, "SYSTEM_FAILURE", why) from None
