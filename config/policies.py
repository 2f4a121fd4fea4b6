"""The declared access policy of every URL (AZ-14): a URL that is not listed here fails the tests.

The views enforce the rule; this table is what a reviewer reads and `manage.py show_policies` prints. The
tests knock at every URL that is not public as a visitor who has not signed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

PUBLIC = "public"
CODE = "complainant: number and access code"
DRAFT = "complainant: the own draft"
SIGNED_IN = "signed in"
OWN = "signed in: own account only"
CASE = "signed in: cases the person sees; the action checks its permission"
REVIEW = "signed in: reviews the person sees; the action checks its permission"
PUBLICATION = "signed in: publications the person sees; the action checks its permission"
REPORT = "signed in: reports the person sees; the action checks its permission"
FILE_OR_SIGNED_IN = "POST public, GET signed in: cases the person sees"

# policy → names of the URLs it protects
_TABLE: dict[str, tuple[str, ...]] = {
    PUBLIC: (
        "healthz",
        "public:home",
        "public:result",
        "public:poster",
        "public:statements",
        "public:statement",
        "public:statement_feed",
        "public:statement_sitemap",
        "public:feed",
        "public:open_data_csv",
        "public:open_data_json",
        "public:sitemap",
        "public:robots",
        "public:help",
        "public:paper_form",
        "public:complain",
        "public:complain_clear",
        "public:lookup",
        "public:track",
        "public:track_leave",
        "open311-discovery",
        "open311-services",
        "open311-service",
        "open311-requests",
        "open311-request",
        "open311-token",
        "api-results",
        "api-result",
        "config:set_language",
        "config:set_theme",
        "config:set_text",
        "account_login",
        "account_logout",
        "account_inactive",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "account_confirm_login_code",
        "account_confirm_email",
        "account_email_verification_sent",
        "mfa_authenticate",
        "desk",
    ),
    DRAFT: (
        "public:complain_details",
        "public:complain_upload",
        "public:complain_remove_file",
        "public:complain_contact",
        "public:complain_keep",
        "public:complain_check",
        "public:complain_done",
    ),
    CODE: (
        "public:track_case",
        "public:track_answer",
        "public:track_supplement",
        "public:track_ask",
        "public:track_withdraw",
        "public:track_rate",
        "public:track_file",
        "public:track_code",
        "public:track_review",
    ),
    SIGNED_IN: ("desk:components", "schema", "api-docs"),
    OWN: (
        "complaints:notifications",
        "complaints:notifications_read",
        "complaints:notification",
        "accounts:profile",
        "accounts:create_token",
        "accounts:revoke_token",
        "account_email",
        "account_change_password",
        "account_set_password",
        "account_reauthenticate",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
    ),
    "complaints.use_desk": ("complaints:queue", "complaints:assign"),
    "complaints.register_complaint": (
        "complaints:register",
        "complaints:register_earlier",
        "complaints:register_matter",
        "complaints:register_prompts",
        "complaints:register_suggestion",
        "complaints:register_receipt",
        "complaints:mails",
        "complaints:mail",
        "complaints:mail_sender",
        "complaints:mail_register",
        "complaints:mail_join",
        "complaints:mail_dismiss",
        "complaints:mail_original",
    ),
    "complaints.import_complaints": (
        "complaints:imports",
        "complaints:import",
        "complaints:import_columns",
        "complaints:import_progress",
        "complaints:import_start",
        "complaints:import_discard",
        "complaints:import_undo",
        "complaints:import_report",
        "api-lookups",
    ),
    "complaints.screen_complaint": (
        "complaints:channels",
        "complaints:channel_count",
        "complaints:channel_hours",
        "complaints:channel_hours_remove",
        "complaints:channel_duty",
        "complaints:channel_duty_remove",
        "api-channel-counts",
    ),
    "complaints.edit_reference or accounts.configure_system": (
        "complaints:risk_standard_edit",
        "complaints:routing",
        "complaints:routing_new",
        "complaints:routing_new_preview",
        "complaints:routing_edit",
        "complaints:routing_preview",
        "complaints:routing_move",
        "complaints:routing_switch",
        "complaints:suggestions",
        "complaints:suggestions_train",
        "complaints:category_add",
        "complaints:category",
        "complaints:category_move",
        "complaints:category_delete",
        "complaints:category_law",
        "complaints:rule_add",
        "complaints:rule",
        "complaints:body_add",
        "complaints:body",
        "complaints:notice_templates",
        "complaints:notice_template_add",
        "complaints:notice_template_preview",
        "complaints:notice_template_file",
        "complaints:notice_template_use",
    ),
    "accounts.configure_system or complaints.adjudicate_return": (
        "complaints:rules",
        "complaints:settings",
        "complaints:policies",
        "complaints:policy",
        "complaints:calendar",
        "complaints:calendar_year",
        "complaints:categories",
        "complaints:bodies",
        "complaints:roles",
    ),
    "complaints.merge_complaints": (
        "complaints:incidents",
        "complaints:incident_groups",
        "complaints:incident_new",
        "complaints:incident",
        "complaints:incident_close",
    ),
    CASE: (
        "complaints:detail",
        "complaints:print",
        "complaints:clocks",
        "complaints:timeline",
        "complaints:candidates",
        "complaints:action",
        "complaints:reveal",
        "complaints:download",
        "complaints:preview",
        "complaints:note",
        "complaints:contact",
        "complaints:attachment",
        "complaints:copy",
        "complaints:step",
        "complaints:allegation",
        "complaints:finding",
        "complaints:responsibility",
        "complaints:remedy",
        "complaints:improvement",
        "complaints:improvement_report",
        "complaints:improvement_verify",
        "complaints:question_add",
        "complaints:question_answer",
        "complaints:outstanding",
        "complaints:accused",
        "complaints:notice",
        "complaints:notice_document",
        "complaints:risk_team",
        "complaints:risk_team_leave",
        "complaints:risk_meeting",
        "complaints:media_plan",
        "complaints:settlement",
        "complaints:lawsuit",
        "complaints:judgment",
        "complaints:hold",
        "complaints:hold_release",
        "complaints:interim_measure",
        "complaints:interim_measure_end",
        "api-complaint",
        "api-complaint-action",
    ),
    "complaints.manage_risk": (
        "analytics:outbreaks",
        "analytics:outbreak",
        "analytics:outlook",
        "complaints:signals",
        "complaints:signal_add",
        "complaints:signal_answer",
        "complaints:signal_link",
        "complaints:drills",
        "complaints:drill_add",
        "complaints:outreach_new",
        "complaints:outreach_edit",
        "complaints:outreach_from_cases",
        "complaints:outreach_table",
        "complaints:outreach_remove",
        "complaints:outreach_approve",
        "complaints:outreach_cancel",
        "api-signals",
    ),
    "complaints.manage_risk or complaints.record_callback": (
        "complaints:outreach",
        "complaints:outreach_detail",
        "complaints:outreach_calls",
        "complaints:outreach_number",
    ),
    "complaints.edit_reference, accounts.configure_system or complaints.manage_risk": (
        "complaints:risk_standard",
        "complaints:risk_standard_revision",
    ),
    FILE_OR_SIGNED_IN: ("api-complaints",),
    "review.review_case or review.view_sample": ("review:list", "api-reviews"),
    REVIEW: ("review:detail", "review:action", "review:declare", "api-review", "api-review-action"),
    "review.view_sample, review.view_sample_figures or review.draw_sample": (
        "review:sampling",
        "review:sampling_period",
        "review:sampling_verify",
        "review:sampling_document",
    ),
    "review.review_case": ("review:alerts", "review:alert", "review:alert_rules", "review:alert_benchmarks"),
    "review.lead_review": ("review:alert_rules_edit", "review:alert_benchmark_end"),
    "review.draw_sample": ("review:sampling_commit", "review:sampling_draw"),
    "publication.view_publications": ("publication:list", "api-publications"),
    "publication.compose": ("publication:decide",),
    "publication.compose or complaints.manage_risk": ("publication:statement_new", "publication:statement_edit"),
    "publication.view_publications, publication.compose, complaints.manage_risk or publication.takedown": (
        "publication:statements",
        "publication:statement",
        "publication:statement_action",
        "publication:statement_preview",
    ),
    PUBLICATION: (
        "publication:detail",
        "publication:save",
        "publication:fix",
        "publication:mask",
        "publication:span",
        "publication:figure",
        "publication:action",
        "publication:preview",
        "publication:preview_poster",
        "api-publication",
        "api-publication-action",
    ),
    "analytics.view_figures": (
        "analytics:figures",
        "analytics:problems",
        "api-figures",
        "analytics:reports",
        "api-reports",
    ),
    REPORT: (
        "analytics:report",
        "analytics:progress",
        "analytics:approve",
        "analytics:release",
        "analytics:rebuild",
        "analytics:revise",
        "analytics:edit_section",
        "analytics:download",
        "api-report",
        "api-report-action",
    ),
}
POLICIES: dict[str, str] = {name: policy for policy, names in _TABLE.items() for name in names}


@dataclass(frozen=True)
class Url:
    """One URL pattern with its qualified name and policy; `policy` is "" when none is declared."""

    name: str
    pattern: str
    policy: str


def walk(urlconf: str = "config.urls") -> Iterator[Url]:
    """Every URL of a URL configuration, in its order."""
    yield from _walk(get_resolver(urlconf), "", "")


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Url]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, pattern, inner)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}{entry.name or ''}"
            yield Url(name, pattern, POLICIES.get(name, ""))


def undeclared(urlconf: str = "config.urls") -> list[Url]:
    """URLs without a policy."""
    return [url for url in walk(urlconf) if not url.policy]
