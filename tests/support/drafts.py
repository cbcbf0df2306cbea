"""The drafts of JSON Schema, by name."""

from __future__ import annotations

DRAFTS = {
    "draft 4": "http://json-schema.org/draft-04/schema#",
    "draft 6": "http://json-schema.org/draft-06/schema#",
    "draft 7": "http://json-schema.org/draft-07/schema#",
    "draft 2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft 2020-12": "https://json-schema.org/draft/2020-12/schema",
}
