from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.states import AssignmentRole, AssignmentState


class Assignment(models.Model):
    """A department's task on a case: one lead, any number of supporting (ASG-01…08).

    The time between assigned_at and ended_at is that department's share of the handling.
    """

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="assignments", db_index=False)
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    role = models.CharField(max_length=10, choices=AssignmentRole.choices)
    state = models.CharField(max_length=16, choices=AssignmentState.choices, default=AssignmentState.PENDING)
    task = models.TextField(_("task and requirements"), blank=True)
    handler = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    assigned_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)
    assigned_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    result = models.TextField(_("result"), blank=True)
    is_designated = models.BooleanField(_("no further return"), default=False)
    # Keeps the case visible to the department while the case is theirs, also after the task is done.
    is_current = models.BooleanField(default=True)
    return_reason = models.CharField(max_length=300, blank=True)
    return_requested_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    return_requested_at = models.DateTimeField(null=True)
    adjudicated_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)
    adjudicated_at = models.DateTimeField(null=True)
    adjudication_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["role", "assigned_at", "id"]
        indexes = [
            # visible_to(): is the case with this department now?
            models.Index(fields=["department", "complaint"], name="assignment_current", condition=Q(is_current=True)),
            models.Index(fields=["complaint", "is_current"], name="assignment_of_case"),
            # The view of cases with several departments
            models.Index(
                fields=["complaint"], name="assignment_supporting", condition=Q(is_current=True, role="supporting")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint"], condition=Q(role="lead", is_current=True), name="one_lead_department"
            ),
            models.UniqueConstraint(
                fields=["complaint", "department"], condition=Q(is_current=True), name="one_task_per_department"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.department_id}"
