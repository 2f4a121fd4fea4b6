"""Problems behind complaints, their causes, the projects that mend them, suppliers and meetings (IMP-01…20)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.states import (
    AdoptionState,
    CauseCode,
    ImprovementKind,
    ProblemSourceKind,
    ProblemState,
    ProjectState,
    SupplierDemandState,
)


class Problem(models.Model):
    """One entry of the problem list: a weakness that complaints, reviews or reports have shown (IMP-01, IMP-02)."""

    number = models.CharField(max_length=24, unique=True)
    version = models.PositiveIntegerField(default=0)
    title = models.CharField(_("problem"), max_length=120)
    description = models.TextField(_("what is wrong"))
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, blank=True, related_name="+")
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=ProblemState.choices, default=ProblemState.OPEN)
    is_major = models.BooleanField(_("major problem"), default=False)
    # Ranking: cases behind it, weighted by their risk; recomputed whenever a source is added (IMP-02).
    cases = models.PositiveIntegerField(default=0)
    score = models.PositiveIntegerField(default=0)
    causes = models.JSONField(_("causes"), default=list)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    settled_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-score", "-id"]
        permissions = [
            ("manage_problems", "Can keep the problem list and its projects"),
            ("close_period", "Can close a period for the figures"),
        ]
        indexes = [
            models.Index(fields=["state", "-score", "-id"], name="problem_rank"),
            models.Index(fields=["category", "state"], name="problem_category"),
        ]

    def __str__(self) -> str:
        return self.number


class ProblemSource(models.Model):
    """Where a problem was seen; linked to the cases so that counts and recurrence can be computed (IMP-07)."""

    problem = models.ForeignKey(Problem, models.PROTECT, related_name="sources")
    kind = models.CharField(max_length=12, choices=ProblemSourceKind.choices)
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")
    # Number of the report, review, publication or incident.
    reference = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["problem", "complaint"], condition=Q(complaint__isnull=False), name="case_in_problem_once"
            ),
            models.UniqueConstraint(
                fields=["problem", "kind", "reference"],
                condition=Q(complaint__isnull=True) & ~Q(reference=""),
                name="source_in_problem_once",
            ),
        ]
        indexes = [models.Index(fields=["complaint"], name="problems_of_case", condition=Q(complaint__isnull=False))]

    def __str__(self) -> str:
        return f"{self.problem_id}: {self.kind}"


class CauseAnalysis(models.Model):
    """A root-cause workshop: who took part, the chain of whys, the fishbone, what follows (IMP-03).

    `whys` is a list of texts; `fishbone` maps a bone (people, method, machine, material, environment, measure)
    to a list of texts. `root_cause` is a code of IMP-08 and IMP-09.
    """

    problem = models.ForeignKey(Problem, models.PROTECT, related_name="analyses")
    version = models.PositiveIntegerField(default=0)
    held_on = models.DateField(_("held on"))
    participants = models.ManyToManyField("accounts.User", related_name="+", blank=True)
    guests = models.CharField(_("other participants"), max_length=300, blank=True)
    whys = models.JSONField(default=list)
    fishbone = models.JSONField(default=dict)
    root_cause = models.CharField(max_length=24, choices=CauseCode.choices)
    conclusion = models.TextField(_("conclusion"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-held_on", "-id"]

    def __str__(self) -> str:
        return f"analysis {self.pk}"


class Project(models.Model):
    """An improvement project: owner, timetable, acceptance criteria, before and after (IMP-04…06, IMP-13)."""

    number = models.CharField(max_length=24, unique=True)
    version = models.PositiveIntegerField(default=0)
    problem = models.ForeignKey(Problem, models.PROTECT, related_name="projects")
    title = models.CharField(_("project"), max_length=120)
    kind = models.CharField(_("kind of improvement"), max_length=12, choices=ImprovementKind.choices)
    # Where along the chain from design to service something changes (IMP-04)
    chain = models.JSONField(default=list)
    goal = models.TextField(_("what will be different"))
    acceptance = models.TextField(_("acceptance criteria"))
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    owner = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    starts_on = models.DateField(_("from"))
    due_on = models.DateField(_("due on"))
    report_every_days = models.PositiveSmallIntegerField(_("progress is reported every so many days"), default=14)
    state = models.CharField(max_length=10, choices=ProjectState.choices, default=ProjectState.OPEN)
    percent = models.PositiveSmallIntegerField(default=0)
    reported_on = models.DateField(null=True)
    reminded_on = models.DateField(null=True)
    indicator = models.CharField(_("indicator"), max_length=40)
    before_from = models.DateField(null=True)
    before_until = models.DateField(null=True)
    before_value = models.FloatField(null=True)
    after_from = models.DateField(null=True)
    after_until = models.DateField(null=True)
    after_value = models.FloatField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    verified_at = models.DateTimeField(null=True)
    verified_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    verified_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True) | (~Q(verified_by=F("owner")) & ~Q(verified_by=F("done_by"))),
                name="project_verified_by_another",
            ),
            models.CheckConstraint(condition=Q(due_on__gte=F("starts_on")), name="project_in_order"),
            models.CheckConstraint(condition=Q(percent__lte=100), name="project_percent"),
        ]
        indexes = [models.Index(fields=["state", "due_on", "id"], name="project_list")]

    def __str__(self) -> str:
        return self.number


class ProjectProgress(models.Model):
    """One progress report of a project (IMP-06)."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="progress")
    percent = models.PositiveSmallIntegerField()
    text = models.TextField(_("progress"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(percent__lte=100), name="progress_percent")]

    def __str__(self) -> str:
        return f"{self.project_id} {self.percent}"


class Adoption(models.Model):
    """Another unit is asked to take over a proven improvement (IMP-14)."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="adoptions")
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=AdoptionState.choices, default=AdoptionState.ASKED)
    due_on = models.DateField(_("due on"))
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    answer = models.TextField(_("answer"), blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["project", "department"], name="adoption_once")]

    def __str__(self) -> str:
        return f"{self.project_id} → {self.department_id}"


class UpstreamItem(models.Model):
    """What complaints say to those who make the product or the process, and their answer (IMP-11, SPG-06)."""

    problem = models.ForeignKey(Problem, models.PROTECT, null=True, related_name="upstream")
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    text = models.TextField(_("what they should know"))
    due_on = models.DateField(_("answer by"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    answer = models.TextField(_("answer"), blank=True)
    is_adopted = models.BooleanField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["department", "due_on"], name="upstream_open", condition=Q(answered_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"upstream {self.pk}"


class Supplier(models.Model):
    """A supplier whose doing leads to complaints (IMP-12)."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    supplies = models.CharField(_("what it supplies"), max_length=200, blank=True)
    contact = models.CharField(_("whom to turn to"), max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SupplierCase(models.Model):
    """A complaint a supplier caused, what is demanded, and what came of it (IMP-12)."""

    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="cases")
    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="+")
    share = models.TextField(_("what the supplier did"))
    demand = models.TextField(_("improvement demanded"), blank=True)
    due_on = models.DateField(_("due on"), null=True)
    state = models.CharField(max_length=12, choices=SupplierDemandState.choices, default=SupplierDemandState.RECORDED)
    answer = models.TextField(_("answer of the supplier"), blank=True)
    answered_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    checked_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["supplier", "complaint"], name="supplier_case_once")]

    def __str__(self) -> str:
        return f"{self.supplier_id}: {self.complaint_id}"


class SupplierRound(models.Model):
    """A demand that ended without an improvement, before the supplier was asked again (IMP-12).

    The demand that runs or was the last one stands in the case itself.
    """

    case = models.ForeignKey(SupplierCase, models.CASCADE, related_name="rounds")
    number = models.PositiveSmallIntegerField(_("round"))
    demand = models.TextField(_("improvement demanded"))
    due_on = models.DateField(_("due on"))
    answer = models.TextField(_("answer of the supplier"), blank=True)
    answered_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField()
    checked_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="supplier_round_once")]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.number}"


class SupplierScore(models.Model):
    """The evaluation of a supplier for a period, drafted from its cases and confirmed by a person (IMP-12)."""

    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="scores")
    period = models.CharField(max_length=7)
    score = models.PositiveSmallIntegerField(_("score"))
    facts = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-period"]
        constraints = [
            models.UniqueConstraint(fields=["supplier", "period"], name="supplier_scored_once"),
            models.CheckConstraint(condition=Q(score__lte=100), name="supplier_score_100"),
        ]

    def __str__(self) -> str:
        return f"{self.supplier_id} {self.period}"


class TransferMeeting(models.Model):
    """R&D, marketing, sales and service meet over what complaints say; data pack and resolutions (IMP-10)."""

    title = models.CharField(_("title"), max_length=120)
    planned_at = models.DateTimeField(_("when"))
    period = models.CharField(max_length=7)
    participants = models.ManyToManyField("accounts.User", related_name="+", blank=True)
    guests = models.CharField(_("other participants"), max_length=300, blank=True)
    problems = models.ManyToManyField(Problem, related_name="meetings", blank=True)
    # Figures frozen when the pack was made.
    pack = models.JSONField(default=dict)
    pack_at = models.DateTimeField(null=True)
    minutes = models.TextField(_("minutes"), blank=True)
    called_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    called_at = models.DateTimeField()
    held_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-planned_at", "-id"]

    def __str__(self) -> str:
        return self.title


class Resolution(models.Model):
    """Something decided on a report or at a meeting: who does it, until when, and what came of it (AN-30, IMP-10)."""

    report = models.ForeignKey("analytics.Report", models.PROTECT, null=True, related_name="resolutions")
    meeting = models.ForeignKey(TransferMeeting, models.PROTECT, null=True, related_name="resolutions")
    text = models.TextField(_("what was decided"))
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    owner = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    due_on = models.DateField(_("due on"))
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    result = models.TextField(_("what was done"), blank=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    told_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(report__isnull=False, meeting__isnull=True) | Q(report__isnull=True, meeting__isnull=False),
                name="resolution_of_one",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_on"], name="resolution_overdue", condition=Q(done_at__isnull=True, told_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"resolution {self.pk}"


class StaffIdea(models.Model):
    """An employee's suggestion on process, training or tools, and the answer to it (IMP-20)."""

    about = models.CharField(
        max_length=8, choices=[("process", _("Process")), ("training", _("Training")), ("tools", _("Tools"))]
    )
    text = models.TextField(_("suggestion"))
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    answer = models.TextField(_("answer"), blank=True)
    is_adopted = models.BooleanField(null=True)
    answered_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    problem = models.ForeignKey(Problem, models.PROTECT, null=True, related_name="ideas")

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_by__isnull=True) | ~Q(answered_by=F("by")), name="idea_answered_by_another"
            )
        ]

    def __str__(self) -> str:
        return f"idea {self.pk}"
