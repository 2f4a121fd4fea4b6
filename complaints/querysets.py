"""Named slices of the tables. `visible_to` is the only place that knows how departments limit sight."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from complaints.states import OPEN, Status

if TYPE_CHECKING:
    from accounts.models import User


class ComplaintQuerySet(models.QuerySet):
    def open(self) -> ComplaintQuerySet:
        return self.filter(status__in=[str(status) for status in OPEN])

    def overdue(self, *, at: datetime) -> ComplaintQuerySet:
        return self.open().filter(next_due_at__lte=at)

    def due_before(self, *, at: datetime, until: datetime) -> ComplaintQuerySet:
        return self.open().filter(next_due_at__gt=at, next_due_at__lte=until)

    def closed_in(self, start: datetime, end: datetime) -> ComplaintQuerySet:
        """Cases whose first closing falls in [start, end); reopening does not move them."""
        return self.filter(first_closed_at__gte=start, first_closed_at__lt=end)

    def visible_to(self, user: User) -> ComplaintQuerySet:
        """The cases a member of staff may see (guarantees, matrix rows 12 and 13).

        Whoever is the complainant or is named as the accused never sees the case inside (S6, S7).
        """
        if not user.is_active:
            return self.none()
        from accounts.models import Department
        from complaints.models import Assignment, CaseTeamMember, QualityCheck, RiskAssessment

        if user.has_perm("complaints.view_all"):
            scope = self
        else:
            seen = Q(pk__in=[])
            if user.has_perm("complaints.view_department"):
                seen |= Q(Exists(_current_assignment(Assignment, user.department_ids)))
            if user.has_perm("complaints.view_referred"):
                checked = QualityCheck.objects.filter(complaint=OuterRef("pk"), stage="legal")
                seen |= Q(status=Status.LEGAL_CHECK) | Q(Exists(checked))
            if user.has_perm("complaints.view_managed"):
                paths = list(Department.objects.filter(pk__in=user.department_ids).values_list("path", flat=True))
                managed = Department.objects.within(paths).values("pk")
                seen |= Q(Exists(_current_assignment(Assignment, managed))) | Q(lead_department__in=managed)
            if user.has_perm("complaints.view_published_cases"):
                seen |= Q(status__in=[Status.CLOSED, Status.ARCHIVED])
            if user.has_perm("complaints.manage_risk"):
                team = CaseTeamMember.objects.filter(complaint=OuterRef("pk"), user=user, until__isnull=True)
                # Whom a high risk was reported to, or is proposed to, goes on seeing it when one person lowers it.
                high = RiskAssessment.objects.filter(Q(grade="high") | Q(proposed="high"), complaint=OuterRef("pk"))
                seen |= Q(risk_grade="high") | Q(Exists(team)) | Q(Exists(high))
            scope = self.filter(seen)
        return scope.not_about(user)

    def not_about(self, user: User) -> ComplaintQuerySet:
        """Without the cases in which this person is the complainant or is named as the accused (S6, S7)."""
        from complaints.models import Complainant, Complaint

        accused = Complaint.accused_staff.through.objects.filter(complaint=OuterRef("pk"), user=user)
        return self.filter(~Exists(accused)).exclude(complainant__in=Complainant.objects.filter(staff_user=user))

    def for_list(self) -> ComplaintQuerySet:
        """Everything a row of the queue shows, in one query."""
        return self.select_related("lead_department", "category", "handler", "coordinator", "policy").only(
            "number",
            "subject",
            "status",
            "channel",
            "risk_grade",
            "is_repeat",
            "next_due_at",
            "is_paused",
            "pause_reason",
            "received_at",
            "registered_at",
            "version",
            "lead_department__name",
            "category__name",
            "category__name_en",
            "category__dimension",
            "handler__display_name",
            "coordinator__display_name",
            "policy__slots",
            "calendar_missing",
        )


def _current_assignment(model, departments):
    return model.objects.filter(complaint=OuterRef("pk"), department__in=departments, is_current=True)


class DeadlineQuerySet(models.QuerySet):
    def running(self) -> DeadlineQuerySet:
        return self.filter(state="running")

    def alert_due(self, *, at: datetime) -> DeadlineQuerySet:
        """Running clocks whose next reminder, breach or escalation has come (index deadline_alert)."""
        return self.filter(state="running", next_alert_at__lte=at)

    def stopped_late(self) -> DeadlineQuerySet:
        return self.filter(stopped_at__gt=F("due_at"))
