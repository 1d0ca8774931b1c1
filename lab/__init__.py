"""The lab: deploys the application, drives it, records, compares and shows. See `lab --help`."""
