"""The sending host: the names of the IP and the name it greets with."""
