"""A drawn case that nobody may judge gives its seat to the next of the stream; late changes show (RI-04, RI-08)."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils.html import strip_tags

from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import Membership
from complaints.models import Complaint, ContactPoint
from complaints.tests.factories import Story, at
from review import commitments, draws, frame_changes, review_figures, sampling, selectors, transitions
from review.models import ReviewCase, SampleReplacement
from review.states import ReviewStatus

pytestmark = pytest.mark.django_db

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_sample.py"
DRAWN = at("2026-12-01 09:00")


@pytest.fixture
def drawn(cast):
    for n in range(20):
        Story(cast, phone=f"1380000{n:04d}").to_closed()
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    return draws.draw("2026-11", by=cast.head_of_review, at=DRAWN)


def in_conflict(cast, case: Complaint) -> None:
    for person in (cast.reviewer, cast.head_of_review):
        transitions.declare_conflict(case.pk, by=person, reason="亲属", at=at("2026-12-02 09:00"))


def test_ri_04_the_seat_goes_to_the_next_case_of_the_stream_and_anyone_can_check_it(cast, drawn, tmp_path):
    first = drawn.frame.get(order=1)
    in_conflict(cast, first.complaint)
    entry = draws.replace("2026-11", 1, by=cast.head_of_review, at=at("2026-12-02 10:00"))
    assert entry.order == drawn.size + 1
    first.review.refresh_from_db()
    assert (first.review.status, entry.review.status) == (ReviewStatus.REFUSED, ReviewStatus.REQUESTED)
    assert selectors.progress(drawn) == (0, drawn.size)
    document = draws.document(drawn)
    assert document["replacements"][0]["aside"] == first.number
    assert len(document["picks"]) == drawn.size
    assert sampling.verify(document).ok
    path = tmp_path / "draw.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    alone = subprocess.run([sys.executable, "-I", SCRIPT, path], capture_output=True, text=True)
    assert alone.stdout.strip() == "match"


def test_rev_50_a_review_set_aside_is_neither_refused_nor_late(cast, drawn):
    """Nobody was refused anything, and nobody was slow: the seat went to another case."""
    in_conflict(cast, drawn.frame.get(order=1).complaint)
    draws.replace("2026-11", 1, by=cast.head_of_review, at=at("2026-12-02 10:00"))
    total = review_figures.compute(now=at("2026-12-02 12:00")).total
    assert (total.opened, total.refused, total.late) == (drawn.size + 1, 0, 0)
    late = review_figures.compute(now=at("2026-12-20 12:00")).total
    assert (late.refused, late.late) == (0, drawn.size)


def test_ri_03_who_joined_the_department_since_the_draw_reads_none_of_its_cases_in_the_list(cast, drawn):
    """The stored conflicts are from the day of the draw; the move came after it and the review was not opened since."""
    assert selectors.picks(drawn, cast.reviewer).count() == drawn.size
    Membership.objects.create(user=cast.reviewer, department=cast.water, since=at("2026-12-02 09:00"))
    assert not selectors.picks(drawn, cast.reviewer).exists()
    assert not ReviewCase.objects.visible_to(cast.reviewer).exists()


def test_ri_04_another_case_in_the_seat_shows(cast, drawn, tmp_path):
    first = drawn.frame.get(order=1)
    in_conflict(cast, first.complaint)
    draws.replace("2026-11", 1, by=cast.head_of_review, at=at("2026-12-02 10:00"))
    document = draws.document(drawn)
    outsider = drawn.frame.filter(order=None).first()
    document["replacements"][0]["number"] = outsider.number
    problems = sampling.verify(document).problems
    assert first.number in problems[0]
    assert outsider.number in problems[0]
    path = tmp_path / "draw.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    alone = subprocess.run([sys.executable, "-I", SCRIPT, path], capture_output=True, text=True)
    assert alone.returncode == 1
    assert alone.stdout.startswith(f"difference in pick {drawn.size + 1}: recorded {{'aside': '{first.number}'")
    for forged in (outsider.number, first.number):  # never drawn, so it had no seat to give; given on twice
        document["replacements"] = [*draws.document(drawn)["replacements"], {"aside": forged, "order": drawn.size + 2}]
        path.write_text(json.dumps(document), encoding="utf-8")
        alone = subprocess.run([sys.executable, "-I", SCRIPT, path], capture_output=True, text=True)
        assert alone.stdout.startswith(f"difference in pick {drawn.size + 2}: recorded ")
        assert alone.stdout.strip().endswith("repeated None")


def test_ri_06_a_case_that_enough_members_may_judge_keeps_its_seat(cast, drawn):
    with pytest.raises(IllegalTransition):
        draws.replace("2026-11", 1, by=cast.head_of_review)
    in_conflict(cast, drawn.frame.get(order=1).complaint)
    with pytest.raises(NotAllowed):
        draws.replace("2026-11", 1, by=cast.reviewer2)
    draws.replace("2026-11", 1, by=cast.head_of_review)
    for order in (1, 99):  # given on already; never drawn
        with pytest.raises(IllegalTransition):
            draws.replace("2026-11", order, by=cast.head_of_review)
    assert SampleReplacement.objects.count() == 1


def test_ri_06_a_review_that_somebody_applied_for_stays_open(cast, drawn):
    first = drawn.frame.get(order=1)
    transitions.open_for_alert(first.complaint_id, rule="follow_ups", text="追问", at=at("2026-12-01 12:00"))
    in_conflict(cast, first.complaint)
    draws.replace("2026-11", 1, by=cast.head_of_review)
    assert ReviewCase.objects.get(pk=first.review_id).status == ReviewStatus.REQUESTED


def test_ri_05_the_page_names_the_seat_and_nothing_of_the_case(client, cast, drawn):
    first = drawn.frame.get(order=1)
    in_conflict(cast, first.complaint)
    client.force_login(cast.head_of_review)
    page = client.get("/desk/sampling/2026-11/").content.decode()
    assert "/desk/sampling/2026-11/replace/1/" in page
    shown = strip_tags(page)
    assert drawn.frame.get(order=2).number in shown
    assert first.number not in shown
    assert first.review.number not in page
    client.post("/desk/sampling/2026-11/replace/1/")
    page = client.get("/desk/sampling/2026-11/").content.decode()
    assert "/replace/" not in page
    assert first.number not in strip_tags(page)


def test_ri_08_the_page_of_late_changes_names_each_case_and_how_it_differs(client, cast, drawn):
    client.force_login(cast.auditor)
    path = "/desk/sampling/2026-11/changes/"
    assert frame_changes.late_changes(drawn) == []
    assert client.get(path).status_code == 200
    late = Story(cast, phone="13911112222").to_closed()
    moved, dated = drawn.frame.filter(order=None)[:2]
    # Past the rules: the telephone number that made the person a frequent complainant goes, and a date is changed.
    ContactPoint.objects.filter(complainant__complaint=moved.complaint_id).update(match_hash="")
    Complaint.objects.filter(pk=dated.complaint_id).update(first_closed_at=at("2026-10-31 23:00"))
    changes = {change.number: change.kind for change in frame_changes.late_changes(drawn)}
    assert changes == {late.case.number: "added", moved.number: "stratum", dated.number: "gone"}
    page = strip_tags(client.get(path).content.decode())
    assert late.case.number in page
    assert moved.number in page
    client.force_login(cast.water_head)
    assert client.get(path).status_code == 403


def test_rev_23_a_document_without_the_seat_given_on_is_refused_by_whoever_has_the_published_result(
    client, cast, drawn, tmp_path
):
    """Sealed anew it is a sound draw in itself: only the hash on the public page tells."""
    in_conflict(cast, drawn.frame.get(order=1).complaint)
    draws.replace("2026-11", 1, by=cast.head_of_review, at=at("2026-12-02 10:00"))
    assert [proof.result for proof in commitments.public([drawn])] == [""]  # not before the last review
    ReviewCase.objects.filter(triggers__draw=drawn).exclude(status=ReviewStatus.REFUSED).update(
        finalised_at=at("2026-12-20 09:00")
    )
    [proof] = commitments.public([drawn])
    assert [again.result for again in commitments.public([drawn])] == [proof.result]  # kept
    assert proof.result in client.get("/sampling/").content.decode()
    honest = draws.document(drawn)
    content = {name: value for name, value in honest.items() if name not in ("replacements", "checksum")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    forged = content | {"checksum": sha256(f"huiyin-sample-1 document\n{text}".encode()).hexdigest()}
    for document, ok in ((honest, True), (forged, False)):
        path = tmp_path / "draw.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        assert sampling.verify(document).ok
        assert sampling.verify(document, result=proof.result).ok is ok
        alone = subprocess.run([sys.executable, "-I", SCRIPT, path, proof.result], capture_output=True, text=True)
        assert (alone.returncode, alone.stdout.startswith("match" if ok else "difference in result")) == (not ok, True)
        if ok:
            call_command("verify_sample", str(path), "--result", proof.result)
        else:
            with pytest.raises(CommandError, match="the result is not the published one"):
                call_command("verify_sample", str(path), "--result", proof.result)


@pytest.mark.parametrize("gone", ["record", "seat", "both"])
def test_rev_23_a_seat_given_on_whose_record_was_removed_shows_when_the_draw_is_verified(client, cast, drawn, gone):
    in_conflict(cast, drawn.frame.get(order=1).complaint)
    entry = draws.replace("2026-11", 1, by=cast.head_of_review, at=at("2026-12-02 10:00"))
    assert draws.verify(drawn).ok
    if gone != "seat":
        SampleReplacement.objects.all().delete()
    if gone != "record":
        drawn.frame.filter(pk=entry.pk).update(order=None, key="", review=None)
    client.force_login(cast.head_of_review)
    assert client.post("/desk/sampling/2026-11/verify/").status_code == 302
    drawn.refresh_from_db()
    assert drawn.verified_ok is False
    assert client.get("/desk/sampling/2026-11/document/").status_code == 200


def test_rev_23_an_outsider_repeats_the_downloaded_document_and_every_changed_field_is_refused(
    client, cast, drawn, tmp_path
):
    client.force_login(cast.auditor)
    document = client.get("/desk/sampling/2026-11/document/").json()
    path = tmp_path / "draw.json"

    def said(changed) -> tuple[int, str]:
        path.write_text(json.dumps(changed), encoding="utf-8")
        alone = subprocess.run([sys.executable, "-I", SCRIPT, path], capture_output=True, text=True)
        return alone.returncode, alone.stdout + alone.stderr

    assert said(document) == (0, "match\n")
    for name, value in document.items():
        other = {str: f"{value}0", int: 14, list: value[1:] if isinstance(value, list) else [], dict: {}}[type(value)]
        code, told = said(document | {name: other})
        assert (code, "Traceback" in told) == (1, False), name
