"""Captures of links: pcapng files, and what became of the packets in them.

:mod:`.blocks` knows the format, :mod:`.files` writes and reads one link's file, :mod:`.packets`
reads what identifies a packet, :mod:`.drops` finds what came to a middlebox and did not leave it,
:mod:`.annotate` writes that into the files.  :mod:`halfopen.probes.capture` takes them.
"""
