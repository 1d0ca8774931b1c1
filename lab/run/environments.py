"""How each repetition gets environments of its own."""

import time
from typing import Final, Protocol

from lab.deploy.endpoint_control import EndpointControl
from lab.errors import LabError

PATIENCE_S: Final = 5.0  # with invocations that this process has given up, or that another process sends
BETWEEN_S: Final = 0.05


class Environments(Protocol):
    """What gives each repetition new environments: `LocalEnvironments`, or `lab.aws.published_versions` on AWS."""

    def renew(self) -> None:
        """Let new environments serve from now on. May block; raises `LabError` if that is not possible."""

    def stop(self) -> None:
        """End the wait of `renew` in another thread."""


class LocalEnvironments:
    """The environments of a local endpoint, which ends them when it is asked to.

    Attributes:
        ended: whether the endpoint could end them each time.
    """

    def __init__(self, control: EndpointControl) -> None:
        """Args: control: of the endpoint."""
        self._control = control
        self.ended = True

    def renew(self) -> None:
        """End all environments; wait a moment for those that are serving."""
        until = time.monotonic() + PATIENCE_S
        try:
            while self._control.end_environments()["busy"]:
                if time.monotonic() > until:
                    return  # the busy ones end when they have answered
                time.sleep(BETWEEN_S)
        except LabError:  # an older endpoint
            self.ended = False

    def stop(self) -> None:
        """Do nothing: `renew` ends soon."""
