"""Mails: bounces, complaints, automatic replies, and reports that come by mail."""
