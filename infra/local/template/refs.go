package template

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// ref evaluates !Ref.
func (t *Template) ref(at *yaml.Node, name string) (any, error) {
	switch name {
	case "AWS::NoValue":
		return absent{}, nil
	case "AWS::Region":
		return Region, nil
	case "AWS::AccountId":
		return AccountID, nil
	case "AWS::Partition":
		return Partition, nil
	case "AWS::URLSuffix":
		return URLSuffix, nil
	case "AWS::StackName":
		return StackName, nil
	case "AWS::StackId":
		return StackID, nil
	}
	if v, ok := t.parameters[name]; ok {
		return v, nil
	}
	if r := t.resources[name]; r != nil {
		return t.physicalID(r)
	}
	// What SAM makes beside a resource: F.Alias, F.Version, Api.Stage, ApiStage, FRole.
	if id, part, ok := strings.Cut(name, "."); ok && t.resources[id] != nil {
		switch part {
		case "Alias", "Version":
			return t.attribute(at, id, "Arn")
		case "Stage":
			return t.stageName(t.resources[id])
		}
	}
	for id, r := range t.resources {
		switch {
		case r.Type == "AWS::Serverless::Function" && name == id+"Role":
			return name, nil
		case r.Type == "AWS::Serverless::Api" && strings.HasPrefix(name, id) && strings.HasSuffix(name, "Stage"):
			return t.stageName(r)
		}
	}
	return nil, fail(at, "Ref: no parameter or resource %q", name)
}

func (t *Template) stageName(r *Resource) (any, error) {
	p, err := t.Properties(r)
	return p.Text("StageName"), err
}

// nameProperties has the property that names a resource, by type; without it the logical ID does.
var nameProperties = map[string]string{
	"AWS::Serverless::Function": "FunctionName", "AWS::DynamoDB::Table": "TableName", "AWS::SecretsManager::Secret": "Name",
	"AWS::Events::EventBus": "Name", "AWS::S3::Bucket": "BucketName", "AWS::SQS::Queue": "QueueName",
}

// physicalID returns what !Ref of a resource gives: here the name, or the logical ID.
func (t *Template) physicalID(r *Resource) (string, error) {
	if prop := nameProperties[r.Type]; prop != "" && r.properties != nil {
		for i := 0; i+1 < len(r.properties.Content); i += 2 {
			if r.properties.Content[i].Value == prop {
				v, err := t.eval(r.properties.Content[i+1])
				if _, gone := v.(absent); gone || err != nil {
					return r.ID, err
				}
				return Text(v), nil
			}
		}
	}
	if r.Type == "AWS::Serverless::Api" || r.Type == "AWS::ApiGateway::RestApi" {
		return APIID(r.ID), nil
	}
	return r.ID, nil
}

// APIID is the API's identifier in host names and ARNs.
func APIID(logicalID string) string { return strings.ToLower(logicalID) }

// FunctionARN is the unqualified ARN of a function by its name.
func FunctionARN(name string) string {
	return "arn:aws:lambda:" + Region + ":" + AccountID + ":function:" + name
}

// FunctionID returns the logical ID of the function in an ARN, or in an integration URI that holds one; empty if none.
func (t *Template) FunctionID(arn string) string {
	name := FunctionOf(arn)
	for id, r := range t.resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		if n, err := t.physicalID(r); err == nil && n == name {
			return id
		}
	}
	return ""
}

// FunctionOf returns the function name in a function's ARN or in an integration URI that holds one.
func FunctionOf(arn string) string {
	i := strings.LastIndex(arn, ":function:")
	if i < 0 {
		return ""
	}
	rest := arn[i+len(":function:"):]
	rest, _, _ = strings.Cut(rest, "/")
	name, _, _ := strings.Cut(rest, ":")
	return name
}

func (t *Template) getAtt(at, arg *yaml.Node) (any, error) {
	if arg.Kind == yaml.SequenceNode && len(arg.Content) == 2 {
		return t.attribute(at, arg.Content[0].Value, arg.Content[1].Value)
	}
	id, attr, ok := strings.Cut(arg.Value, ".")
	if !ok {
		return nil, fail(at, "GetAtt needs a resource and an attribute")
	}
	return t.attribute(at, id, attr)
}

func (t *Template) attribute(at *yaml.Node, id, attr string) (any, error) {
	r := t.resources[id]
	if r == nil {
		if strings.HasSuffix(id, "Role") && t.resources[strings.TrimSuffix(id, "Role")] != nil {
			return "arn:aws:iam::" + AccountID + ":role/" + id, nil
		}
		return nil, fail(at, "GetAtt: no resource %q", id)
	}
	name, err := t.physicalID(r)
	if err != nil {
		return nil, err
	}
	if attr != "Arn" && attr != "StreamArn" {
		return name + "." + attr, nil // e.g. a user pool's ProviderURL: nothing the runner plays depends on it
	}
	arn := func(service, rest string) (any, error) {
		return "arn:aws:" + service + ":" + Region + ":" + AccountID + ":" + rest, nil
	}
	switch r.Type {
	case "AWS::Serverless::Function", "AWS::Lambda::Function":
		return FunctionARN(name), nil
	case "AWS::DynamoDB::Table":
		if attr == "StreamArn" {
			return arn("dynamodb", "table/"+name+"/stream/local")
		}
		return arn("dynamodb", "table/"+name)
	case "AWS::S3::Bucket":
		return "arn:aws:s3:::" + name, nil
	case "AWS::IAM::Role":
		return "arn:aws:iam::" + AccountID + ":role/" + name, nil
	case "AWS::Events::EventBus":
		return arn("events", "event-bus/"+name)
	case "AWS::SQS::Queue":
		return arn("sqs", name)
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(r.Type, "AWS::"), "::")
	return arn(strings.ToLower(service), name)
}

// sub evaluates !Sub: ${Name}, ${Resource.Attribute}, ${!Literal}, with or without a map of its own.
func (t *Template) sub(at, arg *yaml.Node) (any, error) {
	own := map[string]any{}
	text := arg.Value
	if arg.Kind == yaml.SequenceNode {
		if len(arg.Content) != 2 {
			return nil, fail(at, "Sub needs a string and a map")
		}
		m, err := t.evalMap(arg.Content[1])
		if err != nil {
			return nil, err
		}
		own, text = m, arg.Content[0].Value
	}
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return nil, fail(at, "Sub: a ${ is not closed")
		}
		text = after
		name = strings.TrimSpace(name)
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			out.WriteString("${" + literal + "}")
			continue
		}
		v, err := t.subValue(at, own, name)
		if err != nil {
			return nil, err
		}
		out.WriteString(Text(v))
	}
}

func (t *Template) subValue(at *yaml.Node, own map[string]any, name string) (any, error) {
	if v, ok := own[name]; ok {
		return v, nil
	}
	if id, attr, ok := strings.Cut(name, "."); ok && (attr != "Alias" && attr != "Version" && attr != "Stage") {
		return t.attribute(at, id, attr)
	}
	return t.ref(at, name)
}
