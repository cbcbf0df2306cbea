"""Creates the table of events."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from typing import Any

from django.db import migrations, models


class OnMySQL(migrations.RunSQL):
    """SQL for MariaDB and MySQL alone."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Run the SQL, if the database is one of these."""
        if schema_editor.connection.vendor == "mysql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """There is nothing to undo: the table is dropped."""


class Migration(migrations.Migration):
    """The columns of :class:`pixelmw.sinks.SQLite`."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="PixelEvent",
            fields=[
                ("message_id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("type", models.TextField(null=True)),
                ("event", models.TextField(null=True)),
                ("user_id", models.TextField(null=True)),
                ("anonymous_id", models.TextField(null=True)),
                ("received_at", models.CharField(db_index=True, max_length=255, null=True)),
                ("body", models.JSONField()),
            ],
            options={"verbose_name": "pixel event", "ordering": ("-received_at",)},
        ),
        # The database's character set may have no emoji, and its collation may take "a" and "A" for the same key.
        OnMySQL("ALTER TABLE pixelmw_pixelevent CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    )
