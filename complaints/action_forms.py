"""One form per action of `states.MOVES`; pages and API end in the same transition.

`FORMS[action](data, complaint=complaint, user=user)`; when valid, `apply(at=None)` runs the
transition of that name (see complaints/action_form.py).
"""

from __future__ import annotations

from complaints import action_forms_judgement as judgement
from complaints import action_forms_result as result
from complaints import action_forms_routing as routing
from complaints import action_forms_screening as screening
from complaints.action_form import ActionForm

FORMS: dict[str, type[ActionForm]] = {
    form.action: form
    for form in (
        screening.RequestInformation,
        screening.ReceiveInformation,
        screening.Accept,
        screening.Classify,
        screening.Refuse,
        screening.Rescreen,
        screening.Withdraw,
        routing.GradeRisk,
        judgement.RecordFacts,
        judgement.JudgeValidity,
        judgement.ProposeUnreasonable,
        judgement.DecideUnreasonable,
        judgement.Link,
        judgement.Unlink,
        judgement.Merge,
        judgement.UndoMerge,
        judgement.JoinIncident,
        judgement.LeaveIncident,
        judgement.UndoImport,
        routing.Assign,
        routing.Reassign,
        routing.AddSupporting,
        routing.RequestReturn,
        routing.GrantReturn,
        routing.RefuseReturn,
        routing.Start,
        routing.HandOver,
        routing.ReceiveTask,
        routing.FinishSupporting,
        result.SubmitForCheck,
        result.PassQuality,
        result.ReturnForRework,
        result.PassLegal,
        result.ReturnFromLegal,
        result.RequestPause,
        result.ApprovePause,
        result.Resume,
        result.RequestExtension,
        result.ApproveExtension,
        result.RequestReset,
        result.ApproveReset,
        result.CallBack,
        result.Rate,
        result.Close,
        result.Reopen,
        result.Archive,
    )
}
