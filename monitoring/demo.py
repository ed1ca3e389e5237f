"""The main job from start to finish, for someone who has just arrived.

It lives in the last stage because only the last stage may import all the others.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from features.errors import ForelandError
from features.records import KINDS
from features.settings import Settings

CUSTOMS_FILES = ("df_syn_train_eng.csv", "df_syn_valid_eng.csv")
CUSTOMS_MAPPING = Path("customs-declarations")
"""The mapping and the training config of that name ship with the project."""

MARK = ".foreland-demo"
"""Written first, so that an interrupted demo can be replaced too."""

OURS = tuple(
    f"{MARK} alerts audit-heads bentoml bundles evaluations evidently foreland.toml history keys "
    "ledger.db mlflow partners.toml pending-runs pins rejects reports retention.toml "
    "rule-backtests serve.log simulated ties tuning".split()
)
"""How the names of what a home holds begin."""

APPROVERS = ("first demo approver", "second demo approver")
WHY_ACKNOWLEDGED = "a demonstration on few finds; nobody relies on what it says"
"""Of gates that fail, which the demo names as it goes on."""


class Demo:
    """The main job, step by step, each with the command that does the same."""

    def __init__(self, settings: Settings, customs: Path, days: int, per_day: int) -> None:
        self.settings = settings
        self.home = settings.home
        self.border = settings.home / "simulated"
        self.days, self.per_day = days, per_day
        self.customs = customs
        self.has_customs = all((customs / name).is_file() for name in CUSTOMS_FILES)
        self.console = Console(highlight=False, soft_wrap=True)
        self.doing = "preparing"
        self.seconds: dict[str, float] = {}
        # today 2026-11-23 -> the border ends with 2026-11-22, the report is about October, and
        # the models are trained on what was known before 1 October
        self.today = datetime.now(UTC).date()
        self.month = (self.today.replace(day=1) - timedelta(days=1)).replace(day=1)

    def everything(self) -> None:
        from serving.process import free_port, started

        self.empty_the_home()
        self.simulate()
        self.ingest()
        port = free_port()
        with ExitStack() as stack:
            with self.step("start the scoring service", f"serve --port {port}"):
                ready = stack.enter_context(started(self.home, port))
            self.say(
                "It reads the ledger while the models are trained, and loads each as promoted."
            )
            for kind in KINDS:
                self.train_and_promote(kind)
            with self.step("wait until it serves the three models"):
                address = ready()
                wait_for_models(address)
            self.score_one_of_each(address)
            self.doing = "stop the scoring service"
        self.verify_the_audit_log()
        self.report()
        self.say_what_was_made()

    @contextmanager
    def step(self, doing: str, *commands: str) -> Iterator[None]:
        self.doing = doing
        self.console.print(f"\n[bold]{len(self.seconds) + 1}. {doing[0].upper()}{doing[1:]}[/bold]")
        for command in commands:
            self.console.print(f"   $ foreland {command}", style="dim", markup=False)
        began = time.monotonic()
        with self.console.status(doing) if self.console.is_terminal else nullcontext():
            yield
        self.seconds[doing] = time.monotonic() - began

    def say(self, sentence: str) -> None:
        self.console.print(f"   {sentence}", markup=False)

    def empty_the_home(self) -> None:
        """Refuse a home that is not an earlier demo's; leave it empty but for the mark."""
        from features.ledger import open_ledger

        found = sorted(self.home.iterdir()) if self.home.is_dir() else []
        strangers = [item.name for item in found if not item.name.startswith(OURS)]
        if found and (strangers or not (self.home / MARK).exists()):
            raise ForelandError(
                f"{self.home} holds {(strangers or [found[0].name])[0]}, which no demo made; "
                "set FORELAND_HOME to a new directory"
            )
        if (self.home / "ledger.db").exists():
            with closing(open_ledger(self.settings.ledger)) as ledger:
                ledger.backfill(())  # refused while a server runs on it
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / MARK).write_text("Made by `foreland demo`, which may empty this directory.\n")
        for item in found:
            if item.is_dir():
                shutil.rmtree(item)
            elif item.name != MARK:
                item.unlink()

    def simulate(self) -> None:
        from features.simulate import simulate

        start = self.today - timedelta(days=self.days)
        command = f"simulate --out {self.border} --seed 1 --days {self.days}"
        command += f" --movements-per-day {self.per_day} --start {start}"
        with self.step("simulate a border", command):
            made = simulate(
                self.border,
                seed=1,
                days=self.days,
                movements_per_day=self.per_day,
                start=start,
            )
        for kind, counts in made.counts.items():
            self.say(
                f"{kind}: {counts.movements:,} movements, {counts.examinations:,} examined, "
                f"{counts.finds:,} finds (simulated)"
            )

    def files_of(self, kind: str) -> list[tuple[Path, Path | None, Path | None]]:
        """Movements, outcomes and mapping of each file the demo knows the kind from."""
        if kind == "shipment" and self.has_customs:
            return [(self.customs / name, None, CUSTOMS_MAPPING) for name in CUSTOMS_FILES]
        outcomes = self.border / f"{kind}-outcomes.parquet"
        return [(self.border / f"{kind}-movements.parquet", outcomes, None)]

    def ingest(self) -> None:
        from features.files.mapping import read_mapping
        from features.ingest import ingest
        from features.ledger import open_ledger
        from features.rotation import pseudonyms_of

        if not self.has_customs:
            self.say("")
            self.say(
                f"No customs declarations in {self.customs} (--customs DIR says where they are): "
                "shipments are simulated too."
            )
        for kind in KINDS:
            for movements, outcomes, mapping in self.files_of(kind):
                command = f"ingest --kind {kind} --movements {movements}"
                command += f" --outcomes {outcomes}" if outcomes else ""
                command += f" --mapping {mapping}" if mapping else ""
                with (
                    self.step(f"ingest {movements.name}", command),
                    closing(open_ledger(self.settings.ledger)) as ledger,
                ):
                    columns = read_mapping(mapping, kind)
                    pseudonyms = pseudonyms_of(ledger, self.settings.keys)
                    report = ingest(ledger, kind, movements, outcomes, columns, pseudonyms)
                self.say(
                    f"{report.movements:,} movements and {sum(report.outcomes.values()):,} "
                    f"outcomes, {report.rejected_rows} rows refused"
                    + (" (simulated)" if report.simulated else "")
                )

    def train_and_promote(self, kind: str) -> None:
        from training.gates import GATES, in_words
        from training.promote import promote
        from training.run import train

        real = kind == "shipment" and self.has_customs
        config = CUSTOMS_MAPPING if real else None
        until = self.month.isoformat()
        command = f"train --kind {kind} --until {until}"
        command += f" --config {config}" if config else ""
        with self.step(f"train a {kind} model", command):
            result = train(self.settings, kind, config=config, until=until)
        self.say(result.verdict)
        command = f"promote --kind {kind} --version {result.version} --approver "
        with self.step(f"promote it: {kind}", *(f"{command}'{name}'" for name in APPROVERS)):
            gates = None
            for approver in APPROVERS:
                promoted = promote(
                    self.settings,
                    kind,
                    result.version,
                    approver,
                    acknowledge=dict.fromkeys(GATES, WHY_ACKNOWLEDGED),
                    asked=gates,
                )
                gates = promoted.gates
        for gate in promoted.gates:
            self.say(f"gate {in_words(gate)}")
        self.say(promoted.sentence)

    def score_one_of_each(self, address: str) -> None:
        import httpx

        from serving.audit import read_one
        from serving.officer import narrative

        with httpx.Client(base_url=address, timeout=30) as client:
            for kind in KINDS:
                movement = self.caught_lately(kind)
                self.say("")
                with self.step(f"score one {kind} over HTTP"):
                    answer = client.post(
                        "/v1/scores?explain=always",
                        content=json.dumps(movement),
                        headers={"content-type": "application/json"},
                    )
                answer.raise_for_status()
                self.say(f"POST /v1/scores {json.dumps(movement)}")
                recorded = read_one(self.settings.ledger, answer.json()["score_id"])
                assert recorded is not None, "an answer without a record"
                for line in narrative(recorded).splitlines():
                    self.say(line)
            outcome = {
                "kind": "vehicle",
                "event_id": "DEMO-OUTCOME-1",
                "movement_ref": "DEMO-VEHICLE-1",
                "outcome": "negative",
                "examined_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "thoroughness": "full",
                "selection_reason": "risk",
            }
            with self.step("post what the examination of the vehicle ended in"):
                answer = client.post("/v1/outcomes", json=outcome)
            answer.raise_for_status()
            receipt = answer.json()["outcomes"][0]
            self.say(f"{receipt['status']} at ledger position {receipt['position']}")

    def caught_lately(self, kind: str) -> dict[str, Any]:
        """The last movement of the files in which something was found, declared anew."""
        import msgspec
        import pandas as pd

        from features.files.mapping import read_mapping
        from features.ingest import read_movements

        path, outcomes, mapping = self.files_of(kind)[-1]
        tail = self.home / f"tail{path.suffix}"
        if outcomes is None:
            rows = pd.read_csv(path, dtype=str, keep_default_na=False)
            found = rows[rows["Fraud"] == "1"].tail(1)
            found.to_csv(tail, index=False)
        else:
            results = pd.read_parquet(outcomes)
            results = results[results["known_at"] < pd.Timestamp(self.today, tz="UTC")]
            caught = results.loc[results["outcome"] == "positive", "movement_ref"]
            rows = pd.read_parquet(path)
            rows[rows["movement_ref"].isin(caught)].tail(1).to_parquet(tail, index=False)
        movement = next(read_movements(tail, read_mapping(mapping, kind), kind)).movement
        tail.unlink()
        assert movement is not None, "it was ingested a moment ago"
        return declared_anew(msgspec.to_builtins(movement), f"DEMO-{kind.upper()}-1")

    def verify_the_audit_log(self) -> None:
        from features.ledger import open_ledger
        from monitoring.tables import counted
        from serving.audit.verification.on_record import verify_on_record

        with (
            self.step("verify the audit log", "audit verify"),
            closing(open_ledger(self.settings.ledger)) as ledger,
        ):
            counts, findings = verify_on_record(
                self.settings, ledger, lambda finding: self.say(finding.line())
            )
        streams, amiss = counted(counts.streams, "stream"), counted(findings, "finding")
        self.say(f"{counted(counts.records, 'record')} in {streams}, {amiss}")

    def report(self) -> None:
        from monitoring.report import write_report

        period = f"{self.month:%Y-%m}"
        with self.step("write the board report", f"report --period {period}"):
            result = write_report(self.settings, period)
        for kind in result.kinds:
            simulated = " (simulated)" if result.simulated and kind.movements else ""
            self.say(f"{kind.kind}: {kind.in_words}{simulated}")
        self.page = result.page

    def say_what_was_made(self) -> None:
        home = "" if self.home == Path("var") else f"FORELAND_HOME={self.home} "
        made = (
            ("board report", self.page, "open it in any browser; no network is needed"),
            ("ledger, audit log", self.home / "ledger.db", f"{home}foreland explain SCORE_ID"),
            ("promoted bundles", self.settings.pins, f"{home}foreland serve"),
            (
                "runs and plots",
                self.home / "mlflow.db",
                f"mlflow ui --backend-store-uri {self.settings.tracking_store}",
            ),
            ("simulated border", self.border, "files to try `foreland ingest` with"),
        )
        self.console.print()
        for what, where, how in made:
            self.console.print(f"{what:18} {where}", markup=False)
            self.console.print(f"{'':18} {how}", style="dim", markup=False)
        slowest = sorted(self.seconds, key=self.seconds.__getitem__, reverse=True)[:3]
        times = ", ".join(f"{name} {self.seconds[name]:.0f} s" for name in slowest)
        self.console.print(f"\n{sum(self.seconds.values()):.0f} s in all; longest: {times}")


def wait_for_models(address: str, patience_seconds: float = 30.0) -> None:
    """Until every kind is served; a promotion is noticed within about a second."""
    import httpx

    until = time.monotonic() + patience_seconds
    while time.monotonic() < until:
        served = httpx.get(f"{address}/v1/models", timeout=5).json()["models"]
        if all(kind["model"] for kind in served):
            return
        time.sleep(0.2)
    missing = ", ".join(kind["kind"] for kind in served if not kind["model"])
    raise ForelandError(f"the service does not serve {missing}; see serve.log in the home")


def declared_anew(movement: dict[str, Any], reference: str) -> dict[str, Any]:
    """The same movement as a request of now: every instant moved by the same interval."""
    moved = datetime.now(UTC).replace(microsecond=0) - instant(movement["declared_at"])
    request = {name: value for name, value in movement.items() if value not in (None, {})}
    for name in request:
        if name.endswith("_at"):
            request[name] = (instant(request[name]) + moved).isoformat().replace("+00:00", "Z")
    return request | {"movement_ref": reference, "version": 1}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
