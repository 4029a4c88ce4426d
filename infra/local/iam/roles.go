package iam

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/infra/local/template"
)

// Roles reads the role of each function of a template. A function without one has the role that SAM makes for it, which may
// write logs and nothing that is played.
func Roles(t *template.Template) (map[string]*Role, error) {
	for _, kind := range []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"} {
		list, err := t.Of(kind)
		if err == nil && len(list) > 0 {
			err = fmt.Errorf("%s: the local runner plays policies that stand in roles, and no %s", list[0].ID, kind)
		}
		if err != nil {
			return nil, err
		}
	}
	secrets, err := secretARNs(t)
	if err != nil {
		return nil, err
	}
	byARN := map[string]*Role{}
	list, err := t.Of("AWS::IAM::Role")
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		p, err := t.Properties(r)
		if err != nil {
			return nil, err
		}
		role := &Role{Name: r.ID}
		if role.statements, err = read(p, secrets); err != nil {
			return nil, fmt.Errorf("%s: %w", r.ID, err)
		}
		name := p.Text("RoleName")
		if name == "" {
			name = r.ID
		}
		byARN["arn:aws:iam::"+template.AccountID+":role/"+name] = role
	}
	functions, err := t.Of("AWS::Serverless::Function")
	if err != nil {
		return nil, err
	}
	roles := map[string]*Role{}
	for _, r := range functions {
		p, err := t.Properties(r)
		if err != nil {
			return nil, err
		}
		switch arn := p.Text("Role"); {
		case arn != "" && byARN[arn] == nil:
			return nil, fmt.Errorf("%s has the role %s, which is none of the template", r.ID, arn)
		case arn != "":
			roles[r.ID] = byARN[arn]
		case p["Policies"] != nil:
			return nil, fmt.Errorf("%s: the local runner plays no Policies of functions, only roles", r.ID)
		default:
			roles[r.ID] = &Role{Name: r.ID + "Role"}
		}
	}
	return roles, nil
}

// secretARNs has the ARN of each secret by what the runner's Ref of it gives, which is its name. On AWS it is the ARN itself.
func secretARNs(t *template.Template) (map[string]string, error) {
	list, err := t.Of("AWS::SecretsManager::Secret")
	if err != nil {
		return nil, err
	}
	arns := map[string]string{}
	for _, r := range list {
		p, err := t.Properties(r)
		if err != nil {
			return nil, err
		}
		name := p.Text("Name")
		if name == "" {
			name = r.ID
		}
		arns[name] = "arn:aws:secretsmanager:" + template.Region + ":" + template.AccountID + ":secret:" + name + "-??????"
	}
	return arns, nil
}

func read(role template.Map, secrets map[string]string) ([]statement, error) {
	for _, property := range []string{"ManagedPolicyArns", "PermissionsBoundary"} {
		if role[property] != nil {
			return nil, fmt.Errorf("the local runner plays no %s", property)
		}
	}
	var all []statement
	for _, policy := range role.Maps("Policies") {
		list := policy.Map("PolicyDocument").Maps("Statement")
		if len(list) == 0 {
			return nil, fmt.Errorf("the policy %s has no list of statements", policy.Text("PolicyName"))
		}
		for _, s := range list {
			one, err := readStatement(s, secrets)
			if err != nil {
				return nil, err
			}
			if one != nil {
				all = append(all, *one)
			}
		}
	}
	return all, nil
}

// readStatement returns nothing of a statement on services that aren't played.
func readStatement(s template.Map, secrets map[string]string) (*statement, error) {
	out := &statement{actions: texts(s["Action"]), resources: texts(s["Resource"])}
	switch s.Text("Effect") {
	case "Allow":
	case "Deny":
		out.deny = true
	default:
		return nil, fmt.Errorf("a statement's Effect is %q", s.Text("Effect"))
	}
	for name := range s {
		if !slices.Contains([]string{"Sid", "Effect", "Action", "Resource", "Condition"}, name) {
			return nil, fmt.Errorf("the local runner plays no %s in a statement", name)
		}
	}
	if len(out.actions) == 0 || len(out.resources) == 0 {
		return nil, errors.New("a statement has no Action or no Resource")
	}
	if !slices.ContainsFunc(out.actions, played) {
		return nil, nil
	}
	for _, a := range out.actions {
		out.lower = append(out.lower, strings.ToLower(a))
	}
	for i, r := range out.resources {
		if arn, ok := secrets[r]; ok {
			out.resources[i] = arn
		} else if r != "*" && !strings.HasPrefix(r, "arn:") {
			return nil, fmt.Errorf("the resource %s is no ARN", r)
		}
	}
	for operator := range s.Map("Condition") {
		for key, values := range s.Map("Condition").Map(operator) {
			c, err := readCondition(operator, key, texts(values))
			if err != nil {
				return nil, err
			}
			out.conditions = append(out.conditions, c)
		}
	}
	return out, nil
}

func readCondition(operator, key string, values []string) (condition, error) {
	c := condition{values: values}
	name := operator
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.all, name = true, rest
	} else {
		name = strings.TrimPrefix(name, "ForAnyValue:")
	}
	if c.like = name == "StringLike"; !c.like && name != "StringEquals" || !strings.EqualFold(key, leadingKeys) {
		return c, fmt.Errorf("the local runner plays no condition %s of %s", operator, key)
	}
	return c, nil
}

// texts is a text or a list of them, without what !If has left out.
func texts(v any) (list []string) {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	for _, one := range (template.Map{"": v}).Texts("") {
		if one != "" {
			list = append(list, one)
		}
	}
	return list
}
