"""Programs of our own that take the place of what is around a program under test, and misbehave.

A receiver that never answers, a disk that is slow: each runs in the namespace of its host, as a
process like any other, so that the program meets it through nothing but system calls.  They
import no pydantic and nothing of relpio.
"""
