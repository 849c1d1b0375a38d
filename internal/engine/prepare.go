package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// How long what was found out about an account is believed. The identity is what keeps
// another account behind the same address from being written to (R33), so it is asked
// for often, and where a spent budget has no room for the question a day is the longest it is
// believed; a new custom field can wait for the next day, or for tandem check.
const (
	identityFor  = time.Hour
	identityMost = 24 * time.Hour
	schemaFor    = 24 * time.Hour
)

// Prepare finds out, or remembers, what every connection of the plan can do, and resolves
// the syncs against it, parents first. A connection that cannot be used is no error here:
// its syncs fail when they run. The error is of the configuration (a [plan.Problems] in
// its chain) or of the store.
func (e *Engine) Prepare(ctx context.Context) error { return e.prepare(ctx, false) }

func (e *Engine) prepare(ctx context.Context, leave bool) error {
	for _, s := range e.plan.Syncs {
		for _, end := range s.Ends {
			if err := e.prepareConn(ctx, e.conns[end.Connection], leave); err != nil {
				return err
			}
		}
	}
	if err := e.resolve(); err != nil {
		return err
	}
	if parted := e.partedHosts(ctx); parted.HasErrors() {
		return parted
	}
	return e.register(ctx)
}

// recall is Prepare from memory: no vendor is called and nothing is stored. Syncs of a
// connection that was never asked are not known.
func (e *Engine) recall(ctx context.Context) error {
	for _, c := range e.conns {
		if err := e.recallConn(ctx, c); err != nil {
			return err
		}
	}
	return e.resolve()
}

func (e *Engine) recallConn(ctx context.Context, c *conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := e.load(ctx, c); err != nil {
		return err
	}
	c.objects = masked(c.known.Schema, c.able, c.known.Identity.Lacks)
	return nil
}

// prepareConn makes sure of identity and schema. Its error is the store's; the vendor's
// becomes the connection's problem. With leave, a connection that is known not to be usable is
// not asked whether it is by now: turns that follow each other within seconds would try a wrong
// credential over and over.
func (e *Engine) prepareConn(ctx context.Context, c *conn, leave bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.able.Check == nil {
		return nil
	}
	if err := e.load(ctx, c); err != nil {
		return err
	}
	if leave && c.problem == nil && c.known.Paused != "" {
		c.problem = fmt.Errorf("connection %s is paused: %s", c.plan.Name, c.known.Paused)
	}
	if leave && c.problem != nil {
		c.objects = masked(c.known.Schema, c.able, c.known.Identity.Lacks)
		return nil
	}
	if err := e.recallBudgets(ctx, c); err != nil {
		return err
	}
	ctx = metered(ctx, &c.spent)
	if c.problem != nil || c.known.Paused != "" || time.Since(c.known.CheckedAt) > identityFor {
		sound := c.problem == nil && c.known.Paused == ""
		if err := e.identify(ctx, c); err != nil {
			return err
		}
		if sound && connector.KindOf(c.problem) == connector.RateLimited && time.Since(c.known.CheckedAt) < identityMost {
			c.problem = nil // what is to be done may be another limit's, and who we are was known not long ago
		}
	}
	if c.problem == nil && (time.Since(c.known.SchemaAt) > schemaFor || e.unknown(c)) {
		if err := e.describe(ctx, c, false); err != nil {
			return err
		}
	}
	if c.spec.Limits != nil {
		c.limits.SetLimits(c.spec.Limits(c.plan.Settings, c.known.Identity))
	}
	c.objects = masked(c.known.Schema, c.able, c.known.Identity.Lacks)
	return nil
}

// load reads what is remembered of a connection. The caller holds c.mu.
func (e *Engine) load(ctx context.Context, c *conn) error {
	if c.loaded {
		return nil
	}
	known, _, err := e.store.Connection(ctx, c.plan.Name)
	if err != nil {
		return fmt.Errorf("load connection %s: %w", c.plan.Name, err)
	}
	c.known, c.loaded = known, true
	if c.able.Recall != nil && len(known.Schema.Objects) > 0 {
		c.able.Recall.Recall(known.Schema)
	}
	return nil
}

// identify asks who we are at the vendor and pins it (R33). The caller holds c.mu.
func (e *Engine) identify(ctx context.Context, c *conn) error {
	id, err := c.able.Check.Check(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("check connection %s: %w", c.plan.Name, ctx.Err())
		}
		c.problem = fmt.Errorf("connection %s: %w", c.plan.Name, err)
		return e.pause(ctx, c, c.problem)
	}
	if pinned := c.known.Identity.Account; pinned != "" && id.Account != pinned {
		c.problem = fmt.Errorf("connection %s: %w", c.plan.Name, &IdentityError{Pinned: pinned, Found: id.Account})
		return e.pause(ctx, c, c.problem)
	}
	c.problem = nil
	c.known.Name, c.known.System, c.known.Identity = c.plan.Name, c.plan.System, id
	c.known.CheckedAt, c.known.Paused = time.Now(), ""
	return e.save(ctx, c)
}

// pause remembers why a connection is not to be used. A vendor that is merely down, or
// busy, is asked again by the next run without having been paused.
func (e *Engine) pause(ctx context.Context, c *conn, why error) error {
	var other *IdentityError
	if k := connector.KindOf(why); k != connector.Unauthorized && k != connector.Forbidden && !errors.As(why, &other) {
		return nil
	}
	c.known.Name, c.known.System, c.known.Paused = c.plan.Name, c.plan.System, why.Error()
	return e.save(ctx, c)
}

func (e *Engine) save(ctx context.Context, c *conn) error {
	if err := e.store.SaveConnection(ctx, c.known); err != nil {
		return fmt.Errorf("save connection %s: %w", c.plan.Name, err)
	}
	return nil
}

// wanted are the objects of a connection that syncs name.
func (e *Engine) wanted(c *conn) []string {
	var names []string
	for _, s := range e.plan.Syncs {
		for _, end := range s.Ends {
			if end.Connection == c.plan.Name && !slices.Contains(names, end.Object) {
				names = append(names, end.Object)
			}
		}
	}
	return names
}

// unknown reports whether a sync names an object that is not in the schema at hand.
func (e *Engine) unknown(c *conn) bool {
	return lacksAny(c.known.Schema, e.wanted(c)) || c.able.Describe != nil && e.strange(c, c.known.Schema)
}

func lacksAny(s record.Schema, objects []string) bool {
	return len(s.Objects) == 0 || slices.ContainsFunc(objects, func(name string) bool {
		_, ok := s.Object(name)
		return !ok
	})
}

// describe asks for the schema and keeps it: of what syncs name, where that saves calls, or
// of everything. The caller holds c.mu.
func (e *Engine) describe(ctx context.Context, c *conn, whole bool) error {
	if c.able.Source == nil {
		return nil
	}
	schema, err := e.readSchema(ctx, c, whole)
	if err != nil {
		if len(c.known.Schema.Objects) == 0 || connector.KindOf(err) != connector.Unavailable && connector.KindOf(err) != connector.RateLimited {
			c.problem = fmt.Errorf("connection %s: read its fields: %w", c.plan.Name, err)
		}
		return ctx.Err()
	}
	c.known.Schema, c.known.SchemaAt = schema, time.Now()
	return e.save(ctx, c)
}

// readSchema reads the schema from the vendor, and notes what describing an object has shown
// to be missing. If an object that a sync names is not there all of it is read: the problem
// that the file has then names what there is instead.
func (e *Engine) readSchema(ctx context.Context, c *conn, whole bool) (record.Schema, error) {
	names := e.wanted(c)
	if whole || c.able.Describe == nil || len(names) == 0 {
		return c.able.Source.Schema(ctx)
	}
	schema, lacks, err := c.able.Describe.SchemaOf(ctx, names)
	if err != nil {
		return schema, err
	}
	c.known.Identity.Lacks = append(slices.DeleteFunc(slices.Clone(c.known.Identity.Lacks), func(l connector.Lack) bool {
		return slices.ContainsFunc(lacks, func(is connector.Lack) bool { return is.Object == l.Object && is.What == l.What })
	}), lacks...)
	if lacksAny(schema, names) || e.strange(c, schema) {
		return c.able.Source.Schema(ctx)
	}
	return schema, nil
}

// An IdentityError says that another account than before answers at a connection's
// address (R33). Nothing is read from it or written to it until a person has looked.
type IdentityError struct{ Pinned, Found string }

func (e *IdentityError) Error() string {
	return fmt.Sprintf("another account answers: %q instead of %q; if this is meant, give it a connection of its own name, "+
		"otherwise set url and credential back", e.Found, e.Pinned)
}

// masked returns the objects with what this account and connector cannot do taken away
// (C2).
func masked(s record.Schema, able connector.Abilities, lacks []connector.Lack) map[string]record.Object {
	objects := make(map[string]record.Object, len(s.Objects))
	for _, o := range s.Objects {
		for _, l := range lacks {
			if l.Object == "" || l.Object == o.Name {
				mask(&o, l.What)
			}
		}
		visited := o.Hosted && able.Host != nil
		if able.Writer == nil && !visited {
			mask(&o, "create")
			mask(&o, "update")
			mask(&o, "delete")
		}
		if able.Files == nil {
			mask(&o, connector.LackFiles)
		}
		if able.Reader == nil && (!visited || o.Deletes != record.EvidenceFeed) {
			o.Deletes = record.EvidenceNone // nothing could prove a suspicion (R21)
		}
		objects[o.Name] = o
	}
	return objects
}

func mask(o *record.Object, what string) {
	switch what {
	case "create":
		o.Create = false
	case "update":
		o.Update = false
	case "delete":
		o.Delete, o.Archive, o.Restore = false, false, false
	case connector.LackFiles:
		o.Files = false
	}
}
