"""The local Lambda data plane: execution environments and the invocations that they serve.

The engine knows nothing of the lab around it: it is given function versions (`FunctionVersion`) and invocations
(`Invocation`) and answers as Lambda's Invoke API does.
"""
