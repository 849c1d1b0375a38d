package console

import (
	"net/http"
	"strconv"

	"github.com/tandemhub/tandem/internal/store"
)

const auditLines = 50 // on a page

type auditPage struct {
	Lines []store.Audit
	By    string
	Older int64 // the next page begins before it; 0 = there is none
}

func (c *console) showAudit(w http.ResponseWriter, r *http.Request) error {
	q := store.AuditQuery{By: r.URL.Query().Get("by"), Limit: auditLines + 1}
	if before := r.URL.Query().Get("before"); before != "" {
		n, err := strconv.ParseInt(before, 10, 64)
		if err != nil || n <= 0 {
			return errNotFound()
		}
		q.Before = n
	}
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
