from django.db import migrations

from complaints import search, triggers

SEARCH = triggers.run_both_ways(lambda vendor: search.index_sql(vendor, "complaints_complaintsearch", "complaint_id"))
LOG = triggers.run_both_ways(lambda vendor: triggers.append_only(vendor, "complaints_caseevent"))
TEXT = triggers.run_both_ways(
    lambda vendor: triggers.immutable_columns(vendor, "complaints_complaint", ["number", "narrative", "received_at", "registered_at"])
)


class Migration(migrations.Migration):
    dependencies = [("complaints", "0001_initial")]
    operations = [
        migrations.RunPython(*SEARCH),
        migrations.RunPython(*LOG),
        migrations.RunPython(*TEXT),
    ]
