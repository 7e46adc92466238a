"""Shared by the tests of all SDKs: the mock's URL and the requests."""

import os
import unittest

ROOT = os.environ["MOCK_URL"]

# : Ten tokens of text, reported in the usage.
SHORT = "mock/ttft=5,gap=1,tokens=10"
REASONING = "mock/ttft=5,gap=1,tokens=10,reasoning=5"
RATE_LIMITED = "mock/error=429"
BROKEN_STREAM = "mock/ttft=5,gap=1,error=stream,error_after=3"

#: Twelve bytes: the mock counts three tokens.
PROMPT = "Say 12 bytes"
INPUT_TOKENS = 3

TOOL = "get_weather"
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Name of the city"},
        "days": {"type": "integer", "minimum": 2},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "days"],
}
ARGUMENTS = {"city": "simulated city", "days": 2}

LISTED = {"mock", "demo-fast", "demo-steady", "demo-reasoning", "demo-flaky"}


class SdkTest(unittest.TestCase):
    def assert_words(self, text, count):
        self.assertEqual(len(text.split()), count, text)
