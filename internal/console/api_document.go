package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// showDocument answers with the OpenAPI document.
func (c *console) showDocument(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(c.api.document) // a program that has gone needs none
	return nil
}

// finish encodes the document, once all operations are described.
func (a *api) finish() error {
	doc := a.huma.OpenAPI()
	for _, own := range []string{"ErrorModel", "ErrorDetail"} { // huma's; errors are problems of ours
		delete(doc.Components.Schemas.Map(), own)
	}
	openAnswers(doc)
	b, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode the document of the API: %w", err)
	}
	a.document, a.docs = b, docsOf(doc)
	return nil
}

// openAnswers lets what is answered have more members than are described, so that a client that holds
// answers against the document still understands a newer hub. What programs send stays strict.
func openAnswers(doc *huma.OpenAPI) {
	for _, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			for _, r := range op.Responses {
				for _, kind := range r.Content {
					openSchema(doc, kind.Schema)
				}
			}
		}
	}
}

// operationsOf are those of an address, in the order in which people read them.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{item.Get, item.Post, item.Put, item.Delete}, func(op *huma.Operation) bool { return op == nil })
}

func openSchema(doc *huma.OpenAPI, s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if closed, is := s.AdditionalProperties.(bool); s.Type == huma.TypeObject && is && !closed {
		s.AdditionalProperties = nil // before its members: a type may hold itself
		for _, member := range s.Properties {
			openSchema(doc, member)
		}
	}
	openSchema(doc, s.Items)
	if values, is := s.AdditionalProperties.(*huma.Schema); is {
		openSchema(doc, values)
	}
}

// docsPage is the document for people.
type docsPage struct {
	Version string
	Intro   string
	Groups  []docsGroup
	Schemas []docsSchema
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path string
	Summary, Text    string
	Right            string
	Params           []docsField
	Body             string // the name of its schema, or its shape
	Answers          string
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, Where, Shape, Text string
	Required                 bool
}

// docsOf makes the page of the document, so that both say the same.
func docsOf(doc *huma.OpenAPI) docsPage {
	page := docsPage{Version: doc.OpenAPI, Intro: doc.Info.Description}
	at := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, op := range operationsOf(item) {
			i, known := at[op.Tags[0]]
			if !known {
				i = len(page.Groups)
				at[op.Tags[0]] = i
				page.Groups = append(page.Groups, docsGroup{Name: op.Tags[0]})
			}
			page.Groups[i].Operations = append(page.Groups[i].Operations, docsOf1(op))
		}
	}
	slices.SortFunc(page.Groups, func(a, b docsGroup) int { return strings.Compare(a.Name, b.Name) })
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		page.Schemas = append(page.Schemas, docsSchema{Name: name, Fields: fieldsOf(schemas[name])})
	}
	return page
}

func docsOf1(op *huma.Operation) docsOperation {
	right, _ := op.Extensions["x-tandem-right"].(string)
	out := docsOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Text: op.Description, Right: right}
	for _, p := range op.Parameters {
		out.Params = append(out.Params, docsField{Name: p.Name, Where: p.In, Shape: shapeOf(p.Schema), Text: cmp.Or(p.Description, p.Schema.Description), Required: p.Required})
	}
	if op.RequestBody != nil {
		out.Body = contentOf(op.RequestBody.Content)
	}
	for _, status := range []string{"200", "202"} {
		if r := op.Responses[status]; r != nil {
			out.Answers = status + " " + contentOf(r.Content)
		}
	}
	return out
}

func contentOf(all map[string]*huma.MediaType) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, strings.TrimSpace(kind+" "+shapeOf(all[kind].Schema)))
	}
	return strings.Join(parts, ", ")
}

func fieldsOf(s *huma.Schema) []docsField {
	var all []docsField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		all = append(all, docsField{Name: name, Shape: shapeOf(p), Text: p.Description, Required: slices.Contains(s.Required, name)})
	}
	return all
}

// shapeOf is a schema in a few words.
func shapeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Type == huma.TypeArray:
		return shapeOf(s.Items) + "[]"
	case s.Type == huma.TypeObject && len(s.Properties) > 0:
		return "{" + strings.Join(slices.Sorted(maps.Keys(s.Properties)), ", ") + "}"
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	default:
		return cmp.Or(s.Type, "any")
	}
}

// showDocs answers with the document as a page.
func (c *console) showDocs(w http.ResponseWriter, r *http.Request) error {
	return c.view.page(w, r, "docs", c.api.docs)
}
