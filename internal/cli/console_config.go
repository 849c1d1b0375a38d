package cli

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// Configuration tells which text counts, and how the server stands to it.
func (h *hub) Configuration(ctx context.Context) (console.Configuration, error) {
	file, err := h.app.source()
	if err != nil {
		return console.Configuration{}, err
	}
	adoption, adopted, err := h.store.Adoption(ctx)
	if err != nil {
		return console.Configuration{}, err
	}
	d := documentOf(h.app.config, file, adoption, adopted)
	c := console.Configuration{File: h.app.config, FileText: string(d.file), Text: string(d.text), Adopted: adopted, Current: d.adoption.Current, Edited: d.edited}
	if why := h.server.refusal.Load(); why != nil {
		c.Refused = *why
	}
	return c, nil
}

// CheckConfiguration says what is wrong with a text: with its words, and with its syncs as far
// as what is remembered of the systems tells. No vendor is called.
func (h *hub) CheckConfiguration(ctx context.Context, text string) (*plan.Plan, plan.Problems, error) {
	p, problems, err := h.app.parse(ctx, h.app.config, []byte(text))
	if err != nil || p == nil {
		return nil, problems, err
	}
	now := h.Plan()
	for what, other := range map[string]bool{"database": p.Database != now.Database, "key_file": p.KeyFile != now.KeyFile} {
		if other {
			problems = append(problems, plan.Problem{File: h.app.config, Text: fmt.Sprintf("%s: another one is for the file to name: release the configuration first, and start anew", what)})
		}
	}
	for _, sync := range p.Syncs {
		_, more, err := engine.Remembered(ctx, h.store, p, sync)
		if err != nil {
			return nil, nil, err
		}
		problems = append(problems, more...)
	}
	return p, problems, nil
}

// AdoptFile makes the file's text a version, which counts from then on.
func (h *hub) AdoptFile(ctx context.Context, by, why string) (int, error) {
	n, err := h.app.adoptFile(ctx, h.store, by, why)
	if err == nil {
		h.reload()
	}
	return n, err
}

// SaveConfiguration keeps a text as the version after the one of that number, and has it served.
func (h *hub) SaveConfiguration(ctx context.Context, after int, c store.Configuration) (int, error) {
	now, err := h.Configuration(ctx)
	if err != nil {
		return 0, err
	}
	if now.Adopted && now.FileText == now.Text { // written out from here: no edit, once there is a newer version
		if err := h.store.SeeFile(ctx, fingerprint([]byte(now.FileText))); err != nil {
			return 0, err
		}
	}
	n, err := h.store.SaveConfiguration(ctx, after, c)
	if err == nil {
		h.reload()
	}
	return n, err
}

// KeepConfiguration goes on with the current version though the file was edited.
func (h *hub) KeepConfiguration(ctx context.Context) error {
	file, err := h.app.source()
	if err != nil {
		return err
	}
	return h.store.SeeFile(ctx, fingerprint(file))
}

// ReleaseConfiguration lets the file count again.
func (h *hub) ReleaseConfiguration(ctx context.Context) error {
	if _, err := h.store.Unadopt(ctx); err != nil {
		return err
	}
	h.reload()
	return nil
}

// reload has the loop read the configuration again, as a SIGHUP does.
func (h *hub) reload() {
	h.server.news.reread.Store(true)
	h.server.news.tell()
}

// Unhook has a connection's vendor call here no more. The door stays: who subscribes opens it anew
// while the connection is in the configuration.
func (h *hub) Unhook(ctx context.Context, e *engine.Engine, connection string) error {
	return unhook(ctx, h.store, e, connection)
}
