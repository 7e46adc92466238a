"""The official `openai` package against the mock."""

import json

import openai
from common import (
    ARGUMENTS, BROKEN_STREAM, INPUT_TOKENS, LISTED, PROMPT, RATE_LIMITED, REASONING, ROOT, SCHEMA, SHORT, TOOL, SdkTest,
)

client = openai.OpenAI(base_url=f"{ROOT}/v1", api_key="unused", max_retries=0)
MESSAGES = [{"role": "user", "content": PROMPT}]
TOOLS = [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]


class OpenAI(SdkTest):
    def test_whole_answer(self):
        answer = client.chat.completions.create(model=SHORT, messages=MESSAGES)
        self.assert_words(answer.choices[0].message.content, 10)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.usage.prompt_tokens, INPUT_TOKENS)
        self.assertEqual(answer.usage.completion_tokens, 10)
        self.assertEqual(answer.usage.total_tokens, INPUT_TOKENS + 10)

    def test_stream(self):
        with client.chat.completions.stream(
            model=REASONING, messages=MESSAGES, stream_options={"include_usage": True}
        ) as stream:
            deltas = [event.delta for event in stream if event.type == "content.delta" and event.delta]
            answer = stream.get_final_completion()
        self.assertEqual(len(deltas), 10)
        self.assertEqual("".join(deltas), answer.choices[0].message.content)
        self.assertEqual(answer.usage.completion_tokens, 15)
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 5)

    def test_maximum(self):
        answer = client.chat.completions.create(model=SHORT, messages=MESSAGES, max_completion_tokens=4)
        self.assert_words(answer.choices[0].message.content, 4)
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_tools(self):
        answer = client.chat.completions.create(
            model=SHORT, messages=MESSAGES, tools=TOOLS,
            tool_choice={"type": "function", "function": {"name": TOOL}},
        )
        (call,) = answer.choices[0].message.tool_calls
        self.assertEqual((call.function.name, json.loads(call.function.arguments)), (TOOL, ARGUMENTS))
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")

    def test_streamed_tools(self):
        with client.chat.completions.stream(
            model=SHORT + ",tools=2", messages=MESSAGES, tools=TOOLS
        ) as stream:
            pieces = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
            answer = stream.get_final_completion()
        calls = answer.choices[0].message.tool_calls
        self.assertGreater(len(pieces), 2)
        self.assertEqual([json.loads(call.function.arguments) for call in calls], [ARGUMENTS] * 2)
        self.assertEqual(len({call.id for call in calls}), 2)

    def test_rate_limit(self):
        with self.assertRaises(openai.RateLimitError) as raised:
            client.chat.completions.create(model=RATE_LIMITED, messages=MESSAGES)
        self.assertEqual(raised.exception.response.headers["retry-after"], "2")

    def test_error_in_the_stream(self):
        received = []
        with self.assertRaises(openai.APIError):
            for chunk in client.chat.completions.create(model=BROKEN_STREAM, messages=MESSAGES, stream=True):
                received.append(chunk.choices[0].delta.content)
        self.assertEqual(len(received), 4, "the role's empty text and three tokens")

    def test_models(self):
        self.assertEqual({model.id for model in client.models.list()}, LISTED)
