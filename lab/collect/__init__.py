"""`lab collect`: a run made of traffic that the lab did not send."""
