"""The fields of an ATRS record, in its order; who fills each is said in ``atrs``.

References:
    Algorithmic Transparency Recording Standard (GOV.UK): metadata, tier 1 and tier 2. Check the
    list against GOV.UK before publishing; it changes.
"""

from collections.abc import Mapping

METADATA = (
    "organisation", "organisation type", "function", "capability", "task", "phase", "region",
    "date published", "ATRS version", "other tags",
)  # fmt: skip
TIER_1 = ("name", "description", "website", "contact")
OWNER = (
    "organisation", "team", "senior responsible owner", "third party", "company number",
    "third party role", "procurement", "third party data access terms",
)  # fmt: skip
DESCRIPTION = (
    "detailed description", "scope", "benefits", "previous process", "alternatives considered",
)  # fmt: skip
DECISION_PROCESS = (
    "process integration", "provided information", "human decisions and review",
    "frequency and scale of usage", "required training", "appeals and review",
)  # fmt: skip
TOOL = ("system architecture", "system input", "system output", "phase", "maintenance", "models")
MODEL = (
    "name", "version", "task", "input", "output", "architecture", "performance", "datasets",
    "dataset purposes",
)  # fmt: skip
DEVELOPMENT_DATA = (
    "description", "modality", "quantities", "sensitive attributes",
    "completeness and representativeness", "cleaning", "collection", "access and storage",
    "sharing agreements", "source",
)  # fmt: skip
OPERATIONAL_DATA = (
    "sources", "sensitive attributes", "processing", "access and storage", "sharing agreements",
)  # fmt: skip
IMPACT = ("impact assessments", "risks and mitigations")

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Metadata": METADATA,
    "Tier 1": TIER_1,
    "2.1 Owner": OWNER,
    "2.2 Description": DESCRIPTION,
    "2.3 Decision process": DECISION_PROCESS,
    "2.4 Tool": TOOL,
    "2.4 Operational data": OPERATIONAL_DATA,
    "2.5 Impact assessments and risks": IMPACT,
}
"""Section to its fields, but for those of each model and its development data."""
PHASES = ("pre-deployment", "beta-pilot", "production", "retired")
