"""The SMF's procedures, one module each, with their collisions at the foot. Importing them declares them."""

from cinq.nf.smf.procedures import activation, association, establishment, paging, release, restoration

__all__ = ["activation", "association", "establishment", "paging", "release", "restoration"]
