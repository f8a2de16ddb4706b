"""The SMF's procedures, one module each, with their collisions at the foot."""
