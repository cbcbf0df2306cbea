"""What holds for pixelmw as a whole: whole requests, whole events, and real servers and browsers."""
