"""Prints template.yaml as CloudFormation gets it: after the SAM transform, which cfn-lint's own run leaves partly unread."""

import json
import sys

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def main(path: str) -> None:
    with open(path, encoding="utf-8") as source:
        template = yaml_parse(source.read())
    # Before `sam package` these are paths; the transform wants the objects that they will have become.
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = "s3://bucket/" + properties["CodeUri"].strip("/")
        if resource["Type"] == "AWS::Serverless::Application":
            properties["Location"] = "https://s3.amazonaws.com/bucket/" + properties["Location"]
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    json.dump(translator.translate(template, {}), sys.stdout, indent=1, sort_keys=True)


main(sys.argv[1])
