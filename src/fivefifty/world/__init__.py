"""The only doors to the outside: DNS, SMTP, HTTPS and the clock."""
