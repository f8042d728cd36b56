"""The scenario that `halfopen new` writes: commented, and ready to run."""

from __future__ import annotations

from halfopen.yamlfile import double_quoted

_TEMPLATE = """\
# A scenario for `halfopen run`. Everything below states production values.
# What there is to name: halfopen systems, halfopen profiles, halfopen checks, halfopen faults.
scenario: {name}
about: >
  Say in a few sentences what happens in production: who talks to whom, what stands between, and
  what goes wrong.
source: where you know it from

# Real-time labs (netns, docker) divide every time by this: an hour takes six seconds.
scale: 600

hosts:
  sender:
    run: relpio send              # a system under test, with its options
    to: receiver
    ack timeout: 90 s
    keepalive: off                # or {{ idle: 30 min, interval: 75 s, probes: 9 }}
  firewall:
    profile: fortigate            # or a file of your own: ./my-firewall.yaml
    idle timeout: 1 h             # any value of the profile can be overridden
  receiver:
    run: relpio receive
    keepalive: off
path: [sender, firewall, receiver]   # one system at each end, middleboxes between

# What is done, one after the other.
steps:
  - send: 20 messages
  - wait: 75 min                  # longer than the firewall's patience
  - send: 20 messages

# What must hold at the end.
expect:
  - delivery: {{ lost: 0, corrupted: 0, stuck: 0 }}
  - half-open: {{ at: receiver, at end: 0 }}

# Each variant is a difference from the above, and gets a verdict of its own.
variants:
  keepalive-off:
    about: Nobody asks for keepalive. The receiver never learns that its peer has gone.
    reproduces: {{ half-open: 1 }}  # this variant passes only if just this failure is seen

  keepalive-1800:
    about: A probe every 30 minutes keeps the flow known to the firewall.
    hosts:
      receiver: {{ keepalive: {{ idle: 30 min, interval: 75 s, probes: 9 }} }}
    expect:
      - idle drops: {{ at: firewall, count: 0 }}
"""


def new_scenario(name: str) -> str:
    """The text of a scenario file called `name`, to start from."""
    words = " ".join(name.split()) or "my scenario"
    plain = words.replace(" ", "").replace("-", "").isalnum() and not words[0].isdigit()
    reserved = words.lower() in ("true", "false", "null")
    written = words if plain and not reserved else double_quoted(words)
    return _TEMPLATE.format(name=written)
