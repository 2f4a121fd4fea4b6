import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.migration import together


class Migration(migrations.Migration):
    """The masking profiles as revisions that one person proposes and another approves (PUB-14 to PUB-17, PR-08)."""

    dependencies = [
        ("publication", "0008_what_the_record_said"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = together(
        [
            migrations.CreateModel(
                name="MaskingRevision",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "profile",
                        models.CharField(choices=[("standard", "Standard"), ("strict", "Strict")], max_length=10),
                    ),
                    ("revision", models.PositiveIntegerField()),
                    ("rows", models.JSONField()),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("proposed", "Proposed"),
                                ("approved", "Approved"),
                                ("declined", "Declined"),
                                ("withdrawn", "Taken back"),
                            ],
                            default="proposed",
                            max_length=10,
                        ),
                    ),
                    ("applies_from", models.DateField(null=True, verbose_name="applies from")),
                    ("reason", models.CharField(blank=True, max_length=200, verbose_name="what changed and why")),
                    ("proposed_at", models.DateTimeField()),
                    ("decided_at", models.DateTimeField(null=True)),
                    ("decision_note", models.CharField(blank=True, max_length=200)),
                    (
                        "decided_by",
                        models.ForeignKey(
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "proposed_by",
                        models.ForeignKey(
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "ordering": ["profile", "-revision"],
                    "constraints": [
                        models.UniqueConstraint(fields=["profile", "revision"], name="masking_revision_once"),
                        models.UniqueConstraint(
                            fields=["profile"],
                            condition=models.Q(state="proposed"),
                            name="one_masking_proposal_per_profile",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(decided_by__isnull=True)
                            | ~models.Q(decided_by=models.F("proposed_by")),
                            name="masking_decided_by_another",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(revision=1)
                            | models.Q(proposed_by__isnull=False, applies_from__isnull=False)
                            & (
                                ~models.Q(state__in=["approved", "declined"])
                                | models.Q(decided_by__isnull=False, decided_at__isnull=False)
                            ),
                            name="masking_needs_two_persons",
                        ),
                    ],
                },
            ),
            migrations.AddField(
                model_name="publication",
                name="masking",
                field=models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="publication.maskingrevision",
                ),
            ),
            migrations.AddField(model_name="publishedresult", name="masking", field=models.JSONField(null=True)),
        ]
    )
