"""The register of the review group: who may judge, by which conditions, and until when (REV-07…10).

While nobody stands in the register the roles alone decide who reviews. From the first entry on the register decides:
whoever is not in it, whose certificate has run out or who is not on duty can neither be assigned nor judge.
The head and the deputy are on duty at all times; the other members take turns (REV-11).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Department, User
from complaints import notify
from review.models import DutyTurn, GroupMember
from review.states import CertificateKind, GroupRole

LEAD = "review.lead_review"
JUDGE = "review.review_case"
LEAST_YEARS = 3  # REV-07
FEWEST, MOST = 3, 5  # members beside the head, deputies included (REV-10)
WARN_BEFORE = timedelta(days=60)
ALWAYS_ON_DUTY = (GroupRole.LEADER, GroupRole.DEPUTY)


# --- Who may judge ------------------------------------------------------------------------------------
def entries(*, day: date) -> QuerySet[GroupMember]:
    """The entries that were not ended, with `on_turn`: whether a turn of duty covers the day."""
    turns = DutyTurn.objects.filter(member=OuterRef("pk"), since__lte=day, until__gte=day)
    return GroupMember.objects.filter(ended_at=None).annotate(on_turn=Exists(turns)).select_related("user", "lent_by")


def refusal(user: User, *, at: datetime) -> str:
    """Why the register keeps this person from judging at this moment; '' when it does not (REV-08, REV-11)."""
    day = timezone.localdate(at)
    rows = {row.user_id: row for row in entries(day=day)}
    return why_not(rows.get(user.pk), day=day) if rows else ""


def why_not(entry: GroupMember | None, *, day: date) -> str:
    """The reason in a sentence; `entry` comes from `entries`, None for whoever has none."""
    if entry is None:
        return str(_("Not in the register of the review group."))
    if entry.certificate_until < day:
        return str(_("The certificate ran out on %(date)s.")) % {"date": entry.certificate_until.isoformat()}
    if entry.role not in ALWAYS_ON_DUTY and not entry.on_turn:  # type: ignore[attr-defined]  # by `entries`
        return str(_("Not on duty in the review group today."))
    return ""


def able(people: QuerySet[User], *, at: datetime) -> QuerySet[User]:
    """Those of the people whom the register lets judge; all of them while it is empty."""
    roles = standing(at=at)
    return people if roles is None else people.filter(pk__in=roles)


def standing(*, at: datetime) -> dict[int, str] | None:
    """Who may judge at this moment by the register: key of the user → part in the group; None while it is empty."""
    day = timezone.localdate(at)
    rows = list(entries(day=day))
    return {row.user_id: row.role for row in rows if not why_not(row, day=day)} if rows else None


def is_in_force() -> bool:
    """Whether the register decides, rather than the roles alone."""
    return GroupMember.objects.filter(ended_at=None).exists()


# --- Writing the register -----------------------------------------------------------------------------
def holds_from(since: date) -> date:
    """The day on which three years of experience are complete."""
    try:
        return since.replace(year=since.year + LEAST_YEARS)
    except ValueError:  # begun on 29 February
        return date(since.year + LEAST_YEARS, 3, 1)


@transaction.atomic
def enter(
    user: User,
    *,
    role: str,
    experience_since: date,
    certificate_kind: str,
    certificate: str,
    certificate_until: date,
    by: User,
    experience_note: str = "",
    assessment: str = "",
    lent_by: Department | None = None,
    at: datetime | None = None,
) -> GroupMember:
    """Enter a person who meets the conditions (REV-07…09). The assessment may follow later; nobody assesses themselves.

    Raises NotAllowed, or InvalidInput naming the field of the condition that is not met.
    """
    at = at or timezone.now()
    _may_lead(by)
    User.objects.select_for_update().get(pk=user.pk)
    if not user.is_active or not user.has_perm(JUDGE):
        raise InvalidInput("user", _("%(name)s has no role in the review group."), name=user.display_name)
    if GroupMember.objects.filter(user=user, ended_at=None).exists():
        raise InvalidInput("user", _("%(name)s is in the register already."), name=user.display_name)
    _check_role(user, role)
    _check_experience(experience_since, at=at)
    _check_certificate(certificate_kind, certificate, certificate_until, at=at)
    if assessment.strip():
        _check_assessment(assessment, of=user, by=by)
    try:
        with transaction.atomic():
            row = GroupMember.objects.create(
                user=user,
                role=role,
                experience_since=experience_since,
                experience_note=experience_note.strip()[:200],
                certificate_kind=certificate_kind,
                certificate=certificate.strip()[:120],
                certificate_until=certificate_until,
                assessment=assessment.strip(),
                assessed_by=by if assessment.strip() else None,
                assessed_at=at if assessment.strip() else None,
                lent_by=lent_by,
                entered_at=at,
                entered_by=by,
            )
    except IntegrityError as error:  # somebody else was entered as head at the same moment
        raise InvalidInput("role", _("The review group has a head already.")) from error
    _note(row, "entered", by=by, role=role)
    return row


def _check_role(user: User, role: str) -> None:
    if role not in GroupRole.values:
        raise InvalidInput("role", _("Choose one of the values."))
    if role != GroupRole.LEADER:
        return
    if not user.has_perm(LEAD):
        raise InvalidInput("role", _("The head needs the role “head of review”."))
    if GroupMember.objects.filter(role=GroupRole.LEADER, ended_at=None).exists():
        raise InvalidInput("role", _("The review group has a head already."))


def _check_experience(since: date, *, at: datetime) -> None:
    today = timezone.localdate(at)
    if since > today:
        raise InvalidInput("experience_since", _("This date lies in the future."))
    if holds_from(since) > today:
        raise InvalidInput(
            "experience_since",
            _("At least three years are needed; they are complete on %(date)s."),
            date=holds_from(since).isoformat(),
        )


def _check_certificate(kind: str, name: str, until: date, *, at: datetime) -> None:
    if kind not in CertificateKind.values:
        raise InvalidInput("certificate_kind", _("Choose one of the values."))
    if not name.strip():
        raise InvalidInput("certificate", _("Name the certificate or the training."))
    if until <= timezone.localdate(at):
        raise InvalidInput("certificate_until", _("The certificate must be valid beyond today."))


def _check_assessment(text: str, *, of: User, by: User) -> None:
    if of.pk == by.pk:
        raise InvalidInput("assessment", _("Nobody assesses themselves; leave this to somebody else."))
    if not any(letter.isalpha() for letter in text):
        raise InvalidInput("assessment", _("Say it in words; a figure cannot measure this."))


@transaction.atomic
def renew(
    member_id: int,
    *,
    certificate_kind: str,
    certificate: str,
    certificate_until: date,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> GroupMember:
    """Enter the new certificate; the reminder begins anew (REV-08). Raises InvalidInput, StaleVersion, NotAllowed."""
    at = at or timezone.now()
    row = begin(member_id, by=by, version=version)
    _check_certificate(certificate_kind, certificate, certificate_until, at=at)
    before = row.certificate_until
    row.certificate_kind, row.certificate = certificate_kind, certificate.strip()[:120]
    row.certificate_until, row.warned_on = certificate_until, None
    _finish(row, ["certificate_kind", "certificate", "certificate_until", "warned_on"])
    _note(row, "renewed", by=by, before=before.isoformat(), until=certificate_until.isoformat())
    return row


@transaction.atomic
def assess(
    member_id: int, *, assessment: str, by: User, version: int | None = None, at: datetime | None = None
) -> GroupMember:
    """Condition 3: the leader's own words about the person, never about oneself (REV-09)."""
    row = begin(member_id, by=by, version=version)
    if not assessment.strip():
        raise InvalidInput("assessment", _("Write the assessment."))
    _check_assessment(assessment, of=row.user, by=by)
    row.assessment, row.assessed_by, row.assessed_at = assessment.strip(), by, at or timezone.now()
    _finish(row, ["assessment", "assessed_by", "assessed_at"])
    _note(row, "assessed", by=by)
    return row


@transaction.atomic
def end(
    member_id: int, *, reason: str, by: User, version: int | None = None, at: datetime | None = None
) -> GroupMember:
    """The membership ends now; the entry stays in the history. Raises InvalidInput without a reason."""
    row = begin(member_id, by=by, version=version)
    if not reason.strip():
        raise InvalidInput("reason", _("Give the reason."))
    row.ended_at, row.ended_by, row.ended_reason = at or timezone.now(), by, reason.strip()[:200]
    _finish(row, ["ended_at", "ended_by", "ended_reason"])
    _note(row, "ended", by=by)
    return row


def begin(member_id: int, *, by: User, version: int | None) -> GroupMember:
    """Lock an entry and check that the person may change it and saw its newest state."""
    _may_lead(by)
    row = GroupMember.objects.select_for_update(of=("self",)).select_related("user").get(pk=member_id)
    if version is not None and version != row.version:
        raise StaleVersion(row.version)
    if row.ended_at is not None:
        raise IllegalTransition(_("This membership has ended."))
    return row


def _finish(row: GroupMember, fields: list[str]) -> None:
    row.version += 1
    row.save(update_fields=[*fields, "version"])


def _note(row: GroupMember, what: str, *, by: User, **detail: str) -> None:
    security.record(f"review_group_{what}", user=by, subject=row.user.staff_number, **detail)


def _may_lead(by: User) -> None:
    if not by.has_perm(LEAD):
        raise NotAllowed(_("The head of the review group keeps the register."))


# --- Warnings -----------------------------------------------------------------------------------------
def warnings(rows: list[GroupMember], *, day: date) -> list[str]:
    """What is wrong with the group today, in sentences (REV-08, REV-10); nothing while the register is empty."""
    if not rows:
        return []
    found = []
    if not any(row.role == GroupRole.LEADER for row in rows):
        found.append(str(_("The review group has no head.")))
    members = sum(row.role != GroupRole.LEADER for row in rows)
    if not FEWEST <= members <= MOST:
        found.append(
            ngettext(
                "Beside the head there is %(count)s member; there should be %(fewest)s to %(most)s.",
                "Beside the head there are %(count)s members; there should be %(fewest)s to %(most)s.",
                members,
            )
            % {"count": members, "fewest": FEWEST, "most": MOST}
        )
    for row in rows:
        if row.certificate_until < day:
            text = _("%(name)s: the certificate ran out on %(date)s.")
        elif row.certificate_until <= day + WARN_BEFORE:
            text = _("%(name)s: the certificate runs out on %(date)s.")
        else:
            continue
        found.append(str(text) % {"name": row.user.display_name, "date": row.certificate_until.isoformat()})
    return found


def watch(*, now: datetime | None = None) -> dict[str, int]:
    """Every morning: tell the head and the person, once, that a certificate runs out within 60 days (REV-08).

    Safe to run twice or beside itself: each entry is claimed by a conditional update. Returns how many were told.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    due = Q(ended_at=None, warned_on=None, certificate_until__lte=today + WARN_BEFORE)
    told = 0
    for row in GroupMember.objects.filter(due).select_related("user").order_by("pk"):
        with transaction.atomic():
            if not GroupMember.objects.filter(due, pk=row.pk).update(warned_on=today):
                continue
            notify.tell(
                [row.user, *notify.holders_of(LEAD)],
                "certificate_ends",
                dedupe=f"certificate:{row.pk}:{row.certificate_until}",
                url=f"/desk/reviews/group/{row.pk}/",
                day=row.certificate_until.isoformat(),
            )
            told += 1
    return {"told": told}
