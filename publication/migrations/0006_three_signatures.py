from django.db import migrations

from complaints import triggers

SIGNED_TWICE = "NEW.masking_reviewer_id IN (NEW.first_checker_id, NEW.second_checker_id)"
THREE_PEOPLE = triggers.run_both_ways(
    lambda vendor: triggers.refused_rows(vendor, "publication_publication", "masking_by_a_third_person", SIGNED_TWICE)
)


class Migration(migrations.Migration):
    """Who passes the masking made neither of the two checks: the database refuses it too (PUB-18, PR-01)."""

    dependencies = [("publication", "0005_public_effect")]
    operations = [migrations.RunPython(*THREE_PEOPLE)]
