package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type compactCmd struct{}

// compactLine is tandem compact -o json.
type compactLine struct {
	Database string `json:"database"`
	Before   int64  `json:"before"`
	After    int64  `json:"after"`
}

// Run writes the database anew, as small as it can be. It owns the database meanwhile.
func (c *compactCmd) Run(ctx context.Context, a *app) (err error) {
	o, err := a.outline(ctx)
	if err != nil {
		return err
	}
	path, err := sqliteFile(o)
	if err != nil {
		return err
	}
	if missing(path) {
		return usage("there is no database at %s yet, and nothing to compact", path)
	}
	s, err := openDatabase(ctx, o.Database, own)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	before, err := s.Disk(ctx)
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	if err := s.Compact(ctx); err != nil {
		return err
	}
	after, err := s.Disk(ctx)
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	if a.json {
		return a.line(compactLine{Database: path, Before: before.Bytes, After: after.Bytes})
	}
	return a.print(fmt.Sprintf("%s: %s, and was %s; from now on it becomes smaller by itself\n", path, bytesText(after.Bytes), bytesText(before.Bytes)))
}

// databaseLine is the database in tandem status -o json.
type databaseLine struct {
	Database string     `json:"database"`
	Bytes    int64      `json:"bytes"`
	Free     int64      `json:"free"` // of these, to be used again
	Log      int64      `json:"log"`  // the write-ahead log beside it
	Reserve  int64      `json:"reserve"`
	Size     int64      `json:"size,omitempty"`  // retention.size
	Unmet    *time.Time `json:"unmet,omitempty"` // since when it is larger than that, for what is needed
	Full     bool       `json:"full"`            // the reserve has been given up: the disk is full
	Shrinks  bool       `json:"shrinks"`         // becomes smaller by itself
}

// databaseStatus measures the database; nil if it is no file.
func databaseStatus(ctx context.Context, p *plan.Plan, s *store.Store) (*databaseLine, error) {
	d, err := s.Disk(ctx)
	if err != nil || d.Path == "" {
		return nil, err
	}
	owned, err := s.Owned(ctx)
	if err != nil {
		return nil, fmt.Errorf("see who owns the database: %w", err)
	}
	line := &databaseLine{Database: d.Path, Bytes: d.Bytes, Free: d.Free, Log: d.Log, Reserve: d.Reserve, Size: p.Retention.Size,
		Full: owned && d.GivenUp, Shrinks: d.Shrinks}
	if !d.Unmet.IsZero() && p.Retention.Size > 0 {
		line.Unmet = &d.Unmet
	}
	return line, nil
}

// text is the database for people.
func (l *databaseLine) text(p *plan.Plan) string {
	if l == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nDATABASE  %s, %s of it free; write-ahead log %s\n", bytesText(l.Bytes), bytesText(l.Free), bytesText(l.Log))
	if l.Full {
		b.WriteString("  the disk is full: nothing is taken in or written; free some space, and everything goes on by itself\n")
	}
	if l.Unmet != nil {
		fmt.Fprintf(&b, "  it is larger than retention.size (%s) since %s, and all that is left of it is needed; a larger size is needed too\n",
			bytesText(l.Size), stamp(*l.Unmet, p.Timezone))
	}
	if !l.Shrinks && l.Free > l.Bytes/4 {
		b.WriteString("  tandem compact makes it smaller\n")
	}
	return b.String()
}

// bytesText writes a size as people do.
func bytesText(n int64) string {
	for _, u := range []struct {
		name string
		of   int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}} {
		if n >= u.of {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.of), u.name)
		}
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}
