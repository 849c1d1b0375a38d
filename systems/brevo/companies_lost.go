package brevo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// Whose answer to an import of companies was lost does not know its process, and the rows may show
// only after hours. But Brevo lists its processes: while one of them may be that import, companies
// that are not there are no companies that were not made.

const (
	stateAtWork   = "at work" // when the processes that are under way were first seen, by id
	mostProcesses = 50
)

// otherWork is what processes are called that make no companies. What an import of companies is called
// is not documented. See https://developers.brevo.com/reference/get-processes
func otherWork() []string {
	return []string{
		"SEARCH_EXPORT_USERS", "SEARCH_EXPORT_USERS_API", "LIST_EXPORT", "CONTACT_EXPORT", "EXPORT_WEBHOOK",
		"CAMPAIGN_USER_DETAILS", "CAMPAIGN_PROCESSING", "TRANS-CALC", "TRANS-GLOBAL-CALC",
	}
}

type processList struct {
	Processes []process `json:"processes"`
}

// atWork returns a process that Brevo is at work on and that may be an import; 0 if there is none. What does not
// end within a day is waited for no longer. An account that does not tell its processes tells nothing.
func (c *conn) atWork(ctx context.Context) (int64, error) {
	var answer processList
	_, err := c.do(ctx, rest.Call{
		Path: "/v3/processes", Query: url.Values{"limit": {strconv.Itoa(mostProcesses)}, "sort": {"desc"}}, Into: &answer,
	})
	switch connector.KindOf(err) {
	case connector.NotFound, connector.Forbidden, connector.Unsupported, connector.Invalid:
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("ask for imports: %w", err)
	}
	var open []int64
	for _, p := range answer.Processes {
		if !p.over() && !slices.Contains(otherWork(), p.Name) {
			open = append(open, p.ID)
		}
	}
	since, err := c.openSince(ctx, open)
	if err != nil {
		return 0, fmt.Errorf("note imports: %w", err)
	}
	for _, id := range open {
		if time.Since(time.UnixMilli(since[id])) < importEnds {
			return id, nil
		}
	}
	return 0, nil
}

// openSince returns when processes that are under way were first seen, and remembers it, because
// Brevo does not tell when they began.
func (c *conn) openSince(ctx context.Context, open []int64) (map[int64]int64, error) {
	text, version, err := c.state.Get(ctx, stateAtWork)
	if err != nil {
		return nil, err
	}
	was, now := map[int64]int64{}, map[int64]int64{}
	_ = json.Unmarshal([]byte(text), &was) // what cannot be read was not noted
	for _, id := range open {
		now[id] = was[id]
		if now[id] == 0 {
			now[id] = time.Now().UnixMilli()
		}
	}
	if maps.Equal(was, now) {
		return now, nil
	}
	next := ""
	if len(now) > 0 {
		b, err := json.Marshal(now)
		if err != nil {
			return nil, err
		}
		next = string(b)
	}
	if _, err := c.state.Put(ctx, stateAtWork, next, version); err != nil && !errors.Is(err, connector.ErrStale) { // stale: another process has noted them
		return nil, err
	}
	return now, nil
}
