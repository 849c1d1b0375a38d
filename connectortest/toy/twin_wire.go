package toy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How the twin writes and reads what travels; the connector has its own notion of that.

func (t *twinTable) describe(c twinColumn) map[string]any {
	d := map[string]any{"key": c.key, "label": c.label, "type": c.kind, "must": c.must, "own": c.own, "form": c.form}
	if c.cap > 0 {
		d["max"] = c.cap
	}
	if c.plain {
		d["plain"] = true
	}
	if c.table != "" {
		d["table"] = c.table
	}
	for _, p := range c.parts {
		parts, _ := d["parts"].([]map[string]any)
		d["parts"] = append(parts, map[string]any{"key": p.key, "type": p.kind, "sole": p.sole})
	}
	if c.options != nil && c.kind != "opt" {
		var options []map[string]any
		for _, o := range c.options {
			options = append(options, map[string]any{"value": o, "label": cmp.Or(t.labels[c.key+"="+o], strings.ToUpper(o[:1])+o[1:])})
		}
		d["options"] = options
	}
	return d
}

func (t *twinTable) event(r *twinRow, bare bool) map[string]any {
	e := map[string]any{"id": r.id, "rev": r.rev, "made": r.made.UnixMilli(), "moved": r.moved.UnixMilli(), "by": r.by}
	if t.unstamped {
		delete(e, "moved")
	}
	switch {
	case r.ended():
		e = map[string]any{"id": r.id, "gone": r.state}
		if r.on != nil {
			e["on"] = r.on
		}
		if r.into != "" {
			e["into"] = r.into
		}
		return e
	case r.hidden:
		return map[string]any{"id": r.id, "gone": "hidden"}
	case r.state == "bin":
		e["gone"] = "bin"
	}
	if bare {
		return e
	}
	row := map[string]any{}
	for _, c := range t.columns {
		row[c.key] = c.encode(r.cells[c.key])
	}
	e["row"] = row
	return e
}

// encode shows a cell as JSON.
func (c twinColumn) encode(text string) any {
	if text == "" {
		return nil
	}
	switch c.kind {
	case "number":
		return json.Number(text)
	case "bool":
		return text == "true"
	case "picks":
		return strings.Split(text, ";")
	case "list":
		return json.RawMessage(text)
	case "day":
		if day, err := time.Parse("2006-01-02", text); err == nil {
			return day.Format("02.01.2006")
		}
	case "time":
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at.UnixMilli()
		}
	}
	return text
}

// read takes a cell from JSON.
func (c twinColumn) read(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	bad := fmt.Errorf("a column of type %s does not take this", c.kind)
	switch x := v.(type) {
	case json.Number:
		if c.kind == "number" {
			return strings.TrimSuffix(string(x), ".0"), nil
		}
		ms, err := x.Int64()
		if c.kind != "time" || err != nil {
			return "", bad
		}
		return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano), nil
	case bool:
		if c.kind == "bool" {
			return strconv.FormatBool(x), nil
		}
	case []any:
		if c.kind == "picks" {
			items := make([]string, 0, len(x))
			for _, item := range x {
				items = append(items, fmt.Sprint(item))
			}
			return strings.Join(items, ";"), nil
		}
		if lines, err := json.Marshal(x); c.kind == "list" && err == nil {
			return string(lines), nil
		}
	case string:
		switch c.kind {
		case "number", "bool", "picks", "time", "list":
		case "day":
			day, err := time.Parse("02.01.2006", x)
			if err != nil {
				return "", bad
			}
			return day.Format("2006-01-02"), nil
		default:
			return x, nil
		}
	}
	return "", bad
}

func (t *twinTable) cells(row map[string]any, unknown func(string)) (map[string]string, *twinRefusal) {
	cells := make(map[string]string, len(row))
	for key, v := range row {
		c, ok := t.column(key)
		if !ok {
			unknown(key)
			return nil, &twinRefusal{Code: "invalid", Key: key, Text: "there is no such column"}
		}
		text, err := c.read(v)
		if err != nil {
			return nil, &twinRefusal{Code: "invalid", Key: key, Text: err.Error()}
		}
		cells[key] = text
	}
	return cells, nil
}

func twinFits(w http.ResponseWriter, n, most int) bool {
	if n > 0 && n <= most {
		return true
	}
	twinRefuse(w, http.StatusBadRequest, twinRefusal{Code: "cannot", Text: fmt.Sprintf("1 to %d at a time", most)})
	return false
}

func twinRefuse(w http.ResponseWriter, status int, refusal twinRefusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(refusal) // a caller that is gone is no fault of the twin
}

func twinAnswer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a caller that is gone is no fault of the twin
}
