"""Nothing below announces to complaints yet."""
