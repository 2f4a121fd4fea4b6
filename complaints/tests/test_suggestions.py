"""Proposals for a case: made after registration, shown, compared with what people chose (CLS-14, CLS-13, ASG-02)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import IllegalTransition, NotAllowed
from accounts.tests.factories import sign_in_anew
from complaints import suggestion_figures, suggestions, tasks, training, transitions
from complaints.models import (
    Category,
    Complaint,
    DepartmentModel,
    JobRun,
    RoutingRule,
    Suggestion,
    SuggestionOf,
    TrainedModel,
)
from complaints.states import Status
from complaints.tests.factories import Story, at, category, registered
from complaints.tests.learning import examples, model_in_use
from complaints.transitions import suggestion

HEATING = {"subject": "暖气片冰凉", "narrative": "锅炉房坏了，供热温度不够，已经三天了。", "place": "柳桥三村"}
UNCLEAR = {"subject": "你好", "narrative": "谢谢。", "place": ""}
REGISTER = "/desk/register/suggestion/"
PAGE = "/desk/settings/suggestions/"


@pytest.fixture(autouse=True)
def _no_model_in_memory():
    suggestions._loaded.cache_clear()
    yield
    suggestions._loaded.cache_clear()


@pytest.fixture
def model(db) -> TrainedModel:
    return model_in_use()


def case(**changes) -> Complaint:
    return registered(**{**HEATING, **changes}).complaint


def proposed(complaint: Complaint) -> dict[str, Suggestion]:
    tasks.suggest(complaint_id=complaint.pk)
    return {row.of: row for row in complaint.suggestions.all()}


# --- Made once --------------------------------------------------------------------------------
def test_registering_asks_a_worker_for_proposals_after_commit(
    cast, model, monkeypatch, django_capture_on_commit_callbacks
):
    """CLS-14: whoever registers does not wait for the model."""
    sent = []
    monkeypatch.setattr(tasks.suggest, "apply_async", lambda **options: sent.append(options["kwargs"]))
    with django_capture_on_commit_callbacks(execute=True):
        complaint = case()
        assert sent == []
    assert sent == [{"complaint_id": complaint.pk}]
    assert Suggestion.objects.count() == 0


def test_a_case_gets_a_category_with_confidence_and_words(cast, model):
    """CLS-14"""
    rows = proposed(case())
    found = rows["category"]
    assert (found.category.code, found.model_id, found.chosen_at) == ("heating", model.pk, None)
    assert 0.5 < found.confidence <= 1
    assert {"暖气片", "锅炉房", "冰凉"} & set(found.reasons)
    # No rule, no usual department, no past cases: the system keeps quiet about the department.
    assert (rows["department"].department, rows["department"].confidence) == (None, 0.0)


def test_a_second_run_adds_nothing(cast, model):
    complaint = case()
    assert [tasks.suggest(complaint_id=complaint.pk) for _time in range(2)] == [2, 0]
    assert Suggestion.objects.count() == 2


def test_an_unclear_text_gets_no_category(cast, model):
    """CLS-14: it abstains, and that is kept too."""
    found = proposed(case(**UNCLEAR))["category"]
    assert found.category is None
    assert found.confidence < 0.5


def test_a_label_that_is_no_category_of_ours_is_not_proposed(cast, model):
    Category.objects.filter(code="heating").update(is_active=False)
    assert proposed(case())["category"].category is None


def test_without_a_model_only_the_department_is_looked_for(cast):
    assert set(proposed(case())) == {"department"}


def test_a_damaged_model_stops_nothing(cast, model):
    """A changed blob is refused; the case is registered and routed all the same."""
    TrainedModel.objects.update(weights=b"changed")
    assert set(proposed(case())) == {"department"}


def test_the_sweep_finds_what_no_worker_did(cast, model):
    """The guarantee behind the task: new cases without a row, those of this week only."""
    waiting, done, refused = case(), case(), case()
    proposed(done)
    Complaint.objects.filter(pk=refused.pk).update(status=Status.NOT_ACCEPTED)
    assert suggestion.without_suggestion(now=at("2026-11-16 10:00")) == [waiting.pk]
    assert suggestion.without_suggestion(now=at("2026-11-20 10:00")) == []


# --- The department ------------------------------------------------------------------------------
def test_the_usual_department_of_the_category(cast, model):
    """CLS-13, ASG-01: as sure as the category is."""
    Category.objects.filter(code="heating").update(default_department=cast.water)
    rows = proposed(case())
    assert rows["department"].department == cast.water
    assert (rows["department"].reasons, rows["department"].confidence) == (["category"], rows["category"].confidence)


@pytest.mark.parametrize(("water", "roads", "name"), [(4, 1, "water"), (3, 3, None), (3, 0, None)])
def test_the_department_that_had_such_cases(cast, water, roads, name):
    """ASG-01: enough of them, and most of them."""
    for department in [cast.water] * water + [cast.roads] * roads:
        past = case(category=category("heating"))
        Complaint.objects.filter(pk=past.pk).update(lead_department=department)
    found = proposed(case(category=category("heating")))["department"]
    assert found.department == (cast.water if name else None)
    assert found.reasons == (["past", "4", "5"] if name else [])


def test_a_rule_comes_before_the_category_and_past_cases(cast):
    """ASG-02"""
    Category.objects.filter(code="heating").update(default_department=cast.water)
    rule = RoutingRule.objects.create(name="锅炉房", words="锅炉房", department=cast.roads)
    found = proposed(case(category=category("heating")))["department"]
    assert (found.department, found.rule, found.confidence) == (cast.roads, rule, 1.0)


# --- The department by its own model ---------------------------------------------------------
@pytest.fixture
def by_text(cast) -> DepartmentModel:
    """A training on closed cases: heating and water went to one department, charges to another."""
    closed_cases(cast)
    leads = {"overcharge": cast.roads, "heating": cast.water, "water-outage": cast.water}
    for code, department in leads.items():
        Complaint.objects.filter(category__code=code).update(lead_department=department)
    row, _category, department = training.learn(
        training.own_examples(),
        departments=training.own_departments(),
        source=training.OWN_CASES,
        by=None,
        holdout=0.0,
        at=at("2026-11-01 09:00"),
    )
    assert department is not None
    assert (department.rows, department.classes) == (36, 2)
    return row.department_model


def test_the_department_model_is_asked_where_no_rule_holds(cast, by_text):
    """CLS-14, ASG-02: rules first, the model second, with its own confidence and the words that caused it."""
    Category.objects.filter(code="heating").update(default_department=cast.roads)
    found = proposed(case())["department"]
    assert (found.department, found.model, found.rule) == (cast.water, by_text.trained, None)
    assert found.reasons[0] == "text"
    assert {"暖气片", "锅炉房", "冰凉"} & set(found.reasons[1:])
    assert 0.5 <= found.confidence <= 1
    rule = RoutingRule.objects.create(name="锅炉房", words="锅炉房", department=cast.roads)
    found = proposed(case())["department"]
    assert (found.department, found.model, found.rule) == (cast.roads, None, rule)


def test_a_department_model_that_is_not_sure_leaves_it_to_the_usual_department(cast, by_text):
    Category.objects.filter(code="heating").update(default_department=cast.roads)
    found = proposed(case(**UNCLEAR, category=category("heating")))["department"]
    assert (found.department, found.model, found.reasons) == (cast.roads, None, ["category"])


def test_a_department_that_was_closed_since_is_not_proposed(cast, by_text):
    cast.water.is_active = False
    cast.water.save()
    assert proposed(case())["department"].department is None


def test_a_changed_department_model_is_refused_and_the_case_still_gets_its_category(cast, by_text, caplog):
    """Nothing is read from it: the last resort answers, and the log names the model."""
    Category.objects.filter(code="heating").update(default_department=cast.roads)
    DepartmentModel.objects.update(weights=b"changed")
    rows = proposed(case())
    assert (rows["category"].category.code, rows["department"].department) == ("heating", cast.roads)
    assert "department model" in caplog.text


def test_the_department_model_reads_the_place(cast):
    """Two departments with the same work, apart by district."""
    closed_cases(cast)
    for number, complaint in enumerate(Complaint.objects.order_by("pk")):
        place, department = (("河东区", cast.water), ("河西区", cast.roads))[number % 2]
        Complaint.objects.filter(pk=complaint.pk).update(place=place, lead_department=department)
    texts, labels = training.own_departments()
    assert {(text.split("\n")[-1], label) for text, label in zip(texts, labels, strict=True)} == {
        ("河东区", "water"),
        ("河西区", "roads"),
    }
    training.learn(training.own_examples(), departments=(texts, labels), source="x", by=None, holdout=0.0)
    model = suggestions.department_model()[1]
    said = suggestions.routing_text_of((HEATING["subject"], HEATING["narrative"], "河西区"))
    assert model.predict([said])[0].label == "roads"


def test_one_department_teaches_nothing_and_a_file_keeps_the_last_one(cast, by_text):
    """An office of one department still gets its category model; a training from a file leaves departments alone."""
    Complaint.objects.exclude(lead_department=None).update(lead_department=cast.water)
    for departments in (training.own_departments(), None):
        _row, _figures, department = training.learn(examples(), departments=departments, source="x", by=None)
        assert department is None
    assert suggestions.department_model()[0] == by_text
    assert suggestions.active_model()[0].version == 3


def test_of_department_models_two_are_kept(cast, by_text):
    for _time in range(2):
        training.learn(examples(), departments=training.own_departments(), source="x", by=None, holdout=0.0)
    rows = DepartmentModel.objects.order_by("trained__version")
    assert [bool(len(row.weights)) for row in rows] == [False, True, True]
    assert suggestions.department_model()[0] == rows[2]


def test_choosing_a_category_keeps_the_model_of_the_department_on_record(cast, by_text):
    """CLS-14: what is proposed anew after the decision says again what it rests on."""
    complaint = case()
    RoutingRule.objects.create(name="停水", category=category("water-outage"), department=cast.roads)
    assert proposed(complaint)["department"].model == by_text.trained
    accept(cast, complaint, "water-outage")
    found = complaint.suggestions.get(of="department")
    assert (found.department, found.model, found.rule.name) == (cast.roads, None, "停水")


def test_the_words_stand_beside_the_department_on_the_form(client, cast, by_text):
    complaint = case()
    found = proposed(complaint)["department"]
    accept(cast, complaint, "heating")
    html = page(client, cast.coordinator, complaint, "assign")
    assert options(html, "department") == ["water"]
    assert "、".join(found.reasons[1:]) in html


def test_departments_are_measured_by_what_they_rested_on(client, cast, by_text):
    """CLS-14: each month apart for rule, model and usual department, and on the page."""
    right, wrong = case(), case()
    for complaint in (right, wrong):
        transitions.store_suggestions(complaint.pk, at=at("2026-11-16 09:15"))
    RoutingRule.objects.create(name="锅炉房", words="锅炉房", department=cast.roads)
    transitions.store_suggestions(case().pk, at=at("2026-11-16 09:15"))
    Category.objects.filter(code="heating").update(default_department=cast.roads)
    usual = case(**UNCLEAR, category=category("heating"))
    transitions.store_suggestions(usual.pk, at=at("2026-10-20 09:15"))
    for complaint, department in ((right, cast.water), (wrong, cast.roads)):
        accept(cast, complaint, "heating")
        # Accepting asks anew, and the rule would name it now: the first proposal is what is measured here.
        complaint.suggestions.filter(of="department").update(
            department=cast.water, rule=None, model=by_text.trained, reasons=["text"]
        )
        assign(cast, complaint, department)
    november, october = suggestion_figures.by_ground(now=at("2026-11-20 09:00"))
    counted = [(line.made, line.decided, line.taken) for line in (november.rule, november.model, november.usual)]
    assert (f"{november.label:%Y-%m}", counted) == ("2026-11", [(1, 0, 0), (2, 2, 1), (0, 0, 0)])
    assert (october.usual.made, october.model.made, october.rule.made) == (1, 0, 0)
    client.force_login(cast.coordinator)
    html = client.get(PAGE).content.decode()
    assert re.search(r'id="by-ground".*?<td>2026-11</td>.*?>2 <span class="muted">[^<]*50\.0%', html, re.DOTALL)


# --- What people chose -------------------------------------------------------------------------
def chosen(complaint: Complaint, of: str) -> tuple:
    row = complaint.suggestions.select_related("chosen_category", "chosen_department", "chosen_by").get(of=of)
    return (
        getattr(row.chosen_category or row.chosen_department, "code", None),
        row.chosen_by and row.chosen_by.staff_number,
        row.chosen_at,
    )


def accept(cast, complaint: Complaint, code: str, when: str = "2026-11-16 10:00") -> None:
    transitions.accept(complaint.pk, by=cast.intake, rule="在受理范围内", category=category(code), at=at(when))


def assign(cast, complaint: Complaint, department, when: str = "2026-11-16 10:30") -> None:
    transitions.assign(complaint.pk, by=cast.coordinator, department=department, task="查明原因", at=at(when))


def test_accepting_classifying_and_assigning_fill_in_the_choice(cast, model):
    """CLS-14: suggestion, human choice and confidence are kept side by side; CLS-15: the last decision counts."""
    complaint = case()
    before = proposed(complaint)["category"].confidence
    accept(cast, complaint, "water-outage")
    assert chosen(complaint, "category") == ("water-outage", "A001", at("2026-11-16 10:00"))
    transitions.classify(complaint.pk, by=cast.coordinator, category=category("heating"), at=at("2026-11-16 10:10"))
    assert chosen(complaint, "category") == ("heating", "A003", at("2026-11-16 10:10"))
    transitions.classify(complaint.pk, by=cast.intake, severity="serious", at=at("2026-11-16 10:20"))
    assert chosen(complaint, "category") == ("heating", "A003", at("2026-11-16 10:10"))
    assert chosen(complaint, "department") == (None, None, None)
    assign(cast, complaint, cast.water)
    assert chosen(complaint, "department") == ("water", "A003", at("2026-11-16 10:30"))
    row = complaint.suggestions.get(of="category")
    assert (row.category.code, row.confidence) == ("heating", before)


def test_accepting_what_the_complainant_chose_is_a_decision(cast, model):
    complaint = case(category=category("heating"))
    proposed(complaint)
    assert chosen(complaint, "category") == (None, None, None)
    accept(cast, complaint, "heating")
    assert chosen(complaint, "category") == ("heating", "A001", at("2026-11-16 10:00"))


def test_a_late_worker_fills_in_what_people_did_meanwhile(cast, model):
    complaint = case(category=category("heating"))
    accept(cast, complaint, "heating")
    assign(cast, complaint, cast.water)
    proposed(complaint)
    assert chosen(complaint, "category")[0] == "heating"
    assert chosen(complaint, "department") == ("water", "A003", at("2026-11-16 10:30"))


def test_the_department_follows_the_category_that_was_chosen(cast, model):
    """Another category than the proposed one has another usual department."""
    Category.objects.filter(code="heating").update(default_department=cast.roads)
    Category.objects.filter(code="water-outage").update(default_department=cast.water)
    complaint = case()
    assert proposed(complaint)["department"].department == cast.roads
    accept(cast, complaint, "water-outage")
    row = complaint.suggestions.get(of="department")
    assert (row.department, row.confidence) == (cast.water, 1.0)
    assign(cast, complaint, cast.water)
    transitions.classify(complaint.pk, by=cast.intake, category=category("heating"))
    assert complaint.suggestions.get(of="department").department == cast.water  # decided: kept as it was


# --- Shown -------------------------------------------------------------------------------------
def options(html: str, name: str) -> list[str]:
    """The values chosen in a select of the page."""
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', html, re.DOTALL)
    return re.findall(r'<option value="([^"]*)"[^>]*selected', select[0]) if select else []


def page(client, user, complaint: Complaint, action: str) -> str:
    client.force_login(user)
    return client.get(f"/desk/cases/{complaint.number}/actions/{action}/").content.decode()


@pytest.mark.parametrize("action", ["accept", "classify"])
def test_the_form_offers_the_proposal_with_its_grounds(client, cast, model, action):
    """CLS-14: chosen beforehand, with confidence and words, because nobody chose yet."""
    complaint = case()
    found = proposed(complaint)["category"]
    html = page(client, cast.intake, complaint, action)
    assert options(html, "category") == ["heating"]
    assert 'class="conf"' in html
    assert f"{round(100 * found.confidence)}%" in html
    assert "、".join(found.reasons) in html


def test_a_category_that_was_chosen_stays(client, cast, model):
    complaint = case(category=category("water-outage"))
    proposed(complaint)
    html = page(client, cast.intake, complaint, "accept")
    assert options(html, "category") == ["water-outage"]
    assert 'class="conf"' in html  # the proposal is still there to read


def test_nothing_is_chosen_beforehand_when_the_system_abstained(client, cast, model):
    complaint = case(**UNCLEAR)
    proposed(complaint)
    html = page(client, cast.intake, complaint, "accept")
    assert options(html, "category") in ([], [""])
    assert 'class="conf"' not in html


def test_assigning_offers_department_and_person_of_the_rule(client, cast):
    """ASG-02"""
    RoutingRule.objects.create(name="热力", words="暖气片", department=cast.water, person=cast.water_handler2)
    complaint = case(category=category("heating"))
    proposed(complaint)
    accept(cast, complaint, "heating")
    html = page(client, cast.coordinator, complaint, "assign")
    assert (options(html, "department"), options(html, "handler")) == (["water"], ["W002"])
    assert "热力" in html


def test_a_department_that_returned_the_case_is_not_proposed_again(client, cast):
    RoutingRule.objects.create(name="热力", words="暖气片", department=cast.water)
    complaint = case(category=category("heating"))
    proposed(complaint)
    accept(cast, complaint, "heating")
    assign(cast, complaint, cast.water)
    transitions.request_return(complaint.pk, by=cast.water_head, reason="不属于我们")
    transitions.grant_return(complaint.pk, by=cast.coordinator)
    assert options(page(client, cast.coordinator, complaint, "assign"), "department") in ([], [""])


def test_words_of_a_complaint_are_escaped_in_the_hint(client, cast, model):
    complaint = case()
    proposed(complaint)
    Suggestion.objects.filter(of="category").update(reasons=["<script>alert(1)</script>"])
    html = page(client, cast.intake, complaint, "accept")
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


# --- While typing --------------------------------------------------------------------------------
def test_the_clerk_sees_a_proposal_while_typing(client, cast, model):
    """CLS-14: the category with a button to take it, and where the case would go."""
    RoutingRule.objects.create(name="电话供热", channel="phone", words="暖气", department=cast.water)
    client.force_login(cast.intake)
    html = client.post(f"{REGISTER}?channel=phone", HEATING).content.decode()
    assert 'data-fill="#id_category" data-value="heating"' in html
    assert ("供热" in html, "电话供热" in html, cast.water.name in html) == (True, True, True)
    other = client.post(f"{REGISTER}?channel=letter", {**HEATING, "category": "heating"}).content.decode()
    assert "data-fill" not in other  # it is what the clerk chose
    assert cast.water.name not in other
    assert Suggestion.objects.count() == 0


@pytest.mark.parametrize(
    "text", [{}, {"subject": "暖气"}, UNCLEAR, {"subject": "\x00" * 20, "category": "\x00"}, {"category": "x" * 999}]
)
def test_too_little_text_proposes_nothing(client, cast, model, text):
    client.force_login(cast.intake)
    response = client.post(REGISTER, text)
    assert (response.status_code, response.content.strip()) == (200, b"")


def test_only_who_registers_asks_for_proposals(client, cast, model):
    assert client.post(REGISTER, HEATING).status_code == 302
    client.force_login(cast.water_handler)
    assert client.post(REGISTER, HEATING).status_code == 403
    client.force_login(cast.intake)
    assert client.get(REGISTER).status_code == 405


# --- Measured ------------------------------------------------------------------------------------
def test_months_and_categories_count_what_people_did(cast, model):
    """CLS-14: measured monthly against what people chose."""
    right, wrong, open_case, quiet = case(), case(), case(), case(**UNCLEAR)
    for complaint in (right, wrong, open_case, quiet):
        transitions.store_suggestions(complaint.pk, at=at("2026-11-16 09:15"))
    accept(cast, right, "heating")
    accept(cast, wrong, "water-outage")
    accept(cast, quiet, "water-outage")
    old = case()
    transitions.store_suggestions(old.pk, at=at("2026-10-31 23:59"))
    transitions.store_suggestions(case().pk, at=at("2025-11-30 23:59"))  # before the twelve months
    months = suggestion_figures.by_month(SuggestionOf.CATEGORY, now=at("2026-11-20 09:00"))
    assert [(f"{line.label:%Y-%m}", line.made, line.abstained, line.decided, line.taken) for line in months] == [
        ("2026-11", 3, 1, 2, 1),
        ("2026-10", 1, 0, 0, 0),
    ]
    assert [line.precision for line in months] == [0.5, None]
    (line,) = suggestion_figures.by_category(now=at("2026-11-20 09:00"))
    assert (line.label, line.made, line.decided, line.taken) == ("供热", 4, 2, 1)


@pytest.mark.parametrize("role", ["coordinator", "administrator"])
def test_the_page_shows_the_model_and_costs_the_same_whatever_it_counts(client, cast, model, role):
    client.force_login(getattr(cast, role))
    client.get(PAGE)
    counts = set()
    for _round in range(3):
        transitions.store_suggestions(case().pk, at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            html = client.get(PAGE).content.decode()
        counts.add(len(queries))
    assert len(counts) == 1
    assert max(counts) <= 14
    assert "100.0%" in html  # its macro-F1
    assert "<td>供热</td>" in html


@pytest.mark.parametrize("role", ["intake", "water_handler", "auditor", "manager"])
def test_others_do_not_get_to_the_page(client, cast, role):
    client.force_login(getattr(cast, role))
    assert client.get(PAGE).status_code == 403
    assert client.post(f"{PAGE}train/").status_code == 403
    assert JobRun.objects.count() == 0


# --- Train again -------------------------------------------------------------------------------
def closed_cases(cast) -> None:
    """Cases with a category that were closed, written straight into the table."""
    for text, label in zip(*examples(12), strict=True):
        subject, narrative = text.split("\n")
        complaint = registered(subject=subject, narrative=narrative, category=category(label)).complaint
        Complaint.objects.filter(pk=complaint.pk).update(status=Status.CLOSED, first_closed_at=complaint.received_at)


def test_training_again_is_a_job_with_progress_and_result(
    client, cast, monkeypatch, django_capture_on_commit_callbacks
):
    """CLS-14: the button has a worker do it; the page shows how far it is, then the new version."""
    closed_cases(cast)
    sent = []
    monkeypatch.setattr(tasks.train_classifier, "apply_async", lambda **options: sent.append(options["kwargs"]))
    client.force_login(cast.coordinator)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"{PAGE}train/").status_code == 302
    html = client.get(PAGE).content.decode()
    assert ('hx-trigger="every 3s"' in html, f"{PAGE}train/" in html) == (True, False)
    assert client.post(f"{PAGE}train/").status_code == 302  # a second click starts no second training
    assert len(sent) == JobRun.objects.count() == 1
    tasks.train_classifier(**sent[0])
    run, made = JobRun.objects.get(), TrainedModel.objects.get()
    assert run.result["department"] is None  # nobody had these cases
    assert (run.state, run.result["version"], run.result["classes"]) == (JobRun.State.DONE, 1, 3)
    assert (made.is_active, made.by, made.source) == (True, cast.coordinator, "closed cases")
    tasks.train_classifier(**sent[0])  # delivered twice
    assert TrainedModel.objects.count() == 1
    assert proposed(case())["category"].category.code == "heating"


def test_a_training_that_cannot_learn_says_why(client, cast):
    Story(cast).to_closed()
    run = training.start(by=cast.administrator)
    tasks.train_classifier(run_id=run.pk, user_id=cast.administrator.pk)
    run.refresh_from_db()
    assert run.state == JobRun.State.FAILED
    sign_in_anew(client, cast.administrator)
    assert run.error in client.get(PAGE).content.decode().replace("&quot;", '"')
    assert TrainedModel.objects.count() == 0


def test_a_training_lost_with_its_worker_can_be_started_again(cast):
    run = training.start(by=cast.coordinator, at=timezone.now() - timedelta(hours=1))
    assert training.start(by=cast.coordinator).pk != run.pk
    with pytest.raises(IllegalTransition):
        training.start(by=cast.coordinator)
    with pytest.raises(NotAllowed):
        training.start(by=cast.intake)
