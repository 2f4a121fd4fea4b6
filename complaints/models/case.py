"""The aggregate: one case per complaint (CASE-01)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.querysets import ComplaintQuerySet
from complaints.states import (
    OPEN,
    Channel,
    Complexity,
    CustomerTier,
    EmotionIntensity,
    LateReason,
    PauseReason,
    RiskGrade,
    Severity,
    Status,
)

_IS_OPEN = Q(status__in=[str(status) for status in OPEN])


class NumberCounter(models.Model):
    """Last number given out in a scope ("HY-20261121"); its row lock makes numbers gapless."""

    scope = models.CharField(max_length=32, primary_key=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.scope}: {self.last}"


class Complaint(models.Model):
    """A complaint from registration to archive.

    `narrative` never changes once filed (a database trigger refuses it); supplements append.
    `version` counts the transitions, so a stale page is recognised. `next_due_at` is the earliest
    running deadline, kept by complaints.clocks; `work_days_used` etc. are computed on read.
    """

    number = models.CharField(max_length=24, unique=True)
    status = models.CharField(max_length=24, choices=Status.choices, default=Status.REGISTERED)
    status_since = models.DateTimeField()
    version = models.PositiveIntegerField(default=0)

    # What was said (IN-16…26)
    subject = models.CharField(_("subject"), max_length=120)
    narrative = models.TextField(_("what happened"))
    demand = models.TextField(_("what the complainant asks for"), blank=True)
    true_need = models.TextField(_("what lies behind the request"), blank=True)
    consequential_loss = models.TextField(_("losses that followed"), blank=True)
    product = models.CharField(_("product or service"), max_length=120, blank=True)
    batch = models.CharField(_("batch"), max_length=60, blank=True)
    business_step = models.CharField(_("business step"), max_length=120, blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    outlet = models.CharField(_("outlet or counter"), max_length=80, blank=True)
    occurred_on = models.DateField(_("date of the event"), null=True, blank=True)
    persons_affected = models.PositiveIntegerField(_("persons affected"), default=1)
    amount = models.DecimalField(_("amount in dispute (yuan)"), max_digits=14, decimal_places=2, null=True, blank=True)

    # How it came in
    channel = models.CharField(_("channel"), max_length=12, choices=Channel.choices)
    channel_reference = models.CharField(_("reference on the channel"), max_length=120, blank=True)
    source_url = models.URLField(_("link to the post"), max_length=500, blank=True)
    postmarked_on = models.DateField(_("date of the postmark"), null=True, blank=True)
    referring_body = models.CharField(_("referring body"), max_length=120, blank=True)
    referral_due_at = models.DateTimeField(_("due date of the referring body"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"))
    registered_at = models.DateTimeField(_("registered at"))
    registered_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    complainant = models.OneToOneField("complaints.Complainant", models.PROTECT, related_name="complaint")
    access_code_hash = models.CharField(max_length=128, blank=True, editable=False)
    is_confidential = models.BooleanField(_("identity withheld from the departments"), default=False)
    external_key = models.CharField(max_length=120, null=True, blank=True, unique=True, editable=False)
    import_batch = models.ForeignKey(
        "complaints.ImportBatch", models.PROTECT, null=True, blank=True, related_name="complaints", editable=False
    )

    # The person, as the interviewer heard them (IN-28…31)
    customer_tier = models.CharField(_("customer tier"), max_length=10, choices=CustomerTier.choices, blank=True)
    special_groups = models.JSONField(_("needs special care"), default=list, blank=True)
    emotion_intensity = models.PositiveSmallIntegerField(
        _("intensity of emotion"), choices=EmotionIntensity.choices, default=EmotionIntensity.CALM
    )
    threats = models.JSONField(_("says they will turn to"), default=list, blank=True)
    has_injury = models.BooleanField(_("somebody was injured"), default=False)
    has_damage = models.BooleanField(_("property was damaged"), default=False)
    involves_minors = models.BooleanField(_("minors are involved"), default=False)
    has_privacy_leak = models.BooleanField(_("personal data leaked"), default=False)

    # Independent dimensions (CLS-01)
    category = models.ForeignKey(
        "complaints.Category", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    # What it was called first; figures may count by it (CLS-15). Kept when the case is classified again.
    first_category = models.ForeignKey(
        "complaints.Category", models.PROTECT, null=True, editable=False, db_index=False, related_name="+"
    )
    nature = models.ForeignKey(
        "complaints.Category", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    kind = models.ForeignKey(
        "complaints.Category", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    legal_type = models.ForeignKey(
        "complaints.Category", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    emotions = models.ManyToManyField("complaints.Category", blank=True, related_name="+")
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices, default=Severity.MODERATE)
    complexity = models.CharField(_("complexity"), max_length=10, choices=Complexity.choices, default=Complexity.SIMPLE)
    risk_grade = models.CharField(_("risk"), max_length=8, choices=RiskGrade.choices, default=RiskGrade.ORDINARY)
    is_repeat = models.BooleanField(_("repeat complaint"), default=False)
    is_valid = models.BooleanField(_("valid complaint"), null=True, blank=True)
    is_unreasonable = models.BooleanField(_("unreasonable complaint"), default=False)
    is_unmet_need = models.BooleanField(_("unmet special need, not a defect"), default=False)

    # Belonging together (SCR-09)
    incident = models.ForeignKey(
        "complaints.Incident", models.PROTECT, null=True, blank=True, related_name="complaints"
    )
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged_cases")

    # Who works on it
    lead_department = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    handler = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    coordinator = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    accused_staff = models.ManyToManyField("accounts.User", blank=True, related_name="+")

    # Time
    policy = models.ForeignKey("complaints.ServicePolicy", models.PROTECT, related_name="+", db_index=False)
    next_due_at = models.DateTimeField(null=True, blank=True)
    is_paused = models.BooleanField(default=False)
    is_overdue = models.BooleanField(default=False)
    accepted_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    first_closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    awaiting_from = models.CharField(max_length=24, blank=True, choices=Status.choices, editable=False)
    rework_rounds = models.PositiveSmallIntegerField(default=0)
    return_rounds = models.PositiveSmallIntegerField(default=0)
    late_reason = models.CharField(_("reason for lateness"), max_length=16, choices=LateReason.choices, blank=True)
    is_systemic = models.BooleanField(_("has a systemic cause"), null=True, blank=True)
    is_cured = models.BooleanField(_("permanently cured"), null=True, blank=True)
    calendar_missing = models.BooleanField(default=False)
    pause_reason = models.CharField(max_length=16, choices=PauseReason.choices, blank=True)

    objects = ComplaintQuerySet.as_manager()

    class Meta:
        permissions = [
            ("use_desk", "Can use the staff desk"),
            ("view_all", "Sees every case"),
            ("view_department", "Sees the cases of the own department"),
            ("view_referred", "Sees the cases referred to legal"),
            ("view_managed", "Sees the cases of the departments managed"),
            ("view_published_cases", "Sees the cases being published"),
            ("view_original", "Can download original attachments"),
            ("view_notes", "Can read internal notes"),
            ("read_trail", "Can read the event log of a case"),
            ("register_complaint", "Can register a complaint for someone"),
            ("import_complaints", "Can import complaints"),
            ("screen_complaint", "Can decide on acceptance"),
            ("classify_complaint", "Can classify and grade"),
            ("assign_complaint", "Can assign to departments"),
            ("adjudicate_return", "Can decide on returned cases"),
            ("handle_complaint", "Can handle the cases of the department"),
            ("lead_department", "Can direct the work of the department"),
            ("write_note", "Can write notes"),
            ("record_contact", "Can record communications"),
            ("draft_reply", "Can draft the reply"),
            ("request_clock", "Can ask for a pause or extension"),
            ("approve_clock", "Can decide on a pause or extension"),
            ("check_quality", "Can check the quality of handling"),
            ("check_legal", "Can give the legal opinion on a case"),
            ("record_callback", "Can call complainants back"),
            ("record_for_complainant", "Can record what the complainant said"),
            ("close_complaint", "Can close cases"),
            ("reopen_complaint", "Can reopen cases"),
            ("archive_complaint", "Can archive cases"),
            ("merge_complaints", "Can link and merge cases"),
            ("edit_reference", "Can edit categories, rules, templates and the risk standard"),
            ("manage_risk", "Can work on legal and reputational risk"),
            ("read_interim_measures", "Can read interim measures about staff"),
            ("reveal_identity", "Can read identity and contact in clear"),
            ("approve_remedy", "Can approve remedies up to the own limit"),
            ("pay_remedy", "Can record that a remedy was given"),
            ("edit_knowledge", "Can write knowledge articles and training records"),
            ("read_consequences", "Can record and read what followed for staff"),
            ("approve_consultation", "Can let archived files be consulted"),
            ("appraise_files", "Can appraise and destroy archived files"),
            ("manage_incident", "Can lead the response to an incident"),
            ("release_bulletin", "Can release bulletins of an incident"),
            ("decide_key_change", "Can decide on changes of key data"),
            ("conduct_audit", "Can conduct compliance audits"),
            ("manage_law", "Can keep the register of law changes"),
            ("manage_data_incident", "Can work on incidents with personal data"),
            ("verify_improvement", "Can verify improvements"),
            ("verify_ledger", "Can verify the ledger"),
            ("rerun_job", "Can run a job again"),
        ]
        indexes = [
            # The queue: open cases by due time, keyset (next_due_at, id); unset due times come last.
            models.Index(fields=["next_due_at", "id"], name="queue_due", condition=_IS_OPEN),
            models.Index(fields=["status", "next_due_at", "id"], name="queue_status_due", condition=_IS_OPEN),
            models.Index(
                fields=["lead_department", "next_due_at", "id"], name="queue_department_due", condition=_IS_OPEN
            ),
            models.Index(fields=["category", "next_due_at", "id"], name="queue_category_due", condition=_IS_OPEN),
            models.Index(fields=["risk_grade", "next_due_at", "id"], name="queue_risk_due", condition=_IS_OPEN),
            # "My work"
            models.Index(fields=["handler", "next_due_at", "id"], name="queue_handler_due", condition=_IS_OPEN),
            models.Index(fields=["coordinator", "next_due_at", "id"], name="queue_coordinator_due", condition=_IS_OPEN),
            # Every case, newest first
            models.Index(fields=["-received_at", "-id"], name="all_received"),
            models.Index(fields=["lead_department", "-received_at", "-id"], name="department_received"),
            models.Index(fields=["category", "-received_at", "-id"], name="category_received"),
            models.Index(fields=["status", "-received_at", "-id"], name="status_received"),
            # Sampling frame and figures
            models.Index(
                fields=["first_closed_at"], name="closed_in_period", condition=Q(first_closed_at__isnull=False)
            ),
            models.Index(fields=["registered_at"], name="registered_in_period"),
            # One site, one batch, one import
            models.Index(fields=["outlet", "-received_at"], name="outlet_received", condition=~Q(outlet="")),
            models.Index(fields=["place", "-received_at"], name="place_received", condition=~Q(place="")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="complaint_status_known"),
            models.CheckConstraint(condition=Q(persons_affected__gte=1), name="persons_affected_positive"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class ComplaintSearch(models.Model):
    """Search tokens of a case (number, subject, narrative, place): overlapping pairs of characters.

    Full-text index made by migration for each database (complaints/search.py).
    """

    complaint = models.OneToOneField(Complaint, models.CASCADE, primary_key=True, related_name="search")
    tokens = models.TextField()

    def __str__(self) -> str:
        return f"search {self.pk}"
