"""`python -m borealis_sandbox`: runs one simulated cluster until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from borealis_sandbox.cluster import SandboxCluster


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(
        prog="borealis sandbox", description="A simulated Kubernetes API; runs no containers."
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="folder for the kubeconfig; made if missing")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--speed", type=_speed, default=1.0, help="simulated seconds per second (default: 1)")
    options = parser.parse_args()
    options.data_dir.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(options.data_dir, port=options.port, speed=options.speed))


async def serve(data_dir: Path, *, port: int, speed: float) -> None:
    """Run a cluster until SIGINT or SIGTERM; once it prints that it is ready, its kubeconfig is in `data_dir`."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with SandboxCluster(port=port, speed=speed) as cluster:
        kubeconfig = cluster.kubeconfig(data_dir / "kubeconfig")
        print(f"sandbox ready: {cluster.url} (kubeconfig: {kubeconfig})", flush=True)  # noqa: T201 - the one line it prints
        await stop.wait()


def _speed(text: str) -> float:
    speed = float(text)
    if speed <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return speed


if __name__ == "__main__":
    main()
