package plan

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tandemhub/tandem/connector"
)

// jsonSchema checks values against as much of JSON Schema as ours uses; an unknown word
// is an error, so that none goes unchecked.
type jsonSchema struct{ root map[string]any }

func (s jsonSchema) check(rule, value any, path string) error {
	r, ok := rule.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: the schema is no object", path)
	}
	for word, arg := range r {
		var err error
		switch word {
		case "$schema", "$defs", "title", "description", "default", "then":
		case "$ref":
			name := strings.TrimPrefix(arg.(string), "#/$defs/")
			def, found := s.root["$defs"].(map[string]any)[name]
			if !found {
				return fmt.Errorf("no definition %q", name)
			}
			err = s.check(def, value, path)
		case "type":
			err = checkType(arg, value, path)
		case "const":
			if !reflect.DeepEqual(arg, value) {
				err = fmt.Errorf("%s: %v is not %v", path, value, arg)
			}
		case "enum":
			if !slices.ContainsFunc(arg.([]any), func(a any) bool { return reflect.DeepEqual(a, value) }) {
				err = fmt.Errorf("%s: %v is none of %v", path, value, arg)
			}
		case "pattern":
			if text, is := value.(string); is && !regexp.MustCompile(arg.(string)).MatchString(text) {
				err = fmt.Errorf("%s: %q does not match %s", path, text, arg)
			}
		case "minimum":
			if n, is := value.(float64); is && n < arg.(float64) {
				err = fmt.Errorf("%s: %v is below %v", path, n, arg)
			}
		case "minItems", "items":
			err = s.checkList(word, arg, value, path)
		case "properties", "additionalProperties", "propertyNames", "required":
			err = s.checkMap(r, word, value, path)
		case "anyOf", "allOf":
			err = s.checkAll(word, arg.([]any), value, path)
		case "if":
			if s.check(arg, value, path) == nil {
				err = s.check(r["then"], value, path)
			}
		default:
			return fmt.Errorf("the test does not know the word %q", word)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkType(arg, value any, path string) error {
	kinds, many := arg.([]any)
	if !many {
		kinds = []any{arg}
	}
	for _, kind := range kinds {
		switch v := value.(type) {
		case string:
			many = kind == "string"
		case bool:
			many = kind == "boolean"
		case float64:
			many = kind == "number" || kind == "integer" && v == math.Trunc(v)
		case []any:
			many = kind == "array"
		case map[string]any:
			many = kind == "object"
		default:
			many = kind == "null"
		}
		if many {
			return nil
		}
	}
	return fmt.Errorf("%s: %v is not of type %v", path, value, arg)
}

func (s jsonSchema) checkList(word string, arg, value any, path string) error {
	list, is := value.([]any)
	switch {
	case !is:
	case word == "minItems" && float64(len(list)) < arg.(float64):
		return fmt.Errorf("%s: too short", path)
	case word == "items":
		for i, item := range list {
			if err := s.check(arg, item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s jsonSchema) checkMap(r map[string]any, word string, value any, path string) error {
	m, is := value.(map[string]any)
	if !is {
		return nil
	}
	properties, _ := r["properties"].(map[string]any)
	if word == "required" {
		for _, name := range r["required"].([]any) {
			if _, has := m[name.(string)]; !has {
				return fmt.Errorf("%s lacks %v", path, name)
			}
		}
		return nil
	}
	for name, v := range m {
		var err error
		rule, known := properties[name]
		switch {
		case word == "properties" && known:
			err = s.check(rule, v, path+"."+name)
		case word == "additionalProperties" && !known && r[word] == false:
			err = fmt.Errorf("%s: unknown %q", path, name)
		case word == "additionalProperties" && !known:
			err = s.check(r[word], v, path+"."+name)
		case word == "propertyNames":
			err = s.check(r[word], name, path+" name")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s jsonSchema) checkAll(word string, rules []any, value any, path string) error {
	var last error
	for _, rule := range rules {
		err := s.check(rule, value, path)
		if word == "anyOf" && err == nil {
			return nil
		}
		if word == "allOf" && err != nil {
			return err
		}
		last = err
	}
	return last
}

func newSchema(t *testing.T, specs []connector.Spec) jsonSchema {
	t.Helper()
	b, err := JSONSchema(specs)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatalf("the schema is no JSON: %v", err)
	}
	return jsonSchema{root}
}

// checkFile holds a YAML file against the schema, as an editor does.
func (s jsonSchema) checkFile(t *testing.T, src []byte) error {
	t.Helper()
	b, err := yaml.YAMLToJSON(src)
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(b, &value); err != nil {
		return err
	}
	return s.check(s.root, value, "file")
}

func TestSchemaAcceptsTheExampleOfDesign(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := newSchema(t, testSpecs()).checkFile(t, src); err != nil {
		t.Error(err)
	}
}

// TestSchemaRefusesWhatParseCallsUnknown: the two are made from one table.
func TestSchemaRefusesWhatParseCallsUnknown(t *testing.T) {
	t.Parallel()
	s := newSchema(t, testSpecs())
	files, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		problems := string(a.Files[1].Data)
		if strings.Contains(problems, "merge keys") {
			continue // the library that makes JSON of it resolves them
		}
		if !strings.Contains(problems, "unknown key") && !strings.Contains(problems, "is none of") &&
			!strings.Contains(problems, " lacks ") && !strings.Contains(problems, "does not have") && !strings.Contains(problems, "is a secret") {
			continue
		}
		n++
		if s.checkFile(t, a.Files[0].Data) == nil {
			t.Errorf("%s: the schema accepts it, and Parse says\n%s", file, problems)
		}
	}
	if n < 15 {
		t.Errorf("only %d files were looked at", n)
	}
}

func TestASystemChangesTheSchemaByItsSpecAlone(t *testing.T) {
	t.Parallel()
	src := []byte("version: 1\nconnections: { x: { system: newcomer, secret_key: \"${KEY}\", zone: b } }\n")
	if newSchema(t, testSpecs()).checkFile(t, src) == nil {
		t.Error("the system is not there yet")
	}
	specs := append(testSpecs(), connector.Spec{
		Name: "newcomer", BaseURL: "https://x", Auth: []connector.Auth{{Setting: "secret_key"}},
		Settings: []connector.Setting{{Name: "zone", Choices: []string{"a", "b"}}},
	})
	if err := newSchema(t, specs).checkFile(t, src); err != nil {
		t.Error(err)
	}
	if err := newSchema(t, nil).checkFile(t, []byte("version: 1\nconnections: {}\n")); err != nil {
		t.Errorf("without systems: %v", err)
	}
}
