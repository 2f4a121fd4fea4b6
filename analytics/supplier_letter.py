"""The letter that demands an improvement of a supplier, as a Word document to sign and send (IMP-12)."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from analytics.models import SupplierCase
from complaints import identity, notice_stock


def build(row: SupplierCase) -> bytes:
    """The letter as a DOCX file, in Chinese like the other letters; the record has a demand and its date.

    It names the case by number and category and holds nothing about who complained.
    """
    assert row.due_on is not None
    organisation = settings.ORGANISATION
    with translation.override("zh-hans"):
        category = row.complaint.category.label if row.complaint.category else row.complaint.number
        title = _("Demand for improvement")
        lines = [
            ("Issuer", organisation["name"]),
            ("Title", title),
            ("Number", _("No.: %(number)s") % {"number": row.complaint.number}),
            ("Addressee", _("To %(name)s:") % {"name": row.supplier.name}),
            ("Body Text", _("We looked into a complaint about “%(category)s”. It is due to your part:") % {
                "category": category
            }),
            *_paragraphs(row.share),
            ("Body Text", _("Please mend the following by %(day)s and answer us in writing:") % {
                "day": date_format(row.due_on, "DATE_FORMAT")
            }),
            *_paragraphs(row.demand),
            *_earlier(row),
            ("Body Text", _("Another member of our staff checks the result; it counts in your evaluation.")),
            ("Signature", organisation["name"]),
            ("Signature", date_format(timezone.localdate(), "DATE_FORMAT")),
            ("Contact", _("Telephone: %(phone)s  Address: %(address)s") % organisation),
        ]  # fmt: skip
        return notice_stock.letter(title, lines)


def _earlier(row: SupplierCase) -> list[tuple[str, str]]:
    """The rounds that are over in words, the latest first, without who complained: the supplier reads them."""
    lines = []
    for done in row.rounds.all():
        lines.append(_("Demanded before, by %(day)s: %(text)s") % {"day": done.due_on, "text": done.demand})
        if done.answered_at:
            day = timezone.localdate(done.answered_at)
            lines.append(_("Answer of %(day)s: %(text)s") % {"day": day, "text": done.answer})
        else:
            lines.append(_("There was no answer."))
        lines.append(_("What we found: not improved"))
    return _paragraphs(identity.scrub("\n".join(lines), row.complaint.complainant))


def _paragraphs(text: str) -> list[tuple[str, str]]:
    return [("Body Text", line.strip()) for line in text.splitlines() if line.strip()]
