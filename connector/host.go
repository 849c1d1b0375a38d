package connector

import (
	"context"
	"net/http"
)

// A Host answers a vendor that is the client: it visits us, brings what has changed there and
// fetches what it is to change. The objects of which that is true say so in the schema
// ([record.Object.Hosted]); the hub neither reads nor writes them by itself. Such a
// connection is also a Source, whose Changes is not called for them.
type Host interface {
	// Serve answers one request of the vendor: it verifies who calls, decodes, uses x, and
	// writes the answer. The address of r is the one that the vendor called, what stands
	// behind the door's key is its path value "rest", and its body is whole and no longer than
	// the Door allows. ctx ends with the Door's Budget.
	//
	// The error says what it was for the counters and the log: of kind Unauthorized, the
	// request is not the vendor's; of kind Invalid, it cannot be understood; any other kind
	// means that the vendor has to come again. A Serve that has written nothing then leaves
	// the answer to the Door.
	Serve(ctx context.Context, x Exchange, w http.ResponseWriter, r *http.Request) error
}

// An Exchange is what a Host works with during a visit. Whatever a method has returned from
// without an error is durable, so the vendor may be told of success; an error means that the
// vendor must not be. Vendors repeat what they were not told about: all of it may be repeated.
type Exchange interface {
	// Place returns where the last page of an object ended, as its Next said. "" means that
	// the vendor is to bring all records: none were brought yet, or the hub needs them anew.
	Place(ctx context.Context, object string) (Cursor, error)
	// Save keeps a page that follows the place after, together with the page's Next: "" begins
	// a listing of all records, which ends with the page whose More is false. A page that was
	// saved last is saved once, however often it comes. One that follows another place is an
	// error of kind Expired: the vendor has to bring what is missing, or everything.
	Save(ctx context.Context, object string, after Cursor, p Page) error
	// Take gives out the first n operations that are planned for an object, in the order in
	// which they are to be carried out. They are given out again until they are settled, with
	// the same Key. So a vendor that was given an operation twice must carry it out once; a
	// create is given out again only where the object keeps the key (R16).
	Take(ctx context.Context, object string, n int) ([]Op, error)
	// Settle takes the vendor's word about operations that were given out, by their Key. Those
	// that it does not name stay given out, and what is unknown or settled is passed over.
	// Where a Result shows no record, the vendor holds what it was given.
	Settle(ctx context.Context, object string, outcomes map[string]Result) error
}
