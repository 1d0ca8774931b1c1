"""The machine and its meter, as this machine has them."""

import time

from lab.drive.machine import CpuMeter, describe_machine


def test_the_machine() -> None:
    machine = describe_machine()

    assert set(machine) == {"cpus", "cpu_model", "memory_gb", "os", "python"}
    assert machine["cpus"] >= 1
    assert machine["memory_gb"] > 0.1


def test_the_meter_sees_work() -> None:
    meter = CpuMeter()
    until = time.perf_counter() + 0.3
    while time.perf_counter() < until:
        pass
    share = meter.busy_share()

    assert share is not None
    assert 0.5 / describe_machine()["cpus"] <= share <= 1
