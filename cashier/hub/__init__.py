"""The postback hub: the service, and the till's client of it."""
