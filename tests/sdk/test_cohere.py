"""The official `cohere` package against the mock."""

import json

import cohere
from cohere.core import RequestOptions
from common import (
    ARGUMENTS, BROKEN_STREAM, INPUT_TOKENS, LISTED, PROMPT, RATE_LIMITED, REASONING, ROOT, SCHEMA, SHORT, TOOL, SdkTest,
)

client = cohere.ClientV2(base_url=ROOT, api_key="unused")
MESSAGES = [{"role": "user", "content": PROMPT}]
TOOLS = [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]
ONCE = RequestOptions(max_retries=0)


class Cohere(SdkTest):
    def test_whole_answer(self):
        answer = client.chat(model=REASONING, messages=MESSAGES)
        thinking, text = answer.message.content
        self.assert_words(thinking.thinking, 5)
        self.assert_words(text.text, 10)
        self.assertEqual(answer.finish_reason, "COMPLETE")
        self.assertEqual((answer.usage.tokens.input_tokens, answer.usage.tokens.output_tokens), (INPUT_TOKENS, 15))

    def test_stream(self):
        events = list(client.chat_stream(model=SHORT, messages=MESSAGES))
        deltas = [event.delta.message.content.text for event in events if event.type == "content-delta"]
        self.assertEqual(len(deltas), 10)
        self.assertEqual(events[-1].type, "message-end")
        self.assertEqual(events[-1].delta.usage.tokens.output_tokens, 10)

    def test_maximum(self):
        answer = client.chat(model=SHORT, messages=MESSAGES, max_tokens=4)
        self.assert_words(answer.message.content[0].text, 4)
        self.assertEqual(answer.finish_reason, "MAX_TOKENS")

    def test_tools(self):
        answer = client.chat(model=SHORT, messages=MESSAGES, tools=TOOLS, tool_choice="REQUIRED")
        (call,) = answer.message.tool_calls
        self.assertEqual((call.function.name, json.loads(call.function.arguments)), (TOOL, ARGUMENTS))
        self.assertEqual(answer.finish_reason, "TOOL_CALL")

    def test_streamed_tools(self):
        events = list(client.chat_stream(model=SHORT, messages=MESSAGES, tools=TOOLS, tool_choice="REQUIRED"))
        (start,) = [event for event in events if event.type == "tool-call-start"]
        pieces = [
            event.delta.message.tool_calls.function.arguments for event in events if event.type == "tool-call-delta"
        ]
        self.assertEqual(start.delta.message.tool_calls.function.name, TOOL)
        self.assertEqual(json.loads("".join(pieces)), ARGUMENTS)

    def test_rate_limit(self):
        with self.assertRaises(cohere.TooManyRequestsError) as raised:
            client.chat(model=RATE_LIMITED, messages=MESSAGES, request_options=ONCE)
        self.assertEqual(raised.exception.status_code, 429)

    def test_error_in_the_stream(self):
        events = list(client.chat_stream(model=BROKEN_STREAM, messages=MESSAGES))
        self.assertEqual(len([event for event in events if event.type == "content-delta"]), 3)
        self.assertEqual(events[-1].delta.finish_reason, "ERROR")

    def test_models(self):
        listed = client.models.list(endpoint="chat")
        self.assertEqual({model.name for model in listed.models}, LISTED)
