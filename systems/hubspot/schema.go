package hubspot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide#limits
	maxBatch = 100
	// The search index is "a few moments" behind; reads by id are not
	// (https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm#limits).
	readLag = 10 * time.Second
	settle  = time.Minute
	overlap = 5 * time.Minute

	atATime = 4 // calls that read the properties of several objects
)

// definitions are an object's properties and associations.
type definitions struct {
	object string
	kind   kind
	list   []record.Field
	fields map[string]record.Field // by name, the links among them
	group  string                  // that new properties go to; "" = not known
}

func newDefinitions(k kind) *definitions {
	return &definitions{object: k.name, kind: k, fields: map[string]record.Field{}}
}

func (d *definitions) add(f record.Field) {
	d.list = append(d.list, f)
	d.fields[f.Name] = f
}

// isLink reports whether a field is an association.
func (d *definitions) isLink(name string) bool {
	return name == fieldLists || slices.ContainsFunc(d.kind.links, func(l link) bool { return l.field(d.object) == name })
}

// names returns the properties to ask for: those wanted, all if wanted is nil.
func (d *definitions) names(wanted []string) []string {
	var out []string
	for _, f := range d.list {
		if !d.isLink(f.Name) && (wanted == nil || slices.Contains(wanted, f.Name)) {
			out = append(out, f.Name)
		}
	}
	return out
}

// linked returns the associations among the wanted fields.
func (d *definitions) linked(wanted []string) []link {
	var out []link
	for _, l := range d.kind.links {
		if wanted == nil || slices.Contains(wanted, l.field(d.object)) {
			out = append(out, l)
		}
	}
	return out
}

// unique returns the properties of which HubSpot allows one record per value.
func (d *definitions) unique() []string {
	var out []string
	for _, f := range d.list {
		if f.Unique {
			out = append(out, f.Name)
		}
	}
	return out
}

// shape describes the object to the hub.
func (d *definitions) shape() record.Object {
	files, _ := d.kind.holds()
	return record.Object{
		Name: d.object, Title: d.kind.title, Common: d.kind.common, Fields: d.list,
		Create: true, Update: true, Archive: true,
		Batch: maxBatch, ReadBatch: maxBatch,
		ReadLag: readLag, Settle: settle, Overlap: overlap,
		Deletes: record.EvidenceBin, OwnStamps: true, Files: files,
	}
}

// Schema reads the properties of all objects, one call each, those of the customer's own
// objects in one, and what can be associated. An object that the token may not see, or the
// account does not have, is left out; SchemaOf says why.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	names := []string{owners}
	if c.withLists() {
		names = append(names, lists)
	}
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	own, err := c.customSchemas(ctx)
	if err != nil {
		return record.Schema{}, err
	}
	for _, s := range own {
		names = append(names, s.TypeID)
	}
	s, _, err := c.schemaOf(ctx, names, own)
	return s, err
}

// SchemaOf reads the properties of the named objects.
func (c *conn) SchemaOf(ctx context.Context, objects []string) (record.Schema, []connector.Lack, error) {
	own, err := c.schemasFor(ctx, objects...)
	if err != nil {
		return record.Schema{}, nil, err
	}
	return c.schemaOf(ctx, objects, own)
}

// schemasFor reads the customer's own objects if some of the named are among them, or can be
// associated with them.
func (c *conn) schemasFor(ctx context.Context, objects ...string) ([]customSchema, error) {
	all := c.settings[settingAssociations] != associationsMain
	if !slices.ContainsFunc(objects, func(name string) bool { return isCustom(name) || all && slices.Contains(hub(), name) }) {
		return nil, nil
	}
	return c.customSchemas(ctx)
}

func (c *conn) schemaOf(ctx context.Context, objects []string, own []customSchema) (record.Schema, []connector.Lack, error) {
	found := make([]*definitions, len(objects))
	errs := make([]error, len(objects))
	slots := make(chan struct{}, atATime)
	var wg sync.WaitGroup
	for i, name := range objects {
		if name == owners || name == lists {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			found[i], errs[i] = c.describe(ctx, name, own)
			<-slots
		})
	}
	wg.Wait()
	var s record.Schema
	var lacks []connector.Lack
	for i, name := range objects {
		switch {
		case name == owners:
			s.Objects = append(s.Objects, ownersObject())
		case name == lists:
			s.Objects = append(s.Objects, listsObject())
		case errs[i] == nil:
			s.Objects = append(s.Objects, found[i].shape())
		case isAbsent(errs[i]):
			lacks = append(lacks, lackOf(name, "read", errs[i]))
		default:
			return record.Schema{}, nil, fmt.Errorf("read properties of %s: %w", name, errs[i])
		}
	}
	return s, lacks, nil
}

// describe reads the properties of one object anew. Those of the customer's own objects came
// with their schemas.
func (c *conn) describe(ctx context.Context, object string, own []customSchema) (*definitions, error) {
	k, err := wanted(object)
	if err != nil {
		return nil, err
	}
	if !isCustom(object) {
		return c.define(ctx, k, own)
	}
	i := slices.IndexFunc(own, func(s customSchema) bool { return s.TypeID == object })
	if i < 0 {
		return nil, &connector.Error{
			Kind: connector.NotFound, Scope: connector.ScopeObject, Fix: "tandem fields shows the objects that there are",
			Err: fmt.Errorf("the account has no object %s", object),
		}
	}
	k = own[i].kind()
	if k.links, err = c.furtherLinks(ctx, k, own); err != nil {
		return nil, err
	}
	d := newDefinitions(k)
	d.take(own[i].Properties, nil)
	c.keep(d)
	return d, nil
}

// isAbsent reports whether an error says that the account or the token does not have an
// object: to a subscription without leads their name is unknown.
func isAbsent(err error) bool {
	switch connector.KindOf(err) {
	case connector.Forbidden, connector.NotFound, connector.Invalid, connector.Unsupported:
		return true
	default:
		return false
	}
}

func lackOf(object, what string, err error) connector.Lack {
	e := connector.ErrorOf(err)
	lack := connector.Lack{Object: object, What: what, Why: err.Error(), Remedy: e.Fix}
	if e.Err != nil {
		lack.Why = e.Err.Error()
	}
	if lack.Remedy == "" {
		lack.Remedy = "does the HubSpot subscription have it?"
	}
	return lack
}

func ownersObject() record.Object {
	text := func(name, label, common string, kind record.Kind) record.Field {
		return record.Field{Name: name, Label: label, Common: common, Kind: kind, ReadOnly: true}
	}
	email := text("email", "E-mail", "email", record.KindEmail)
	email.Unique, email.Findable = true, true
	first := text("firstName", "First name", "first_name", record.KindText)
	last := text("lastName", "Last name", "last_name", record.KindText)
	first.Format, last.Format = record.FormatName, record.FormatName
	return record.Object{
		Name: owners, Title: "Owners", Common: "user", Batch: 1, ReadBatch: maxBatch,
		Settle: settle, Overlap: overlap, Deletes: record.EvidenceBin,
		Fields: []record.Field{
			email, first, last,
			text("type", "Type", "", record.KindText),
			text("userId", "User ID", "", record.KindNumber),
		},
	}
}

// define reads an object's properties, and its pipelines if it has any, and keeps them.
func (c *conn) define(ctx context.Context, k kind, own []customSchema) (*definitions, error) {
	var answer struct {
		Results []property `json:"results"`
	}
	if _, err := c.read(ctx, rest.Call{Path: c.path(areaProperties, k.name), Into: &answer}); err != nil {
		return nil, err
	}
	var all []pipeline
	if k.pipeline != "" {
		var err error
		if all, err = c.pipelines(ctx, k); err != nil {
			return nil, err
		}
	}
	further, err := c.furtherLinks(ctx, k, own)
	if err != nil {
		return nil, err
	}
	k.links = append(k.links, further...)
	d := newDefinitions(k)
	d.take(answer.Results, all)
	if k.name == contacts && c.withLists() {
		d.add(listsField())
	}
	c.keep(d)
	return d, nil
}

// take makes the fields of properties and associations.
func (d *definitions) take(list []property, all []pipeline) {
	words := d.kind.lexicon()
	for _, p := range list {
		if p.Archived || d.isLink(p.Name) {
			continue
		}
		if p.Name == d.kind.face || d.group == "" {
			d.group = p.GroupName
		}
		f := p.field(d.kind, words)
		switch f.Name {
		case d.kind.pipeline:
			setPipelines(&f, all)
		case d.kind.stage:
			setStages(&f, all)
		}
		d.add(f)
	}
	for _, l := range d.kind.links {
		d.add(l.describe(d.object))
	}
}

// describe makes the field of an association. A change of it does not reliably move the
// record's stamp, so it is silent (R35).
func (l link) describe(object string) record.Field {
	f := record.Field{
		Name: l.field(object), Label: l.label, Common: l.common,
		Kind: record.KindReference, To: l.to, Silent: true, Required: l.required, NoClear: l.required,
	}
	if l.many {
		f.Kind = record.KindReferences
	}
	return f
}

// Recall takes the properties from the schema that was read before.
func (c *conn) Recall(s record.Schema) {
	for _, o := range s.Objects {
		k, ok := kindOf(o.Name)
		if !ok {
			continue
		}
		d := newDefinitions(k)
		for _, f := range o.Fields {
			if l, ok := recallLink(f); ok && !d.isLink(f.Name) {
				d.kind.links = append(d.kind.links, l)
			}
			d.add(f)
		}
		c.keep(d)
	}
}

func (c *conn) keep(d *definitions) {
	c.mu.Lock()
	c.known[d.object] = d
	c.mu.Unlock()
}

func (c *conn) knownOf(object string) *definitions {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[object]
}

// defined returns an object's properties, reading them if that was not done yet.
func (c *conn) defined(ctx context.Context, object string) (*definitions, error) {
	if d := c.knownOf(object); d != nil {
		return d, nil
	}
	d, err := c.redefine(ctx, object)
	if err != nil {
		return nil, fmt.Errorf("read properties of %s: %w", object, err)
	}
	return d, nil
}
