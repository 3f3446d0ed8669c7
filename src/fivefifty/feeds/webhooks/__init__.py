"""Webhooks of sending services."""
