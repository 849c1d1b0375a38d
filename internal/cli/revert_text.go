package cli

import (
	"fmt"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// A revertShown gathers what one pass of a revert has to show: of long lists the first few.
type revertShown struct {
	most  int // 0 = all
	items map[string]*revertItems
	syncs []engine.Reverted
	asked bool
}

type revertItems struct {
	list  []engine.RevertItem
	total int
}

func revertKey(sync string, state engine.RevertState) string { return sync + " " + string(state) }

func (r *revertShown) add(it engine.RevertItem) error {
	key := revertKey(it.Sync, it.State)
	if r.items[key] == nil {
		r.items[key] = &revertItems{}
	}
	of := r.items[key]
	of.total++
	if r.most == 0 || len(of.list) < r.most {
		of.list = append(of.list, it)
	}
	r.asked = r.asked || it.Kind == engine.RevertAsk && it.State == engine.RevertDone
	return nil
}

func (r *revertShown) total(state engine.RevertState) int {
	n := 0
	for _, s := range r.syncs {
		n += s.Counts[state]
	}
	return n
}

func (r *revertShown) failed() bool {
	for _, s := range r.syncs {
		if s.Err != nil || s.Report.Status == engine.StatusFailed {
			return true
		}
	}
	return false
}

// code is 3 if anything was left as it is, or waits for a person.
func (r *revertShown) code() int {
	switch {
	case r.failed():
		return exitFailed
	case r.asked || r.total(engine.RevertEdited)+r.total(engine.RevertCannot)+r.total(engine.RevertWaits) > 0:
		return exitReview
	default:
		return exitOK
	}
}

// text tells a pass for people.
func (r *revertShown) text(p *plan.Plan, done bool) string {
	if len(r.syncs) == 0 && len(r.items) == 0 {
		return "nothing was written that could be taken back\n"
	}
	var b strings.Builder
	for i, s := range r.syncs {
		if i > 0 {
			b.WriteByte('\n')
		}
		of, _ := p.Sync(s.Sync)
		fmt.Fprintf(&b, "%s: %s %s %s\n", s.Sync, of.Ends[0], arrow(of), of.Ends[1])
		for _, h := range revertHeadings(done) {
			r.section(&b, s.Sync, h)
		}
		b.WriteString("  " + revertTotals(s) + "\n")
		for _, beyond := range s.Beyond {
			fmt.Fprintf(&b, "  more than the guard of a sync would let pass, which does not stop a revert: %s\n", oneLine(beyond))
		}
		if s.Err != nil {
			fmt.Fprintf(&b, "  failed: %s\n", strings.ReplaceAll(printable(s.Err.Error()), "\n", "\n  "))
		}
	}
	if len(r.syncs) == 0 { // of a sync that is no longer configured
		for _, of := range r.items {
			for _, it := range of.list {
				fmt.Fprintf(&b, "change %d: %s\n", it.Change, oneLine(it.Why))
			}
		}
	}
	return b.String()
}

type revertHeading struct {
	state engine.RevertState
	text  string
}

// revertHeadings are what is listed: of a revert that was carried out, only what is news
// after its preview.
func revertHeadings(done bool) []revertHeading {
	left := []revertHeading{
		{engine.RevertEdited, "edited since, left alone (--force takes it back too)"},
		{engine.RevertCannot, "cannot be taken back"},
		{engine.RevertWaits, "not taken back yet"},
	}
	if done {
		return left
	}
	return append([]revertHeading{{engine.RevertDo, "goes back"}}, left...)
}

func (r *revertShown) section(b *strings.Builder, sync string, h revertHeading) {
	of := r.items[revertKey(sync, h.state)]
	if of == nil {
		return
	}
	fmt.Fprintf(b, "\n  %s (%s)\n", h.text, count(of.total))
	t := table{right: map[int]bool{0: true}}
	for _, it := range of.list {
		t.add(fmt.Sprint(it.Change), revertRecord(it), revertWhat(it), oneLine(it.Why))
	}
	b.WriteString(t.text("    "))
	if rest := of.total - len(of.list); rest > 0 {
		fmt.Fprintf(b, "    ... and %s more (--all shows them)\n", count(rest))
	}
}

func revertRecord(it engine.RevertItem) string {
	if it.Of == (store.Object{}) {
		return it.Sync
	}
	return strings.TrimSpace(it.Of.String() + "/" + it.ID + " " + fit(oneLine(jsonl.Bare(it.Title)), 32))
}

// revertWhat is what goes back to what, in words.
func revertWhat(it engine.RevertItem) string {
	switch it.Kind {
	case engine.RevertField:
		return it.Field + ": " + shown(it.Now, valueWidth) + " → " + shown(it.To, valueWidth)
	case engine.RevertArchive:
		return "archive it: it was not there before"
	case engine.RevertDelete:
		return "delete it: it was not there before"
	case engine.RevertRestore:
		return "bring it back with its id"
	case engine.RevertAsk:
		return "ask you whether to create it anew"
	case engine.RevertUnlink:
		return "unlink the pair"
	case engine.RevertRelink:
		return "link the pair again"
	case engine.RevertNothing:
	}
	return "nothing to take back"
}

func revertTotals(s engine.Reverted) string {
	var parts []string
	for _, x := range []struct {
		state engine.RevertState
		word  string
	}{
		{engine.RevertDo, "to take back"}, {engine.RevertDone, "taken back"}, {engine.RevertAlready, "as before already"},
		{engine.RevertEdited, "edited since"}, {engine.RevertCannot, "cannot be taken back"}, {engine.RevertWaits, "not taken back yet"},
		{engine.RevertSilent, "lines with nothing of their own to take back"},
	} {
		if n := s.Counts[x.state]; n > 0 {
			parts = append(parts, count(n)+" "+x.word)
		}
	}
	if len(parts) == 0 {
		return "nothing to take back"
	}
	text := strings.Join(parts, ", ")
	if s.Run != "" {
		text += "; run " + s.Run + ", which can be reverted itself"
	}
	return text
}
