import re
from datetime import date, datetime, time

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

from accounts.migration import together

# How earlier demands stood below the latest one in its text, in either language.
_DAY = r"\d{4}-\d\d-\d\d"
_BEGIN = rf"(?:此前要求（期限 {_DAY}）：|Demanded before, by {_DAY}: )"
_ROUND = re.compile(
    rf"(?:此前要求（期限 |Demanded before, by )(?P<due>{_DAY})(?:）：|: )(?P<demand>.*?)\n"
    rf"(?:(?:(?P<zh>{_DAY}) 答复：|Answer of (?P<en>{_DAY}): )(?P<answer>.*)|没有答复。|There was no answer\.)\n"
    r"(?:核查结论：未改进|What we found: not improved)",
    re.DOTALL,
)


def split(apps, schema_editor):
    """Take the earlier demands out of the text of the latest one.

    A text that does not read as it was written, or whose checks are not in the log, stays as it is.
    """
    rows = apps.get_model("analytics", "SupplierCase").objects
    rounds = apps.get_model("analytics", "SupplierRound").objects
    events = apps.get_model("complaints", "CaseEvent").objects
    for row in rows.filter(demand__contains="\n\n").order_by("pk"):
        latest, *earlier = re.split(rf"\n\n(?={_BEGIN})", row.demand)
        found = [_ROUND.fullmatch(text) for text in reversed(earlier)]
        checks = list(
            events.filter(complaint=row.complaint_id, kind="supplier_judged", reference=f"suppliercase:{row.pk}")
            .order_by("sequence")
            .values_list("at", "actor")[: len(found)]
        )
        if not all(found) or len(checks) < len(found):
            continue
        for number, (match, (at, actor)) in enumerate(zip(found, checks, strict=True), start=1):
            day = match["zh"] or match["en"]
            rounds.create(
                case=row,
                number=number,
                demand=match["demand"],
                due_on=date.fromisoformat(match["due"]),
                answer=match["answer"] or "",
                answered_at=timezone.make_aware(datetime.combine(date.fromisoformat(day), time.min)) if day else None,
                checked_at=at,
                checked_by_id=actor,
            )
        row.demand = latest
        row.save(update_fields=["demand"])


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0006_outbreak_standard'),
        ('complaints', '0012_office_terms'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *together([
            migrations.CreateModel(
                name='SupplierRound',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveSmallIntegerField(verbose_name='round')),
                    ('demand', models.TextField(verbose_name='improvement demanded')),
                    ('due_on', models.DateField(verbose_name='due on')),
                    ('answer', models.TextField(blank=True, verbose_name='answer of the supplier')),
                    ('answered_at', models.DateTimeField(null=True)),
                    ('checked_at', models.DateTimeField()),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rounds', to='analytics.suppliercase')),
                    ('checked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-number'],
                    'constraints': [models.UniqueConstraint(fields=('case', 'number'), name='supplier_round_once')],
                },
            ),
        ]),
        migrations.RunPython(split, migrations.RunPython.noop),
    ]
