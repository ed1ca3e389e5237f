"""What a challenger said, computed again: of the recorded row, or of its own catalogue's."""

from collections.abc import Callable

import msgspec
import numpy as np

from features.errors import InputError
from features.rows import Floats
from models.bundle import Bundle
from serving.audit import RecordedAssessment
from serving.comparing import Difference
from serving.shadow import ChallengerSaid, Shadow, Shadowed


def challenger_again(
    recorded: RecordedAssessment,
    find: Callable[[RecordedAssessment], Bundle],
    row_of: Callable[[Bundle], Floats | None],
) -> str | Difference | None:
    """What came of it, in words; a difference when it says something else; None without one.

    Args:
        find: the bundle of an assessment's version and sha256.
        row_of: its feature row; None when retention has since erased what it would count.

    Raises:
        BundleError: its bundle is damaged.
    """
    if recorded.challenger is None:
        return None
    said = msgspec.json.decode(recorded.challenger, type=ChallengerSaid)
    name = f"challenger: {recorded.kind} {said.version}"
    if said.failed is not None:
        return f"{name} said nothing ({said.failed}), so there is nothing to compute again"
    spoke = recorded._replace(model_version=said.version, bundle_sha256=said.bundle_sha256)
    try:
        bundle = find(spoke)
    except InputError:
        return f"{name} is not computed again: its bundle {said.bundle_sha256} is not here"
    if bundle.catalogue.sha256 == recorded.catalogue_sha256:
        row: Floats | None = np.frombuffer(recorded.row or b"", dtype="<f8").astype(np.float64)
    else:
        row = row_of(bundle)
    if row is None:
        return f"{name} is not computed again: retention erased something since"
    again = Shadow().said(Shadowed(bundle, row))
    if again != recorded.challenger:
        return Difference("challenger", recorded.challenger, again)
    return f"{name} says the same, to the bit"
