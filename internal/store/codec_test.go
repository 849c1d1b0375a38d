package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

func anyValue() *rapid.Generator[record.Value] {
	return rapid.Custom(func(t *rapid.T) record.Value {
		if rapid.Bool().Draw(t, "list") {
			return record.Texts(rapid.SliceOfN(rapid.StringN(1, 9, -1), 0, 3).Draw(t, "items")...)
		}
		return record.Text(rapid.String().Draw(t, "text"))
	})
}

func anyFields() *rapid.Generator[record.Fields] {
	return rapid.Custom(func(t *rapid.T) record.Fields {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		return record.Fields(rapid.MapOfN(rapid.StringN(1, 9, -1), anyValue(), 0, 5).Draw(t, "fields"))
	})
}

func TestOperationsSurviveTheirEncoding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		want := Op{Run: rapid.Int64().Draw(t, "run"), Link: rapid.Int64().Draw(t, "link"), Claim: text.Draw(t, "claim"),
			Key: text.Draw(t, "key"), IfVersion: text.Draw(t, "version"), Set: anyFields().Draw(t, "set"),
			Was: anyFields().Draw(t, "was"), Source: anyFields().Draw(t, "source"), Seen: [2]int64{rapid.Int64().Draw(t, "seen"), 0}}
		for range rapid.IntRange(0, 3).Draw(t, "fields") {
			f := OpField{Key: text.Draw(t, "key"), Wire: text.Draw(t, "wire"), Rule: text.Draw(t, "rule"), Source: anyValue().Draw(t, "value")}
			if rapid.Bool().Draw(t, "lost") {
				f.Lost = &Lost{Side: record.Side(rapid.IntRange(0, 1).Draw(t, "side")), Value: anyValue().Draw(t, "lost value")}
			}
			if rapid.Bool().Draw(t, "based") {
				f.Base = new(anyValue().Draw(t, "base"))
			}
			f.Link = rapid.OneOf(rapid.Just(int64(0)), rapid.Int64()).Draw(t, "member")
			want.Fields = append(want.Fields, f)
		}
		var got Op
		if err := got.decodeBody(want.encodeBody()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestKeysSurviveTheirEncoding(t *testing.T) {
	t.Parallel()
	got, err := decodeKeys(encodeKeys([]Key{{"b", "x"}, {"a", "y"}, {"b", "x"}, {"a", ""}, {"", "z"}}))
	want := []Key{{"", "z"}, {"a", "y"}, {"b", "x"}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Fatal(err, d)
	}
}

// What a damaged file holds makes an error, never a panic; what is read can be written.
func FuzzDamagedRows(f *testing.F) {
	op := Op{Claim: "c", Set: record.Fields{"a": record.Text("b")}, Fields: []OpField{{Key: "k", Lost: &Lost{Side: record.Right}}}}
	f.Add(op.encodeBody())
	f.Add(encodeKeys([]Key{{"email", "a@x"}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		var op, again Op
		if op.decodeBody(b) == nil {
			if err := again.decodeBody(op.encodeBody()); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(op, again, cmpopts.EquateEmpty()); d != "" {
				t.Fatal(d)
			}
		}
		if keys, err := decodeKeys(b); err == nil {
			encodeKeys(keys)
		}
	})
}

// The index knows keys by their hash for as long as a database lives.
func TestHashesNeverChange(t *testing.T) {
	t.Parallel()
	got := []int64{hash(""), hash("a"), Key{"email", "ann@example.com"}.hash(), claimHash(""), claimHash("email=ann@example.com")}
	want := []int64{-3750763034362895579, -5808556873153909620, 7931979759740676677, 0, 2695947479752644456}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
