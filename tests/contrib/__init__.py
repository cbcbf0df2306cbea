"""The middleware in the frameworks."""
