"""Public blocklists: is the sender's IP, its domain, or a link on one?"""
