"""Settings of the UDM."""

from __future__ import annotations

from dataclasses import dataclass, field

from cinq.numbering import PlmnId


@dataclass(frozen=True, slots=True)
class HomeNetworkKey:
    """A key that de-conceals SUCIs, TS 33.501 annex C.

    id: home network public key identifier, 1 to 255. scheme: 1 profile A (X25519), 2 profile B (P-256).
    private_key: 32 octets.
    """

    id: int
    scheme: int
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """plmn: the home network. also: further home networks of this UDM.

    null_scheme: whether a SUCI of the null scheme is accepted. partners: networks where subscribers may roam; roams:
    whether there are agreements at all, without which nobody asks who serves.
    """

    plmn: PlmnId
    home_network_keys: tuple[HomeNetworkKey, ...] = ()
    null_scheme: bool = True
    also: tuple[PlmnId, ...] = ()
    partners: tuple[PlmnId, ...] = ()
    roams: bool = False

    @property
    def plmns(self) -> tuple[PlmnId, ...]:
        return (self.plmn, *self.also)
