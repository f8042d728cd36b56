"""What the layers ask of each other, as small protocols and descriptions.

Whoever adds a checker, fault, system or lab writes one module that holds one of these; the
package that it lies in finds it (see :mod:`halfopen.registry`).
"""

from halfopen.model.program import Feed as Feed
from halfopen.model.program import ProgramSpec as ProgramSpec
from halfopen.model.program import Ready as Ready
from halfopen.ports.checks import Check as Check
from halfopen.ports.checks import FigureFound as FigureFound
from halfopen.ports.checks import Finding as Finding
from halfopen.ports.faults import Fault as Fault
from halfopen.ports.labs import Demands as Demands
from halfopen.ports.labs import Lab as Lab
from halfopen.ports.labs import LabKernel as LabKernel
from halfopen.ports.labs import LabSpec as LabSpec
from halfopen.ports.labs import Middlebox as Middlebox
from halfopen.ports.systems import Product as Product
from halfopen.ports.systems import System as System
from halfopen.ports.systems import SystemContext as SystemContext
from halfopen.ports.vocabulary import Profile as Profile
from halfopen.ports.vocabulary import Vocabulary as Vocabulary
