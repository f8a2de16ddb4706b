"""NEF, network exposure function: TS 23.501 §6.2.5, TS 29.522, TS 29.122.

Applications ask it over HTTP for the quality of a UE's packets (AsSessionWithQoS, CAMARA Quality on Demand) and where
they leave (TrafficInfluence); it asks the PCF by Npcf_PolicyAuthorization.
"""

from cinq.nf.nef.nef import NEF
from cinq.nf.nef.settings import Application, Profile, Settings

__all__ = ["NEF", "Application", "Profile", "Settings"]
