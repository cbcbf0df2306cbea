"""A page, and a mail whose opening is counted."""
