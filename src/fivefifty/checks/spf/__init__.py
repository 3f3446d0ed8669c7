"""SPF (RFC 7208): is there one record, is it right, what does it cost, and does it let this mail pass?"""
