"""The ASN.1 aligned-PER compiler (ITU-T X.691): from pycrate's resolved tree to straight-line Python.

`tree` reads pycrate's objects into `model`; `decoder` and `encoder` write one function per type and bit
offset; `classes` writes the message classes; `build` puts it all into a folder. `reading` and `writing` are
the few functions that the generated code calls at run time. Only `tree` knows pycrate, and only at build time.
"""
