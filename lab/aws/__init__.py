"""The one way from the lab to AWS's APIs: clients, credentials, addresses, and what an answer of them tells.

Nothing else of the lab (the local endpoint apart) makes a client or reads credentials.
"""
