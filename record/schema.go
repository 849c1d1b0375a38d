package record

import (
	"slices"
	"time"
)

// A Kind says what a field holds and the canonical form of its values.
type Kind string

// The kinds and the canonical text of their scalars.
const (
	KindText       Kind = "text"       // any text, "\n" between lines
	KindNumber     Kind = "number"     // exact decimal, see [Number]
	KindBool       Kind = "bool"       // "true" or "false"
	KindDate       Kind = "date"       // "2006-01-02", no zone
	KindDateTime   Kind = "datetime"   // RFC 3339 in UTC
	KindChoice     Kind = "choice"     // the vendor's value of the choice, not its label
	KindChoices    Kind = "choices"    // list of choice; order has no meaning
	KindEmail      Kind = "email"      // as the vendor holds it
	KindPhone      Kind = "phone"      // as the vendor holds it
	KindMoney      Kind = "money"      // like number; the currency is a field of its own
	KindReference  Kind = "reference"  // id of a record of Field.To
	KindReferences Kind = "references" // list of ids; order has no meaning
	KindList       Kind = "list"       // list of structs; Field.Elem describes them
	KindConsent    Kind = "consent"    // whether a person may be contacted: Denied, Granted, or empty while nobody has said (R32)
)

// The values of a consent.
const (
	Denied  = "denied"  // unsubscribed, objected, blocklisted
	Granted = "granted" // subscribed, opted in
)

// A Format tells text fields of special meaning apart, for normalising and converting.
type Format string

// The formats. No format means plain text.
const (
	FormatDomain   Format = "domain"   // host name of a web site: "acme.gr"
	FormatURL      Format = "url"      // web address as people write it: "https://www.acme.gr/shop"
	FormatName     Format = "name"     // name of a person or company
	FormatCountry  Format = "country"  // country by code or by name
	FormatLanguage Format = "language" // language by code or by name
	FormatHTML     Format = "html"     // HTML fragment
	FormatVATID    Format = "vat_id"   // VAT number, with or without country prefix and blanks
)

// A Rewrite is something that a vendor does to a text on its way in, declared so that
// the changed value that is read back is known for the value that was sent (R2).
type Rewrite string

// The rewrites that vendors are known to do. [Rewritten] applies them.
const (
	RewriteTrim         Rewrite = "trim"          // white space at both ends is dropped
	RewriteStripTags    Rewrite = "strip_tags"    // <tags> are dropped
	RewriteDropQuotes   Rewrite = "drop_quotes"   // every " is dropped
	RewriteDropSpaces   Rewrite = "drop_spaces"   // every white space is dropped
	RewriteOneBlank     Rewrite = "one_blank"     // two or more blanks in a row become one
	RewriteDropAstral   Rewrite = "drop_astral"   // characters beyond U+FFFF (emoji) are dropped
	RewriteLower        Rewrite = "lower"         // lower case
	RewriteEscapeHTML   Rewrite = "escape_html"   // & < > become entities where they are none yet
	RewriteUnescapeHTML Rewrite = "unescape_html" // entities become characters
	RewriteBackslashes  Rewrite = "slashes"       // backslashes change in a way that cannot be foretold
	RewriteDropNewlines Rewrite = "drop_newlines" // line breaks become blanks
)

// A Schema describes all objects of a connection that Tandem may touch.
type Schema struct {
	Objects []Object `json:"objects"`
}

// Object returns the object of that name.
func (s Schema) Object(name string) (Object, bool) {
	i := slices.IndexFunc(s.Objects, func(o Object) bool { return o.Name == name })
	if i < 0 {
		return Object{}, false
	}
	return s.Objects[i], true
}

// An Evidence says how one learns that a record of an object is gone (R21).
type Evidence string

// The kinds of evidence. With none, a record that is missing is frozen, never deleted.
const (
	EvidenceNone    Evidence = ""        // deleted and invisible cannot be told apart
	EvidenceListing Evidence = "listing" // a complete listing by id raises the suspicion, Read proves it
	EvidenceBin     Evidence = "bin"     // a sweep lists the tombstones of what was deleted; what is in no bin, a complete listing misses
	EvidenceFeed    Evidence = "feed"    // Changes delivers tombstones like any change
)

// An Object describes one record type. All facts that differ per object, or per
// customer, are data here; only verbs are methods of a connector (C3).
type Object struct {
	Name   string  `json:"name"`             // wire name: "thirdparties"
	Title  string  `json:"title"`            // for people: "Third parties"
	Common string  `json:"common,omitempty"` // what it is everywhere, see [Commons]: company, contact, deal; "" if nothing common
	Fields []Field `json:"fields"`

	Create  bool `json:"create,omitempty"`  // records can be created,
	Update  bool `json:"update,omitempty"`  // changed,
	Delete  bool `json:"delete,omitempty"`  // deleted for good,
	Archive bool `json:"archive,omitempty"` // put aside so that a person can take them back,
	Restore bool `json:"restore,omitempty"` // and brought back with the same id

	Batch     int `json:"batch"`      // most records in one Write of one verb; 1 = no batches
	ReadBatch int `json:"read_batch"` // most ids in one Read, and most values in one Find

	// Where a vendor takes new records in larger heaps than other writes, or tells of more
	// outcomes at once than it shows records, these say so; 0 = as Batch and ReadBatch.
	CreateBatch  int `json:"create_batch,omitempty"`  // most records in one Write of creates
	OutcomeBatch int `json:"outcome_batch,omitempty"` // most pending writes in one question for outcomes

	ReadLag time.Duration `json:"read_lag,omitempty"` // a read this soon after a write may show the old state (R3)
	Settle  time.Duration `json:"settle,omitempty"`   // a write of unknown outcome shows itself within this time (R16)
	Overlap time.Duration `json:"overlap,omitempty"`  // an incremental read goes back this far behind its cursor

	// Hosted says that the vendor visits us to bring and to fetch the records; the hub cannot
	// read or write them when it wants.
	Hosted bool `json:"hosted,omitempty"`

	Deletes  Evidence  `json:"deletes,omitempty"`
	Cascades []Cascade `json:"cascades,omitempty"` // what a delete takes with it (R23)

	Copies *Copies `json:"copies,omitempty"` // one thing has a record for each participant (R26); nil = it has one

	Files     bool `json:"files,omitempty"`      // files can hang on its records
	OwnStamps bool `json:"own_stamps,omitempty"` // our writes move Record.Modified too
	Rising    bool `json:"rising,omitempty"`     // ids are whole numbers, and a new record's is higher than all before (R33)
}

// Copies say how several records of an object are one thing: a meeting has one in the mailbox
// of each participant. The organiser's copy stands for the thing; of the others only what is
// their owner's own counts, and that is what the owner's element in the organiser's list
// says (R26).
type Copies struct {
	Key   string   `json:"key"`   // field that all copies of one thing share, and nothing else has
	Main  string   `json:"main"`  // bool field of the organiser's copy
	Owner string   `json:"owner"` // field that says whose copy it is, by the natural key of List's elements
	List  string   `json:"list"`  // list of the participants, one element for each (R12)
	Own   []string `json:"own"`   // fields that belong to each copy, by the names that they have in List's elements too

	// Gone is what a copy that its owner has deleted says of some of its own fields: declined.
	// Without it the owner is taken off the list.
	Gone map[string]string `json:"gone,omitempty"`
}

// A Cascade names children that the vendor deletes together with their parent.
type Cascade struct {
	Object string `json:"object"` // the children's object
	Field  string `json:"field"`  // the reference field of the child that names the parent
}

// Field returns the field of that wire name.
func (o Object) Field(name string) (Field, bool) {
	i := slices.IndexFunc(o.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return o.Fields[i], true
}

// ByCommon returns the field that holds the common field of that name: "email".
func (o Object) ByCommon(name string) (Field, bool) {
	i := slices.IndexFunc(o.Fields, func(f Field) bool { return f.Common != "" && f.Common == name })
	if i < 0 {
		return Field{}, false
	}
	return o.Fields[i], true
}

// Key returns the field in which this object keeps our operation keys (R16), if any.
func (o Object) Key() (Field, bool) {
	i := slices.IndexFunc(o.Fields, func(f Field) bool { return f.Key })
	if i < 0 {
		return Field{}, false
	}
	return o.Fields[i], true
}

// A Field describes one field of an object.
type Field struct {
	Name   string `json:"name"`             // wire name; a nested one is joined with dots: "array_options.options_segment"
	Label  string `json:"label,omitempty"`  // for people
	Common string `json:"common,omitempty"` // common field it holds, without the object: "email", "vat_id"
	Kind   Kind   `json:"kind"`
	Format Format `json:"format,omitempty"`

	ReadOnly   bool `json:"read_only,omitempty"`   // the vendor refuses or ignores writes
	CreateOnly bool `json:"create_only,omitempty"` // can be set on create, not changed later
	Required   bool `json:"required,omitempty"`    // a create without it fails
	Unique     bool `json:"unique,omitempty"`      // the vendor allows one record per value
	Findable   bool `json:"findable,omitempty"`    // Finder can look records up by it
	Silent     bool `json:"silent,omitempty"`      // its change does not move the record's stamp (R35)
	Custom     bool `json:"custom,omitempty"`      // made by the customer or by us
	Key        bool `json:"key,omitempty"`         // holds our operation key (R16); never mapped
	NoClear    bool `json:"no_clear,omitempty"`    // cannot be emptied through the API (R11)
	Firsthand  bool `json:"firsthand,omitempty"`   // of a consent: people themselves say it there, by a form or a link to unsubscribe (R32)

	MaxLen   int       `json:"max_len,omitempty"` // in characters; 0 = not known
	Choices  []Choice  `json:"choices,omitempty"` // of references: the records that there are, by name, where they are few, such as lists
	Open     bool      `json:"open,omitempty"`    // values beyond Choices are taken too
	To       string    `json:"to,omitempty"`      // object that a reference points to
	Elem     []Field   `json:"elem,omitempty"`    // of a list: the fields of its structs; the one with Key is the vendor's id of the element, which is not compared
	Rewrites []Rewrite `json:"rewrites,omitempty"`
}

// Writable reports whether a value can be sent at all.
func (f Field) Writable() bool { return !f.ReadOnly && !f.Key }

// A Choice is one value of a choice field.
type Choice struct {
	Value  string     `json:"value"`
	Label  string     `json:"label,omitempty"`
	Hidden bool       `json:"hidden,omitempty"` // still found on records, no longer offered
	Parent string     `json:"parent,omitempty"` // value of the field that this one depends on: the pipeline of a stage
	Kind   ChoiceKind `json:"kind,omitempty"`   // of a stage or state
}

// A ChoiceKind says what a stage or a state means, whatever it is called.
type ChoiceKind string

// The kinds of choices.
const (
	ChoiceOpen ChoiceKind = "open"
	ChoiceWon  ChoiceKind = "won"  // ended well: won, signed, paid
	ChoiceLost ChoiceKind = "lost" // ended badly: lost, refused, abandoned
)
