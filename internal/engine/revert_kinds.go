package engine

import "github.com/tandemhub/tandem/internal/store"

// TakesBack reports whether lines of a kind tell of an act of ours that can go back. Every
// kind is in one of the two lists, this one or that of whyNot (invariant 10).
func TakesBack(kind store.EntryKind) bool {
	switch kind {
	case store.Written, store.Overruled, store.Created, store.Deleted, store.Archived, store.Restored, store.Linked, store.Closed, store.Reopened:
		return true
	case store.Agreed, store.Rewritten, store.Refused, store.Unmapped, store.Decided, store.Folded, store.Told:
		return false
	}
	return false
}

// whyNot says why a line of that kind cannot be taken back (invariant 10).
func whyNot(kind store.EntryKind) string {
	switch kind {
	case store.Agreed:
		return "nothing was written: both sides came to the same by themselves"
	case store.Rewritten:
		return "this is how the system keeps what was written; revert the change itself, the line before it"
	case store.Refused:
		return "nothing was written: the system kept its own value"
	case store.Unmapped:
		return "nothing was written: a field left the configuration; map it again"
	case store.Folded:
		return "systems that merge records cannot part them; make the lost one anew from what this line holds"
	case store.Told:
		return "nothing was written: the system was told of it, and has acted upon it by now"
	case store.Decided:
		return "a decision stays; revert the changes that were made because of it"
	case store.Written, store.Overruled, store.Created, store.Deleted, store.Archived, store.Restored, store.Linked, store.Closed, store.Reopened:
		return "it belongs to no pair of records any more"
	}
	return "this version does not know how to take back a line of kind " + string(kind)
}

// joins reports whether a line is about the pair rather than about one of its records.
func joins(kind store.EntryKind) bool {
	return kind == store.Linked || kind == store.Closed || kind == store.Reopened
}

// lives reports whether a line is about a record as a whole, and whether the record was
// there before.
func lives(kind store.EntryKind) (yes, before bool) {
	switch kind {
	case store.Created, store.Restored:
		return true, false
	case store.Deleted, store.Archived:
		return true, true
	default:
		return false, false
	}
}
