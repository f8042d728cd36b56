"""Whether TCP settings fit the middleboxes on a path, when a dead peer is found, what to set.

Arithmetic on the models of :mod:`halfopen.kernel`; only :mod:`halfopen.advice.proof` runs anything.
"""

from halfopen.advice.advise import Advice, HopAdvice, Settings, Suggestion, advise
from halfopen.advice.middleboxes import Hop, read_hop

__all__ = ["Advice", "Hop", "HopAdvice", "Settings", "Suggestion", "advise", "read_hop"]
