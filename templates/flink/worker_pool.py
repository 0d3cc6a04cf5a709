"""A pool of Python workers on loopback: Beam's own servicer, which listens everywhere by itself.

    python templates/flink/worker_pool.py 50000

Each TaskManager that asks gets a process of its own; ``--environment_type=EXTERNAL
--environment_config=127.0.0.1:50000`` sends them here.
"""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer


def main() -> None:
    """Serve until a signal comes."""
    server = grpc.server(ThreadPoolExecutor())
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(
        BeamFnExternalWorkerPoolServicer(use_process=True), server
    )
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop(None)


if __name__ == "__main__":
    main()
