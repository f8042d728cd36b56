"""A program dies at once; the kernel closes its sockets, with FIN or RST, on the live host."""

from __future__ import annotations

from halfopen.faults._program import program_fault

FAULT = program_fault("kill", "ends a program at once, with no time to clean up (SIGKILL)", "KILL")
