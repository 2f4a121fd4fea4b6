from django.db import migrations

from complaints import search, triggers

SEARCH = triggers.run_both_ways(lambda vendor: search.index_sql(vendor, "publication_publishedsearch", "result_id"))
SIGNATURES = triggers.run_both_ways(lambda vendor: triggers.append_only(vendor, "publication_signoff"))


class Migration(migrations.Migration):
    dependencies = [("publication", "0001_initial"), ("complaints", "0001_first_version")]
    operations = [migrations.RunPython(*SEARCH), migrations.RunPython(*SIGNATURES)]
