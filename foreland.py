"""The ``foreland`` command: one name for every stage, each imported only when it is used."""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from features.errors import ForelandError

STAGES = {
    "demo": "monitoring.cli",
    "simulate": "features.cli",
    "ingest": "features.cli",
    "export": "features.export_cli",
    "retain": "features.keeping_cli",
    "keys": "serving.keys_cli",
    "audit": "serving.audit_cli",
    "train": "training.cli",
    "evaluate": "training.cli",
    "runs": "training.runs_cli",
    "compare": "training.promotion_cli",
    "promote": "training.promotion_cli",
    "rollback": "training.promotion_cli",
    "challenge": "training.promotion_cli",
    "approvals": "training.promotion_cli",
    "approver-key": "training.promotion_cli",
    "signing-key": "training.signing_cli",
    "backtest": "training.cli",
    "rules": "training.rules_cli",
    "score": "serving.cli",
    "serve": "serving.cli",
    "explain": "serving.recorded_cli",
    "replay": "serving.recorded_cli",
    "backup": "serving.backup_cli",
    "exchange": "serving.exchange_cli",
    "selectors": "serving.selectors_cli",
    "suspend": "serving.suspension_cli",
    "resume": "serving.suspension_cli",
    "report": "monitoring.cli",
    "alerts": "monitoring.alerts_cli",
    "trends": "monitoring.trends_cli",
    "evidence": "monitoring.evidence_cli",
    "links": "serving.links_cli",
}
"""The module that mounts each command."""


class Stages(TyperGroup):
    """Commands of this file, and those of each stage, found by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *STAGES]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in STAGES:
            return super().get_command(ctx, cmd_name)
        stage = get_command(import_module(STAGES[cmd_name]).app)
        command: Any = stage.commands[cmd_name] if isinstance(stage, TyperGroup) else stage
        for one in (command, *getattr(command, "commands", {}).values()):
            one.rich_markup_mode = None  # plain help: paragraphs flow to the terminal's width
        return command


app = typer.Typer(
    cls=Stages,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def foreland() -> None:
    """Risk scores for vehicles, vessels and shipments; an officer decides.

    State lives under FORELAND_HOME (default ./var). Exit status: 0 done, 1 a check failed or a
    bug, 2 something to put right, said in one line.
    """


def main() -> None:
    """Run the command line; what a user can mend ends in one line and exit status 2."""
    try:
        app()
    except ForelandError as exc:
        fail(str(exc))
    except OSError as exc:
        if exc.strerror is None:
            raise
        where = f" ({exc.filename})" if exc.filename else ""
        fail(f"{exc.strerror.lower()}{where}; check the path, its permissions and free space")


def fail(sentence: str) -> None:
    typer.echo(f"error: {' '.join(sentence.split())}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
