"""Settings: defaults, the home's TOML file, the environment on top, and errors in one line."""

from pathlib import Path

import pytest

from features.errors import InputError
from features.settings import read_settings


def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foreland.toml").write_text("port = 9001\nhost = '127.0.0.2'\n")
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    monkeypatch.setenv("FORELAND_PORT", "9002")
    settings = read_settings()
    assert (settings.port, settings.host) == (9002, "127.0.0.2")
    assert settings.ledger == f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("port = 0", "port is 0, and input should be greater than or equal to 1; correct it"),
        ("ports = 1", "there is no setting 'ports' (did you mean 'port'); correct foreland.toml"),
        (
            "colour = 1",
            "there is no setting 'colour' (there are alert_file, alert_mail_from, ",
        ),
        (
            "jwks = 'keys.json'\njwt_issuer = 'https://issuer'",
            "used: jwks needs jwt_issuer and jwt_audience beside it; set both",
        ),
        ("port = ", "Invalid value"),
    ],
)
def test_a_wrong_setting_is_named(
    toml: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foreland.toml").write_text(toml)
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    with pytest.raises(InputError, match="a setting cannot be used") as refused:
        read_settings()
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_reading_settings_makes_no_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path / "new"))
    read_settings()
    assert not (tmp_path / "new").exists()
