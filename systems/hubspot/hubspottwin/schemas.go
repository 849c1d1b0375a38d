package hubspottwin

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A schema is what the Schemas API shows of a custom object besides its properties; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/custom-objects/guide
type schema struct {
	id                string // of the definition: the second half of the type id
	name              string // without the account's prefix
	singular, plural  string
	display           string   // the property that names a record
	second, searched  []string // further properties to show, and to search
	description       string
	created           time.Time
	associationsNamed []map[string]any
}

// The custom object of a fresh account.
const (
	exampleName = "machine"
	exampleID   = 17701501
)

func (a *Account) buildExample() {
	a.custom(&schema{
		id: strconv.Itoa(exampleID), name: exampleName, singular: "Machine", plural: "Machines", display: "serial_number",
		second: []string{"model"}, searched: []string{"serial_number", "model"}, created: a.Now(),
	}, machineProperties, []string{"serial_number"}, []string{"companies", "contacts", "deals", "notes"})
}

// fullName is the name in messages and, where it is not the type id, in paths.
func (s *schema) fullName() string { return fmt.Sprintf("p%d_%s", portalID, s.name) }

// custom makes a custom object that can be associated with some others.
func (a *Account) custom(s *schema, table string, needs, with []string) *object {
	o := newObject(kind{
		name: "2-" + s.id, typeID: "2-" + s.id, single: s.name,
		group: s.name + "_information", scope: "custom", table: table,
	})
	o.schema, o.needs = s, needs
	o.aliases = []string{s.fullName(), "p_" + s.name}
	if s.display != "" {
		o.defaults = append(o.defaults, s.display)
		slices.Sort(o.defaults)
	}
	a.install(o)
	for _, name := range with {
		to := a.object(name)
		a.typeIDs += 2
		r := a.tieUp(o, to, userDefined, a.typeIDs, a.typeIDs+1)
		at := stamp(s.created)
		for _, back := range []bool{false, true} {
			from, into := o, to
			if back {
				from, into = to, o
			}
			s.associationsNamed = append(s.associationsNamed, map[string]any{
				"id": strconv.Itoa(r.types[0].id(back)), "fromObjectTypeId": from.typeID, "toObjectTypeId": into.typeID,
				"name": r.types[0].nameOf(back), "createdAt": at, "updatedAt": at,
			})
		}
	}
	return o
}

// schemas answers /crm-object-schemas/{version}/schemas[/{objectType}].
func (a *Account) schemas(r *request) (int, any) {
	if len(r.path) == 0 || len(r.path) > 2 || r.path[0] != "schemas" {
		return a.unknown(r)
	}
	right := "read"
	if r.Method != "GET" {
		right = "write"
	}
	if f := r.lacks("crm.schemas.custom." + right); f != nil {
		return 0, f
	}
	switch {
	case len(r.path) == 1 && r.Method == "GET":
		q := r.query("archived")
		results := []map[string]any{}
		for _, o := range a.kinds {
			if o.schema != nil && q["archived"] != "true" {
				results = append(results, o.showSchema())
			}
		}
		return 200, map[string]any{"results": results}
	case len(r.path) == 1 && r.Method == "POST":
		return a.createSchema(r)
	case len(r.path) == 2 && r.Method == "GET":
		o := a.object(r.path[1])
		if o == nil || o.schema == nil {
			return 0, notFound()
		}
		return 200, o.showSchema()
	}
	return a.unknown(r)
}

func (o *object) showSchema() map[string]any {
	s := o.schema
	props := make([]*property, 0, len(o.names))
	for _, name := range o.names {
		props = append(props, o.props[name])
	}
	return map[string]any{
		"id": s.id, "objectTypeId": o.typeID, "fullyQualifiedName": s.fullName(), "name": s.name,
		"labels":             map[string]any{"singular": s.singular, "plural": s.plural},
		"requiredProperties": o.needs, "searchableProperties": s.searched,
		"primaryDisplayProperty": s.display, "secondaryDisplayProperties": s.second,
		"description": s.description, "archived": false, "properties": props, "associations": s.associationsNamed,
		"createdAt": stamp(s.created), "updatedAt": stamp(s.created),
	}
}

// A schemaProperty is a property that comes with a new schema.
type schemaProperty struct {
	Name, Label, Type, FieldType, GroupName, Description string
	Options                                              []option
	HasUniqueValue, Hidden, FormField                    bool
	DisplayOrder                                         int
}

// createSchema answers POST …/schemas.
func (a *Account) createSchema(r *request) (int, any) {
	var in struct {
		Name, Description, PrimaryDisplayProperty                            string
		Labels                                                               struct{ Singular, Plural string }
		RequiredProperties, SearchableProperties, SecondaryDisplayProperties []string
		AssociatedObjects                                                    []string
		Properties                                                           []schemaProperty
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	name := fmt.Sprintf("p%d_%s", portalID, in.Name)
	switch {
	case !validName(in.Name) || in.Labels.Singular == "":
		return 0, invalid("name and labels of the object are not valid")
	case a.object(name) != nil || a.object(in.Name) != nil:
		return 0, fail(409, "OBJECT_ALREADY_EXISTS", "An object type with name "+in.Name+" already exists")
	}
	for _, with := range in.AssociatedObjects {
		if a.object(with) == nil {
			return 0, invalid("Unable to infer object type from: " + with)
		}
	}
	n := 0
	for _, o := range a.kinds {
		if o.schema != nil {
			n++
		}
	}
	s := &schema{
		id: strconv.Itoa(exampleID + n), name: in.Name, singular: in.Labels.Singular, plural: in.Labels.Plural,
		display: in.PrimaryDisplayProperty, second: in.SecondaryDisplayProperties, searched: in.SearchableProperties,
		description: in.Description, created: r.now,
	}
	trial := newObject(kind{name: name, group: in.Name + "_information", table: commonProperties})
	for _, x := range in.Properties {
		p := x.property(trial.group)
		if wrong := trial.checkDefinition(p); wrong != "" {
			return 0, invalid(wrong)
		}
		trial.define(p, r.now)
	}
	for _, needed := range slices.Concat(in.RequiredProperties, in.SearchableProperties, []string{in.PrimaryDisplayProperty}) {
		if needed != "" && trial.props[needed] == nil {
			return 0, invalid("Property " + needed + " does not exist")
		}
	}
	o := a.custom(s, commonProperties, in.RequiredProperties, in.AssociatedObjects)
	for _, x := range in.Properties {
		o.define(x.property(o.group), r.now)
	}
	return 201, o.showSchema()
}

func (x schemaProperty) property(group string) *property {
	return &property{
		Name: x.Name, Label: x.Label, Type: x.Type, FieldType: x.FieldType, Group: group, Descr: x.Description,
		Options: x.Options, Unique: x.HasUniqueValue, Hidden: x.Hidden, Form: x.FormField,
	}
}
