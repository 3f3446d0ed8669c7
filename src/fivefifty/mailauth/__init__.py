"""Grammars and evaluators of mail authentication: pure over a World, usable on their own."""
