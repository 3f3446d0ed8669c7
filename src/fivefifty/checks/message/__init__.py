"""The mail itself: what receivers look at in its header."""
