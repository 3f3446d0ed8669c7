"""Mail logs and message traces, line by line."""
