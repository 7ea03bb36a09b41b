package audit

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/throughline/services/payment/paymentv1"
)

// routesIn returns what a Go file gives to Handle, HandleFunc or HandleWith, and the constants that
// look like it.
func routesIn(t *testing.T, text []byte, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	route := regexp.MustCompile(`^[A-Z]+ /`)
	ast.Inspect(file, func(n ast.Node) bool {
		var texts []ast.Expr
		switch n := n.(type) {
		case *ast.ValueSpec:
			texts = n.Values
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(f.Sel.Name, "Handle") {
				texts = n.Args
			}
		}
		for _, text := range texts {
			if lit, ok := text.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && route.MatchString(text) {
					routes = append(routes, text)
				}
			}
		}
		return true
	})
	return routes
}

// listeners are those that serve the routes of a file.
func listeners(file string, admins []string) []string {
	switch dir := path.Dir(file); {
	case dir == "services/gateway":
		return []string{"gateway", "gateway-trusted"}
	case dir == "services/order":
		return []string{"order"}
	case file == "services/pricing/rating.go":
		return []string{"rating"}
	case dir == "services/pricing":
		return []string{"pricing"}
	case dir == "services/payment":
		return []string{"payment admin"}
	case dir == "internal/admin":
		return admins
	case file == "platform/jobs.go":
		return []string{"jobs"}
	case file == "platform/customer.go":
		return []string{} // a third party
	}
	return nil
}

// A route that the source declares and that has no case, and a case without a route, are errors.
func TestEveryRouteHasACase(t *testing.T) {
	t.Parallel()
	services := []string{"gateway", "order", "pricing", "payment", "jobs"}
	var admins, declared, audited []string
	for _, service := range services {
		admins = append(admins, service+" admin")
	}
	for _, e := range endpoints(services) {
		audited = append(audited, e.String())
	}
	source := os.DirFS("../../..")
	for _, dir := range []string{"services", "internal", "platform"} {
		err := fs.WalkDir(source, dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(source, name)
			if err != nil {
				return err
			}
			for _, route := range routesIn(t, text, name) {
				at := listeners(name, admins)
				if at == nil {
					t.Errorf("%s declares %s: which listener has it?", name, route)
				}
				for _, listener := range at {
					declared = append(declared, listener+" "+route)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(declared) < 50 {
		t.Errorf("%d routes in the source, want more: %q", len(declared), declared)
	}
	for _, route := range declared {
		if !slices.Contains(audited, route) {
			t.Errorf("%s has no case in endpoints.go", route)
		}
	}
	for _, route := range audited {
		if !slices.Contains(declared, route) {
			t.Errorf("%s is audited, and declared nowhere", route)
		}
	}
	for _, method := range paymentv1.PaymentService_ServiceDesc.Methods {
		if _, ok := calls()[method.MethodName]; !ok {
			t.Errorf("gRPC %s has no case in grpc.go", method.MethodName)
		}
	}
}

func TestRoutesAreFoundInSource(t *testing.T) {
	t.Parallel()
	got := routesIn(t, []byte(`package p
func f() { r.Handle("GET /a", h); mux.HandleFunc("PUT /b/{id}", nil); r.HandleWith(x, "POST /c", h)
	adminMux.Handle("/", h); other("GET /d"); r.Handle(listening, h) }
const listening = "GET /e"`), "p.go")
	if want := []string{"GET /a", "PUT /b/{id}", "POST /c", "GET /e"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
