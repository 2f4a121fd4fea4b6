"""Every write that moves a case or adds to it; call through the module: `transitions.assign(...)`.

`ACTIONS` maps the actions of `states.MOVES` to their functions, for the API and the pages.
"""

from complaints.transitions.assignment import (
    add_supporting,
    assign,
    finish_supporting,
    grant_return,
    hand_over,
    reassign,
    refuse_return,
    request_return,
    start,
)
from complaints.transitions.checks import (
    pass_legal,
    pass_quality,
    return_for_rework,
    return_from_legal,
    submit_for_check,
)
from complaints.transitions.clock import approve_extension, approve_pause, request_extension, request_pause, resume
from complaints.transitions.core import add_event, lock, ref
from complaints.transitions.feedback import archive, call_back, close, rate, reopen
from complaints.transitions.handling import (
    add_allegation,
    add_attachment,
    add_contact,
    add_improvement,
    add_investigation_step,
    add_note,
    add_remedy,
    add_responsibility,
    create_improvement,
    report_improvement,
    reveal,
    set_finding,
    verify_improvement,
)
from complaints.transitions.intake import Filing, Receipt, add_question, answer_question, group_code, register
from complaints.transitions.screening import (
    accept,
    classify,
    grade_risk,
    receive_information,
    refuse,
    request_information,
    rescreen,
    withdraw,
)

ACTIONS = {
    "request_information": request_information, "receive_information": receive_information, "accept": accept, "refuse": refuse,
    "rescreen": rescreen, "withdraw": withdraw, "classify": classify, "grade_risk": grade_risk, "assign": assign, "reassign": reassign,
    "add_supporting": add_supporting, "request_return": request_return, "grant_return": grant_return, "refuse_return": refuse_return,
    "start": start, "hand_over": hand_over, "finish_supporting": finish_supporting, "submit_for_check": submit_for_check,
    "return_for_rework": return_for_rework, "pass_quality": pass_quality, "pass_legal": pass_legal, "return_from_legal": return_from_legal,
    "request_pause": request_pause, "approve_pause": approve_pause, "resume": resume, "request_extension": request_extension,
    "approve_extension": approve_extension, "call_back": call_back, "rate": rate, "close": close, "reopen": reopen, "archive": archive,
}

__all__ = [
    "ACTIONS", "Filing", "Receipt", "accept", "add_allegation", "add_attachment", "add_contact", "add_event", "add_improvement",
    "add_investigation_step", "add_note", "add_question", "add_remedy", "add_responsibility", "add_supporting", "answer_question",
    "approve_extension", "approve_pause", "archive", "assign", "call_back", "classify", "close", "create_improvement",
    "finish_supporting", "grade_risk", "grant_return", "group_code", "hand_over", "lock", "pass_legal", "pass_quality", "rate",
    "reassign", "receive_information", "ref", "refuse", "refuse_return", "register", "reopen", "report_improvement",
    "request_extension", "request_information", "request_pause", "request_return", "rescreen", "resume", "return_for_rework",
    "return_from_legal", "reveal", "set_finding", "start", "submit_for_check", "verify_improvement", "withdraw",
]
