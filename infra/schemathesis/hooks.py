"""The formats of the contract that no pattern can say, as Schemathesis makes texts of them."""

import os
import pathlib
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

import schemathesis
import yaml
from hypothesis import strategies as st

KEY, SECRET, PREVIEW = (os.environ["LATCHKEY_" + name] for name in ("KEY", "SECRET", "PREVIEW"))
SUBJECTS = st.sampled_from(["schemathesis|somebody", "a b", "~x"])
WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="_<>\"%"), min_size=1, max_size=40)

for name, texts in {
    "line": WORDS,
    "label": WORDS.filter(lambda word: "," not in word and ";" not in word),
    "block": WORDS,
    "idn-email": st.just("somebody@example.com"),
    "subject": SUBJECTS,
    "confirm-name": st.just("Schemathesis"),
    "page-token": st.just(""),  # others come from answers, by links
    "product-id": st.sampled_from(["search", "routing", "map-display"]),
    "limit-class": st.sampled_from(["search", "routing"]),
    "domain-pattern": st.sampled_from(["example.com", "*.example.org", "http://localhost:3000"]),
    "network": st.sampled_from(["203.0.113.0/24", "2001:db8::/32", "192.0.2.7"]),
    "ip-address": st.sampled_from(["203.0.113.7", "2001:db8::7"]),
    "android-package": st.sampled_from(["com.example.app", "com.example.other"]),
    "sha1": st.just("DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"),
    "bundle-id": st.sampled_from(["com.example.app", "com.example.Other"]),
    "key-id": st.just(KEY),
    "secret": st.just(SECRET),
    "preview": st.just(PREVIEW),
    "date-time": st.integers(1, 300).map(lambda days: (datetime.now(timezone.utc) + timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")),
}.items():
    schemathesis.openapi.format(name, texts)


@schemathesis.hook
def filter_query(context, query):
    """Leaves out what makes a request line of more than 10 KB: API Gateway answers that itself (431), before the contract applies."""
    return len(urlencode(query or {}, doseq=True)) < 8000


# The formats of the contract that Schemathesis can check, and the members and parameters that have one of them.
CHECKED = {"date-time", "idn-email"}
CONTRACT = yaml.safe_load((pathlib.Path(__file__).resolve().parents[2] / "shared/api/openapi.yaml").read_text())


def formats(schema):
    """Gives the formats of a schema, behind references and of its alternatives too."""
    if "$ref" in schema:
        target = CONTRACT
        for name in schema["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return formats(target)
    found = {schema["format"]} if "format" in schema else set()
    return found.union(*(formats(one) for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, [])))


def checked(node):
    """Gives the names of members and parameters that have a format which Schemathesis checks."""
    found = set()
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            found |= {name for name, schema in node["properties"].items() if formats(schema) & CHECKED}
        if "in" in node and isinstance(node.get("schema"), dict) and formats(node["schema"]) & CHECKED:
            found.add(node["name"])
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        found |= checked(child)
    return found


NAMES = checked(CONTRACT)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Leaves out what Schemathesis takes for a finding because it doesn't know better:
    - a text was taken of which nothing but the format was to be wrong: where it doesn't know a format, it takes every text to be
      wrong. The functions' own tests hold what each format refuses;
    - a page token was refused beside a filter: where the list was asked for without one, the link's filter is a made-up one, and a
      token is good for its own filter alone;
    - an Idempotency-Key came with another body than before, as the ones that are made up do."""
    kind = type(failure).__name__
    if kind == "AcceptedNegativeData":
        mutations = getattr(case.meta.phase.data, "mutations", ())
        return not mutations or any(m.keywords != ("format",) or m.parameter in NAMES for m in mutations)
    if kind == "RejectedPositiveData" and b'"page_token_invalid"' in response.content:
        return not set(case.query) - {"page_token", "page_size"}
    if kind == "RejectedPositiveData" and b'"idempotency_key_reused"' in response.content:
        return False
    return True
