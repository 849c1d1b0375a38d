package wiretest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// A twin that answers otherwise than is documented is found out, and told where.
func TestWhatDiffersFromTheExampleIsTold(t *testing.T) {
	t.Parallel()
	all := func(string) bool { return true }
	first := func(_ string, want, got []any) []any { return got[:len(want)] }
	for name, c := range map[string]struct {
		rules     Rules
		want, got string
		told      string // parts of what is told, by "|"; "" = nothing
	}{
		"same":                  {Rules{}, `{"a":[1,{"b":null}]}`, `{"a":[1,{"b":null}]}`, ""},
		"another value":         {Rules{}, `{"a":[1,{"b":2}]}`, `{"a":[1,{"b":"2"}]}`, ".a.1.b: 2, want 2"},
		"a value missing":       {Rules{}, `{"a":1,"b":2}`, `{"a":1}`, ".b: not there"},
		"a null missing":        {Rules{}, `{"a":1,"b":null}`, `{"a":1}`, ".b: not there"},
		"a null may be missing": {Rules{Absent: func(_, key string) bool { return key == "b" }}, `{"b":null,"c":null}`, `{}`, ".c: not there"},
		"one too many":          {Rules{}, `{"a":1}`, `{"a":1,"b":2}`, ".b: not documented"},
		"more may be there":     {Rules{Open: all}, `{"a":1}`, `{"a":1,"b":2}`, ""},
		"only below":            {Rules{Open: func(name string) bool { return name == "a" }}, `{"a":{}}`, `{"a":{"x":1},"b":2}`, ".b: not documented"},
		"an object":             {Rules{}, `{"a":{}}`, `{"a":[]}`, ".a: [], want an object"},
		"a list":                {Rules{}, `{"a":[]}`, `{"a":{}}`, ".a: map[], want 0 elements"},
		"too few":               {Rules{Sample: first}, `[1,2]`, `[1]`, "[1], want 2 elements"},
		"too many":              {Rules{}, `[1]`, `[1,2]`, "want 1 elements"},
		"a sample":              {Rules{Sample: first}, `[1,3]`, `[1,2,3]`, ".1: 2, want 3"},
		"a time":                {Rules{Free: []string{"at"}}, `{"at":"1"}`, `{"at":"2"}`, ""},
		"no time":               {Rules{Free: []string{"at"}}, `{"at":"1"}`, `{"at":null}`, ".at: not there"},
		"anything":              {Rules{}, `{"a":"*","b":"*"}`, `{"a":7,"b":null}`, ".b: not there"},
		"two":                   {Rules{}, `{"a":1,"b":2}`, `{"a":2,"b":1}`, ".a: 2, want 1|.b: 1, want 2"},
	} {
		var want, got any
		if json.Unmarshal([]byte(c.want), &want) != nil || json.Unmarshal([]byte(c.got), &got) != nil {
			t.Fatal(name)
		}
		told := c.rules.differences("", want, got)
		parts := slices.DeleteFunc(strings.Split(c.told, "|"), func(s string) bool { return s == "" })
		if len(told) != len(parts) {
			t.Errorf("%s: %q is told, want %q", name, told, parts)
			continue
		}
		for i, p := range parts {
			if !strings.Contains(told[i], p) {
				t.Errorf("%s: %q is told, want %q", name, told[i], p)
			}
		}
	}
}
