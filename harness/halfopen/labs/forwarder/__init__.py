"""The userspace engine: a middlebox between two packet sockets, in a process of its own.

From the link inwards: :mod:`.link` (frames of one interface), :mod:`.event_loop` (frames, requests
and the clock), :mod:`.forwarder` (what becomes of a frame; pure), the flow table of
:mod:`halfopen.middlebox`.  Beside the forwarder, pure too: :mod:`.fast_path` (known flows),
:mod:`.fault_pipeline` and :mod:`.impairments` (active faults), :mod:`.matching` (which packets a
fault is about), :mod:`.frames`, :mod:`.icmp` and :mod:`.checksum` (bytes).  :mod:`.verb_handlers`
does verbs (:mod:`.verbs` lists them), :mod:`.recorder` records.

The engine (:mod:`halfopen.labs.agent.engines.userspace`) starts it in the middlebox's namespace
and speaks JSON Lines with it; it ends when its standard input does.
"""
