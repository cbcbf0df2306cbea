"""Creates the table of events."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from django.db import migrations, models

from pixelmw.contrib.django.fields import ExactCharField, ExactTextField


class Migration(migrations.Migration):
    """The columns of :class:`pixelmw.sinks.SQLite`."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="PixelEvent",
            fields=[
                ("message_id", ExactCharField(max_length=255, primary_key=True, serialize=False)),
                ("type", ExactTextField(null=True)),
                ("event", ExactTextField(null=True)),
                ("user_id", ExactTextField(null=True)),
                ("anonymous_id", ExactTextField(null=True)),
                ("received_at", ExactCharField(db_index=True, max_length=255, null=True)),
                ("body", models.JSONField()),
            ],
            options={"verbose_name": "pixel event", "ordering": ("-received_at",)},
        ),
    )
