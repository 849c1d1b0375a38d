package console

import (
	"context"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A systemBody is a kind of system, and what it takes to connect one.
type systemBody struct {
	System    string   `json:"system" doc:"its name in the configuration"`
	Title     string   `json:"title"`
	API       string   `json:"api,omitempty" doc:"the version of the vendor's API that is spoken"`
	Docs      string   `json:"docs,omitempty"`
	Notes     []string `json:"notes,omitempty" doc:"what an administrator must know before connecting"`
	Abilities []string `json:"abilities" doc:"what connections to it can do"`
	Used      int      `json:"used" doc:"connections to it"`
	FileMB    int      `json:"max_file_mb,omitempty" doc:"the largest file that it takes"`

	URL      settingBody   `json:"url" doc:"where requests go"`
	Settings []settingBody `json:"settings"`
	Ways     []wayBody     `json:"ways,omitempty" doc:"to authenticate: one of them"`
}

// A settingBody is one row of a connection's settings.
type settingBody struct {
	Name     string   `json:"name"`
	Label    string   `json:"label,omitempty"`
	Help     string   `json:"help,omitempty"`
	Default  string   `json:"default,omitempty"`
	Choices  []string `json:"choices,omitempty" doc:"the allowed values; absent: any"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"`
}

// A wayBody is one way to authenticate.
type wayBody struct {
	Way   string `json:"way" doc:"the secret that it takes"`
	Help  string `json:"help,omitempty" doc:"where a person finds or renews it"`
	OAuth bool   `json:"oauth,omitempty" doc:"a person agrees in a browser; client_id is a setting then"`
}

func ofSetting(s connector.Setting) settingBody {
	return settingBody{Name: s.Name, Label: s.Label, Help: s.Help, Default: s.Default, Choices: s.Choices, Required: s.Required, Secret: s.Secret}
}

func ofSystem(v systemView) systemBody {
	form := newSpecForm(v.Spec)
	out := systemBody{System: v.Name, Title: v.Title, API: v.API, Docs: v.Docs, Notes: v.Notes, Abilities: append([]string{}, v.Abilities...), Used: v.Used, FileMB: v.FileMB,
		URL: ofSetting(form.URL.Setting), Settings: []settingBody{}}
	for _, f := range form.Fields {
		out.Settings = append(out.Settings, ofSetting(f.Setting))
	}
	for _, w := range form.Ways {
		out.Ways = append(out.Ways, wayBody{Way: w.Setting, Help: w.Help, OAuth: w.OAuth})
	}
	return out
}

func (c *console) apiSystems(context.Context, *nothing) (list[systemBody], error) {
	out := list[systemBody]{Items: []systemBody{}}
	for _, v := range c.systems() {
		out.Items = append(out.Items, ofSystem(v))
	}
	return out, nil
}

func (c *console) apiSystem(_ context.Context, in *Named) (systemBody, error) {
	all := c.systems()
	i := slices.IndexFunc(all, func(v systemView) bool { return v.Name == in.ID })
	if i < 0 {
		return systemBody{}, c.noSystem(in.ID)
	}
	return ofSystem(all[i]), nil
}

func (c *console) noSystem(name string) error {
	var have []string
	for _, v := range c.systems() {
		have = append(have, v.Name)
	}
	return &jsonl.UnknownError{Kind: "system", Name: name, Have: have}
}

// An objectBody is one object of a connection, as it was last asked.
type objectBody struct {
	record.Object

	Present int        `json:"present" doc:"records in the mirror"`
	Read    *time.Time `json:"read,omitempty" doc:"when the last read began that came to its end"`
	Total   int        `json:"total,omitempty" doc:"records in all, as the vendor last said"`
}

func (c *console) apiObjects(ctx context.Context, in *Named) (list[objectBody], error) {
	out := list[objectBody]{Items: []objectBody{}}
	if _, known := c.hub.Plan().Connection(in.ID); !known {
		return out, c.noConnection(in.ID)
	}
	known, _, err := c.hub.Store().Connection(ctx, in.ID)
	if err != nil {
		return out, err
	}
	lines, err := c.objectLines(ctx, in.ID, known.Schema)
	for _, o := range lines {
		out.Items = append(out.Items, objectBody{Object: o.Object, Present: o.State.Present, Read: moment(o.State.Read), Total: o.State.Total})
	}
	return out, err
}

type browseInput struct {
	Named
	Paging

	Object string `path:"object" doc:"as the connection names it: contacts"`
}

// apiBrowse lists the records of any object that is in the mirror, those first that changed last.
func (c *console) apiBrowse(ctx context.Context, in *browseInput) (list[recordBody], error) {
	none := list[recordBody]{}
	if _, known := c.hub.Plan().Connection(in.ID); !known {
		return none, c.noConnection(in.ID)
	}
	before, err := in.from()
	if err != nil {
		return none, err
	}
	known, _, err := c.hub.Store().Connection(ctx, in.ID)
	if err != nil {
		return none, err
	}
	i := slices.IndexFunc(known.Schema.Objects, func(o record.Object) bool { return o.Name == in.Object })
	if i < 0 {
		return none, errNotFound()
	}
	at := searched{of: store.Object{Connection: in.ID, Name: in.Object}, object: known.Schema.Objects[i]}
	rows, err := c.hub.Store().Latest(ctx, at.of, before, in.Limit+1)
	if err != nil {
		return none, err
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	links, err := c.linksFrom(ctx, at.of, ids)
	tell := func(row store.Row) recordBody { return recordOf(at, row, links[row.ID]) }
	return listOf(in.Paging, rows, tell, func(row store.Row) int64 { return row.Seq }), err
}
