"""From a run's records to a report: columns, statistics, costs, comparisons, warnings, the choice of a variant."""
