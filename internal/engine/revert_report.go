package engine

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A RevertRequest says which lines of the journal are to be taken back. Its members narrow
// one another; at least one of Change, Run, Record, Since and Sync is needed.
type RevertRequest struct {
	Change int64        // one line, by its number
	Also   []int64      // further lines, beside Change
	Run    int64        // what one run did
	Of     store.Object // with Record: what was done to one record
	Record string
	Sync   string // only in this sync
	Since  time.Time
	UpTo   int64  // no line after this one: what a preview has seen; 0 = all there are now
	Force  bool   // also what a person, or a later change, has edited since
	By     string // who asks for it
}

// changes are the lines that the request names one by one.
func (q RevertRequest) changes() []int64 { return append([]int64{q.Change}, q.Also...) }

// Name is how the request is called in the journal, behind [store.RevertOf].
func (q RevertRequest) Name() string {
	name := "everything"
	switch {
	case q.Change != 0:
		name = fmt.Sprintf("change %d", q.Change)
		if n := len(q.Also); n > 0 {
			name = fmt.Sprintf("change %d and %d more", q.Change, n)
		}
	case q.Run != 0:
		name = RunName(q.Run)
	case q.Record != "":
		name = q.Of.String() + "/" + q.Record
	case q.Sync != "":
		name = "everything in " + q.Sync
	}
	if !q.Since.IsZero() {
		name = name + " since " + q.Since.UTC().Format(time.DateTime) + " UTC"
	}
	return name
}

// rule is why a revert writes, in journal and outbox.
func (q RevertRequest) rule() string {
	if q.By == "" {
		return store.RevertOf + q.Name()
	}
	return store.RevertOf + q.Name() + ", by " + q.By
}

// A RevertKind says how something goes back.
type RevertKind string

// The kinds of reverts.
const (
	RevertField   RevertKind = "field"   // a field gets an earlier value
	RevertArchive RevertKind = "archive" // a created record is archived
	RevertDelete  RevertKind = "delete"  // a created record is deleted
	RevertRestore RevertKind = "restore" // an archived record is brought back with its id
	RevertAsk     RevertKind = "ask"     // a review item proposes to create a lost record anew
	RevertUnlink  RevertKind = "unlink"  // a link is closed
	RevertRelink  RevertKind = "relink"  // a closed link holds again
	RevertNothing RevertKind = "nothing" // the line is no act of ours that could go back
)

// A RevertState says what becomes, or became, of one item.
type RevertState string

// The states of an item.
const (
	RevertDo      RevertState = "revert"  // it would be reverted
	RevertDone    RevertState = "done"    // it was reverted
	RevertAlready RevertState = "already" // it is as it was before
	RevertEdited  RevertState = "edited"  // left alone: it was edited since, or only a person can say
	RevertCannot  RevertState = "cannot"  // Why says what is in the way
	RevertWaits   RevertState = "waits"   // an operation is under way, or did not come through
	RevertSilent  RevertState = "none"    // there is nothing to take back; Why says the reason
)

// A RevertItem is one thing that goes back, or that does not.
type RevertItem struct {
	Change int64 // the line of the journal that it answers; the first, if it answers several
	Sync   string
	Kind   RevertKind
	State  RevertState
	Side   record.Side
	Of     store.Object
	ID     string
	Title  string       // what people call the record
	Field  string       // wire name
	Now    record.Value // what the field holds, or held before it was reverted
	To     record.Value // what it goes back to
	Why    string
}

// A Reverted is what a revert came to, or would come to, in one sync.
type Reverted struct {
	Sync   string
	Run    string // the revert's own run; "" in a preview
	Counts map[RevertState]int
	Beyond []string // what the guard of a sync would have said; it does not stop a revert
	Report Report
	Err    error
}

// A NoChangeError says that the journal knows nothing of what a revert names.
type NoChangeError struct{ What string }

func (e *NoChangeError) Error() string { return "there is no " + e.What + " in the journal" }
