package jsonl

import (
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

// A Missing is a field, or a list, that a connection lacks.
type Missing struct {
	Object string      `json:"object"`
	Field  string      `json:"field"`
	List   string      `json:"list,omitempty"` // the list that is missing, where it is no field
	Kind   record.Kind `json:"kind"`
	Sync   string      `json:"sync,omitempty"` // "" = Tandem's own, wanted but not needed
	Can    bool        `json:"can_create"`
}

// A Created is a field that was made, or could not be.
type Created struct {
	Object string `json:"object"`
	Field  string `json:"field"`
	List   string `json:"list,omitempty"`
	Error  string `json:"error,omitempty"`
}

// listOf is the name of the list that is to be made, where it is no field that is missing.
func listOf(f record.Field) string {
	if f.Kind != record.KindReferences || len(f.Choices) != 1 {
		return ""
	}
	return f.Choices[0].Label
}

// A Checked is what checking a connection has found out.
type Checked struct {
	Connection string            `json:"connection"`
	System     string            `json:"system"`
	OK         bool              `json:"ok"`
	Account    string            `json:"account,omitempty"`
	Name       string            `json:"name,omitempty"`
	Version    string            `json:"version,omitempty"`
	ClockMS    int64             `json:"clock_ms"`
	Zone       string            `json:"zone,omitempty"`
	Facts      map[string]string `json:"facts,omitempty"`
	Lacks      []connector.Lack  `json:"lacks,omitempty"`
	Objects    []string          `json:"objects,omitempty"`
	Missing    []Missing         `json:"missing,omitempty"`
	Created    []Created         `json:"created,omitempty"`
	Error      string            `json:"error,omitempty"`
	Kind       connector.Kind    `json:"kind,omitempty"`
	Fix        string            `json:"fix,omitempty"`
}

// OfChecked tells what checking a connection has found out.
func OfChecked(ch engine.Checked) Checked {
	id := ch.Identity
	line := Checked{
		Connection: ch.Connection, System: ch.System, OK: ch.Err == nil,
		Account: id.Account, Name: id.Name, Version: id.Version, ClockMS: id.Clock.Milliseconds(), Zone: id.Zone,
		Facts: id.Facts, Lacks: id.Lacks,
	}
	for _, o := range ch.Schema.Objects {
		line.Objects = append(line.Objects, o.Name)
	}
	for _, m := range ch.Missing {
		line.Missing = append(line.Missing, Missing{Object: m.Object, Field: m.Field.Name, List: listOf(m.Field), Kind: m.Field.Kind, Sync: m.Sync, Can: m.Can})
	}
	if ch.Err != nil {
		e := connector.ErrorOf(ch.Err)
		line.Error, line.Kind, line.Fix = ch.Err.Error(), e.Kind, e.Fix
	}
	return line
}

// OfAdded tells of a field that was made, or could not be.
func OfAdded(ad engine.Added) Created {
	made := Created{Object: ad.Object, Field: ad.Field.Name, List: listOf(ad.Field)}
	if ad.Err != nil {
		made.Error = ad.Err.Error()
	}
	return made
}
