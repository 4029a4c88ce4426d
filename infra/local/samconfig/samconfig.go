// Package samconfig reads what samconfig.toml's environments for `sam local` give the functions.
package samconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"latchkey/infra/local/template"
)

// Environments are those of samconfig.toml for `sam local`, by the processors of the machine.
var Environments = []string{"local", "local-arm64"}

// Overrides reads the parameters that an environment of the samconfig.toml in a folder sets for all commands.
func Overrides(root, env string) (map[string]string, error) {
	raw, err := os.ReadFile(filepath.Join(root, "samconfig.toml")) //nolint:gosec // the repository's own
	if err != nil {
		return nil, err
	}
	_, section, ok := strings.Cut(string(raw), "["+env+".global.parameters]\n")
	section, _, _ = strings.Cut(section, "\n[")
	_, list, found := strings.Cut(section, `parameter_overrides = "`)
	list, _, ended := strings.Cut(list, `"`)
	if !ok || !found || !ended {
		return nil, fmt.Errorf("samconfig.toml sets no parameters for %s", env)
	}
	set := map[string]string{}
	for _, one := range strings.Fields(list) {
		name, value, _ := strings.Cut(one, "=")
		set[name] = value
	}
	return set, nil
}

// Functions are the environment variables of each function of the folder's template under an environment's parameters.
func Functions(root, env string) (map[string]map[string]string, error) {
	set, err := Overrides(root, env)
	if err != nil {
		return nil, err
	}
	t, err := template.Load(filepath.Join(root, "template.yaml"), set)
	if err != nil {
		return nil, err
	}
	list, err := t.Of("AWS::Serverless::Function")
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]string{}
	for _, r := range list {
		if all[r.ID], err = Variables(t, r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Variables are a function's environment variables, with those that Lambda sets and functions read.
func Variables(t *template.Template, function *template.Resource) (map[string]string, error) {
	p, err := t.Properties(function)
	if err != nil {
		return nil, err
	}
	variables := p.Map("Environment").Map("Variables")
	all := map[string]string{"AWS_REGION": template.Region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
	for name := range variables {
		all[name] = variables.Text(name)
	}
	return all, nil
}

// Try gives a function's variables in each of the Environments to what reads them: a starter of the function, in its own tests.
func Try(root, function string, start func(getenv func(string) string) error) error {
	for _, env := range Environments {
		functions, err := Functions(root, env)
		if err != nil {
			return err
		}
		variables, ok := functions[function]
		if !ok {
			return fmt.Errorf("the template has no function %s", function)
		}
		if err := start(func(name string) string { return variables[name] }); err != nil {
			return fmt.Errorf("%s: %s: %w", env, function, err)
		}
	}
	return nil
}
