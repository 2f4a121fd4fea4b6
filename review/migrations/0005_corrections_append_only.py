from django.db import migrations

from complaints import triggers

CORRECTIONS = triggers.run_both_ways(lambda vendor: triggers.append_only(vendor, "review_correction"))
CHECKS = triggers.run_both_ways(lambda vendor: triggers.append_only(vendor, "review_outcomecheck"))


class Migration(migrations.Migration):
    """What a review puts right stands beside the record for good (REV-47); so does its look at the evidence (REV-40)."""

    dependencies = [("review", "0004_group_and_steps")]
    operations = [migrations.RunPython(*CORRECTIONS), migrations.RunPython(*CHECKS)]
