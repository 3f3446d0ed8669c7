"""DKIM: the keys of a domain and the signatures of a mail."""
