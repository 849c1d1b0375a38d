// Package connector is the contract between the hub and a system: what a connector must
// say about a vendor and what it may be able to do.
//
// A connector is one folder under systems/ that exports Spec, a function that returns a
// [Spec]: plain data about the vendor, and Open, which makes a [Connection] for one
// account without touching the network. A Connection must be able to check itself; all
// else are optional abilities, one verb each, that the hub finds once with [AbilitiesOf].
// A connector keeps no state between calls beyond caches that may be lost.
//
// Every method takes a context and returns promptly when it ends. Every error that a
// vendor causes is an [*Error], classified once, at the vendor's edge; the hub acts on
// its kind and scope and never on text or status. All methods of a Connection may be
// called at the same time from several goroutines.
package connector

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A System is what a build of Tandem includes of one vendor.
type System struct {
	Spec Spec
	Twin func(twin.Options) twin.Twin // a simulator of the vendor's API; nil if there is none
}

// A Spec describes a kind of system. It is plain data: everything about a system that
// is not the same for all its customers is found out by Check and Schema instead.
type Spec struct {
	Name  string   // as in "system:" of tandem.yaml: "hubspot"
	Title string   // for people: "HubSpot"
	API   string   // version of the vendor's API that is spoken: "2026-09"
	Docs  string   // address of the vendor's documentation
	Notes []string // what an administrator must know before connecting; sentences for docs and check

	BaseURL  string // documented base address, "" if every customer has another (then "url" is required)
	Auth     []Auth // ways to authenticate; the first whose setting is filled is used
	Settings []Setting
	Limits   func(Settings, Identity) []Limit // nil if the vendor has none
	Door     Door                             // how the vendor's calls are answered, if it makes any
	MaxFile  int64                            // the largest file that FileStore.AddFile takes, in bytes; 0 = no files, or not known
	Open     func(Env) (Connection, error)    // no network
}

// An Auth says how requests are signed. The hub signs them, so the secret never reaches
// the connector.
type Auth struct {
	Setting string // name of the secret setting that holds the credential: "api_key"
	Header  string // header that carries it: "DOLAPIKEY"
	Prefix  string // what stands before it in the header: "Bearer "
	Help    string // where in the vendor's pages a person finds or renews it
	// OAuth is not nil for a credential that is granted by a person in a browser and kept
	// alive by the hub. Setting is then the one that holds the client's secret.
	OAuth func(Settings) OAuth
}

// ClientID is the setting with the public name of the app that a way to authenticate by
// OAuth acts for. The hub adds it to the settings; it comes to the connector like any.
const ClientID = "client_id"

// An OAuth is what the OAuth 2 round trip of one customer needs. The hub adds the
// settings client_id and client_secret, keeps the tokens sealed, renews them ahead of their
// end, one process at a time, and stores a new refresh token before it uses it.
type OAuth struct {
	Authorize string            // absolute address that a person's browser is sent to
	Token     string            // address that gives tokens, relative to the connection's BaseURL
	Revoke    string            // address that takes them back, relative too; "" = the vendor has none
	Scopes    []string          // asked for
	Extra     map[string]string // further parameters of Authorize
	InHeader  bool              // client id and secret travel in a Basic header, not in the form
	Dies      time.Duration     // a refresh token that is not used for so long is dead; 0 = never
}

// A Setting is one row of a connection's settings: it makes the form, the documentation,
// the check of the configuration and the redaction of logs.
type Setting struct {
	Name     string
	Label    string
	Help     string
	Default  string
	Choices  []string // the allowed values; nil = any
	Required bool
	Secret   bool
}

// Settings are a connection's settings by name, defaults filled in, without the secrets
// that the hub signs with.
type Settings map[string]string

// A Limit is one of the vendor's limits on how often it may be called. All limits belong
// to the vendor's account ([Identity].Account), not to the connection.
type Limit struct {
	Name       string        // a call states its cost in each by this name; "" applies to every call
	Units      int           // so many units ...
	Per        time.Duration // ... in this time; 0 = no rate
	Concurrent int           // most calls at a time; 0 = no such limit
	Source     string        // address of the page that states it
}

// Env is all that the hub lends a connection.
type Env struct {
	Settings Settings
	// BaseURL is where the API is: the setting "url" if given, else Spec.BaseURL; no slash
	// at its end.
	BaseURL string
	// HTTP is traced, capped, paced, scrubbed and signed, and counts every request. It
	// retries what certainly did not happen or harms nothing when repeated: safe methods,
	// 429, refused connects. A write's 5xx goes to the connector's classifier. It sends
	// requests to the origin of BaseURL only, whatever host they name.
	HTTP *http.Client
	// State is the connection's own durable memory. It is never nil.
	State KV
	// Hook is the door's address for this connection, its random key included; "" if no
	// vendor can reach us.
	Hook string
	// Secret returns the secret setting of that name for what the hub cannot sign with
	// itself: the verification of what a vendor sends. "" if it is not set.
	Secret func(name string) string
	Log    *slog.Logger // quiet by default: nothing above debug in normal operation
}

// An Identity is what Check found out about the account and the rights of the credential.
type Identity struct {
	Account string            `json:"account"`         // the vendor's id of the account; pinned (R33)
	Name    string            `json:"name"`            // for people
	Version string            `json:"version"`         // of the vendor's software, if it has one
	Lacks   []Lack            `json:"lacks,omitempty"` // what this account or credential cannot do
	Facts   map[string]string `json:"facts,omitempty"` // what an administrator likes to see: plan, remaining calls
	Clock   time.Duration     `json:"clock"`           // the vendor's clock minus ours
	Zone    string            `json:"zone,omitempty"`  // the account's IANA zone, "" if it has none
}

// A Lack is an ability that an account or a credential does not have.
type Lack struct {
	Object string `json:"object"` // "" for the whole connection
	What   string `json:"what"`   // read, create, update, delete, schema, files
	Why    string `json:"why"`    // what the vendor said
	Remedy string `json:"remedy"` // what the administrator can do
}

// A Connection is one account at a system. Check is the only thing that every one can do.
type Connection interface {
	// Check calls the vendor and reports who we are there, what we may do and what time
	// it is. Its error is an *Error that says what to do.
	Check(ctx context.Context) (Identity, error)
}

// A Source has records.
type Source interface {
	// Schema describes the objects as this account has them, custom fields included. It
	// may call the vendor; the hub keeps the answer.
	Schema(ctx context.Context) (record.Schema, error)
	// Changes returns one page of an object. A zero Query.Cursor begins a listing of all
	// records; the last page of a listing (More false) gives the cursor from which changes
	// are read later. Changes is called with a cursor only after the page that gave it is
	// durable: that call is the acknowledgement (C4). Pages may repeat records and never
	// skip one, whatever is written meanwhile.
	Changes(ctx context.Context, q Query) (Page, error)
}

// A Reader reads records by id.
type Reader interface {
	// Read returns one Change per id, in the order of ids, at most Object.ReadBatch of
	// them. A record that the vendor says does not exist has fate Deleted; one that it
	// does not let us see has fate Left. A merged record is answered under the id that was
	// asked for, with fate Merged and its survivor in Into.
	Read(ctx context.Context, object string, ids []string) ([]Change, error)
}

// A Finder finds records by the value of a field that the schema calls findable.
type Finder interface {
	// Find returns all records that hold one of the values, at most Object.ReadBatch
	// values a call, in no order. It never returns a record that does not hold one.
	Find(ctx context.Context, object, field string, values []string) ([]record.Record, error)
}

// A Writer writes records.
type Writer interface {
	// Write carries out operations of one verb on one object, at most Object.Batch of
	// them, or Object.CreateBatch new ones, and no record twice. It returns one Result per Op, in order; an error of one
	// is in its Result. The second result is for what befell the whole call and left no
	// operation with an outcome of its own: then every operation has that error.
	Write(ctx context.Context, ops []Op) ([]Result, error)
}

// A Settler is told by its vendor only later what became of some writes.
type Settler interface {
	// Outcome asks for the outcome of pending writes, by Result.Pending, at most
	// Object.ReadBatch, or Object.OutcomeBatch, of them. A Result that is still open has its
	// Pending set again. One whose error says that nothing was written and that nothing is
	// wrong with it (Unavailable) is sent again.
	Outcome(ctx context.Context, object string, pending []string) ([]Result, error)
}

// A Merger folds records into one.
type Merger interface {
	// Merge folds the records of one object that are to go into the one to keep. Result.Ref
	// is the record that remains, which may have an id that neither had.
	Merge(ctx context.Context, keep record.Ref, lose []record.Ref) (Result, error)
}

// An Eraser carries out a person's right to be forgotten.
type Eraser interface {
	// Erase removes a record for good, with its history and its place in any bin.
	Erase(ctx context.Context, r record.Ref) error
}

// A Partitioner has objects that come in parts that are read one by one: mailboxes,
// companies of one database.
type Partitioner interface {
	// Partitions returns the parts of an object; one empty name if it has none.
	Partitions(ctx context.Context, object string) ([]string, error)
}

// A Recaller needs its schema to read records, and would ask the vendor for it in every new
// process. The hub, which keeps schemas for a day, tells it instead.
type Recaller interface {
	// Recall is called before all else but Check and Schema, with what Schema returned last.
	Recall(s record.Schema)
}

// A Describer describes some of its objects without the others, where each costs calls.
type Describer interface {
	// SchemaOf is Schema for the named objects and no others. One that this account or
	// credential does not have is left out, and a Lack says why.
	SchemaOf(ctx context.Context, objects []string) (record.Schema, []Lack, error)
}

// A SchemaWriter can add fields.
type SchemaWriter interface {
	// AddField makes the field, or returns the one of that name if it is there already. Of
	// references that have choices, such as lists, it makes those that are not there, by label.
	AddField(ctx context.Context, object string, f record.Field) (record.Field, error)
}

// A Cursor is where reading goes on; opaque to the hub, "" at the beginning.
type Cursor string

// A Query asks for one page.
type Query struct {
	Object    string
	Partition string
	Cursor    Cursor
	// Fields are the wire names wanted: nil = all. Empty, not nil, asks for a sweep: ids
	// and versions only, to learn what was deleted; see record.Evidence. A connector may
	// answer with more fields than were asked for.
	Fields []string
	// Where narrows a listing that begins with an empty Cursor: only records that satisfy
	// all conditions are needed. A connector passes on what its vendor can select by and
	// leaves out the rest: returning too much is right, too little is not, because the hub
	// applies its filter again (C4). It has no effect on what a cursor brings later.
	Where []Cond
	Limit int // most records wanted on the page; 0 = the vendor's best
}

// A Cond is one condition on one field.
type Cond struct {
	Field  string // wire name
	Op     CondOp
	Values []string // canonical texts, for In and NotIn
}

// A CondOp is what a condition compares.
type CondOp string

// The comparisons.
const (
	In     CondOp = "in"     // the field holds one of the values
	NotIn  CondOp = "not in" // the field is empty or holds another value
	Filled CondOp = "filled" // the field is not empty
	Empty  CondOp = "empty"
)

// Sweep reports whether the query asks for ids only.
func (q Query) Sweep() bool { return q.Fields != nil && len(q.Fields) == 0 }

// A Page is one page of an object.
type Page struct {
	Changes []Change
	Next    Cursor // where to go on, at the end too
	More    bool   // whether a further page is there now
	// Complete is true on the last page of a listing that proves that a record which it
	// did not show was not there: key-set paging to the end, never offsets (R21).
	Complete bool
	Total    int // records of the object in all, where the vendor tells it for free; else 0
}

// A Change is a record and what became of it.
type Change struct {
	record.Record
	Fate Fate
	Into []record.Ref // the survivors of a merge or the successors of a conversion
}

// A Fate is what became of a record.
type Fate string

// The fates.
const (
	Present  Fate = ""         // it is there; Fields hold what was asked for
	Archived Fate = "archived" // in the vendor's bin: gone for people, and it can come back
	Left     Fate = "left"     // out of the window, the filter or our sight; not deleted
	Deleted  Fate = "deleted"  // the vendor says that it does not exist
	Merged   Fate = "merged"   // folded into another record
	// Converted means that the record went on as records of other objects, which Into
	// names: a lead that became a contact and a deal.
	Converted Fate = "converted"
)

// A Verb is what an operation does.
type Verb string

// The verbs.
const (
	Create  Verb = "create"
	Update  Verb = "update"
	Delete  Verb = "delete"
	Archive Verb = "archive"
	Restore Verb = "restore" // bring an archived record back with the same id
)

// An Op is one operation on one record.
type Op struct {
	Key       string // minted once per operation, the same in every repetition (R16)
	Verb      Verb
	Ref       record.Ref    // ID is "" for a create
	IfVersion string        // write only if the record still has this version, where the vendor can; "" = whatever it has
	Set       record.Fields // what to write: only what changes; an empty value clears
	// Was is what Set replaces, as last read. Of a list of references only those are taken away that
	// Was has and Set lacks: what others have added since stays (R12).
	Was record.Fields
}

// A Result is what became of an Op.
type Result struct {
	Ref     record.Ref
	Version string         // the record's version after the write, if the vendor says it
	After   *record.Record // the record after the write as far as the answer shows it; nil if it does not
	Refused []Refusal      // fields that were not written although the rest was
	// Fresh says that Outcome read After from the vendor while it was asked, so that it is not
	// read once more. Version is then given only if nobody has touched the record since it was
	// written (R2, R36).
	Fresh bool
	// Pending is not "" if the vendor took the operation and will only later say what became
	// of it: what to ask Settler.Outcome for (R36).
	Pending string
	Err     error // *Error; nil = done
}

// A Refusal is one field that the vendor, or the connector on its behalf, did not take.
type Refusal struct {
	Field string
	Why   string
	// Again is true if the failure says nothing about the value: the field is owed, and written
	// again. Otherwise it is not sent again before a side has changed (R2).
	Again bool
}

// Refuse makes the refusal of a field of the error that kept it from being written beside the
// rest of its record.
func Refuse(field string, err error) Refusal {
	r := Refusal{Field: field, Why: err.Error()}
	switch KindOf(err) {
	case Invalid, NotFound, Forbidden, Unsupported, Duplicate:
	default: // Unavailable, RateLimited, Ambiguous, or cancelled
		r.Again = true
	}
	return r
}
