"""The shipped policy profiles: time limits, refusal remedies and legal basis as plain data (SLA-01).

A profile is a version of one rule set, valid for a span of dates; profiles of one `family` follow
each other when a law is replaced. A case is bound to the version in force at its receipt. The
figures are starting points: an office confirms its own profile before it goes live.

Months become days, since a clock counts days: a limit for the office takes the shortest run of
months (6 months = 181 days), a window for the complainant the longest (184 days), so that nobody
is treated worse than the rule says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Any

from complaints.calendars import DEFAULT_SLOTS, InvalidSetting, Slot, check_slots, gettext_noop
from complaints.clock_rules import (
    ClockRule,
    LadderStep,
    NoticeKind,
    OffsetKind,
    Recipient,
    StartsOn,
    Unit,
    known,
)

MILESTONES = (
    "acknowledge",
    "decide_acceptance",
    "assign",
    "first_contact",
    "progress",
    "resolve",
    "task",
    "reply",
    "call_back",
    "review_request",
    "review_screening",
    "review_decision",
)
# An empty complexity stands for every complexity without a rule of its own.
COMPLEXITIES = ("", "simple", "complex", "emergency", "utility")

# What a rule set does not count, where its text names it: appraisal or testing, mediation, completing the materials,
# consulting a third party.
APPRAISAL, MEDIATION = "appraisal", "mediation"
INFORMATION, THIRD_PARTY = "information", "third_party"

# A clock of days: remind at three quarters and half a day before, tell on the day, escalate after.
DAY_LADDER = (
    LadderStep(OffsetKind.FRACTION, 0.75, (Recipient.OWNER,), NoticeKind.REMINDER),
    LadderStep(OffsetKind.WORKING_HOURS_BEFORE, 4, (Recipient.OWNER, Recipient.COORDINATOR), NoticeKind.REMINDER),
    LadderStep(
        OffsetKind.FRACTION,
        1,
        (Recipient.OWNER, Recipient.DEPARTMENT_HEAD, Recipient.COORDINATOR),
        NoticeKind.BREACH,
    ),
    LadderStep(
        OffsetKind.WORKING_DAYS_AFTER, 1, (Recipient.DEPARTMENT_HEAD, Recipient.COORDINATOR), NoticeKind.ESCALATION
    ),
    LadderStep(OffsetKind.WORKING_DAYS_AFTER, 3, (Recipient.MANAGER,), NoticeKind.ESCALATION),
)
# A clock of hours: nobody can wait for the next day.
HOUR_LADDER = (
    LadderStep(OffsetKind.FRACTION, 0.5, (Recipient.OWNER,), NoticeKind.REMINDER),
    LadderStep(
        OffsetKind.FRACTION,
        1,
        (Recipient.OWNER, Recipient.DEPARTMENT_HEAD, Recipient.COORDINATOR),
        NoticeKind.BREACH,
    ),
    LadderStep(OffsetKind.WORKING_HOURS_AFTER, 2, (Recipient.MANAGER,), NoticeKind.ESCALATION),
)
# The task of one department: only its own people are told, first who works on it, then its head.
TASK_LADDER = (
    LadderStep(OffsetKind.FRACTION, 0.75, (Recipient.OWNER,), NoticeKind.REMINDER),
    LadderStep(OffsetKind.WORKING_HOURS_BEFORE, 4, (Recipient.OWNER,), NoticeKind.REMINDER),
    LadderStep(OffsetKind.FRACTION, 1, (Recipient.OWNER, Recipient.DEPARTMENT_HEAD), NoticeKind.BREACH),
    LadderStep(OffsetKind.WORKING_DAYS_AFTER, 1, (Recipient.DEPARTMENT_HEAD,), NoticeKind.ESCALATION),
)
TASK_HOUR_LADDER = (
    LadderStep(OffsetKind.FRACTION, 0.5, (Recipient.OWNER,), NoticeKind.REMINDER),
    LadderStep(OffsetKind.FRACTION, 1, (Recipient.OWNER, Recipient.DEPARTMENT_HEAD), NoticeKind.BREACH),
    LadderStep(OffsetKind.WORKING_HOURS_AFTER, 2, (Recipient.DEPARTMENT_HEAD,), NoticeKind.ESCALATION),
)
# A window of the complainant: the office is told once, at its end.
WINDOW_LADDER = (LadderStep(OffsetKind.FRACTION, 1, (Recipient.COORDINATOR,), NoticeKind.REMINDER),)

# When a closed case may be opened again (complaints/reopening.py). No rule that was found sets a window, so this is a
# house default: the reason and the new limit stay with the person who decides.
HOUSE_REOPENING: Mapping[str, Any] = {"within_days": 90, "unit": "days", "most": 2}

BUSINESS_HOURS: tuple[Slot, ...] = ((time(9, 0), time(17, 0)),)

PROFILE_MILESTONE_UNKNOWN = gettext_noop("%(value)s is not a milestone; choose one of: %(choices)s.")
PROFILE_COMPLEXITY_UNKNOWN = gettext_noop("%(value)s is not a complexity; choose one of: %(choices)s.")
PROFILE_RULE_TWICE = gettext_noop("The rule for %(value)s stands twice; keep one.")
PROFILE_DATES_REVERSED = gettext_noop("The last day is before the first day %(value)s; give a later one.")
PROFILE_EXTENSION_NEGATIVE = gettext_noop("%(value)s is below zero; give 0 for no extension.")
PROFILE_EXTENSION_INCOMPLETE = gettext_noop("Give both the length of an extension and how often, or 0 for both.")


@dataclass(frozen=True)
class ProfileRule:
    """One time limit: `amount` units from the event `starts_on` to the milestone.

    `resets`: it begins anew when new facts are accepted.
    """

    milestone: str
    amount: int
    unit: Unit
    starts_on: StartsOn
    complexity: str = ""
    start_day_counts: bool = False
    roll_forward: bool = True
    after_hours_next_day: bool = False
    extension_amount: int = 0
    max_extensions: int = 0
    ladder: tuple[LadderStep, ...] = DAY_LADDER
    resets: bool = False

    def clock(self) -> ClockRule:
        """The rule the clock engine counts with. Raises InvalidSetting for a bad amount or unit."""
        return ClockRule(self.amount, self.unit, self.start_day_counts, self.roll_forward, self.after_hours_next_day)


@dataclass(frozen=True)
class Profile:
    """One version of a rule set, in force from `valid_from` to `valid_until`, both included."""

    code: str
    name_zh: str
    name_en: str
    valid_from: date
    rules: tuple[ProfileRule, ...]
    legal_basis: str
    remedies_zh: tuple[str, ...]
    remedies_en: tuple[str, ...]
    version: int = 1
    family: str = ""
    valid_until: date | None = None
    government: bool = False
    slots: tuple[Slot, ...] = DEFAULT_SLOTS
    reopening: Mapping[str, Any] = field(default_factory=lambda: HOUSE_REOPENING, hash=False)
    # Pauses and returns (complaints/policy_terms.py); None where the rule set is silent: the usual.
    return_days: int | None = None
    pause_days: int | None = None
    pause_reasons: tuple[str, ...] | None = None

    def in_force(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)

    def rule_for(self, milestone: str, complexity: str = "simple") -> ProfileRule | None:
        """The rule of this complexity, else the one for every complexity, else None."""
        rules = {rule.complexity: rule for rule in self.rules if rule.milestone == milestone}
        return rules.get(complexity) or rules.get("")


class ProfileNotFound(LookupError):
    """No profile carries this code."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"There is no policy {code}; choose one of: {', '.join(profile_codes())}.")


class ProfileNotInForce(LookupError):
    """The rule set existed, but no version of it was in force on that day."""

    def __init__(self, code: str, on: date) -> None:
        self.code = code
        self.on = on
        super().__init__(f"The policy {code} was not in force on {on.isoformat()}; choose another policy or day.")


class ProfileInvalid(ValueError):
    """A profile that cannot be used; `errors` names each field and the mend."""

    def __init__(self, errors: tuple[InvalidSetting, ...]) -> None:
        self.errors = errors
        super().__init__(" ".join(str(error) for error in errors))


def profile_codes() -> tuple[str, ...]:
    return tuple(dict.fromkeys(profile.code for profile in PROFILES))


def select_profile(code: str, on: date) -> Profile:
    """The version in force on a day, from the code's own versions or its family's.

    A replaced law leads to its successor, and back: `cn_samr_2020` is `cn_samr_2026` from
    2026-04-15. Raises ProfileNotFound, ProfileNotInForce.
    """
    own = [profile for profile in PROFILES if profile.code == code]
    if not own:
        raise ProfileNotFound(code)
    family = [profile for profile in PROFILES if profile.family and profile.family == own[0].family]
    for profile in [*own, *family]:
        if profile.in_force(on):
            return profile
    raise ProfileNotInForce(code, on)


def check_profile(profile: Profile) -> None:
    """Refuse a profile no clock could run on. Raises ProfileInvalid with every fault found."""
    errors: list[InvalidSetting] = []
    try:
        check_slots(profile.slots)
    except InvalidSetting as error:
        errors.append(error)
    if profile.valid_until is not None and profile.valid_until < profile.valid_from:
        errors.append(InvalidSetting("valid_until", PROFILE_DATES_REVERSED, value=profile.valid_from.isoformat()))
    seen = set()
    for number, rule in enumerate(profile.rules):
        field = f"rules[{number}]"
        errors += _rule_errors(rule, field)
        if (rule.milestone, rule.complexity) in seen:
            value = f"{rule.milestone} {rule.complexity}".strip()
            errors.append(InvalidSetting(f"{field}.milestone", PROFILE_RULE_TWICE, value=value))
        seen.add((rule.milestone, rule.complexity))
    if errors:
        raise ProfileInvalid(tuple(errors))


def _rule_errors(rule: ProfileRule, field: str) -> list[InvalidSetting]:
    errors = []
    if rule.milestone not in MILESTONES:
        errors.append(_unknown(f"{field}.milestone", PROFILE_MILESTONE_UNKNOWN, rule.milestone, MILESTONES))
    if rule.complexity not in COMPLEXITIES:
        choices = COMPLEXITIES[1:]
        errors.append(_unknown(f"{field}.complexity", PROFILE_COMPLEXITY_UNKNOWN, rule.complexity, choices))
    for check in (rule.clock, lambda: known(StartsOn, rule.starts_on, "starts_on")):
        try:
            check()
        except InvalidSetting as error:
            errors.append(InvalidSetting(f"{field}.{error.field}", error.message, **error.params))
    for name in ("extension_amount", "max_extensions"):
        if getattr(rule, name) < 0:
            errors.append(InvalidSetting(f"{field}.{name}", PROFILE_EXTENSION_NEGATIVE, value=getattr(rule, name)))
    if bool(rule.extension_amount) != bool(rule.max_extensions):
        errors.append(InvalidSetting(f"{field}.extension_amount", PROFILE_EXTENSION_INCOMPLETE))
    return errors


def _unknown(field: str, message: str, value: str, choices: tuple[str, ...]) -> InvalidSetting:
    return InvalidSetting(field, message, value=value, choices=", ".join(choices))


# Routes after a refusal

CONSUMER_ROUTES_ZH = (
    "与经营者协商和解",
    "请求消费者协会或者依法成立的其他调解组织调解",
    "向主管的行政机关投诉",
    "根据与经营者达成的仲裁协议，提请仲裁机构仲裁",
    "向人民法院提起诉讼",
)
CONSUMER_ROUTES_EN = (
    "Settle with the business by agreement",
    "Ask a consumer association or another lawful mediation body to mediate",
    "Complain to the competent administrative authority",
    "Apply for arbitration under an agreement with the business",
    "Sue in a people's court",
)
PETITION_ROUTES_ZH = (
    "收到书面答复之日起 30 日内，请求原办理机关的上一级机关复查",
    "收到复查意见之日起 30 日内，请求复查机关的上一级机关复核",
    "依法可以诉讼、仲裁、行政复议的，按法定途径提出",
)
PETITION_ROUTES_EN = (
    "Within 30 days of the written reply, ask the authority above the handling one to re-examine it",
    "Within 30 days of the re-examination, ask the next authority above for a final review",
    "Where the law provides litigation, arbitration or reconsideration, use that route",
)
RECONSIDERATION_ROUTES_ZH = ("依法申请行政复议", "依法向人民法院提起行政诉讼")
RECONSIDERATION_ROUTES_EN = (
    "Apply for administrative reconsideration",
    "Bring an administrative suit in a people's court",
)
HOTLINE_ROUTES_ZH = ("对办理结果不满意的，可以要求重新办理", *RECONSIDERATION_ROUTES_ZH)
HOTLINE_ROUTES_EN = (
    "If the result does not satisfy you, ask for the order to be handled again",
    *RECONSIDERATION_ROUTES_EN,
)


def _resolve(
    amount: int,
    unit: Unit,
    starts_on: StartsOn,
    complexity: str = "",
    *,
    extension: int = 0,
    after_hours_next_day: bool = False,
    roll_forward: bool = True,
    resets: bool = False,
) -> ProfileRule:
    """A limit for handling, extended at most once."""
    return ProfileRule(
        "resolve",
        amount,
        unit,
        starts_on,
        complexity,
        roll_forward=roll_forward,
        after_hours_next_day=after_hours_next_day,
        extension_amount=extension,
        max_extensions=1 if extension else 0,
        ladder=HOUR_LADDER if unit is Unit.HOURS else DAY_LADDER,
        resets=resets,
    )


def with_tasks(profile: Profile) -> Profile:
    """The profile with a limit for the task of each department: two thirds of the limit for handling.

    No law prescribes it. What is left is for the check and for a second department, should the first be wrong.
    """
    tasks = tuple(
        replace(
            rule,
            milestone="task",
            amount=max(1, rule.amount * 2 // 3),
            starts_on=StartsOn.ASSIGNED,
            extension_amount=0,
            max_extensions=0,
            ladder=TASK_HOUR_LADDER if rule.unit is Unit.HOURS else TASK_LADDER,
        )
        for rule in profile.rules
        if rule.milestone == "resolve"
    )
    return replace(profile, rules=(*profile.rules, *tasks))


def _window(amount: int, unit: Unit = Unit.CALENDAR_DAYS, starts_on: StartsOn = StartsOn.FIRST_RESULT) -> ProfileRule:
    """How long the complainant may ask for a review."""
    return ProfileRule("review_request", amount, unit, starts_on, ladder=WINDOW_LADDER)


def _at_once(milestone: str, amount: int = 1, unit: Unit = Unit.WORKING_HOURS) -> ProfileRule:
    """The rule says "at once"; a clock needs a length, so the time to write it down is allowed."""
    return ProfileRule(milestone, amount, unit, StartsOn.RECEIVED, ladder=HOUR_LADDER)


DAYS, WORKING_DAYS, HOURS = Unit.CALENDAR_DAYS, Unit.WORKING_DAYS, Unit.HOURS
RECEIVED, ACCEPTED, ASSIGNED = StartsOn.RECEIVED, StartsOn.ACCEPTED, StartsOn.ASSIGNED
RESOLVED, REPLIED, REVIEW_REQUESTED = StartsOn.RESOLVED, StartsOn.REPLIED, StartsOn.REVIEW_REQUESTED

_SHIPPED: tuple[Profile, ...] = (
    Profile(
        code="house_default",
        name_zh="本单位默认时限",
        name_en="House default",
        valid_from=date(2000, 1, 1),
        rules=(
            _at_once("acknowledge"),
            ProfileRule("decide_acceptance", 2, WORKING_DAYS, RECEIVED),
            ProfileRule("assign", 1, WORKING_DAYS, ACCEPTED),
            ProfileRule("first_contact", 1, WORKING_DAYS, ASSIGNED),
            ProfileRule("progress", 5, WORKING_DAYS, ACCEPTED),
            _resolve(15, WORKING_DAYS, ACCEPTED, "simple", extension=5, resets=True),
            _resolve(30, WORKING_DAYS, ACCEPTED, "complex", extension=15, resets=True),
            ProfileRule("reply", 2, WORKING_DAYS, RESOLVED),
            ProfileRule("call_back", 5, WORKING_DAYS, REPLIED),
            _window(15, WORKING_DAYS, REPLIED),
            ProfileRule("review_screening", 2, WORKING_DAYS, REVIEW_REQUESTED),
            ProfileRule("review_decision", 15, WORKING_DAYS, REVIEW_REQUESTED),
        ),
        legal_basis="GB/T 19012-2019（ISO 10002:2018）",
        remedies_zh=("收到答复之日起 15 个工作日内申请复查", *CONSUMER_ROUTES_ZH),
        remedies_en=("Apply for a review within 15 working days of the reply", *CONSUMER_ROUTES_EN),
    ),
    Profile(
        code="cn_bank_insurance_2020",
        name_zh="银行业保险业消费投诉",
        name_en="Banking and insurance complaints",
        valid_from=date(2020, 3, 1),
        rules=(
            # The regulator forwards what reaches it first.
            ProfileRule("decide_acceptance", 7, WORKING_DAYS, RECEIVED),
            # New facts and reasons restart the clock (art. 18).
            _resolve(15, DAYS, RECEIVED, "simple", resets=True),
            _resolve(30, DAYS, RECEIVED, "complex", extension=30, resets=True),
            _window(30),
            ProfileRule("review_decision", 30, DAYS, REVIEW_REQUESTED),
        ),
        pause_reasons=(APPRAISAL, MEDIATION),
        legal_basis="《银行业保险业消费投诉处理管理办法》（银保监会令 2020 年第 3 号）第十八、二十、三十三、四十三条",
        remedies_zh=("收到处理决定之日起 30 日内，书面申请上级机构核查", "申请调解", "申请仲裁", "提起诉讼"),
        remedies_en=(
            "Within 30 days of the decision, ask the superior body in writing for a review",
            "Apply for mediation",
            "Apply for arbitration",
            "Go to court",
        ),
    ),
    Profile(
        code="cn_petition_2022",
        name_zh="信访事项",
        name_en="Petitions",
        valid_from=date(2022, 5, 1),
        government=True,
        rules=(
            ProfileRule("acknowledge", 15, DAYS, RECEIVED),
            ProfileRule("decide_acceptance", 15, DAYS, RECEIVED),
            ProfileRule("assign", 15, DAYS, RECEIVED),
            _resolve(60, DAYS, ACCEPTED, extension=30),
            _window(30),
            ProfileRule("review_decision", 30, DAYS, REVIEW_REQUESTED),
        ),
        # Within these days an authority objects that the matter was assigned to it wrongly.
        return_days=5,
        legal_basis="《信访工作条例》第二十二、二十三、三十四至三十六条",
        remedies_zh=PETITION_ROUTES_ZH,
        remedies_en=PETITION_ROUTES_EN,
    ),
    Profile(
        code="cn_samr_2026",
        family="cn_samr",
        name_zh="市场监管投诉（第 121 号令）",
        name_en="Market supervision complaints (Order 121)",
        valid_from=date(2026, 4, 15),
        government=True,
        rules=(
            ProfileRule("decide_acceptance", 7, WORKING_DAYS, RECEIVED),
            _resolve(60, DAYS, ACCEPTED),
            ProfileRule("reply", 7, WORKING_DAYS, RESOLVED),
        ),
        pause_reasons=(INFORMATION, APPRAISAL),
        legal_basis="《市场监督管理投诉举报处理办法》（市场监管总局令第 121 号）",
        remedies_zh=CONSUMER_ROUTES_ZH,
        remedies_en=CONSUMER_ROUTES_EN,
    ),
    Profile(
        code="cn_samr_2020",
        family="cn_samr",
        name_zh="市场监管投诉（第 20 号令，已废止）",
        name_en="Market supervision complaints (Order 20, repealed)",
        valid_from=date(2020, 1, 1),
        valid_until=date(2024, 6, 30),
        government=True,
        rules=(
            ProfileRule("decide_acceptance", 7, WORKING_DAYS, RECEIVED),
            _resolve(45, WORKING_DAYS, ACCEPTED),
            ProfileRule("reply", 7, WORKING_DAYS, RESOLVED),
        ),
        pause_reasons=(APPRAISAL,),
        legal_basis="《市场监督管理投诉举报处理暂行办法》（市场监管总局令第 20 号）",
        remedies_zh=CONSUMER_ROUTES_ZH,
        remedies_en=CONSUMER_ROUTES_EN,
    ),
    Profile(
        code="cn_samr_2020",
        version=2,
        family="cn_samr",
        name_zh="市场监管投诉（第 20 号令，调解 60 日）",
        name_en="Market supervision complaints (Order 20, 60 days of conciliation)",
        valid_from=date(2024, 7, 1),
        valid_until=date(2026, 4, 14),
        government=True,
        rules=(
            ProfileRule("decide_acceptance", 7, WORKING_DAYS, RECEIVED),
            # The higher-ranking regulation replaced the 45 working days of the order.
            _resolve(60, DAYS, ACCEPTED),
            ProfileRule("reply", 7, WORKING_DAYS, RESOLVED),
        ),
        pause_reasons=(APPRAISAL,),
        legal_basis="《消费者权益保护法实施条例》第四十六条；市场监管总局令第 20 号",
        remedies_zh=CONSUMER_ROUTES_ZH,
        remedies_en=CONSUMER_ROUTES_EN,
    ),
    Profile(
        code="cn_consumer_authority",
        name_zh="消费者权益保护（行政机关）",
        name_en="Consumer protection authorities",
        valid_from=date(2024, 7, 1),
        government=True,
        rules=(
            ProfileRule("decide_acceptance", 7, WORKING_DAYS, RECEIVED),
            _resolve(60, DAYS, ACCEPTED),
        ),
        pause_reasons=(APPRAISAL,),
        legal_basis="《消费者权益保护法》第四十六条；《消费者权益保护法实施条例》第四十六条",
        remedies_zh=CONSUMER_ROUTES_ZH,
        remedies_en=CONSUMER_ROUTES_EN,
    ),
    Profile(
        code="cn_12345_national",
        name_zh="12345 工单（国家要求，时限自定）",
        name_en="12345 hotline, national practice",
        valid_from=date(2021, 1, 1),
        government=True,
        # The national documents ask for limits by kind of matter, call-backs and a reply to everybody, and name no
        # figure: these are the office's to set, here at the usual ones.
        rules=(
            _at_once("acknowledge"),
            _at_once("assign"),
            ProfileRule("first_contact", 1, WORKING_DAYS, ASSIGNED),
            ProfileRule("progress", 5, WORKING_DAYS, RECEIVED),
            _resolve(24, HOURS, RECEIVED, "emergency"),
            _resolve(5, WORKING_DAYS, RECEIVED, "simple", extension=5),
            _resolve(15, WORKING_DAYS, RECEIVED, "complex", extension=15),
            ProfileRule("call_back", 5, WORKING_DAYS, REPLIED),
        ),
        legal_basis="国办发〔2020〕53号；国办函〔2025〕66号（未规定统一时限，由本单位设定）",
        remedies_zh=HOTLINE_ROUTES_ZH,
        remedies_en=HOTLINE_ROUTES_EN,
    ),
    Profile(
        code="cn_12345_5wd",
        name_zh="12345 工单（5 个工作日）",
        name_en="12345 hotline, 5 working days",
        valid_from=date(2018, 1, 1),
        government=True,
        rules=(
            _at_once("acknowledge"),
            _at_once("assign"),
            # Local rules allow an extension with a reason told and name no length.
            _resolve(5, WORKING_DAYS, RECEIVED, extension=5),
        ),
        legal_basis="地方 12345 政务服务热线条例（潍坊 2021、济南 2018）",
        remedies_zh=HOTLINE_ROUTES_ZH,
        remedies_en=HOTLINE_ROUTES_EN,
    ),
    Profile(
        code="cn_12345_tiered",
        name_zh="12345 工单（分级时限）",
        name_en="12345 hotline, graded limits",
        valid_from=date(2018, 1, 1),
        government=True,
        rules=(
            _at_once("acknowledge", 2, HOURS),
            _at_once("assign", 1, HOURS),
            _resolve(2, HOURS, RECEIVED, "emergency"),
            _resolve(24, HOURS, RECEIVED, "utility"),
            # Local rules allow an extension with a reason told and name no length.
            _resolve(7, DAYS, RECEIVED, "simple", extension=7),
            _resolve(15, DAYS, RECEIVED, "complex", extension=15),
        ),
        legal_basis="地方 12345 工单分级办理标准（北京 2021 征求意见稿）",
        remedies_zh=HOTLINE_ROUTES_ZH,
        remedies_en=HOTLINE_ROUTES_EN,
    ),
    Profile(
        code="cn_gov_window",
        name_zh="政务服务窗口（好差评）",
        name_en="Government service windows",
        valid_from=date(2020, 1, 1),
        government=True,
        rules=(
            _at_once("acknowledge"),
            # Local rules give five working days to rectify a poor rating, fifteen where it is complex.
            _resolve(5, WORKING_DAYS, RECEIVED, "simple"),
            _resolve(15, WORKING_DAYS, RECEIVED, "complex"),
            # Everybody who gave a poor rating under their name is called; the rule names no day.
            ProfileRule("call_back", 5, WORKING_DAYS, REPLIED),
        ),
        legal_basis="国办发〔2019〕51号；地方政务服务“好差评”办法；GB/T 36113-2018",
        remedies_zh=("对处理结果不满意的，可以申请复核", *RECONSIDERATION_ROUTES_ZH),
        remedies_en=(
            "If the result does not satisfy you, ask for it to be looked at again",
            *RECONSIDERATION_ROUTES_EN,
        ),
    ),
    Profile(
        code="cn_express",
        name_zh="快递服务投诉",
        name_en="Express delivery complaints",
        valid_from=date(2018, 5, 1),
        rules=(_resolve(7, DAYS, RECEIVED),),
        legal_basis="《快递暂行条例》第二十八条",
        remedies_zh=("向邮政管理部门申诉", *CONSUMER_ROUTES_ZH),
        remedies_en=("Appeal to the postal administration", *CONSUMER_ROUTES_EN),
    ),
    Profile(
        code="cn_healthcare",
        name_zh="医疗机构投诉",
        name_en="Hospital complaints",
        valid_from=date(2019, 4, 10),
        rules=(
            _at_once("acknowledge"),
            _resolve(5, WORKING_DAYS, RECEIVED, "simple"),
            # Several departments of the hospital are involved.
            _resolve(10, WORKING_DAYS, RECEIVED, "complex"),
        ),
        legal_basis="《医疗机构投诉管理办法》（国家卫生健康委员会令第 3 号）",
        remedies_zh=(
            "与医疗机构协商",
            "向医疗纠纷人民调解委员会申请调解",
            "向卫生健康主管部门申请行政调解",
            "向人民法院提起诉讼",
        ),
        remedies_en=(
            "Negotiate with the hospital",
            "Apply to the people's mediation committee for medical disputes",
            "Apply to the health authority for mediation",
            "Sue in a people's court",
        ),
    ),
    Profile(
        code="cn_gov_info",
        name_zh="政府信息公开申请",
        name_en="Government information requests",
        valid_from=date(2019, 5, 15),
        government=True,
        rules=(
            _at_once("acknowledge"),
            # Within this time the applicant is told what to complete; the answer clock then runs
            # from the completed request.
            ProfileRule("decide_acceptance", 7, WORKING_DAYS, RECEIVED),
            _resolve(20, WORKING_DAYS, ACCEPTED, extension=20),
        ),
        # The third party has 15 working days to answer. Over a long holiday they reach to the 29th day (as from
        # 8 September 2023); the pause ends after it.
        pause_reasons=(INFORMATION, THIRD_PARTY),
        pause_days=30,
        legal_basis="《政府信息公开条例》第三十、三十三条",
        remedies_zh=RECONSIDERATION_ROUTES_ZH,
        remedies_en=RECONSIDERATION_ROUTES_EN,
    ),
    Profile(
        code="uk_fca_disp",
        name_zh="英国 FCA 金融投诉规则",
        name_en="UK FCA dispute resolution rules (DISP)",
        valid_from=date(2016, 6, 30),
        slots=BUSINESS_HOURS,
        rules=(
            # "Promptly" has no figure in the rule.
            ProfileRule("acknowledge", 5, WORKING_DAYS, RECEIVED, after_hours_next_day=True),
            _resolve(3, WORKING_DAYS, RECEIVED, "simple", after_hours_next_day=True),
            # Eight weeks, whatever day they end on.
            _resolve(56, DAYS, RECEIVED, "complex", after_hours_next_day=True, roll_forward=False),
            _window(184),
        ),
        legal_basis="FCA Handbook DISP 1.4–1.6",
        remedies_zh=("收到最终答复 6 个月内，向金融申诉专员服务机构申请处理",),
        remedies_en=(
            "Within six months of the final response, refer the complaint to the Financial Ombudsman Service",
        ),
    ),
    Profile(
        code="uk_nhs_2009",
        name_zh="英国 NHS 投诉规则",
        name_en="UK NHS complaints regulations 2009",
        valid_from=date(2009, 4, 1),
        government=True,
        slots=BUSINESS_HOURS,
        rules=(
            ProfileRule("acknowledge", 3, WORKING_DAYS, RECEIVED),
            _resolve(181, DAYS, RECEIVED, roll_forward=False),
            _window(366),
        ),
        legal_basis="Local Authority Social Services and NHS Complaints (England) Regulations 2009",
        remedies_zh=("12 个月内向议会和卫生服务监察专员（PHSO）申诉",),
        remedies_en=("Within 12 months, go to the Parliamentary and Health Service Ombudsman (PHSO)",),
    ),
    Profile(
        code="uk_spso",
        name_zh="苏格兰公共服务投诉两级办理",
        name_en="Scottish public services, two-stage model (SPSO)",
        valid_from=date(2021, 4, 1),
        government=True,
        slots=BUSINESS_HOURS,
        rules=(
            ProfileRule("acknowledge", 3, WORKING_DAYS, RECEIVED, "complex"),
            _resolve(5, WORKING_DAYS, RECEIVED, "simple", extension=5),
            # Stage two: the length of an extension is agreed case by case.
            _resolve(20, WORKING_DAYS, RECEIVED, "complex", extension=20),
            ProfileRule("review_decision", 20, WORKING_DAYS, REVIEW_REQUESTED),
        ),
        legal_basis="SPSO Model Complaints Handling Procedure",
        remedies_zh=(
            "对第一级结果不满意的，要求进入第二级调查",
            "对第二级结果不满意的，向苏格兰公共服务监察专员（SPSO）申诉",
        ),
        remedies_en=(
            "If stage one does not satisfy you, ask for a stage two investigation",
            "If stage two does not satisfy you, go to the Scottish Public Services Ombudsman (SPSO)",
        ),
    ),
    Profile(
        code="us_cfpb",
        name_zh="美国 CFPB 消费金融投诉",
        name_en="US CFPB consumer complaints",
        valid_from=date(2011, 7, 21),
        slots=BUSINESS_HOURS,
        rules=(
            _resolve(15, DAYS, RECEIVED, "simple", extension=45, roll_forward=False),
            # Answered as "in progress" first.
            _resolve(60, DAYS, RECEIVED, "complex", roll_forward=False),
            _window(60),
        ),
        legal_basis="12 U.S.C. § 5534",
        remedies_zh=("收到答复 60 日内向 CFPB 反馈意见", "向法院起诉"),
        remedies_en=("Give feedback to the CFPB within 60 days of the response", "Go to court"),
    ),
)

PROFILES: tuple[Profile, ...] = tuple(with_tasks(profile) for profile in _SHIPPED)
