package naming

import (
	"go/ast"
	"regexp"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// typeOf is the type of an attribute by the method of attribute.Key, or the function of package
// attribute, that makes one.
func typeOf(constructor string) (string, bool) {
	t, ok := map[string]string{
		"String": "string", "Int": "int", "Int64": "int", "Float64": "double", "Bool": "boolean",
		"StringSlice": "string[]", "IntSlice": "int[]", "Int64Slice": "int[]",
		"Float64Slice": "double[]", "BoolSlice": "boolean[]",
	}[constructor]
	return t, ok
}

// types finds out of what type attributes are. The conventions have for each either a function that
// makes one of a value, ServerPortKey.Int(val), or variables with all values that there are; for
// prefixes it is attribute.StringSlice("http.request.header."+key, val).
func (v *Vocabulary) types(f *ast.File) {
	keys := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if value, ok := n.(*ast.ValueSpec); ok {
			for i, expr := range value.Values {
				if call, ok := expr.(*ast.CallExpr); ok && isKey(call) {
					keys[value.Names[i].Name], _ = literal(call.Args[0])
				}
			}
		}
		return true
	})
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		fun, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		receiver, _ := fun.X.(*ast.Ident)
		t, ok := typeOf(fun.Sel.Name)
		if !ok || receiver == nil {
			return true
		}
		if key := keys[receiver.Name]; key != "" {
			v.Types[key] = t
		} else if sum, ok := call.Args[0].(*ast.BinaryExpr); ok && receiver.Name == "attribute" {
			if prefix, ok := literal(sum.X); ok {
				v.Prefixes[prefix] = t
			}
		}
		return true
	})
}

// A key of ours that is no string says so in its comment: "Type: int". The conventions' comments do
// as well, but for enumerations.
var written = regexp.MustCompile(`Type: (string|int|double|boolean|string\[\])(\s|\.|$)`)

func (v *Vocabulary) told(key, comment string) {
	if m := written.FindStringSubmatch(comment); m != nil && v.Types[key] == "" {
		v.Types[key] = m[1]
	}
}

// kind is the type of a value that has arrived. An empty list is one of anything.
func kind(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return "string"
	case pcommon.ValueTypeInt:
		return "int"
	case pcommon.ValueTypeDouble:
		return "double"
	case pcommon.ValueTypeBool:
		return "boolean"
	case pcommon.ValueTypeSlice:
		if value.Slice().Len() == 0 {
			return "[]"
		}
		return kind(value.Slice().At(0)) + "[]"
	default:
		return value.Type().String()
	}
}
