package hubspot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin/wiretest"
)

func exchanges(t *testing.T) []wiretest.Exchange {
	t.Helper()
	return wiretest.Read(t, "testdata/wire", 60)
}

// fixture has the properties that the exchanges show.
func fixture(object string) *definitions {
	k, _ := kindOf(object)
	d := newDefinitions(k)
	for name, kind := range map[string]record.Kind{
		"email": record.KindEmail, "firstname": record.KindText, "lastname": record.KindText, "domain": record.KindText,
		"phone": record.KindPhone, "interests": record.KindChoices, "createdate": record.KindDateTime,
		"lastmodifieddate": record.KindDateTime, "hs_lastmodifieddate": record.KindDateTime, "hs_object_id": record.KindNumber,
	} {
		d.add(record.Field{Name: name, Kind: kind})
	}
	return d
}

func TestEveryDocumentedAnswerIsDecoded(t *testing.T) {
	t.Parallel()
	wiretest.Understood(t, exchanges(t), decoded)
}

// decoded returns what the connector makes of an answer.
func decoded(t *testing.T, x wiretest.Exchange) map[string]any {
	t.Helper()
	got := map[string]any{}
	switch x.Decodes {
	case "none":
	case "account":
		info := wiretest.Answer[accountInfo](t, x)
		got["account"], got["zone"] = fmt.Sprint(info.PortalID), info.TimeZone
	case "contacts", "companies", "deals":
		decodeRows(t, x, got)
	case "row":
		r := wiretest.Answer[row](t, x)
		got["ids"], got["merged"] = []string{r.ID}, r.mergedIDs()
	case "associations":
		decodeAssociations(t, x, got)
	case "properties", "property":
		decodeProperties(t, x, got)
	case "owners":
		p := wiretest.Answer[ownerPage](t, x)
		ids := []string{}
		for _, o := range p.Results {
			ids = append(ids, o.record().ID)
		}
		got["ids"], got["after"] = ids, p.Paging.after()
	case "failure":
		decodeError(t, x, got)
	case "entry":
		e := wiretest.Answer[entry](t, x)
		got["offset"], got["url"] = e.Offset, e.URL
	case "journal":
		hints := []string{}
		for _, h := range hintsOf(wiretest.Answer[journalFile](t, x).Events) {
			hints = append(hints, h.Object+" "+h.ID)
		}
		got["hints"] = hints
	case "lists":
		names := []string{}
		for _, l := range wiretest.Answer[struct{ Lists []contactList }](t, x).Lists {
			names = append(names, string(l.ID)+" "+l.change().Fields["name"].Text())
		}
		got["lists"] = names
	case "memberships":
		on := map[string][]string{}
		wiretest.Answer[memberships](t, x).add(on)
		got["lists"] = on
	case "file", "files":
		all := wiretest.Answer[struct{ Results []storedFile }](t, x).Results
		if x.Decodes == "file" {
			all = []storedFile{wiretest.Answer[storedFile](t, x)}
		}
		files := []string{}
		for _, s := range all {
			f := s.file(record.Ref{})
			files = append(files, fmt.Sprintf("%s %s %d %s", f.ID, f.Name, f.Size, f.Hash))
		}
		got["files"] = files
	case "labels":
		labels := []string{}
		for _, l := range wiretest.Answer[struct{ Results []label }](t, x).Results {
			labels = append(labels, fmt.Sprintf("%s %d %s", l.Category, l.ID, l.Label))
		}
		got["labels"] = labels
	case "members":
		got["missing"] = wiretest.Answer[memberAnswer](t, x).Missing
	case "token":
		a := wiretest.Answer[appToken](t, x)
		got["token"], got["expires"] = a.Token, a.Expires
	case "pipelines":
		decodePipelines(t, x, got)
	case "schemas":
		objects := []string{}
		for _, c := range wiretest.Answer[struct{ Results []customSchema }](t, x).Results {
			objects = append(objects, c.TypeID+" "+c.Labels.Plural+" "+c.Face)
		}
		got["objects"] = objects
	default:
		t.Fatalf("nothing decodes %q", x.Decodes)
	}
	return got
}

func decodeRows(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	p, b := wiretest.Answer[page](t, x), wiretest.Answer[batch](t, x)
	d := fixture(x.Decodes)
	ids, archived, merged, traces, errs := []string{}, []string{}, []string{}, []string{}, []string{}
	for _, r := range p.Results {
		ids = append(ids, r.ID)
		if r.Archived {
			archived = append(archived, r.ID)
		}
		if r.Trace != "" {
			traces = append(traces, r.Trace)
		}
		merged = append(merged, r.mergedIDs()...)
		rec := d.record(r)
		if rec.Created.IsZero() || rec.Modified.IsZero() || rec.Version == "" {
			t.Errorf("record %s has no times", r.ID)
		}
		got["fields"] = rec.Fields
	}
	for _, f := range b.Errors {
		errs = append(errs, string(f.meaning(f.status(), x.Decodes).Kind))
	}
	got["ids"], got["after"], got["archived"], got["merged"] = ids, p.Paging.after(), archived, merged
	got["traces"], got["errors"] = traces, errs
}

// decodePipelines tells what the stages mean, those that the exchange asks for.
func decodePipelines(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	var f record.Field
	setStages(&f, wiretest.Answer[struct{ Results []pipeline }](t, x).Results)
	asked, _ := x.Want["stages"].(map[string]any)
	stages := map[string]record.ChoiceKind{}
	for _, c := range f.Choices {
		if _, ok := asked[c.Parent+" "+c.Value]; ok {
			stages[c.Parent+" "+c.Value] = c.Kind
		}
		if c.Label == "" || c.Parent == "" {
			t.Errorf("a stage without a name or a pipeline: %+v", c)
		}
	}
	got["stages"] = stages
}

func decodeAssociations(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	parts := strings.Split(x.Request.Path, "/")
	k, _ := kindOf(parts[len(parts)-4])
	i := slices.IndexFunc(k.links, func(l link) bool { return l.to == parts[len(parts)-3] })
	found, one := map[string][]associated{}, map[string]string{}
	wiretest.Answer[associationBatch](t, x).take(found)
	for id, all := range found {
		one[id] = k.links[i].sort(all).one(k.links[i])
	}
	got["primary"] = one
}

func decodeProperties(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	var list struct{ Results []property }
	if err := json.Unmarshal(x.Response.Body, &list); err != nil {
		t.Fatal(err)
	}
	if x.Decodes == "property" {
		list.Results = []property{wiretest.Answer[property](t, x)}
	}
	fields, readOnly := map[string]string{}, []string{}
	k, _ := kindOf(contacts)
	for _, p := range list.Results {
		f := p.field(k, k.lexicon())
		fields[f.Name] = string(f.Kind)
		if f.ReadOnly {
			readOnly = append(readOnly, f.Name)
		}
	}
	got["fields"], got["read_only"] = fields, readOnly
}

func decodeError(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	c := &conn{}
	path, _, _ := strings.Cut(x.Request.Path, "?")
	err := c.classify(&rest.Response{Status: x.Response.Status, Body: x.Response.Body, Method: x.Request.Method, Path: path})
	e := connector.ErrorOf(err)
	got["kind"], got["scope"], got["limit"] = e.Kind, e.Scope, e.Limit
	if e.Limit == limitDaily && e.Wait > 0 {
		e.Wait = decodeFailure(x.Response.Body).tooMany().Wait // it is until midnight
	}
	got["wait"], got["field"], got["existing"] = e.Wait.String(), e.Field, e.Existing.ID
	if want, ok := x.Want["fix"].(string); ok && strings.Contains(e.Fix, want) {
		got["fix"] = want
	}
}

func TestDecodeValueKeepsEveryKindInItsCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind record.Kind
		text string
		want record.Value
	}{
		{record.KindText, "", record.Value{}},
		{record.KindText, " a\nb ", record.Text(" a\nb ")},
		{record.KindNumber, "17.50", record.Text("17.5")},
		{record.KindNumber, "about 5", record.Text("about 5")},
		{record.KindBool, "true", record.Bool(true)},
		{record.KindBool, "false", record.Bool(false)},
		{record.KindDate, "2026-02-28", record.Text("2026-02-28")},
		{record.KindDate, "1772236800000", record.Text("2026-02-28")},
		{record.KindDateTime, "2026-02-28T12:30:00.250Z", record.Text("2026-02-28T12:30:00.25Z")},
		{record.KindDateTime, "1772281800250", record.Text("2026-02-28T12:30:00.25Z")},
		{record.KindChoices, "a;b", record.Texts("a", "b")},
		{record.KindChoices, ";a;", record.Texts("a")},
		{record.KindChoice, "a;b", record.Text("a;b")},
	} {
		if got := decodeValue(record.Field{Kind: c.kind}, c.text); !got.Equal(c.want) {
			t.Errorf("%s %q: %v, want %v", c.kind, c.text, got, c.want)
		}
	}
}

func TestEncodeValueIsWhatHubSpotTakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind record.Kind
		v    record.Value
		want string
		ok   bool
	}{
		{record.KindText, record.Value{}, "", true},
		{record.KindNumber, record.Text("0"), "0", true},
		{record.KindBool, record.Bool(false), "false", true},
		{record.KindDate, record.Text("2026-02-28"), "2026-02-28", true},
		{record.KindDateTime, record.Text("2026-02-28T12:30:00.25Z"), "2026-02-28T12:30:00.250Z", true},
		{record.KindChoices, record.Texts("a", "b"), "a;b", true},
		{record.KindText, record.Texts("a", "b"), "", false},
		{record.KindText, record.Struct(record.Fields{"a": record.Text("b")}), "", false},
	} {
		got, ok := encodeValue(record.Field{Kind: c.kind}, c.v)
		if got != c.want || ok != c.ok {
			t.Errorf("%s %v: %q %v, want %q %v", c.kind, c.v, got, ok, c.want, c.ok)
		}
	}
}
