"""The one way from the lab to AWS's APIs. Nothing else of the lab, except the endpoint, makes clients."""
