"""The lab in virtual time: a whole machine, a User-Mode Linux, whose clock jumps while it is idle.

The runner stays outside, on a loop whose time is the guest's (:mod:`.loop`); the agent
(:mod:`halfopen.labs.agent`) is the guest's first process (:mod:`.guest`).  Between them is the
gate (:mod:`.gate`): the guest's sound device, from which the agent reads.  That read waits inside
the guest's kernel, so that the whole guest, with its clock, stands still while the runner thinks.
:mod:`.machine` starts and ends the guest, :mod:`.lab` is the lab.
"""
