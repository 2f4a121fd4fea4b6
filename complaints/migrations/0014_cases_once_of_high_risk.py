from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Cases that were graded or proposed high once are found from an index alone."""

    dependencies = [("complaints", "0013_department_model")]
    operations = [
        migrations.AddIndex(
            model_name="riskassessment",
            index=models.Index(
                fields=["complaint"], name="risk_ever_high", condition=Q(grade="high") | Q(proposed="high")
            ),
        ),
    ]
