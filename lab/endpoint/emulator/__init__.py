"""The AWS emulator (ministack) behind the endpoint: its process, and clients of it."""
