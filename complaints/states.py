"""Enums of a case and the table of allowed moves. Leaf: imports no models.

`MOVES` is the whole lifecycle (CASE-02, CASE-03, SCR-01): an action exists for a case exactly when
the case's status is among its sources. docs/workflow.md shows the same table, checked by a test.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Status(models.TextChoices):
    REGISTERED = "registered", _("Registered")
    AWAITING_INFORMATION = "awaiting_information", _("Awaiting information")
    ACCEPTED = "accepted", _("Accepted")
    NOT_ACCEPTED = "not_accepted", _("Not accepted")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    MERGED = "merged", _("Merged into another case")
    ASSIGNED = "assigned", _("Assigned")
    IN_PROGRESS = "in_progress", _("In progress")
    QUALITY_CHECK = "quality_check", _("Quality check")
    LEGAL_CHECK = "legal_check", _("Legal check")
    REPLIED = "replied", _("Replied")
    CLOSED = "closed", _("Closed")
    ARCHIVED = "archived", _("Archived")


S = Status

# Work is going on: clocks may run, the case is in somebody's queue.
OPEN = (
    S.REGISTERED,
    S.AWAITING_INFORMATION,
    S.ACCEPTED,
    S.ASSIGNED,
    S.IN_PROGRESS,
    S.QUALITY_CHECK,
    S.LEGAL_CHECK,
    S.REPLIED,
)
# Handling is over.
ENDED = (S.NOT_ACCEPTED, S.WITHDRAWN, S.MERGED, S.CLOSED, S.ARCHIVED)

# Stage of the eight-step bar (1..8) for each status.
STAGE = {
    S.REGISTERED: 1,
    S.AWAITING_INFORMATION: 2,
    S.ACCEPTED: 2,
    S.ASSIGNED: 3,
    S.IN_PROGRESS: 4,
    S.QUALITY_CHECK: 5,
    S.LEGAL_CHECK: 5,
    S.REPLIED: 6,
    S.CLOSED: 8,
    S.ARCHIVED: 8,
    S.NOT_ACCEPTED: 8,
    S.WITHDRAWN: 8,
    S.MERGED: 8,
}


@dataclass(frozen=True)
class Move:
    """One action: from which statuses, to which (None: the status stays or depends on the case)."""

    action: str
    sources: tuple[Status, ...]
    target: Status | None
    permission: str
    label: str | Promise
    by_complainant: bool = False


_BEFORE_REPLY = (
    S.REGISTERED,
    S.AWAITING_INFORMATION,
    S.ACCEPTED,
    S.ASSIGNED,
    S.IN_PROGRESS,
    S.QUALITY_CHECK,
    S.LEGAL_CHECK,
)

# No clock stands still and no reply is on its way: taken up again, the case goes on where it was.
_MERGEABLE = (S.REGISTERED, S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS)

MOVES: dict[str, Move] = {
    move.action: move
    for move in (
        # Screening (SCR-01…06)
        Move(
            "request_information",
            (S.REGISTERED, S.ACCEPTED, S.IN_PROGRESS),
            S.AWAITING_INFORMATION,
            "complaints.screen_complaint",
            _("Ask for information"),
        ),
        Move(
            "receive_information",
            (S.AWAITING_INFORMATION,),
            None,
            "complaints.record_for_complainant",
            _("Record the information received"),
            by_complainant=True,
        ),
        Move("accept", (S.REGISTERED,), S.ACCEPTED, "complaints.screen_complaint", pgettext_lazy("action", "Accept")),
        Move("refuse", (S.REGISTERED,), S.NOT_ACCEPTED, "complaints.screen_complaint", _("Do not accept")),
        Move("rescreen", (S.NOT_ACCEPTED,), S.REGISTERED, "complaints.reopen_complaint", _("Screen again")),
        Move(
            "withdraw",
            _BEFORE_REPLY,
            S.WITHDRAWN,
            "complaints.record_for_complainant",
            _("Record the withdrawal"),
            by_complainant=True,
        ),
        # Classification and risk: the status stays
        Move("classify", OPEN, None, "complaints.classify_complaint", _("Classify")),
        Move("grade_risk", OPEN, None, "complaints.classify_complaint", _("Grade the risk")),
        Move(
            "record_facts",
            OPEN,
            None,
            "complaints.screen_complaint",
            _("Add facts about the matter"),
        ),
        Move("judge_validity", (*OPEN, S.CLOSED), None, "complaints.screen_complaint", _("Judge the validity")),
        Move(
            "propose_unreasonable",
            OPEN,
            None,
            "complaints.screen_complaint",
            _("Propose to call it unreasonable"),
        ),
        Move(
            "decide_unreasonable",
            OPEN,
            None,
            "complaints.screen_complaint",
            _("Decide whether it is unreasonable"),
        ),
        # Belonging together (SCR-09)
        Move("link", tuple(Status), None, "complaints.merge_complaints", _("Link with another case")),
        Move("unlink", tuple(Status), None, "complaints.merge_complaints", _("End the link")),
        Move("merge", _MERGEABLE, S.MERGED, "complaints.merge_complaints", _("Merge into another case")),
        Move("undo_merge", (S.MERGED,), None, "complaints.merge_complaints", _("Undo the merge")),
        Move("join_incident", OPEN, None, "complaints.merge_complaints", _("Add to an incident")),
        Move("leave_incident", OPEN, None, "complaints.merge_complaints", _("Take out of the incident")),
        Move("undo_import", (*OPEN, S.CLOSED), S.WITHDRAWN, "complaints.import_complaints", _("Undo the import")),
        # Assignment (ASG-01…08)
        Move("assign", (S.ACCEPTED,), S.ASSIGNED, "complaints.assign_complaint", _("Assign")),
        Move(
            "reassign",
            (S.ASSIGNED, S.IN_PROGRESS),
            S.ASSIGNED,
            "complaints.assign_complaint",
            _("Move to another department"),
        ),
        Move(
            "add_supporting",
            (S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.assign_complaint",
            _("Add a supporting department"),
        ),
        Move(
            "request_return",
            (S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.handle_complaint",
            _("Ask to return the case"),
        ),
        Move(
            "grant_return", (S.ASSIGNED, S.IN_PROGRESS), None, "complaints.adjudicate_return", _("Agree to the return")
        ),
        Move(
            "refuse_return", (S.ASSIGNED, S.IN_PROGRESS), None, "complaints.adjudicate_return", _("Refuse the return")
        ),
        Move("start", (S.ASSIGNED,), S.IN_PROGRESS, "complaints.handle_complaint", _("Take over the case")),
        Move("hand_over", (S.IN_PROGRESS,), None, "complaints.handle_complaint", _("Hand over to a colleague")),
        Move(
            "receive_task",
            (S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.handle_complaint",
            _("Confirm receipt of the task"),
        ),
        Move(
            "finish_supporting",
            (S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.handle_complaint",
            _("Finish the supporting task"),
        ),
        # Handling and check (QUA-02…05, COM-01, COM-02)
        Move(
            "submit_for_check",
            (S.IN_PROGRESS,),
            S.QUALITY_CHECK,
            "complaints.draft_reply",
            _("Submit for quality check"),
        ),
        Move(
            "return_for_rework",
            (S.QUALITY_CHECK, S.LEGAL_CHECK),
            S.IN_PROGRESS,
            "complaints.check_quality",
            _("Return for rework"),
        ),
        Move("pass_quality", (S.QUALITY_CHECK,), None, "complaints.check_quality", _("Pass and send the reply")),
        Move("pass_legal", (S.LEGAL_CHECK,), S.REPLIED, "complaints.check_legal", _("Approve and send the reply")),
        Move(
            "return_from_legal",
            (S.LEGAL_CHECK,),
            S.IN_PROGRESS,
            "complaints.check_legal",
            _("Return with the legal opinion"),
        ),
        # Clocks (SLA-13): pause and extension always need a second person
        Move(
            "request_pause",
            (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.request_clock",
            _("Ask to stop the clock"),
        ),
        Move(
            "approve_pause",
            (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.approve_clock",
            _("Decide on the pause"),
        ),
        Move(
            "resume", (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS), None, "complaints.request_clock", _("Restart the clock")
        ),
        Move(
            "request_extension",
            (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.request_clock",
            _("Ask for an extension"),
        ),
        Move(
            "approve_extension",
            (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.approve_clock",
            _("Decide on the extension"),
        ),
        Move(
            "request_reset",
            (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.request_clock",
            _("Ask for a new start on new facts"),
        ),
        Move(
            "approve_reset",
            (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
            None,
            "complaints.approve_clock",
            _("Decide on the new start"),
        ),
        # Feedback and closing (FB-01…08)
        Move("call_back", (S.REPLIED,), None, "complaints.record_callback", _("Record the call-back")),
        Move(
            "rate",
            # A merged one: once the reply to the case it is worked on in has answered it too.
            (S.REPLIED, S.CLOSED, S.MERGED),
            None,
            "complaints.record_for_complainant",
            _("Record the rating"),
            by_complainant=True,
        ),
        Move("close", (S.REPLIED,), S.CLOSED, "complaints.close_complaint", _("Close the case")),
        Move("reopen", (S.REPLIED, S.CLOSED), S.IN_PROGRESS, "complaints.reopen_complaint", _("Reopen")),
        Move(
            "archive", (S.CLOSED, S.NOT_ACCEPTED, S.WITHDRAWN), S.ARCHIVED, "complaints.archive_complaint", _("Archive")
        ),
    )
}

# The target of the moves whose result depends on the case.
COMPUTED_TARGETS: dict[str, tuple[Status, ...]] = {
    "receive_information": (S.REGISTERED, S.ACCEPTED, S.IN_PROGRESS),
    "pass_quality": (S.LEGAL_CHECK, S.REPLIED),
    "grant_return": (S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
    "undo_merge": _MERGEABLE,
}


class Channel(models.TextChoices):
    PHONE = "phone", _("Hotline")
    WEB = "web", _("Website")
    APP = "app", _("App")
    EMAIL = "email", _("E-mail")
    LETTER = "letter", _("Letter")
    COUNTER = "counter", _("Counter")
    REFERRAL = "referral", _("Referral from another body")
    GOVERNMENT = "government", _("Government platform")
    SOCIAL = "social", _("Social media")


# Channels on which the reply reaches the complainant as soon as it is sent (FB-01, FB-03).
SELF_SERVICE = (Channel.WEB, Channel.APP, Channel.EMAIL)


class Severity(models.TextChoices):
    MINOR = "minor", _("Minor")
    MODERATE = "moderate", _("Moderate")
    SERIOUS = "serious", _("Serious")


class CustomerTier(models.TextChoices):
    ORDINARY = "ordinary", _("Ordinary customer")
    HIGH_VALUE = "high_value", _("High-value customer")
    VIP = "vip", _("VIP customer")


class EmotionIntensity(models.IntegerChoices):
    CALM = 0, _("Calm")
    UPSET = 1, _("Upset")
    ANGRY = 2, _("Angry")
    EXTREME = 3, _("Beside themselves")


class SpecialGroup(models.TextChoices):
    ELDERLY = "elderly", _("Elderly")
    DISABLED = "disabled", _("Disabled")
    REDUCED_MOBILITY = "reduced_mobility", _("Reduced mobility")
    MINOR = "minor", _("Under 18")
    SPECIAL_OCCUPATION = "special_occupation", _("Special occupation")


class Threat(models.TextChoices):
    MEDIA = "media", _("The media")
    COURT = "court", _("A court")
    REGULATOR = "regulator", _("A regulator")
    COMPETITOR = "competitor", _("A competitor")


class Complexity(models.TextChoices):
    SIMPLE = "simple", _("Simple")
    COMPLEX = "complex", _("Complex")
    EMERGENCY = "emergency", _("Emergency")
    UTILITY = "utility", _("Water, power, gas or heating")


class RiskGrade(models.TextChoices):
    ORDINARY = "ordinary", _("Ordinary risk")
    MEDIUM = "medium", _("Medium risk")
    HIGH = "high", _("High risk")


class Milestone(models.TextChoices):
    ACKNOWLEDGE = "acknowledge", _("Acknowledge")
    DECIDE_ACCEPTANCE = "decide_acceptance", _("Decide on acceptance")
    ASSIGN = "assign", pgettext_lazy("milestone", "Assignment")
    FIRST_CONTACT = "first_contact", _("First contact")
    PROGRESS = "progress", _("Progress report")
    RESOLVE = "resolve", _("Handling by the department")
    REPLY = "reply", _("Reply to the complainant")
    CALL_BACK = "call_back", _("Call-back")
    REVIEW_REQUEST = "review_request", _("Application for review")
    REVIEW_SCREENING = "review_screening", _("Screening of the review")
    REVIEW_DECISION = "review_decision", _("Decision on the review")
    TASK = "task", _("Task of the department")


class DeadlineState(models.TextChoices):
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    MET = "met", _("Met")
    MISSED = "missed", _("Done late")
    CANCELLED = "cancelled", _("Cancelled")


class AssignmentRole(models.TextChoices):
    LEAD = "lead", _("Lead")
    SUPPORTING = "supporting", _("Supporting")


class AssignmentState(models.TextChoices):
    PENDING = "pending", _("Waiting for receipt")
    WORKING = "working", _("Being handled")
    RETURN_REQUESTED = "return_requested", _("Return requested")
    RETURNED = "returned", _("Returned")
    MOVED = "moved", _("Moved to another department")
    DONE = "done", _("Done")


ACTIVE_ASSIGNMENT = (AssignmentState.PENDING, AssignmentState.WORKING, AssignmentState.RETURN_REQUESTED)


class ContactDirection(models.TextChoices):
    IN = "in", _("From the complainant")
    OUT = "out", _("To the complainant")


class ContactPurpose(models.TextChoices):
    FIRST_CONTACT = "first_contact", _("First contact")
    INFORMATION = "information", _("Clarifying the matter")
    PROGRESS = "progress", _("Telling the progress")
    REPLY = "reply", _("Giving the reply")
    CALL_BACK = "call_back", _("Call-back")
    REFUSAL = "refusal", _("Explaining why it was not accepted")
    OTHER = "other", _("Other")


class ContactOutcome(models.TextChoices):
    REACHED = "reached", _("Reached")
    NO_ANSWER = "no_answer", _("No answer")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    REFUSED = "refused", _("Did not want to talk")


class OutreachWay(models.TextChoices):
    NOTICE = "notice", _("Written notice")
    CALL = "call", _("Telephone call")


class OutreachState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class RecipientState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    REACHED = "reached", _("Reached")
    FAILED = "failed", _("Not reached")


class LookupKind(models.TextChoices):
    ORDER = "order", _("Purchase order")
    DELIVERY = "delivery", _("Delivery")
    AFTER_SALE = "after_sale", _("After-sales service")


class PartyKind(models.TextChoices):
    """Who outside the organisation is asked for a statement (COO-14)."""

    CARRIER = "carrier", _("Carrier")
    SUPPLIER = "supplier", _("Supplier")
    CONTRACTOR = "contractor", _("Contractor")
    OTHER = "other", _("Other party")


class MeetingKind(models.TextChoices):
    MEETING = "meeting", _("Coordination meeting")
    GROUP = "group", _("Temporary coordination group")


class TaskKind(models.TextChoices):
    DECISION = "decision", _("Decided at a meeting")
    VISIT = "visit", _("Service at the door")
    OTHER = "other", _("Other task")


class RemedyState(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Not approved")
    DONE = "done", _("Done")


class ArticleKind(models.TextChoices):
    GUIDE = "guide", _("Knowledge article")
    KNOWN_ISSUE = "known_issue", _("Known issue")
    TYPICAL_CASE = "typical_case", _("Typical case")
    COMPLIANCE = "compliance", _("Compliance guide")
    FAQ = "faq", _("Common question")
    WORDING = "wording", _("Wording")
    EDUCATION = "education", _("Tips and policies for the public")


class ArticleState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("In use")
    RETIRED = "retired", _("Retired")


class TrainingKind(models.TextChoices):
    COURSE = "course", _("Course")
    ROLE_PLAY = "role_play", _("Role play or simulation")
    ENTRY = "entry", _("Before taking a post")
    COMPLIANCE = "compliance", _("Compliance training")
    MENTORING = "mentoring", _("Mentoring")


class MailRhythm(models.TextChoices):
    """How somebody gets messages by e-mail."""

    AT_ONCE = "at_once", _("At once")
    DIGEST = "digest", _("Once a working day, together")
    NONE = "none", _("Not by e-mail")


class ConsequenceKind(models.TextChoices):
    CRITICISM = "criticism", _("Criticism")
    RETRAINING = "retraining", _("Retraining")
    PENALTY = "penalty", _("Penalty")
    OTHER = "other", _("Other")


class FollowUpKind(models.TextChoices):
    SECOND_CONTACT = "second_contact", _("Second contact after the rectification")
    CARE_CALL = "care_call", _("Care call")


class ProposalAbout(models.TextChoices):
    PROCESS = "process", _("How complaints are handled")
    RESULT = "result", _("The result")
    PRODUCT = "product", _("Product or service")
    OTHER = "other", _("Something else")


class CodeWay(models.TextChoices):
    """How a new access code reaches whoever lost theirs: only by what the case already holds."""

    SENT = "sent", _("Send it to the address or mobile number on the case")
    PAPER = "paper", _("Print it for the post or the counter, or read it out on a call back to the number on the case")


class QuestionKind(models.TextChoices):
    REMINDER = "reminder", _("Reminder")
    SUBSTANTIVE = "substantive", _("Question")


class FindingResult(models.TextChoices):
    SUBSTANTIATED = "substantiated", _("Substantiated")
    BASICALLY = "basically", _("Basically substantiated")
    PARTLY = "partly", _("Partly substantiated")
    UNSUBSTANTIATED = "unsubstantiated", _("Not substantiated")


class InvestigationKind(models.TextChoices):
    RECORDS = "records", _("Records retrieved")
    VIDEO = "video", _("Surveillance video")
    INTERVIEW = "interview", _("Interview with staff")
    WITNESS = "witness", _("Asking bystanders")
    SITE = "site", _("On-site survey")
    INSPECTION = "inspection", _("Technical inspection")
    STATEMENT = "statement", _("Statement of a third party")


class RemedyKind(models.TextChoices):
    REFUND = "refund", _("Refund")
    REPLACEMENT = "replacement", _("Return or replacement")
    REPAIR = "repair", _("Repair")
    COMPENSATION = "compensation", _("Compensation")
    APOLOGY = "apology", _("Apology")
    CORRECTION = "correction", _("Correction of the service")
    EXPLANATION = "explanation", _("Explanation")
    GOODWILL = "goodwill", _("Goodwill gesture")


class Satisfaction(models.TextChoices):
    SATISFIED = "satisfied", _("Satisfied")
    BASICALLY = "basically", _("Basically satisfied")
    DISSATISFIED = "dissatisfied", _("Dissatisfied")


class DissatisfactionReason(models.TextChoices):
    NOT_SOLVED = "not_solved", _("The problem is not fully solved")
    COMMUNICATION = "communication", _("Poor communication")
    WAITED = "waited", _("Waited too long")
    OTHER = "other", _("Something else")


class RatingSource(models.TextChoices):
    COMPLAINANT = "complainant", _("Entered by the complainant")
    CALLER = "caller", _("Told to an independent caller")


class CheckStage(models.TextChoices):
    QUALITY = "quality", _("Quality check")
    LEGAL = "legal", _("Legal check")


class ReplyState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    RETURNED = "returned", _("Returned")
    SENT = "sent", _("Sent")


class NoticeKind(models.TextChoices):
    ACKNOWLEDGEMENT = "acknowledgement", _("Acknowledgement of receipt")
    ACCEPTANCE = "acceptance", _("Notice of acceptance")
    NON_ACCEPTANCE = "non_acceptance", _("Notice of non-acceptance")
    SUPPLEMENT = "supplement", _("Request for information")
    EXTENSION = "extension", _("Notice of extension")
    PAUSE = "pause", _("Notice that the clock is stopped")
    REPLY = "reply", _("Reply")
    WITHDRAWAL = "withdrawal", _("Confirmation of withdrawal")
    REVIEW_REFUSAL = "review_refusal", _("Notice that there will be no review")
    REVIEW_RESULT = "review_result", _("Result of the review")


class LateReason(models.TextChoices):
    COORDINATION = "coordination", _("Coordination between departments")
    INVESTIGATION = "investigation", _("Complex investigation")
    EMOTION = "emotion", _("Intense emotion of the complainant")
    OTHER = "other", _("Other")


class PauseReason(models.TextChoices):
    INFORMATION = "information", _("Waiting for the complainant's information")
    APPRAISAL = "appraisal", _("Appraisal or testing by a third party")
    MEDIATION = "mediation", _("Mediation")
    THIRD_PARTY = "third_party", _("Statement of a third party")


class RequestState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    ENDED = "ended", _("Ended")


class RefusalGround(models.TextChoices):
    OUT_OF_SCOPE = "out_of_scope", _("Outside our responsibility")
    OTHER_PROCEEDINGS = "other_proceedings", _("Court, arbitration or another body is dealing with it")
    REPEAT_WITHOUT_FACTS = "repeat_without_facts", _("Same matter, no new facts, already answered")
    NO_MATTER = "no_matter", _("No concrete matter can be found")
    INFORMATION_MISSING = "information_missing", _("Necessary information was not supplied")


class EvidenceKind(models.TextChoices):
    COMPLAINANT = "complainant", _("Supplied by the complainant")
    RECORDING = "recording", _("Call recording")
    LETTER = "letter", _("Scan of the letter")
    MESSAGE = "message", _("Original message")
    TEST_REPORT = "test_report", _("Test report")
    SYSTEM_RECORD = "system_record", _("System record")
    VIDEO = "video", _("Surveillance video")
    STATEMENT = "statement", _("Statement")
    DECISION = "decision", _("Decision or penalty document")
    OTHER = "other", _("Other")


class ImprovementState(models.TextChoices):
    OPEN = "open", _("Under way")
    DONE = "done", _("Reported as done")
    VERIFIED = "verified", _("Verified")


class Audience(models.TextChoices):
    """Who may read an event or note besides the auditor."""

    CASE = "case", _("Everybody on the case")
    OFFICE = "office", _("Complaints office")
    REVIEW = "review", _("Review group")


def allowed_actions(status: str) -> list[str]:
    """Actions the table knows for a status, in the table's order."""
    return [move.action for move in MOVES.values() if status in move.sources]


class Lane(models.TextChoices):
    """How a case goes where it does not go the ordinary way."""

    FAST = "fast", _("Fast lane")
    SENIOR = "senior", _("One senior person throughout")


class LaneReason(models.TextChoices):
    RULE = "rule", _("By rule")
    PERSON = "person", _("Decided by a person")
    CONDUCT = "conduct", _("The conduct of the first handler")
    TIER = "tier", _("Customer tier")


class NeedOutcome(models.TextChoices):
    INDIVIDUAL = "individual", _("Individual solution")
    ALTERNATIVE = "alternative", _("Alternative offered")


class ExternalSystemKind(models.TextChoices):
    CUSTOMERS = "customers", _("Customer system")
    PRODUCTS = "products", _("Product database")
    LOGISTICS = "logistics", _("Logistics")
    QUEUE = "queue", _("Queue numbers")
    RECORDING = "recording", _("Call recordings")
    VIDEO = "video", _("Surveillance video")
    OTHER = "other", _("Other system")


class IncidentKind(models.TextChoices):
    INTERRUPTION = "interruption", _("Interruption of the service")
    DEFECT = "defect", _("Defect of a product")
    OTHER = "other", _("Other event")


class CallOutKind(models.TextChoices):
    STAFF = "staff", _("Staff")
    MATERIAL = "material", _("Material")
    HOTLINE = "hotline", _("More people on the hotline")


class BulletinKind(models.TextChoices):
    FIRST = "first", _("First notice")
    PROGRESS = "progress", _("Bulletin")
    CLOSING = "closing", _("Closing notice")


class BulletinState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RELEASED = "released", _("Released")
    WITHDRAWN = "withdrawn", _("Taken back")


class AppraisalOutcome(models.TextChoices):
    KEEP = "keep", _("Keep longer")
    DESTROY = "destroy", _("Destroy")


class AppraisalState(models.TextChoices):
    OPEN = "open", _("Being appraised")
    APPROVED = "approved", _("Approved")
    CARRIED_OUT = "carried_out", _("Carried out")
    CANCELLED = "cancelled", _("Cancelled")


class KeyField(models.TextChoices):
    """Data whose change needs a second person (COM-04)."""

    NAME = "name", _("Name of the complainant")
    PHONE = "phone", _("Telephone of the complainant")
    EMAIL = "email", _("E-mail of the complainant")
    AMOUNT = "amount", _("Amount in dispute")
    RECEIVED_AT = "received_at", _("Date of receipt")
