"""Patterns with what is known about the time that a backtracking search with them takes, and texts that take it."""

from __future__ import annotations

from typing import NamedTuple


class Costly(NamedTuple):
    """A pattern whose steps grow faster than a text.

    :ivar pattern: the pattern.
    :ivar degree: n**degree steps for n characters; 0 if they are exponential.
    :ivar start: what the text begins with.
    :ivar repeated: what follows, any number of times.
    :ivar end: what makes the search fail.
    """

    pattern: str
    degree: int
    start: str
    repeated: str
    end: str


#: From reports of incidents and from the literature on such patterns; 0 stands for exponential.
COSTLY = [
    Costly(r"(a+)+$", 0, "", "a", "!"),
    Costly(r"(a|a)*$", 0, "", "a", "!"),
    Costly(r"(a|aa)+$", 0, "", "a", "!"),
    Costly(r"^(a*)*$", 0, "", "a", "!"),
    Costly(r"^(\w+\s?)*$", 0, "", "a", "!"),
    Costly(r"^\d{4}-(\w+\s?)*$", 0, "2026-", "a", "!"),
    Costly(r"^(([a-z])+.)+[A-Z]([a-z])+$", 0, "", "a", "!"),
    Costly(r"(x+x+)+y", 0, "", "x", ""),
    Costly(r"((((b+)+)+)+)+!", 0, "", "b", ""),
    Costly(r"^(.|\s)*\S(.|\s)*$", 0, "", " ", ""),
    Costly(r"^(https?:\/\/)?([\da-z\.-]+)\.([a-z\.]{2,6})([\/\w \.-]*)*\/?$", 0, "a.bc", "/", "!"),
    Costly(r"^[a-zA-Z]+(([',. -][a-zA-Z ])?[a-zA-Z]*)*$", 0, "", "a", "!"),
    Costly(r"^(\d+,?)+$", 0, "", "1", "!"),
    Costly(r"(.*)*,", 0, "", "a", ""),
    Costly(r"^(a|b|ab)*c", 0, "", "ab", ""),
    Costly(r"^a(?:(b+)+c)?$", 0, "a", "b", "!"),
    Costly(r"^a(?:(b+)+c)?", 0, "a", "b", "!"),
    Costly(r"^(?=(a+)+$)", 0, "", "a", "!"),
    Costly(r"^(?:(?!(a+)+$)a)*b", 0, "", "a", "!"),
    Costly(r"\s+$", 2, "", " ", "!"),
    Costly(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", 2, "", "a", ""),
    Costly(r"x*y*z*$", 2, "", "x", "!"),
    Costly(r"^.*a.*b$", 2, "", "a", "!"),
    Costly(r"(?:\/\*(?:[^*]|\*+[^*\/])*\*+\/)", 2, "", "/*a", ""),
    Costly(r"^(?:(?=.*b).)*c", 2, "", "a", "b"),
    Costly(r"(?=\w+)b", 2, "", "a", ""),
    Costly(r"^[A-Za-z]+ ?[A-Za-z]+ ?[A-Za-z]+$", 3, "", "a", "!"),
    Costly(r".*.*=.*", 3, "", "x", ""),
    Costly(r"^\s*(.*?)\s*$", 3, "", " ", "\nx\ny"),
    Costly(r"^.*?,.*?,.*?,.*?x$", 4, "", ",", ""),
    # The times of GitHub's schedules, of which SchemaStore has the schema.
    Costly(r"^(((\d+,)+\d+|(\d+|\*)(\/|-)\d+|\d+|\*) ?){5,6}$", 6, "", "1", "!"),
]

#: What schemas have every day. A search takes time in proportion to the text, whatever it is.
HARMLESS = [
    r"", r"\S", r"^[^]*$", r"^$", r"\w+", r"(a|a)*", r"^(.|\s)*$", r"^[\s\S]*$", r"^.{1,1000}$",
    r"^[a-z0-9]+(-[a-z0-9]+)*$", r"^(?=.*[A-Z])(?=.*\d)(?=.*[^\w]).{8,}$", r"^(?!.*foo).*$", r"^(?:(?!foo).)*$",
    r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$", r"^[\w-]+(\.[\w-]+)*@([\w-]+\.)+[a-zA-Z]{2,7}$",
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", r"^[0-9a-f]{64}$", r"[0-9a-f]{64}",
    r"^(\d{1,3}\.){3}\d{1,3}$", r"^(?:\d+(?:,|$))+$", r"^#([0-9a-fA-F]{3}){1,2}$", r"^([^@]+)@([^@]+)$",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$", r"^https?://[^/]+(/.*)?",
    r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$", r"^(?:[^,]*,){11}P", r"^foo(\(.*\))?", r"\bfoo\b",
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$",
    r"^([a-z]+)(\s+[a-z]+){0,30}$", r"^(?:a|aa|aaa)$", r"^(-?\d+)(\.\d+)?$", r"^\+[1-9]\d{1,14}$",
]  # fmt: skip
#: Texts that patterns like these could have trouble with; each is repeated.
PUMPED = ["a", "A", "0", " ", "-", ".", ",", "a.", "a-", "0.", "a ", "1,", "foo", "f(", "/", "@", "a@", "\n", "aA1!"]
