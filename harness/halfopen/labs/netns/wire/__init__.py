"""The userspace engine: a middlebox between two packet sockets, in a process of its own.

From the wire inwards: :mod:`.link` (frames of one interface), :mod:`.engine` (the loop with its
clock), :mod:`.forwarder` (what becomes of a frame; pure), the flow table of
:mod:`halfopen.middlebox`.  Beside the forwarder, pure too: :mod:`.shortcuts` (known flows, fast),
:mod:`.obstacles` (faults that stand), :mod:`.impair` (delay, loss, rate, ...), :mod:`.frames`,
:mod:`.icmp` and :mod:`.checksum` (octets).  :mod:`.orders` does verbs (:mod:`.verbs` says which),
:mod:`.journal` records.

The box (:mod:`halfopen.labs.netns.boxes.userspace`) starts it in the middlebox's namespace and
speaks JSON Lines with it; it ends when its standard input does.
"""
