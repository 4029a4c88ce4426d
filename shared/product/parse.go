package product

import (
	_ "embed"
	"fmt"

	"latchkey/shared/account"
	"latchkey/shared/strictjson"
)

//go:embed catalogue.json
var embedded []byte

// Embedded reads the catalogue file. Programs use Default, which says the same without reading JSON.
func Embedded() ([]Product, error) { return Parse(embedded) }

// Parse reads products from JSON, by exact names. New checks them.
func Parse(text []byte) ([]Product, error) {
	var file struct {
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
	}
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
