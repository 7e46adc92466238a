"""The official `anthropic` package against the mock."""

import anthropic
from common import (
    ARGUMENTS, BROKEN_STREAM, INPUT_TOKENS, LISTED, PROMPT, RATE_LIMITED, REASONING, ROOT, SCHEMA, SHORT, TOOL, SdkTest,
)

client = anthropic.Anthropic(base_url=ROOT, api_key="unused", max_retries=0)
MESSAGES = [{"role": "user", "content": PROMPT}]
TOOLS = [{"name": TOOL, "input_schema": SCHEMA}]


class Anthropic(SdkTest):
    def test_whole_answer(self):
        answer = client.messages.create(model=REASONING, messages=MESSAGES, max_tokens=100)
        thinking, text = answer.content
        self.assertEqual((thinking.type, text.type), ("thinking", "text"))
        self.assert_words(thinking.thinking, 5)
        self.assert_words(text.text, 10)
        self.assertEqual(answer.stop_reason, "end_turn")
        self.assertEqual((answer.usage.input_tokens, answer.usage.output_tokens), (INPUT_TOKENS, 15))

    def test_stream(self):
        with client.messages.stream(model=REASONING + ",cached=1", messages=MESSAGES, max_tokens=100) as stream:
            deltas = list(stream.text_stream)
            answer = stream.get_final_message()
        self.assertEqual(len(deltas), 10)
        self.assertEqual("".join(deltas), answer.content[1].text)
        self.assertTrue(answer.content[0].signature)
        self.assertEqual((answer.usage.input_tokens, answer.usage.cache_read_input_tokens), (INPUT_TOKENS - 1, 1))
        self.assertEqual(answer.usage.output_tokens, 15)

    def test_maximum(self):
        answer = client.messages.create(model=SHORT, messages=MESSAGES, max_tokens=4)
        self.assert_words(answer.content[0].text, 4)
        self.assertEqual(answer.stop_reason, "max_tokens")

    def test_tools(self):
        answer = client.messages.create(
            model=SHORT, messages=MESSAGES, max_tokens=100, tools=TOOLS, tool_choice={"type": "any"}
        )
        (call,) = answer.content
        self.assertEqual((call.name, call.input), (TOOL, ARGUMENTS))
        self.assertEqual(answer.stop_reason, "tool_use")

    def test_streamed_tools(self):
        with client.messages.stream(
            model=SHORT, messages=MESSAGES, max_tokens=100, tools=TOOLS,
            tool_choice={"type": "tool", "name": TOOL},
        ) as stream:
            pieces = [event for event in stream if event.type == "input_json"]
            (call,) = stream.get_final_message().content
        self.assertGreater(len(pieces), 2)
        self.assertEqual((call.name, call.input), (TOOL, ARGUMENTS))

    def test_rate_limit(self):
        with self.assertRaises(anthropic.RateLimitError) as raised:
            client.messages.create(model=RATE_LIMITED, messages=MESSAGES, max_tokens=100)
        self.assertEqual(raised.exception.response.headers["retry-after"], "2")

    def test_error_in_the_stream(self):
        received = []
        with self.assertRaises(anthropic.APIError):
            with client.messages.stream(model=BROKEN_STREAM, messages=MESSAGES, max_tokens=100) as stream:
                for text in stream.text_stream:
                    received.append(text)
        self.assertEqual(len(received), 3)

    def test_models(self):
        self.assertEqual({model.id for model in client.models.list()}, LISTED)
