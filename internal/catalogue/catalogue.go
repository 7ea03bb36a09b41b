// Package catalogue is the shop's product master data: what is sold, what it costs and weighs,
// and how much of it the warehouse starts with.
package catalogue

import (
	"cmp"
	"slices"
)

// Currency is the one currency of the shop, an ISO 4217 code. All amounts are in its minor unit.
const Currency = "EUR"

// Product is one line of the catalogue.
type Product struct {
	SKU    string `json:"sku"`
	Name   string `json:"name"`
	Price  int64  `json:"price"`  // minor units, net of tax
	Weight int64  `json:"weight"` // grams
	Floor  int64  `json:"-"`      // lowest price a negotiation may reach, minor units
	Stock  int64  `json:"-"`      // units in the warehouse when the shop opens
}

// Products returns the whole catalogue, sorted by SKU.
func Products() []Product {
	return []Product{
		{SKU: "backpack", Name: "Canvas backpack", Price: 7900, Weight: 900, Floor: 6900, Stock: 40_000},
		{SKU: "bottle", Name: "Steel bottle", Price: 2450, Weight: 380, Floor: 2100, Stock: 80_000},
		{SKU: "chair", Name: "Oak chair", Price: 18900, Weight: 6500, Floor: 15900, Stock: 20_000},
		{SKU: "desk", Name: "Standing desk", Price: 54900, Weight: 32000, Floor: 48900, Stock: 10_000},
		{SKU: "globe", Name: "Antique globe", Price: 129900, Weight: 4200, Floor: 119900, Stock: 1},
		{SKU: "lamp", Name: "Desk lamp", Price: 4990, Weight: 1200, Floor: 4300, Stock: 60_000},
		{SKU: "mug", Name: "Stoneware mug", Price: 1290, Weight: 350, Floor: 990, Stock: 200_000},
		{SKU: "notebook", Name: "Dotted notebook", Price: 890, Weight: 240, Floor: 690, Stock: 200_000},
		{SKU: "pen", Name: "Fountain pen", Price: 3200, Weight: 60, Floor: 2700, Stock: 100_000},
		{SKU: "poster", Name: "Letterpress poster", Price: 2900, Weight: 150, Floor: 2300, Stock: 100_000},
		{SKU: "rug", Name: "Wool rug", Price: 24900, Weight: 5400, Floor: 21900, Stock: 20_000},
		{SKU: "sticker", Name: "Sticker", Price: 250, Weight: 5, Floor: 150, Stock: 500_000},
	}
}

// Find returns the product with this SKU.
func Find(sku string) (Product, bool) {
	all := Products()
	i, ok := slices.BinarySearchFunc(all, sku, func(p Product, sku string) int {
		return cmp.Compare(p.SKU, sku)
	})
	if !ok {
		return Product{}, false
	}
	return all[i], true
}
