"""A user's script for the Python product, step by step, as its manual describes them. What differs on purpose is in
docs/migrating.md, and so are the routes that do not exist yet."""

import json
import unittest
from datetime import datetime

from websockets.exceptions import ConnectionClosed

from endpoint import Endpoint
from studio import PASSWORD, Client, bearer, events_until, finished, open_socket, sign_up

EMAIL = "script@example.org"
KEY = "sk-of-the-script-0123456789"
RESULT_FIELDS = {
    "type", "provider", "model", "model_id", "run", "runs", "context_tokens", "ttft_ms", "total_time_s",
    "output_tokens", "input_tokens", "tokens_per_second", "input_tokens_per_second", "success", "error", "cost",
}
JOB_FIELDS = {
    "id", "user_id", "job_type", "status", "progress_pct", "progress_detail", "params_json", "result_ref",
    "error_msg", "created_at", "started_at", "completed_at",
}
ENTRY_FIELDS = {
    "id", "timestamp", "prompt", "context_tiers", "max_tokens", "temperature", "warmup", "metadata", "config", "results",
}
ROW_FIELDS = {
    "model_id", "model", "provider", "context_tokens", "runs", "avg_tokens_per_second", "avg_ttft_ms",
    "avg_total_time_s", "avg_input_tokens_per_second", "avg_output_speed_tps", "avg_itl_ms", "std_dev_tps",
    "success_count", "error_count", "error", "confidence_level",
}


class Script(unittest.TestCase):
    """The steps run in the order of their names and share their state."""

    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()
        cls.client = sign_up(EMAIL)

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.stop()

    def test_01_sign_in_again_and_refresh_with_the_same_session(self):
        session = Client()
        account = {"email": EMAIL, "password": PASSWORD}
        for _ in range(2):
            session.ok("POST", "/api/auth/login", account)
        session.ok("POST", "/api/auth/refresh")
        session.ok("POST", "/api/auth/login", account)
        session.ok("POST", "/api/auth/logout")

    def test_02_json_without_a_content_type(self):
        account = json.dumps({"email": EMAIL, "password": PASSWORD})
        session = Client()
        self.assertEqual(session.post("/api/auth/login", data=account).status_code, 200)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(session.post("/api/auth/login", data=account, headers=form).status_code, 200)
        foreign = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
        self.assertEqual(session.post("/api/auth/login", data=account, headers=foreign).status_code, 403)

    def test_03_the_provider_of_the_manual(self):
        self.client.ok("PUT", "/api/keys", {"provider_key": "my_provider", "value": KEY})
        kept = self.key_of("my_provider")
        self.assertTrue(kept["standalone"] and kept["has_user_key"])
        added = self.client.ok("POST", "/api/config/provider", {
            "provider_key": "my_provider", "display_name": "My Provider", "api_base": self.endpoint.url,
            "api_key_env": "MY_API_KEY", "model_id_prefix": "openai",
        })
        self.assertEqual(added, {"status": "ok", "provider_key": "my_provider"})
        bound = self.key_of("my_provider")
        self.assertFalse(bound["standalone"])
        self.assertTrue(bound["has_user_key"])
        self.assertEqual(bound["key_env_name"], "MY_API_KEY")
        datetime.fromisoformat(bound["user_key_updated_at"])

    def key_of(self, provider):
        keys = self.client.ok("GET", "/api/keys")["keys"]
        return next(key for key in keys if key["provider_key"] == provider)

    def test_04_models_with_and_without_the_prefix_of_litellm(self):
        add = {"provider_key": "my_provider", "display_name": "My Model", "context_window": "32000"}
        self.assertEqual(self.client.ok("POST", "/api/config/model", {**add, "id": "openai/my-model"})["model_id"], "my-model")
        self.assertEqual(self.client.status("POST", "/api/config/model", {**add, "id": "my-model"}), 400)
        found = self.client.ok("GET", "/api/models/discover?provider_key=my_provider")
        self.assertEqual([model["id"] for model in found["models"]], ["my-model", "other-model"])
        detected = self.client.ok("GET", "/api/lm-studio/detect?provider_key=my_provider")
        self.assertEqual((detected["available"], detected["backend_type"]), (True, "unknown"))
        provider = self.client.ok("GET", "/api/config")["providers"]["My Provider"]
        self.assertEqual(provider["api_key_env"], "MY_API_KEY")
        self.assertEqual(provider["models"][0]["display_name"], "My Model")

    def test_05_custom_fields_are_kept_and_never_sent(self):
        which = {"provider_key": "my_provider", "model_id": "openai/my-model"}
        change = {
            **which, "custom_fields": {"note": "x"}, "input_cost_per_mtok": 2, "max_output_tokens": "", "display_name": "",
        }
        self.client.ok("PUT", "/api/config/model", change)
        model = self.client.ok("GET", "/api/config")["providers"]["My Provider"]["models"][0]
        self.assertEqual(model["custom_fields"], {"note": "x"})
        self.assertEqual((model["input_cost_per_mtok"], model["output_cost_per_mtok"]), (2, 0))
        self.assertEqual(model["display_name"], "my-model")

    def test_06_a_token_in_the_address_is_refused_with_both_ways(self):
        with open_socket(self.client, f"?token={bearer(self.client)}") as socket:
            with self.assertRaises(ConnectionClosed) as closed:
                socket.recv(timeout=30)
        self.assertEqual(closed.exception.rcvd.code, 4001)
        self.assertIn("bearer.TOKEN", closed.exception.rcvd.reason)
        self.assertIn("/api/auth/ws-ticket", closed.exception.rcvd.reason)

    def test_07_the_ways_to_open_a_socket(self):
        token = bearer(self.client)
        cli = self.client.ok("POST", "/api/auth/cli-token")["token"]
        for of in (token, cli):
            with open_socket(self.client, subprotocols=["llm-studio", f"bearer.{of}"], origin="https://elsewhere.example") as socket:
                self.assertEqual(socket.subprotocol, "llm-studio")
                self.assertEqual(json.loads(socket.recv(timeout=30))["type"], "sync")
        ticket = self.client.ok("POST", "/api/auth/ws-ticket")
        self.assertEqual(ticket["expires_in_seconds"], 30)
        path = f"?ticket={ticket['ticket']}"
        with open_socket(self.client, path) as socket:
            self.assertEqual(json.loads(socket.recv(timeout=30))["type"], "sync")
        with open_socket(self.client, path) as socket:
            with self.assertRaises(ConnectionClosed) as closed:
                socket.recv(timeout=30)
        self.assertEqual(closed.exception.rcvd.code, 4001)

    def test_08_a_closed_socket_is_closed_properly(self):
        socket = open_socket(self.client)
        socket.recv(timeout=30)
        socket.close()
        # 1006 would mean that the connection ended without the server's close frame.
        self.assertEqual(socket.close_code, 1000)

    def test_09_start_and_watch(self):
        cls = type(self)
        self.endpoint.requests()
        with open_socket(self.client) as socket:
            first = json.loads(socket.recv(timeout=30))
            self.assertEqual(first["type"], "sync")
            started = self.client.ok("POST", "/api/benchmark", {
                "targets": [{"provider_key": "my_provider", "model_id": "openai/my-model"}],
                "prompt": "Say hello", "runs": 3, "max_tokens": 16, "temperature": 0.7, "context_tiers": [0, 100],
                "warmup": True, "timeout": 60, "note": "a field of a newer version",
            })
            self.assertEqual(started["status"], "submitted")
            self.assertEqual(started["warnings"], ["`note` is not known and was ignored."])
            cls.job = started["job_id"]
            cls.events = events_until(socket, {"job_completed", "job_failed"}, cls.job)
        order = [event["type"] for event in cls.events if event["type"] != "job_progress"]
        self.assertEqual(order[:3], ["job_created", "job_started", "benchmark_init"])
        self.assertEqual(order[-1], "job_completed")
        self.assertTrue({"benchmark_progress", "benchmark_result"} <= set(order))
        datetime.fromisoformat(cls.events[0]["created_at"])
        progress = [event["progress_pct"] for event in cls.events if event["type"] == "job_progress"]
        self.assertTrue(all(isinstance(percent, int) for percent in progress), progress)

    def test_10_results_of_the_socket(self):
        results = [event["data"] for event in self.events if event["type"] == "benchmark_result"]
        self.assertEqual(len(results), 6)
        for result in results:
            self.assertTrue(RESULT_FIELDS <= set(result), RESULT_FIELDS - set(result))
            self.assertEqual((result["type"], result["runs"], result["error"]), ("result", 3, ""))
            line = f"{result['model']} run {result['run']}/{result['runs']}: {result['tokens_per_second']:.1f} tok/s"
            self.assertIn("my-model run", line)
        self.assertEqual([result["run"] for result in results], [1, 2, 3, 1, 2, 3])
        self.assertEqual(self.events[-1]["result_ref"], self.job)

    def test_11_the_endpoint_got_the_bare_model_the_key_and_nothing_else(self):
        sent = self.endpoint.requests()
        # Six runs, and a warm-up for each context size: docs/migrating.md.
        self.assertEqual(len(sent), 8)
        for headers, body in sent:
            self.assertEqual(body["model"], "my-model")
            self.assertEqual(headers["authorization"], f"Bearer {KEY}")
            self.assertNotIn("note", body)
            self.assertNotIn("custom_fields", body)

    def test_12_the_job(self):
        job = finished(self.client, self.job)
        self.assertTrue(JOB_FIELDS <= set(job), JOB_FIELDS - set(job))
        self.assertEqual((job["status"], job["progress_pct"], job["error_msg"]), ("done", 100, None))
        self.assertEqual(job["user_id"], self.client.user["id"])
        begun, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "completed_at"))
        self.assertLessEqual(begun, ended)
        self.assertIsInstance(job["created_at_ms"], int)
        with open_socket(self.client) as socket:
            listed = json.loads(socket.recv(timeout=30))["recent_jobs"][0]
        self.assertTrue(JOB_FIELDS - {"params_json"} <= set(listed), listed)

    def test_13_the_entry_of_the_history(self):
        entry = self.client.ok("GET", f"/api/history/{self.job}")
        self.assertTrue(ENTRY_FIELDS <= set(entry), ENTRY_FIELDS - set(entry))
        self.assertEqual((entry["config"]["runs"], entry["config"]["models"]), (3, ["my-model"]))
        self.assertEqual(entry["prompt"], "Say hello")
        datetime.fromisoformat(entry["timestamp"].replace("Z", "+00:00"))
        speeds = []
        for row in entry["results"]:
            self.assertTrue(ROW_FIELDS <= set(row), ROW_FIELDS - set(row))
            speeds.append(row["avg_tokens_per_second"])
            self.assertTrue(f"{row['model']}: {row['avg_tokens_per_second']:.1f} ± {row['std_dev_tps']:.2f}")
        self.assertEqual(speeds, sorted(speeds, reverse=True))
        listed = self.client.ok("GET", "/api/history")["runs"][0]
        self.assertEqual(listed["id"], self.job)
        self.assertEqual([row["context_tokens"] for row in listed["results"]], [row["context_tokens"] for row in entry["results"]])

    def test_14_one_run_unless_more_are_asked_for(self):
        self.endpoint.requests()
        started = self.client.ok("POST", "/api/benchmark", {
            "models": ["openai/my-model", "my-model", "gone-model"], "warmup": False, "max_tokens": 16,
            "provider_params": {"temperature": 0.5},
        })
        self.assertEqual([skipped["model"] for skipped in started["skipped"]], ["gone-model"])
        self.assertIn("gone-model", started["skipped"][0]["reason"])
        self.assertEqual(finished(self.client, started["job_id"])["status"], "done")
        sent = [body for _, body in self.endpoint.requests()]
        self.assertEqual([body["temperature"] for body in sent], [0.5])
        entry = self.client.ok("GET", f"/api/history/{started['job_id']}")
        self.assertEqual(entry["temperature"], 0.5)

    def test_15_all_models_of_the_configuration(self):
        providers = self.client.ok("GET", "/api/config")["providers"].values()
        targets = [
            {"provider_key": provider["provider_key"], "model_id": model["model_id"]}
            for provider in providers for model in provider["models"] if provider["provider_key"] != "demo"
        ]
        body = {"targets": targets, "warmup": False, "max_tokens": 16}
        started = self.client.ok("POST", "/api/benchmark", body)
        self.assertEqual(len(started["skipped"]), len(targets) - 1)
        self.assertTrue(all("no API key" in skipped["reason"] for skipped in started["skipped"]), started)
        ready = [provider["provider_key"] for provider in providers if provider["ready"]]
        self.assertEqual(sorted(ready), ["demo", "my_provider"])
        finished(self.client, started["job_id"])

    def test_16_cancel(self):
        slow = {"runs": 20, "max_tokens": 4096}
        models = self.client.ok("GET", "/api/config")["providers"]["Demo (simulated)"]["models"]
        slow["targets"] = [{"provider_key": "demo", "model_id": models[-1]["model_id"]}]
        first, second = (self.client.ok("POST", "/api/benchmark", slow)["job_id"] for _ in range(2))
        answer = self.client.ok("POST", f"/api/jobs/{second}/cancel")
        self.assertEqual((answer["status"], answer["state"]), ("ok", "cancelled"))
        third = self.client.ok("POST", "/api/benchmark", slow)["job_id"]
        self.assertEqual(self.client.ok("POST", "/api/benchmark/cancel", {})["status"], "ok")
        self.assertEqual(finished(self.client, first)["status"], "cancelled")
        # Without an id only one is cancelled.
        self.assertIn(self.client.ok("GET", f"/api/jobs/{third}")["status"], {"queued", "running"})
        self.client.ok("POST", f"/api/jobs/{third}/cancel")
        finished(self.client, third)

    def test_17_report_results_of_another_program(self):
        result = {"provider": "my_provider", "model_id": "openai/my-model", "ttft_ms": 10, "total_time_s": 1}
        kept = self.client.ok("POST", "/api/benchmark/direct-results", {"results": [result, result]})
        self.assertEqual((kept["saved"], kept["skipped"]), (2, 0))

    def test_18_routes_that_do_not_exist_yet(self):
        for path in ("/api/export/history", f"/api/export/run/{self.job}", "/api/export/leaderboard",
                     "/api/export/settings", "/api/analytics/leaderboard"):
            self.assertEqual(self.client.status("GET", path), 404, path)


if __name__ == "__main__":
    unittest.main()
