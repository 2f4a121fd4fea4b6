"""The words of notifications, built from kind and params in the reader's language.

Mails to complainants hold the case number and a link to the tracking page, nothing else (AP-06).
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import Field
from django.utils.translation import gettext as _

from complaints.models import Bulletin, Incident, Notification
from complaints.states import Milestone

# What cannot wait: mailed at once whatever the reader chose, told to the substitute of whoever is away, and
# to the office's chat groups (SLA-13, INC-02, INC-06).
PRESSING = frozenset(
    {
        "breach", "escalation", "high_risk", "batch_outbreak", "ledger_broken", "posting_withdrawn",
        "incident_declared", "bulletin_overdue", "first_contact_over",
    }
)  # fmt: skip
# The same without the groups: it concerns one person, at weekends too (INC-04, INC-10).
AT_ONCE = PRESSING | {"called_out", "home_help"}


def bulletin_part(name: str) -> str:
    """What a part of a bulletin is called, for whoever has to mend it."""
    field = (Incident if name == "title" else Bulletin)._meta.get_field(name)
    assert isinstance(field, Field)
    return str(field.verbose_name)


def sentence(row: Notification, absent: str = "") -> str:
    """One line for the inbox of a member of staff; it says so when somebody reads it in another's place.

    `absent`: the name of who is away, for pages; e-mails leave it out.
    """
    text = plain_sentence(row)
    if "instead_of" not in row.params:
        return text
    if absent:
        return _("In place of %(name)s: %(text)s") % {"name": absent, "text": text}
    return _("In place of a colleague who is away: %(text)s") % {"text": text}


def plain_sentence(row: Notification) -> str:
    """What happened, whoever reads it."""
    number = row.complaint.number if row.complaint else ""
    due = ""
    if "due" in row.params:
        moment = datetime.fromisoformat(row.params["due"])
        due = _("%(month)s/%(day)s %(time)s") % {
            "month": moment.month,
            "day": moment.day,
            "time": moment.strftime("%H:%M"),
        }
    milestone = str(Milestone(row.params["milestone"]).label) if "milestone" in row.params else ""
    values = {
        "number": number,
        "due": due,
        "milestone": milestone,
        **{k: v for k, v in row.params.items() if k not in ("due", "milestone")},
    }
    if row.kind == "bulletin_blocked":
        values["part"] = bulletin_part(row.params["part"])
    texts = {
        "assigned": _("%(number)s was assigned to your department."),
        "handed_over": _("%(number)s was handed over to you."),
        "returned": _("%(number)s was returned for rework."),
        "reopened": _("%(number)s was reopened."),
        "rework_rounds": _("%(number)s was returned for rework %(count)s times or more; find out why."),
        "proposal_waits": _("A proposal of a complainant still waits for the answer of your department."),
        "proposals_to_judge": _("%(count)s proposals of complainants wait to be judged."),
        "proposal_routed": _("A proposal of a complainant waits for the answer of your department."),
        "to_assign": _("%(number)s was accepted and waits to be assigned."),
        "to_check": _("%(number)s waits for the quality check."),
        "to_legal": _("%(number)s waits for the legal check."),
        "tell_refusal": _(
            "%(number)s: tell the complainant that it is not accepted, why, and where to turn, and record that you did."
        ),
        "tell_request": _("%(number)s: tell the complainant what is missing, and record that you did."),
        "tell_reply": _("%(number)s: tell the reply to the complainant by phone, in person or by letter."),
        "not_solved": _(
            "%(number)s: the complainant is dissatisfied or says it is not solved; reopen it, or say why it is closed."
        ),
        "high_risk": _("%(number)s was graded as high risk."),
        "risk_proposed": _("%(number)s: new facts speak for a higher risk; decide whether the grade still holds."),
        "churn_risk": _("%(number)s: the customer may leave; take it up before it is too late."),
        "team_joined": _("%(number)s: you are in the joint team of this case."),
        "risk_meeting_due": _(
            "%(number)s: a meeting about the risk is due since %(day)s; call it, or record what was decided."
        ),
        "second_look": _("%(number)s: somebody proposes to call it unreasonable; a second person decides."),
        "question": _("%(number)s: the complainant asked again."),
        "supplement": _("%(number)s: the complainant added information."),
        "supplement_expired": _("%(number)s: the complainant's time to answer is over; ring them or go on without it."),
        "about_office": _("%(number)s is about the complaints office itself; say whom it concerns."),
        "file_infected": _("%(number)s: a virus was found in a file; ask for it to be sent again."),
        "file_too_large": _("%(number)s: a file is too large for the virus check; ask for it in smaller parts."),
        "scanner_silent": _("%(count)s files wait for the virus check: the scanner does not answer."),
        "mail_bounced": _(
            "%(number)s: an e-mail to the complainant came back; use another way to reach the complainant."
        ),
        "return_requested": _("%(number)s: a department wants to return the case."),
        "return_waits": _("%(number)s: the return asked for on %(day)s still waits for your decision."),
        "return_refused": _("%(number)s stays with your department: the return was refused, read the reason."),
        "taken_back": _("%(number)s is no longer with your department."),
        "clock_decided": _("%(number)s: your request about the clock is decided, read the decision."),
        "pause_over": _("%(number)s: the time of the pause is over, the clock runs again."),
        "consultation_requested": _("%(number)s: somebody asks to read the archived file; decide on it."),
        "consultation_decided": _("%(number)s: your request to read the archived file is decided."),
        "files_due": _("The time of %(count)s archived files is over; decide what becomes of them."),
        "appraisal_approved": _("The list %(list)s is approved; two people carry it out."),
        "destruction_stopped": _("The file %(file)s was not destroyed: something came in between."),
        "remedy_waiting": _("%(number)s: a remedy waits for your approval."),
        "second_look_waits": _(
            "%(number)s: the proposal of %(day)s to call it unreasonable still waits for a second person."
        ),
        "consultation_waits": _("%(number)s: the archived file asked for on %(day)s still waits for your decision."),
        "remedy_waits": _("%(number)s: the remedy proposed on %(day)s still waits for your approval."),
        "remedy_approved": _("%(number)s: a remedy was approved; record it once it has been given."),
        "remedy_refused": _("%(number)s: a remedy was not approved; read the reason."),
        "clock_request": _("%(number)s: somebody asks to stop or extend the clock."),
        "clock_request_waits": _("%(number)s: what was asked for the clock on %(day)s still waits for your decision."),
        "reminder": _("%(number)s: %(milestone)s is due on %(due)s."),
        "breach": _("%(number)s: %(milestone)s was due on %(due)s and is overdue."),
        "escalation": _("%(number)s: %(milestone)s has been overdue since %(due)s."),
        "article_stale": _("Article %(article)s is out of date or due to be looked at: confirm, change or retire it."),
        "article_to_read": _("Please read article %(article)s and confirm it."),
        "calendar_missing": _("%(year)s has no working calendar yet; load its holidays."),
        "calendar_provisional": _("The make-up working days of %(year)s are not confirmed yet."),
        "clock_jump": _("The clock of the server jumped; jobs that mark and remove wait until it is checked."),
        "ledger_broken": _("The check of the ledger failed at %(row)s: %(what)s."),
        "review_assigned": _("Review %(review)s was assigned to you."),
        "review_requested": _("A new review %(review)s waits for screening."),
        "outbreak_found": _("%(count)s complaints of one kind from %(day)s on: say where the trouble lies."),
        "batch_outbreak": _("%(count)s complaints about one batch or new product: decide on an emergency response."),
        "project_given": _("You are responsible for improvement project %(project)s."),
        "project_report": _("Improvement project %(project)s: a progress report is due."),
        "project_silent": _("Improvement project %(project)s: its owner has not reported progress."),
        "project_overdue": _("Improvement project %(project)s was due on %(day)s and is not done."),
        "project_to_verify": _("Improvement project %(project)s is reported as done and waits to be verified."),
        "project_verified": _("Improvement project %(project)s is verified."),
        "project_returned": _("Improvement project %(project)s was not accepted; read why."),
        "adoption_asked": _("Your department is asked to take over improvement %(project)s; answer until %(day)s."),
        "adoption_late": _("Your department has not answered whether it takes over improvement %(project)s."),
        "supplier_late": _("%(supplier)s has not answered a demand for improvement by its date."),
        "upstream_sent": _("Complaints say something about your product or process; answer until %(day)s."),
        "upstream_late": _("Your department has not answered what complaints say; it was due on %(day)s."),
        "upstream_answered": _("%(department)s has answered what complaints say about its product or process."),
        "idea_made": _("A colleague made a suggestion that waits for an answer."),
        "idea_answered": _("Your suggestion was answered."),
        "transfer_called": _("You are invited to a complaint information meeting on %(due)s."),
        "resolution_given": _("A decision is for you to carry out until %(day)s."),
        "resolution_late": _("A decision was to be carried out by %(day)s and is not done."),
        "adoption_answered": _("A department has answered whether it takes over improvement %(project)s."),
        "major_problem": _("Major problem %(problem)s has no improvement project yet."),
        "incident_declared": _("Incident %(incident)s: the emergency response has begun."),
        "called_out": _("You are called out to incident %(incident)s."),
        "home_help": _("Incident %(incident)s: a visit at home waits for you, due on %(due)s."),
        "bulletin_near": _("Incident %(incident)s: the next bulletin is due on %(due)s."),
        "bulletin_blocked": _(
            "Incident %(incident)s: bulletin %(bulletin)s did not become public; “%(part)s” shows something that"
            " identifies a person. Withdraw it and write it without."
        ),
        "bulletin_published": _(
            "Incident %(incident)s: bulletin %(bulletin)s is public; hang up the poster and send the texts on."
        ),
        "bulletin_overdue": _("Incident %(incident)s: the bulletin due on %(due)s is overdue."),
        "first_contact_near": _("Incident %(incident)s: %(count)s cases are to be contacted until %(due)s."),
        "first_contact_over": _("Incident %(incident)s: %(count)s cases were not contacted until %(due)s."),
        "calls_waiting": _("Precaution %(precaution)s: %(count)s people are to be called by %(day)s."),
        "calls_near": _("Precaution %(precaution)s: %(count)s people are still to be called by %(day)s."),
        "calls_late": _("Precaution %(precaution)s: %(count)s people were not called by %(day)s."),
        "promise_due": _("%(number)s: a promise to the complainant was due on %(due)s and is not kept."),
        "statement_overdue": _("%(number)s: a statement asked of somebody outside was due on %(day)s."),
        "meeting_called": _("%(number)s: you are asked to a meeting on %(due)s."),
        "meeting_cancelled": _("%(number)s: the meeting on %(due)s is called off."),
        "task_given": _("%(number)s: a task waits for you, due on %(day)s."),
        "task_overdue": _("%(number)s: a task was due on %(day)s and is not done."),
        "lane_senior": _("%(number)s: you have this case from here to the end; it does not go the ordinary way."),
        "lane_fast": _("%(number)s is on the fast lane; you are named for it."),
        "lane_unmanned": _("%(number)s needs one senior person throughout; name somebody who can take it."),
        "daily_contact": _("%(number)s: the complainant has not heard from us since the last working day."),
        "tier_manager": _("%(number)s: a customer you look after has complained."),
        "alert_raised": _("%(number)s: an early warning was raised; look at it before it becomes a review."),
        "review_step_late": _("Review %(review)s: its present step has been overdue since %(due)s."),
        "material_requested": _("%(number)s: deliver original records until %(day)s."),
        "material_overdue": _("%(number)s: original records were due on %(day)s and are not delivered."),
        "material_delivered": _("Review %(review)s: original records were delivered."),
        "material_failed": _("Review %(review)s: original records were not delivered in time."),
        "review_overdue": _("The screening of review %(review)s is overdue."),
        "certificate_ends": _(
            "A certificate in the register of the review group runs out on %(day)s; have it renewed."
        ),
        "top_report": _("A rectification plan of the review group waits for your decision."),
        "top_report_decided": _("Top management has decided on your rectification plan."),
        "sample_drawn": _("The sample of %(period)s was drawn: %(size)s cases."),
        "review_short": _("There is a review that too few members of the group are free to judge."),
        "sample_missed": _("No sample of %(period)s can be drawn: no commitment was made before the period ended."),
        "publication_returned": _("Publication %(publication)s was returned to you."),
        "publish_or_not": _("%(count)s closed cases wait for the decision whether their result is published."),
        "posting_withdrawn": _("%(publication)s was taken down but is still up here: %(channel)s. Take it off now."),
        "posting_over": _("The last day of %(publication)s is over on this channel: %(channel)s. Take it off."),
        "publication_check": _("Publication %(publication)s waits for you to check it."),
        "access_waits": _("A change of somebody's roles or sign-in waits for a second person to decide."),
        "access_decided": _("What you proposed for a person was decided."),
        "access_done": _(
            "Your roles or your sign-in were changed. If you know nothing of it, tell your administrator."
        ),
        "masking_waits": _("A change of the masking profiles waits for a second person to decide."),
        "masking_decided": _("Your change of a masking profile was decided."),
        "comments_waiting": _("Comments of the public on published results wait for a look."),
        "volunteer_report": _("A volunteer supervisor has sent a report."),
        "published_improvement_late": _("A published improvement of %(publication)s is overdue."),
        "fulfilment_to_publish": _("Improvements of %(publication)s went on; bring the public page up to date."),
        "posting_refused": _("%(publication)s could not be posted at its time; open it to see what stands against it."),
        "effect_to_publish": _("A month after %(publication)s is over; its public page can say what changed."),
        "publication_leak": _("Publication %(publication)s showed personal data; it was taken down."),
        "lessons": _("Results of the work of your department published last week: %(count)s."),
        "report_released": _("The report for %(period)s is released; read it."),
        "report_remark": _("There is a remark on the report for %(period)s."),
        "report_ready": _("The report for %(period)s is ready."),
        "files_do_not_match": _(
            "Files and their records do not match: %(lost)s files are missing, %(strays)s have no record."
        ),
        "report_failed": _("The report for %(period)s could not be built."),
        "month_closed": _("The month %(period)s is closed; its figures are final."),
        "month_not_closed": _("The month %(period)s could not be closed."),
    }
    text = texts.get(row.kind, _("There is news on %(number)s."))
    return text % _Blank(values)


class _Blank(dict):
    """A placeholder without a value shows as nothing rather than as an error."""

    def __missing__(self, key: str) -> str:
        return ""


def mail(row: Notification) -> tuple[str, str]:
    """Subject and body of the mail for a notification."""
    if row.to_complainant:
        number = row.params.get("number", "")
        lines = {
            "received": _("We have received your complaint %(number)s."),
            "accepted": _("We have accepted your complaint %(number)s."),
            "not_accepted": _("There is a decision on your complaint %(number)s."),
            "information_wanted": _("We need some more information on your complaint %(number)s."),
            "extended": _("The date for your complaint %(number)s has changed."),
            "replied": _("There is an answer to your complaint %(number)s."),
            "bulletin": _("There is news on the incident your complaint %(number)s is about."),
            "new_code": _("Here is the new access code for your complaint %(number)s."),
            "review": _("There is a decision on your application for review of %(number)s."),
        }
        line = lines.get(row.kind, _("There is news on %(number)s.")) % {"number": number}
        closing = _("Read it with your case number and access code at %(url)s") % {"url": track_url()}
        return line, f"{line}\n\n{closing}\n\n{settings.ORGANISATION['name']}\n{settings.ORGANISATION['phone']}\n"
    line = sentence(row)
    url = f"{settings.PUBLIC_BASE_URL}{row.url}" if row.url else ""
    return line, f"{line}\n\n{url}\n"


def short(row: Notification) -> str:
    """The same news to a complainant in one line, for a short message."""
    line = mail(row)[0]
    return f"{line} {track_url()}"


def track_url() -> str:
    """The full address of the tracking page, also in a process that does not serve the public site."""
    return f"{settings.PUBLIC_BASE_URL}/track/"
