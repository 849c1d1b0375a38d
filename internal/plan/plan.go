// Package plan is the configuration, tandem.yaml, once it is read: connections, syncs and
// their rules, with every default filled in. It is pure: it does no I/O and reads no clock;
// the environment comes as a function.
//
// A file is taken in three steps, each of which reports its problems with file, line and
// the nearest right word:
//
//	p, problems := plan.Parse("tandem.yaml", src, os.LookupEnv, specs) // what can be said without a vendor
//	r, problems := p.Resolve(sync, leftObject, rightObject)            // against the two schemas
//	ordered, problems := p.CheckAll(resolved)                          // between the syncs, parents first
//
// The keys are tables (see key): reading, the list of known words and the JSON Schema all
// come from the same rows, and a system's own settings from its [connector.Spec].
package plan

import (
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// A Plan is the whole configuration. It prints and encodes without its secrets.
type Plan struct {
	Version   int
	Timezone  *time.Location // UTC if the file does not say
	Country   string         // ISO code of the country of phones without a prefix; "" = none
	PublicURL string         // where vendors reach us, no slash at its end; "" = they cannot
	Database  string         // "sqlite:path" with the path beside the file, or "postgres://…"
	KeyFile   string         // path of the file with the key that secrets are sealed under
	Retention Retention      // how long what has happened is kept, and how much of the disk that takes
	// KeepOverruled is how long the values that lost a conflict, and the last states of records
	// that were deleted or archived, lie ready to be taken back.
	KeepOverruled time.Duration
	Verify        time.Duration // in what time serve verifies every linked pair once; 0 = never
	Rates         mapping.Rates // what one unit of each currency is worth, for convert in expressions; nil = none
	Console       Console       // how people sign in
	Notify        Notify        // who is told when something is wrong
	Connections   []Connection  // in file order
	Syncs         []Sync        // in file order

	File string // as it was given to Parse; problems begin with it
}

// Connection returns the connection of that name.
func (p *Plan) Connection(name string) (Connection, bool) {
	i := slices.IndexFunc(p.Connections, func(c Connection) bool { return c.Name == name })
	if i < 0 {
		return Connection{}, false
	}
	return p.Connections[i], true
}

// Sync returns the sync of that name.
func (p *Plan) Sync(name string) (Sync, bool) {
	i := slices.IndexFunc(p.Syncs, func(s Sync) bool { return s.Name == name })
	if i < 0 {
		return Sync{}, false
	}
	return p.Syncs[i], true
}

// A Connection is one account at a system. It prints and encodes without its secrets.
type Connection struct {
	Name     string
	System   string             // Spec.Name
	URL      string             // as given, no slash at its end; "" = Spec.BaseURL
	Settings connector.Settings // the settings that are no secrets, defaults filled in
	Secrets  Secrets            // by setting name
	Vaulted  map[string]string  // names of the secrets that came from the vault, by setting name
	Timezone *time.Location     // nil if the file does not say: then the account's, else the plan's

	CA, ClientCert string // PEM files, beside the plan's file unless absolute; "" = none
	Proxy          string // address of an HTTP or SOCKS proxy; "" = none

	Refresh time.Duration // how often silent fields are read again (R35); 0 = never
	Sweep   time.Duration // how often is looked for deleted records (R35); 0 = never
	Mirror  string        // which fields the mirror keeps: MirrorMapped or MirrorAll

	Line int // of its name in the file
}

// What a connection's mirror keeps.
const (
	MirrorMapped = "mapped" // the fields that some sync needs
	MirrorAll    = "all"    // every field of the objects that some sync names
)

// An Endpoint is one end of a sync.
type Endpoint struct{ Connection, Object string }

// String returns the end as it is written: "erp.contacts".
func (e Endpoint) String() string { return e.Connection + "." + e.Object }

// A Sync is a pair of objects that are kept in step.
type Sync struct {
	Name      string
	Ends      [2]Endpoint // by side
	Direction merge.Direction
	Prefer    merge.Prefer
	Enforce   bool                // one-way fields are put back when the follower is edited (R10)
	Match     []mapping.MatchKey  // nil = the defaults of the common object
	Where     [2]string           // filter by side; "" = every record
	Leave     string              // LeaveKeep, LeaveUnlink or LeaveArchive: what becomes of the partner of what leaves the filter
	Create    [2]bool             // may records be created on that side
	Delete    [2]DeletePolicy     // what happens on that side when the partner was deleted
	Merge     string              // MergeAsk or MergeFollow: what happens to the partners of records that a person has merged (R24)
	Fields    []Field             // nil = all common fields of both sides
	Rates     mapping.Rates       // those of the plan, if an expression converts; nil = none does
	Events    []mapping.EventRule // what is told to the other side of what happens
	Schedule  Schedule
	Guard     Guard
	Line      int // of its name in the file

	marks map[string]place // where each value stands in the file, by path within the sync
}

// What becomes of a linked record's partner when the record leaves the filter.
const (
	LeaveKeep    = "keep"
	LeaveUnlink  = "unlink"
	LeaveArchive = "archive"
)

// What happens to two records whose partners a person has merged at their vendor (R24).
const (
	MergeAsk    = "ask"
	MergeFollow = "follow" // they are merged too, where their vendor lets programs do that
)

// A Field is one entry of a sync's fields with its rules, defaults filled in.
type Field struct {
	mapping.Entry
	Direction merge.Direction
	Prefer    merge.Prefer
	Enforce   bool
	Line      int
}

// A DeletePolicy says what happens to a record whose partner was deleted.
type DeletePolicy string

// The policies.
const (
	DeleteIgnore  DeletePolicy = "ignore"  // it stays as it is, the link is closed
	DeleteArchive DeletePolicy = "archive" // it goes to the vendor's bin
	DeleteDelete  DeletePolicy = "delete"  // it is deleted for good
	DeleteUnlink  DeletePolicy = "unlink"  // it stays and may be linked anew
)

// A Guard holds the limits of one run, and of a rolling day (R30).
type Guard struct {
	Delete Amount
	Create Amount
	Update Amount // per field
	Events Amount // per rule of events
	Canary string // a record that nobody may touch, as "connection.object/id"; "" = none
}

// An Amount is a number of records, or a percentage of the linked pairs: Percent is more
// than 0, or Records counts.
type Amount struct {
	Percent float64
	Records int
}

// guardFloor is the least that a percentage comes to (R30).
const guardFloor = 10

// Limit returns how many records the amount allows with so many linked pairs.
func (a Amount) Limit(linked int) int {
	if a.Percent > 0 {
		return max(guardFloor, int(float64(linked)*a.Percent/100))
	}
	return a.Records
}

// defaultGuard is what the guide promises.
func defaultGuard() Guard {
	return Guard{Delete: Amount{Percent: 10}, Create: Amount{Records: 1000}, Update: Amount{Percent: 50}, Events: Amount{Records: 1000}}
}

// directionOf puts the two halves of a direction together.
func directionOf(toLeft, toRight bool) merge.Direction {
	switch {
	case toLeft && toRight:
		return merge.Both
	case toRight:
		return merge.LeftToRight
	case toLeft:
		return merge.RightToLeft
	default:
		return merge.None
	}
}

// oneWay reports whether exactly one side may be written.
func oneWay(d merge.Direction) bool { return d.Allows(record.Left) != d.Allows(record.Right) }
