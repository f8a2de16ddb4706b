"""The SMF's procedures, one module each, with their collisions at the foot. Importing them declares them."""

from cinq.nf.smf.procedures import association, establishment, release, user_plane

__all__ = ["association", "establishment", "release", "user_plane"]
