"""What ``manage.py`` can do with pixels."""
