"""Research, marketing, sales and service meet over what complaints say: data pack, minutes, resolutions (IMP-10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from analytics import figures, problems, sources, unversioned
from analytics.documents.snapshot import Column, ReportSnapshot, Section, Table
from analytics.figures import compute
from analytics.models import Problem, TransferMeeting
from analytics.narrative import small_note
from analytics.periods import Period, parse
from analytics.problem_rules import require_manager, required
from analytics.registry import Value
from analytics.scope import Scope
from analytics.suppression import outside
from complaints import identity, notify, references
from complaints.models import Complaint

TITLE, GUESTS, MINUTES = 120, 300, 9000
TOP = 10
FIELDS = ("title", "planned_at", "period", "guests")
# The frozen tables in the order of the pack.
TABLES = ("categories", "repeats", "causes", "problems")


@transaction.atomic
def plan(
    *,
    title: str,
    planned_at: datetime,
    period: Period,
    participants: Iterable[User],
    guests: str,
    chosen: Iterable[Problem],
    by: User,
    at: datetime | None = None,
) -> TransferMeeting:
    """Call a meeting on the complaints of a period that has begun; the participants are told.

    Raises NotAllowed, InvalidInput naming `title`, `planned_at`, `period`, `participants` or `guests`.
    """
    require_manager(by)
    at = at or timezone.now()
    if planned_at < at:
        raise InvalidInput("planned_at", _("This moment lies in the past."))
    meeting = TransferMeeting(called_by=by, called_at=at)
    _fill(meeting, title, planned_at, period, guests, at=at)
    return _invite(meeting, participants, chosen)


@transaction.atomic
def change(
    meeting_id: int,
    *,
    title: str,
    planned_at: datetime,
    period: Period,
    participants: Iterable[User],
    guests: str,
    chosen: Iterable[Problem],
    seen: str,
    by: User,
    at: datetime | None = None,
) -> TransferMeeting:
    """Change a meeting that was not held; another period empties its data pack. `seen`: its mark as it was read.

    Raises as `plan` does, and IllegalTransition.
    """
    require_manager(by)
    at = at or timezone.now()
    meeting = _lock(meeting_id)
    unversioned.check(meeting, seen, *FIELDS)
    if planned_at != meeting.planned_at and planned_at < at:
        raise InvalidInput("planned_at", _("This moment lies in the past."))
    if period.code != meeting.period:
        meeting.pack, meeting.pack_at = {}, None
    _fill(meeting, title, planned_at, period, guests, at=at)
    return _invite(meeting, participants, chosen)


def _lock(meeting_id: int) -> TransferMeeting:
    meeting = TransferMeeting.objects.select_for_update().get(pk=meeting_id)
    if meeting.held_at is not None:
        raise IllegalTransition(_("The meeting was held; its minutes are written."))
    return meeting


def _fill(
    meeting: TransferMeeting, title: str, planned_at: datetime, period: Period, guests: str, *, at: datetime
) -> None:
    meeting.title = required("title", title, TITLE, _("Name the meeting."))
    if not period.has_begun(at):
        raise InvalidInput("period", _("%(period)s has not begun yet."), period=period.label)
    if len(guests.strip()) > GUESTS:
        raise InvalidInput("guests", _("At most %(most)s characters."), most=GUESTS)
    meeting.planned_at, meeting.period, meeting.guests = planned_at, period.code, guests.strip()


def _invite(meeting: TransferMeeting, participants: Iterable[User], chosen: Iterable[Problem]) -> TransferMeeting:
    people = list(participants)
    if not people:
        raise InvalidInput("participants", _("Choose who takes part."))
    meeting.save()
    meeting.participants.set(people)
    meeting.problems.set(chosen)
    moment = timezone.localtime(meeting.planned_at).isoformat()
    notify.tell(
        people,
        "transfer_called",
        dedupe=f"transfer_called:{meeting.pk}:{moment}",
        url=page_url(meeting),
        due=moment,
    )
    return meeting


def visible_to(user: User) -> QuerySet[TransferMeeting]:
    """Every meeting for whoever keeps the problem list; for others those they take part in."""
    rows = TransferMeeting.objects.all()
    return rows if user.has_perm(problems.MANAGE) else rows.filter(participants=user)


# --- The data pack ----------------------------------------------------------------------------------
@transaction.atomic
def make_pack(meeting_id: int, *, by: User, at: datetime | None = None) -> TransferMeeting:
    """Freeze the figures of the period and the chosen problems; before the meeting it can be made anew.

    Raises NotAllowed, IllegalTransition once the meeting was held.
    """
    require_manager(by)
    at = at or timezone.now()
    meeting = _lock(meeting_id)
    meeting.pack, meeting.pack_at = _freeze(parse(meeting.period), list(meeting.problems.all())), at
    meeting.save(update_fields=["pack", "pack_at"])
    return meeting


def _freeze(period: Period, chosen: list[Problem]) -> dict[str, Any]:
    pair = [period.previous, period]
    found = compute([figures.received], pair, Scope(), {sources.registered: ("category",)})
    now, before = (found.by(figures.received, "category", one) for one in (period, period.previous))
    ordered = sorted(now, key=lambda group: (-(now[group].value or 0), group.code))[:TOP]
    earlier = {group: value.value or 0 for group, value in before.items()}
    return {
        "language": get_language(),
        "received": int(found.value(figures.received, period).value or 0),
        "received_before": int(found.value(figures.received, period.previous).value or 0),
        "categories": [
            [group.label or _("Not classified yet"), int(now[group].value or 0), int(earlier.get(group, 0))]
            for group in ordered
            if now[group].value
        ],
        "repeats": _repeats(period),
        "causes": _causes(period),
        "problems": [
            [
                row.number,
                row.title,
                row.cases,
                row.score,
                problems.cause_words(row.causes),
                row.get_state_display(),
            ]
            for row in sorted(chosen, key=lambda row: (-row.score, row.pk))
        ],
    }


def _within(period: Period, prefix: str = "") -> Q:
    field = f"{prefix}registered_at"
    return Q(**{f"{field}__gte": period.start, f"{field}__lt": period.end}) & ~identity.undone_import(prefix)


def _repeats(period: Period) -> list[list[Any]]:
    """Categories by how many of the cases registered in the period are repeat complaints."""
    rows = Complaint.objects.filter(_within(period), is_repeat=True, category__isnull=False).order_by()
    counted = rows.values_list("category").annotate(n=Count("pk")).order_by("-n", "category")[:TOP]
    names = references.known().categories
    return [[names[key].label, n] for key, n in counted if key in names]


def _causes(period: Period) -> list[list[Any]]:
    """Root causes by the cases registered in the period that belong to a problem with that cause."""
    rows = Problem.objects.annotate(n=Count("sources", filter=_within(period, "sources__complaint__"))).filter(n__gt=0)
    found: Counter[str] = Counter()
    for causes, n in rows.order_by().values_list("causes", "n"):
        for code in causes:
            found[code] += n
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [[problems.cause_words([code]), n] for code, n in ordered if problems.cause_words([code])]


def tables(meeting: TransferMeeting) -> list[Table]:
    """The tables of the data pack as they were frozen."""
    pack, period = meeting.pack, parse(meeting.period)
    now, before = period.label, period.previous.label
    cases, category = Column(_("Cases"), "int"), Column(_("Category"))
    heads = {
        "categories": (_("Most frequent categories"), (category, Column(now, "int"), Column(before, "int"))),
        "repeats": (_("Repeat complaints by category"), (category, cases)),
        "causes": (_("Causes behind the cases"), (Column(_("Root cause")), cases)),
        "problems": (
            _("Problems on the agenda"),
            (Column(_("Number")), Column(_("Problem")), cases, Column(_("Weighted by risk"), "int"),
             Column(_("Root cause")), Column(_("State"))),
        ),
    }  # fmt: skip
    return [
        Table(heads[key][0], heads[key][1], tuple(tuple(row) for row in pack[key])) for key in TABLES if pack.get(key)
    ]


def _leaving(table: Table) -> Table:
    """The table as it leaves the office with those who take part: without counts from one to four (EX-09)."""
    numbers = [place for place, column in enumerate(table.columns) if column.type == "int"]
    shown = [outside([Value(cast(int | None, row[place])) for row in table.rows]) for place in numbers]
    # The weight of a problem would tell how many cases it has, so a row is told whole or not at all.
    gone = {line for column in shown for line, value in enumerate(column) if value.hidden}
    rows = tuple(
        tuple(None if line in gone and place in numbers else cell for place, cell in enumerate(row))
        for line, row in enumerate(table.rows)
    )
    return replace(table, rows=rows, note=small_note()) if gone else table


def document(meeting: TransferMeeting) -> ReportSnapshot:
    """The data pack as a document for the spreadsheet; the pack is made."""
    assert meeting.pack_at is not None
    sections = tuple(
        Section(key=f"table-{place}", heading=table.caption, tables=(_leaving(table),))
        for place, table in enumerate(tables(meeting))
    )
    return ReportSnapshot(
        title=meeting.title,
        subtitle=_("Data pack of the complaint information meeting"),
        organisation=str(settings.ORGANISATION["name"]),
        period_label=parse(meeting.period).label,
        edition="",
        revision=1,
        status="",
        approval="",
        generated_at=meeting.pack_at,
        summary=(summary(meeting),),
        sections=sections,
        language=get_language() or "zh-hans",
    )


def summary(meeting: TransferMeeting) -> str:
    """The first sentence of the pack."""
    period = parse(meeting.period)
    return _("%(period)s: %(count)s cases registered, %(before)s in %(previous)s.") % {
        "period": period.label,
        "count": meeting.pack["received"],
        "before": meeting.pack["received_before"],
        "previous": period.previous.label,
    }


# --- The minutes ------------------------------------------------------------------------------------
@transaction.atomic
def hold(meeting_id: int, *, minutes: str, by: User, at: datetime | None = None) -> TransferMeeting:
    """Write the minutes: the meeting was held and stays as it is; resolutions follow.

    Raises NotAllowed, IllegalTransition without a data pack or once it was held, InvalidInput("minutes").
    """
    require_manager(by)
    meeting = _lock(meeting_id)
    if meeting.pack_at is None:
        raise IllegalTransition(_("Make the data pack first."))
    meeting.minutes = required("minutes", minutes, MINUTES, _("Write down what was said."))
    meeting.held_at = at or timezone.now()
    meeting.save(update_fields=["minutes", "held_at"])
    return meeting


def page_url(meeting: TransferMeeting) -> str:
    """Where the meeting stands on the desk."""
    return f"/desk/problems/meetings/{meeting.pk}/"
