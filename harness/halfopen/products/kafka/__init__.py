"""Apache Kafka: its releases as jars from Maven Central, and their configuration."""
