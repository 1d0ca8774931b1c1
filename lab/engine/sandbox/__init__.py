"""How an environment is kept apart from the machine and limited: its processes, namespaces and control groups."""
