package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandemhub/tandem/record"
)

// Typed reads what a person has typed as a value of a field: by its kind, a choice by its value
// or its label. What the field cannot hold is a [*MisfitError].
func Typed(f record.Field, text string) (record.Value, error) {
	if strings.TrimSpace(text) == "" {
		if f.Required {
			return record.Value{}, misfit(f, "it is required and must not be empty")
		}
		return record.Value{}, nil
	}
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		if v, ok := record.Number(strings.TrimSpace(text)); ok {
			return v, nil
		}
		return record.Value{}, misfit(f, "%q is no number such as 12.50", text)
	case record.KindBool:
		return typedBool(f, text)
	case record.KindDate:
		day, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
		if err != nil {
			return record.Value{}, misfit(f, "%q is no day such as 2026-11-21", text)
		}
		return record.Date(day.Date()), nil
	case record.KindDateTime:
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
		if err != nil {
			return record.Value{}, misfit(f, "%q is no time such as 2026-11-21T14:30:00Z", text)
		}
		return record.Time(at), nil
	case record.KindChoice:
		return typedChoice(f, text)
	case record.KindChoices, record.KindReferences:
		return typedSet(f, text)
	case record.KindList:
		return record.Value{}, misfit(f, "a list cannot be entered here; edit it in the system")
	}
	if n := utf8.RuneCountInString(text); f.MaxLen > 0 && n > f.MaxLen {
		return record.Value{}, misfit(f, "%d characters are more than %d", n, f.MaxLen)
	}
	if f.Kind == record.KindEmail && !strings.Contains(text, "@") {
		return record.Value{}, misfit(f, "%q is no e-mail address", text)
	}
	return record.Text(text), nil
}

func typedBool(f record.Field, text string) (record.Value, error) {
	switch fold(text) {
	case "true", "yes", "1":
		return record.Bool(true), nil
	case "false", "no", "0":
		return record.Bool(false), nil
	}
	return record.Value{}, misfit(f, "%q is neither true nor false", text)
}

func typedChoice(f record.Field, text string) (record.Value, error) {
	text = strings.TrimSpace(text)
	if hasChoice(f, text) {
		return record.Text(text), nil
	}
	if v, ok := byLabel(f.Choices, text); ok {
		return record.Text(v), nil
	}
	if f.Open || len(f.Choices) == 0 {
		return record.Text(text), nil
	}
	var words []string
	for _, ch := range f.Choices {
		words = append(words, ch.Value)
		if ch.Label != "" && ch.Label != ch.Value {
			words = append(words, ch.Label)
		}
	}
	why := fmt.Sprintf("%q is none of its choices", text)
	if near := nearest(text, words); near != "" {
		return record.Value{}, misfit(f, "%s; did you mean %q?", why, near)
	}
	const most = 12
	if len(words) > most {
		return record.Value{}, misfit(f, "%s: %s and %d more", why, strings.Join(words[:most], ", "), len(words)-most)
	}
	return record.Value{}, misfit(f, "%s: %s", why, strings.Join(words, ", "))
}

// typedSet reads elements that are separated by ";" or ",".
func typedSet(f record.Field, text string) (record.Value, error) {
	var items []record.Value
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == ',' }) {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		v := record.Text(word)
		if f.Kind == record.KindChoices {
			var err error
			if v, err = typedChoice(f, word); err != nil {
				return record.Value{}, err
			}
		}
		if !slices.ContainsFunc(items, v.Equal) {
			items = append(items, v)
		}
	}
	return record.List(items...), nil
}

// Nearest returns the word that was most likely meant, "" if none is near enough.
func Nearest(word string, words []string) string { return nearest(word, words) }
