"""How each repetition gets environments of its own."""

import pytest

from lab.deploy.endpoint_control import EndpointControl
from lab.endpoint.lab_api import Ended
from lab.errors import LabError
from lab.run import environments
from lab.run.environments import LocalEnvironments


class Control(EndpointControl):
    """An endpoint that has so many busy environments at each call; None: it cannot end any."""

    def __init__(self, *busy: int | None) -> None:
        self.busy = list(busy)

    def end_environments(self) -> Ended:
        busy = self.busy.pop(0) if len(self.busy) > 1 else self.busy[0]
        if busy is None:
            raise LabError("not known")
        return Ended(ended=2, busy=busy)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "PATIENCE_S", 0.05)
    monkeypatch.setattr(environments, "BETWEEN_S", 0.001)


@pytest.mark.parametrize(("busy", "ended"), [((0,), True), ((2, 1, 0), True), ((1,), True), ((None,), False)])
def test_environments_end_or_it_is_known_that_the_endpoint_cannot_end_them(
    busy: tuple[int | None, ...], ended: bool
) -> None:
    local = LocalEnvironments(Control(*busy))
    local.renew()

    assert local.ended is ended
