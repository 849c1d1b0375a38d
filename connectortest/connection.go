package connectortest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// connectionScenarios concern the connection as a whole.
func connectionScenarios() []scenario {
	return []scenario{
		{name: "check names the account", run: checkNames},
		{name: "check measures the vendor's clock", run: checkClock},
		{name: "a wrong key is unauthorized", run: wrongKey},
		{name: "declared abilities are there", run: declaredAbilities},
		{name: "no secret is told", needs: needAll(needSource()), run: noSecretTold},
	}
}

func checkNames(b *Bench) {
	b.prepare()
	id := b.Identity
	if id.Account == "" {
		b.Errorf("the account has no id: it cannot be pinned (R33)")
	}
	if id.Name == "" {
		b.Errorf("the account has no name")
	}
	if id.Zone != "" {
		if _, err := time.LoadLocation(id.Zone); err != nil {
			b.Errorf("the account's zone is none: %v", err)
		}
	}
	for _, l := range id.Lacks {
		if l.What == "" || l.Why == "" {
			b.Errorf("a lack without what or why: %+v", l)
		}
	}
	b.reopen()
	b.prepare()
	if b.Identity.Account != id.Account {
		b.Errorf("the account was %q and is %q on a new connection", id.Account, b.Identity.Account)
	}
}

func checkClock(b *Bench) {
	for _, skew := range []time.Duration{0, 90 * time.Second, -7 * time.Minute} {
		b.Twin.Kit().Skew(skew)
		b.prepare()
		if off := (b.Identity.Clock - skew).Abs(); off > 2*time.Second {
			b.Errorf("the clock is off by %v, check says %v", skew, b.Identity.Clock)
		}
	}
}

// wrongKey spoils every secret in turn.
func wrongKey(b *Bench) {
	b.prepare()
	good := b.Twin.Settings()
	for name, value := range good {
		if !secret(b.suite.Spec, name) {
			continue
		}
		bad := maps.Clone(good)
		bad[name] = "wrong-" + strings.Repeat("x", len(value))
		b.connect(twin.Transport(b.Twin), bad)
		_, err := b.Check.Check(b.ctx)
		b.note(err)
		e := b.classified("check with a wrong "+name, err, connector.Unauthorized)
		if e.Scope != connector.ScopeConnection {
			b.Errorf("a wrong %s concerns the connection, not scope %q", name, e.Scope)
		}
		if e.Fix == "" {
			b.Errorf("the error does not say what to do about a wrong %s", name)
		}
		if strings.Contains(err.Error(), bad[name]) {
			b.Errorf("the error holds the wrong %s, which may be right elsewhere", name)
		}
		if b.Source == nil {
			continue
		}
		for _, o := range b.Schema.Objects {
			_, err := b.Source.Changes(b.ctx, connector.Query{Object: o.Name, Partition: b.firstPart(o.Name)})
			b.note(err)
			b.want("changes of "+o.Name+" with a wrong "+name, err, connector.Unauthorized)
		}
	}
}

// firstPart asks with the right key, for the wrong one is told nothing.
func (b *Bench) firstPart(object string) string {
	b.Helper()
	wrong := b.Abilities
	b.reopen()
	defer func() { b.Abilities = wrong }()
	if b.Partitioner == nil {
		return ""
	}
	parts, err := b.Partitioner.Partitions(b.ctx, object)
	if b.note(err); err != nil || len(parts) == 0 {
		b.Fatalf("partitions of %s: %v %v", object, parts, err)
	}
	return parts[0]
}

// declaredAbilities holds what the schema declares against what the connection can do.
func declaredAbilities(b *Bench) {
	b.prepare()
	if b.Source == nil && (b.Reader != nil || b.Finder != nil || b.Writer != nil || b.Partitioner != nil) {
		b.Errorf("abilities %v without a schema", b.Names())
	}
	var writes, finds bool
	for _, o := range b.Schema.Objects {
		writes = writes || o.Create || o.Update || o.Delete || o.Archive || o.Restore
		finds = finds || slices.ContainsFunc(o.Fields, func(f record.Field) bool { return f.Findable })
		if o.Restore && !o.Archive {
			b.Errorf("%s can restore and not archive", o.Name)
		}
		if o.Deletes == record.EvidenceListing && b.Reader == nil {
			b.Errorf("%s proves deletes by listing, and nothing can be read by id (R21)", o.Name)
		}
	}
	for _, x := range []struct {
		what          string
		declared, can bool
	}{{"write", writes, b.Writer != nil}, {"find", finds, b.Finder != nil}} {
		if x.declared != x.can {
			b.Errorf("%s: declared %v, implemented %v", x.what, x.declared, x.can)
		}
	}
	if (b.Events != nil) != (b.suite.Event != nil) {
		b.Errorf("the connection takes events: %v; the suite has a sample: %v", b.Events != nil, b.suite.Event != nil)
	}
	for _, o := range b.suite.Objects {
		if _, ok := b.Schema.Object(o.Name); !ok {
			b.Errorf("the suite has samples of %s, which the schema lacks", o.Name)
		}
	}
}

// noSecretTold meets every kind of failure, and a vendor that repeats the credential in
// its answers. What is told is judged in the end, as in every scenario.
func noSecretTold(b *Bench) {
	b.prepare()
	kinds := []twin.FaultKind{
		twin.FaultUnauthorized, twin.FaultUnavailable, twin.FaultRefuse, twin.FaultLostReply,
		twin.FaultTruncate, twin.FaultHTML, twin.FaultErrorAfterCommit,
	}
	for _, kind := range kinds {
		fault := b.Twin.Kit().Inject(twin.Fault{Kind: kind})
		b.everything()
		fault.Remove()
	}
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusInternalServerError} {
		b.connect(parrot{status: status, secrets: b.secrets()}, b.Twin.Settings())
		b.everything()
	}
}

// everything calls whatever can be called; how it ends does not matter.
func (b *Bench) everything() {
	_, err := b.Check.Check(b.ctx)
	b.note(err)
	_, err = b.Source.Schema(b.ctx)
	b.note(err)
	for _, o := range b.Schema.Objects {
		_, err := b.Source.Changes(b.ctx, connector.Query{Object: o.Name})
		b.note(err)
		if b.Reader != nil {
			_, err := b.Reader.Read(b.ctx, o.Name, []string{"1"})
			b.note(err)
		}
		if b.Writer != nil && o.Update {
			b.updateSomething(o)
		}
	}
}

func (b *Bench) updateSomething(o record.Object) {
	i := slices.IndexFunc(o.Fields, func(f record.Field) bool { return texty(f) && f.Writable() && !f.CreateOnly })
	if i < 0 {
		return
	}
	op := connector.Op{
		Key: b.key(), Verb: connector.Update, Ref: record.Ref{Object: o.Name, ID: "1"},
		Set: record.Fields{o.Fields[i].Name: record.Text("text")}, Was: record.Fields{},
	}
	results, err := b.Writer.Write(b.ctx, []connector.Op{op})
	b.note(err)
	for _, res := range results {
		b.note(res.Err)
	}
}

// parrot is a vendor whose refusals repeat the credential.
type parrot struct {
	status  int
	secrets []string
}

// RoundTrip refuses.
func (p parrot) RoundTrip(r *http.Request) (*http.Response, error) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := "not with " + strings.Join(p.secrets, " ") + " at " + r.URL.String()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(p.status)
		// The names under which vendors usually say what is wrong.
		_ = json.NewEncoder(w).Encode(map[string]any{
			"error": map[string]any{"code": p.status, "message": text}, "message": text, "text": text, "status": "error",
		})
	})
	return twin.Transport(h).RoundTrip(r)
}
