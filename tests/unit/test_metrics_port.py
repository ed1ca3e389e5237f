"""The port of the metrics: one worker has it, and another takes it when that one is gone."""

from contextlib import closing
from pathlib import Path

import httpx
import pytest

from features.settings import Settings
from serving.metrics_port import MetricsPort, metrics_port
from serving.process import free_port


def test_one_worker_has_the_port_and_the_next_takes_it_over() -> None:
    address = ("127.0.0.1", free_port())
    url = f"http://127.0.0.1:{address[1]}"
    first, second = MetricsPort(address, lambda: b"1"), MetricsPort(address, lambda: b"2")
    with closing(second):
        with closing(first):
            first.try_to_open()
            second.try_to_open()
            response = httpx.get(f"{url}/metrics", trust_env=False)
            assert (response.content, response.headers["content-type"]) == (
                b"1",
                "text/plain; version=0.0.4",
            )
            assert httpx.get(f"{url}/v1/models", trust_env=False).status_code == 404
        second.try_to_open()
        assert httpx.get(f"{url}/metrics", trust_env=False).content == b"2"


def test_without_a_setting_there_is_no_port(tmp_path: Path) -> None:
    with closing(metrics_port(Settings(home=tmp_path), lambda: b"")) as port:
        port.try_to_open()
        assert port._server is None


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_that_cannot_be_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(ValueError, match="metrics_port"):
        Settings(home=tmp_path, metrics_port=port)
