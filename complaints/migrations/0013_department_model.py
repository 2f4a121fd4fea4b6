import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("complaints", "0012_office_terms")]

    operations = [
        migrations.CreateModel(
            name="DepartmentModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weights", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("rows", models.PositiveIntegerField()),
                ("classes", models.PositiveIntegerField()),
                ("macro_f1", models.FloatField()),
                ("micro_f1", models.FloatField()),
                (
                    "trained",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="department_model",
                        to="complaints.trainedmodel",
                    ),
                ),
            ],
            options={"ordering": ["-trained__version"]},
        ),
    ]
