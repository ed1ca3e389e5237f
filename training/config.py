"""Training configuration: TOML, every key with a default, every unknown key refused."""

import difflib
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from features.errors import InputError
from models import alarms
from models.bands import HIGH_SHARE, MEDIUM_SHARE

SHIPPED = Path(__file__).with_name("configs")

Share = Annotated[float, Meta(gt=0, lt=1)]
Days = Annotated[int, Meta(ge=0, le=3650)]
Count = Annotated[int, Meta(ge=1, le=100_000)]
Reason = Annotated[str, Meta(pattern=r"\S.*\S", max_length=1000)]


class ConfigError(InputError):
    """A configuration cannot be used."""


class Labels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    maturity_days: Days = 30
    """An examination that is younger may still see its outcome corrected: it is no label yet."""


class Split(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By time: fit, then calibrate, then test. Days go before shares."""

    calibrate_share: Share = 0.2
    test_share: Share = 0.2
    """Shares of the labelled movements; the first of them by time are for fitting."""
    calibrate_from: date | None = None
    test_from: date | None = None
    """First days of the slices, both or none."""
    gap_days: Days = 7
    """The last days before a boundary are in no slice."""


class Trees(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of LightGBM. The number of rounds is fixed: stopping early would look at later slices.

    The defaults are for some hundreds to some thousands of labels: on six simulated borders that
    nothing else is measured on, they ranked best at capacity among sixteen that were tried.
    """

    rounds: Count = 200
    learning_rate: Share = 0.03
    leaves: Annotated[int, Meta(ge=2, le=1024)] = 8
    least_rows_per_leaf: Count = 20
    l2: Annotated[float, Meta(ge=0, le=1e6)] = 5.0
    feature_share: Annotated[float, Meta(gt=0, le=1)] = 0.1
    """Of the features, as many are looked at by each tree: few, because most are near-copies."""
    row_share: Annotated[float, Meta(gt=0, le=1)] = 0.8
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 1


class FeatureOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    two_steps: bool = False
    """Finds on organisations two steps away along links, beside those one step away."""


class Bands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of all movements of the calibration window, examined or not."""

    high_share: Share = HIGH_SHARE
    medium_share: Share = MEDIUM_SHARE
    """High and medium together."""


class EvaluationOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    per_day: tuple[Count, ...] = (10,)
    """Capacities to evaluate at beside the shares, in examinations a day."""
    ablation: bool = False
    """Fit the trees again without each family of features: six more fits."""


class TrainingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str | None = None
    """Refuses to be used for another kind."""
    description: str = ""
    labels: Labels = Labels()
    split: Split = Split()
    features: FeatureOptions = FeatureOptions()
    trees: Trees = Trees()
    bands: Bands = Bands()
    acknowledge: dict[str, Reason] = {}
    """Alarm to why its failure need not block promotion."""
    evaluation: EvaluationOptions = EvaluationOptions()


def read_config(config: str | Path | None, kind: str) -> TrainingConfig:
    """Defaults for None, else a TOML file or the name of a shipped configuration.

    Raises:
        ConfigError: no such file, not TOML, an unknown key, a value out of range, another kind.
    """
    if config is None:
        return TrainingConfig()
    path = _find(Path(config))
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is not TOML: {exc}; correct it") from exc
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    _refuse_unknown_keys(document, TrainingConfig, path, "")
    try:
        found = msgspec.convert(document, TrainingConfig)
    except msgspec.ValidationError as exc:
        raise ConfigError(f"{path}: {exc}; correct it") from exc
    _check(found, path, kind)
    return found


def _find(config: Path) -> Path:
    if config.exists():
        return config
    shipped = SHIPPED / f"{config}.toml"
    if shipped.parent == SHIPPED and shipped.exists():
        return shipped
    names = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.toml")))
    raise ConfigError(
        f"--config {config}: no such file, and no configuration of that name ships "
        f"(there is: {names}); give a path or a name"
    )


def _refuse_unknown_keys(
    document: dict[str, Any], struct: type[msgspec.Struct], path: Path, prefix: str
) -> None:
    known = {field.name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in document.items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {prefix}{nearest[0]}?" if nearest else f"known: {list(known)}"
            raise ConfigError(f"{path}: unknown key {prefix}{key}; {hint}")
        inner = known[key]
        if (
            isinstance(inner, type)
            and issubclass(inner, msgspec.Struct)
            and isinstance(value, dict)
        ):
            _refuse_unknown_keys(value, inner, path, f"{prefix}{key}.")


def _check(config: TrainingConfig, path: Path, kind: str) -> None:
    if config.kind not in {None, kind}:
        raise ConfigError(f"{path} is for kind {config.kind}, not {kind}; choose another --config")
    for name in config.acknowledge:
        if name not in alarms.NAMES:
            nearest = difflib.get_close_matches(name, alarms.NAMES, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {list(alarms.NAMES)}"
            raise ConfigError(f"{path}: acknowledge.{name} is no alarm; {hint}")
    split = config.split
    if (split.calibrate_from is None) != (split.test_from is None):
        raise ConfigError(f"{path}: split needs both calibrate_from and test_from, or none")
    if split.calibrate_from and split.test_from and split.calibrate_from >= split.test_from:
        raise ConfigError(
            f"{path}: split.calibrate_from {split.calibrate_from} is not before test_from "
            f"{split.test_from}; correct one"
        )
    if split.calibrate_share + split.test_share >= 1:
        raise ConfigError(
            f"{path}: calibrate_share {split.calibrate_share:g} and test_share "
            f"{split.test_share:g} leave nothing to fit on; their sum must be below 1"
        )
    if config.bands.high_share > config.bands.medium_share:
        raise ConfigError(
            f"{path}: bands.high_share {config.bands.high_share:g} exceeds medium_share "
            f"{config.bands.medium_share:g}, which includes it; correct one"
        )
