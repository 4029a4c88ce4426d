package main

import (
	"fmt"
	"path"
	"time"

	"latchkey/infra/local/issuer"
	"latchkey/infra/local/runfile"
	"latchkey/infra/local/seed"
)

// tokens mints one for each of the ready-made people.
func (s *stack) tokens() (map[string]string, error) {
	tokens := map[string]string{}
	for _, p := range issuer.ReadyMade() {
		t, err := s.issuer.Mint(p, tokenLife)
		if err != nil {
			return nil, err
		}
		tokens[p.Subject] = t
	}
	return tokens, nil
}

func (s *stack) writeRun(state seed.State) error {
	tokens, err := s.tokens()
	if err != nil {
		return err
	}
	return seed.WriteJSON(s.file(runfile.Name), runfile.File{
		ProductsURL: s.urls["ProductsApi"], ManagementURL: s.urls["ManagementApi"], ConsoleURL: s.urls["ConsoleApi"],
		ControlURL: s.urls["control"], IssuerURL: s.issuerURL, DynamoDBEndpoint: s.engine.Endpoint, SecretsEndpoint: s.services.endpoints["SecretsManagerEndpoint"],
		DemoSecret: state.DemoSecret, DemoAccount: state.DemoAccount, EnterpriseAccount: state.EnterpriseAccount, Tokens: tokens,
	})
}

// announce prints the one place where a secret is shown on purpose.
func (s *stack) announce(state seed.State, took time.Duration) {
	console := ""
	if u := s.urls["ConsoleApi"]; u != "" {
		console = "\n  console     " + u
	}
	text := fmt.Sprintf("ready after %.1fs\n  products    %s\n  management  %s%s\n  tokens      %s",
		took.Seconds(), s.urls["ProductsApi"], s.urls["ManagementApi"], console, s.file(runfile.Name))
	if state.DemoSecret != "" {
		text += s.doorLines() + fmt.Sprintf("\n\n  curl -s '%s%s?key=%s' -o answer%s\n", s.urls["ProductsApi"], state.Sample, state.DemoSecret, path.Ext(state.Sample))
	}
	s.log.raw(text)
}
