"""Invoke and InvokeAsync: the API, event invocations with their retries and destinations, concurrency limits."""
