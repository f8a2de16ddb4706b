"""Cryptographic functions of 5G: octets in, octets out, no state but what the caller holds.

milenage, tuak: authentication functions. aka: vectors and challenges built from them. kdf: TS 33.501 annex A.
nea, nia: ciphering and integrity, algorithms 0 to 3. suci: concealment of the SUPI.
nas_security: the NAS envelope.
"""
