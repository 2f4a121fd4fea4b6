import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.migration import together

# Under which the limits stood beside the rules in the revisions of the alerts.
KEY = "review_steps"


def copy_limits(apps, schema_editor):
    """Each revision of the alerts that changed a limit becomes one of the limits; the first leaves all to the settings."""
    limits = apps.get_model("review", "LimitStandard").objects
    before = {}
    for row in apps.get_model("review", "AlertStandard").objects.order_by("revision"):
        days = row.rules.get(KEY, {})
        if days == before:
            continue
        if not before:
            limits.create(revision=1, days={}, at=row.at)
        limits.create(revision=limits.count() + 1, days=days, note=row.note, at=row.at, by_id=row.by_id)
        before = days


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0007_sample_replacement"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="reviewcase",
            name="screening_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        *together(
            [
                migrations.CreateModel(
                    name="LimitStandard",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                        ),
                        ("revision", models.PositiveIntegerField(unique=True)),
                        ("days", models.JSONField(default=dict)),
                        (
                            "note",
                            models.CharField(blank=True, max_length=200, verbose_name="what changed and why"),
                        ),
                        ("at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={"ordering": ["-revision"]},
                ),
            ]
        ),
        migrations.RunPython(copy_limits, migrations.RunPython.noop),
    ]
