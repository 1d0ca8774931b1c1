"""The start-up profiles of the local endpoint, from `facts/startup.toml`."""

from facts.startup import BILLED_RESTORES, INITS, RESTORES
from lab.engine.startup import NO_STARTUP, Quantiles, StartupProfile

LOCAL_ARCHITECTURE = "x86_64"  # the emulator deploys every function as this


def _text() -> str:
    inits = ", ".join(
        f"{runtime} {ms[1]:g}/{ms[3]:g}"
        for (runtime, architecture), ms in INITS.items()
        if architecture == LOCAL_ARCHITECTURE
    )
    restore, billed = RESTORES[LOCAL_ARCHITECTURE], BILLED_RESTORES[LOCAL_ARCHITECTURE]
    return (
        f"published p50/p99 ms on {LOCAL_ARCHITECTURE}, to which the function's own init or hooks are added: "
        f"{inits} (other runtimes: the nearest of these), "
        f"restore {restore[1]:g}/{restore[3]:g}, of which billed {billed[1]:g}/{billed[3]:g} (tails weak)"
    )


TYPICAL = StartupProfile(
    name="typical",
    text=_text(),
    inits={row: Quantiles(*ms) for row, ms in INITS.items()},
    restores={architecture: Quantiles(*ms) for architecture, ms in RESTORES.items()},
    billed_restores={architecture: Quantiles(*ms) for architecture, ms in BILLED_RESTORES.items()},
)

STARTUP_PROFILES = {profile.name: profile for profile in (TYPICAL, NO_STARTUP)}
