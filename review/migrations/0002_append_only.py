from django.db import migrations

from complaints import triggers

OPINIONS = triggers.run_both_ways(lambda vendor: triggers.append_only(vendor, "review_opinion"))
DECLARED = triggers.run_both_ways(lambda vendor: triggers.append_only(vendor, "review_declaredconflict"))


class Migration(migrations.Migration):
    dependencies = [("review", "0001_initial"), ("complaints", "0001_first_version")]
    operations = [migrations.RunPython(*OPINIONS), migrations.RunPython(*DECLARED)]
