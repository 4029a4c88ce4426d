package gateclient_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/gateclient"
)

// TestEveryRegionHasTheSDKsEndpoint: all regions of all partitions that the SDK knows, and one more of each partition's form.
func TestEveryRegionHasTheSDKsEndpoint(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "internal", "endpoints", "awsrulesfn", "partitions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Partitions []struct {
			ID          string
			RegionRegex string
			Regions     map[string]any
		}
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	regions := []string{"us-new-9", "mx-central-1", "nowhere"}
	for _, p := range list.Partitions {
		for region := range p.Regions {
			if strings.HasSuffix(region, "-global") { // of services that have no regions
				continue
			}
			regions = append(regions, region)
			if form := regexp.MustCompile(p.RegionRegex); form.MatchString(region) {
				regions = append(regions, region[:len(region)-1]+"9")
			}
		}
	}
	if len(list.Partitions) < 8 || len(regions) < 60 {
		t.Fatalf("%d partitions, %d regions", len(list.Partitions), len(regions))
	}
	resolver, no := dynamodb.NewDefaultEndpointResolverV2(), false
	for _, region := range regions {
		want, err := resolver.ResolveEndpoint(t.Context(), dynamodb.EndpointParameters{Region: &region, UseFIPS: &no, UseDualStack: &no})
		if err != nil {
			t.Fatal(err)
		}
		got, err := gateclient.Endpoint(dynamo.Config{Region: region})
		if err != nil || got.Scheme != want.URI.Scheme || got.Host != want.URI.Host || got.Path != "/" {
			t.Errorf("%s: %v, %v, want %v", region, got, err, &want.URI)
		}
	}
}

// TestAnEndpointIsAHostAlone, by http or https; anything else is none, and the gate doesn't start.
func TestAnEndpointIsAHostAlone(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8000": "http://127.0.0.1:8000/", "https://dynamodb.eu-west-1.amazonaws.com/": "https://dynamodb.eu-west-1.amazonaws.com/",
		"http://store:80": "http://store/", "https://[::1]:443": "https://[::1]/", "https://store:80": "https://store:80/",
		"": "https://dynamodb.eu-west-1.amazonaws.com/",
	} {
		if got, err := gateclient.Endpoint(dynamo.Config{Region: "eu-west-1", Endpoint: text}); err != nil || got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"http://[::1", "store", "store:8000", "/", "//store", "ftp://store", "http://", "http://:8000", "http://store/path", "http://store//", "http://store?a=b", "http://store/?", "http://store#f",
		"http://user@store", "http:store", "%", "http://store/%2F",
	} {
		if got, err := gateclient.Endpoint(dynamo.Config{Region: "eu-west-1", Endpoint: text}); !errors.Is(err, gateclient.ErrEndpoint) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, region := range []string{"", "eu west", "eu.west", "eu/west", "EU-WEST-1", "-eu", "é", strings.Repeat("a", 64)} {
		if got, err := gateclient.Endpoint(dynamo.Config{Region: region}); !errors.Is(err, gateclient.ErrEndpoint) {
			t.Errorf("region %q: %v, %v", region, got, err)
		}
	}
}
