import accounts.crypto
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.migration import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('complaints', '0001_first_version'),
    ]

    operations = together([
        migrations.CreateModel(
            name='ReviewCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=24, unique=True)),
                ('status', models.CharField(choices=[('requested', 'Received'), ('set_up', 'Set up'), ('retrieval', 'Collecting records'), ('verification', 'Verifying'), ('conclusion', 'Concluding'), ('feedback', 'Giving feedback'), ('rectification', 'Rectification'), ('closed', 'Closed'), ('refused', 'No review')], default='requested', max_length=16)),
                ('version', models.PositiveIntegerField(default=0)),
                ('opened_at', models.DateTimeField()),
                ('screening_due_at', models.DateTimeField()),
                ('decision_due_at', models.DateTimeField(blank=True, null=True)),
                ('is_priority', models.BooleanField(default=False)),
                ('is_major', models.BooleanField(default=False, verbose_name='major complaint')),
                ('within_responsibility', models.BooleanField(null=True)),
                ('measures_exhausted', models.BooleanField(null=True)),
                ('demand_reasonable', models.BooleanField(null=True)),
                ('screening_reason', models.TextField(blank=True)),
                ('screened_at', models.DateTimeField(null=True)),
                ('acceptable_to_user', models.BooleanField(null=True, verbose_name='could I accept this if I were the complainant?')),
                ('conclusion', models.CharField(blank=True, choices=[('uphold', 'Uphold the first handling'), ('amend', 'Amend the first handling'), ('set_aside', 'Set the first handling aside')], max_length=12)),
                ('report', models.TextField(blank=True)),
                ('remedy', models.TextField(blank=True)),
                ('systemic_cause', models.TextField(blank=True)),
                ('report_at', models.DateTimeField(null=True)),
                ('finalised_at', models.DateTimeField(null=True)),
                ('dossier_hash', models.CharField(blank=True, max_length=64)),
                ('notified_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('complaint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='complaints.complaint')),
                ('finalised_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('rectifications', models.ManyToManyField(blank=True, related_name='+', to='complaints.improvementaction')),
                ('report_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('screened_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('review_case', 'Can work on reviews'), ('lead_review', 'Can lead the review group'), ('draw_sample', 'Can draw the monthly sample'), ('view_sample', 'Can see the sample and the reviews'), ('view_sample_figures', 'Can see the figures of the sample')],
                'indexes': [models.Index(condition=models.Q(('status__in', ['requested', 'set_up', 'retrieval', 'verification', 'conclusion', 'feedback', 'rectification'])), fields=['screening_due_at', 'id'], name='review_open'), models.Index(fields=['complaint', 'status'], name='review_of_case')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['requested', 'set_up', 'retrieval', 'verification', 'conclusion', 'feedback', 'rectification'])), fields=('complaint',), name='one_open_review_per_case'), models.CheckConstraint(condition=models.Q(('finalised_by__isnull', True), models.Q(('finalised_by', models.F('report_by')), _negated=True), _connector='OR'), name='conclusion_signed_by_another')],
            },
        ),
        migrations.CreateModel(
            name='SampleDraw',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(max_length=7, unique=True)),
                ('percent', models.PositiveSmallIntegerField(default=12)),
                ('state', models.CharField(choices=[('committed', 'Committed'), ('drawn', 'Drawn')], default='committed', max_length=10)),
                ('commitment', models.CharField(max_length=64)),
                ('nonce', accounts.crypto.EncryptedTextField()),
                ('committed_at', models.DateTimeField()),
                ('rule_version', models.CharField(default='1', max_length=12)),
                ('weights', models.JSONField(default=dict)),
                ('frame_size', models.PositiveIntegerField(default=0)),
                ('excluded', models.PositiveIntegerField(default=0)),
                ('frame_hash', models.CharField(blank=True, max_length=64)),
                ('seed', models.CharField(blank=True, max_length=64)),
                ('size', models.PositiveIntegerField(default=0)),
                ('drawn_at', models.DateTimeField(null=True)),
                ('verified_at', models.DateTimeField(null=True)),
                ('verified_ok', models.BooleanField(null=True)),
                ('committed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('drawn_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-period'],
                'constraints': [models.CheckConstraint(condition=models.Q(('percent__gte', 10), ('percent__lte', 15)), name='percent_10_15')],
            },
        ),
        migrations.CreateModel(
            name='DeclaredConflict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=200)),
                ('at', models.DateTimeField()),
                ('complaint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='complaints.complaint')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('complaint', 'user'), name='declared_once')],
            },
        ),
        migrations.CreateModel(
            name='Opinion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('uphold', 'Uphold the first handling'), ('amend', 'Amend the first handling'), ('set_aside', 'Set the first handling aside')], max_length=12)),
                ('text', models.TextField()),
                ('dossier_hash', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opinions', to='review.reviewcase')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('review', 'reviewer', 'dossier_hash'), name='one_opinion_per_reviewer')],
            },
        ),
        migrations.CreateModel(
            name='Material',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('complainant', 'Records of the complainant'), ('handler', 'Records of the handling side'), ('related', 'Statements of related parties'), ('system_log', 'System log'), ('history', 'Complaints of the past year')], max_length=12)),
                ('count', models.PositiveIntegerField(default=0)),
                ('expected', models.PositiveIntegerField(default=0)),
                ('missing_reason', models.CharField(blank=True, max_length=300)),
                ('collected_at', models.DateTimeField()),
                ('content_hash', models.CharField(blank=True, max_length=64)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='materials', to='review.reviewcase')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('review', 'kind'), name='material_kind_once')],
            },
        ),
        migrations.CreateModel(
            name='ReviewConflict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=40)),
                ('detail', models.CharField(blank=True, max_length=200)),
                ('at', models.DateTimeField()),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conflicts', to='review.reviewcase')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('review', 'user', 'reason'), name='conflict_once')],
            },
        ),
        migrations.CreateModel(
            name='ReviewerAssignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('is_author', models.BooleanField(default=False, verbose_name='writes the report')),
                ('is_void', models.BooleanField(default=False)),
                ('void_reason', models.CharField(blank=True, max_length=200)),
                ('assigned_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='review.reviewcase')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-is_author', 'id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_void', False)), fields=('review', 'reviewer'), name='reviewer_once')],
            },
        ),
        migrations.CreateModel(
            name='ReviewFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=120)),
                ('original', models.TextField(blank=True)),
                ('found', models.TextField()),
                ('comparison', models.CharField(choices=[('same', 'Consistent'), ('different', 'Not consistent'), ('omitted', 'Omitted')], max_length=10)),
                ('at', models.DateTimeField()),
                ('allegation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='complaints.allegation')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='review.reviewcase')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ReviewTrigger',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('application', 'Application by the complainant'), ('alert', 'System alert'), ('sample', 'Monthly sample')], max_length=12)),
                ('reasons', models.JSONField(default=list)),
                ('text', models.TextField(blank=True)),
                ('channel', models.CharField(blank=True, max_length=12)),
                ('rule', models.CharField(blank=True, max_length=40)),
                ('at', models.DateTimeField()),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='triggers', to='review.reviewcase')),
                ('draw', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='review.sampledraw')),
            ],
            options={
                'ordering': ['at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='FrameEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=24)),
                ('stratum', models.CharField(choices=[('frequent', 'Frequent complainants'), ('special', 'People who need care'), ('cross_department', 'Several departments'), ('other', 'Others')], max_length=24)),
                ('weight', models.CharField(max_length=12)),
                ('order', models.PositiveIntegerField(null=True)),
                ('key', models.CharField(blank=True, max_length=80)),
                ('complaint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='complaints.complaint')),
                ('review', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='review.reviewcase')),
                ('draw', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='frame', to='review.sampledraw')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('order__isnull', False)), fields=['draw', 'order'], name='picks_in_order')],
                'constraints': [models.UniqueConstraint(fields=('draw', 'complaint'), name='frame_entry_once')],
            },
        ),
    ])
