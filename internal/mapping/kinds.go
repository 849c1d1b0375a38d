package mapping

import (
	"fmt"

	"github.com/tandemhub/tandem/record"
)

// A converter turns a value of one side into the other side's form. known is false if the
// value cannot be told to the other side, which is absent there then (R11).
type converter func(v record.Value, refs Refs) (out record.Value, known bool, err error)

func isReference(k record.Kind) bool {
	return k == record.KindReference || k == record.KindReferences
}

func isChoice(k record.Kind) bool { return k == record.KindChoice || k == record.KindChoices }

// isSet reports whether the order of a kind's elements has no meaning (R12).
func isSet(k record.Kind) bool { return k == record.KindChoices || k == record.KindReferences }

// consents reports whether one of two fields that are kept in step is a consent (R32).
func consents(fields [2]record.Field) bool {
	return fields[0].Kind == record.KindConsent || fields[1].Kind == record.KindConsent
}

func isNumeric(k record.Kind) bool { return k == record.KindNumber || k == record.KindMoney }

// converter finds the conversion from one field to another, or says why there is none.
func (c *compiler) converter(from, to record.Field, side record.Side, values map[string]string) (converter, string) {
	switch {
	case isReference(from.Kind) && isReference(to.Kind):
		return c.reference(from, to, side)
	case from.Kind == record.KindList || to.Kind == record.KindList:
		if from.Kind != to.Kind {
			return nil, clash(from, to)
		}
		return c.list(from, to, side)
	case to.Kind == record.KindChoices && isChoice(from.Kind):
		one, why := c.scalar(element(from), element(to), side, values)
		if one == nil {
			return nil, why
		}
		return eachKnown(one), ""
	case isSet(from.Kind) || isSet(to.Kind) || to.Kind == record.KindReference:
		return nil, clash(from, to)
	}
	return c.scalar(from, to, side, values)
}

func clash(from, to record.Field) string {
	return fmt.Sprintf("%q is a %s and cannot become the %s %q", from.Name, from.Kind, to.Kind, to.Name)
}

// element is the field that one element of a choices field would be.
func element(f record.Field) record.Field {
	if f.Kind == record.KindChoices {
		f.Kind = record.KindChoice
	}
	return f
}

// scalar converts single values, a value map first.
func (c *compiler) scalar(from, to record.Field, side record.Side, values map[string]string) (converter, string) {
	conv, why := c.unmapped(from, to, side)
	if len(values) == 0 {
		return conv, why
	}
	return mapped(oriented(values, side), conv, from, to), ""
}

// unmapped is the table of kinds. What is lossless works; what depends on the value, such
// as a text that may be a number, does not, since a person would learn it too late.
func (c *compiler) unmapped(from, to record.Field, side record.Side) (converter, string) {
	if places(from, to) {
		return c.place(from, to), ""
	}
	switch to.Kind {
	case record.KindText:
		return toText(from, to)
	case record.KindEmail, record.KindPhone:
		if from.Kind == to.Kind || from.Kind == record.KindText {
			return asIs, ""
		}
	case record.KindNumber, record.KindMoney:
		if isNumeric(from.Kind) {
			return asIs, ""
		}
		if from.Kind == record.KindBool {
			return boolToNumber, ""
		}
	case record.KindBool:
		if from.Kind == record.KindBool || from.Kind == record.KindChoice && hasChoice(from, "true") && hasChoice(from, "false") {
			return asIs, ""
		}
	case record.KindDate, record.KindDateTime:
		return c.moment(from, to, side)
	case record.KindChoice:
		return toChoice(from, to)
	case record.KindConsent: // anything else needs values that say what is a no
		if from.Kind == record.KindConsent {
			return asIs, ""
		}
		return nil, clash(from, to) + " without values"
	}
	return nil, clash(from, to)
}

// toText takes every scalar.
func toText(from, to record.Field) (converter, string) {
	fromHTML, toHTML := from.Format == record.FormatHTML, to.Format == record.FormatHTML
	switch {
	case fromHTML && !toHTML:
		return onScalar(record.HTMLText), ""
	case toHTML && !fromHTML && from.Kind == record.KindText:
		return onScalar(record.TextHTML), ""
	case from.Kind == record.KindChoice:
		return choiceToText(from), ""
	case from.Format == record.FormatURL && to.Format == record.FormatDomain:
		return urlToDomain(to), ""
	}
	return asIs, ""
}

// urlToDomain takes a web address down to its host, which is all that a domain field holds.
func urlToDomain(to record.Field) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		domain := record.NormalDomain(v.Text())
		if domain == "" && !v.IsEmpty() {
			return v, false, misfit(to, "%.60q is no web address", v.Text())
		}
		return record.Text(domain), true, nil
	}
}

func toChoice(from, to record.Field) (converter, string) {
	switch {
	case from.Kind == record.KindConsent:
		return nil, clash(from, to) + " without values"
	case from.Kind == record.KindChoice && (len(from.Choices) > 0 || len(to.Choices) > 0):
		return choiceToChoice(from, to), ""
	case from.Kind == record.KindBool && !to.Open && len(to.Choices) > 0 && (!hasChoice(to, "true") || !hasChoice(to, "false")):
		return nil, clash(from, to) + " without values"
	case from.Kind == record.KindChoice, from.Kind == record.KindText, from.Kind == record.KindBool, isNumeric(from.Kind):
		return textToChoice(from, to), ""
	}
	return nil, clash(from, to)
}

// reference translates ids through links, which only a sync of their objects makes.
func (c *compiler) reference(from, to record.Field, side record.Side) (converter, string) {
	if from.Kind == record.KindReferences && to.Kind == record.KindReference {
		return nil, clash(from, to)
	}
	left, right := from.To, to.To
	if side == record.Right {
		left, right = right, left
	}
	if left == "" || right == "" || c.in.Links == nil || !c.in.Links(left, right) {
		return nil, fmt.Sprintf("%q refers to %s and %q to %s, and no sync links these", from.Name, orUnknown(from.To), to.Name, orUnknown(to.To))
	}
	one := translate(side, from.To)
	if to.Kind == record.KindReferences {
		return eachKnown(one), ""
	}
	return one, ""
}

func orUnknown(object string) string {
	if object == "" {
		return "an object that is not known"
	}
	return object
}

// coercion takes what an expression came to, in whatever form the field has.
func (c *compiler) coercion(to record.Field, side record.Side) converter {
	switch to.Kind {
	case record.KindNumber, record.KindMoney:
		return computedNumber(to)
	case record.KindBool:
		return computedBool(to)
	case record.KindDate, record.KindDateTime:
		return computedMoment(to, c.in.Zones[side])
	case record.KindChoice:
		return textToChoice(record.Field{}, to)
	case record.KindChoices:
		return eachKnown(textToChoice(record.Field{}, element(to)))
	case record.KindList:
		return asIs
	default:
		return computedText(to)
	}
}
