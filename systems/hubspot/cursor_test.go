package hubspot

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
)

func TestCursorsOfOthersAreExpired(t *testing.T) {
	t.Parallel()
	for _, text := range []connector.Cursor{
		"null", "{}", "x", `{"m":"feed"}`, `{"m":"feed","f":-1,"w":1}`, `{"m":"list","t":true}`, `{"m":"list"} {}`,
		`{"m":"other"}`, `{"m":"feed","f":1,"w":1,"new":2}`, `{"m":"bin","f":3}`, `{"m":"feed","f":1,"w":1,"p":"half"}`,
		`{"m":"pick"}`, `{"m":"pick","q":"[]"}`, `{"m":"pick","q":"x"}`, `{"m":"pick","q":"[{\"filters\":[{}]}]"}`, `{"m":"list","q":"[]"}`,
	} {
		if _, err := parseCursor(text); connector.KindOf(err) != connector.Expired {
			t.Errorf("%s: %v", text, err)
		}
	}
	if c, err := parseCursor(""); err != nil || c.Mode != modeList {
		t.Errorf("the beginning: %+v %v", c, err)
	}
}

func TestEveryCursorThatIsMadeIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(1, 1<<42)
		c := cursor{Mode: modeFeed, From: ms.Draw(t, "from"), Full: ms.Draw(t, "full"), ID: rapid.Int64Range(0, 1<<40).Draw(t, "id")}
		c = c.start(time.UnixMilli(ms.Draw(t, "now")))
		if rapid.Bool().Draw(t, "running") {
			c.Began = ms.Draw(t, "began")
		}
		if c.From <= 0 {
			return
		}
		got, err := parseCursor(c.encode())
		if err != nil || got != c {
			t.Errorf("%+v became %+v: %v", c, got, err)
		}
	})
}

func FuzzParseCursor(f *testing.F) {
	f.Add(`{"m":"feed","f":1700000000000,"w":1700000000000,"i":12,"t":true,"p":"whole","b":1700000000001}`)
	f.Add(`{"m":"list","a":"101","w":5}`)
	f.Add(`{"m":"bin"}`)
	f.Add(`{"m":"pick","a":"12","q":"[{\"filters\":[{\"propertyName\":\"lifecyclestage\",\"operator\":\"EQ\",\"value\":\"lead\"}]}]"}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(connector.Cursor(text))
		if err != nil {
			if connector.KindOf(err) != connector.Expired {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := parseCursor(c.encode()); err != nil || again != c {
			t.Errorf("%+v became %+v: %v", c, again, err)
		}
	})
}
