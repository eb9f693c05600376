"""Lists the pods of a namespace behind an agent with the kubernetes_asyncio library, and runs `ls -l` in one.

    python pods_behind_an_agent.py AGENT NAMESPACE POD

Server and credential come from BOREALIS_* variables or the context file; needs `borealis-cd[kubernetes]`.
"""

# ruff: noqa: INP001, T201 - a script that prints, not a package

import asyncio
import sys

from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.stream import WsApiClient

import borealis_client
from borealis_client.kubernetes import open_api_client


async def main(agent: str, namespace: str, pod: str) -> None:
    """Pods, then the output of `ls -l` in one of them."""
    async with borealis_client.connect() as borealis, open_api_client(borealis, agent) as api_client:
        pods = await CoreV1Api(api_client).list_namespaced_pod(namespace)
        for found in pods.items:
            print(found.metadata.name, found.status.phase)
        async with WsApiClient(api_client.configuration) as sockets:
            output = await CoreV1Api(sockets).connect_get_namespaced_pod_exec(
                pod,
                namespace,
                command=["ls", "-l"],  # type: ignore[arg-type]  # the library takes a list, and its types do not
                stdout=True,
                stderr=True,
                stdin=False,
                tty=False,
            )
        print(output, end="")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
