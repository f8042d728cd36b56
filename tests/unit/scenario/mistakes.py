"""Mistakes in a scenario file, and the exact lines and sentences that they get."""

# (what stands in the valid file, what is put there instead, the problems)
MISTAKES = [
    (
        "to: receiver",
        "tp: receiver",
        [
            "s.yaml:4: 'to' is missing for sender; add it",
            "s.yaml:6: unknown key 'tp' for sender; known: ack timeout, keepalive, mode, pauses, "
            "to, user timeout, window",
        ],
    ),
    (
        "keepalive: off",
        "ack_timeout: 90 s",
        ["s.yaml:7: unknown key 'ack_timeout' for sender; did you mean 'ack timeout'?"],
    ),
    (
        "keepalive: off",
        "keepalive: { idle: 30 min, intervl: 75 s, probes: 9 }",
        [
            "s.yaml:7: 'keepalive interval' is missing for sender; add it",
            "s.yaml:7: unknown key 'intervl' for sender; did you mean 'interval'?",
        ],
    ),
    (
        "keepalive: off",
        "keepalive: fast",
        [
            "s.yaml:7: keepalive for sender: 'fast' is not accepted here; use off, or a mapping "
            "of idle, interval, probes"
        ],
    ),
    (
        "keepalive: off",
        "keepalive:\n      idle: 0.1 s\n      interval: -5 s\n      probes: 0",
        [
            "s.yaml:8: keepalive idle for sender: '0.1 s' is too small; write 1 s or more",
            "s.yaml:9: keepalive interval for sender: '-5 s' is not a duration; write for example "
            "75 s, 90 min or 1 h 30 min",
            "s.yaml:10: keepalive probes for sender: 0 is too small; write 1 or more",
        ],
    ),
    (
        "keepalive: off",
        "window: many",
        ["s.yaml:7: window for sender: 'many' is not a whole number; write a whole number"],
    ),
    (
        "keepalive: off",
        "window: 1.5",
        ["s.yaml:7: window for sender: 1.5 is not a whole number; write a whole number"],
    ),
    (
        "keepalive: off",
        "mode: tsl",
        [
            "s.yaml:7: mode for sender: 'tsl' is not accepted here; use plain or tls or a whole "
            "number"
        ],
    ),
    (
        "keepalive: off",
        "pauses:\n      - 5 s\n      - 7",
        ["s.yaml:9: pauses for sender: 7 has no unit; write for example 7 s or 7 min"],
    ),
    (
        "keepalive: off",
        "ack timeout: 9000 d",
        [
            "s.yaml:7: ack timeout for sender: '9000 d' is longer than ten years; check the unit",
        ],
    ),
    (
        "keepalive: off",
        "keepalive:",
        ["s.yaml:7: 'keepalive' has no value; write one, or leave the line out"],
    ),
    (
        "run: relpio receive",
        "run: relpio receive\n    durable: perhaps",
        ["s.yaml:12: durable for receiver: 'perhaps' is not true or false; write true or false"],
    ),
    (
        "relpio send",
        "relpio sned",
        ["s.yaml:5: unknown system 'relpio sned' on host sender; did you mean 'relpio send'?"],
    ),
    (
        "to: receiver",
        "to: receever",
        ["s.yaml:6: host sender names unknown host 'receever'; did you mean 'receiver'?"],
    ),
    (
        "fortigate",
        "fortigat",
        ["s.yaml:9: unknown profile 'fortigat' on host firewall; did you mean 'fortigate'?"],
    ),
    (
        "fortigate",
        "zyx",
        [
            "s.yaml:9: unknown profile 'zyx' on host firewall; see `halfopen profiles`, "
            "or name a file: ./my-firewall.yaml"
        ],
    ),
    (
        "profile: fortigate",
        "profile: fortigate\n    idle timeout: 10 s\n    on expiry: rst bth",
        [
            "s.yaml:11: on expiry for firewall: 'rst bth' is not an allowed value; "
            "did you mean 'rst both'?",
        ],
    ),
    (
        "profile: fortigate",
        "profile: fortigate\n    idle timeout: 10 s",
        [
            "s.yaml:10: idle timeout for firewall: Fortinet FortiGate (FortiOS) cannot be set to "
            "10 s; use 300 s to 32 d"
        ],
    ),
    (
        "profile: fortigate",
        "profile: aws-nat-gateway\n    idle timeout: 10 min",
        [
            "s.yaml:10: idle timeout for firewall: AWS NAT gateway cannot be set to 10 min; "
            "it is fixed at 350 s"
        ],
    ),
    (
        "profile: fortigate",
        "profile: ./no.yaml",
        ["no.yaml:1: no such file; check the path"],
    ),
    (
        "profile: fortigate",
        "about: x",
        [
            "s.yaml:8: host firewall has neither `run` nor `profile`; add `run: SYSTEM` or "
            "`profile: PROFILE`"
        ],
    ),
    (
        "profile: fortigate",
        "profile: fortigate\n    run: relpio receive",
        ["s.yaml:8: host firewall has both `run` and `profile`; leave one of them out"],
    ),
    (
        "profile: fortigate",
        "run: relpio receive",
        [
            "s.yaml:12: firewall is in the middle of the path, but runs a system; only middleboxes "
            "and proxies can be between the two ends"
        ],
    ),
    (
        "[sender, firewall, receiver]",
        "[firewall, sender, receiver]",
        [
            "s.yaml:12: sender is in the middle of the path, but runs a system; only middleboxes "
            "and proxies can be between the two ends",
            "s.yaml:12: the path begins with firewall, a middlebox; both ends must run a system",
        ],
    ),
    (
        "[sender, firewall, receiver]",
        "[sender, receiver]",
        [
            "s.yaml:8: host firewall is not on the path; add it, or leave it out",
            "s.yaml:12: the path is shorter than three hosts; write for example "
            "[sender, firewall, receiver]",
        ],
    ),
    (
        "[sender, firewall, receiver]",
        "[sender, firewall, firewall, receiver]",
        ["s.yaml:12: firewall is on the path more than once; name each host once"],
    ),
    (
        "[sender, firewall, receiver]",
        "sender",
        [
            "s.yaml:12: 'path' is not a list of hosts; write for example "
            "[sender, firewall, receiver]"
        ],
    ),
    (
        "wait: 75 min",
        "wait: 75",
        ["s.yaml:15: wait in a wait step: 75 has no unit; write for example 75 s or 75 min"],
    ),
    (
        "wait: 75 min",
        "wait: 1.5",
        ["s.yaml:15: wait in a wait step: 1.5 has no unit; write for example 1.5 s or 1.5 min"],
    ),
    (
        "wait: 75 min",
        "wait: 0 s",
        ["s.yaml:15: wait in a wait step: '0 s' is too small; write more than 0 s"],
    ),
    (
        "wait: 75 min",
        "fault: forget flows\n    at: firewall\n    for: 5 min",
        [
            "s.yaml:17: fault 'forget flows' takes effect at once, so 'for' does not apply; "
            "remove 'for'"
        ],
    ),
    (
        "wait: 75 min",
        "fault: silent drop\n    at: firewall\n    for: -5 min",
        [
            "s.yaml:17: for for fault 'silent drop': '-5 min' is not a duration; write for example "
            "75 s, 90 min or 1 h 30 min"
        ],
    ),
    (
        "wait: 75 min",
        "fault: link down\n    between: [sender, receiver]",
        [
            "s.yaml:16: fault 'link down': no link joins sender and receiver; the links are: "
            "sender and firewall, firewall and receiver"
        ],
    ),
    (
        "wait: 75 min",
        "fault: loss\n    at: firewall\n    share: 0.1",
        [
            "s.yaml:17: share for fault 'loss': 0.1 is not a share; write for example 5 % "
            "(above 0, at most 100)"
        ],
    ),
    (
        "wait: 75 min",
        "heal: silent dorp",
        ["s.yaml:15: unknown fault 'silent dorp'; did you mean 'silent drop'?"],
    ),
    ("wait: 75 min", "wiat: 75 min", ["s.yaml:15: unknown step 'wiat'; did you mean 'wait'?"]),
    (
        "- wait: 75 min",
        "- wait 75 min",
        ["s.yaml:15: the step 'wait 75 min' has no key; write `- wait: 75 min`"],
    ),
    (
        "wait: 75 min",
        "wait: 75 min\n    send: 4",
        ["s.yaml:15: one step has both send and wait; write a list item for each"],
    ),
    (
        "wait: 75 min",
        "fault: forget flow\n    at: firewall",
        ["s.yaml:15: unknown fault 'forget flow'; did you mean 'forget flows'?"],
    ),
    (
        "wait: 75 min",
        "fault: forget flows\n    at: receiver",
        [
            "s.yaml:16: fault 'forget flows' needs a middlebox, but receiver runs a system; "
            "name one of firewall"
        ],
    ),
    (
        "wait: 75 min",
        "fault: kill\n    at: firewall",
        [
            "s.yaml:16: fault 'kill' needs a host that runs a system, but firewall is a middlebox; "
            "name one of receiver, sender"
        ],
    ),
    (
        "at end: 0",
        "at end: at least 0",
        [
            "s.yaml:18: at end for check 'half-open': 'at least 0' always holds; "
            "write at least 1, or leave it out"
        ],
    ),
    (
        "half-open: { at: receiver, at end: 0 }",
        "fds: { at: receiver, kind: tpc, at end: 0 }",
        ["s.yaml:18: kind for check 'fds': 'tpc' is not an allowed value; did you mean 'tcp'?"],
    ),
    (
        "half-open: { at: receiver",
        "half-open: { at: firewall",
        [
            "s.yaml:18: check 'half-open' needs a host that runs a system, but firewall is a "
            "middlebox; name one of receiver, sender"
        ],
    ),
    (
        "half-open: { at: receiver",
        "idle drops: { at: receiver",
        [
            "s.yaml:18: check 'idle drops' needs a middlebox, but receiver runs a system; "
            "name one of firewall"
        ],
    ),
    (
        "wait: 75 min",
        "fault: forget flows\n    at: firewal",
        ["s.yaml:16: fault 'forget flows' names unknown host 'firewal'; did you mean 'firewall'?"],
    ),
    (
        "wait: 75 min",
        "start: nobody",
        [
            "s.yaml:15: a start step names unknown host 'nobody'; available hosts: "
            "firewall, receiver, sender"
        ],
    ),
    (
        "wait: 75 min",
        "send: 5\n    from: receiver",
        [
            "s.yaml:16: a send step needs a host that runs a sender, which receiver does not; "
            "name one of sender"
        ],
    ),
    (
        "half-open: {",
        "half-opn: {",
        ["s.yaml:18: unknown check 'half-opn'; did you mean 'half-open'?"],
    ),
    (
        "at: receiver, at end",
        "at: recever, at end",
        ["s.yaml:18: check 'half-open' names unknown host 'recever'; did you mean 'receiver'?"],
    ),
    (
        "at end: 0",
        "at end: some",
        [
            "s.yaml:18: at end for check 'half-open': 'some' is not a bound; write for example 3, "
            "at most 3 or at least 1"
        ],
    ),
    (
        "  - half-open: { at: receiver, at end: 0 }",
        "  - half-open: { at: receiver, at end: 0 }\n  - half-open: { at: receiver, at end: 1 }",
        ["s.yaml:19: 'half-open at receiver' is expected twice; merge it with line 18"],
    ),
    (
        "  firewall:\n",
        "  Fire_wall:\n",
        [
            "s.yaml:8: 'Fire_wall' is not a valid host name; use up to 31 of a-z, 0-9 and -, "
            "a letter first",
            "s.yaml:8: host Fire_wall is not on the path; add it, or leave it out",
            "s.yaml:12: the path names unknown host 'firewall'; did you mean 'Fire_wall'?",
        ],
    ),
    (
        "scale: 600",
        "scael: 600",
        ["s.yaml:2: unknown key 'scael' here; did you mean 'scale'?"],
    ),
    (
        "scale: 600",
        "scale: 0.5",
        ["s.yaml:2: scale: 0.5 is out of range; write a number from 1 (real time) to 1000000"],
    ),
    (
        "scale: 600",
        "scale: .inf",
        ["s.yaml:2: scale: '.inf' is not a number; write for example 600"],
    ),
    (
        "    keepalive: off",
        "    sysctls:\n      kernel.pid_max: 5\n      net.ipv4.tcp_keepalive_time: 30\n"
        "      net.ipv4.ip_forward: true\n      net.ipv4.tcp_fin_timeout: -3 s",
        [
            "s.yaml:8: sysctl 'kernel.pid_max' for sender does not belong to a network namespace; "
            "only net.* does",
            "s.yaml:9: net.ipv4.tcp_keepalive_time for sender: 30 has no unit; "
            "write for example 30 s",
            "s.yaml:10: net.ipv4.ip_forward for sender: true is not a whole number or a text; "
            "write for example 1",
            "s.yaml:11: net.ipv4.tcp_fin_timeout for sender: '-3 s' is not a duration; "
            "write for example 75 s, 90 min or 1 h 30 min",
        ],
    ),
    (
        "scale: 600",
        "scale: 600\nscale: 300",
        ["s.yaml:3: duplicate key 'scale' (first on line 2); remove one"],
    ),
    (
        "  receiver:\n",
        "  sender:\n",
        [
            "s.yaml:10: duplicate key 'sender' (first on line 4); remove one",
            "s.yaml:6: host sender names unknown host 'receiver'; "
            "available hosts: firewall, sender",
            "s.yaml:12: the path names unknown host 'receiver'; available hosts: firewall, sender",
            "s.yaml:18: check 'half-open' names unknown host 'receiver'; "
            "available hosts: firewall, sender",
        ],
    ),
]
