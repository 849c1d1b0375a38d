package dolibarr

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// The objects.
const (
	thirdParties = "thirdparties"
	contacts     = "contacts"
	users        = "users"
	products     = "products"
	projects     = "projects"
	proposals    = "proposals"
	orders       = "orders"
	invoices     = "invoices"
	events       = "agendaevents"
	categories   = "categories"
)

// optionsPrefix begins the wire names of extrafields; a code of the API begins with
// "options_" after it.
const optionsPrefix = "array_options."

// An object is a record type and how the API spells it.
type object struct {
	record.Object
	path     string
	element  string // its name among the extrafields
	key      string // the column of its id
	created  string // the property with the time of creation
	modified string // the property with the time of the last change
	modifier string // the property with the user who made it
	only     *only  // what it is narrowed to; nil: to nothing
	// closed tells archived records by what their properties hold; nil: there are none.
	// archive and restore are what is sent to close and to open one.
	closed, archive, restore map[string]any
	preset                   map[string]any // what a create sends unless a value is given
	tags                     *tags          // the categories that its records can be in; nil: none
	moves                    []move         // what its status can become, and by which calls
	addLine                  string         // below a record, where a line is added
	fields                   []field
}

// An only narrows an object to a part of what its path lists: by a filter, so that the
// rest does not come, and by a property of what comes all the same.
type only struct {
	filter string
	key    string
	value  string
	not    bool // the property must not have the value
}

func (o *only) lets(row wireRow) bool {
	raw, shown := row[o.key]
	return !shown || (scalar(raw) == o.value) != o.not
}

// A field is a field and how the API spells it.
type field struct {
	record.Field
	column string // the database's column, which filters and error messages name
	also   string // a second key that must be sent with the same value
	whole  bool   // is sent as a number
	zero   bool   // "0" stands for nothing
	box    bool   // is ticked or not: NULL is false
	epoch  bool   // a day that is sent as a moment of it
	apart  bool   // is not part of the record's body: calls of its own read or write it
	elem   []field
}

// settle is how long a save may go on after the answer was lost: webhooks are called
// within it.
const settle = 5 * time.Second

// readBatch keeps the address of a reading by ids far below what web servers accept.
const readBatch = 100

// objects returns the objects with the fields that every installation has. The lengths
// are those of the tables:
// https://github.com/Dolibarr/dolibarr/tree/develop/htdocs/install/mysql/tables
func objects() []object {
	all := slices.Concat(peopleObjects(), salesObjects(), workObjects())
	for i := range all {
		o := &all[i]
		o.path = "/" + o.Name
		o.Batch, o.ReadBatch, o.Settle, o.Overlap = 1, readBatch, settle, overlap
		o.Deletes, o.OwnStamps = record.EvidenceListing, true
		if o.key == "" {
			o.key = "t.rowid"
		}
		if o.modifier == "" && o.modified != "" {
			o.modifier = "user_modification_id"
		}
	}
	return all
}

func objectOf(name string) (object, error) {
	all := objects()
	i := slices.IndexFunc(all, func(o object) bool { return o.Name == name })
	if i < 0 {
		return object{}, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf("there is no object %q", name),
		}
	}
	return all[i], nil
}

// readOnly reports whether an object takes no writes at all.
func (o object) readOnly() bool { return !o.Create && !o.Update && !o.Delete }

// extraAlias begins the columns of the extrafields in filters. The list of contacts joins their
// table under another name than all other lists:
// https://github.com/Dolibarr/dolibarr/blob/20.0/htdocs/societe/class/api_contacts.class.php
func (o object) extraAlias() string {
	if o.Name == contacts {
		return "te."
	}
	return "ef."
}

// keyName returns the field in which operations leave their keys (R16), "" if the API shows
// none.
func (o object) keyName() string {
	i := slices.IndexFunc(o.fields, func(f field) bool { return f.Key })
	if i < 0 {
		return ""
	}
	return o.fields[i].Name
}

// plainRewrites is what happens to every text that is not HTML (recorded): tags and
// double quotes go, entities become characters, blanks in a row become one, backslashes
// change, and an emoji, which would be an error, is dropped before it is sent.
func plainRewrites() []record.Rewrite {
	return []record.Rewrite{
		record.RewriteDropAstral, record.RewriteUnescapeHTML, record.RewriteStripTags, record.RewriteDropQuotes,
		record.RewriteOneBlank, record.RewriteTrim, record.RewriteBackslashes,
	}
}

// phoneRewrites is what happens to the phone of a third party.
func phoneRewrites() []record.Rewrite {
	return append(plainRewrites(), record.RewriteDropSpaces)
}

// noteRewrites is what happens to notes, which are HTML: from version 23 on the text
// between the tags is escaped.
func noteRewrites() []record.Rewrite {
	return []record.Rewrite{record.RewriteDropAstral, record.RewriteTrim}
}

// text makes a text field.
func text(name, label, common, column string, most int) field {
	return field{column: "t." + column, Field: record.Field{
		Name: name, Label: label, Common: common, Kind: record.KindText, MaxLen: most, Rewrites: plainRewrites(),
	}}
}

// html makes a text field that holds HTML.
func html(name, label, common, column string) field {
	f := text(name, label, common, column, 0).of(record.KindText, record.FormatHTML)
	f.Rewrites = noteRewrites()
	return f
}

// plainField makes a field that is no text.
func plainField(kind record.Kind, name, label, common, column string) field {
	return field{column: "t." + column, Field: record.Field{Name: name, Label: label, Common: common, Kind: kind}}
}

// reference makes a reference whose 0 stands for nothing.
func reference(name, label, common, column, to string) field {
	f := plainField(record.KindReference, name, label, common, column)
	f.To, f.whole, f.zero = to, true, true
	return f
}

func (f field) of(kind record.Kind, format record.Format) field {
	f.Kind, f.Format = kind, format
	return f
}

func (f field) findable() field {
	f.Findable = true
	return f
}

func (f field) readOnly() field {
	f.ReadOnly, f.Required, f.NoClear = true, false, false
	return f
}

func (f field) required() field {
	f.Required, f.NoClear = true, true // an empty name is passed over in silence (recorded)
	return f
}

// once makes a field that is set on create and not changed afterwards.
func (f field) once() field {
	f.CreateOnly = true
	return f
}

// filled makes a field that cannot be emptied.
func (f field) filled() field {
	f.NoClear = true
	return f
}

func (f field) common(name string) field {
	f.Common = name
	return f
}

// choice makes a choice of numbers.
func choice(name, label, column string, labels ...string) field {
	f := field{column: "t." + column, whole: true, Field: record.Field{Name: name, Label: label, Kind: record.KindChoice, NoClear: true}}
	for i, l := range labels {
		f.Choices = append(f.Choices, record.Choice{Value: strconv.Itoa(i), Label: l})
	}
	return f
}

// state makes a choice whose values mean something whatever they are called.
func state(name, label, column string, choices ...record.Choice) field {
	f := choice(name, label, column)
	f.Choices = choices
	return f
}

func created(name string) field {
	return field{Field: record.Field{Name: name, Label: "Created", Common: "created_at", Kind: record.KindDateTime, ReadOnly: true}}
}

// keyField is the external reference, in which a create leaves the operation's key. It is
// never written afterwards, so that one that somebody else has filled stays (R16).
func keyField(most int) field {
	f := text("ref_ext", "External reference", "", "ref_ext", most).findable()
	f.Key = true
	return f
}

func noteFields(keyLength int) []field {
	return []field{
		html("note_private", "Private note", "notes", "note_private"), html("note_public", "Public note", "", "note_public"), keyField(keyLength),
	}
}
