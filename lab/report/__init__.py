"""Reports of a run, and of two runs side by side: each format is one file, and all word the same tables."""
