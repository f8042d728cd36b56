"""A program that was paused goes on."""

from __future__ import annotations

from halfopen.faults._program import program_fault

FAULT = program_fault("resume", "lets a paused program go on (SIGCONT)", "CONT")
