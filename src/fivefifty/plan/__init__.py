"""Pure planning: rates and their tests, alerts, suppression; later warm-up and limits."""
