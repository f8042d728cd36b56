"""User-Mode Linux on virtual time, the kernel of the warp lab: where it is, and how it is built.

:mod:`.source` is what it is built from, :mod:`.build` builds it into the user's cache, and
:mod:`.kernel` finds it and tells whether it is one that the lab can use.
"""
