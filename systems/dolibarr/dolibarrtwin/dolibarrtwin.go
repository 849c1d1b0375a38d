// Package dolibarrtwin simulates a Dolibarr server's REST API, as the versions 20 and 24
// answer: third parties, contacts, users, products, projects, proposals, orders, invoices,
// agenda events, categories, extrafields, the dictionary of countries, and webhooks.
// What it does was recorded from running servers; the exchanges are replayed by its test.
//
// Besides the kit's faults it plays what is Dolibarr's own: rights that make a full
// database look empty, a module that is switched off, a firewall that looks at the
// address, a database in another time zone than PHP, and change stamps that are missing.
package dolibarrtwin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// kit hides nothing: a field called Kit would hide the kit's method of that name.
type kit = twin.Kit

// A Twin is one simulated Dolibarr server. Besides [twin.Twin] it has switches for what
// an administrator can set and tests want to see.
type Twin struct {
	*kit
	version int
	zone    *time.Location // of PHP
	pageCap int

	serve http.Handler

	mu      sync.RWMutex
	dbZone  *time.Location
	tables  map[string]*table
	logins  []*login
	apiKey  string
	apiOff  bool
	ipBlock bool
	locked  bool
	codes   int // customer codes given out
	seq     int // extrafields made
	hooks   []hook
	known   map[string]bool // triggers
}

// New returns a server without third parties and contacts, whose key belongs to a user
// who may read and write both but is no administrator. Version is "20" or "24".
// PageSize stands for the memory of PHP: a longer page is the empty error 500 that
// Dolibarr gives when it runs out of it.
func New(o twin.Options) twin.Twin { return open(o) }

func open(o twin.Options) *Twin {
	t := &Twin{kit: twin.NewKit(o), version: 24, zone: o.Zone, pageCap: o.PageSize, apiKey: keySync}
	if o.Version == "20" {
		t.version = 20
	}
	if t.zone == nil {
		t.zone = time.UTC
	}
	t.dbZone = t.zone
	t.tables, t.known = map[string]*table{}, triggers(t.version)
	for _, x := range traits(t.version) {
		t.tables[x.name] = newTable(x, t.version)
	}
	t.logins = firstLogins()
	t.firstUsers()
	t.Encode = t.encodeFault
	t.serve = t.Wrap(http.HandlerFunc(t.answer))
	return t
}

// ServeHTTP answers a request as the vendor does.
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.serve.ServeHTTP(w, r) }

// Settings returns the key of the user who synchronises.
func (t *Twin) Settings() map[string]string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return map[string]string{"api_key": t.apiKey}
}

// Objects returns the objects that people can edit, parents first.
func (t *Twin) Objects() []string {
	return []string{thirdParties, contacts, users, categories, products, projects, proposals, orders, invoices, events}
}

// Rows returns the records of an object that the vendor's pages list without being asked
// for more: no closed third parties and no disabled contacts. They are ordered by id.
func (t *Twin) Rows(object string) []twin.Row {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tab := t.tables[object]
	if tab == nil {
		return nil
	}
	rows := make([]twin.Row, 0, len(tab.rows))
	for _, r := range tab.order {
		if r.gone || r.entity > 1 || tab.closed(r) {
			continue
		}
		rows = append(rows, twin.Row{ID: strconv.FormatInt(r.id, 10), Fields: tab.shown(r)})
	}
	return rows
}

// Put lets a person create or change a record. Dates are written 2006-01-02, moments as in
// RFC 3339, truth values true and false, countries by their code, the lines of a document
// as a list in JSON with the API's keys, and categories as a list of ids with commas; a
// text is cleaned as the vendor's pages do, and loses the characters that the database
// cannot keep. A status of a document stands for the button that leads to it.
func (t *Twin) Put(object, id string, fields map[string]string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tab := t.tables[object]
	if tab == nil {
		return "", fmt.Errorf("put: no object %q", object)
	}
	e, err := t.personal(tab, fields)
	if err != nil {
		return "", fmt.Errorf("put %s: %w", object, err)
	}
	var r *row
	if id != "" {
		if r = tab.byID(id); r == nil {
			return "", fmt.Errorf("put %s: no record %s", object, id)
		}
	}
	if err := t.enter(tab, r, &e); err != nil {
		return "", fmt.Errorf("put %s: %w", object, err)
	}
	if r == nil {
		r = t.file(tab, e, t.Now().Unix())
		_, err = t.make(context.Background(), tab, r, e, byPerson)
	} else {
		_, err = t.alter(context.Background(), tab, r, e, personID, byPerson, t.pressed(tab, r, e), func() (any, error) {
			t.buys(tab, r, e.press, personID)
			tab.count(r)
			return nil, nil
		})
	}
	if err != nil {
		return "", fmt.Errorf("put %s: %w", object, err)
	}
	return strconv.FormatInt(r.id, 10), nil
}

// Remove lets a person delete a record; with a third party go its contacts.
func (t *Twin) Remove(object, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tab := t.tables[object]
	if tab == nil {
		return fmt.Errorf("remove: no object %q", object)
	}
	r := tab.byID(id)
	if r == nil {
		return fmt.Errorf("remove %s: no record %s", object, id)
	}
	if err := t.kept(tab, r); err != nil && (tab.name != products || t.used(id)) {
		return fmt.Errorf("remove %s %s: %w", object, id, err)
	}
	if _, err := t.discard(context.Background(), tab, r, personID, byPerson); err != nil {
		return fmt.Errorf("remove %s %s: %w", object, id, err)
	}
	return nil
}

// Seed makes n records that have been there since the given moment, quickly and without
// an entry in the ledger: what an account holds before a test or a benchmark begins.
func (t *Twin) Seed(object string, n int, since time.Time, fields func(i int) map[string]string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tab := t.tables[object]
	if tab == nil {
		return fmt.Errorf("seed: no object %q", object)
	}
	for i := range n {
		e, err := t.personal(tab, fields(i))
		if err == nil {
			err = t.enter(tab, nil, &e)
		}
		if err != nil {
			return fmt.Errorf("seed %s: %w", object, err)
		}
		tab.add(t.file(tab, e, since.Unix()))
	}
	return nil
}

// RestrictSeeAll takes away from the synchronising user the right to see third parties
// that are not his own, and gives it back.
func (t *Twin) RestrictSeeAll(restricted bool) { t.Grant("client.voir", !restricted) }

// Grant gives the synchronising user a right or takes it away: client.voir, user.lire, or
// lire, creer and supprimer of societe, contact, produit, projet, propal, commande,
// facture, agenda and categorie. That a whole module is off looks like the lack of its
// rights (recorded).
func (t *Twin) Grant(right string, given bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.logins {
		if l.key == t.apiKey {
			l.rights[right] = given
		}
	}
}

// Hide takes one record out of every key's sight, as if its user were the sales
// representative of all others only.
func (t *Twin) Hide(object, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tab := t.tables[object]
	if tab == nil || tab.byID(id) == nil {
		return fmt.Errorf("hide: no record %s of %q", id, object)
	}
	tab.byID(id).hidden = true
	return nil
}

// Merge lets a person fold a third party into another one.
func (t *Twin) Merge(lose, keep string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tab := t.tables[thirdParties]
	to, from := tab.byID(keep), tab.byID(lose)
	if to == nil || from == nil {
		return fmt.Errorf("merge: no third party %s or %s", lose, keep)
	}
	if _, err := t.fold(context.Background(), to, from, personID, byPerson); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	return nil
}

// SetInstalled says when the installer made the first users, which is all that tells two
// fresh accounts apart: else it is the second in which the twin was made.
func (t *Twin) SetInstalled(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.tables[users].order {
		r.created = at.Unix()
	}
}

// UseAdmin makes the key of the settings an administrator's, who may read the
// definitions of the extrafields.
func (t *Twin) UseAdmin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.apiKey = keyAdmin
}

// UseSync gives the settings the key that they have at first.
func (t *Twin) UseSync() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.apiKey = keySync
}

// SwitchOff switches the API module off, and on again.
func (t *Twin) SwitchOff(off bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.apiOff = off
}

// BlockAddress lets the server accept no calls from our address, or accept them again.
func (t *Twin) BlockAddress(blocked bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ipBlock = blocked
}

// Lock puts the server into maintenance: it says so and goes on answering.
func (t *Twin) Lock(locked bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.locked = locked
}

// SetDatabaseZone lets the database keep its change stamps in another zone than PHP's.
func (t *Twin) SetDatabaseZone(zone *time.Location) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dbZone = zone
	for _, tab := range t.tables {
		for _, r := range tab.order {
			r.wall = wall(r.tms, zone)
		}
	}
}

// AttachDocument gives a third party an invoice, so that it cannot be deleted.
func (t *Twin) AttachDocument(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.tables[thirdParties].byID(id); r != nil {
		r.documents = true
	}
}

// An ExtraField is a field that the customer has added to an object.
type ExtraField struct {
	Object  string            // wire name: "thirdparties"
	Code    string            // "segment"; on the wire "array_options.options_segment"
	Label   string            // for people
	Type    string            // varchar, text, int, double, price, boolean, date, datetime, select, ...
	Size    string            // of a varchar
	Options map[string]string // of a select: key to label
	Unique  bool
}

// AddExtraField lets an administrator add a field to an object.
func (t *Twin) AddExtraField(f ExtraField) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	t.tables[f.Object].addExtra(f, t.seq, t.Now().In(t.zone).Format(time.DateTime))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

var _ twin.Twin = (*Twin)(nil)
