"""From a run's records to a report: columns, statistics, costs, comparisons, warnings, the choice of a variant.

The path of a record to a table cell: a line of ``records.jsonl`` (`lab.records.record`) is a row of the table that
`lab.records.table` reads; `columns` takes its fields, variant by variant; `summary` reduces them to the figures of a
`model.VariantSummary`, by `statistics`; `lab.report.tables` makes a cell of a figure, in the words of `wording`.
"""
