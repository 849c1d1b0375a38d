package console

import (
	"net/http"

	"github.com/tandemhub/tandem/internal/store"
)

const auditLines = 50 // on a page

type auditPage struct {
	Lines []store.Audit
	By    string
	Older int64 // the next page begins before it; 0 = there is none
}

func (c *console) showAudit(w http.ResponseWriter, r *http.Request) error {
	before, err := cursor(r)
	if err != nil {
		return err
	}
	q := store.AuditQuery{By: r.URL.Query().Get("by"), Before: before, Limit: auditLines + 1}
	lines, err := c.hub.Store().Audits(r.Context(), q)
	if err != nil {
		return err
	}
	data := auditPage{Lines: lines, By: q.By}
	if len(lines) > auditLines {
		data.Lines = lines[:auditLines]
		data.Older = data.Lines[auditLines-1].ID
	}
	return c.view.page(w, r, "audit", data)
}
