"""The middleware in Django."""
