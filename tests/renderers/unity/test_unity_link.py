"""The server's end of the link to players: large messages, ports, calls that are broken off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from renderers.unity.errors import PlayerCrashed, PlayerUnavailable
from renderers.unity.link import Link
from renderers.unity.native import load_stubs

USUAL_LIMIT = 4 * 2**20  # bytes of a message that gRPC receives unless told otherwise
SECONDS = 30.0

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated create function")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)  # gRPC would ask it for the way to this machine


@contextmanager
def calling(link: Link, message: Any) -> Iterator[Any]:
    """A call under way, as a player makes it."""
    stubs = load_stubs()
    with stubs.grpc.insecure_channel(f"localhost:{link.port}") as channel:
        yield stubs.service.UnityToExternalProtoStub(channel).Exchange.future(message, wait_for_ready=True)


def test_frames_beyond_grpcs_usual_limit_arrive() -> None:
    message = load_stubs().message()
    message.unity_output.rl_output.side_channel = bytes(USUAL_LIMIT + 1)
    link = Link()
    with calling(link, message) as future:
        call = link.receive(SECONDS)
        assert call is not None
        assert call.message == message
        call.answer(load_stubs().message())
        assert future.result(SECONDS) == load_stubs().message()
    link.close()


def test_a_port_is_free_again_once_its_link_is_closed() -> None:
    first = Link()
    with pytest.raises(PlayerUnavailable, match=f"port {first.port}: taken"):
        Link(first.port)
    first.close()
    Link(first.port).close()


def test_a_call_that_is_broken_off_is_a_crash_and_a_quiet_one_nothing() -> None:
    link = Link()
    assert link.receive(0.0) is None
    with calling(link, load_stubs().message()) as future:
        assert link.receive(SECONDS) is not None
        future.cancel()
    with pytest.raises(PlayerCrashed, match="broke the connection off"):
        link.receive(SECONDS)
    link.close()
