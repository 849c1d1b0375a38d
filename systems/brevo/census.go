package brevo

import (
	"context"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// A census knows of which e-mail addresses there are contacts, so that no import meets one of
// them: it could put people on a list again from which they have unsubscribed (R32), and
// Brevo does not say that it would not.
type census struct {
	turn  chan struct{} // holds one thing while nobody is counting
	mails map[uint64]bool
	next  cursor
	at    time.Time // when it was last brought up to date
}

// censusAge is how long a census is good enough.
const censusAge = time.Minute

func newCensus() *census {
	n := &census{turn: make(chan struct{}, 1)}
	n.turn <- struct{}{}
	return n
}

func mailHash(mail string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strings.ToLower(mail))) // a hash never fails
	return h.Sum64()
}

// unknownTo parts new contacts into those whose addresses Brevo does not know and the others.
// Where that cannot be found out with fewer calls than are saved, it knows none.
func (c *conn) unknownTo(ctx context.Context, rows []*writing) (unknown, known []*writing) {
	select {
	case <-ctx.Done():
		return nil, rows
	case <-c.census.turn:
	}
	defer func() { c.census.turn <- struct{}{} }()
	if !c.count(ctx, len(rows)) {
		return nil, rows
	}
	for _, w := range rows {
		if c.census.mails[mailHash(w.input.Email)] {
			known = append(known, w)
		} else {
			unknown = append(unknown, w)
		}
	}
	return unknown, known
}

// count brings the census up to date, if that takes no more calls than most.
func (c *conn) count(ctx context.Context, most int) bool {
	n := c.census
	if !n.at.IsZero() && time.Since(n.at) < censusAge {
		return true
	}
	began := time.Now()
	cur := n.next
	mails := n.mails
	if cur.Mode == "" {
		cur, mails = cursor{Mode: modeList}, map[uint64]bool{}
	}
	for more := true; more; {
		q := cur.window(maxContacts)
		q.Set("offset", strconv.Itoa(cur.skip()))
		p, at, err := c.listContacts(ctx, q)
		if err != nil || p.Count > most*maxContacts {
			return false
		}
		if cur.Began == 0 {
			cur.Began = at.UnixMilli()
		}
		b := batch{more: cur.skip()+len(p.Contacts) < p.Count}
		for _, x := range p.Contacts {
			mails[mailHash(x.Email)] = true
			b.rows = append(b.rows, row{id: strconv.FormatInt(x.ID, 10), created: time.Time(x.Created)})
		}
		cur, more = cur.next(b, maxContacts)
	}
	n.mails, n.next, n.at = mails, cur.finish(), began
	return true
}
