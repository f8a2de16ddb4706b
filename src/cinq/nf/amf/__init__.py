"""AMF, access and mobility management function: TS 23.501 §6.2.1, TS 23.502 §4.2, TS 24.501, TS 38.413, TS 29.518."""

from cinq.nf.amf import procedures as _procedures
from cinq.nf.amf.amf import AMF
from cinq.nf.amf.settings import Ladn, ServedPlmn, Settings

__all__ = ["AMF", "Ladn", "ServedPlmn", "Settings"]

del _procedures
