package httpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"example.com/throughline/internal/problem"
)

// bounded marks a body that the router has put a bound on.
type bounded struct{ io.ReadCloser }

// Decode reads the request's body, one JSON value, into into. Its error is a problem:
// 415 for a content type other than JSON (none at all is taken as JSON); 413 for a body over the
// router's MaxBody, of which one byte more than that is read; 400 for everything that is not
// exactly the value wanted, naming field or offset, in bytes.
func Decode[T any](r *http.Request, into *T) error {
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	if _, ok := body.(bounded); !ok {
		body = http.MaxBytesReader(nil, body, DefaultMaxBody)
	}
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return bodyProblem(err, decoder.InputOffset())
	}
	end := decoder.InputOffset()
	if _, err := decoder.Token(); err == nil {
		return badBody(nil, "there is more after the JSON value, from offset %d", end)
	} else if !errors.Is(err, io.EOF) {
		return bodyProblem(err, end)
	}
	return nil
}

func checkContentType(contentType string) error {
	if contentType == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err == nil && (media == "application/json" ||
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")) {
		return nil
	}
	return problem.New(http.StatusUnsupportedMediaType, "unsupported-media-type",
		"content type %.64q: want application/json", contentType)
}

func bodyProblem(err error, offset int64) error {
	var (
		tooLarge  *http.MaxBytesError
		syntax    *json.SyntaxError
		wrongType *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &tooLarge):
		return problem.New(http.StatusRequestEntityTooLarge, "body-too-large",
			"the body is larger than %d bytes", tooLarge.Limit).Because(err)
	case errors.Is(err, io.EOF):
		return badBody(err, "the body is empty: want a JSON value")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badBody(err, "the JSON value ends too early, at offset %d", offset)
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return badBody(err, "JSON %s at offset %d: want %s",
			wrongType.Value, wrongType.Offset, jsonKind(wrongType))
	case errors.As(err, &wrongType):
		return badBody(err, "field %.64q is a JSON %s: want %s",
			wrongType.Field, wrongType.Value, jsonKind(wrongType))
	case errors.As(err, &syntax):
		return badBody(err, "not JSON at offset %d: %v", syntax.Offset, syntax)
	case strings.HasPrefix(err.Error(), "json: "): // unknown field: encoding/json has no type for it
		return badBody(err, "%.128s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return badBody(err, "the body could not be read")
}

func badBody(cause error, format string, args ...any) error {
	return problem.New(http.StatusBadRequest, "malformed-body", format, args...).Because(cause)
}

// jsonKind names a Go type the way a caller who knows only JSON would.
func jsonKind(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return fmt.Sprintf("an integer that fits %d bits", e.Type.Bits())
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "struct", kind == "map":
		return "an object"
	case kind == "slice", kind == "array":
		return "an array"
	case kind == "bool":
		return "true or false"
	default:
		return "a " + kind
	}
}

// Respond sends v as JSON; a nil v sends no body. An error of json.Marshal is returned before
// anything is sent.
func Respond(w http.ResponseWriter, status int, v any) error {
	if v == nil {
		w.WriteHeader(status)
		return nil
	}
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("marshal response: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(append(body, '\n')); err != nil {
		return fmt.Errorf("write response: %w", err)
	}
	return nil
}
