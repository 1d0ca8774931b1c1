"""A run's folder: its records and its `run.json`, each with one type, one writer and one reader."""
