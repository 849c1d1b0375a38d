package console

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

const mostValue = 300 // characters of a value on a page

// shown writes a value for people; "" = it is empty.
func shown(v record.Value) string { return shorten(v.String(), mostValue) }

// took writes a duration as short as is useful. Its units are the same in all languages.
func (l *locale) took(d time.Duration) string {
	switch {
	case d < 0:
		return "–"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return l.printer.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// badge is the class of a state: of a run, a revert and what it takes back, a record and a field.
func badge(state any) string {
	switch fmt.Sprint(state) {
	case engine.StatusOK, "linked", "agreed", revertDone:
		return "badge badge-ok"
	case engine.StatusFailed, cutShort, "gone", "refused", string(engine.RevertCannot):
		return "badge badge-fail"
	case engine.StatusReview, engine.StatusBlocked, revertShown, "differs", string(engine.RevertEdited):
		return "badge badge-ask"
	case "alone", string(engine.RevertSilent):
		return "badge"
	default:
		return "badge badge-wait"
	}
}
