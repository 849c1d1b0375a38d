package mapping_test

import (
	"fmt"
	"testing"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// plain is a mapping of eleven text fields and an e-mail address, the usual case.
func plain(t testing.TB) (*mapping.Mapping, [2]record.Fields) {
	t.Helper()
	var objects [2]record.Object
	var fields [2]record.Fields
	for s := range objects {
		objects[s] = record.Object{Name: "people", Common: "contact"}
		fields[s] = record.Fields{}
		for i := range 11 {
			name := fmt.Sprintf("field_%d_%d", s, i)
			objects[s].Fields = append(objects[s].Fields, record.Field{Name: name, Common: fmt.Sprint("f", i), Kind: record.KindText, MaxLen: 255})
			fields[s][name] = record.Text("some text of usual length")
		}
		objects[s].Fields = append(objects[s].Fields, record.Field{Name: "mail", Common: "email", Kind: record.KindEmail})
		fields[s]["mail"] = record.Text("ann.lee@example.com")
	}
	m, problems := mapping.Compile(mapping.Input{Left: objects[0], Right: objects[1]})
	if len(problems) > 0 || len(m.Fields()) != 12 {
		t.Fatalf("%d fields, problems %v", len(m.Fields()), problems)
	}
	return m, fields
}

// both does for one pair of records what a run does.
func both(t testing.TB, m *mapping.Mapping, fields [2]record.Fields) {
	for _, s := range record.Sides() {
		for i := range m.Fields() {
			v, known, err := m.Own(i, s, fields[s], nil)
			if err != nil || !known {
				t.Fatal(known, err)
			}
			if _, known, err = m.Convert(i, s, v, nil); err != nil || !known {
				t.Fatal(known, err)
			}
		}
		m.Keys(s, fields[s])
	}
}

// BenchmarkPairs converts 10,000 pairs of 12 fields in both directions.
func BenchmarkPairs(b *testing.B) {
	m, fields := plain(b)
	b.ReportAllocs()
	for b.Loop() {
		for range 10_000 {
			both(b, m, fields)
		}
	}
}

func TestPlainFieldsDoNotAllocate(t *testing.T) {
	m, fields := plain(t)
	const keys = 2 // one slice a side
	if got := testing.AllocsPerRun(100, func() { both(t, m, fields) }); got > keys {
		t.Errorf("%v allocations for a pair", got)
	}
}

func BenchmarkExpression(b *testing.B) {
	m := compile(b, computed(`firstname + ' ' + lastname`))
	f := person()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := m.Own(0, record.Left, f, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	in := input(mapping.Entry{All: true, LeftToRight: true, RightToLeft: true}, mapping.Entry{Right: "full_name", From: "firstname + ' ' + lastname", LeftToRight: true})
	b.ReportAllocs()
	for b.Loop() {
		mapping.Compile(in)
	}
}
