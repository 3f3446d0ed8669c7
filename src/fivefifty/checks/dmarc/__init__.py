"""DMARC: the policy of the author domain, its reports, and whether the mail's identities align with it."""
