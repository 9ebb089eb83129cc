"""The specification of a durable saga executor: sagas, designs, actions and invariants."""
