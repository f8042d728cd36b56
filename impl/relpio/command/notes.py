"""What the help says besides the options: promises, exit status, examples."""

from __future__ import annotations

__all__ = ["OVERVIEW", "RECEIVE_NOTES", "SEND_NOTES"]

OVERVIEW = """\
examples:
  relpio receive --listen 0.0.0.0:2514 --output /var/log/relp.log
  journalctl -f -o short-iso | relpio send --target loghost.example.org:2514
  relpio send --config /etc/relpio.toml
  relpio check-config /etc/relpio.toml

relpio COMMAND --help lists the options of a command, with their defaults.
"""

_DURATIONS = "Durations are seconds, or carry a unit: 500ms, 30s, 10min, 2h."

SEND_NOTES = f"""\
Each line is one message, without its LF. A message is forgotten only when the server has
acknowledged it; after the loss of a session everything else is sent again, in order, so up to one
window may arrive twice. At the end of the input, send waits until all is acknowledged.
SIGTERM: stop reading, drain for at most --shutdown-timeout, exit; the next run sends
what a queue on disk still holds.

{_DURATIONS}

exit status:
  0    every message that was accepted was acknowledged, or is kept on disk
  1    some were not: they were lost with the process, or damaged in the queue's files
  2    the input or an option is wrong
  130  interrupted (Ctrl-C)

ledger: lines "accepted N" and "acked N", also as ranges "acked 5-20", for input message N counted
from 1. A feeder may forget a message once it is acked. Use a new file for each run.

examples:
  journalctl -f -o short-iso | relpio send --target loghost.example.org:2514
  relpio send --target [::1]:2514 --ack-timeout 10 --keepalive 30/5/3 /var/log/app.log
  relpio send --target loghost.example.org:6514 --tls --tls-auth name \\
      --tls-ca /etc/ssl/certs/loghost-ca.pem app.log
  relpio send --target loghost:2514 --listen-unix /run/relpio.sock --queue-type disk \\
      --queue-spool-directory /var/spool/relpio --queue-filename out
"""

RECEIVE_NOTES = f"""\
A message is acknowledged when it has been written to the output; --ack synced waits for the disk,
too. While the output fails, nothing is acknowledged and senders keep their messages.
SIGHUP: read the configuration file again, and open the outputs again, for logrotate.
SIGTERM: stop accepting, answer what was written, tell the clients, exit within
--shutdown-timeout.

{_DURATIONS}

formats:
  line           one message a line; LF and NUL inside a message become #012 and #000
  octet-counted  LEN SP MSG (RFC 6587), messages unchanged
  json           one JSON object a line: peer, time of receipt, the header's parts, the message

places in a path: {{peer}}, the sender's address; {{host}} and {{app}} of the message; {{date}} of
receipt

selectors: '[TERM, ...] OUTPUT' takes the messages for which all terms hold: severity<=err,
severity=info|debug, facility=mail, host=web*, app!=cron, peer=192.0.2.*; '[rest] OUTPUT' takes
what no other output takes.

examples:
  relpio receive --listen 0.0.0.0:2514 --output /var/log/relp.log
  relpio receive --listen [::1]:0 --output - --log-json
  relpio receive --listen [::]:2514 --output '/var/log/hosts/{{host}}.log' --ack synced
  relpio receive --listen [::]:2514 --output '[severity<=err] /var/log/errors.log' \\
      --output '[rest] /var/log/relp.log' --rotate-every day --compress gzip
  relpio receive --listen [::]:2514 --output '|/usr/local/bin/store' --program-confirm
"""
