"""Recognises the placeholders of mail tools, ad servers and templates that nothing was put in place of."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...text import says_nothing

# What is looked at of a value. No field of a template is as long, and the patterns below may take the square of it.
_MAX_CHARS = 2048


class Placeholder(NamedTuple):
    """What was found.

    :ivar text: the placeholder.
    :ivar who: who writes such placeholders.
    """

    text: str
    who: str


# These count wherever they stand. The first eight are those that an id does not count with, or that say nothing alone:
# rule 5 of the design. The sources of all of them are the vendors' own pages on "merge tags" and "macros".
_ANYWHERE = [
    (r"\*\|.+?\|\*", "Mailchimp and Mandrill"),
    (r"\{\{.+?\}\}", "Handlebars, HubSpot, Klaviyo, Iterable, Customer.io and Braze"),
    (r"%%.+?%%", "Salesforce Marketing Cloud and Google Ad Manager"),
    (r"\$\{[^}]+\}", "AMP, ad exchanges and template strings of JavaScript"),
    (r"\[\[.+?\]\]", "Iterable, GetResponse and phpList"),
    (r"#\{[^}]+\}", "Ruby and ad servers"),
    (r"\[%.+?%\]", "Sizmek and Template Toolkit"),
    (r"\{[A-Za-z0-9_$!.]+\}", "Salesforce, MailerLite, Ghost, Google Ads and f-strings of Python"),
    (r"\{%.+?%\}", "Liquid, HubL and Jinja"),
    (r"<%.+?%>", "Adobe Campaign and ERB"),
    (r"%recipient\.\w+%", "Mailgun"),
    (r"\$\([^)]+\)", "ad servers"),
]
# These are ordinary text as well, and count only where there is nothing else.
_ALONE = [
    (r"%[A-Z][A-Z0-9_-]*%", "ActiveCampaign"),
    (r"\[[A-Za-z][\w %-]*(,fallback=[^]]*)?\]", "Campaign Monitor, Sendy and ad servers"),
    (r"\$[A-Z][A-Z0-9_.]*\$", "Constant Contact, Responsys and Emarsys"),
    (r"__[A-Z][A-Z0-9_]*__", "TikTok"),
    (r"@[A-Z][A-Z0-9_]*@", "Dotdigital"),
    (r"~{1,2}[A-Za-z][\w.]*~{1,2}", "Keap and Eloqua"),
    (r"\{[a-z]+=[\w.-]+\}", "Mautic"),
    (r"%[ghnprstu]|%[a-z]{1,5}!", "Campaign Manager"),
    (r"\$[a-z][A-Za-z]+", "shells and PHP"),
    (r"<[A-Za-z][\w -]*>", "documentation"),
    (r"(INSERT|YOUR|ENTER|REPLACE|CHANGE)_[A-Z_]+", "documentation"),
]
_FIND = [(re.compile(pattern, re.DOTALL), who) for pattern, who in _ANYWHERE]
_MATCH = [(re.compile(pattern), who) for pattern, who in _ALONE]


def find_placeholder(value: str, raw_value: str) -> Placeholder | None:
    """The first placeholder in a value, or the word for nothing that it is; ``None`` if there is none.

    :param value: the value as the collector reads it.
    :param raw_value: the value as it is spelled: ``%%addr%%`` holds what reads as an escape.
    """
    if says_nothing(value) and (value[:1].isalpha() or value.startswith("[object")):
        return Placeholder(value, "JavaScript and Python, where there is no value")
    for text in (value[:_MAX_CHARS], raw_value[:_MAX_CHARS]):
        for pattern, who in _FIND:
            if found := pattern.search(text):
                return Placeholder(found[0], who)
        for pattern, who in _MATCH:
            if pattern.fullmatch(text.strip()):
                return Placeholder(text.strip(), who)
    return None
