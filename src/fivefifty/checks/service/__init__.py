"""Who sends the mail, and who receives it."""
