package pipedrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Merge folds records into one, one after the other. In Pipedrive's call the record of the
// path is the one that goes, and the one of the body stays and wins; see
// https://developers.pipedrive.com/docs/api/v1/Persons#mergePersons
// A merge that was carried out before, and is repeated, changes nothing.
func (c *conn) Merge(ctx context.Context, keep record.Ref, lose []record.Ref) (connector.Result, error) {
	result := connector.Result{Ref: keep}
	k, err := wanted(keep.Object)
	if err == nil && !k.merges {
		err = &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject,
			Err: fmt.Errorf("merge %s: Pipedrive merges persons, organizations and deals only", keep.Object),
		}
	}
	if err != nil {
		return result, err
	}
	for _, r := range lose {
		_, err := c.do(ctx, 40, rest.Call{
			Method: http.MethodPut, Path: c.v1(k.name, r.ID, "merge"), Body: map[string]any{"merge_with_id": number(keep.ID)},
		})
		switch connector.KindOf(err) {
		case connector.NotFound:
			if c.mergedInto(ctx, r) == keep.ID {
				err = nil
			}
		case connector.Ambiguous: // R16: it was there before, and is gone if it was carried out
			lost, readErr := c.getRow(ctx, k, r.ID)
			if connector.KindOf(readErr) == connector.NotFound || readErr == nil && lost.gone() {
				err = nil
			}
		}
		if err != nil {
			result.Err = connector.ErrorOf(err)
			return result, fmt.Errorf("merge %s %s into %s: %w", keep.Object, r.ID, keep.ID, err)
		}
		c.noteMerge(r, keep.ID)
		if err := c.storeMerge(ctx, r, keep.ID); err != nil {
			return result, err
		}
	}
	return result, nil
}

// No call tells what a record was merged into: only the webhook does, once. What it said is
// noted, and stored when the record is read, which is what the hub does next.
const (
	stateMerged = "merged"
	mostMerged  = 2000
)

// noteMerge keeps in memory what a record was merged into.
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
// not. What was told since the last start is stored on this occasion.
func (c *conn) mergedInto(ctx context.Context, lost record.Ref) string {
	c.mu.Lock()
	into := c.merged[lost]
	c.mu.Unlock()
	if into != "" {
		_ = c.storeMerge(ctx, lost, into) // if it cannot be stored it is known all the same, until the next start
		return into
	}
	text, _, err := c.state.Get(ctx, stateMerged)
	if err != nil {
		return ""
	}
	for _, m := range parseMerges(text) {
		if m.Lost == lost.Object+"/"+lost.ID {
			return m.Into
		}
	}
	return ""
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
