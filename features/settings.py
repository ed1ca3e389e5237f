"""Where state lives and what can be set: TOML under the home, then ``FORELAND_*`` variables."""

from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from features.errors import InputError


class _HomeOnly(BaseSettings):
    """The one setting that says where the settings file is."""

    model_config = SettingsConfigDict(env_prefix="FORELAND_", extra="ignore")
    home: Path = Path("var")


PublicKeys = Annotated[tuple[Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")], ...], NoDecode]


class Settings(BaseSettings):
    """Frozen, read once at the edge and passed in. Creating one makes no directory."""

    model_config = SettingsConfigDict(env_prefix="FORELAND_", frozen=True, extra="forbid")

    home: Path = Field(default=Path("var"), description="Directory of all run-time state.")
    ledger_url: str | None = Field(default=None, description="Defaults to SQLite under the home.")
    host: str = Field(default="127.0.0.1", description="Interface the service listens on.")
    port: int = Field(default=8377, ge=1, le=65535)
    snapshot_minutes: float = Field(
        default=10.0, ge=0, description="Between snapshots of history while serving; 0: none."
    )
    jwks: str | None = Field(
        default=None, description="Address (https) or file of the keys that sign clients' tokens."
    )
    jwt_issuer: str | None = Field(default=None, description="The iss that a token must have.")
    jwt_audience: str | None = Field(default=None, description="An aud that a token must have.")
    jwt_leeway_seconds: float = Field(
        default=10.0, ge=0, le=300, description="How far the issuer's clock may be from ours."
    )
    jwt_client_claim: str = Field(default="sub", description="Claim with the client's name.")
    jwt_agency_claim: str = Field(default="agency", description="Claim with its agency.")
    jwt_scope_claim: str = Field(default="scope", description="Claim with its scopes.")
    jwks_max_age_seconds: float = Field(
        default=600.0, ge=1, description="After which the issuer's keys are fetched again."
    )
    jwks_stale_hours: float = Field(
        default=24.0, gt=0, description="How long the last keys are good while none can be fetched."
    )
    requests_per_second: float = Field(
        default=2000.0, gt=0, description="Of one client in the long run, by each worker."
    )
    burst_seconds: float = Field(
        default=2.0, gt=0, description="Seconds of that quota that a client may use at once."
    )
    scores_per_second: float = Field(
        default=300.0,
        ge=0,
        description="Single scores that one worker takes on, of all clients; 0: as many as come.",
    )
    most_in_flight: int = Field(
        default=128, ge=1, description="Requests that one worker works on at a time."
    )
    log_requests: Literal["none", "slow", "all"] = Field(
        default="slow", description="Of which requests there is a line; slow: refused ones too."
    )
    slow_request_milliseconds: float = Field(
        default=250.0, ge=0, description="From which on a request is slow."
    )
    exploration_share: float = Field(
        default=0.05, ge=0, le=1, description="Referrals by chance, as a share of those for risk."
    )
    most_matched_by_a_rule: float = Field(
        default=0.05, gt=0, le=1, description="Share of movements that a rule may match."
    )
    reassess_days: float = Field(
        default=7.0,
        ge=0,
        description="For which a movement is assessed again when something becomes known; 0: none.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Interface of the metrics port.")
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of /metrics alone; none: there is no port."
    )
    pins_directory: Path | None = Field(
        default=None, description="Where promoted bundles are; default: pins, in the home."
    )
    approver_keys: dict[str, str] = Field(
        default={}, description="Approver's name to public key, 64 hexadecimal digits each."
    )

    bundle_keys: PublicKeys = Field(
        default=(),
        description="Public keys whose bundles are believed; default: the home's own. In a "
        "variable, separated by spaces.",
    )
    audit_keys: PublicKeys = Field(
        default=(),
        description="Public keys whose heads of the audit log are believed; default: the home's "
        "own. In a variable, separated by spaces.",
    )
    audit_export: Path | None = Field(
        default=None, description="Second place of the heads; default: audit-heads in the home."
    )
    audit_head_records: int = Field(
        default=1_000, ge=1, le=10_000, description="Records after which there is a new head."
    )
    audit_head_minutes: float = Field(
        default=5.0, gt=0, description="Minutes after which there is one for fewer records."
    )

    alert_file: Path | None = Field(
        default=None, description="NDJSON of alerts; default: alerts/alerts.ndjson in the home."
    )
    alert_metrics: Path | None = Field(
        default=None,
        description="Prometheus text file of alerts and signals, for the node exporter's textfile "
        "collector; default: alerts/foreland.prom in the home.",
    )
    alert_webhook: str | None = Field(
        default=None, description="Address (https) that alerts are posted to, signed by HMAC."
    )
    alert_smtp: str | None = Field(
        default=None,
        description="Mail server for alerts: smtps://HOST:PORT (TLS), smtp://HOST:PORT (STARTTLS; "
        "plain to this machine alone), with USER@ before the host where it asks for a log-in.",
    )
    alert_mail_from: str | None = Field(default=None, description="Sender of alerts by mail.")
    alert_mail_to: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Who gets alerts by mail. In a variable, separated by spaces."
    )
    alert_site: str | None = Field(
        default=None,
        description="Address at which readers find the site that alerts link to; default: its "
        "path in the home.",
    )
    reviews: dict[str, date] = Field(
        default={},
        description="Impact assessment (DPIA, EIA, ATRS, or another) to the day by which it is "
        "reviewed next.",
    )

    @field_validator("bundle_keys", "audit_keys", "alert_mail_to", mode="before")
    @classmethod
    def _separated(cls, given: Any) -> Any:
        return tuple(given.replace(",", " ").split()) if isinstance(given, str) else given

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, _HomeOnly().home / "foreland.toml")
        return init_settings, env_settings, toml

    @model_validator(mode="after")
    def _tokens_are_for_us(self) -> "Settings":
        """A key set alone would take every token of its issuer, whomever it was meant for."""
        if self.jwks is not None and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("jwks needs jwt_issuer and jwt_audience beside it; set both")
        return self

    @model_validator(mode="after")
    def _mail_has_both_ends(self) -> "Settings":
        if self.alert_smtp is not None and not (self.alert_mail_from and self.alert_mail_to):
            raise ValueError("alert_smtp needs alert_mail_from and alert_mail_to; set all three")
        return self

    @property
    def ledger(self) -> str:
        return self.ledger_url or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def tracking_store(self) -> str:
        """MLflow's own address; ``MLFLOW_TRACKING_URI`` goes before it."""
        return f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def artefacts(self) -> Path:
        return self.home / "mlflow-artefacts"

    @property
    def keys(self) -> Path:
        """Key files, readable by their owner only."""
        return self.home / "keys"

    @property
    def exported_heads(self) -> Path:
        """Where the heads of the audit log are copied to, best on another machine."""
        return self.audit_export or self.home / "audit-heads"

    @property
    def history(self) -> Path:
        """Snapshots of live history: a shortcut at the start of a service, and no more."""
        return self.home / "history"

    @property
    def ties(self) -> Path:
        """The file of links, made from the ledger (``features.neighbourhood``)."""
        return self.home / "ties"

    @property
    def bundles(self) -> Path:
        """One directory per kind and version, written by ``foreland train``."""
        return self.home / "bundles"

    @property
    def pending_runs(self) -> Path:
        """Trained runs that MLflow could not take yet, one directory each."""
        return self.home / "pending-runs"

    @property
    def pins(self) -> Path:
        """One pin file per kind: which promoted bundle, by sha256, the service must load."""
        return self.pins_directory or self.home / "pins"

    @property
    def tuning(self) -> Path:
        """One file per search of ``foreland train --tune``, which goes on from it."""
        return self.home / "tuning"

    @property
    def backtests(self) -> Path:
        """One directory per scenario, policy and seed, written by ``foreland backtest``."""
        return self.home / "backtests"

    @property
    def evaluations(self) -> Path:
        """One directory per version, written by ``foreland evaluate``."""
        return self.home / "evaluations"

    @property
    def rule_backtests(self) -> Path:
        """One file per text of a rule, written by ``foreland rules backtest``."""
        return self.home / "rule-backtests"

    @property
    def alerts(self) -> Path:
        """What ``foreland alerts`` writes: the site of the month so far, and its files."""
        return self.home / "alerts"

    @property
    def reports(self) -> Path:
        return self.home / "reports"


def read_settings() -> Settings:
    try:
        return Settings()
    except (ValidationError, ValueError) as exc:
        raise InputError(f"a setting cannot be used: {_first_problem(exc)}") from exc


def _first_problem(exc: Exception) -> str:
    if not isinstance(exc, ValidationError):
        return str(exc)
    problem = exc.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = sorted(Settings.model_fields)
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}" if near else f"there are {', '.join(known)}"
        return f"there is no setting {name!r} ({hint}); correct foreland.toml"
    said = problem["msg"]
    if not name:  # it is about several settings together, and says so
        return said.removeprefix("Value error, ")
    return f"{name} is {problem.get('input')!r}, and {said[0].lower()}{said[1:]}; correct it"
