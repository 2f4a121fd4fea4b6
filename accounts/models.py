"""Who is who: users, departments, and who belonged where at which time."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.querysets import DepartmentQuerySet, MembershipQuerySet


class DepartmentKind(models.TextChoices):
    OFFICE = "office", _("Complaints office")
    HANDLING = "handling", _("Handling department")
    REVIEW = "review", _("Review group")
    LEGAL = "legal", _("Legal department")
    PUBLICITY = "publicity", _("Publication office")
    MANAGEMENT = "management", _("Management")
    AUDIT = "audit", _("Internal audit")
    TECHNICAL = "technical", _("Technical operation")


class Department(models.Model):
    """A unit of the organisation. `path` holds the codes from the root ("/root/water/")."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    # For pages in English; null where nobody has given one, and then the name above stands.
    name_en = models.CharField(_("English name"), max_length=80, null=True, blank=True)  # noqa: DJ001
    kind = models.CharField(_("kind"), max_length=12, choices=DepartmentKind.choices, default=DepartmentKind.HANDLING)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=400, editable=False, db_index=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs):
        self.path = f"{self.parent.path if self.parent else '/'}{self.code}/"
        super().save(*args, **kwargs)


class UserManager(BaseUserManager["User"]):
    def create_user(self, staff_number: str, password: str | None = None, **fields) -> User:
        if not staff_number:
            raise ValueError("staff_number is required")
        user = self.model(staff_number=staff_number, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, staff_number: str, password: str | None = None, **fields) -> User:
        raise ValueError("Huiyin has no superusers: create a user and put them into the administrator group.")

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(staff_number__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A member of staff. One person has one staff number and so one account (AZ-10)."""

    staff_number = models.CharField(_("staff number"), max_length=32, unique=True)
    display_name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), blank=True)
    post = models.CharField(_("post"), max_length=80, blank=True)
    frontline_since = models.DateField(_("front-line service since"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "staff_number"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        ordering = ["staff_number"]
        permissions = [
            ("manage_users", "Can create users and give roles"),
            ("configure_system", "Can change policies, calendars and templates"),
            ("read_security_log", "Can read the security log"),
            ("rerun_job", "Can run a scheduled job by hand"),
        ]
        constraints = [models.UniqueConstraint(Lower("staff_number"), name="one_account_per_staff_number")]

    def __str__(self) -> str:
        return self.display_name

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name

    @property
    def department_ids(self) -> list[int]:
        """Departments the user belongs to now, from the memberships read once per request object."""
        now = timezone.now()
        return [item.department_id for item in self.all_memberships if item.covers(now)]

    @property
    def all_memberships(self) -> list[Membership]:
        """Every membership the user ever had; read once per request object."""
        if not hasattr(self, "_all_memberships"):
            self._all_memberships = list(self.memberships.all())
        return self._all_memberships

    def headed_department_ids(self) -> list[int]:
        """Departments the user heads now."""
        return list(self.memberships.current().filter(is_head=True).values_list("department_id", flat=True))


class Membership(models.Model):
    """A user belonged to a department from `since` until `until` (open: still does).

    Rows are closed, never edited: independence is judged at handling time (REV-05, RI-03).
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    department = models.ForeignKey(Department, models.PROTECT, related_name="memberships")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    is_head = models.BooleanField(_("head of the department"), default=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("since")), name="membership_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["user", "department"], condition=Q(until__isnull=True), name="one_open_membership"
            ),
        ]
        indexes = [models.Index(fields=["department", "until"])]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.department_id}"

    def covers(self, at: datetime) -> bool:
        """Whether the membership was in force at a moment."""
        return self.since <= at and (self.until is None or at < self.until)


class Certificate(models.Model):
    """A qualification with its validity (REV-08)."""

    user = models.ForeignKey(User, models.PROTECT, related_name="certificates")
    name = models.CharField(max_length=120)
    valid_from = models.DateField()
    valid_until = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(valid_until__gte=F("valid_from")), name="certificate_dates_in_order")
        ]

    def __str__(self) -> str:
        return self.name


class AccessKind(models.TextChoices):
    ROLES = "roles", _("Roles")
    ADDRESS = "address", _("E-mail address")
    PASSWORD = "password", _("Password taken away")
    SECOND_STEP = "second_step", _("Second step of the sign-in removed")
    CLOSED = "closed", _("Closing of the account")
    OPENED = "opened", _("Reopening of the account")


class AccessState(models.TextChoices):
    PROPOSED = "proposed", _("Waits for a second person")
    DONE = "done", _("Done")
    DECLINED = "declined", _("Not agreed to")
    WITHDRAWN = "withdrawn", _("Proposal taken back")


class AccessChange(models.Model):
    """Who changed what somebody may do or how they sign in, and why; far-reaching changes have a second person.

    `added` and `removed` hold the keys of roles, `email` a new address. Rows are never edited but for the decision.
    """

    person = models.ForeignKey(User, models.PROTECT, related_name="access_changes")
    kind = models.CharField(max_length=12, choices=AccessKind.choices)
    added = models.JSONField(default=list)
    removed = models.JSONField(default=list)
    email = models.EmailField(blank=True)
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=AccessState.choices)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)  # null: on the command line
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(state=AccessState.PROPOSED), name="one_open_access_change"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | (~Q(decided_by=F("proposed_by")) & ~Q(decided_by=F("person"))),
                name="access_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(proposed_by=None) | ~Q(proposed_by=F("person")), name="nobody_changes_own_access"
            ),
        ]
        indexes = [models.Index(fields=["state", "proposed_at"])]

    def __str__(self) -> str:
        return f"{self.kind} of {self.person_id}"


class SecurityEvent(models.Model):
    """Append-only record of refusals, sign-ins and reads of identity (AT-06).

    `address` is the client's network address: kept here, never in case tables (PI-14).
    """

    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=40)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    address = models.GenericIPAddressField(null=True)
    subject = models.CharField(max_length=80, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "at"]),
            models.Index(fields=["at"]),
            models.Index(fields=["user", "at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class FieldKeySentinel(models.Model):
    """One encrypted known word: a start with the wrong HUIYIN_FIELD_KEYS is refused (DL-07)."""

    token = models.TextField()

    def __str__(self) -> str:
        return "sentinel"
