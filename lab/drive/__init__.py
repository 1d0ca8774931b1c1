"""The run: seeds the items, drives every variant in the same window, writes down what the Invoke API answered."""
