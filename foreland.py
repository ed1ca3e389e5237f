"""The ``foreland`` command: mounts each stage's commands and imports a stage only when used."""


def main() -> None:
    raise SystemExit("not yet")
