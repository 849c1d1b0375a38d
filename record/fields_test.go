package record_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

func drawValue(t *rapid.T, depth int) record.Value {
	kinds := 2
	if depth > 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "shape") {
	case 0:
		return record.Value{}
	case 1:
		return record.Text(rapid.String().Draw(t, "text"))
	case 2:
		var items []record.Value
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			items = append(items, drawValue(t, depth-1))
		}
		return record.List(items...)
	default:
		return record.Struct(drawFields(t, depth-1))
	}
}

func drawFields(t *rapid.T, depth int) record.Fields {
	f := record.Fields{}
	for range rapid.IntRange(0, 4).Draw(t, "fields") {
		f[rapid.StringN(0, 6, -1).Draw(t, "name")] = drawValue(t, depth)
	}
	return f
}

func TestPropertyEncodingIsCanonicalAndReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFields(t, 3)
		b := f.Append(nil)
		got, err := record.DecodeFields(b)
		if err != nil {
			t.Fatalf("decode %s: %v", b, err)
		}
		if !got.Equal(f) {
			t.Fatalf("%s: got %v, want %v", b, got, f)
		}
		if again := got.Append(nil); string(again) != string(b) {
			t.Fatalf("encoded as %s and then as %s", b, again)
		}
		if !json.Valid(b) {
			t.Fatalf("no JSON: %s", b)
		}
		clone := f.Clone()
		if string(clone.Append(nil)) != string(b) {
			t.Fatal("a clone has another encoding")
		}
		g := drawFields(t, 3)
		if f.Equal(g) != (string(b) == string(g.Append(nil))) {
			t.Fatalf("equality and encodings of %v and %v disagree", f, g)
		}
	})
}

func TestPropertyValuesMarshalAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawValue(t, 3)
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got record.Value
		if err := json.Unmarshal(b, &got); err != nil || !got.Equal(v) {
			t.Fatalf("%s: got %v, %v", b, got, err)
		}
	})
}

func TestDecodeFieldsRefusesWhatIsNoRecord(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "null", "[]", `"x"`, "{", "}", `{"a"}`, `{"a":}`, `{"a":1}`, `{"a":true}`, `{"a":"x"`, `{"a":"x",}`, `{"a":"x"}x`, `{a:"x"}`,
		`{"a":["x"}`, `{"a":["x",]}`, `{"a":nul}`, `{"a":nullx}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", `{"a":"\u12"}`, `{"a":["x" "y"]}`, `{"a":"x"`,
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}",
		strings.Repeat(`{"a":`, 100) + "null" + strings.Repeat("}", 100),
	} {
		if f, err := record.DecodeFields([]byte(in)); err == nil {
			t.Errorf("%s: got %v", in, f)
		}
		var v record.Value
		if err := v.UnmarshalJSON([]byte(`"x" ` + in + "?")); err == nil {
			t.Errorf("something follows a value: %s", in)
		}
	}
}

// shaped reports whether encoding/json's reading of a text is one of ours, and returns
// that as Fields.
func shaped(x any) (record.Value, bool) {
	switch x := x.(type) {
	case nil:
		return record.Value{}, true
	case string:
		return record.Text(x), true
	case []any:
		items := make([]record.Value, 0, len(x))
		for _, item := range x {
			v, ok := shaped(item)
			if !ok {
				return record.Value{}, false
			}
			items = append(items, v)
		}
		return record.List(items...), true
	case map[string]any:
		f, ok := shapedFields(x)
		return record.Struct(f), ok
	default:
		return record.Value{}, false
	}
}

func shapedFields(m map[string]any) (record.Fields, bool) {
	f := record.Fields{}
	for name, x := range m {
		v, ok := shaped(x)
		if !ok {
			return nil, false
		}
		f[name] = v
	}
	return f, true
}

func FuzzDecodeFields(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":"x","b":null,"c":["x",null,[]],"d":{"e":"f"}}`, ` { "a" : "\u00e9\ud83d\ude00\ud800" , "a":"twice" } `,
		"{\"\xff\":\"\xfe\"}", `{"a":1}`, `{"a":"\"\\\/\b\f\n\r\t"}`, `{"a":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`, `{"a":"x"}}`, `{"":""}`, "{\"a\":\"\x7f\u2028\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := record.DecodeFields(b)
		var m map[string]any
		jsonErr := json.Unmarshal(b, &m)
		want, ok := shapedFields(m)
		switch {
		case err == nil && (jsonErr != nil || !ok || m == nil):
			t.Fatalf("%q: taken, but encoding/json says %v", b, jsonErr)
		case err != nil && jsonErr == nil && ok && m != nil && !strings.Contains(err.Error(), "too deep") && !discarded(b):
			t.Fatalf("%q: %v, but encoding/json takes it", b, err)
		case err != nil:
			return
		}
		if !got.Equal(want) {
			t.Fatalf("%q: got %v, want %v", b, got, want)
		}
		canonical := got.Append(nil)
		if again, err := record.DecodeFields(canonical); err != nil || !again.Equal(got) {
			t.Fatalf("%q: canonical %s reads as %v, %v", b, canonical, again, err)
		}
	})
}

// discarded reports whether a name stands twice, where encoding/json forgets what the
// first one held, and so whether that was of our shape.
func discarded(b []byte) bool {
	names := map[string]bool{}
	d := json.NewDecoder(strings.NewReader(string(b)))
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if s, ok := token.(string); ok {
			if names[s] {
				return true
			}
			names[s] = true
		}
	}
}

func TestFieldsHaveThreeStates(t *testing.T) {
	t.Parallel()
	f, err := record.DecodeFields([]byte(`{"empty":null,"blank":"","value":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, absent := f["absent"]
	if v, ok := f["empty"]; absent || !ok || !v.IsEmpty() {
		t.Errorf("absent and empty are not told apart: %v", f)
	}
	if diff := cmp.Diff([]string{"blank", "empty", "value"}, f.Names()); diff != "" {
		t.Error(diff)
	}
	if !f["blank"].IsEmpty() {
		t.Error("the empty text is not the empty value")
	}
}

func sample() record.Fields {
	f := record.Fields{}
	for i := range 20 {
		f[fmt.Sprintf("field_%02d", i)] = record.Text(fmt.Sprintf("a value of usual length %d", i))
	}
	f["note"] = record.Text("Γεια σου \"κόσμε\"\nand more")
	f["tags"] = record.Texts("one", "two", "three")
	f["empty"] = record.Value{}
	return f
}

func BenchmarkDecodeFields(b *testing.B) {
	in := sample().Append(nil)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.DecodeFields(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	f := sample()
	buf := f.Append(nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = f.Append(buf[:0])
	}
}
