package product

import (
	"fmt"

	"latchkey/shared/account"
	"latchkey/shared/strictjson"
)

// catalogueFile is catalogue.json.
type catalogueFile struct {
	Products []struct {
		ID      ID     `json:"id"`
		Name    string `json:"name"`
		Kind    Kind   `json:"kind"`
		Classes []struct {
			ID       Class                `json:"id"`
			Name     string               `json:"name"`
			Prefixes []string             `json:"prefixes"`
			QPS      map[account.Type]int `json:"qps"`
			MaxQPS   int                  `json:"max_qps"`

			AccountQPS map[account.Type]int `json:"account_qps"`

			EncodedSlash bool   `json:"encoded_slash"`
			SamplePath   string `json:"sample_path"`
			DocsURL      string `json:"docs_url"`
		} `json:"classes"`
		SamplePath string `json:"sample_path"`
		DocsURL    string `json:"docs_url"`
	} `json:"products"`
	Groups []struct {
		ID      Group   `json:"id"`
		Name    string  `json:"name"`
		Classes []Class `json:"classes"`
	} `json:"groups"`
	Quotas map[string]map[Group]struct {
		Day   int64 `json:"day"`
		Month int64 `json:"month"`
	} `json:"quotas"`
}

// ParseQuotas reads groups and quotas from JSON, by exact names. WithQuotas checks them.
func ParseQuotas(text []byte) (q Quotas, err error) {
	var file catalogueFile
	if err := strictjson.Decode(text, &file); err != nil {
		return Quotas{}, fmt.Errorf("product: catalogue: %w", err)
	}
	for _, g := range file.Groups {
		q.Groups = append(q.Groups, ClassGroup(g))
	}
	for billing, groups := range file.Quotas {
		if q.ByBilling == nil {
			q.ByBilling = map[string]map[Group]Quota{}
		}
		q.ByBilling[billing] = map[Group]Quota{}
		for group, quota := range groups {
			q.ByBilling[billing][group] = Quota(quota)
		}
	}
	return q, nil
}

// Parse reads products from JSON, by exact names. New checks them.
func Parse(text []byte) ([]Product, error) {
	var file catalogueFile
	if err := strictjson.Decode(text, &file); err != nil { // a misspelt member would be one that is missing
		return nil, fmt.Errorf("product: catalogue: %w", err)
	}
	products := make([]Product, len(file.Products))
	for i, f := range file.Products {
		products[i] = Product{ID: f.ID, Name: f.Name, Kind: f.Kind, SamplePath: f.SamplePath, DocsURL: f.DocsURL}
		for _, cl := range f.Classes {
			products[i].Classes = append(products[i].Classes, LimitClass(cl))
		}
	}
	return products, nil
}
