package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A connectionBody is a connection and how it stands.
type connectionBody struct {
	status.Connection

	Name   string     `json:"account_name,omitempty" doc:"as its system calls the account"`
	URL    string     `json:"url" doc:"where requests go"`
	Syncs  []string   `json:"syncs" doc:"those that it is an end of"`
	Asleep bool       `json:"syncs_paused,omitempty" doc:"a person keeps all of them from running by themselves"`
	Read   *time.Time `json:"read,omitempty" doc:"every object that a sync uses was read to its end since; absent if one never was"`
}

func (c *console) apiConnections(ctx context.Context, _ *nothing) (list[connectionBody], error) {
	all, err := c.connectionBodies(ctx)
	return list[connectionBody]{Items: all}, err
}

func (c *console) apiConnection(ctx context.Context, in *Named) (connectionBody, error) {
	all, err := c.connectionBodies(ctx)
	if err != nil {
		return connectionBody{}, err
	}
	i := slices.IndexFunc(all, func(x connectionBody) bool { return x.Connection.Connection == in.ID })
	if i < 0 {
		return connectionBody{}, c.noConnection(in.ID)
	}
	return all[i], nil
}

func (c *console) noConnection(name string) error {
	var have []string
	for _, x := range c.hub.Plan().Connections {
		have = append(have, x.Name)
	}
	return &jsonl.UnknownError{Kind: "connection", Name: name, Have: have}
}

// connectionBodies tells of all connections, as their page does.
func (c *console) connectionBodies(ctx context.Context) ([]connectionBody, error) {
	views, err := c.connectionViews(ctx)
	if err != nil {
		return nil, err
	}
	out := []connectionBody{}
	for _, v := range views {
		out = append(out, connectionBody{Connection: v.Connection, Name: v.Name, URL: v.URL, Syncs: append([]string{}, v.Syncs...), Asleep: v.Asleep, Read: moment(v.Read)})
	}
	return out, nil
}

func (c *console) apiPauseConnection(ctx context.Context, in *Named) (connectionBody, error) {
	return c.withSyncsOf(ctx, in, func(ctx context.Context, sync string) error { return c.hub.Pause(ctx, sync, visitIn(ctx).who.Name) })
}

func (c *console) apiResumeConnection(ctx context.Context, in *Named) (connectionBody, error) {
	return c.withSyncsOf(ctx, in, c.hub.Resume)
}

// withSyncsOf does something to all syncs of a connection.
func (c *console) withSyncsOf(ctx context.Context, in *Named, act func(context.Context, string) error) (connectionBody, error) {
	if _, known := c.hub.Plan().Connection(in.ID); !known {
		return connectionBody{}, c.noConnection(in.ID)
	}
	noteIn(ctx, in.ID, "")
	for _, sync := range syncsAt(c.hub.Plan(), in.ID) {
		if err := act(ctx, sync); err != nil {
			return connectionBody{}, err
		}
	}
	return c.apiConnection(ctx, in)
}

func (c *console) apiTest(ctx context.Context, in *Named) (jsonl.Checked, error) {
	if _, known := c.hub.Plan().Connection(in.ID); !known {
		return jsonl.Checked{}, c.noConnection(in.ID)
	}
	noteIn(ctx, in.ID, "")
	var out jsonl.Checked
	err := c.borrow(ctx, func(ctx context.Context, e *engine.Engine) error {
		checked, err := e.Check(ctx, []string{in.ID})
		if len(checked) > 0 {
			out = jsonl.OfChecked(checked[0])
		}
		return err
	})
	return out, err
}

// apiMakeFields is tandem check --create-fields.
func (c *console) apiMakeFields(ctx context.Context, in *Named) (jsonl.Checked, error) {
	if _, known := c.hub.Plan().Connection(in.ID); !known {
		return jsonl.Checked{}, c.noConnection(in.ID)
	}
	var out jsonl.Checked
	found, added, err := c.addFields(ctx, in.ID)
	if len(found) > 0 {
		out = jsonl.OfChecked(found[0])
	}
	for _, a := range added {
		out.Created = append(out.Created, jsonl.OfAdded(a))
	}
	return out, err
}

// ErrNoDoor says that a connection's vendor reports nothing by itself, or that nothing is served for
// what it reports.
var ErrNoDoor = errors.New("nothing that this connection's vendor could report is waited for: it reports nothing by itself, or no sync of it has a schedule")

type bringInput struct {
	Named

	RawBody []byte `contentType:"application/octet-stream" doc:"exactly what the vendor has sent; its header, signatures too, goes into that of this request"`
}

// takenBody says what was taken in.
type takenBody struct {
	Connection string `json:"connection"`
	Records    int    `json:"records" doc:"so many records will be read again"`
}

func (c *console) apiBring(ctx context.Context, in *bringInput) (takenBody, error) {
	if _, known := c.hub.Plan().Connection(in.ID); !known {
		return takenBody{}, c.noConnection(in.ID)
	}
	noteIn(ctx, in.ID, "")
	r := replyIn(ctx).request.Clone(ctx)
	for _, ours := range []string{"Authorization", "Cookie", keyHeader, formHeader} {
		r.Header.Del(ours)
	}
	if theirs := r.Header.Get(vendorAuthorization); theirs != "" {
		r.Header.Set("Authorization", theirs)
	}
	n, err := c.hub.Bring(ctx, in.ID, r, in.RawBody)
	switch kind := connector.KindOf(err); {
	case errors.Is(err, ErrNoDoor):
		return takenBody{}, noDoor()
	case kind == connector.Unauthorized || kind == connector.Invalid:
		return takenBody{}, &problem{status: http.StatusUnprocessableEntity, key: "error.unverified", detail: err.Error()}
	}
	return takenBody{Connection: in.ID, Records: n}, err
}

// vendorAuthorization carries the vendor's own Authorization, whose place the token has.
const vendorAuthorization = "X-Vendor-Authorization"

func noDoor() error {
	return &problem{status: http.StatusConflict, key: "error.nodoor", detail: ErrNoDoor.Error()}
}

type hintInput struct {
	Named

	Body struct {
		Records []hintedRecord `json:"records" minItems:"1" maxItems:"1000" doc:"each is read again; what became of it decides the vendor's answer alone"`
	}
}

type hintedRecord struct {
	Object string `json:"object" minLength:"1" maxLength:"200" doc:"as the syncs name it: contacts"`
	ID     string `json:"id" minLength:"1" maxLength:"500"`
}

func (c *console) apiHint(ctx context.Context, in *hintInput) (takenBody, error) {
	p := c.hub.Plan()
	if _, known := p.Connection(in.ID); !known {
		return takenBody{}, c.noConnection(in.ID)
	}
	noteIn(ctx, in.ID, "")
	var records []record.Ref
	for _, x := range in.Body.Records {
		if err := jsonl.CheckObject(p, store.Object{Connection: in.ID, Name: x.Object}); err != nil {
			return takenBody{}, err
		}
		if _, _, sought := connector.Sought(record.Ref{ID: x.ID}); sought {
			return takenBody{}, badInput("body.records", "that is no record's id")
		}
		records = append(records, record.Ref{Object: x.Object, ID: x.ID})
	}
	err := c.hub.Hint(ctx, in.ID, records)
	if errors.Is(err, ErrNoDoor) {
		return takenBody{}, noDoor()
	}
	return takenBody{Connection: in.ID, Records: len(records)}, err
}
