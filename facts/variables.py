"""The environment variables that configure a function of the lab."""

from typing import Final

VARIANT: Final = "CACHE_LAB_VARIANT"
"""The variant's name, which is also the value of the metrics' one dimension."""

INSTANCE: Final = "CACHE_LAB_INSTANCE"
"""The instance of the application (`facts.names.Names`), part of the namespace of the metrics and of the items' names;
absent for the one without a name."""

SOURCE: Final = "CACHE_LAB_SOURCE"
"""The service that the function reads from: one of `facts.sources.SOURCES`."""

TABLE: Final = "CACHE_LAB_TABLE"
"""The DynamoDB table, where the source is `dynamodb`."""

BUCKET: Final = "CACHE_LAB_BUCKET"
"""The S3 bucket, where the source is `s3`."""

TTL_S: Final = "CACHE_LAB_TTL_S"
"""The time to live of a cached item, seconds."""

DEFAULT_TTL_S: Final = 1.0
"""The time to live unless the user says otherwise, seconds."""

KEYS: Final = "CACHE_LAB_KEYS"
"""The number of items, all of which a SnapStart function loads before its snapshot."""

REPETITION: Final = "CACHE_LAB_REPETITION"
"""Makes a version of its own for a repetition on AWS; functions do not read it."""
