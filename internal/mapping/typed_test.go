package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

func TestWhatIsTypedIsReadByTheKindOfItsField(t *testing.T) {
	t.Parallel()
	stage := record.Field{Name: "stage", Kind: record.KindChoice, Choices: []record.Choice{{Value: "1", Label: "New"}, {Value: "2", Label: "Won"}}}
	tags := stage
	tags.Kind = record.KindChoices
	for _, c := range []struct {
		field record.Field
		text  string
		want  record.Value
		wrong string // part of the error; "" = it fits
	}{
		{record.Field{Kind: record.KindText}, " as it is ", record.Text(" as it is "), ""},
		{record.Field{Kind: record.KindText, MaxLen: 3}, "four", record.Value{}, "more than 3"},
		{record.Field{Kind: record.KindText}, "  ", record.Value{}, ""},
		{record.Field{Kind: record.KindText, Required: true}, "", record.Value{}, "required"},
		{record.Field{Kind: record.KindMoney}, "12.50", record.Text("12.5"), ""},
		{record.Field{Kind: record.KindNumber}, "a dozen", record.Value{}, "no number"},
		{record.Field{Kind: record.KindBool}, "Yes", record.Bool(true), ""},
		{record.Field{Kind: record.KindBool}, "perhaps", record.Value{}, "neither true nor false"},
		{record.Field{Kind: record.KindDate}, "2026-02-28", record.Text("2026-02-28"), ""},
		{record.Field{Kind: record.KindDate}, "2026-02-30", record.Value{}, "no day"},
		{record.Field{Kind: record.KindDateTime}, "2026-02-28T10:00:00+02:00", record.Text("2026-02-28T08:00:00Z"), ""},
		{record.Field{Kind: record.KindDateTime}, "tomorrow", record.Value{}, "no time"},
		{stage, "2", record.Text("2"), ""},
		{stage, "won", record.Text("2"), ""},
		{stage, "Wonn", record.Value{}, "did you mean \"Won\"?"},
		{stage, "something else", record.Value{}, "1, New, 2, Won"},
		{tags, "New; 2,won", record.Texts("1", "2"), ""},
		{record.Field{Kind: record.KindReferences}, "7, 8", record.Texts("7", "8"), ""},
		{record.Field{Kind: record.KindEmail}, "ann.x.gr", record.Value{}, "no e-mail"},
		{record.Field{Kind: record.KindList}, "x", record.Value{}, "cannot be entered"},
	} {
		got, err := mapping.Typed(c.field, c.text)
		if c.wrong == "" && err != nil || !got.Equal(c.want) {
			t.Errorf("%s %q: %v, %v; want %v", c.field.Kind, c.text, got, err, c.want)
		}
		var misfit *mapping.MisfitError
		if c.wrong != "" && (!errors.As(err, &misfit) || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s %q: %v; want an error with %q", c.field.Kind, c.text, err, c.wrong)
		}
	}
}
