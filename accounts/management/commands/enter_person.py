"""Enter the first people of an installation, or give somebody a new start when nobody is left who could."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts import people
from accounts.management.base import ActionCommand, Failed
from accounts.models import Department, User
from accounts.roles import ROLE_BY_KEY

REASON = "command line of the server"


class Command(ActionCommand):
    help = "Enters a person with roles and prints the link by which they choose a password."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("staff_number", help="what the person signs in with")
        parser.add_argument("name", nargs="?", default="", help="the person's name; not with --again")
        parser.add_argument("--role", action="append", default=[], choices=sorted(ROLE_BY_KEY), help="may be repeated")
        parser.add_argument("--department", help="code of the department, if there is one already")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--again", action="store_true", help="the person is known: take the password away and make a new link"
        )

    def run(self, *, staff_number: str, name: str, role: list[str], again: bool, **options: Any) -> dict[str, Any]:
        with transaction.atomic():
            if again:
                person = User.objects.filter(staff_number__iexact=staff_number).first()
                if person is None:
                    raise Failed(f"Nobody has the staff number {staff_number}.")
                people.ask_password(person.pk, reason=REASON, by=None)
                person.refresh_from_db()
            else:
                person = people.enter(
                    staff_number=staff_number,
                    name=name,
                    email=options["email"],
                    department=_department(options["department"]),
                    roles=role,
                    reason=REASON,
                    by=None,
                )
            link = people.password_link(person, by=None)
        return {"staff_number": person.staff_number, "roles": sorted(people.roles_of(person)), "link": link}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"{result['staff_number']} chooses a password here, once and within three days:\n"
            f"{result['link']}  (behind the address of your desk)"
        )


def _department(code: str | None) -> Department | None:
    if not code:
        return None
    found = Department.objects.filter(code=code, is_active=True).first()
    if found is None:
        known = ", ".join(Department.objects.active().values_list("code", flat=True)) or "none yet"
        raise Failed(f"There is no department {code}; there are: {known}.")
    return found
