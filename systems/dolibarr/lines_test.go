package dolibarr

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

// A paper is what a server does with the calls that change lines.
type paper struct {
	lines []wireRow
	last  int
}

func (p *paper) apply(t *rapid.T, e lineEdit) {
	var row wireRow
	if e.body != nil {
		if _, ok := e.body["product_type"]; !ok {
			t.Fatalf("a line without product_type, which version 20 cannot take: %v", e.body)
		}
		raw, err := json.Marshal(e.body)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			t.Fatal(err)
		}
	}
	if e.method == http.MethodPost {
		p.last++
		row["id"] = json.RawMessage(strconv.Itoa(p.last))
		p.lines = append(p.lines, row)
		return
	}
	for i, line := range p.lines {
		if line.text("id") != e.id {
			continue
		}
		if e.method == http.MethodDelete {
			p.lines = append(p.lines[:i:i], p.lines[i+1:]...)
			return
		}
		row["id"] = line["id"]
		p.lines[i] = row // as orders and invoices do: what is not sent is empty
		return
	}
	t.Fatalf("%s of a line that is not there: %q", e.method, e.id)
}

func (p *paper) read(t *rapid.T, f field) []record.Value {
	raw, err := json.Marshal(p.lines)
	if err != nil {
		t.Fatal(err)
	}
	return f.list(raw, time.UTC).Items()
}

// Whatever lines there are and whatever is wanted, the calls lead from one to the other, in
// the wanted order, and a second time none is made.
func TestLineEditsLeadToWhatIsWanted(t *testing.T) {
	t.Parallel()
	f := linesField()
	draw := func(t *rapid.T, label string) []record.Value {
		var lines []record.Value
		for i := range rapid.IntRange(0, 5).Draw(t, label) {
			fields := record.Fields{
				"desc": record.Text(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, fmt.Sprint(label, i))),
				"qty":  record.Int(int64(rapid.IntRange(1, 3).Draw(t, fmt.Sprint(label, "n", i)))),
			}
			if rapid.Bool().Draw(t, fmt.Sprint(label, "p", i)) {
				fields["product_type"] = record.Text("1")
			}
			lines = append(lines, record.Struct(fields))
		}
		return lines
	}
	rapid.Check(t, func(t *rapid.T) {
		p := &paper{}
		for _, step := range []string{"first", "second"} {
			want := draw(t, step)
			edits, err := f.lineEdits(p.read(t, f), want, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range edits {
				p.apply(t, e)
			}
			got := p.read(t, f)
			if len(got) != len(want) {
				t.Fatalf("%d lines, %d wanted", len(got), len(want))
			}
			for i := range want {
				if !f.sameLine(got[i], want[i]) {
					t.Fatalf("line %d is %v, wanted %v", i+1, got[i], want[i])
				}
			}
			if again, err := f.lineEdits(got, want, time.UTC); err != nil || len(again) > 0 {
				t.Fatalf("nothing is to be done, and %v is: %v", again, err)
			}
		}
	})
}

// A line that only moves up because one before it went is left alone: the lines behind a
// gap keep their ids.
func TestALineThatGoesTakesNoOtherAlong(t *testing.T) {
	t.Parallel()
	f := linesField()
	line := func(id, desc string) record.Value {
		return record.Struct(record.Fields{"id": record.Text(id), "desc": record.Text(desc), "product_type": record.Text("0")})
	}
	have := []record.Value{line("1", "a"), line("2", "b"), line("3", "c")}
	want := []record.Value{line("", "a"), line("", "c")}
	edits, err := f.lineEdits(have, want, time.UTC)
	if err != nil || len(edits) != 1 || edits[0].method != http.MethodDelete || edits[0].id != "2" {
		t.Errorf("%+v, %v", edits, err)
	}
	if _, err := f.lineEdits(have, []record.Value{record.Struct(record.Fields{"qty": record.Text("many")})}, time.UTC); err == nil {
		t.Error("a quantity that is no number is taken")
	}
}
