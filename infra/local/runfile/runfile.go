// Package runfile is what a local run tells other programs: run.json in its data directory, with the stack's addresses and credentials.
package runfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Name is the file's in the data directory. It is there while the run is up.
const Name = "run.json"

// File is its content.
type File struct {
	ProductsURL       string            `json:"products_url"`
	ManagementURL     string            `json:"management_url"`
	ConsoleURL        string            `json:"console_url"`
	ControlURL        string            `json:"control_url"`
	IssuerURL         string            `json:"issuer_url"`
	DynamoDBEndpoint  string            `json:"dynamodb_endpoint"`
	SecretsEndpoint   string            `json:"secretsmanager_endpoint"`
	DemoSecret        string            `json:"demo_secret"`
	DemoAccount       string            `json:"demo_account"`
	EnterpriseAccount string            `json:"enterprise_account"`
	Tokens            map[string]string `json:"tokens"`
}

// Read reads the file of the run on a data directory.
func Read(dataDir string) (File, error) {
	var f File
	raw, err := os.ReadFile(filepath.Join(dataDir, Name)) //nolint:gosec // the caller's own folder
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return File{}, fmt.Errorf("no stack runs on %s: %w", dataDir, err)
	}
	return f, nil
}
