package catalogue_test

import (
	"cmp"
	"slices"
	"testing"

	"example.com/throughline/internal/catalogue"
)

func TestFind(t *testing.T) {
	t.Parallel()
	if _, ok := catalogue.Find("unicorn"); ok {
		t.Error(`Find("unicorn"): got a product, want none`)
	}
	for _, want := range catalogue.Products() {
		got, ok := catalogue.Find(want.SKU)
		if !ok || got != want {
			t.Errorf("Find(%q) = %+v, %v, want %+v", want.SKU, got, ok, want)
		}
	}
}

func TestProductsAreSane(t *testing.T) {
	t.Parallel()
	all := catalogue.Products()
	sorted := slices.IsSortedFunc(all, func(a, b catalogue.Product) int {
		return cmp.Compare(a.SKU, b.SKU)
	})
	if len(all) < 12 || !sorted {
		t.Errorf("got %d products, sorted %v, want at least 12, sorted by SKU", len(all), sorted)
	}
	for _, p := range all {
		if p.Floor <= 0 || p.Floor > p.Price || p.Weight <= 0 || p.Stock <= 0 {
			t.Errorf("%s: implausible numbers: %+v", p.SKU, p)
		}
	}
}
