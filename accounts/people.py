"""People, their roles and departments: who enters them, gives them rights and takes them away (COM-04, COM-17).

Nobody changes their own rights. Roles that decide over others, and the sign-in of whoever holds one, are changed by
two people: one proposes, another decides. Everything is kept with its reason, in `AccessChange` and the security log.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, time

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.dispatch import Signal
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import security, takedowns, tokens
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import AccessChange, AccessKind, AccessState, Department, Membership, User
from accounts.roles import PRIVILEGED, ROLE_BY_KEY

PERMISSION = "accounts.manage_users"
# Sent with `change`: a second person is needed, or has decided, or somebody's sign-in was changed.
access_changed = Signal()
_STAFF_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
FIRST_DAY = date(1950, 1, 1)
LONGEST_REASON = 300
_TAKEN = _("This staff number is taken: one person has one account.")
_DESCRIBED = ("display_name", "email", "post", "frontline_since")


# --- Reading --------------------------------------------------------------------------------------------
def roles_of(person: User) -> set[str]:
    """The keys of the person's roles."""
    return set(person.groups.values_list("name", flat=True))


def has_second_step(person: User) -> bool:
    """Whether the person signs in with a code beside the password."""
    return Authenticator.objects.filter(user=person).exists()


def may_change_access(by: User, person: User) -> bool:
    """Whether this person may change the other's rights: never one's own."""
    return by.is_active and by.has_perm(PERMISSION) and by.pk != person.pk


def may_decide(by: User, change: AccessChange) -> bool:
    """Whether this person is a second one for the change."""
    return (
        change.state == AccessState.PROPOSED
        and by.is_active
        and by.has_perm(PERMISSION)
        and by.pk not in (change.proposed_by_id, change.person_id)
    )


# --- Entering and correcting ----------------------------------------------------------------------------
@transaction.atomic
def enter(
    *,
    staff_number: str,
    name: str,
    email: str = "",
    post: str = "",
    frontline_since: date | None = None,
    department: Department | None = None,
    is_head: bool = False,
    roles: Collection[str] = (),
    reason: str,
    by: User | None,
    at: datetime | None = None,
) -> User:
    """Enter a person. Ordinary roles hold at once, the others wait for a second person.

    There is no password yet: `password_link` makes the first one. `by` is None on the command line of the server,
    where nobody else is there yet to decide. Raises NotAllowed, InvalidInput by field.
    """
    at = at or timezone.now()
    _allow(by)
    staff_number = staff_number.strip()
    if not _STAFF_NUMBER.fullmatch(staff_number):
        raise InvalidInput(
            "staff_number", _("Write it in letters, digits, “-”, “_” and “.”, at most 32 characters, without blanks.")
        )
    if User.objects.filter(staff_number__iexact=staff_number).exists():
        raise InvalidInput("staff_number", _TAKEN)
    person = User(staff_number=staff_number, created_at=at)
    _describe(person, name=name, email=email, post=post, frontline_since=frontline_since)
    reason = _reason(reason)
    wanted = _known(roles)
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError:  # somebody else entered it in this very moment
        raise InvalidInput("staff_number", _TAKEN) from None
    security.record("person_entered", user=by, subject=_subject(person))
    if department is not None:
        _begin(person, department, since=at, is_head=is_head, by=by)
    if wanted:
        _give(person, added=wanted, removed=set(), reason=reason, by=by, at=at)
    return person


@transaction.atomic
def correct(
    person_id: int,
    *,
    name: str,
    email: str,
    post: str,
    frontline_since: date | None,
    reason: str = "",
    by: User,
    at: datetime | None = None,
) -> AccessChange | None:
    """Correct what is known of a person. Raises NotAllowed, InvalidInput by field, IllegalTransition.

    Links for a new password go to the address: that of somebody else with far-reaching roles changes when a second
    person agrees, with the reason given. Then the proposal is returned; all else holds at once.
    """
    at = at or timezone.now()
    _allow(by)
    person = _lock(person_id)
    before = {name: getattr(person, name) for name in _DESCRIBED}
    _describe(person, name=name, email=email, post=post, frontline_since=frontline_since)
    change = None
    if person.email != before["email"] and person.pk != by.pk and roles_of(person) & PRIVILEGED:
        _none_open(person)
        change = _propose(person, AccessKind.ADDRESS, _reason(reason), by=by, at=at, email=person.email)
        person.email = before["email"]
    changed = [name for name, old in before.items() if getattr(person, name) != old]
    if changed:
        person.save(update_fields=changed)
        security.record("person_corrected", user=by, subject=_subject(person), fields=changed)
    return change


def _describe(person: User, *, name: str, email: str, post: str, frontline_since: date | None) -> None:
    person.display_name, person.email, person.post = name.strip(), email.strip(), post.strip()
    person.frontline_since = frontline_since
    for field, text in (("name", person.display_name), ("post", person.post)):
        if len(text) > 80 or "\x00" in text:
            raise InvalidInput(field, _("At most %(limit)s characters."), limit=80)
    if not person.display_name:
        raise InvalidInput("name", _("Give the name."))
    if person.email:
        try:
            validate_email(person.email)
        except ValidationError:
            raise InvalidInput("email", _("This is no e-mail address.")) from None
    if frontline_since and not FIRST_DAY <= frontline_since <= timezone.localdate():
        raise InvalidInput("frontline_since", _("Give a day of the past, after 1950."))


# --- Departments (RI-03) --------------------------------------------------------------------------------
@transaction.atomic
def join(
    person_id: int, *, department: Department, since: date | None = None, is_head: bool = False, by: User
) -> Membership:
    """The person belongs to the department, from today or from an earlier day: independence is judged by it.

    A department opens its cases, so nobody joins by their own hand. Raises NotAllowed, InvalidInput by field.
    """
    person = _other(person_id, by=by)
    now = timezone.now()
    if not department.is_active:
        raise InvalidInput("department", _("This department is closed."))
    if person.memberships.filter(department=department, until=None).exists():
        raise InvalidInput("department", _("The person belongs to it already."))
    if since and not FIRST_DAY <= since <= timezone.localdate(now):
        raise InvalidInput("since", _("Give today or a day of the past; what is to come is entered when it has come."))
    begun = min(timezone.make_aware(datetime.combine(since, time.min)), now) if since else now
    return _begin(person, department, since=begun, is_head=is_head, by=by)


def _begin(person: User, department: Department, *, since: datetime, is_head: bool, by: User | None) -> Membership:
    row = Membership.objects.create(user=person, department=department, since=since, is_head=is_head)
    security.record("membership_begun", user=by, subject=_subject(person), department=department.code, is_head=is_head)
    return row


@transaction.atomic
def leave(membership_id: int, *, by: User) -> Membership:
    """The membership ends now. It is never dated back: what was done until now was done as a member.

    Raises NotAllowed, IllegalTransition once it has ended.
    """
    return _end(membership_id, by=by)


@transaction.atomic
def lead(membership_id: int, *, is_head: bool, by: User) -> Membership:
    """The member heads the department from now on, or no longer: another row, so that the past stays as it was.

    Raises NotAllowed, IllegalTransition once the membership has ended or when nothing would change.
    """
    row = _end(membership_id, by=by)
    assert row.until is not None  # it has just ended
    if row.is_head == is_head:
        raise IllegalTransition(_("Nothing would change."))
    return _begin(row.user, row.department, since=row.until, is_head=is_head, by=by)


def _end(membership_id: int, *, by: User) -> Membership:
    row = Membership.objects.select_for_update(of=("self",)).select_related("user", "department").get(pk=membership_id)
    _other(row.user_id, by=by)
    if row.until is not None:
        raise IllegalTransition(_("This membership has ended already."))
    row.until = timezone.now()
    row.save(update_fields=["until"])
    security.record("membership_ended", user=by, subject=_subject(row.user), department=row.department.code)
    return row


# --- Roles ----------------------------------------------------------------------------------------------
@transaction.atomic
def set_roles(
    person_id: int, *, roles: Collection[str], reason: str, by: User, at: datetime | None = None
) -> AccessChange:
    """Make these the roles of a person.

    What is taken away and ordinary roles hold at once; far-reaching ones wait for a second person. Raises NotAllowed
    for one's own, InvalidInput by field, IllegalTransition while another change of the person waits.
    """
    at = at or timezone.now()
    person = _other(person_id, by=by)
    wanted, held = _known(roles), roles_of(person)
    if wanted == held:
        raise InvalidInput("roles", _("Nothing is different from the roles the person has."))
    if PRIVILEGED & (wanted - held):
        _none_open(person)
    return _give(person, added=wanted - held, removed=held - wanted, reason=_reason(reason), by=by, at=at)


def _give(
    person: User, *, added: set[str], removed: set[str], reason: str, by: User | None, at: datetime
) -> AccessChange:
    """Give and take away; of far-reaching roles only the proposal is written. Returns the last row written."""
    waiting = added & PRIVILEGED if by else set()
    at_once = added - waiting
    if removed or at_once:
        _apply_roles(person, added=at_once, removed=removed, at=at)
        done = _write(person, AccessKind.ROLES, reason, by=by, at=at, added=at_once, removed=removed)
        security.record(
            "roles_changed", user=by, subject=_subject(person), added=sorted(at_once), removed=sorted(removed)
        )
        if not waiting:
            return done
    return _propose(person, AccessKind.ROLES, reason, by=by, at=at, added=waiting)


def _apply_roles(person: User, *, added: set[str], removed: set[str], at: datetime) -> None:
    if removed & _giving() and not added & _giving():
        _keep_another(person)
    person.groups.remove(*Group.objects.filter(name__in=removed))
    person.groups.add(*Group.objects.filter(name__in=added))
    if removed:
        _note(person, AccessKind.ROLES, ",".join(sorted(removed)), at=at)


# --- The sign-in ----------------------------------------------------------------------------------------
@transaction.atomic
def close(person_id: int, *, reason: str, by: User, at: datetime | None = None) -> AccessChange:
    """Nobody signs in with the account any more, and its token works no longer; it keeps its past.

    Holds at the next request of an open session too (AZ-02). Raises NotAllowed, InvalidInput, IllegalTransition.
    """
    at = at or timezone.now()
    person = _other(person_id, by=by)
    if not person.is_active:
        raise IllegalTransition(_("This account is closed already."))
    if roles_of(person) & _giving():
        _keep_another(person)
    _shut(person)
    _note(person, AccessKind.CLOSED, at=at)
    return _done(person, AccessKind.CLOSED, "account_closed", reason, by=by, at=at)


@transaction.atomic
def reopen(person_id: int, *, reason: str, by: User, at: datetime | None = None) -> AccessChange:
    """Somebody comes back: with far-reaching roles when a second person agrees, else at once."""
    at = at or timezone.now()
    person = _other(person_id, by=by)
    if person.is_active:
        raise IllegalTransition(_("This account is open."))
    return _two_for_the_mighty(person, AccessKind.OPENED, reason, by=by, at=at)


@transaction.atomic
def ask_password(person_id: int, *, reason: str, by: User | None, at: datetime | None = None) -> AccessChange:
    """A person needs a new password: the old one stops working, and `password_link` makes a link for a new one.

    With far-reaching roles nothing happens until a second person agrees: otherwise one could sign in as another.
    `by` is None on the command line of the server.
    """
    at = at or timezone.now()
    person = _other(person_id, by=by)
    if not person.is_active:
        raise IllegalTransition(_("This account is closed."))
    return _two_for_the_mighty(person, AccessKind.PASSWORD, reason, by=by, at=at)


@transaction.atomic
def ask_second_step(person_id: int, *, reason: str, by: User, at: datetime | None = None) -> AccessChange:
    """The telephone with the codes is lost: sign-in without them, until the person sets up the second step anew."""
    at = at or timezone.now()
    person = _other(person_id, by=by)
    if not has_second_step(person):
        raise IllegalTransition(_("This person signs in without a second step."))
    return _two_for_the_mighty(person, AccessKind.SECOND_STEP, reason, by=by, at=at)


def password_link(person: User, *, by: User | None) -> str:
    """The path of the page where the person chooses a password: works once, for three days, for whoever has it.

    Only for an account without a password, new or after `ask_password`. Raises NotAllowed, IllegalTransition.
    """
    _allow_for(person.pk, by=by)
    if person.has_usable_password() or not person.is_active:
        raise IllegalTransition(_("This person has a password; take it away first, with the reason."))
    security.record("password_link_made", user=by, subject=_subject(person))
    key = default_token_generator.make_token(person)
    return reverse("account_reset_password_from_key", args=[user_pk_to_url_str(person), key])


def _two_for_the_mighty(person: User, kind: AccessKind, reason: str, *, by: User | None, at: datetime) -> AccessChange:
    if by and roles_of(person) & PRIVILEGED:
        _none_open(person)
        return _propose(person, kind, _reason(reason), by=by, at=at)
    return _done(person, kind, _change_sign_in(person, kind, at=at), reason, by=by, at=at)


def _change_sign_in(person: User, kind: AccessKind, *, at: datetime, email: str = "") -> str:
    """Carry it out; returns the kind of the event for the security log."""
    if kind == AccessKind.OPENED:
        person.is_active = True
        person.save(update_fields=["is_active"])
        return "account_opened"
    if kind == AccessKind.ADDRESS:
        person.email = email
        person.save(update_fields=["email"])
        return "person_corrected"
    if kind == AccessKind.SECOND_STEP:
        Authenticator.objects.filter(user=person).delete()
        return "second_step_removed"
    _forget_password(person)
    _note(person, AccessKind.PASSWORD, at=at)
    return "password_removed"


def _shut(person: User) -> None:
    person.is_active = False
    person.save(update_fields=["is_active"])
    tokens.revoke(person)


def _forget_password(person: User) -> None:
    person.set_unusable_password()
    person.save(update_fields=["password"])
    tokens.revoke(person)


# --- Two people -----------------------------------------------------------------------------------------
@transaction.atomic
def decide(change_id: int, *, approve: bool, by: User, at: datetime | None = None) -> AccessChange:
    """Approve or decline what somebody else proposed for a third person.

    Raises NotAllowed for the proposer and the person, IllegalTransition once decided.
    """
    at = at or timezone.now()
    change = _open_change(change_id)
    if not may_decide(by, change):
        raise NotAllowed(_("Neither who proposed it nor whom it is about decides; another person does."))
    person = _lock(change.person_id)
    change.decided_by, change.decided_at = by, at
    change.state = AccessState.DONE if approve else AccessState.DECLINED
    change.save(update_fields=["state", "decided_by", "decided_at"])
    if not approve:
        event = "access_declined"
    elif change.kind == AccessKind.ROLES:
        _apply_roles(person, added=set(change.added), removed=set(change.removed), at=at)
        event = "roles_changed"
    else:
        event = _change_sign_in(person, AccessKind(change.kind), at=at, email=change.email)
    security.record(event, user=by, subject=_subject(person), change=change.pk, added=change.added)
    access_changed.send(sender=AccessChange, change=change)
    return change


@transaction.atomic
def take_back(change_id: int, *, by: User, at: datetime | None = None) -> AccessChange:
    """Withdraw one's own proposal. Raises NotAllowed, IllegalTransition once decided."""
    change = _open_change(change_id)
    if change.proposed_by_id != by.pk:
        raise NotAllowed(_("Only who proposed it takes it back."))
    change.state, change.decided_at = AccessState.WITHDRAWN, at or timezone.now()
    change.save(update_fields=["state", "decided_at"])
    security.record("access_taken_back", user=by, subject=_subject(change.person), change=change.pk)
    return change


def _open_change(change_id: int) -> AccessChange:
    change = (
        AccessChange.objects.select_for_update(of=("self",)).select_related("person", "proposed_by").get(pk=change_id)
    )
    if change.state != AccessState.PROPOSED:
        raise IllegalTransition(_("This was decided already: %(state)s."), state=change.get_state_display())
    return change


# --- After a restore (DL-04) -----------------------------------------------------------------------------
def taken_away() -> list[takedowns.Entry]:
    """What the database knows to have been taken away, for a journal that may lack it."""
    found = []
    kinds = (AccessKind.ROLES, AccessKind.CLOSED, AccessKind.PASSWORD)
    for row in AccessChange.objects.filter(state=AccessState.DONE, kind__in=kinds).order_by("pk"):
        if row.kind != AccessKind.ROLES or row.removed:
            what = _what(AccessKind(row.kind), ",".join(row.removed))
            at = row.decided_at or row.proposed_at
            found.append(takedowns.Entry(takedowns.What.ACCESS, str(row.person_id), at, what))
    return found


def is_back(entry: takedowns.Entry) -> bool:
    """Whether a backup from before brought access back that was taken away, and nobody gave it again since."""
    return _brought_back(entry) is not None


def take_away_again(entry: takedowns.Entry) -> bool:
    """Do it once more where `is_back`. Returns whether there was something to do."""
    found = _brought_back(entry)
    if found is None:
        return False
    person, kind, roles = found
    if kind == AccessKind.CLOSED:
        _shut(person)
    elif kind == AccessKind.PASSWORD:
        _forget_password(person)
    else:
        person.groups.remove(*Group.objects.filter(name__in=roles))
    return True


def _brought_back(entry: takedowns.Entry) -> tuple[User, str, set[str]] | None:
    """The person, the kind of change, and the roles that are held again; None where all is as it should be."""
    person = User.objects.filter(pk=entry.key).first()
    later = AccessChange.objects.filter(person=person, state=AccessState.DONE).filter(
        Q(decided_at__gte=entry.at) | Q(decided_at=None, proposed_at__gte=entry.at)
    )
    if person is None or person.created_at > entry.at or later.exists():
        return None
    kind, _colon, names = entry.number.partition(":")
    roles = roles_of(person) & set(names.split(","))
    held = {AccessKind.CLOSED: person.is_active, AccessKind.PASSWORD: person.has_usable_password()}
    return (person, kind, roles) if held.get(AccessKind(kind), bool(roles)) else None


def _note(person: User, kind: AccessKind, roles: str = "", *, at: datetime) -> None:
    takedowns.note(takedowns.What.ACCESS, person.pk, at=at, number=_what(kind, roles))


def _what(kind: AccessKind, roles: str) -> str:
    return f"{kind.value}:{roles}" if roles else kind.value


# --- Shared ---------------------------------------------------------------------------------------------
def _allow(by: User | None) -> None:
    if by is not None and not (by.is_active and by.has_perm(PERMISSION)):
        raise NotAllowed(_("Your role does not allow this."))


def _allow_for(person_id: int, *, by: User | None) -> None:
    _allow(by)
    if by and by.pk == person_id:
        raise NotAllowed(_("Nobody changes their own rights or sign-in here; ask another person."))


def _other(person_id: int, *, by: User | None) -> User:
    """The person, locked, for somebody who may change another's rights."""
    _allow_for(person_id, by=by)
    return _lock(person_id)


def _lock(person_id: int) -> User:
    # No key: who presses is named by rows of the log, which must not wait for whoever locks them as a person.
    return User.objects.select_for_update(no_key=True).get(pk=person_id)


def _none_open(person: User) -> None:
    if AccessChange.objects.filter(person=person, state=AccessState.PROPOSED).exists():
        raise IllegalTransition(_("A change for this person waits for a decision already."))


def _known(roles: Collection[str]) -> set[str]:
    if unknown := set(roles) - set(ROLE_BY_KEY):
        raise InvalidInput("roles", _("There is no role “%(role)s”."), role=sorted(unknown)[0])
    return set(roles)


def _giving() -> set[str]:
    """The roles whose holders give roles."""
    return {key for key, role in ROLE_BY_KEY.items() if PERMISSION in role.permissions}


def _keep_another(person: User) -> None:
    """Refuse to leave nobody who could give roles. The roles are locked, so that two do not leave at once."""
    giving = list(Group.objects.select_for_update().filter(name__in=_giving()).order_by("pk"))
    if not User.objects.filter(is_active=True, groups__in=giving).exclude(pk=person.pk).exists():
        raise IllegalTransition(_("Nobody would be left who can give roles; give another person such a role first."))


def _reason(text: str) -> str:
    text = text.strip()
    if not text or "\x00" in text:
        raise InvalidInput("reason", _("Say why."))
    if len(text) > LONGEST_REASON:
        raise InvalidInput("reason", _("At most %(limit)s characters."), limit=LONGEST_REASON)
    return text


def _write(
    person: User,
    kind: AccessKind,
    reason: str,
    *,
    by: User | None,
    at: datetime,
    added: Collection[str] = (),
    removed: Collection[str] = (),
    email: str = "",
    state: AccessState = AccessState.DONE,
) -> AccessChange:
    return AccessChange.objects.create(
        person=person,
        kind=kind,
        added=sorted(added),
        removed=sorted(removed),
        email=email,
        reason=reason,
        state=state,
        proposed_by=by,
        proposed_at=at,
    )


def _done(person: User, kind: AccessKind, event: str, reason: str, *, by: User | None, at: datetime) -> AccessChange:
    change = _write(person, kind, _reason(reason), by=by, at=at)
    security.record(event, user=by, subject=_subject(person), change=change.pk)
    access_changed.send(sender=AccessChange, change=change)
    return change


def _propose(
    person: User,
    kind: AccessKind,
    reason: str,
    *,
    by: User | None,
    at: datetime,
    added: Collection[str] = (),
    email: str = "",
) -> AccessChange:
    change = _write(person, kind, reason, by=by, at=at, added=added, email=email, state=AccessState.PROPOSED)
    security.record("access_proposed", user=by, subject=_subject(person), change=change.pk, added=change.added)
    access_changed.send(sender=AccessChange, change=change)
    return change


def _subject(person: User) -> str:
    return f"user:{person.pk}"
