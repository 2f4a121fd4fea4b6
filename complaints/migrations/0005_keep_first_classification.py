from django.db import migrations
from django.db.models import OuterRef, Subquery


def keep_what_came_first(apps, schema_editor):
    """Cases classified before this was kept: their oldest decision says what they were called first."""
    using = schema_editor.connection.alias
    decisions = apps.get_model("complaints", "Classification").objects.using(using)
    oldest = decisions.filter(complaint=OuterRef("pk"), dimension="category").order_by("at", "pk")
    apps.get_model("complaints", "Complaint").objects.using(using).update(
        first_category=Subquery(oldest.values("category")[:1])
    )


class Migration(migrations.Migration):
    dependencies = [("complaints", "0004_first_classification")]
    operations = [migrations.RunPython(keep_what_came_first, migrations.RunPython.noop)]
