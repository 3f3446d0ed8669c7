"""Transport policy: MTA-STS, TLS reports, DANE, DNSSEC, BIMI, CAA."""
