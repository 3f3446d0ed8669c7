"""Watches over the stream: reads what is new, looks at rates, feeds and own domains, opens cases, and tells about them once."""
