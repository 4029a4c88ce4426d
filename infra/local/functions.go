package main

import (
	"strings"
	"time"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/template"
)

// function is one Lambda function of the template.
type function struct {
	id, codeURI, bootstrap string // bootstrap is empty if there was nothing to build
}

// evaluate loads the template with LATCHKEY_PARAM_… and the given overrides, of which the template need not know all.
func (s *stack) evaluate(overrides map[string]string) (*template.Template, error) {
	names, err := template.ParameterNames(s.config.template)
	if err != nil {
		return nil, err
	}
	set := map[string]string{}
	for _, n := range names {
		if v, ok := overrides[n]; ok {
			set[n] = v
		}
	}
	for n, v := range s.parameters {
		set[n] = v
	}
	return template.Load(s.config.template, set)
}

// readFunctions lists what is to be built, before any endpoint is known.
func (s *stack) readFunctions() error {
	var err error
	if s.template, err = s.evaluate(nil); err != nil {
		return err
	}
	list, err := s.template.Of("AWS::Serverless::Function")
	if err != nil {
		return err
	}
	for _, r := range list {
		p, err := s.template.Properties(r)
		if err != nil {
			return err
		}
		s.functions = append(s.functions, function{id: r.ID, codeURI: s.template.Path(p.Text("CodeUri"))})
	}
	return nil
}

func (s *stack) built(id string) bool {
	for _, f := range s.functions {
		if f.id == id {
			return f.bootstrap != ""
		}
	}
	return false
}

// apiIDs lists the APIs to serve. The console's is left out as long as there is no console.
func (s *stack) apiIDs() []string {
	var ids []string
	list, _ := s.template.Of("AWS::Serverless::Api")
	for _, r := range list {
		if r.ID != "ConsoleApi" || s.built("ConsoleFunction") {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// overrides are the template's parameters that a local run knows better.
func (s *stack) overrides() map[string]string {
	o := map[string]string{
		"DynamoDBEndpoint": s.engine.Endpoint, "OidcIssuer": s.issuerURL, "OidcClientId": clientID, "OidcAlgorithm": "RS256",
		"BootstrapOperator": "operator", "ManagementUrl": s.urls["ManagementApi"],
		// Nobody meets these on their own machine; tests of the bounds set their own.
		"AccountsPerPerson": "1000000", "ChangesPerSecond": "1000000", "ChangesPerHour": "1000000000",
	}
	for name, url := range s.services.endpoints {
		o[name] = url
	}
	return o
}

// poolFunctions reads what the pool must know.
func (s *stack) poolFunctions() ([]environments.Function, error) {
	var list []environments.Function
	resources, err := s.template.Of("AWS::Serverless::Function")
	if err != nil {
		return nil, err
	}
	public := s.publicURLs()
	for _, r := range resources {
		p, err := s.template.Properties(r)
		if err != nil {
			return nil, err
		}
		f := environments.Function{
			Name: r.ID, ARN: template.FunctionARN(r.ID), Handler: p.Text("Handler"), MemoryMB: p.Int("MemorySize", 128),
			Timeout:  time.Duration(p.Int("Timeout", 3)) * time.Second,
			JSONLogs: p.Map("LoggingConfig").Text("LogFormat") == "JSON", Env: map[string]string{},
		}
		for _, b := range s.functions {
			if b.id == r.ID {
				f.Bootstrap = b.bootstrap
			}
		}
		variables := p.Map("Environment").Map("Variables")
		for name := range variables {
			f.Env[name] = public.Replace(variables.Text(name))
		}
		list = append(list, f)
	}
	return list, nil
}

// publicURLs replaces the addresses that the APIs would have on AWS by those they have here.
func (s *stack) publicURLs() *strings.Replacer {
	var pairs []string
	list, _ := s.template.Of("AWS::Serverless::Api")
	for _, r := range list {
		p, err := s.template.Properties(r)
		if url := s.urls[r.ID]; url != "" && err == nil {
			host := "https://" + template.APIID(r.ID) + ".execute-api." + template.Region + "." + template.URLSuffix
			pairs = append(pairs, host+"/"+p.Text("StageName"), url)
		}
	}
	return strings.NewReplacer(pairs...)
}
