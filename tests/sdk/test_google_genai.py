"""The official `google-genai` package against the mock."""

from common import (
    ARGUMENTS, BROKEN_STREAM, INPUT_TOKENS, LISTED, PROMPT, RATE_LIMITED, REASONING, ROOT, SCHEMA, SHORT, TOOL, SdkTest,
)
from google import genai
from google.genai import errors, types

client = genai.Client(
    api_key="unused",
    http_options=types.HttpOptions(base_url=ROOT, retry_options=types.HttpRetryOptions(attempts=1)),
)
TOOLS = [types.Tool(function_declarations=[{"name": TOOL, "parameters_json_schema": SCHEMA}])]


def calling(mode, **more):
    return types.GenerateContentConfig(
        tools=TOOLS,
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode=mode, **more)),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


class GoogleGenai(SdkTest):
    def test_whole_answer(self):
        answer = client.models.generate_content(model=REASONING, contents=PROMPT)
        self.assert_words(answer.text, 10)
        self.assertEqual(answer.candidates[0].finish_reason, types.FinishReason.STOP)
        self.assertEqual(answer.usage_metadata.prompt_token_count, INPUT_TOKENS)
        self.assertEqual(answer.usage_metadata.candidates_token_count, 10)
        self.assertEqual(answer.usage_metadata.thoughts_token_count, 5)

    def test_stream(self):
        chunks = list(client.models.generate_content_stream(model=REASONING, contents=PROMPT))
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts if part.text]
        self.assertEqual(len([part for part in parts if part.thought]), 5)
        self.assertEqual(len([part for part in parts if not part.thought]), 10)
        self.assertEqual(chunks[-1].usage_metadata.total_token_count, INPUT_TOKENS + 15)

    def test_maximum(self):
        config = types.GenerateContentConfig(max_output_tokens=4)
        answer = client.models.generate_content(model=SHORT, contents=PROMPT, config=config)
        self.assert_words(answer.text, 4)
        self.assertEqual(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)

    def test_tools(self):
        config = calling("ANY", allowed_function_names=[TOOL])
        answer = client.models.generate_content(model=SHORT, contents=PROMPT, config=config)
        (call,) = answer.function_calls
        self.assertEqual((call.name, call.args), (TOOL, ARGUMENTS))

    def test_streamed_tools(self):
        chunks = client.models.generate_content_stream(
            model=SHORT + ",tools=2", contents=PROMPT, config=calling("AUTO")
        )
        calls = [call for chunk in chunks for call in chunk.function_calls or []]
        self.assertEqual([(call.name, call.args) for call in calls], [(TOOL, ARGUMENTS)] * 2)

    def test_rate_limit(self):
        with self.assertRaises(errors.ClientError) as raised:
            client.models.generate_content(model=RATE_LIMITED, contents=PROMPT)
        self.assertEqual((raised.exception.code, raised.exception.status), (429, "RESOURCE_EXHAUSTED"))

    def test_error_in_the_stream(self):
        received = []
        with self.assertRaises(errors.APIError):
            for chunk in client.models.generate_content_stream(model=BROKEN_STREAM, contents=PROMPT):
                received.append(chunk.text)
        self.assertEqual(len(received), 3)

    def test_models(self):
        self.assertEqual({model.name for model in client.models.list()}, {f"models/{id}" for id in LISTED})
