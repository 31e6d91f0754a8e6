"""The stubs of ML-Agents' wire protocol, loaded when a player is first needed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from metasim.base.errors import MetasimError

COMMUNICATION_VERSION = "1.5.0"
PACKAGE_VERSION = "0.28.0"
OK, QUIT = 200, 400
"""Status of a message that goes on, and of one that ends the player."""

_OBJECTS = "mlagents_envs.communicator_objects"


@dataclass(frozen=True)
class Stubs:
    """The parts of ``mlagents-envs`` that are used; its environment class is not.

    Attributes:
        grpc: The module ``grpc``.
        message: The class of every message, both ways.
        service: Module with the client's stub and the server's registration.
    """

    grpc: Any
    message: Any
    service: Any


def load_stubs() -> Stubs:
    """Imports them; costs nothing where that is done.

    Raises:
        MetasimError: If ``mlagents-envs`` or what it needs is not installed.
    """
    try:
        return Stubs(
            importlib.import_module("grpc"),
            importlib.import_module(f"{_OBJECTS}.unity_message_pb2").UnityMessageProto,
            importlib.import_module(f"{_OBJECTS}.unity_to_external_pb2_grpc"),
        )
    except (ImportError, TypeError) as error:  # a protobuf that is too new raises TypeError
        reason = str(error).splitlines()[0]
        remedy = "`metasim doctor` tells what is missing"
        raise MetasimError(f"mlagents-envs cannot be loaded ({reason}); {remedy}") from error
