"""`lab run`: one run, from the deployment to the finished folder."""
