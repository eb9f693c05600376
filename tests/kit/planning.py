"""Where steps are planned that need nothing in particular of their deploy file."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.model import DeployFile, Target, Webhook
from borealis_server.domain.planning.conditions import Setting

TARGET: Final = Target(name="prod", account="cluster-1")
SETTING: Final = Setting(
    file=DeployFile(
        application="shop",
        targets=(TARGET,),
        manifests=(),
        strategies={},
        webhooks={"smoke": Webhook(name="smoke", uri="https://jobs.example/run")},
    ),
    target=TARGET,
)
