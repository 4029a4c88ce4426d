package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/product"
)

type catalogue struct{ products product.Catalogue }

func (h *catalogue) contract(w http.ResponseWriter, r *http.Request, _ gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, err := w.Write(api.Contract)
	return err
}

func (h *catalogue) listProducts(w http.ResponseWriter, r *http.Request, _ gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	doc := api.ProductList{Products: []api.Product{}}
	for _, p := range h.products.Products() {
		one := api.Product{
			Id: string(p.ID), Name: p.Name, Kind: api.ProductKind(p.Kind), Classes: []api.ProductClass{},
			SamplePath: web.StringPtr(p.SamplePath), DocsUrl: web.StringPtr(p.DocsURL),
		}
		for _, class := range p.Classes {
			qps := map[string]int{}
			for t, n := range class.QPS {
				qps[string(t)] = n
			}
			one.Classes = append(one.Classes, api.ProductClass{
				Id: string(class.ID), Name: class.Name, Prefixes: append([]string{}, class.Prefixes...), DefaultQps: qps, MaxQps: class.MaxQPS,
				SamplePath: web.StringPtr(class.SamplePath), DocsUrl: web.StringPtr(class.DocsURL),
			})
		}
		doc.Products = append(doc.Products, one)
	}
	return gateway.JSON(w, http.StatusOK, doc)
}
