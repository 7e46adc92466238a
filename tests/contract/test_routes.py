"""What scripts for the Python product expect of the routes that exist here, area by area. Where the answer differs on
purpose it is in docs/migrating.md."""

import unittest
from datetime import datetime

from endpoint import Endpoint
from studio import PASSWORD, Client, finished, sign_up

EMAIL = "routes@example.org"


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()
        cls.client = sign_up(EMAIL)
        # With several accounts the server asks no local address unless an admin allows it.
        cls.client.ok("PUT", "/api/admin/settings", {"registration": "open", "local_networks": True})
        cls.client.request("POST", "/api/config/provider", json={
            "provider_key": "test_provider", "display_name": "Test Provider", "api_base": cls.endpoint.url,
        })
        cls.client.request("POST", "/api/config/model", json={"provider_key": "test_provider", "id": "my-model"})

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.stop()

    def statuses(self, expected):
        for method, path, body, status in expected:
            answer = self.client.request(method, path, json=body)
            self.assertEqual(answer.status_code, status, f"{method} {path} {body}: {answer.text}")
            if status >= 400:
                # Scripts read one or the other.
                self.assertEqual(answer.json()["error"], answer.json()["detail"])

    def test_auth(self):
        session = Client()
        account = {"email": EMAIL, "password": PASSWORD}
        session.ok("POST", "/api/auth/login", account)
        for path, body, status in [
            ("/api/auth/register", account, 409),
            ("/api/auth/register", {**account, "email": "short@example.org", "password": "abc"}, 400),
            ("/api/auth/register", {**account, "email": "not-an-email"}, 400),
            ("/api/auth/login", account, 200),
            ("/api/auth/login", {**account, "password": "WrongPassword!"}, 401),
            ("/api/auth/login", {**account, "email": "nobody@example.org"}, 401),
            ("/api/auth/logout", None, 200),
        ]:
            answer = session.post(path, json=body)
            self.assertEqual(answer.status_code, status, f"{path}: {answer.text}")
            if status >= 400:
                self.assertEqual(answer.json()["error"], answer.json()["detail"])
        self.assertEqual(Client().status("GET", "/api/auth/me"), 401)
        wrong = Client()
        wrong.headers["Authorization"] = "Bearer invalid.token.here"
        self.assertEqual(wrong.status("GET", "/api/auth/me"), 401)

    def test_server(self):
        self.assertEqual(self.client.ok("GET", "/healthz")["status"], "ok")

    def test_providers_and_models(self):
        model = {"provider_key": "test_provider", "model_id": "my-model"}
        self.statuses([
            ("POST", "/api/config/provider", {"provider_key": "test_provider", "api_base": self.endpoint.url}, 400),
            ("POST", "/api/config/provider", {"display_name": "No key"}, 422),
            ("PUT", "/api/config/provider", {"provider_key": "test_provider", "api_key_env": ""}, 200),
            ("PUT", "/api/config/provider", {"provider_key": "nonexistent_xyz", "display_name": "Ghost"}, 404),
            ("POST", "/api/config/model", {"provider_key": "test_provider", "id": "my-model"}, 400),
            ("POST", "/api/config/model", {"provider_key": "test_provider"}, 400),
            ("PUT", "/api/config/model", {**model, "context_window": "64000"}, 200),
            ("PUT", "/api/config/model", {**model, "model_id": "ghost-model"}, 404),
            ("POST", "/api/config/model", {"provider_key": "test_provider", "id": "delete-me"}, 200),
            ("DELETE", "/api/config/model", {**model, "model_id": "delete-me"}, 200),
            ("DELETE", "/api/config/model", {**model, "model_id": "nope"}, 404),
            ("DELETE", "/api/config/model", {"provider_key": "test_provider"}, 400),
        ])
        config = self.client.ok("GET", "/api/config")
        self.assertEqual(config["defaults"]["runs"], 1)
        for provider in config["providers"].values():
            for name in ("provider_key", "api_base", "api_key_env", "api_key", "model_id_prefix"):
                self.assertIsInstance(provider[name], str, name)

    def test_known_providers_are_there_and_can_be_set_up_once(self):
        new = sign_up("known@example.org")
        new.ok("POST", "/api/config/provider", {"provider_key": "openai", "display_name": "My OpenAI"})
        self.assertEqual(new.status("POST", "/api/config/provider", {"provider_key": "openai"}), 400)
        self.assertIn("My OpenAI", new.ok("GET", "/api/config")["providers"])
        kept = {"provider_key": "my_claude", "model_id_prefix": "anthropic", "api_key_env": "MY_CLAUDE_KEY"}
        new.ok("POST", "/api/config/provider", kept)
        rows = {row["key"]: row for row in new.ok("GET", "/api/v2/providers")}
        self.assertEqual(rows["my_claude"]["kind"], "anthropic")
        self.assertEqual(rows["my_claude"]["api_base"], "https://api.anthropic.com")

    def test_providers_by_row(self):
        new = {"key": "zai", "name": "Zai", "api_base": self.endpoint.url, "api_key_env": "ZAI_API_KEY"}
        row = self.client.ok("POST", "/api/v2/providers", new, 201)
        self.assertEqual(row["api_key_env"], "ZAI_API_KEY")
        datetime.fromisoformat(row["created_at"])
        self.assertEqual(self.client.status("POST", "/api/v2/providers", new), 409)
        model = self.client.ok("POST", f"/api/v2/providers/{row['id']}/models", {
            "litellm_id": "lm_studio/my-model", "display_name": "M", "max_output_tokens": "",
        }, 201)
        self.assertEqual((model["litellm_id"], model["max_output_tokens"]), ("my-model", None))
        datetime.fromisoformat(model["updated_at"])
        self.client.ok("DELETE", f"/api/v2/providers/{row['id']}", status=204)

    def test_keys(self):
        saved = self.client.ok("PUT", "/api/keys", {"provider_key": "standalone_abc", "value": "sk-standalone-test-key"})
        self.assertEqual((saved["status"], saved["provider_key"]), ("ok", "standalone_abc"))
        self.assertIn("key_id", saved)
        keys = {key["provider_key"]: key for key in self.client.ok("GET", "/api/keys")["keys"]}
        self.assertTrue(keys["standalone_abc"]["standalone"] and keys["standalone_abc"]["has_user_key"])
        self.statuses([
            ("PUT", "/api/keys", {"provider_key": "openai", "value": "sk-test-fake-key-1234567890"}, 200),
            ("PUT", "/api/keys", {"value": "sk-something"}, 422),
            ("PUT", "/api/keys", {"provider_key": "openai"}, 422),
            ("DELETE", "/api/keys", {"provider_key": "openai"}, 200),
            ("DELETE", "/api/keys", {"provider_key": "standalone_abc"}, 200),
            ("DELETE", "/api/keys", {"provider_key": "standalone_abc"}, 404),
            ("DELETE", "/api/keys", {}, 400),
        ])

    def test_benchmark_refusals(self):
        good = {"models": ["my-model"], "runs": 1}
        self.statuses([
            ("POST", "/api/benchmark", {"models": [], "runs": 1}, 422),
            ("POST", "/api/benchmark", {**good, "runs": 25}, 422),
            ("POST", "/api/benchmark", {**good, "temperature": 3.0}, 422),
            ("POST", "/api/benchmark", {**good, "max_tokens": 200000}, 422),
            ("POST", "/api/benchmark", {"models": ["gone"]}, 422),
            ("POST", "/api/benchmark/cancel", {}, 200),
            ("POST", "/api/benchmark/cancel", None, 200),
            ("GET", "/api/history/nonexistent-id", None, 404),
            ("DELETE", "/api/history/nonexistent-id", None, 404),
        ])
        longest = {**good, "max_tokens": 128000, "profiles": None}
        job = self.client.ok("POST", "/api/benchmark", longest)["job_id"]
        self.assertEqual(finished(self.client, job)["status"], "done")

    def test_an_id_that_two_providers_have_means_both(self):
        second = {"provider_key": "second", "display_name": "Second", "api_base": self.endpoint.url}
        self.client.ok("POST", "/api/config/provider", second)
        self.client.ok("POST", "/api/config/model", {"provider_key": "second", "id": "my-model"})
        job = self.client.ok("POST", "/api/benchmark", {"models": ["my-model", "my-model"], "warmup": False})["job_id"]
        finished(self.client, job)
        results = self.client.ok("GET", f"/api/history/{job}")["results"]
        self.assertEqual({"test_provider", "second"} & {row["provider_key"] for row in results}, {"test_provider", "second"})
        self.client.ok("DELETE", "/api/config/provider", {"provider_key": "second"})

    def test_jobs(self):
        self.assertIn("jobs", self.client.ok("GET", "/api/jobs?limit=500"))
        self.assertEqual(self.client.ok("GET", "/api/jobs?status=completed")["jobs"], [])
        self.statuses([
            ("GET", "/api/jobs?status=done,failed", None, 200),
            ("GET", "/api/jobs/nonexistent", None, 404),
            ("POST", "/api/jobs/nonexistent/cancel", None, 404),
            ("GET", "/api/jobs?limit=abc", None, 422),
        ])
        active = self.client.ok("GET", "/api/admin/jobs")["jobs"]
        self.assertTrue(all(job["status"] in {"pending", "queued", "running", "interrupted"} for job in active))

    def test_prompt_templates(self):
        own = {"key": "my_template", "category": "my own category", "prompt": "Do it."}
        self.client.ok("POST", "/api/config/prompts", own)
        saved = self.client.ok("GET", "/api/config/prompts")["my_template"]
        self.assertEqual((saved["label"], saved["category"]), ("my_template", "general"))
        self.statuses([
            ("POST", "/api/config/prompts", {"key": "not a key", "prompt": "Do it."}, 400),
            ("POST", "/api/config/prompts", {"key": "empty"}, 400),
            ("POST", "/api/config/prompts", {"key": "recursion", "prompt": "Mine"}, 400),
        ])

    def test_parameters(self):
        judge = "/api/provider-params/validate"
        verdict = self.client.ok("POST", judge, {
            "provider_key": "openai", "model_id": "gpt-4o-mini", "params": {"temperature": 0.5},
        })
        self.assertEqual((verdict["valid"], verdict["has_warnings"]), (True, False))
        self.assertEqual(verdict["resolved_params"], {"temperature": 0.5})
        self.assertEqual(verdict["adjustments"], [])
        by_prefix = self.client.ok("POST", judge, {"model_id": "anthropic/claude-haiku-4-5", "params": {"seed": 1}})
        self.assertEqual([change["param"] for change in by_prefix["adjustments"]], ["seed"])
        self.client.ok("POST", judge, {"provider_key": "nobody-knows", "model_id": "m", "params": {"top_p": 0.9}})
        registry = self.client.ok("GET", "/api/provider-params/registry")["providers"]["openai"]
        self.assertIn("temperature", registry["tier1"])
        self.assertTrue(registry["tier2"]["top_p"]["supported"])
        self.assertFalse(registry["tier2"]["top_k"]["supported"])
        seed = self.client.ok("POST", "/api/param-support/seed")
        self.assertTrue(seed["provider_defaults"]["openai"]["params"]["top_p"]["enabled"])
        self.assertIn("search_space", seed["presets"][0])

    def test_administration(self):
        other = sign_up("other@example.org")
        user = f"/api/admin/users/{other.user['id']}"
        self.statuses([
            ("PUT", f"/api/admin/users/{self.client.user['id']}/role", {"role": "user"}, 400),
            ("PUT", f"{user}/role", {"role": "superuser"}, 400),
            ("PUT", f"{user}/role", {}, 400),
            ("PUT", f"{user}/role", {"role": "user"}, 200),
            ("PUT", f"{user}/rate-limit", {"max_concurrent": 2}, 200),
        ])
        # The role did not change, so the session goes on.
        other.ok("GET", "/api/auth/me")
        limit = self.client.ok("GET", f"{user}/rate-limit")
        self.assertEqual((limit["max_concurrent"], limit["max_runs_per_benchmark"]), (2, 20))
        self.assertEqual(other.status("GET", "/api/admin/users"), 403)
        listed = self.client.ok("GET", "/api/admin/users")["users"]
        datetime.fromisoformat(listed[0]["created_at"])
        datetime.fromisoformat(listed[0]["last_login"] or listed[0]["created_at"])

    def test_onboarding(self):
        self.assertIn("completed", self.client.ok("GET", "/api/onboarding/status"))
        self.client.ok("POST", "/api/onboarding/complete")
        self.assertTrue(self.client.ok("GET", "/api/onboarding/status")["completed"])


if __name__ == "__main__":
    unittest.main()
