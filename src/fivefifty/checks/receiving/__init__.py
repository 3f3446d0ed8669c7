"""The receiving side: who takes the domain's mail, and how these servers behave."""
