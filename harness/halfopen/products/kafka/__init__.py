"""Apache Kafka: its releases as jars from Maven Central, and clients of it by librdkafka."""
