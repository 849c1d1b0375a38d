package toy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Lines reads the cell of a list: its lines by part, with the vendor's ids as "id".
func Lines(cell string) []map[string]string {
	var lines []map[string]string
	if json.Unmarshal([]byte(cell), &lines) != nil {
		return nil
	}
	return lines
}

// lines takes a list as the vendor does: a line that names an id keeps it, any other gets a
// new one; lines that are not named are gone.
func (a *Twin) lines(c twinColumn, was, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var lines []map[string]string
	if err := json.Unmarshal([]byte(text), &lines); err != nil {
		return "", errors.New("this is no list of lines")
	}
	had := Lines(was)
	for i, line := range lines {
		for key := range line {
			if key != "id" && !slices.ContainsFunc(c.parts, func(p twinPart) bool { return p.key == key }) {
				return "", fmt.Errorf("lines have no %s", key)
			}
		}
		id := line["id"]
		if id == "" {
			a.lineID++
			line["id"] = "l" + strconv.FormatInt(a.lineID, 10)
		} else if !slices.ContainsFunc(had, func(l map[string]string) bool { return l["id"] == id }) {
			return "", fmt.Errorf("there is no line %s", id)
		}
		for _, p := range c.parts {
			if p.sole && slices.ContainsFunc(lines[:i], func(l map[string]string) bool { return l[p.key] == line[p.key] }) {
				return "", fmt.Errorf("two lines have the same %s", p.key)
			}
		}
	}
	if len(lines) == 0 {
		return "", nil
	}
	kept, err := json.Marshal(lines)
	return string(kept), err
}
