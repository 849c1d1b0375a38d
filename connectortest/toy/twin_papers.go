package toy

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// twinPaperCap is the largest paper.
const twinPaperCap = 65536

type twinPaper struct {
	id, row, key string
	name, kind   string
	bytes        []byte
	at           time.Time
}

func (p *twinPaper) show() map[string]any {
	sum := sha256.Sum256(p.bytes)
	return map[string]any{
		"id": p.id, "name": p.name, "type": p.kind, "size": len(p.bytes),
		"sum": hex.EncodeToString(sum[:]), "at": p.at.UnixMilli(),
	}
}

// card returns a row that papers can hang on, or refuses.
func (a *Twin) card(w http.ResponseWriter, id string) *twinRow {
	t := a.table(w, "cards")
	if t == nil {
		return nil
	}
	r, ok := t.rows[id]
	if !ok || r.state != "" || r.hidden {
		twinRefuse(w, http.StatusNotFound, twinRefusal{Code: "unknown", Text: "no such row"})
		return nil
	}
	return r
}

func (a *Twin) servePapers(w http.ResponseWriter, r *http.Request) {
	row := a.card(w, a.query(r, "row").Get("row"))
	if row == nil {
		return
	}
	papers := []map[string]any{}
	for _, p := range a.papers {
		if p.row == row.id {
			papers = append(papers, p.show())
		}
	}
	twinAnswer(w, map[string]any{"papers": papers})
}

func (a *Twin) serveAddPaper(w http.ResponseWriter, r *http.Request) {
	q := a.query(r, "row", "key", "name", "type")
	row := a.card(w, q.Get("row"))
	if row == nil {
		return
	}
	bytes, err := io.ReadAll(io.LimitReader(r.Body, twinPaperCap+1))
	switch {
	case err != nil || q.Get("name") == "":
		twinRefuse(w, http.StatusBadRequest, twinRefusal{Code: "unreadable", Text: "The paper cannot be read"})
		return
	case len(bytes) > twinPaperCap:
		twinRefuse(w, http.StatusRequestEntityTooLarge, twinRefusal{Code: "invalid", Text: "The paper is too large"})
		return
	}
	i := slices.IndexFunc(a.papers, func(p *twinPaper) bool { return p.row == row.id && p.key == q.Get("key") && p.key != "" })
	if i < 0 {
		i = len(a.papers)
		a.lastPaper++
		a.papers = append(a.papers, &twinPaper{
			id: "p" + strconv.Itoa(a.lastPaper), row: row.id, key: q.Get("key"),
			name: q.Get("name"), kind: q.Get("type"), bytes: bytes, at: a.Now().Truncate(time.Millisecond),
		})
		a.touch(row, "api")
		a.Ledger().Record(twin.Act{By: "api", Verb: "update", Object: "cards", ID: row.id, Fields: map[string]string{"paper": q.Get("name")}})
	}
	twinAnswer(w, map[string]any{"paper": a.papers[i].show(), "rev": row.rev})
}

func (a *Twin) serveDropPaper(w http.ResponseWriter, r *http.Request) {
	id := a.query(r, "id").Get("id")
	i := slices.IndexFunc(a.papers, func(p *twinPaper) bool { return p.id == id })
	if i < 0 {
		twinRefuse(w, http.StatusNotFound, twinRefusal{Code: "unknown", Text: "no such paper"})
		return
	}
	if row := a.tables["cards"].rows[a.papers[i].row]; row != nil {
		a.touch(row, "api")
	}
	a.papers = slices.Delete(a.papers, i, i+1)
	twinAnswer(w, map[string]any{})
}

func (a *Twin) servePaper(w http.ResponseWriter, r *http.Request) {
	id := a.query(r, "id").Get("id")
	i := slices.IndexFunc(a.papers, func(p *twinPaper) bool { return p.id == id })
	if i < 0 {
		twinRefuse(w, http.StatusNotFound, twinRefusal{Code: "unknown", Text: "no such paper"})
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(a.papers[i].bytes) // a caller that is gone is no fault of the twin
}
