"""The shipped policy profiles (SLA-01, SLA-05, SLA-06, SLA-07)."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from complaints.calendars import SHANGHAI
from complaints.deadlines import ClockRule, StartsOn, Unit, due_at
from complaints.holiday_data import official_calendar
from complaints.profiles import (
    MILESTONES,
    PROFILES,
    ProfileInvalid,
    ProfileNotFound,
    ProfileNotInForce,
    ProfileRule,
    check_profile,
    select_profile,
)

TODAY = date(2026, 11, 20)
HOUSE = select_profile("house_default", TODAY)


def limits(code, on=TODAY):
    """Every limit of a profile as {(milestone, complexity): "amount unit, from event"}."""
    return {
        (rule.milestone, rule.complexity): f"{rule.amount} {rule.unit} from {rule.starts_on}"
        for rule in select_profile(code, on).rules
    }


def test_every_key_is_shipped():
    assert {profile.code for profile in PROFILES} == {
        "house_default",
        "cn_bank_insurance_2020",
        "cn_petition_2022",
        "cn_samr_2026",
        "cn_samr_2020",
        "cn_consumer_authority",
        "cn_12345_national",
        "cn_12345_5wd",
        "cn_12345_tiered",
        "cn_gov_window",
        "cn_express",
        "cn_healthcare",
        "cn_gov_info",
        "uk_fca_disp",
        "uk_nhs_2009",
        "uk_spso",
        "us_cfpb",
    }


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: f"{profile.code}-{profile.version}")
def test_shipped_profiles_are_valid_and_complete(profile):
    check_profile(profile)
    assert profile.rule_for("resolve") is not None
    assert profile.legal_basis
    assert profile.name_zh
    assert profile.name_en
    assert profile.remedies_zh
    assert len(profile.remedies_zh) == len(profile.remedies_en)
    assert all(rule.ladder for rule in profile.rules)


def test_house_default_limits():
    """SLA-05: screening in 2 working days; SLA-06: reply in 2; SLA-07: call-back in 5."""
    assert limits("house_default") == {
        ("acknowledge", ""): "1 working_hours from received",
        ("decide_acceptance", ""): "2 working_days from received",
        ("assign", ""): "1 working_days from accepted",
        ("first_contact", ""): "1 working_days from assigned",
        ("progress", ""): "5 working_days from accepted",
        ("resolve", "simple"): "15 working_days from accepted",
        ("resolve", "complex"): "30 working_days from accepted",
        ("task", "simple"): "10 working_days from assigned",
        ("task", "complex"): "20 working_days from assigned",
        ("reply", ""): "2 working_days from resolved",
        ("call_back", ""): "5 working_days from replied",
        ("review_request", ""): "15 working_days from replied",
        ("review_screening", ""): "2 working_days from review_requested",
        ("review_decision", ""): "15 working_days from review_requested",
    }
    assert {milestone for milestone, _ in limits("house_default")} == set(MILESTONES)
    assert not any(rule.start_day_counts for rule in HOUSE.rules)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "cn_bank_insurance_2020",
            {"simple": "15 calendar_days from received", "complex": "30 calendar_days from received"},
        ),
        ("cn_petition_2022", {"": "60 calendar_days from accepted"}),
        ("cn_samr_2026", {"": "60 calendar_days from accepted"}),
        ("cn_consumer_authority", {"": "60 calendar_days from accepted"}),
        ("cn_12345_5wd", {"": "5 working_days from received"}),
        (
            "cn_12345_tiered",
            {
                "emergency": "2 hours from received",
                "utility": "24 hours from received",
                "simple": "7 calendar_days from received",
                "complex": "15 calendar_days from received",
            },
        ),
        (
            "cn_12345_national",
            {
                "emergency": "24 hours from received",
                "simple": "5 working_days from received",
                "complex": "15 working_days from received",
            },
        ),
        ("cn_gov_window", {"simple": "5 working_days from received", "complex": "15 working_days from received"}),
        ("cn_express", {"": "7 calendar_days from received"}),
        (
            "cn_healthcare",
            {"simple": "5 working_days from received", "complex": "10 working_days from received"},
        ),
        ("cn_gov_info", {"": "20 working_days from accepted"}),
        (
            "uk_fca_disp",
            {"simple": "3 working_days from received", "complex": "56 calendar_days from received"},
        ),
        ("uk_nhs_2009", {"": "181 calendar_days from received"}),
        (
            "uk_spso",
            {"simple": "5 working_days from received", "complex": "20 working_days from received"},
        ),
        (
            "us_cfpb",
            {"simple": "15 calendar_days from received", "complex": "60 calendar_days from received"},
        ),
    ],
)
def test_resolution_limits(code, expected):
    resolve = {complexity: text for (milestone, complexity), text in limits(code).items() if milestone == "resolve"}
    assert resolve == expected


@pytest.mark.parametrize(
    ("code", "milestone", "complexity", "extension"),
    [
        ("cn_bank_insurance_2020", "resolve", "complex", (30, 1)),
        ("cn_bank_insurance_2020", "resolve", "simple", (0, 0)),
        ("cn_petition_2022", "resolve", "complex", (30, 1)),
        ("cn_samr_2026", "resolve", "simple", (0, 0)),
        ("cn_gov_info", "resolve", "simple", (20, 1)),
    ],
)
def test_extensions(code, milestone, complexity, extension):
    rule = select_profile(code, TODAY).rule_for(milestone, complexity)
    assert (rule.extension_amount, rule.max_extensions) == extension


@pytest.mark.parametrize(
    ("code", "on", "found", "version", "resolve"),
    [
        ("cn_samr_2020", date(2020, 1, 1), "cn_samr_2020", 1, "45 working_days from accepted"),
        ("cn_samr_2020", date(2024, 6, 30), "cn_samr_2020", 1, "45 working_days from accepted"),
        ("cn_samr_2020", date(2024, 7, 1), "cn_samr_2020", 2, "60 calendar_days from accepted"),
        ("cn_samr_2020", date(2026, 4, 14), "cn_samr_2020", 2, "60 calendar_days from accepted"),
        ("cn_samr_2020", date(2026, 4, 15), "cn_samr_2026", 1, "60 calendar_days from accepted"),
        ("cn_samr_2026", date(2026, 4, 15), "cn_samr_2026", 1, "60 calendar_days from accepted"),
        ("cn_samr_2026", date(2026, 4, 14), "cn_samr_2020", 2, "60 calendar_days from accepted"),
    ],
)
def test_a_case_gets_the_version_in_force_at_its_receipt(code, on, found, version, resolve):
    profile = select_profile(code, on)
    assert (profile.code, profile.version) == (found, version)
    assert limits(code, on)["resolve", ""] == resolve


def test_versions_of_a_family_leave_no_gap_and_never_overlap():
    versions = sorted((p for p in PROFILES if p.family == "cn_samr"), key=lambda p: p.valid_from)
    ends = [profile.valid_until for profile in versions[:-1]]
    assert [(later.valid_from - end).days for end, later in zip(ends, versions[1:], strict=True)] == [1, 1]
    assert versions[-1].valid_until is None


def test_unknown_and_not_yet_valid_policies_are_named():
    with pytest.raises(ProfileNotFound, match="There is no policy cn_samr; choose one of: house_default, cn_bank"):
        select_profile("cn_samr", TODAY)
    with pytest.raises(ProfileNotInForce, match="cn_petition_2022 was not in force on 2022-04-30; choose another"):
        select_profile("cn_petition_2022", date(2022, 4, 30))


def test_a_rule_falls_back_to_every_complexity():
    assert HOUSE.rule_for("resolve", "complex").amount == 30
    assert HOUSE.rule_for("resolve", "emergency") is None
    assert HOUSE.rule_for("reply", "complex").amount == 2
    assert select_profile("cn_express", TODAY).rule_for("review_decision") is None


def test_a_refusal_names_the_five_consumer_routes():
    """Consumer law art. 39."""
    remedies = select_profile("cn_samr_2026", TODAY).remedies_zh
    routes = ("协商", "调解", "投诉", "仲裁", "诉讼")
    assert all(route in text for route, text in zip(routes, remedies, strict=True))


# Counted by hand from the rule's own words; 20 November 2026 is a Friday, Spring Festival 2027 falls on 6 February.
EXAMPLES = [
    ("house_default", "resolve", "simple", "2026-11-20T16:05", "2026-12-11T17:30"),
    ("house_default", "resolve", "complex", "2026-11-20T16:05", "2027-01-04T17:30"),
    ("house_default", "review_screening", "", "2026-11-20T16:05", "2026-11-24T17:30"),
    # The fifteenth day is a Saturday.
    ("cn_bank_insurance_2020", "resolve", "simple", "2026-11-20T16:05", "2026-12-07T17:30"),
    ("cn_bank_insurance_2020", "review_decision", "", "2026-11-20T16:05", "2026-12-21T17:30"),
    ("cn_petition_2022", "decide_acceptance", "", "2026-11-20T16:05", "2026-12-07T17:30"),
    ("cn_petition_2022", "resolve", "", "2026-11-20T16:05", "2027-01-19T17:30"),
    ("cn_samr_2026", "decide_acceptance", "", "2026-11-20T16:05", "2026-12-01T17:30"),
    ("cn_samr_2026", "resolve", "", "2026-11-20T16:05", "2027-01-19T17:30"),
    # 29 September to 6 October off, 7 and 8 October worked.
    ("cn_samr_2020", "resolve", "", "2023-09-26T16:05", "2023-12-04T17:30"),
    ("cn_samr_2020", "resolve", "", "2025-09-26T16:05", "2025-11-25T17:30"),
    ("cn_consumer_authority", "decide_acceptance", "", "2026-11-20T16:05", "2026-12-01T17:30"),
    ("cn_consumer_authority", "resolve", "", "2026-11-20T16:05", "2027-01-19T17:30"),
    ("cn_12345_5wd", "resolve", "", "2026-09-29T16:05", "2026-10-12T17:30"),
    ("cn_12345_tiered", "resolve", "emergency", "2026-11-21T23:30", "2026-11-22T01:30"),
    ("cn_12345_tiered", "resolve", "utility", "2026-11-20T16:05", "2026-11-21T16:05"),
    ("cn_12345_tiered", "resolve", "complex", "2026-11-20T16:05", "2026-12-07T17:30"),
    ("cn_12345_national", "resolve", "emergency", "2026-11-21T23:30", "2026-11-22T23:30"),
    ("cn_12345_national", "resolve", "simple", "2026-11-20T16:05", "2026-11-27T17:30"),
    ("cn_gov_window", "resolve", "simple", "2026-11-20T16:05", "2026-11-27T17:30"),
    ("cn_gov_window", "resolve", "complex", "2026-11-20T16:05", "2026-12-11T17:30"),
    ("cn_express", "resolve", "", "2026-11-20T16:05", "2026-11-27T17:30"),
    ("cn_healthcare", "resolve", "complex", "2026-11-20T16:05", "2026-12-04T17:30"),
    ("cn_gov_info", "resolve", "", "2026-11-20T16:05", "2026-12-18T17:30"),
    # Received after hours: the next business day counts as the day of receipt.
    ("uk_fca_disp", "resolve", "simple", "2026-11-20T18:00", "2026-11-26T17:00"),
    ("uk_fca_disp", "resolve", "complex", "2026-11-20T16:05", "2027-01-15T17:00"),
    ("uk_nhs_2009", "acknowledge", "", "2026-11-20T16:05", "2026-11-25T17:00"),
    ("uk_spso", "resolve", "complex", "2026-11-20T16:05", "2026-12-18T17:00"),
    ("us_cfpb", "resolve", "simple", "2026-11-20T10:00", "2026-12-05T17:00"),
]


@pytest.mark.parametrize(("code", "milestone", "complexity", "start", "end"), EXAMPLES)
def test_sla_01_due_dates_of_shipped_profiles(code, milestone, complexity, start, end):
    start, end = (datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for text in (start, end))
    profile = select_profile(code, start.date())
    calendar = official_calendar(profile.slots)
    assert due_at(start, profile.rule_for(milestone, complexity).clock(), calendar).at == end


def test_sla_01_every_version_of_every_profile_has_a_worked_example():
    worked = {
        (profile.code, profile.version)
        for code, _milestone, _complexity, start, _end in EXAMPLES
        for profile in [select_profile(code, date.fromisoformat(start[:10]))]
    }
    assert worked == {(profile.code, profile.version) for profile in PROFILES}


@pytest.mark.parametrize(
    ("code", "complexity", "end"),
    [
        ("cn_bank_insurance_2020", "complex", "2027-01-19T17:30"),
        ("cn_petition_2022", "", "2027-02-18T17:30"),
        ("cn_gov_info", "", "2027-01-18T17:30"),
    ],
)
def test_sla_01_an_extension_counts_from_the_same_start(code, complexity, end):
    """30 + 30 and 60 + 30 days, 20 + 20 working days; New Year 2027 is a Friday."""
    profile = select_profile(code, TODAY)
    rule = profile.rule_for("resolve", complexity)
    start = datetime(2026, 11, 20, 16, 5, tzinfo=SHANGHAI)
    extended = rule.clock().extended(rule.extension_amount)
    assert due_at(start, extended, official_calendar(profile.slots)).at == datetime.fromisoformat(end).replace(
        tzinfo=SHANGHAI
    )


def test_sla_13_a_pause_for_a_third_party_holds_its_fifteen_working_days_over_any_holiday():
    """Regulation on government information, art. 32: from every day of the published calendars to the close of the
    fifteenth working day after it."""
    profile = select_profile("cn_gov_info", TODAY)
    calendar = official_calendar(profile.slots)
    longest = timedelta()
    for number in range((date(2026, 11, 1) - date(2007, 1, 1)).days):
        asked = datetime.combine(date(2007, 1, 1) + timedelta(days=number), time(9), SHANGHAI)
        answer = due_at(asked, ClockRule(15, Unit.WORKING_DAYS), calendar).at
        longest = max(longest, answer - asked)
    assert timedelta(days=profile.pause_days - 1) < longest <= timedelta(days=profile.pause_days)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"amount": -1}, "rules[0].amount: -1 is no length of time; give a whole number of at least 1."),
        (
            {"unit": "weeks"},
            "rules[0].unit: weeks is not a choice; choose one of: hours, working_hours, working_days, calendar_days.",
        ),
        ({"starts_on": "born"}, "rules[0].starts_on: born is not a choice; choose one of: received, registered, "),
        ({"milestone": "lunch"}, "rules[0].milestone: lunch is not a milestone; choose one of: acknowledge, "),
        ({"complexity": "hard"}, "rules[0].complexity: hard is not a complexity; choose one of: simple, complex, "),
        ({"extension_amount": -5, "max_extensions": 1}, "rules[0].extension_amount: -5 is below zero; give 0 for no "),
        (
            {"extension_amount": 5},
            "rules[0].extension_amount: Give both the length of an extension and how often, or 0 for both.",
        ),
    ],
)
def test_a_bad_rule_names_the_field_and_the_mend(change, text):
    rule = replace(ProfileRule("reply", 2, Unit.WORKING_DAYS, StartsOn.RESOLVED), **change)
    with pytest.raises(ProfileInvalid) as raised:
        check_profile(replace(HOUSE, rules=(rule,)))
    assert str(raised.value).startswith(text)
    assert len(raised.value.errors) == 1


def test_all_faults_of_a_profile_are_told_at_once():
    overlapping = ((time(8, 0), time(12, 0)), (time(11, 0), time(17, 0)))
    reply = HOUSE.rule_for("reply")
    bad = replace(
        HOUSE, slots=overlapping, valid_until=date(1999, 12, 31), rules=(reply, reply, replace(reply, amount=0))
    )
    with pytest.raises(ProfileInvalid) as raised:
        check_profile(bad)
    assert [error.field for error in raised.value.errors] == [
        "slots",
        "valid_until",
        "rules[1].milestone",
        "rules[2].amount",
        "rules[2].milestone",
    ]
    assert raised.value.errors[0].text() == (
        "The slots 08:00-12:00 and 11:00-17:00 overlap or are out of order; separate them, earliest first."
    )
