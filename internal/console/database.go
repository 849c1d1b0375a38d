package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	databaseAt = "/settings/database"

	// A backup is sent in parts, and who takes none of it for so long has gone.
	partSize = 1 << 20
	partTime = time.Minute
)

type databasePage struct {
	Body databaseBody
	Kept []kept
}

// A kept is for how many days something is kept; 0 = for ever.
type kept struct {
	What string // "journal", "runs" or "reviews"
	Days int
}

// A databaseBody is what the database takes of the disk.
type databaseBody struct {
	File    string     `json:"file,omitempty" doc:"absent if it is none"`
	Bytes   int64      `json:"bytes"`
	Free    int64      `json:"free" doc:"of these, to be used again"`
	Log     int64      `json:"log" doc:"the write-ahead log beside it"`
	Reserve int64      `json:"reserve" doc:"kept free beside it, for a full disk"`
	Size    int64      `json:"size,omitempty" doc:"retention.size: how large it shall be at most"`
	Unmet   *time.Time `json:"unmet,omitempty" doc:"since when it is larger than that, for what is needed"`
	Full    bool       `json:"full" doc:"the disk is full, and nothing runs"`
	Shrinks bool       `json:"shrinks" doc:"it becomes smaller by itself; else tandem compact, while nothing serves, makes it so"`
}

func (c *console) apiDatabase(ctx context.Context, _ *nothing) (databaseBody, error) {
	d, err := c.hub.Store().Disk(ctx)
	out := databaseBody{File: d.Path, Bytes: d.Bytes, Free: d.Free, Log: d.Log, Reserve: d.Reserve, Full: d.GivenUp, Shrinks: d.Shrinks, Size: c.hub.Plan().Retention.Size}
	if out.Size > 0 {
		out.Unmet = moment(d.Unmet)
	}
	return out, err
}

func (c *console) showDatabase(w http.ResponseWriter, r *http.Request) error {
	body, err := c.apiDatabase(r.Context(), nil)
	if err != nil {
		return err
	}
	keep := c.hub.Plan().Retention
	days := func(d time.Duration) int { return int(d / (24 * time.Hour)) }
	return c.view.page(w, r, "database", databasePage{Body: body, Kept: []kept{{"journal", days(keep.Journal)}, {"runs", days(keep.Runs)}, {"reviews", days(keep.Reviews)}}})
}

// backups is the operation of taking a backup along.
func (c *console) backups(tag, summary string) operation {
	return func(a *api, x route) handler {
		op := a.describe(x, tag, summary)
		op.Description += " And the right people, since who may sign in is part of it. It goes on while everything else does; tandem restore puts it in place."
		op.Responses["200"] = &huma.Response{Description: "The backup", Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
		a.huma.OpenAPI().AddOperation(&op)
		return c.sendBackup
	}
}

// sendBackup answers with a backup. It is sent, and not written to a path that somebody far away
// names: that could be any file of this machine.
func (c *console) sendBackup(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !v.who.Can(account.People) {
		return errForbidden(v.who, account.People)
	}
	select {
	case c.copying <- struct{}{}:
	default:
		return &problem{status: http.StatusConflict, key: "error.copying", wait: 30}
	}
	defer func() { <-c.copying }()
	backup, err := c.hub.Backup(r.Context())
	if err != nil {
		return c.asked(err)
	}
	defer func() {
		if err := backup.Close(); err != nil {
			c.log.Error("a backup that was taken along could not be removed here", "error", err)
		}
	}()
	note(r, "", fmt.Sprintf("%d bytes", backup.Bytes))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(backup.Bytes, 10))
	w.Header().Set("Content-Disposition", `attachment; filename="tandem-`+backup.Backup.Taken.UTC().Format("20060102-150405")+`.tandem"`)
	if err := sendAll(w, backup, backup.Bytes); err != nil {
		v.outcome = store.AuditFailed // it was begun: nothing else can be answered any more
		c.log.Warn("a backup was not taken along whole", "error", err)
	}
	return nil
}

// sendAll sends so many bytes for as long as somebody takes them.
func sendAll(w http.ResponseWriter, from io.Reader, n int64) error {
	out := http.NewResponseController(w)
	for n > 0 {
		_ = out.SetWriteDeadline(time.Now().Add(partTime)) // a recorder in a test has none
		sent, err := io.CopyN(w, from, min(n, partSize))
		if n -= sent; err != nil {
			return err
		}
	}
	return nil
}

// A keyBody is what is known of the key under which secrets are sealed.
type keyBody struct {
	Key  string `json:"key" doc:"its fingerprint, by which nobody can open anything; empty if nothing is sealed"`
	File string `json:"file" doc:"where it is kept, unless it stands in the variable TANDEM_KEY"`
	Old  string `json:"old,omitempty" doc:"the file of the one before the last rotation: backups from before need it"`

	Was     string `json:"was,omitempty" doc:"the fingerprint before this rotation"`
	Values  int    `json:"values,omitempty" doc:"so many were sealed anew"`
	Removed string `json:"removed,omitempty" doc:"the file that was removed"`
}

func (c *console) apiKey(ctx context.Context, _ *nothing) (keyBody, error) {
	k, err := c.hub.Key(ctx)
	return keyBody{Key: k.Fingerprint, File: k.File, Old: k.Old}, err
}

func (c *console) apiRotateKey(ctx context.Context, _ *nothing) (keyBody, error) {
	r, err := c.hub.RotateKey(ctx)
	if err != nil {
		return keyBody{}, keyProblem(err)
	}
	noteIn(ctx, r.To, fmt.Sprintf("was %s; %d values", r.From, r.Values))
	out, err := c.apiKey(ctx, nil)
	out.Was, out.Values = r.From, r.Values
	return out, err
}

func (c *console) apiConfirmKey(ctx context.Context, _ *nothing) (keyBody, error) {
	removed, err := c.hub.ConfirmKey(ctx)
	if err != nil {
		return keyBody{}, keyProblem(err)
	}
	noteIn(ctx, removed, "")
	out, err := c.apiKey(ctx, nil)
	out.Removed = removed
	return out, err
}

// keyProblem makes a problem of what somebody can do something about.
func keyProblem(err error) error {
	switch {
	case errors.Is(err, ErrNoKey):
		return &problem{status: http.StatusConflict, key: "error.nokey"}
	case errors.Is(err, safe.ErrOldKey):
		return &problem{status: http.StatusConflict, key: "error.oldkey"}
	}
	return err
}

func (c *console) rotateKey(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.apiRotateKey(r.Context(), nil); err != nil {
		return err
	}
	return c.redirect(w, secretsAt, "keyrotated")
}

func (c *console) confirmKey(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.apiConfirmKey(r.Context(), nil); err != nil {
		return err
	}
	return c.redirect(w, secretsAt, "keyconfirmed")
}
