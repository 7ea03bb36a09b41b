// Package naming checks what a run has emitted against the names that exist: the
// constants of OpenTelemetry's semantic conventions, and those of internal/shop and patterns.
//
// [Read] collects the constants from the source of both, so that a name is known
// exactly when code can refer to it. [Checker] takes everything that arrived and
// says what is unknown or deprecated or has a value of the wrong type, which span
// has the wrong kind for what it describes, and where http.route or error.type is
// missing or too much; spans.go and logs.go have those rules. allowed.go is the short list of exceptions, with reasons.
package naming

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// Vocabulary is what names there are.
type Vocabulary struct {
	// Attributes are attribute keys. The value is false for deprecated ones.
	Attributes map[string]bool
	// Types are the types of attributes, as the conventions write them: string, int, double,
	// boolean, string[]. What is not here is a string.
	Types map[string]string
	// Prefixes are what attribute keys begin with that end in a name of anybody's, such as
	// http.request.header., and their types.
	Prefixes map[string]string
	// Metrics are the names of instruments and their units.
	Metrics map[string]string
	// Events are the names of span events.
	Events map[string]bool
}

// Read collects the constants of Go packages at and below the given folders: attribute.Key("...")
// is an attribute, a constant called ...EventName or Event... is an event, and a type with methods
// Name and Unit is an instrument. types.go says where the type of an attribute is from.
func Read(folders ...string) (*Vocabulary, error) {
	v := &Vocabulary{Attributes: map[string]bool{}, Types: map[string]string{},
		Prefixes: map[string]string{}, Metrics: map[string]string{}, Events: map[string]bool{}}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") ||
				strings.HasSuffix(path, "_test.go") {
				return err
			}
			return v.file(path)
		})
		if err != nil {
			return nil, fmt.Errorf("names in %s: %w", folder, err)
		}
	}
	return v, nil
}

func (v *Vocabulary) file(path string) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil,
		parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	v.types(f)
	units, names := map[string]string{}, map[string]string{}
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.GenDecl:
			v.constants(decl)
		case *ast.FuncDecl:
			receiver, result, ok := method(decl)
			switch {
			case ok && decl.Name.Name == "Name":
				names[receiver] = result
			case ok && decl.Name.Name == "Unit":
				units[receiver] = result
			}
		}
	}
	for receiver, name := range names {
		if unit, ok := units[receiver]; ok {
			v.Metrics[name] = unit
		}
	}
	return nil
}

func (v *Vocabulary) constants(decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		deprecated := strings.Contains(value.Doc.Text()+value.Comment.Text(), "Deprecated:")
		for i, expr := range value.Values {
			name := value.Names[i].Name
			if call, ok := expr.(*ast.CallExpr); ok && isKey(call) {
				if text, ok := literal(call.Args[0]); ok {
					v.Attributes[text] = !deprecated
					v.told(text, value.Doc.Text())
				}
			} else if text, ok := literal(expr); ok && decl.Tok == token.CONST &&
				(strings.HasPrefix(name, "Event") || strings.HasSuffix(name, "EventName")) {
				v.Events[text] = !deprecated
			}
		}
	}
}

// isKey recognises attribute.Key("...").
func isKey(call *ast.CallExpr) bool {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) != 1 || fun.Sel.Name != "Key" {
		return false
	}
	pkg, ok := fun.X.(*ast.Ident)
	return ok && pkg.Name == "attribute"
}

// method returns the receiver's type and the string that a method without arguments returns.
func method(decl *ast.FuncDecl) (receiver, result string, ok bool) {
	if decl.Recv == nil || decl.Body == nil || len(decl.Body.List) != 1 {
		return "", "", false
	}
	ret, ok := decl.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(ret.Results) != 1 {
		return "", "", false
	}
	typ, ok := decl.Recv.List[0].Type.(*ast.Ident)
	if !ok {
		return "", "", false
	}
	result, ok = literal(ret.Results[0])
	return typ.Name, result, ok
}

func literal(expr ast.Expr) (string, bool) {
	lit, ok := expr.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
