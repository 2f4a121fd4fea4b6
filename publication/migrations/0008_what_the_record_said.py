from django.db import migrations, models


class Migration(migrations.Migration):
    """The five questions keep what the record spoke for when they were answered (PUB-44, PR-16)."""

    dependencies = [("publication", "0007_public_reports_gone_addresses")]
    operations = [
        migrations.AddField(model_name="gate", name="suggested", field=models.JSONField(null=True)),
    ]
