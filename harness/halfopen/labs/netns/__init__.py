"""The default lab: network namespaces of an ordinary user, with the kernel's own TCP and conntrack.

:mod:`.sandbox` tells whether this machine allows it; :mod:`.zygote` is a process that forks an
agent (:mod:`halfopen.labs.agent`) into new namespaces for each run, :mod:`.zygote_client` asks it
to; :mod:`.lab` is the lab.  When the caller dies, however it dies, the kernel takes all of it away.
"""
