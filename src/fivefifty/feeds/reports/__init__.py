"""Reports of receivers: DMARC, TLS-RPT, SNDS, Postmaster Tools."""
