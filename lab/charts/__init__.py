"""The charts of a report, as ECharts options, as tables and as SVG files."""
