"""The review group's pages and API."""

import pytest
from django.utils.html import strip_tags

from accounts.tests.factories import token as api_token
from complaints import case_records, help_text, timeline
from complaints.models import PolicyRule, ServicePolicy
from complaints.tests.factories import Story, at
from review import draws, transitions
from review.models import FrameEntry, ReviewCase, SampleDraw
from review.states import TriggerKind
from review.tests.test_review_flow import OPENED, Steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def review(cast):
    story = Story(cast).to_closed()
    return transitions.apply(story.pk, reasons=["not_solved"], text="停水的原因没有说清", channel="web", at=at(OPENED))


def url(review, action=""):
    return f"/desk/reviews/{review.number}/" + (f"actions/{action}/" if action else "")


def test_the_seven_steps_on_the_pages(client, cast, review):
    """REV-15: a member collects, verifies, records the findings and writes the report."""

    def post(user, action, **data):
        client.force_login(user)
        data["version"] = ReviewCase.objects.get(pk=review.pk).version
        answer = client.post(url(review, action), data)
        assert answer.status_code == 302, answer.content.decode()[:2000]

    def check(user):
        client.force_login(user)
        version = ReviewCase.objects.get(pk=review.pk).version
        words = {"recorded": "满意", "source": "none", "evidence": "没有录音", "explanation": "另行回访"}
        answer = client.post(f"{url(review)}records/outcome/", {**words, "agrees": "false", "version": version})
        assert answer.status_code == 302, answer.content.decode()[:2000]

    screening = {
        "within_responsibility": "true",
        "measures_exhausted": "false",
        "demand_reasonable": "true",
        "reason": "原因没有查清",
    }
    post(cast.head_of_review, "set_up", **screening)
    post(cast.head_of_review, "assign_reviewers", author="F001", members=["F002"])
    post(cast.reviewer, "collect")
    post(cast.reviewer, "start_verification")
    post(cast.reviewer, "record_finding", subject="原因", original="老化", found="未查到底", comparison="different")
    check(cast.reviewer)
    post(
        cast.reviewer, "submit_report", report="部分不当", conclusion="amend", acceptable_to_user="false", remedy="道歉"
    )
    post(cast.reviewer, "give_opinion", verdict="amend", text="同意")
    client.force_login(cast.reviewer)
    assert "同意" not in client.get(url(review)).content.decode()
    post(cast.reviewer2, "give_opinion", verdict="amend", text="材料充分")
    post(cast.reviewer2, "finalise")
    post(cast.reviewer, "notify")
    page = client.get(url(review)).content.decode()
    assert "材料充分" in page
    assert ReviewCase.objects.get(pk=review.pk).status == "rectification"


def test_ri_01_who_took_part_gets_the_same_404_as_for_an_unknown_number(client, cast, review):
    cast.water_handler.groups.add(*cast.reviewer.groups.all())
    client.force_login(cast.water_handler)
    hidden, unknown = client.get(url(review)), client.get("/desk/reviews/FC-202611-9999/")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert client.post(url(review, "set_up"), {"version": 1}).status_code == 404
    assert review.number not in client.get("/desk/reviews/").content.decode()


@pytest.mark.parametrize("person", ["intake", "water_handler", "publisher", "administrator"])
def test_others_are_refused_and_the_anonymous_sign_in(client, cast, review, person):
    """REV-06: queue, reviews and draws are open to the review group alone."""
    assert client.get("/desk/reviews/").headers["Location"].startswith("/accounts/login/")
    client.force_login(getattr(cast, person))
    for path in ("/desk/reviews/", url(review), "/desk/sampling/"):
        assert client.get(path).status_code == 403
    assert ReviewCase.objects.get(pk=review.pk).version == 1


def test_a_stale_page_keeps_the_text_and_changes_nothing(client, cast, review):
    client.force_login(cast.head_of_review)
    data = {
        "version": 0,
        "within_responsibility": "true",
        "measures_exhausted": "false",
        "demand_reasonable": "true",
        "reason": "这段话不能丢",
    }
    answer = client.post(url(review, "set_up"), data)
    assert answer.status_code == 409
    assert "这段话不能丢" in answer.content.decode()
    assert ReviewCase.objects.get(pk=review.pk).status == "requested"


def test_missing_answers_are_named_at_their_field(client, cast, review):
    client.force_login(cast.head_of_review)
    answer = client.post(url(review, "set_up"), {"version": 1, "reason": "x"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"within_responsibility", "measures_exhausted", "demand_reasonable"}


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_for_one_and_three_rows(client, cast, count, django_assert_num_queries):
    for n in range(count):
        story = Story(cast, phone=f"1380000100{n}").to_closed()
        transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at(OPENED))
    client.force_login(cast.head_of_review)
    client.get("/desk/reviews/")
    with django_assert_num_queries(8):
        answer = client.get("/desk/reviews/")
    assert len(answer.context["rows"]) == count


def test_a_review_at_a_late_step_says_so_in_the_list_though_the_review_is_in_time(client, cast, review):
    """REV-01: whoever plans the day sees it without opening each review. Two applications are one kind of trigger."""
    Steps(review, cast).set_up().assign()
    transitions.apply(
        review.complaint_id, reasons=["unfair"], text="再说一次", channel="web", at=at("2026-11-24 09:00")
    )
    client.force_login(cast.head_of_review)
    row = strip_tags(client.get("/desk/reviews/").content.decode().split("<tbody>")[1])
    assert row.count("用户申请") == 1
    assert "逾期" not in row
    review.clocks.filter(stopped_at=None).update(due_at=at("2020-01-06 17:30"))
    row = strip_tags(client.get("/desk/reviews/").content.decode().split("<tbody>")[1])
    assert "逾期" in row


def test_ri_11_whoever_has_opined_is_not_offered_it_again(client, cast, review):
    """The button that stands first is one that can be pressed."""
    steps = Steps(review, cast).set_up().assign().verify().report()
    client.force_login(cast.reviewer2)
    assert "actions/give_opinion/" in client.get(f"/desk/reviews/{review.number}/").content.decode()
    transitions.give_opinion(steps.pk, by=cast.reviewer2, verdict="amend", text="同意", at=at("2026-11-25 10:00"))
    assert "actions/give_opinion/" not in client.get(f"/desk/reviews/{review.number}/").content.decode()
    answer = client.post(url(review, "give_opinion"), {"version": 9, "verdict": "uphold", "text": "又一次"})
    assert answer.status_code == 409


def test_the_draw_is_confirmed_verified_and_downloaded(client, cast):
    for n in range(11):
        Story(cast, phone=f"1380000200{n}").to_closed()
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    client.force_login(cast.head_of_review)
    assert client.post("/desk/sampling/2026-11/verify/").status_code == 302
    page = client.get("/desk/sampling/2026-11/")
    assert page.context["draw"].verified_ok is True
    # 11 closed at 12 % are 2 cases, which is more than 15 %: the page tells the share there really is.
    words = " ".join(strip_tags(page.content.decode()).split())
    assert "占总体 18.2 %" in words
    assert "2 件逐件比对，上次验证" in words
    assert client.get("/desk/sampling/2026-11/document/").json()["period"] == "2026-11"
    client.force_login(cast.manager)
    assert client.get("/desk/sampling/2026-11/").context["picks"] is None
    assert client.get("/desk/sampling/2026-11/document/").status_code == 403


@pytest.mark.parametrize("percent", ["9", "16", "", "12.5", "x"])
def test_rev_22_a_share_outside_10_to_15_is_refused_at_its_field(client, cast, percent):
    client.force_login(cast.head_of_review)
    answer = client.post("/desk/sampling/commit/", {"percent": percent})
    assert answer.status_code == 422
    assert answer.context["commit_form"].errors["percent"]
    assert answer.context["commit_form"]["percent"].value() == percent
    assert not SampleDraw.objects.exists()


def test_ri_07_15_a_second_commitment_and_a_second_draw_are_refused_with_the_reason(client, cast):
    Story(cast).to_closed()
    client.force_login(cast.head_of_review)
    assert client.post("/desk/sampling/commit/", {"percent": "12"}).status_code == 302
    first = SampleDraw.objects.get()
    # A share that could not be chosen at all is refused for the same reason: its field is not on the page any more.
    for percent in ("15", "9", "x"):
        again = client.post("/desk/sampling/commit/", {"percent": percent})
        assert again.status_code == 409
        assert "12 %" in again.context["problem"]
    assert SampleDraw.objects.get().percent == 12
    assert SampleDraw.objects.get().nonce == first.nonce
    first.delete()
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    Story(cast, phone="13711112222").to_closed()
    before = list(FrameEntry.objects.values())
    again = client.post("/desk/sampling/2026-11/draw/")
    assert again.status_code == 409
    assert "2026-12-01" in strip_tags(again.content.decode())
    assert list(FrameEntry.objects.values()) == before


@pytest.mark.parametrize(
    "path", ["2031-01/draw/", "2999-11/draw/", "2026-11/replace/1/", "2026-11/replace/99/", "2999-11/replace/1/"]
)
def test_ri_07_what_the_state_of_a_draw_does_not_allow_is_refused_with_the_reason(client, cast, path):
    """Never committed, not over yet, a seat that enough members may judge, no such seat, not drawn yet."""
    Story(cast).to_closed()
    for period in ("2026-11", "2999-11"):
        draws.commit(period, by=cast.head_of_review, at=at("2026-11-20 09:00"))
    draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    before = list(SampleDraw.objects.values()), list(FrameEntry.objects.values())
    client.force_login(cast.head_of_review)
    answer = client.post(f"/desk/sampling/{path}")
    assert answer.status_code == 409
    assert answer.context["problem"] in answer.content.decode()
    assert (list(SampleDraw.objects.values()), list(FrameEntry.objects.values())) == before


def test_rev_22_the_page_says_how_many_reviews_of_a_large_draw_are_still_to_be_opened(client, cast, monkeypatch):
    for n in range(20):
        Story(cast, phone=f"1380000{n:04d}").to_closed()
    monkeypatch.setattr(draws, "OPENED_AT_ONCE", 1)
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    row = draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    client.force_login(cast.head_of_review)
    client.cookies["huiyin_language"] = "en"
    page = client.get("/desk/sampling/2026-11/")
    assert (row.size, page.context["unopened"], len(page.context["picks"])) == (3, 2, 1)
    assert "2 reviews are still to be opened" in strip_tags(page.content.decode())
    draws.open_reviews(row)
    page = client.get("/desk/sampling/2026-11/")
    assert (page.context["unopened"], len(page.context["picks"])) == (0, 3)
    assert "still to be opened" not in strip_tags(page.content.decode())


def test_api_lists_actions_and_blinds_opinions(client, cast, review):
    Steps(review, cast).set_up().assign().verify().report()
    headers = {"Authorization": f"Token {api_token(cast.reviewer)}"}
    other = {"Authorization": f"Token {api_token(cast.reviewer2)}"}
    path = f"/api/v1/reviews/{review.number}/"
    version = client.get(path, headers=headers).json()["version"]
    stale = client.post(
        f"{path}actions/give_opinion/",
        {"verdict": "amend", "text": "同意", "version": 1},
        "application/json",
        headers=headers,
    )
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    done = client.post(
        f"{path}actions/give_opinion/",
        {"verdict": "amend", "text": "同意", "version": version},
        "application/json",
        headers=headers,
    )
    assert (done.status_code, done.json()["opinions"]) == (200, [])
    client.post(
        f"{path}actions/give_opinion/", {"verdict": "amend", "text": "材料充分"}, "application/json", headers=other
    )
    assert [row["text"] for row in client.get(path, headers=headers).json()["opinions"]] == ["同意", "材料充分"]


def test_the_complainant_applies_on_the_tracking_page(client, cast):
    story = Story(cast).to_closed()
    answer = client.post("/track/", {"number": story.case.number, "code": story.receipt.access_code})
    assert answer.status_code == 302
    refused = client.post("/track/case/review/", {"text": ""})
    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"reasons", "text"}
    late = client.post("/track/case/review/", {"reasons": ["not_solved"], "text": "没有解决"})
    assert late.status_code in (302, 409)
    assert ReviewCase.objects.filter(complaint=story.pk).exists() is (late.status_code == 302)


def test_sla_05_an_applicant_is_told_the_screening_limit_of_the_policy_of_the_case(cast):
    """Not the house's two working days where the policy gives more; those where it names none."""
    policy = Story(cast).case.policy
    assert help_text.screening_limit(policy) == "2 个工作日"
    rule = PolicyRule.objects.get(policy=policy, milestone="review_screening")
    PolicyRule.objects.filter(pk=rule.pk).update(amount=4)
    policy = ServicePolicy.objects.get(pk=policy.pk)
    assert help_text.screening_limit(policy) == "4 个工作日"
    petition = ServicePolicy.objects.filter(code="cn_petition_2022").first()
    assert help_text.screening_limit(petition) == "2 个工作日"


def test_anybody_who_sees_the_case_may_declare_a_conflict(client, cast, review):
    client.force_login(cast.reviewer)
    answer = client.post(f"/desk/cases/{review.complaint.number}/conflict/", {"reason": "与投诉人是邻居"})
    assert answer.status_code == 302
    assert client.get(url(review)).status_code == 404


def test_the_record_of_the_case_tells_the_review_in_words(cast, review):
    """COO-05: codes such as application or uphold never reach a page."""
    case = review.complaint
    opened = case.events.get(kind="review_opened")
    assert opened.note == "application"
    case_records.load(case)
    found = timeline.entries(case, timeline.Viewer.of(cast.auditor))
    [entry] = [entry for entry in found if entry.title == timeline.title_of(opened)]
    assert entry.lines == (str(TriggerKind.APPLICATION.label),)


def test_a_refused_review_says_why_on_its_page(client, cast, review):
    """REV-27: no review is decided without a reason, and whoever opens it reads the reason."""
    client.force_login(cast.head_of_review)
    answers = {"within_responsibility": "true", "measures_exhausted": "true", "demand_reasonable": "false"}
    answer = client.post(url(review, "refuse"), {"version": 1, "reason": "请求超出法律规定的赔偿范围", **answers})
    assert answer.status_code == 302
    assert "请求超出法律规定的赔偿范围" in client.get(url(review)).content.decode()


def test_the_month_of_a_draw_is_written_out(client, cast):
    """REV-22: 2026 年 11 月 in the heading, 2026-11 only in the address."""
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    client.force_login(cast.head_of_review)
    page = client.get("/desk/sampling/2026-11/").content.decode()
    assert "2026 年 11 月" in page.partition("<h1>")[2].partition("</h1>")[0]


@pytest.mark.parametrize(("satisfaction", "led"), [("dissatisfied", True), ("satisfied", False)])
def test_fb_19_who_rates_the_result_dissatisfied_is_led_to_the_application(
    client, cast, monkeypatch, satisfaction, led
):
    """The rating itself points at the review, and the way leads to the form that opens one."""
    monkeypatch.setattr("review.panels.transitions.window", lambda _complaint: None)  # whatever day it is
    story = Story(cast).to_reply()
    client.post("/track/", {"number": story.case.number, "code": story.receipt.access_code})
    assert 'href="#review"' not in client.get("/track/case/").content.decode()
    reason = "not_solved" if led else ""
    assert client.post("/track/case/rate/", {"satisfaction": satisfaction, "reason": reason}).status_code == 302
    page = client.get("/track/case/").content.decode()
    assert ('href="#review"' in page) is led
    assert 'id="review"' in page
    assert "/track/case/review/" in page
    applied = client.post("/track/case/review/", {"reasons": ["not_solved"], "text": "没有解决"})
    assert applied.status_code == 302
    page = client.get("/track/case/").content.decode()
    assert 'href="#review"' not in page, "whoever has applied needs no way there"
    assert 'id="review"' in page
