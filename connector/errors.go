package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// A Kind says what an error means for the hub.
type Kind string

// The kinds, each with what the hub does.
const (
	Unavailable  Kind = "unavailable"  // retry with backoff
	RateLimited  Kind = "rate_limited" // wait as told, slow the pace
	Unauthorized Kind = "unauthorized" // pause the connection and tell the administrator
	Forbidden    Kind = "forbidden"    // pause that scope
	Invalid      Kind = "invalid"      // park the record, name the field
	Conflict     Kind = "conflict"     // read, merge, write again
	Duplicate    Kind = "duplicate"    // the value is another record's (R17)
	NotFound     Kind = "not_found"    // suspected deleted (R21)
	Expired      Kind = "expired"      // the cursor is too old: list everything
	Ambiguous    Kind = "ambiguous"    // it may have taken effect: look before repeating (R16)
	Unsupported  Kind = "unsupported"  // the vendor cannot do this at all
)

// A Scope says how far an error reaches: only that much is parked, paused or delayed.
type Scope string

// The scopes, from small to large. The zero scope is ScopeRecord.
const (
	ScopeRecord     Scope = "record"
	ScopeObject     Scope = "object"
	ScopePartition  Scope = "partition"
	ScopeConnection Scope = "connection"
)

// An Error is what a vendor's refusal or failure means. Its text holds no secret.
type Error struct {
	Kind     Kind
	Scope    Scope
	Limit    string        // name of the limit that was hit; "" if not known
	Wait     time.Duration // how long the vendor asks to wait; 0 if it does not say
	Field    string        // wire name of the field at fault; "" if not known
	Existing record.Ref    // for Duplicate: the record that holds the value; ID "" if not known
	Fix      string        // what a person can do, in plain words
	Err      error         // what happened, for the log
}

// Error returns what happened and what to do about it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(strings.ReplaceAll(string(e.Kind), "_", " "))
	}
	if e.Field != "" {
		fmt.Fprintf(&b, " (field %s)", e.Field)
	}
	if e.Fix != "" {
		fmt.Fprintf(&b, "; %s", e.Fix)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain. An error of nobody's is
// Unavailable: nothing is known, so the least is done. A cancelled context has no kind.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &e):
		return e.Kind
	default:
		return Unavailable
	}
}

// ErrorOf returns the first *Error in err's chain, or one that wraps err as KindOf sees it.
func ErrorOf(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: KindOf(err), Scope: ScopeConnection, Err: err}
}
