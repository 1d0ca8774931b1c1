"""The local endpoint: one address for every AWS client, with the engine in front of an AWS emulator (ministack)."""
