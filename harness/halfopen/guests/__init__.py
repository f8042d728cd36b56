"""Our programs that run on a lab's hosts, each a process of its own.

- `tcp_client` and `tcp_server`: the smallest programs under test.  They use nothing but the
  standard library, so that thousands of them would start fast; keepalive, user timeout and answers
  they have only if configured, like most programs.
- `kafka_produce` and `kafka_consume`: clients of Kafka with librdkafka.
- `misbehaving_receiver` and `weak_disk`: they replace what is around a program under test, in the
  namespace of its host, so that the program meets them through nothing but system calls.
- `probe_peer`: holds the connections with which `halfopen advise` proves its advice.

A lab starts them by their module's name or path; they import nothing else of halfopen or relpio.
"""
