package store

import (
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// An Object names a record type of a connection.
type Object struct {
	Connection string
	Name       string
}

// String returns "connection.object", as tandem.yaml writes it.
func (o Object) String() string { return o.Connection + "." + o.Name }

// A Row is the mirror's last known state of one record.
type Row struct {
	record.Record
	Fate   connector.Fate
	Into   []record.Ref // the survivors of a merge or the successors of a conversion
	ReadAt time.Time    // when the read that it comes from began, or when our write was answered
	// Edited is between which moments its content was last changed by somebody else: one moment,
	// by the vendor's clock, or two of ours. Zero times are not known.
	Edited [2]time.Time
	Ours   bool  // its stamp, Modified, comes of our own write
	Seq    int64 // grows whenever content or fate of a row changes; unique in the workspace
}

// A Key is one entry of the mirror's index: records are matched, and children found, by it.
type Key struct {
	Name  string // of the match key, or of a reference field
	Value string // normalised
}

// IntoKey is the index entry of the records that were merged into this one (R24).
func IntoKey(id string) Key { return Key{Name: "into:", Value: id} }

// A Connection is what is remembered of a connection.
type Connection struct {
	Name      string
	System    string
	Identity  connector.Identity
	CheckedAt time.Time
	Schema    record.Schema
	SchemaAt  time.Time
	Paused    string // why nothing is sent to it; "" = it is not paused
}

// A Feed is how far an object, or a partition of one, has been read.
type Feed struct {
	Cursor   connector.Cursor // where reading changes, or the listing under way, goes on
	Began    time.Time        // when the listing under way began; zero if none is
	ListedAt time.Time        // when the last finished listing began; zero = never read to the end
	Fields   string           // fingerprint of the fields it was listed with
	Polled   time.Time        // when the last read that came to the end began
	Total    int              // records in all, as the vendor last said; 0 = it does not say
}

// FeedKind tells the two ways of reading an object apart.
type FeedKind string

// The feeds.
const (
	FeedChanges FeedKind = "changes" // everything, then what changed
	FeedSweep   FeedKind = "sweep"   // ids only, to learn what was deleted
	FeedRefresh FeedKind = "refresh" // everything once more, for fields whose change moves no stamp
)

// A Page is what one read brought, with the place where reading goes on.
type Page struct {
	Of        Object
	Partition string
	Feed      FeedKind // "" = records read by id: no place is remembered
	Changes   []connector.Change
	Keys      func(record.Fields) []Key // index entries of a present row; nil = none
	Began     time.Time                 // when the read began (R3)
	After     time.Time                 // changes before this moment were shown by earlier pages (R9); zero = who knows
	Own       bool                      // it shows what our own write left
	OwnOf     string                    // then: the sync that wrote
	Wrote     map[string][]string       // then: the fields that it wrote, by record
	Mapped    []string                  // fields whose change is an edit (R9); empty = all of them
	Listing   time.Time                 // when the listing that the page belongs to began; zero outside listings
	Next      connector.Cursor
	Done      bool   // the page ends its listing
	Fields    string // fingerprint of the fields that were asked for
	Total     int
}

// Saved says what a page changed in the mirror.
type Saved struct {
	Changed int      // rows that are new or differ
	Stale   int      // rows left alone because something newer is known (R3)
	Unknown []string // ids that a sweep showed and the mirror does not have
}

// A Link is a pair of records that are the same thing.
type Link struct {
	ID       int64
	Sync     string
	IDs      [2]string         // left and right
	Base     [2]record.Fields  // by mapping key: what each side held at the last agreement
	Expected [2]record.Fields  // by mapping key: written, not yet read back (R2)
	Diverged map[string]string // by mapping key: why the sides may differ (R7)
	Created  [2]time.Time      // the records' created times (R33)
	Closed   string            // why it was closed; "" = open (R18)
	Role     Role
}

// A Role tells links that share a record apart: one is main, the others are members (R26).
type Role int

// The roles. A member's copy is on the side that it is named after; the record on the other
// side is that of the main link, which it shares with other members.
const (
	Main Role = iota
	MemberLeft
	MemberRight
)

// MemberOn returns the role of a link whose copy is on that side.
func MemberOn(side record.Side) Role {
	if side == record.Left {
		return MemberLeft
	}
	return MemberRight
}

// Shares reports whether the link shares its record of that side with others.
func (l Link) Shares(side record.Side) bool { return l.Role == MemberOn(side.Other()) }

// An OpState is where an operation of the outbox stands.
type OpState string

// The states of an operation. It leaves the outbox only with a result (invariant 3).
const (
	OpHeld    OpState = "held"    // planned; the guard has not passed it yet
	OpReady   OpState = "ready"   // may be sent from NotBefore on
	OpSent    OpState = "sent"    // claimed by a process: it may have been sent
	OpUnknown OpState = "unknown" // sent without a result: to be looked up from NotBefore on (R16)
	OpPending OpState = "pending" // taken by the vendor, which says later what became of it: to be asked from NotBefore on (R36)
)

// An Op is an operation decided but not yet confirmed by the vendor.
type Op struct {
	ID        int64
	Run       int64 // the run that planned it
	Sync      string
	Link      int64       // 0 for a create
	Side      record.Side // which side of the sync it writes
	Target    Object
	Verb      connector.Verb
	TargetID  string // "" for a create
	SourceID  string // the record on the other side
	Claim     string // for a create: key name and value that no other create may have (R15); "" = none
	Key       string // travels with the write, the same in every repetition (R16)
	IfVersion string
	Set, Was  record.Fields // by wire name of the target
	Fields    []OpField     // what Set means for the base
	Source    record.Fields // for a create or first match: source values by mapping key
	Seen      [2]int64      // Seq of the left and the right row it was decided from (R27); 0 = there was none
	State     OpState
	Attempts  int       // how often it was claimed
	NotBefore time.Time // not to be touched earlier
	SentAt    time.Time // when it was last claimed
	Error     string    // of the last attempt
	Pending   string    // what to ask the vendor for its outcome; "" unless it is pending
}

// An OpField is one mapped field that an operation writes.
type OpField struct {
	Key    string       `json:"key"`            // mapping key
	Wire   string       `json:"wire"`           // wire name at the target
	Source record.Value `json:"source"`         // the source's value it was decided from
	Rule   string       `json:"rule"`           // why it is written
	Lost   *Lost        `json:"lost,omitempty"` // the other side of a conflict
	// Base is what was agreed of the target once this is written, where that is less than what
	// it holds: the other side has yet to be told the rest (R12). nil = all that it holds.
	Base *record.Value `json:"base,omitempty"`
	Link int64         `json:"link,omitempty"` // of a member whose part of the value it is (R26); 0 = the operation's link
}

// Lost is a value that a rule overruled.
type Lost struct {
	Side  record.Side  `json:"side"`
	Value record.Value `json:"value"`
}

// An EntryKind says what a journal line tells.
type EntryKind string

// The kinds of journal lines.
const (
	Linked    EntryKind = "linked"    // two records were found to be the same; New holds nothing
	Created   EntryKind = "created"   // a record was created; Set holds its fields
	Written   EntryKind = "written"   // a field was written
	Agreed    EntryKind = "agreed"    // both sides came to the same by themselves
	Rewritten EntryKind = "rewritten" // the vendor keeps another value than was sent
	Refused   EntryKind = "refused"   // the vendor kept the old value
	Overruled EntryKind = "overruled" // a value lost a conflict
	Deleted   EntryKind = "deleted"   // a record was deleted by us
	Archived  EntryKind = "archived"  // a record was archived by us
	Folded    EntryKind = "merged"    // a record was merged into another one by us; New is the id of that
	Restored  EntryKind = "restored"  // a record was brought back by us
	Closed    EntryKind = "closed"    // a link was closed; Why says the reason
	Reopened  EntryKind = "reopened"  // a closed link holds again
	Unmapped  EntryKind = "unmapped"  // a field is no longer mapped; what was agreed of it is forgotten
	Decided   EntryKind = "decided"   // a person decided a review item
	Told      EntryKind = "told"      // a system was told of an event; Field is its name, Set its properties
)

// RevertOf begins the reason of every line, and of every field of an operation, that takes
// something back.
const RevertOf = "revert of "

// An Entry is one line of the journal. Lines are only ever appended.
type Entry struct {
	ID     int64
	At     time.Time
	Run    int64
	Sync   string
	Link   int64
	Side   record.Side
	Of     Object
	Record string // id at Of
	Kind   EntryKind
	Field  string // wire name; "" where the line is about the whole record
	Old    record.Value
	New    record.Value
	Set    record.Fields // of Created and Deleted: the whole record
	Why    string        // the rule, for people
	By     string        // the person who decided; "" = Tandem
}

// A ReviewKind says what a person must decide.
type ReviewKind string

// The kinds of review items.
const (
	ReviewConflict  ReviewKind = "conflict"  // two values, and the rule is to ask
	ReviewAmbiguous ReviewKind = "ambiguous" // several records could be the partner
	ReviewDuplicate ReviewKind = "duplicate" // another record of the same side holds the same key
	ReviewParked    ReviewKind = "parked"    // the vendor does not take the record
	ReviewDelete    ReviewKind = "delete"    // a delete is held
	ReviewMerge     ReviewKind = "merge"     // records were merged on one side, or may have been
	ReviewGuard     ReviewKind = "guard"     // a guard has blown
	ReviewIdentity  ReviewKind = "identity"  // another account, or a restored one, is behind the address
	ReviewUnknown   ReviewKind = "unknown"   // nobody can tell whether a write took effect
	ReviewRestored  ReviewKind = "restored"  // after a restore nobody can tell whether a record has a partner

	// ReviewErased tells that a person is back who was erased (R32).
	ReviewErased ReviewKind = "erased"
	// ReviewEvents asks about events that are too many, or that a system does not take.
	ReviewEvents ReviewKind = "events"
	// ReviewConfiguration asks about what only a changed configuration would do (R19).
	ReviewConfiguration ReviewKind = "configuration"
)

// A Review is one item of the review queue. While it is open its subject is unique.
type Review struct {
	ID         int64
	Sync       string
	Kind       ReviewKind
	Subject    string      // what it is about, unique in its sync while open: "link 12 email"
	Link       int64       // 0 if none
	Side       record.Side // the side of Record
	Record     string      // id of the record it is about; "" if none
	Text       string      // what happened, in plain words
	Fix        string      // what a person can do
	Field      string
	Values     [2]record.Value // of a conflict: left and right; of other kinds what the engine keeps with it
	Candidates []string        // of an ambiguous match: ids of the other side, best first
	Choices    []string        // decisions that are possible
	Opened     time.Time
	Seen       [2]int64 // Seq of the rows that it was asked about: a decision counts for these; 0 = it is not about that row
	Cause      string   // the reason alone, such as the vendor's words: items that share it are one group
	Decision   string   // "" = open
	Decided    time.Time
	By         string
	Edit       *Edit // what a person entered, where that was the decision
}

// A Standing says why an unlinked record is not synced: every record in scope is linked,
// queued or excluded by a named rule (R38).
type Standing struct {
	Side   record.Side
	ID     string
	Reason string // see the engine's list
	Detail string // for people
}

// A Spot is one record of one side of a sync that has to be planned again.
type Spot struct {
	Side record.Side
	ID   string
}

// A Wait asks that a record be planned again once another one is linked (R28).
type Wait struct {
	Spot
	On   Object
	OnID string
}

// Facts are what the engine has decided or learned; they become true together.
type Facts struct {
	Sync     string // whose Close, Standing, InScope, Dirty, Clean and Waits are; "" = of Decide's sync, or of the settled operations
	Rows     []Page // reads and answers that go into the mirror first
	Links    []Link // by ID: inserted if new, else replaced
	Ops      []Op   // to be added to the outbox
	Journal  []Entry
	Reviews  []Review   // opened, or refreshed where one of the same subject is open
	Close    []string   // subjects of review items that have settled themselves
	Standing []Standing // replaces what was said of that record
	InScope  []Spot     // records that stand nowhere any more: linked
	Dirty    []Spot     // to be planned again
	Clean    []Spot     // planned: no longer dirty
	Carried  []int64    // review items whose edit has had its result
	Waits    []Wait
	Back     []Link // of which both records are there again: who waits for them is planned again, as if they had just opened
}

// A Settlement ends an operation, or says when it goes on.
type Settlement struct {
	Op        int64
	State     OpState // "" = it leaves the outbox
	NotBefore time.Time
	Error     string
	Pending   string // for OpPending: what to ask the vendor
}

// RunCutShort is the status of a run whose process was killed.
const RunCutShort = "cut short"

// A Run is one execution of a sync.
type Run struct {
	ID         int64
	Sync       string
	Started    time.Time
	Ended      time.Time // zero while it runs, or if it was cut short
	Status     string    // ok, review, blocked, failed, cut short; "" while it runs
	Sides      [2]Counts
	Linked     int
	Unchanged  int
	Conflicts  int
	Review     int
	Failed     int
	Reconciled bool
	Complete   bool // it read both sides to the end and planned everything
	Hinted     bool // it read only records that vendors had reported
	Error      string
}

// Counts are one side's counters of a run.
type Counts struct {
	Read    int `json:"read"`
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Calls   int `json:"calls"`

	Swept     int `json:"swept,omitempty"`     // listed by id, to learn what was deleted (R35)
	Refreshed int `json:"refreshed,omitempty"` // read again for fields whose change moves no stamp (R35)
	Events    int `json:"events,omitempty"`    // told of
}

// A Tally counts what a sync has at this moment.
type Tally struct {
	Linked   int
	Review   int // open items
	Outbox   int // unfinished operations
	Dirty    int
	Waiting  int
	Diverged int            // links with at least one diverged field
	Standing map[string]int // by side and reason: "left filtered"
	Rows     [2]int         // present mirror rows of the two objects
}

// Spent counts what was done to one side of a sync since some time, for the guards.
type Spent struct {
	Created int
	Deleted int
	Updated map[string]int // records by wire name of the field
}
