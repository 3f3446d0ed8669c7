"""A small Internet of real servers, and the description of it that the other tests use too (lab/README.md)."""
