"""Print what `sam local invoke --config-env ENV` would start each function of a template with: a JSON object by logical ID, of
its code's folder and its environment, as SAM's own classes make them. No container is started and nothing is called."""

import json
import os
import sys

from samcli.cli.types import CfnParameterOverridesType
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.config.samconfig import SamConfig
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider


class WithoutAccount(LocalLambdaRunner):
    """A developer's credentials are no part of what samconfig gives."""

    def get_aws_creds(self):
        return {"region": "us-east-1", "key": "local", "secret": "local", "sessiontoken": "local"}


def main(config, environment, template):
    settings = SamConfig(os.path.dirname(os.path.abspath(config)), os.path.basename(config))
    given = settings.get_all(["local", "invoke"], "parameters", environment)
    overrides = CfnParameterOverridesType().convert(given["parameter_overrides"], None, None)
    stacks, _ = SamLocalStackProvider.get_stacks(template, parameter_overrides=overrides, global_parameter_overrides={"AWS::Region": "us-east-1"})
    functions = {}
    runner = WithoutAccount(None, SamFunctionProvider(stacks), os.path.dirname(os.path.abspath(template)), None)
    for function in SamFunctionProvider(stacks).get_all():
        variables = runner._make_env_vars(function)
        functions[function.name] = {
            "code": os.path.join(os.path.dirname(os.path.abspath(template)), function.name),
            "architecture": function.architecture,
            "timeout": function.timeout,
            "environment": variables.resolve(),
        }
    json.dump(functions, sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
