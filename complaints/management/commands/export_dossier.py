"""The dossier of a case for a court or a regulator, as one ZIP (ARC-11)."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts import security
from accounts.management.base import ActionCommand, Failed
from complaints import dossier
from complaints.models import Complaint


class Command(ActionCommand):
    help = "Writes the case file with index, documents, log and manifest; it holds personal data in clear."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", metavar="NUMBER", help="number of the case, e.g. HY-20261121-0042")
        parser.add_argument("out", metavar="OUT.zip", type=Path, help="a file that does not exist yet")

    def run(self, *, number: str, out: Path, **options: Any) -> dict[str, Any]:
        complaint = Complaint.objects.filter(number=number).first()
        if complaint is None:
            raise Failed(f"There is no case {number}; give its full number.")
        if out.exists():
            raise Failed(f"{out} exists already; give another name.")
        part = out.with_name(f"{out.name}.{secrets.token_hex(4)}.part")
        try:
            with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as target:
                made = dossier.write(complaint.pk, target)
                target.flush()
                os.fsync(target.fileno())
                target.seek(0)
                digest = hashlib.file_digest(target, "sha256").hexdigest()
            security.record("dossier_exported", subject=number, sha256=digest, by="command")
            part.rename(out)
        except OSError as error:
            raise Failed(f"{out} cannot be written: {error.strerror or error}.") from error
        finally:
            part.unlink(missing_ok=True)
        self.stderr.write("The dossier holds names, contact data and originals in clear: for court and regulator only.")
        for line in made.left_out:
            self.stderr.write(f"Not included, entry {line}")
        return {"number": number, "files": made.files, "sha256": digest}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['number']}: {result['files']} files, SHA-256 {result['sha256']}")
