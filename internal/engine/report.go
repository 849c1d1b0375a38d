package engine

import (
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// The statuses of a run.
const (
	StatusOK      = "ok"
	StatusReview  = "review"  // done, and something waits for a person or for a time
	StatusBlocked = "blocked" // a guard or a check of identity stopped it before it wrote
	StatusFailed  = "failed"  // an error stopped it
)

// A Report is what one sync did in one run. Its JSON is the line of "tandem sync -o json".
type Report struct {
	Sync       string       `json:"sync"`
	Run        string       `json:"run"`
	Status     string       `json:"status"`
	Left       store.Counts `json:"left"`
	Right      store.Counts `json:"right"`
	Linked     int          `json:"linked"`
	Unchanged  int          `json:"unchanged"`
	Conflicts  int          `json:"conflicts"`
	Review     int          `json:"review"`
	Failed     int          `json:"failed"`
	Reconciled bool         `json:"reconciled"`
	DurationMS int64        `json:"duration_ms"`
	Error      string       `json:"error,omitempty"`

	Events  int           `json:"events,omitempty"`  // that a system was told of
	Hinted  bool          `json:"hinted,omitempty"`  // it read only what vendors had reported
	Gaps    []string      `json:"gaps,omitempty"`    // why it is not reconciled, in plain words
	Waiting int           `json:"waiting,omitempty"` // operations that wait for a time more than two minutes away
	Visit   int           `json:"visit,omitempty"`   // operations that wait for the vendor's next visit
	Until   *time.Time    `json:"until,omitempty"`   // the first of those times
	Took    time.Duration `json:"-"`
	Err     error         `json:"-"` // the error of a failed run
}

// Checked is what Check found out about one connection.
type Checked struct {
	Connection string
	System     string
	Title      string
	Identity   connector.Identity
	Schema     record.Schema
	Missing    []MissingField // fields that the syncs name and the vendor lacks
	Err        error          // *connector.Error; nil = usable
}

// A MissingField is a field that a sync names and that the object does not have yet.
type MissingField struct {
	Object string
	Field  record.Field // as AddField would make it
	Sync   string       // "" where Tandem wants it for itself: the external key
	Can    bool         // whether the connector can make it
}

// Added is the outcome of making one missing field.
type Added struct {
	Connection string
	Object     string
	Field      record.Field
	Err        error
}

// A Preview is what a sync would do now. Nothing of it is stored.
type Preview struct {
	Sync      string
	Left      store.Object
	Right     store.Object
	Items     []PreviewItem // at most Options of the caller's choosing; Counts are whole
	Counts    map[PreviewKind]int
	Unchanged int
	Linked    int    // pairs that are linked now
	Events    int    // that a system would be told of
	Blown     string // what the guard would say; "" = it would pass
	Report    Report // reads and calls that the preview cost
	Err       error  // why it could not be made
}

// A PreviewKind says what would become of a record.
type PreviewKind string

// The kinds of preview items.
const (
	WouldCreate  PreviewKind = "create"
	WouldUpdate  PreviewKind = "update"
	WouldDelete  PreviewKind = "delete"
	WouldArchive PreviewKind = "archive"
	WouldRestore PreviewKind = "restore"
	WouldMerge   PreviewKind = "merge" // its partner was merged, and it follows (R24)
	WouldLink    PreviewKind = "link"  // found on both sides, nothing to write for it
	WouldAsk     PreviewKind = "ask"
	WouldSkip    PreviewKind = "skip" // stays alone, by a rule that Note names
)

// A PreviewItem is one record of a preview.
type PreviewItem struct {
	Kind    PreviewKind
	Side    record.Side // the side that would be written
	Of      store.Object
	ID      string // "" for a create
	Partner string // id on the other side
	Title   string // what people call the record
	Fields  []PreviewField
	Note    string
}

// A PreviewField is one field that would be written.
type PreviewField struct {
	Name string // wire name at the written side
	Old  record.Value
	New  record.Value
	Rule string
}
