"""The layers that every function runs on."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.components.house.sources import Sources

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


class Layers(Construct):
    """Our library, the locked dependencies, and the stage's extensions if it has any.

    Each stack has layers of its own, from the same assets. The reference to a layer of another stack does not change
    with the layer's content, and functions would stay on the old version.
    """

    def __init__(self, scope: Construct, construct_id: str, *, sources: Sources) -> None:
        super().__init__(scope, construct_id)
        self.versions: list[lambda_.ILayerVersion] = [
            self._layer("Countersign", sources.layer_of_our_code(), "The countersign library"),
            self._layer("Vendor", sources.layer_of_dependencies(), "The locked dependencies, pure Python"),
        ]
        extensions = sources.layer_of_extensions()
        if extensions:
            self.versions.append(self._layer("Extensions", extensions, "Providers and schemas of this fork"))

    def _layer(self, construct_id: str, code: lambda_.Code, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=code,
            description=description,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            # Lambda keeps a deleted layer for the function versions that use it.
            removal_policy=RemovalPolicy.DESTROY,
        )
