package connector

import (
	"context"
	"errors"
)

// A KV is what a connection remembers by itself: secrets of subscriptions, addresses that
// a log-in told, places in a feed. It is durable, sealed at rest, and shared by all
// processes of the hub. Keys that begin with "hub:" are the hub's own. Where a person has
// authorized the connection, "oauth" holds what the vendor said besides tokens, such as
// the address of the account, as a JSON object.
type KV interface {
	// Get returns the value of a key and its version. A key that is not there has the
	// value "" and version 0.
	Get(ctx context.Context, key string) (value string, version int64, err error)
	// Put replaces the value that has that version and returns the new version; the value
	// "" removes the key. If another version is there it changes nothing and the error is
	// ErrStale: read again.
	Put(ctx context.Context, key, value string, version int64) (int64, error)
}

// ErrStale is returned by a KV whose key was changed by somebody else.
var ErrStale = errors.New("changed by somebody else meanwhile")
