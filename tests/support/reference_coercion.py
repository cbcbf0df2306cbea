"""Coercion as rule 8 of the contract has it, word by word: slow and plain, with jsonschema as the judge.

It looks at every schema again for every value, remembers nothing, and compiles
nothing. What it returns is what the package must return.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from jsonschema.protocols import Validator

from pixelmw.text import says_nothing

Schema = Any


class ReferenceCoercion:
    """Coerces by one schema.

    :param validator: jsonschema's, for the whole schema. It has no ``$id`` inside.
    :param draft: such as ``"draft 7"``.
    """

    def __init__(self, validator: Validator, draft: str) -> None:
        self.validator = validator
        self.root: Any = validator.schema
        self.draft = draft
        self.number = float(draft.removeprefix("draft ").replace("-", "."))

    def coerce(self, event: dict[str, Any]) -> Any:
        """*event*, coerced; it is not changed."""
        return self.at_place([self.root], event)

    def at_place(self, schemas: list[Schema], value: Any) -> Any:
        """*value*, coerced by *schemas*, which all apply to it."""
        applying = [found for schema in schemas for found in self.always(schema)]
        if isinstance(value, str):
            value = self.text(applying, value)
        elif isinstance(value, dict):
            value = self.properties(applying, value)
        elif isinstance(value, list):
            value = self.items(applying, value)
        for schema in applying:
            value = self.alternatives(schema, value)
        return value

    def always(self, schema: Schema) -> Iterator[Schema]:
        """*schema*, and before it what it applies to the same value by ``$ref`` and ``allOf``."""
        if isinstance(schema, dict):
            if "$ref" in schema:
                yield from self.always(self.target(schema["$ref"]))
                if self.number < 2019:
                    return
            for inner in schema.get("allOf", ()):
                yield from self.always(inner)
            yield schema

    def target(self, reference: str) -> Schema:
        """What a reference within the schema leads to."""
        found = self.root
        for segment in reference.removeprefix("#").split("/")[1:]:
            found = found[segment]
        return found

    def satisfied(self, schema: Schema, value: Any) -> bool:
        """Whether *value* satisfies *schema* as it is."""
        return self.validator.evolve(schema=schema).is_valid(value)

    def text(self, applying: list[Schema], text: str) -> Any:
        """(a), for a string."""
        typed = [schema["type"] for schema in applying if "type" in schema]
        listed = [schema["enum"] for schema in applying if "enum" in schema]
        listed += [[schema["const"]] for schema in applying if "const" in schema and self.number > 4]
        no_string = any("string" not in ([types] if isinstance(types, str) else types) for types in typed)
        value = json_value(text)
        fits_types = all(self.satisfied({"type": types}, value) for types in typed)
        if no_string:
            return value if fits_types else text
        if any(text not in values for values in listed):
            fits_values = all(self.satisfied({"enum": values}, value) for values in listed)
            return value if fits_types and fits_values else text
        return text

    def properties(self, applying: list[Schema], value: dict[str, Any]) -> dict[str, Any]:
        """(a), for an object."""
        result = {}
        for name, child in value.items():
            schemas = [found for schema in applying for found in self.of_property(schema, name)]
            coerced = self.at_place(schemas, child)
            if not self.removed(schemas, coerced):
                result[name] = coerced
        return result

    def of_property(self, schema: Schema, name: str) -> list[Schema]:
        """What *schema* applies to the property *name*."""
        found = [inner for known, inner in schema.get("properties", {}).items() if known == name]
        found += [inner for pattern, inner in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
        return found or [schema["additionalProperties"]] if "additionalProperties" in schema or found else []

    def items(self, applying: list[Schema], value: list[Any]) -> list[Any]:
        """(a), for a list. Nothing is removed among the first items."""
        first_items = max([len(self.first_items(schema)) for schema in applying], default=0)
        result = []
        for index, item in enumerate(value):
            schemas = [found for schema in applying for found in self.of_item(schema, index)]
            coerced = self.at_place(schemas, item)
            if index < first_items or not self.removed(schemas, coerced):
                result.append(coerced)
        return result

    def first_items(self, schema: Schema) -> list[Schema]:
        """The schemas of the first items."""
        found = schema.get("prefixItems", []) if self.number >= 2020 else schema.get("items", [])
        return found if isinstance(found, list) else []

    def of_item(self, schema: Schema, index: int) -> list[Schema]:
        """What *schema* applies to the item at *index*."""
        firsts = self.first_items(schema)
        if index < len(firsts):
            return [firsts[index]]
        others = "additionalItems" if isinstance(schema.get("items"), list) else "items"
        return [schema[others]] if others in schema else []

    def alternatives(self, schema: Schema, value: Any) -> Any:
        """(b), (c) and (d)."""
        for keyword, alternatives in schema.items():
            if keyword in ("anyOf", "oneOf") and not self.satisfied(self.alone(schema, keyword), value):
                for alternative in alternatives:
                    coerced = self.at_place([alternative], value)
                    if self.satisfied(alternative, coerced):
                        value = coerced
                        break
        if "if" in schema and self.number >= 7:
            coerced = self.at_place([schema["if"]], value)
            if self.satisfied(schema["if"], coerced):
                value = self.at_place([schema.get("then", True)], coerced)
            else:
                value = self.at_place([schema.get("else", True)], value)
        dependent = schema.get("dependentSchemas", {}) if self.number >= 2019 else schema.get("dependencies", {})
        for name, inner in dependent.items():
            if isinstance(value, dict) and name in value and not isinstance(inner, list):
                value = self.at_place([inner], value)
        return value

    def alone(self, schema: Schema, keyword: str) -> Schema:
        """One keyword of *schema*."""
        return {keyword: schema[keyword]}

    def removed(self, schemas: list[Schema], value: Any) -> bool:
        """Whether *value* says nothing, and no type and no alternative takes a string."""
        return isinstance(value, str) and says_nothing(value) and not all(map(self.takes_text, schemas))

    def takes_text(self, schema: Schema) -> bool:
        """Whether *schema* may take a string."""
        return all(map(self.takes_text_itself, self.always(schema)))

    def takes_text_itself(self, schema: dict[str, Any]) -> bool:
        """The same, for the keywords of *schema* but ``$ref`` and ``allOf``."""
        types = schema.get("type", "string")
        if "string" not in ([types] if isinstance(types, str) else types):
            return False
        if "enum" in schema and not any(isinstance(value, str) for value in schema["enum"]):
            return False
        if "const" in schema and self.number > 4 and not isinstance(schema["const"], str):
            return False
        for keyword in ("anyOf", "oneOf"):
            alternatives = schema.get(keyword, [True])
            if not any(inner is not False and self.takes_text(inner) for inner in alternatives):
                return False
        if "if" in schema and self.number >= 7:
            return any(self.takes_text(schema.get(branch, True)) for branch in ("then", "else"))
        return True


def json_value(text: str) -> Any:
    """The finite number, the boolean or the null that *text* spells; *text* itself if it spells none."""
    if text in ("True", "False"):
        return text == "True"
    try:
        value = json.loads(text.strip() if text.strip()[:1] in tuple("-0123456789") else text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, bool) or value is None:
        return value if text == text.strip() else text
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) >= 2**1024:
        return text
    vanished = value == 0 and re.search("[1-9]", text.strip().lower().partition("e")[0])
    return text if vanished else value
