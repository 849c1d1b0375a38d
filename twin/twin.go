// Package twin is the kit of which simulators of vendors' APIs are made. A twin answers
// in process (see [Transport]), keeps a ledger of what people and programs did to it, is
// strict about what the vendor is strict about, and plays named faults.
//
// A twin shares no code with the connector that it tests, not even wire types: both
// answer to the vendor's documented exchanges.
package twin

import (
	"net/http"
	"time"
)

// Options say how a twin shall behave.
type Options struct {
	Version  string         // of the vendor's software, where several are simulated; "" = the newest
	Zone     *time.Location // the account's zone; nil = UTC
	Latency  time.Duration  // every answer takes this long
	NoLimits bool           // answer however fast it is called
	PageSize int            // caps the largest page; 0 = the vendor's own
	Prompt   bool           // what is written shows at once, where the vendor's index takes its time
}

// A Twin is one simulated account at a vendor. People work on it through Put and Remove;
// programs through the API that it serves. All methods may be called at the same time.
type Twin interface {
	http.Handler
	// Settings are what a connection needs besides "url": {"api_key": "…"}.
	Settings() map[string]string
	// Objects are the wire names of the objects that people can edit.
	Objects() []string
	// Rows returns what people see of an object, ordered by id: nothing archived or deleted.
	Rows(object string) []Row
	// Put lets a person create a record (id "") or change the named fields of one; an
	// empty text clears. Field names are the connector's wire names. It returns the id.
	Put(object, id string, fields map[string]string) (string, error)
	// Remove lets a person delete a record as the vendor's page does.
	Remove(object, id string) error
	// Kit is the part that all twins have in common: faults, ledger, request log.
	Kit() *Kit
}

// A Granter is a twin whose vendor lets a person grant an app access in a browser.
type Granter interface {
	// App returns the client id and the client secret of an app that asks for access.
	App() (id, secret string)
}

// A Row is a record as people see it.
type Row struct {
	ID     string
	Fields map[string]string // by wire name; empty ones are left out
}
