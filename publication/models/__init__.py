"""The tables of publication, split by noun."""

from publication.models.channels import Channel, ChannelMapping, Posting, PostingCount
from publication.models.echo import (
    Breach,
    Comment,
    Gate,
    GoneAddress,
    PublishedBulletin,
    PublishedCorrection,
    PublishedReport,
    ResultDay,
    RevisedDocument,
    VagueWord,
    Volunteer,
    VolunteerReport,
)
from publication.models.files import PublicationFile, PublishedFile
from publication.models.masking import MaskingRevision
from publication.models.results import (
    FigureEvidence,
    Publication,
    PublicationDecision,
    PublishedResult,
    PublishedSearch,
    RedactionSpan,
    SignOff,
    Statement,
    new_public_id,
)

__all__ = [
    "Breach",
    "Channel",
    "ChannelMapping",
    "Comment",
    "FigureEvidence",
    "Gate",
    "GoneAddress",
    "MaskingRevision",
    "Posting",
    "PostingCount",
    "Publication",
    "PublicationDecision",
    "PublicationFile",
    "PublishedBulletin",
    "PublishedCorrection",
    "PublishedFile",
    "PublishedReport",
    "PublishedResult",
    "PublishedSearch",
    "RedactionSpan",
    "ResultDay",
    "RevisedDocument",
    "SignOff",
    "Statement",
    "VagueWord",
    "Volunteer",
    "VolunteerReport",
    "new_public_id",
]
