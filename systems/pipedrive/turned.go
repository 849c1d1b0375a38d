package pipedrive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// No call tells what a record was merged into: only the webhook does, once. What it was
// converted into tells the lead or the deal that it became. What a webhook said of
// a merge is stored before it is thanked for; the rest is noted, and stored when the record is
// read, which is what the hub does next.
const (
	stateMerged = "merged"
	mostMerged  = 2000
)

// noteMerge keeps in memory what a record was merged into, by the id of a record of its own
// object, or converted into, by "object/id".
func (c *conn) noteMerge(lost record.Ref, into string) {
	if into == "" || into == lost.ID {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.merged) >= mostMerged {
		clear(c.merged) // a cache: what is older was stored
	}
	c.merged[lost] = into
}

// mergedInto returns what a record was merged into, as far as that was told; "" if it was
// not. What was told since the last start is stored on this occasion. What was told and cannot be read now
// is an error: the record would pass for deleted, and its partner would go (R24).
func (c *conn) mergedInto(ctx context.Context, lost record.Ref) (string, error) {
	c.mu.Lock()
	into := c.merged[lost]
	c.mu.Unlock()
	if into != "" {
		_ = c.storeMerge(ctx, lost, into) // if it cannot be stored it is known all the same, until the next start
		return into, nil
	}
	text, _, err := c.state.Get(ctx, stateMerged)
	if err != nil {
		return "", &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: fmt.Errorf("recall merges: %w", err)}
	}
	for _, m := range parseMerges(text) {
		if m.Lost == lost.Object+"/"+lost.ID {
			return m.Into, nil
		}
	}
	return "", nil
}

// A stored is one merge as it is stored.
type stored struct {
	Lost string `json:"l"` // "persons/7"
	Into string `json:"i"`
}

func parseMerges(text string) []stored {
	var all []stored
	_ = json.Unmarshal([]byte(text), &all) // what is none of ours is as good as nothing
	return all
}

// storeMerge remembers a merge, and forgets the oldest when there are very many.
func (c *conn) storeMerge(ctx context.Context, lost record.Ref, into string) error {
	name := strings.Join([]string{lost.Object, lost.ID}, "/")
	for {
		text, version, err := c.state.Get(ctx, stateMerged)
		if err != nil {
			return fmt.Errorf("remember merge: %w", err)
		}
		all := parseMerges(text)
		if slices.Contains(all, stored{name, into}) {
			return nil
		}
		all = append(all, stored{name, into})
		b, err := json.Marshal(all[max(0, len(all)-mostMerged):])
		if err != nil {
			return fmt.Errorf("remember merge: %w", err)
		}
		if _, err = c.state.Put(ctx, stateMerged, string(b), version); !errors.Is(err, connector.ErrStale) {
			if err != nil {
				return fmt.Errorf("remember merge: %w", err)
			}
			return nil
		}
	}
}

// became is what a record is that was merged or converted (R24).
func became(lost record.Ref, into string) connector.Change {
	if object, id, other := strings.Cut(into, "/"); other {
		end := tombstone(lost.Object, lost.ID, connector.Converted)
		end.Into = refs(object, id)
		return end
	}
	end := tombstone(lost.Object, lost.ID, connector.Merged)
	end.Into = refs(lost.Object, into)
	return end
}

// source is what a record tells of the one that it was before: a lead becomes a deal and a
// deal a lead, and the former one is deleted; see
// https://developers.pipedrive.com/docs/api/v1/Leads#convertLeadToDeal
func (r row) source(object string) (former record.Ref, ok bool) {
	switch object {
	case deals:
		former = record.Ref{Object: leads, ID: r.text("source_lead_id")}
	case leads:
		former = record.Ref{Object: deals, ID: r.text("source_deal_id")}
	}
	return former, former.ID != ""
}

// noteSources notes what the records of a feed were before.
func (c *conn) noteSources(object string, rows []row) {
	for _, r := range rows {
		if former, ok := r.source(object); ok {
			c.noteMerge(former, object+"/"+r.id())
		}
	}
}

// successor looks, once for a read, which leads or deals went on as the other: they are
// among those of the other that changed last. seen is false where we may not see those.
func (p *proof) successor(ctx context.Context, lost record.Ref) (into string, seen bool, err error) {
	if p.turned == nil {
		if p.turned, p.blind, err = p.c.lastTurned(ctx, lost.Object); err != nil {
			return "", false, err
		}
	}
	if into = p.turned[lost]; into != "" {
		p.c.noteMerge(lost, into)
		_ = p.c.storeMerge(ctx, lost, into) // it can be found out again
	}
	return into, !p.blind, nil
}

func (c *conn) lastTurned(ctx context.Context, object string) (into map[record.Ref]string, blind bool, err error) {
	out := map[record.Ref]string{}
	var other string
	q := url.Values{"limit": {strconv.Itoa(maxPage)}}
	switch object {
	case leads:
		other = deals
		q.Set("sort_by", "update_time")
		q.Set("sort_direction", "desc")
	case deals:
		other = leads
		q.Set("sort", "update_time DESC")
		q.Set("start", "0")
	default:
		return out, false, nil
	}
	k, err := wanted(other)
	if err != nil {
		return nil, false, err
	}
	var answer envelope[[]row]
	switch _, err := c.do(ctx, k.list, rest.Call{Path: c.path(k), Query: q, Into: &answer}); connector.KindOf(err) {
	case connector.Forbidden, connector.Unsupported:
		return out, true, nil
	default:
		if err != nil {
			return nil, false, fmt.Errorf("look what %s became: %w", object, err)
		}
	}
	for _, r := range answer.Data {
		if former, ok := r.source(other); ok {
			out[former] = cmp.Or(out[former], other+"/"+r.id())
		}
	}
	return out, false, nil
}

// follow tells of deleted records of a feed what became of them.
func (c *conn) follow(ctx context.Context, changes []connector.Change) error {
	p := &proof{c: c}
	for i, change := range changes {
		if change.Object != deals || change.Fate != connector.Archived {
			continue
		}
		into, err := c.mergedInto(ctx, change.Ref)
		if err != nil {
			return err
		}
		if into == "" {
			if into, _, err = p.successor(ctx, change.Ref); err != nil {
				return err
			}
		}
		if into != "" {
			changes[i] = became(change.Ref, into)
		}
	}
	return nil
}
