"""A durable saga executor that conforms to the specification of this project; see docs/reference.md."""
