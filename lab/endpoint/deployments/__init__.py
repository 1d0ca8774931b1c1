"""What is deployed: names and settings of function versions, their code, their snapshots."""
