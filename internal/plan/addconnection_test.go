package plan

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const twoConnections = `# all of it
version: 1

connections:
  # the shop
  shop:
    system: toy # ours
    # its key
    api_key: ${KEY}
  # the books
  books: { system: toy }

# what runs
syncs: {}
`

func TestAConnectionIsAddedAndRemovedAndAllElseStays(t *testing.T) {
	t.Parallel()
	got, err := AddConnection([]byte(twoConnections), "crm:\n  system: toy\n")
	if want := strings.Replace(twoConnections, "books: { system: toy }\n", "books: { system: toy }\n  crm:\n    system: toy\n", 1); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	back, err := RemoveConnection(got, "crm")
	if err != nil || string(back) != twoConnections {
		t.Errorf("%v\n%s", err, back)
	}
	rest, err := RemoveConnection(got, "shop")
	if err != nil || strings.Contains(string(rest), "its key") || !strings.Contains(string(rest), "  # the shop\n  # the books\n  books: { system: toy }\n  crm:\n") {
		t.Errorf("%v\n%s", err, rest)
	}
	if _, err := RemoveConnection(got, "nobody"); err == nil {
		t.Error("nothing was there, and it was removed")
	}
	for _, braces := range []string{"connections: { a: { system: toy } }\n", "connections: {\n}\n"} {
		if _, err := AddConnection([]byte(braces), "crm:\n  system: toy\n"); !errors.Is(err, ErrNoRoomForSync) {
			t.Errorf("%s: %v", braces, err)
		}
		if _, err := RemoveConnection([]byte(braces), "a"); !errors.Is(err, ErrNoRoomForSync) {
			t.Errorf("%s: %v", braces, err)
		}
	}
}

// Who begins in the console has none, and whoever takes the last one out neither.
func TestTheFirstConnectionIsAddedAndTheLastOneRemoved(t *testing.T) {
	t.Parallel()
	const none = "version: 1\nconnections: {} # none yet\n# the end\nsyncs: {}\n"
	one, err := AddConnection([]byte(none), "crm:\n  system: toy\n")
	if want := "version: 1\nconnections: # none yet\n  crm:\n    system: toy\n# the end\nsyncs: {}\n"; err != nil || string(one) != want {
		t.Errorf("%v\n%s", err, one)
	}
	back, err := RemoveConnection(one, "crm")
	if err != nil || string(back) != none {
		t.Errorf("%v\n%s", err, back)
	}
	synced, err := AddSync(one, NewSync{Name: "s", Ends: [2]Endpoint{{"crm", "a"}, {"crm", "b"}}})
	if err != nil || !strings.Contains(string(synced), "\nsyncs:\n  s:\n    left: crm.a\n    right: crm.b\n") {
		t.Errorf("%v\n%s", err, synced)
	}
}

// Whatever stands in a document, adding a connection and removing it again leaves it as it was.
func TestAddingAndRemovingAConnectionIsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"", "# a comment\n", "\n", "  # inside\n", "  x1: { system: toy }\n", "  x2:\n    system: toy\n\n    # c\n    url: \"a#b\"\n"})
		text := "version: 1\nconnections:\n  first: { system: toy }\n" + part.Draw(t, "one") + part.Draw(t, "two") + "syncs:\n  s: { left: a.b, right: c.d }\n"
		added, err := AddConnection([]byte(text), "crm:\n  system: toy\n  url: https://x\n")
		if err != nil {
			t.Skip("the same name twice")
		}
		back, err := RemoveConnection(added, "crm")
		if err != nil || string(back) != text {
			t.Fatalf("%v\n%s\nis not\n%s", err, back, text)
		}
	})
}
