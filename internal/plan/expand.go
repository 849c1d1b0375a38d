package plan

import (
	"fmt"
	"strings"
)

// expand replaces ${NAME} by the environment's value, where that is allowed ${secret:NAME}
// by the vault's, and $$ by $; a $ before anything else stays as it is.
func (r *reader) expand(n node, vaulted bool) (string, bool) {
	if hasControl(n.text) {
		r.fail(n.place, n.label()+" holds a control character")
		return "", false
	}
	var b strings.Builder
	ok := true
	for rest := n.text; ; {
		i := strings.IndexByte(rest, '$')
		if i < 0 || i+1 == len(rest) {
			b.WriteString(rest)
			return b.String(), ok
		}
		b.WriteString(rest[:i])
		rest = rest[i+1:]
		switch rest[0] {
		case '$':
			b.WriteByte('$')
			rest = rest[1:]
		case '{':
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				r.fail(n.place, n.label()+`: "${" without "}"; a dollar sign that is meant as such is written $$`)
				return "", false
			}
			value, found := r.variable(n.place, name, vaulted)
			b.WriteString(value)
			ok = ok && found
			rest = after
		default:
			b.WriteByte('$')
		}
	}
}

// variable looks a name up. Its problems name the variable and never a value.
func (r *reader) variable(at place, name string, vaulted bool) (string, bool) {
	if secret, is := strings.CutPrefix(name, secretMark); is {
		if vaulted {
			return r.vaulted(at, secret)
		}
		// What is no secret setting is shown and logged.
		text := "a secret of the vault can only be the value of a secret setting, or the password of a proxy"
		if validVariable(secret) {
			text += "; here, use an environment variable: ${" + secret + "}"
		}
		r.fail(at, text)
		return "", false
	}
	if !validVariable(name) {
		r.fail(at, "a variable is written ${NAME}, with letters, digits and _ and no default; a dollar sign that is meant as such is written $$")
		return "", false
	}
	value, found := "", false
	if r.env != nil {
		value, found = r.env(name)
	}
	if !found {
		r.fail(at, fmt.Sprintf("the environment variable %s is not set; set it, or write it into the file .env beside this file", name))
		return "", false
	}
	return value, true
}

func validVariable(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// isVariable reports whether s is one ${NAME} and nothing else.
func isVariable(s string) bool {
	name, is := strings.CutPrefix(s, "${")
	name, closed := strings.CutSuffix(name, "}")
	return is && closed && !strings.ContainsAny(name, "${}")
}

// secret reads a secret setting: one ${NAME} and nothing else, since a secret that is
// written in the file ends up in a repository (invariant 9). The value is never quoted.
func (r *reader) secret(n node, suggest string) (string, bool) {
	switch n.shape {
	case shapeBroken:
		return "", false
	case shapeNull:
		r.fail(n.place, fmt.Sprintf("%s has no value; write ${%s}", n.label(), suggest))
		return "", false
	}
	text := strings.TrimSpace(n.text)
	if n.shape != shapeScalar || !isVariable(text) {
		r.fail(n.place, fmt.Sprintf("%s is a secret and must not stand in the file: write ${%s} here, and set %s in the environment or in the file .env beside this file", n.label(), suggest, suggest))
		return "", false
	}
	name := text[2 : len(text)-1]
	value, ok := r.variable(n.place, name, true)
	if !ok {
		return "", false
	}
	// Secrets are pasted and read from files: white space at their ends is never meant.
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		r.fail(n.place, sourceOf(name)+" is empty")
		return "", false
	case hasControl(value), strings.ContainsAny(value, "\n\t"):
		r.fail(n.place, sourceOf(name)+" holds a line break or another control character")
		return "", false
	}
	r.secrets = append(r.secrets, value)
	return value, true
}

// sourceOf says where a value came from.
func sourceOf(name string) string {
	if secret, is := strings.CutPrefix(name, secretMark); is {
		return "the secret " + secret
	}
	return "the environment variable " + name
}
