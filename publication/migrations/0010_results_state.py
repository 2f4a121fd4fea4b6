from django.db import migrations, models


class Migration(migrations.Migration):
    """The state of the public list is read from an index alone."""

    dependencies = [("publication", "0009_masking_revisions")]
    operations = [
        migrations.AddIndex(
            model_name="publishedresult",
            index=models.Index(
                fields=["updated_at", "published_at", "published_until", "withdrawn_at"], name="results_state"
            ),
        ),
    ]
