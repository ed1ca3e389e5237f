"""What a board should also see and this page does not show yet, said in so many words."""

from monitoring.page import Part, Section

NOT_YET = (
    "This is a first page. It does not yet show: decisions sought and a colour per area; "
    "records refused by rule, gaps in feeds and ledger delay; "
    "incidents, degraded time, appeals, corrections, verification of the audit "
    "log, and the review dates of impact assessments. None of these may be taken as in order "
    "because it is absent here."
)


def section() -> Section:
    return Section("to-come", "What this page does not yet show", (Part(None, (NOT_YET,)),))
