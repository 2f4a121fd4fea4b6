import django.db.models.deletion
import publication.models
from django.conf import settings
from django.db import migrations, models

from accounts.migration import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0002_cache_table'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('complaints', '0001_first_version'),
    ]

    operations = together([
        migrations.CreateModel(
            name='PublishedResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=publication.models.new_public_id, max_length=16, unique=True)),
                ('publication_number', models.CharField(db_index=True, max_length=24)),
                ('title', models.CharField(max_length=80)),
                ('summary', models.CharField(blank=True, max_length=240)),
                ('subject', models.TextField()),
                ('cause', models.TextField()),
                ('investigation', models.TextField()),
                ('responsibility', models.TextField()),
                ('result', models.TextField()),
                ('improvement', models.TextField()),
                ('improvements', models.JSONField(default=list)),
                ('category_code', models.CharField(max_length=60)),
                ('category', models.CharField(max_length=80)),
                ('category_en', models.CharField(blank=True, max_length=80)),
                ('department_code', models.CharField(max_length=40)),
                ('department', models.CharField(max_length=80)),
                ('signatures', models.JSONField(default=list)),
                ('published_at', models.DateTimeField()),
                ('published_until', models.DateTimeField(null=True)),
                ('updated_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('content_hash', models.CharField(max_length=64)),
                ('engine_version', models.CharField(max_length=20)),
            ],
            options={
                'ordering': ['-published_at', '-id'],
                'indexes': [models.Index(condition=models.Q(('withdrawn_at__isnull', True)), fields=['-published_at', '-id'], name='results_newest'), models.Index(fields=['category_code', '-published_at'], name='results_category'), models.Index(fields=['department_code', '-published_at'], name='results_department')],
            },
        ),
        migrations.CreateModel(
            name='Publication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=24, unique=True)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('first_check', 'First check'), ('second_check', 'Second check'), ('masking_review', 'Masking review'), ('approved', 'Approved'), ('posted', 'Published'), ('withdrawn', 'Taken down'), ('abandoned', 'Not published')], default='draft', max_length=16)),
                ('version', models.PositiveIntegerField(default=0)),
                ('title', models.CharField(max_length=80, verbose_name='title')),
                ('summary', models.CharField(blank=True, max_length=240, verbose_name='answer in one sentence')),
                ('subject', models.TextField(blank=True, verbose_name='who complained')),
                ('cause', models.TextField(blank=True, verbose_name='what was complained of')),
                ('investigation', models.TextField(blank=True, verbose_name='how it was investigated')),
                ('responsibility', models.TextField(blank=True, verbose_name='who is responsible')),
                ('result', models.TextField(blank=True, verbose_name='what was done')),
                ('improvement', models.TextField(blank=True, verbose_name='what will improve')),
                ('profile', models.CharField(choices=[('standard', 'Standard'), ('strict', 'Strict')], default='standard', max_length=10)),
                ('publish_at', models.DateTimeField(blank=True, null=True, verbose_name='publish at')),
                ('publish_until', models.DateTimeField(blank=True, null=True, verbose_name='publish until')),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('first_checked_at', models.DateTimeField(null=True)),
                ('second_checked_at', models.DateTimeField(null=True)),
                ('masking_reviewed_at', models.DateTimeField(null=True)),
                ('signed_hash', models.CharField(blank=True, max_length=64)),
                ('posted_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('withdrawal_reason', models.CharField(blank=True, max_length=300)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('category', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='complaints.category')),
                ('complaint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='complaints.complaint')),
                ('department', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.department')),
                ('first_checker', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('improvements', models.ManyToManyField(blank=True, related_name='+', to='complaints.improvementaction')),
                ('masking_reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('second_checker', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('view_publications', 'Sees the publications'), ('compose', 'Can compose publications'), ('first_check', 'Can sign the first check'), ('second_check', 'Can sign the second check'), ('review_masking', 'Can sign the masking review'), ('publish', 'Can publish'), ('takedown', 'Can take publications down')],
                'indexes': [models.Index(fields=['status', '-updated_at'], name='publication_list')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['withdrawn', 'abandoned']), _negated=True), fields=('complaint',), name='one_publication_per_case'), models.CheckConstraint(condition=models.Q(('first_checker__isnull', True), models.Q(('first_checker', models.F('author')), _negated=True), _connector='OR'), name='first_checker_not_author'), models.CheckConstraint(condition=models.Q(('second_checker__isnull', True), models.Q(('second_checker', models.F('author')), _negated=True), _connector='OR'), name='second_checker_not_author'), models.CheckConstraint(condition=models.Q(('second_checker__isnull', True), models.Q(('second_checker', models.F('first_checker')), _negated=True), _connector='OR'), name='two_different_checkers'), models.CheckConstraint(condition=models.Q(('masking_reviewer__isnull', True), models.Q(('masking_reviewer', models.F('author')), _negated=True), _connector='OR'), name='masking_not_by_author'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['approved', 'posted']), _negated=True), models.Q(('first_checker__isnull', False), ('masking_reviewer__isnull', False), ('second_checker__isnull', False), models.Q(('signed_hash', ''), _negated=True)), _connector='OR'), name='approved_needs_all_signatures')],
            },
        ),
        migrations.CreateModel(
            name='PublicationDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('publish', models.BooleanField()),
                ('reason', models.CharField(blank=True, choices=[('not_suitable', 'Not suitable for publication'), ('consent_refused', 'The complainant does not agree'), ('secrecy', 'Secrecy'), ('pending', 'Proceedings are pending'), ('unfounded', 'Not substantiated'), ('other', 'Other')], max_length=16)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('complaint', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='complaints.complaint')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('publish', True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='not_published_has_reason')],
            },
        ),
        migrations.CreateModel(
            name='RedactionSpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(max_length=16)),
                ('start', models.PositiveIntegerField()),
                ('end', models.PositiveIntegerField()),
                ('type', models.CharField(max_length=20)),
                ('source', models.CharField(max_length=12)),
                ('confidence', models.FloatField(default=1)),
                ('replacement', models.CharField(max_length=200)),
                ('decision', models.CharField(choices=[('pending', 'To be decided'), ('accepted', 'Masked'), ('kept', 'Words kept')], default='pending', max_length=10)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('publication', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='spans', to='publication.publication')),
            ],
            options={
                'ordering': ['field', 'start'],
                'constraints': [models.CheckConstraint(condition=models.Q(('end__gt', models.F('start'))), name='span_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='SignOff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('first_check', 'First check'), ('second_check', 'Second check'), ('masking', 'Masking review by legal')], max_length=12)),
                ('passed', models.BooleanField(default=True)),
                ('content_hash', models.CharField(max_length=64)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('publication', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sign_offs', to='publication.publication')),
            ],
            options={
                'ordering': ['at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='FigureEvidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(choices=[('subject', 'Who complained'), ('cause', 'What was complained of'), ('investigation', 'How it was investigated'), ('responsibility', 'Who is responsible'), ('result', 'What was done about it'), ('improvement', 'What will improve, by when')], max_length=16)),
                ('figure', models.CharField(max_length=60)),
                ('evidence', models.CharField(max_length=200, verbose_name='record that proves it')),
                ('linked_at', models.DateTimeField()),
                ('linked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('publication', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='figures', to='publication.publication')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('publication', 'field', 'figure'), name='figure_once')],
            },
        ),
        migrations.CreateModel(
            name='PublishedSearch',
            fields=[
                ('result', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search', serialize=False, to='publication.publishedresult')),
                ('tokens', models.TextField()),
            ],
        ),
    ])
