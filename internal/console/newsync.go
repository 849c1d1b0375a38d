package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
)

const (
	counted  = 2000 // records of a side up to which the keys are tried out
	moreRows = 3    // for pairs of fields that have nothing in common by name
)

// An endChoice is one object that a sync can have as an end.
type endChoice struct {
	Value  string // "erp.contacts"
	Title  string
	Common string
}

type newSyncPage struct {
	Ends   []endChoice
	Left   string
	Right  string
	Chosen bool

	Name      string
	Direction string
	Prefer    string
	Delete    string
	Schedule  string
	Keys      []keyChoice
	Counted   bool // the keys were tried out
	Fields    []fieldChoice
	More      []fieldChoice // rows to choose other pairs in
	All       [2][]record.Field

	Adopted  bool
	Problems plan.Problems
	Fragment string // to be put into the file by hand; "" = not there yet
}

// Directions, Preferences and Policies are the choices of the form.
func (newSyncPage) Directions() []string { return []string{bothWays, toRight, toLeft} }

// Preferences are who may win.
func (newSyncPage) Preferences() []string { return []string{"newest", "left", "right", "ask"} }

// Policies are what may become of partners.
func (newSyncPage) Policies() []string { return []string{"ignore", "archive", "delete", "unlink"} }

// Schedules are what most choose.
func (newSyncPage) Schedules() []string { return []string{"", "5m", "15m", "1h", "1d"} }

// Names are what the sides are called in sentences.
func (p newSyncPage) Names() [2]string {
	left, _, _ := strings.Cut(p.Left, ".")
	right, _, _ := strings.Cut(p.Right, ".")
	return [2]string{left, right}
}

// A keyChoice is one key by which records may be recognised.
type keyChoice struct {
	score
	Left, Right string
	On          bool
}

// Value is what the form carries.
func (k keyChoice) Value() string { return k.Left + "\t" + k.Right }

// A fieldChoice is one row of the form's fields.
type fieldChoice struct {
	I           int
	Left, Right record.Field
	On          bool
	Direction   string
	Can         []string // directions that are possible
}

func (c *console) showNewSync(w http.ResponseWriter, r *http.Request) error {
	data, _, err := c.newSyncPage(r, r.URL.Query())
	if err != nil {
		return err
	}
	return c.view.page(w, r, "newsync", data)
}

// newSyncPage is the form as it is chosen so far, with defaults for the rest.
func (c *console) newSyncPage(r *http.Request, q url.Values) (newSyncPage, *plan.Resolved, error) {
	ctx := r.Context()
	data := newSyncPage{Left: q.Get("left"), Right: q.Get("right"), Direction: bothWays, Prefer: "newest", Delete: "ignore", Schedule: "15m"}
	now, err := c.hub.Configuration(ctx)
	if err != nil {
		return data, nil, err
	}
	data.Adopted = now.Adopted
	if data.Ends, err = c.endChoices(ctx); err != nil {
		return data, nil, err
	}
	left, right := data.end(data.Left), data.end(data.Right)
	if left.Value == "" || right.Value == "" || left.Value == right.Value {
		data.guess()
		return data, nil, nil
	}
	data.Chosen = true
	sync := plan.Sync{Name: c.freeName(right.Value), Ends: [2]plan.Endpoint{endpointOf(left.Value), endpointOf(right.Value)}, Direction: bothWays, Prefer: "newest", Create: [2]bool{true, true}, Leave: plan.LeaveKeep}
	data.Name = sync.Name
	resolved, problems, err := engine.Remembered(ctx, c.hub.Store(), c.hub.Plan(), sync)
	if err != nil || resolved == nil {
		data.Problems = problems
		return data, nil, err
	}
	if err := c.fillFields(ctx, &data, resolved); err != nil {
		return data, nil, err
	}
	return data, resolved, c.fillKeys(ctx, &data, resolved)
}

func endpointOf(s string) plan.Endpoint {
	connection, object, _ := strings.Cut(s, ".")
	return plan.Endpoint{Connection: connection, Object: object}
}

// freeName is the object's name, with a number if there is such a sync.
func (c *console) freeName(end string) string {
	base := strings.Map(func(x rune) rune {
		if x >= 'a' && x <= 'z' || x >= 'A' && x <= 'Z' || x >= '0' && x <= '9' || x == '_' || x == '-' {
			return x
		}
		return -1
	}, endpointOf(end).Object)
	if base = strings.TrimLeft(base, "0123456789_-"); base == "" {
		base = "sync"
	}
	base = cutTo(base, 60)
	for i, name := 2, base; ; i++ {
		if _, taken := c.hub.Plan().Sync(name); !taken {
			return name
		}
		name = fmt.Sprintf("%s_%d", base, i)
	}
}

// endChoices are all objects of all connections, as far as they are known.
func (c *console) endChoices(ctx context.Context) ([]endChoice, error) {
	var all []endChoice
	for _, conn := range c.hub.Plan().Connections {
		objects, err := engine.RememberedObjects(ctx, c.hub.Store(), conn.Name)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			all = append(all, endChoice{Value: conn.Name + "." + o.Name, Title: o.Title, Common: o.Common})
		}
	}
	return all, nil
}

func (p *newSyncPage) end(value string) endChoice {
	i := slices.IndexFunc(p.Ends, func(e endChoice) bool { return e.Value == value })
	if i < 0 {
		return endChoice{}
	}
	return p.Ends[i]
}

// guess proposes two objects of different connections that are the same thing.
func (p *newSyncPage) guess() {
	for _, kind := range []string{"contact", "company", ""} {
		for _, a := range p.Ends {
			for _, b := range p.Ends {
				if a.Common != "" && a.Common == b.Common && (kind == "" || a.Common == kind) && endpointOf(a.Value).Connection != endpointOf(b.Value).Connection {
					p.Left, p.Right = a.Value, b.Value
					return
				}
			}
		}
	}
}

// fillFields proposes all fields that both sides understand.
func (c *console) fillFields(ctx context.Context, data *newSyncPage, resolved *plan.Resolved) error {
	for i, f := range resolved.Mapping.Fields() {
		row := fieldChoice{I: i, Left: f.Left, Right: f.Right, On: true, Direction: string(resolved.Rules[i].Direction)}
		switch row.Direction {
		case bothWays:
			row.Can = data.Directions()
		default:
			row.Can = []string{row.Direction}
		}
		data.Fields = append(data.Fields, row)
	}
	for i := range moreRows {
		data.More = append(data.More, fieldChoice{I: i, Direction: bothWays, Can: data.Directions()})
	}
	for side, end := range resolved.Ends {
		var err error
		if data.All[side], err = c.fieldsOf(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

// fillKeys proposes what can recognise a record, and tries it out on what is known of both sides.
func (c *console) fillKeys(ctx context.Context, data *newSyncPage, resolved *plan.Resolved) error {
	usual := resolved.Mapping.KeyNames()
	var match []mapping.MatchKey
	for _, f := range resolved.Mapping.Fields() {
		if !recognises(f) {
			continue
		}
		data.Keys = append(data.Keys, keyChoice{Left: f.Left.Name, Right: f.Right.Name, On: f.Left.Common != "" && slices.Contains(usual, f.Left.Common)})
		match = append(match, mapping.MatchKey{Parts: []mapping.MatchPart{{Left: f.Left.Name, Right: f.Right.Name}}})
	}
	scores, _, err := c.keyScores(ctx, c.hub.Plan(), resolved.Sync, match)
	for i, x := range scores {
		data.Keys[i].score = x
		data.Counted = data.Counted || x.Held[record.Left] > 0 && x.Held[record.Right] > 0
	}
	return err
}

// recognises reports whether equal values of a field may mean that two records are the same.
func recognises(f mapping.Field) bool {
	if f.Computed(record.Left) || f.Computed(record.Right) || f.Set {
		return false
	}
	switch f.Left.Kind {
	case record.KindEmail, record.KindPhone:
		return true
	case record.KindText:
		return f.Left.Format == record.FormatDomain || f.Left.Format == record.FormatVATID || f.Left.Unique || f.Right.Unique || f.Left.Common == "name"
	default:
		return false
	}
}
