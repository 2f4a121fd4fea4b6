import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.migration import together


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_department_name_en'),
    ]

    operations = together([
        migrations.CreateModel(
            name='AccessChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('roles', 'Roles'), ('address', 'E-mail address'), ('password', 'Password taken away'), ('second_step', 'Second step of the sign-in removed'), ('closed', 'Closing of the account'), ('opened', 'Reopening of the account')], max_length=12)),
                ('added', models.JSONField(default=list)),
                ('removed', models.JSONField(default=list)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('reason', models.CharField(max_length=300)),
                ('state', models.CharField(choices=[('proposed', 'Waits for a second person'), ('done', 'Done'), ('declined', 'Not agreed to'), ('withdrawn', 'Proposal taken back')], max_length=10)),
                ('proposed_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name='securityevent',
            index=models.Index(fields=['at'], name='accounts_se_at_6a8451_idx'),
        ),
        migrations.AddIndex(
            model_name='securityevent',
            index=models.Index(fields=['user', 'at'], name='accounts_se_user_id_991540_idx'),
        ),
        migrations.AddField(
            model_name='accesschange',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accesschange',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_changes', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accesschange',
            name='proposed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='accesschange',
            index=models.Index(fields=['state', 'proposed_at'], name='accounts_ac_state_3852fb_idx'),
        ),
        migrations.AddConstraint(
            model_name='accesschange',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'proposed')), fields=('person',), name='one_open_access_change'),
        ),
        migrations.AddConstraint(
            model_name='accesschange',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by', None), models.Q(models.Q(('decided_by', models.F('proposed_by')), _negated=True), models.Q(('decided_by', models.F('person')), _negated=True)), _connector='OR'), name='access_decided_by_another'),
        ),
        migrations.AddConstraint(
            model_name='accesschange',
            constraint=models.CheckConstraint(condition=models.Q(('proposed_by', None), models.Q(('proposed_by', models.F('person')), _negated=True), _connector='OR'), name='nobody_changes_own_access'),
        ),
    ])
