package connector

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

// A file that is too large is refused, before it is read if its size is known; one that
// breaks off says nothing about the record, and may be tried again.
func TestFilesAreReadUpToWhatIsTaken(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	unread := iotest.ErrReader(errors.New("was read"))
	for name, c := range map[string]struct {
		size int64
		body string
		most int64
		kind Kind
	}{
		"fits":                  {4, "card", 4, ""},
		"of unknown size":       {-1, "card", 4, ""},
		"larger than it says":   {3, "cards", 4, Invalid},
		"too large, as it says": {5, "", 4, Invalid},
		"breaks off":            {4, "ca!", 4, Unavailable},
	} {
		body := strings.NewReader(strings.TrimSuffix(c.body, "!"))
		reader := iotest.OneByteReader(body)
		if strings.HasSuffix(c.body, "!") {
			reader = iotest.OneByteReader(readers{body, broken})
		}
		if c.body == "" {
			reader = unread
		}
		got, err := ReadFile(File{Size: c.size}, reader, c.most)
		if KindOf(err) != c.kind || err == nil && string(got) != c.body {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if c.kind == Unavailable && !errors.Is(err, broken) {
			t.Errorf("%s: %v does not say why", name, err)
		}
	}
}

// readers reads a text, and then fails.
type readers struct {
	text *strings.Reader
	err  error
}

func (r readers) Read(p []byte) (int, error) {
	if r.text.Len() == 0 {
		return 0, r.err
	}
	return r.text.Read(p)
}
