"""The domain's DNS: name servers, SOA, wildcards, how long records are remembered."""
