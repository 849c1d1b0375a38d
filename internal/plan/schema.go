package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tandemhub/tandem/connector"
)

// A schema is a JSON Schema as it is encoded.
type schema map[string]any

// JSONSchema returns the JSON Schema (draft 2020-12) of the file, for editors. It is made
// from the same tables that Parse reads by, and from the specs: a system that is added
// changes it without a change here.
func JSONSchema(specs []connector.Spec) ([]byte, error) {
	defs := schema{"sync": objectSchema(syncKeys()), "field": fieldSchema()}
	names := systemNames(specs)
	var cases []any
	for _, name := range names {
		i := slices.IndexFunc(specs, func(s connector.Spec) bool { return s.Name == name })
		defs["system_"+name] = systemSchema(specs[i])
		cases = append(cases, schema{
			"if":   schema{"properties": schema{"system": schema{"const": name}}, "required": []string{"system"}},
			"then": schema{"$ref": "#/$defs/system_" + name},
		})
	}
	connection := schema{"type": "object", "required": []string{"system"}, "properties": schema{"system": wordSchema(names...)}}
	if len(cases) > 0 {
		connection["allOf"] = cases
	}
	defs["connection"] = connection
	root := objectSchema(topKeys())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "tandem.yaml"
	root["$defs"] = defs
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode JSON Schema: %w", err)
	}
	return append(b, '\n'), nil
}

// systemSchema is the schema of a connection to one system.
func systemSchema(spec connector.Spec) schema {
	s := objectSchema(connectionKeys(spec))
	s["title"] = spec.Title
	var ways []any
	for _, a := range spec.Auth {
		needs := []string{a.Setting}
		if a.OAuth != nil {
			needs = []string{connector.ClientID}
		}
		ways = append(ways, schema{"required": needs})
	}
	if len(ways) > 0 {
		s["anyOf"] = ways
	}
	return s
}

// objectSchema is the schema of a map with a table of keys.
func objectSchema[T any](keys []key[T]) schema {
	properties := schema{}
	required := []string{}
	for _, k := range keys {
		if k.later {
			continue
		}
		property := schema{}
		maps.Copy(property, k.schema)
		if k.help != "" {
			property["description"] = k.help
		}
		properties[k.name] = property
		if k.required {
			required = append(required, k.name)
		}
	}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

const (
	namePattern     = "^[A-Za-z][A-Za-z0-9_-]{0,63}$"
	variablePattern = `^\$\{([A-Za-z_][A-Za-z0-9_]*|secret:[A-Za-z][A-Za-z0-9_-]{0,63})\}$`
)

func textSchema() schema   { return schema{"type": "string"} }
func flagSchema() schema   { return schema{"type": "boolean"} }
func scalarSchema() schema { return schema{"type": []string{"string", "number", "boolean"}} }

func wordSchema(words ...string) schema { return schema{"enum": words} }

func endSchema() schema {
	return schema{"type": "string", "pattern": `^[A-Za-z][A-Za-z0-9_-]{0,63}\..+$`}
}

func durationSchema() schema {
	return schema{"type": "string", "pattern": "^(([0-9]+[smhdw])+|off)$"}
}

func amountSchema() schema {
	return schema{"anyOf": []any{
		schema{"type": "integer", "minimum": 0},
		schema{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)?%$`},
	}}
}

func settingSchema(s connector.Setting) schema {
	switch {
	case s.Secret:
		return schema{"type": "string", "pattern": variablePattern}
	case len(s.Choices) > 0:
		return withDefault(wordSchema(s.Choices...), s.Default)
	default:
		return withDefault(scalarSchema(), s.Default)
	}
}

func withDefault(s schema, value string) schema {
	if value != "" {
		s["default"] = value
	}
	return s
}

func namedSchema(ref string) schema {
	return schema{
		"type":                 "object",
		"propertyNames":        schema{"pattern": namePattern},
		"additionalProperties": schema{"$ref": "#/$defs/" + ref},
	}
}

func connectionsSchema() schema { return namedSchema("connection") }
func syncsSchema() schema       { return namedSchema("sync") }

func sidesSchema(of schema) schema {
	return schema{"type": "object", "additionalProperties": false, "properties": schema{"left": of, "right": of}}
}

func matchSchema() schema {
	sides := sidesSchema(textSchema())
	sides["required"] = []string{"left", "right"}
	part := []any{textSchema(), sides}
	compound := schema{"type": "array", "minItems": 1, "items": schema{"anyOf": part}}
	keys := schema{"type": "array", "minItems": 1, "items": schema{"anyOf": append(slices.Clone(part), compound)}}
	return schema{"anyOf": append(slices.Clone(part), keys)}
}

// fieldSchema is the schema of an entry of fields: both sides, or one that is computed.
func fieldSchema() schema {
	s := objectSchema(fieldKeys())
	s["anyOf"] = []any{schema{"required": []string{"left", "right"}}, schema{"required": []string{"from"}}}
	return s
}

func fieldsSchema() schema {
	return schema{"type": "array", "minItems": 1, "items": schema{"anyOf": []any{textSchema(), schema{"$ref": "#/$defs/field"}}}}
}
