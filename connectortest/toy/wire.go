package toy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/record"
)

// What the vendor sends and takes.

type wireMe struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Release string `json:"release"`
	Zone    string `json:"zone"`
}

type wireFields struct {
	Fields []wireField `json:"fields"`
}

type wireField struct {
	Key     string       `json:"key"`
	Label   string       `json:"label"`
	Type    string       `json:"type"` // text, email, phone, number, bool, day, time, pick, picks, row, list, opt
	Must    bool         `json:"must"`
	Own     bool         `json:"own"`   // made by the customer
	Form    bool         `json:"form"`  // of an opt field: people fill it in themselves
	Plain   bool         `json:"plain"` // of a text field: it is kept without quotation marks
	Max     int          `json:"max"`
	Options []wireOption `json:"options"`
	Table   string       `json:"table"` // of a row field
	Parts   []wirePart   `json:"parts"` // of a list field
}

// wirePart is what each line of a list has, beside its id. All are texts.
type wirePart struct {
	Key  string `json:"key"`
	Type string `json:"type"`
	Sole bool   `json:"sole"` // no two lines have the same
}

type wireOption struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Off   bool   `json:"off"`
}

type wireBoxes struct {
	Boxes []string `json:"boxes"`
}

type wireFeed struct {
	Events []wireEvent `json:"events"`
	Next   string      `json:"next"`
	More   bool        `json:"more"`
	Live   int         `json:"live"`
}

// wireEvent is a row, or what became of it.
type wireEvent struct {
	ID    string                     `json:"id"`
	Rev   int64                      `json:"rev"`
	Made  int64                      `json:"made"`  // milliseconds since 1970
	Moved int64                      `json:"moved"` // milliseconds since 1970
	By    string                     `json:"by"`
	Gone  string                     `json:"gone"` // "", bin, purged, hidden, merged or moved
	Into  string                     `json:"into"` // of a merged row
	On    []wireSpot                 `json:"on"`   // of a moved row: where it goes on
	Row   map[string]json.RawMessage `json:"row"`
}

type wireSpot struct {
	Table string `json:"table"`
	ID    string `json:"id"`
}

type wireGet struct {
	Table string   `json:"table"`
	IDs   []string `json:"ids"`
}

type wireFind struct {
	Table string   `json:"table"`
	Key   string   `json:"key"`
	Any   []string `json:"any"`
}

type wireRows struct {
	Events []wireEvent `json:"events"`
}

type wireDo struct {
	Table string     `json:"table"`
	Verb  string     `json:"verb"`
	Items []wireItem `json:"items"`
}

type wireItem struct {
	ID  string         `json:"id,omitempty"`
	Rev int64          `json:"rev,omitempty"` // only if the row still has it
	Row map[string]any `json:"row,omitempty"`
}

type wireDone struct {
	Done []wireOutcome `json:"done"`
}

type wireOutcome struct {
	ID  string `json:"id"`
	Rev int64  `json:"rev"`
	Job string `json:"job"` // taken, and not decided yet
	wireRefusal
}

type wireFold struct {
	Table string   `json:"table"`
	Keep  string   `json:"keep"`
	Lose  []string `json:"lose"`
}

type wireRefusal struct {
	Code   string `json:"code"`
	Key    string `json:"key"`
	Holder string `json:"holder"`
	Text   string `json:"text"`
}

func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode the answer: %w", err)
	}
	return nil
}

const wireDay = "02.01.2006"

// fromWire turns what a row holds into a value of that kind.
func fromWire(kind record.Kind, raw json.RawMessage) (record.Value, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return record.Value{}, nil
	}
	switch kind {
	case record.KindNumber, record.KindMoney:
		v, ok := record.Number(string(raw))
		if !ok {
			return record.Value{}, fmt.Errorf("decode number %s", raw)
		}
		return v, nil
	case record.KindBool:
		return record.Bool(string(raw) == "true"), nil
	case record.KindDateTime:
		ms, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return record.Value{}, fmt.Errorf("decode time: %w", err)
		}
		return record.Time(time.UnixMilli(ms)), nil
	case record.KindChoices:
		var items []string
		if err := decode(raw, &items); err != nil {
			return record.Value{}, err
		}
		return record.Texts(items...), nil
	case record.KindList:
		return listFromWire(raw)
	}
	var text string
	if err := decode(raw, &text); err != nil {
		return record.Value{}, err
	}
	switch {
	case kind == record.KindConsent:
		return consentFromWire(text)
	case kind != record.KindDate || text == "":
		return record.Text(text), nil
	}
	day, err := time.Parse(wireDay, text)
	if err != nil {
		return record.Value{}, fmt.Errorf("decode day: %w", err)
	}
	return record.Date(day.Date()), nil
}

// toWire turns a value into what a row takes; empty is null.
func toWire(kind record.Kind, v record.Value) any {
	if v.IsEmpty() {
		return nil
	}
	switch kind {
	case record.KindNumber, record.KindMoney:
		return json.Number(v.Text())
	case record.KindBool:
		return v.Bool()
	case record.KindConsent:
		if v.Text() == record.Denied {
			return "out"
		}
		return "in"
	case record.KindDate:
		return v.Time().Format(wireDay)
	case record.KindDateTime:
		return v.Time().UnixMilli()
	case record.KindChoices:
		items := make([]string, 0, len(v.Items()))
		for _, item := range v.Items() {
			items = append(items, item.Text())
		}
		return items
	case record.KindList:
		lines := make([]map[string]string, 0, len(v.Items()))
		for _, item := range v.Items() {
			line := map[string]string{}
			for name, part := range item.Fields() {
				line[name] = part.Text()
			}
			lines = append(lines, line)
		}
		return lines
	default:
		return v.Text()
	}
}

func consentFromWire(text string) (record.Value, error) {
	switch text {
	case "":
		return record.Value{}, nil
	case "in":
		return record.Text(record.Granted), nil
	case "out":
		return record.Text(record.Denied), nil
	default:
		return record.Value{}, fmt.Errorf("decode opt %q", text)
	}
}

func listFromWire(raw json.RawMessage) (record.Value, error) {
	var lines []map[string]string
	if err := decode(raw, &lines); err != nil {
		return record.Value{}, err
	}
	items := make([]record.Value, 0, len(lines))
	for _, line := range lines {
		f := make(record.Fields, len(line))
		for name, text := range line {
			f[name] = record.Text(text)
		}
		items = append(items, record.Struct(f))
	}
	return record.List(items...), nil
}
