package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/record"
)

// An api reads and checks what programs send, encodes what they are answered, and describes both
// in one OpenAPI document, all from Go types (huma). It routes nothing and decides nothing about who
// may: that is done by the rows of routes.go in [console.serve], as for every other address.
type api struct {
	console *console
	huma    huma.API
	served  map[string]func(huma.Context) // by "METHOD pattern"

	document []byte
	docs     docsPage
}

// An operation makes the handler of a row of routes.go that is an address of the API, and
// describes it.
type operation func(a *api, x route) handler

func newAPI(c *console) *api {
	a := &api{console: c, served: map[string]func(huma.Context){}}
	config := huma.DefaultConfig("Tandem", "1")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil // these are rows of routes.go
	encoding := huma.Format{Marshal: marshal, Unmarshal: huma.DefaultJSONFormat.Unmarshal}
	config.Formats = map[string]huma.Format{"application/json": encoding, "json": encoding}
	config.Info.Description = apiIntro
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Servers = []*huma.Server{{URL: "/", Description: "where this document is"}}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {
		Type: "http", Scheme: "bearer", Description: "A token of a person, with the rights that it was given: console, Account, Tokens.",
	}}
	config.Components.SecuritySchemes["session"] = &huma.SecurityScheme{
		Type: "apiKey", In: "cookie", Name: cookieName, Description: "A browser that is signed in; behind TLS the cookie is called " + secureName + ". A write takes the token of its forms too, as the header " + formHeader + ".",
	}
	schemas := config.Components.Schemas
	schemas.RegisterTypeAlias(reflect.TypeFor[record.Value](), reflect.TypeFor[any]())
	schemas.RegisterTypeAlias(reflect.TypeFor[record.Fields](), reflect.TypeFor[map[string]any]())
	a.huma = huma.NewAPI(config, a)
	return a
}

const apiIntro = "Everything that the command line can do, for programs. Writes may carry an Idempotency-Key; lists are read page by page: " +
	"next of one answer is cursor of the next request. Errors are application/problem+json."

// Handle keeps how an operation is served; it is huma's way to hand it over.
func (a *api) Handle(op *huma.Operation, serve func(huma.Context)) {
	a.served[op.Method+" "+op.Path] = serve
}

// ServeHTTP is never called: the console's own routes are.
func (a *api) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }

// An output is what huma encodes.
type output[T any] struct{ Body T }

// serves makes an operation of a function: its input is read from the request by its tags, and
// what it returns is the answer. tag groups operations in the document.
func serves[I, O any](tag, summary string, fn func(context.Context, *I) (O, error)) operation {
	return serving(http.StatusOK, tag, summary, fn)
}

// accepts is serves for what is done later.
func accepts[I, O any](tag, summary string, fn func(context.Context, *I) (O, error)) operation {
	return serving(http.StatusAccepted, tag, summary, fn)
}

func serving[I, O any](status int, tag, summary string, fn func(context.Context, *I) (O, error)) operation {
	return func(a *api, x route) handler {
		op := a.describe(x, tag, summary)
		op.DefaultStatus = status
		_, foreign := reflect.TypeFor[I]().FieldByName("RawBody") // a vendor's request, whose parameters are its own
		op.RejectUnknownQueryParameters = !foreign
		huma.Register(a.huma, op, func(ctx context.Context, in *I) (*output[O], error) {
			x := replyIn(ctx)
			var out output[O]
			out.Body, x.err = fn(ctx, in) // of an error the console answers: huma knows neither languages nor codes
			return &out, nil
		})
		return a.handler(x)
	}
}

// describe is what the document says of a route beside its types.
func (a *api) describe(x route, tag, summary string) huma.Operation {
	failed := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problemBody](), true, "Problem")
	op := huma.Operation{
		OperationID: operationID(x), Method: x.method, Path: x.pattern, Summary: summary, Tags: []string{tag},
		Responses:  map[string]*huma.Response{"default": {Description: "What went wrong", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: failed}}}},
		Extensions: map[string]any{"x-tandem-right": string(x.right)},
	}
	if x.right != public {
		op.Description = "Takes the right " + string(x.right) + "."
		op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	}
	if x.right == account.Own {
		op.Description, op.Security = "Takes a browser that is signed in: no token has the right own.", op.Security[1:]
	}
	if x.audit != "" && !x.secret {
		op.Parameters = []*huma.Param{{
			Name: keyHeader, In: "header", Schema: &huma.Schema{Type: "string", MinLength: new(1), MaxLength: new(mostKey)},
			Description: "A name of the caller's for this write. Sent again within a day it does nothing, and is answered as the first time.",
		}}
	}
	return op
}

// operationID is the name of a route's operation: get-syncs-id.
func operationID(x route) string {
	path := strings.TrimPrefix(strings.TrimPrefix(x.pattern, "/api"), "/v1")
	return strings.ToLower(x.method) + strings.NewReplacer("/", "-", "{", "", "}", "", ".", "-").Replace(path)
}

// A reply holds what is to be answered until all of it is known.
type reply struct {
	request *http.Request
	header  http.Header
	status  int
	body    bytes.Buffer
	err     error            // of the operation
	wrong   *huma.ErrorModel // what huma finds wrong with the request
}

// Header returns the header to be answered.
func (x *reply) Header() http.Header { return x.header }

// WriteHeader takes the status.
func (x *reply) WriteHeader(status int) { x.status = status }

// Write takes a part of the body.
func (x *reply) Write(b []byte) (int, error) { return x.body.Write(b) }

type replyKey struct{}

// replyIn returns the answer that an operation is called for.
func replyIn(ctx context.Context) *reply {
	if x, ok := ctx.Value(replyKey{}).(*reply); ok {
		return x
	}
	return &reply{}
}

// marshal encodes an answer; what huma finds wrong becomes a problem of ours.
func marshal(w io.Writer, v any) error {
	x, ours := w.(*reply)
	if wrong, is := v.(*huma.ErrorModel); is && ours {
		x.wrong = wrong
		return nil
	}
	return huma.DefaultJSONFormat.Marshal(w, v)
}

// handler serves an operation.
func (a *api) handler(x route) handler {
	name := x.method + " " + x.pattern
	return func(w http.ResponseWriter, r *http.Request) error {
		if x.audit == "" {
			return a.answer(w, r, name)
		}
		return a.once(w, r, name, x.secret)
	}
}

// answer does an operation, and sends what came of it.
func (a *api) answer(w http.ResponseWriter, r *http.Request, name string) error {
	got, err := a.call(name, r)
	if err == nil {
		got.send(w)
	}
	return err
}

// call does an operation, and returns its answer or its error.
func (a *api) call(name string, r *http.Request) (*reply, error) {
	got := &reply{header: http.Header{}, status: http.StatusOK}
	got.request = r.WithContext(context.WithValue(r.Context(), replyKey{}, got))
	a.served[name](humago.NewContext(&huma.Operation{}, got.request, got))
	switch {
	case got.err != nil:
		return nil, a.console.apiError(got.err, r)
	case got.wrong != nil:
		return nil, problemOf(got.wrong)
	default:
		return got, nil
	}
}

func (x *reply) send(w http.ResponseWriter) {
	for name, values := range x.header {
		if name != "Link" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(x.status)
	_, _ = w.Write(x.body.Bytes()) //nolint:gosec // JSON, by the header too; and a program that has gone needs no answer
}

// problemOf tells what huma found wrong with a request.
func problemOf(m *huma.ErrorModel) *problem {
	p := &problem{status: m.Status, key: "error.input", detail: m.Detail}
	switch {
	case m.Status == http.StatusRequestEntityTooLarge:
		p.key = "error.large"
	case m.Status >= http.StatusInternalServerError || m.Status < http.StatusBadRequest:
		p.status = http.StatusUnprocessableEntity
	}
	for _, d := range m.Errors {
		p.wrong = append(p.wrong, wrongPart{Where: d.Location, What: d.Message})
	}
	return p
}

// readBody reads what a request brings.
func readBody(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &problem{status: http.StatusRequestEntityTooLarge, key: "error.large"}
	}
	if err != nil {
		return nil, &problem{status: http.StatusBadRequest, key: "error.input"}
	}
	return b, nil
}

// meBody says who a program, or a browser, is here.
type meBody struct {
	Name   string          `json:"name"`
	Role   account.Role    `json:"role"`
	Token  string          `json:"token,omitempty" doc:"its name"`
	Rights []account.Right `json:"rights"`
}

// nothing is the input of an operation that takes none.
type nothing struct{}

func (c *console) apiMe(ctx context.Context, _ *nothing) (meBody, error) {
	who := visitIn(ctx).who
	return meBody{Name: who.Name, Role: who.Role, Token: who.Token, Rights: who.Rights}, nil
}
