"""Gates: named checks of a version before it may serve. Each says passed, failed or not assessable.

A gate fails on what is shown: an interval that lies wholly on the wrong side of a stated limit, a
check that did not hold. It passes when the interval lies wholly on the right side. In between the
data cannot tell: that does not block, but is shown to both approvers and recorded with their
approvals. A failed gate blocks unless it is acknowledged by name, with a reason.
"""

from training.gates.asking import GATES, acknowledged, ask_gates, blocking, in_words

__all__ = ["GATES", "acknowledged", "ask_gates", "blocking", "in_words"]
