"""Output of commands on machines in trouble, as people paste it."""

# ruff: noqa: E501

from __future__ import annotations

SS = """\
State   Recv-Q  Send-Q    Local Address:Port      Peer Address:PortProcess
LISTEN  0       128             0.0.0.0:514            0.0.0.0:*    users:(("rsyslogd",pid=812,fd=7))
LISTEN  0       128                [::]:22                [::]:*    users:(("sshd",pid=7,fd=3))
ESTAB   0       0              10.0.0.5:514          10.0.0.9:40112 users:(("rsyslogd",pid=812,fd=12)) timer:(keepalive,119min,0)
ESTAB   0       0              10.0.0.5:514          10.0.0.8:601   users:(("rsyslogd",pid=812,fd=13)) timer:(keepalive,1min23sec,0)
ESTAB   0       0              10.0.0.5:514          10.0.0.8:602
ESTAB   0       0     [::ffff:10.0.0.5]:22   [::ffff:10.0.0.77]:55555 users:(("sshd",pid=99,fd=4))
"""

SS_CLIENT = """\
tcp   ESTAB      0      5120   10.0.0.9%eth0:40112   10.0.0.5:2514 users:(("relpio",812,12)) timer:(on,12sec,7)
\t cubic wscale:7,7 rto:51200 backoff:7 lastsnd:12000 lastrcv:7300000 lastack:7300000 unacked:5
tcp   ESTAB      0      0      10.0.0.9:40113        10.0.0.6:2514 timer:(keepalive,2.500ms,3)
udp   UNCONN     0      0      127.0.0.1:323         0.0.0.0:*
"""

CONNTRACK = """\
tcp      6 3117 ESTABLISHED src=10.0.0.9 dst=192.0.2.5 sport=40112 dport=9092 src=10.1.0.5 dst=10.0.0.9 sport=9092 dport=40112 [ASSURED] mark=0 use=1
tcp      6 3599 ESTABLISHED src=10.0.0.8 dst=192.0.2.5 sport=40113 dport=9092 src=10.1.0.5 dst=10.0.0.8 sport=9092 dport=40113 [ASSURED] mark=0 use=1
ipv4     2 tcp      6 300 ESTABLISHED src=10.0.0.7 dst=192.0.2.5 sport=1 dport=9092 [UNREPLIED] src=10.1.0.5 dst=10.0.0.7 sport=9092 dport=1 mark=0 zone=0 use=2
udp      17 29 src=10.0.0.9 dst=10.0.0.1 sport=5353 dport=53 src=10.0.0.1 dst=10.0.0.9 sport=53 dport=5353 mark=0 use=1
tcp      6 119 TIME_WAIT src=10.0.0.9 dst=10.0.0.1 sport=5353 dport=80 src=10.0.0.1 dst=10.0.0.9 sport=80 dport=5353 [ASSURED] mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 5 flow entries have been shown.
"""

SYSCTL = """\
kernel.core_uses_pid = 1
net.ipv4.ip_local_port_range = 32768\t60999
net.ipv4.tcp_keepalive_intvl = 75
net.ipv4.tcp_keepalive_probes = 5
net.ipv4.tcp_keepalive_time = 7200
net.ipv4.tcp_retries2 = 8
net.netfilter.nf_conntrack_tcp_timeout_established = 3600
sysctl: permission denied on key 'net.ipv6.conf.all.stable_secret'
"""


def cut(text: str, line: int, characters: int) -> str:
    """`text` up to `characters` of its line number `line`."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[: line - 1]) + lines[line - 1][:characters]
