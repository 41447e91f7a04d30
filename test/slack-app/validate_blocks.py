"""Checks messages and views against Slack's own rules (slack_sdk). Reads JSON lines, prints what is wrong."""

import json
import sys

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View


def known_only(block):
    """parse_all drops what it does not know: nothing may get lost."""
    parsed = Block.parse(block)
    if parsed is None:
        raise ValueError(f"unknown block {block.get('type')}")
    parsed.validate_json()
    return parsed.to_dict()


count = 0
for line in sys.stdin:
    case = json.loads(line)
    count += 1
    try:
        if case["kind"] == "message":
            assert len(case["blocks"]) <= 50, "more than 50 blocks"
            assert len(case["text"]) <= 4000, "text too long"
        else:
            View(**case["view"]).validate_json()
        for block in case["blocks"]:
            known_only(block)
    except Exception as error:  # noqa: BLE001 - whatever it says is the finding
        print(json.dumps({"name": case["name"], "error": f"{type(error).__name__}: {error}"}))
print(json.dumps({"checked": count}))
