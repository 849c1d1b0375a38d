package dolibarr

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
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
		if delete(row, productName); line[productName] != nil {
			row[productName] = line[productName] // whatever is sent
		}
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
// the wanted order, and a second time none is made. They do so too from wherever they were cut
// off, with no line more than is wanted (R16).
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
			if n := rapid.IntRange(0, 2).Draw(t, fmt.Sprint(label, "product", i)); n > 0 {
				fields[productName] = record.Text(strconv.Itoa(n))
			} else if rapid.Bool().Draw(t, fmt.Sprint(label, "none", i)) {
				fields[productName] = record.Value{}
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
			for _, e := range edits[:rapid.IntRange(0, len(edits)).Draw(t, step+" is cut off")] {
				p.apply(t, e)
			}
			if edits, err = f.lineEdits(p.read(t, f), want, time.UTC); err != nil {
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

// Orders and invoices take for empty what the call for a line does not name; what we have no
// fields for stays as people entered it.
func TestALineKeepsWhatWeHaveNoFieldsFor(t *testing.T) {
	t.Parallel()
	const entered = `[{"desc":"Rent","product_type":"1","qty":"1","subprice":"100","tva_tx":"24","label":"Floor 2","date_start":"1795000000",` +
		`"date_end":"1797000000","fk_unit":"3","pa_ht":"60","special_code":"4","info_bits":"1","fk_fournprice":"7","localtax1_tx":"1.5","localtax2_tx":"2.5","ref_ext":"their-1"}]`
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		company := s.company("Acme")
		for _, object := range []string{proposals, orders, invoices} {
			id := s.put(object, "", map[string]string{"socid": company, "date": "2026-11-30", "lines": entered})
			before := kept(t, s, object)
			line := record.Struct(record.Fields{"desc": record.Text("Rent"), "qty": record.Text("2")})
			if r := s.update(object, id, record.Fields{linesName: record.List(line)}); r.Err != nil {
				t.Fatal(r.Err)
			}
			after := kept(t, s, object)
			if before["qty"] == after["qty"] {
				t.Errorf("%s: the line was not changed: %v", object, after)
			}
			for _, name := range []string{"qty", "total_ht", "total_tva", "total_ttc", "situation_percent"} { // the last is 100 if nobody says
				delete(before, name)
				delete(after, name)
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s: - before, + after:\n%s", object, diff)
			}
		}
	})
}

// A line's product cannot be changed: such a line is added anew, and keeps what is not the
// product's.
func TestALineWithAnotherProductIsAddedAnew(t *testing.T) {
	t.Parallel()
	const entered = `[{"desc":"Old","fk_product":"1","product_type":"0","qty":"1","subprice":"100","tva_tx":"24","date_start":"1795000000","pa_ht":"60"},` +
		`{"desc":"Behind","fk_product":"1","product_type":"0","qty":"2","subprice":"5","tva_tx":"24","pa_ht":"3"}]`
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		company := s.company("Acme")
		for _, ref := range []string{"P1", "P2"} {
			s.put(products, "", map[string]string{"ref": ref, "label": ref})
		}
		for _, object := range []string{proposals, orders, invoices} {
			id := s.put(object, "", map[string]string{"socid": company, "date": "2026-11-30", "lines": entered})
			want := record.List(
				record.Struct(record.Fields{"desc": record.Text("New"), productName: record.Text("2"), "qty": record.Text("1")}),
				record.Struct(record.Fields{"desc": record.Text("Behind"), productName: record.Text("1"), "qty": record.Text("2")}))
			// The answer of the second call is lost: the write is of unknown outcome, and leads on
			// from where it was.
			lost := s.Kit().Inject(twin.Fault{Kind: twin.FaultLostReply, Method: http.MethodPost, After: 1, Times: 1})
			if r := s.update(object, id, record.Fields{linesName: want}); connector.KindOf(r.Err) != connector.Ambiguous {
				t.Errorf("%s: a write that was cut off: %v", object, r.Err)
			}
			lost.Remove()
			if r := s.update(object, id, record.Fields{linesName: want}); r.Err != nil {
				t.Fatal(r.Err)
			}
			got := linesOf(t, s, object)
			for _, line := range got {
				for _, name := range []string{"id", "total_ht", "total_tva", "total_ttc", "situation_percent", "info_bits", "special_code", "localtax1_tx", "localtax2_tx"} {
					delete(line, name)
				}
			}
			if diff := cmp.Diff([]map[string]string{
				{"desc": "New", "fk_product": "2", "product_type": "0", "qty": "1", "subprice": "100", "tva_tx": "24", "remise_percent": "0", "date_start": "1795000000"},
				{"desc": "Behind", "fk_product": "1", "product_type": "0", "qty": "2", "subprice": "5", "tva_tx": "24", "remise_percent": "0", "pa_ht": "3"},
			}, got); diff != "" {
				t.Errorf("%s: - want, + got\n%s", object, diff)
			}
		}
	})
}

// linesOf are the lines of the one paper of an object, as people see them.
func linesOf(t *testing.T, s *server, object string) []map[string]string {
	t.Helper()
	var lines []map[string]string
	if err := json.Unmarshal([]byte(s.Rows(object)[0].Fields[linesName]), &lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// kept is the one line of the one paper of an object, as people see it.
func kept(t *testing.T, s *server, object string) map[string]string {
	t.Helper()
	lines := linesOf(t, s, object)
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	return lines[0]
}
