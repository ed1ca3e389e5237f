"""Who approves: a name (attributed), or one whose key is configured and who signs (authenticated).

A signature covers the whole event but itself, and when it happened: of a model's version the sha256
of the bundle, what every gate said, what was acknowledged and why; of a rule its sha256 and what it
would have matched. So it can be used for nothing else, nor a second time after a promotion, and
whoever has the public key can verify it years later.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from features.clock import Micros
from features.errors import ForelandError, InputError
from features.key_files import KeyUnusable, from_hex, is_there, make_file, new_secret
from features.ledger.events import ApprovalGiven, ChallengerNamed, ModelRolledBack, encode_payload
from features.ledger.intelligence_events import RuleApproved, SelectorApproved
from features.people import same_name
from features.signing import SignatureWrong, SigningKey, VerifyingKey, read_signing_key

Intelligence = RuleApproved | SelectorApproved
Signed = ApprovalGiven | ModelRolledBack | ChallengerNamed | Intelligence
S = TypeVar("S", ApprovalGiven, ModelRolledBack, ChallengerNamed, RuleApproved, SelectorApproved)

PROMOTION, INTELLIGENCE = b"foreland promotion 1\n", b"foreland intelligence 1\n"
"""No key signs the same bytes for another purpose."""


class ApproverRefused(ForelandError):
    """This person may not approve, or did not show to be that person."""


class Approver(NamedTuple):
    name: str
    key: SigningKey | None = None
    """None for an approver who is only attributed."""


def approver_of(name: str, key_file: Path | None, approver_keys: Mapping[str, str]) -> Approver:
    """Who says to be ``name``, shown by the key in ``key_file`` where keys are configured.

    Args:
        approver_keys: of the settings, name to public key.

    Raises:
        InputError: no name was given, or a key where none can be checked.
        ApproverRefused: keys are configured, and this name has none, or another one.
        KeyUnusable: the key file lies open to others, or holds no key.
    """
    said = " ".join(name.split())
    if not said:
        raise InputError("--approver must be a name")
    if not approver_keys:
        if key_file is not None:
            raise InputError(
                "--key was given, but no approver_keys are configured, so nothing can be verified; "
                "add the public key to foreland.toml, or leave --key out"
            )
        return Approver(said)
    configured = configured_keys(approver_keys).get(same_name(said))
    if configured is None:
        names = ", ".join(sorted(approver_keys))
        raise ApproverRefused(f"{said} has no key in approver_keys (there are: {names}); add one")
    if key_file is None:
        raise ApproverRefused(f"approver_keys are configured, so {said} must sign: --key FILE")
    key = read_signing_key(key_file)
    if key.verifying != configured:
        raise ApproverRefused(
            f"{key_file} holds key {key.key_id}, but approver_keys has {configured.key_id} for "
            f"{said}; use that one"
        )
    return Approver(said, key)


def configured_keys(approver_keys: Mapping[str, str]) -> dict[str, VerifyingKey]:
    """By ``same_name``.

    Raises:
        KeyUnusable: an entry is no public key.
    """
    return {
        same_name(name): VerifyingKey(from_hex(text, f"approver_keys of {name}"))
        for name, text in approver_keys.items()
    }


def statement(payload: Signed, occurred_at: Micros) -> bytes:
    """What is signed: everything that the event says, but for the signature."""
    unsigned = replace(payload, signature=None)
    purpose = INTELLIGENCE if isinstance(payload, Intelligence) else PROMOTION
    return purpose + b"%d\n" % occurred_at + encode_payload(unsigned)


def signed_by(approver: Approver, payload: S, occurred_at: Micros) -> S:
    """The payload with public key and signature; as it is for an approver without a key."""
    if approver.key is None:
        return payload
    keyed = replace(payload, public_key=approver.key.verifying.public.hex())
    signature = approver.key.sign(statement(keyed, occurred_at))
    return replace(keyed, signature=signature.hex())


def check_signature(payload: Signed, occurred_at: Micros) -> bool:
    """Whether it is signed at all.

    Raises:
        SignatureWrong: signed, and changed since, or by another key than it names.
    """
    if payload.signature is None or payload.public_key is None:
        return False
    try:
        key = VerifyingKey(from_hex(payload.public_key, "the event's public_key"))
        signature = bytes.fromhex(payload.signature)
    except (KeyUnusable, ValueError) as exc:
        raise SignatureWrong("the signature is no hexadecimal text; do not rely on it") from exc
    key.verify(signature, statement(payload, occurred_at))
    return True


def is_authenticated(
    payload: Signed, occurred_at: Micros, approver_keys: Mapping[str, str]
) -> bool:
    """Signed by the key that the settings name for this approver, and not changed since."""
    configured = configured_keys(approver_keys).get(same_name(payload.approver))
    if configured is None or payload.public_key != configured.public.hex():
        return False
    try:
        return check_signature(payload, occurred_at)
    except SignatureWrong:
        return False


def shown_as(payload: Signed, occurred_at: Micros, approver_keys: Mapping[str, str]) -> str:
    """How sure it is that the approver said so, in words; begins with ``WRONG`` when the signature
    does not hold."""
    try:
        signed = check_signature(payload, occurred_at)
    except SignatureWrong as exc:
        return f"WRONG SIGNATURE: {exc}"
    if not signed:
        return "attributed"
    if is_authenticated(payload, occurred_at, approver_keys):
        return "authenticated"
    return "signed, with a key that approver_keys does not name for this approver now"


def make_approver_key(path: Path) -> VerifyingKey:
    """A new key in ``path``, readable by its owner only; its public half.

    Raises:
        InputError: something is there already.
        KeyUnusable: others can write to the directory, or it cannot be written.
    """
    if is_there(path):
        raise InputError(f"{path} is there already; a key is never replaced, choose another name")
    make_file(path, [new_secret()])
    return read_signing_key(path).verifying
