package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
)

const (
	planItems = 50  // on a page
	watchWait = "3" // seconds until a page that waits for a job looks again
)

// previewKinds are what a plan tells of, in the order in which it is shown.
func previewKinds() []engine.PreviewKind {
	return []engine.PreviewKind{
		engine.WouldCreate, engine.WouldUpdate, engine.WouldRestore, engine.WouldMerge, engine.WouldArchive,
		engine.WouldDelete, engine.WouldAsk, engine.WouldLink, engine.WouldSkip,
	}
}

type planPage struct {
	Sync   plan.Sync
	Job    job // zero = nothing was planned
	Has    bool
	Paused bool // it runs only when somebody says so
	Counts []planCount
	Kind   string // only these; "" = all
	Items  []planItem
	From   int // of the first on the page, beginning with 1
	Shown  int // of this kind in all
	Newer  string
	Older  string
}

type planCount struct {
	Kind engine.PreviewKind
	N    int
	Path string
}

type planItem struct {
	Kind    engine.PreviewKind
	Side    string
	Of      string
	ID      string
	Partner string
	Title   string
	Note    string
	Fields  []planField
}

type planField struct {
	Name, Old, New, Rule string
}

func (c *console) showPlan(w http.ResponseWriter, r *http.Request) error {
	sync, err := c.named(r)
	if err != nil {
		return err
	}
	paused, err := c.hub.Store().Pauses(r.Context())
	if err != nil {
		return err
	}
	data := planPage{Sync: sync}
	_, data.Paused = paused[sync.Name]
	if data.Job, data.Has = c.jobs.of(planning, sync.Name); data.Has {
		if data.Job.Under() {
			w.Header().Set("Refresh", watchWait)
		}
		if err := data.fill(r.URL.Query()); err != nil {
			return err
		}
	}
	return c.view.page(w, r, "plan", data)
}

// fill picks the items of one page.
func (p *planPage) fill(q url.Values) error {
	for _, kind := range previewKinds() {
		if n := p.Job.Plan.Counts[kind]; n > 0 {
			p.Counts = append(p.Counts, planCount{Kind: kind, N: n, Path: p.path(string(kind), 0)})
		}
	}
	p.Kind = q.Get("kind")
	if p.Kind != "" && !slices.Contains(previewKinds(), engine.PreviewKind(p.Kind)) {
		return errNotFound()
	}
	first, err := optional(q.Get("from"))
	if err != nil {
		return err
	}
	from := int(first)
	for _, it := range p.Job.Plan.Items {
		if p.Kind != "" && string(it.Kind) != p.Kind {
			continue
		}
		if p.Shown >= from && len(p.Items) < planItems {
			p.Items = append(p.Items, itemOf(it))
		}
		p.Shown++
	}
	if from > 0 && from >= p.Shown { // an empty page would say that both sides are in step
		return errNotFound()
	}
	p.From = from + 1
	if from > 0 {
		p.Newer = p.path(p.Kind, max(0, from-planItems))
	}
	if from+planItems < p.Shown {
		p.Older = p.path(p.Kind, from+planItems)
	}
	return nil
}

func (p *planPage) path(kind string, from int) string {
	q := url.Values{}
	if kind != "" {
		q.Set("kind", kind)
	}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	to := syncPath(p.Sync.Name) + "/plan"
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	return to
}

// All is the address of the page with all kinds.
func (p planPage) All() string { return p.path("", 0) }

// To is the number of the last item on the page.
func (p planPage) To() int { return p.From + len(p.Items) - 1 }

func itemOf(it engine.PreviewItem) planItem {
	out := planItem{Kind: it.Kind, Side: it.Side.String(), Of: it.Of.String(), ID: it.ID, Partner: it.Partner, Title: it.Title, Note: it.Note}
	for _, f := range it.Fields {
		out.Fields = append(out.Fields, planField{Name: f.Name, Old: shown(f.Old), New: shown(f.New), Rule: f.Rule})
	}
	return out
}

func (c *console) planSync(w http.ResponseWriter, r *http.Request) error {
	return c.startJob(w, r, planning)
}

func (c *console) verifySync(w http.ResponseWriter, r *http.Request) error {
	return c.startJob(w, r, verifying)
}

// startJob begins a job and goes to its page; one that is under way is gone to, too.
func (c *console) startJob(w http.ResponseWriter, r *http.Request, kind string) error {
	sync, err := c.named(r)
	if err != nil {
		return err
	}
	if err := c.begun(r.Context(), kind, sync.Name, r.PostFormValue("repair") == "1"); err != nil {
		return err
	}
	return c.redirect(w, syncPath(sync.Name)+"/"+kind, "")
}

// begun makes sure that a job of this kind is under way for a sync.
func (c *console) begun(ctx context.Context, kind, sync string, repair bool) error {
	detail := ""
	if repair {
		detail = "repair"
	}
	noteIn(ctx, sync, detail)
	if c.start(kind, sync, visitIn(ctx).who.Name, repair) {
		return nil
	}
	if _, has := c.jobs.of(kind, sync); !has {
		return &problem{status: http.StatusServiceUnavailable, key: "error.jobs"}
	}
	return nil
}

type verifyPage struct {
	Sync     plan.Sync
	Job      job
	Has      bool
	Findings []findingRow
}

type findingRow struct {
	Kind                string // ends a key below "finding."
	Side, Of, ID, Field string
	Base, Found, Detail string
}

func findingKinds() []string {
	return []string{string(engine.Drifted), string(engine.Gone), string(engine.Changed), string(engine.Diverged), string(engine.RefusedKind), string(engine.Unconfirmed)}
}

func (c *console) showVerify(w http.ResponseWriter, r *http.Request) error {
	sync, err := c.named(r)
	if err != nil {
		return err
	}
	data := verifyPage{Sync: sync}
	data.Job, data.Has = c.jobs.of(verifying, sync.Name)
	if data.Has && data.Job.Under() {
		w.Header().Set("Refresh", watchWait)
	}
	for _, f := range data.Job.Findings {
		data.Findings = append(data.Findings, findingRow{
			Kind: string(f.Kind), Side: f.Side.String(), Of: f.Of.String(), ID: f.ID, Field: f.Field,
			Base: shown(f.Base), Found: shown(f.Found), Detail: f.Detail,
		})
	}
	return c.view.page(w, r, "verify", data)
}
