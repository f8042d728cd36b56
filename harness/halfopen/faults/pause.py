"""A program hangs: it reads nothing, but its kernel still answers packets and keepalive probes."""

from __future__ import annotations

from halfopen.faults._program import program_fault

FAULT = program_fault("pause", "freezes a program; its kernel still acknowledges (SIGSTOP)", "STOP")
