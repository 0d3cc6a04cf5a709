#!/usr/bin/env python3
"""A Python worker for the TaskManager that starts it, with the packages of the python on its PATH.

    --environment_type=PROCESS --environment_config='{"command": "/path/to/worker.py"}'

Beam's own starter, built for its containers, makes a virtual environment first; here the one that
is there already is taken.
"""

from __future__ import annotations

import argparse
import os

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
from apache_beam.runners.worker.sdk_worker import SdkHarness

PASS_ON_MILLISECONDS = 1000
"""Units are passed on as they are planned; by itself Beam waits for 10 MB of them."""


def main() -> None:
    """Work until the TaskManager has no more, or is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    arguments, _ = parser.parse_known_args()
    with grpc.insecure_channel(arguments.provision_endpoint) as channel:
        told = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel).GetProvisionInfo(
            beam_provision_api_pb2.GetProvisionInfoRequest(),
            metadata=[("worker_id", arguments.id)],
        )
    try:
        SdkHarness(
            told.info.control_endpoint.url,
            worker_id=arguments.id,
            data_buffer_time_limit_ms=PASS_ON_MILLISECONDS,
        ).run()
    finally:
        # Not to the end of the unit in hand: without a TaskManager, nobody waits for it.
        os._exit(0)


if __name__ == "__main__":
    main()
