package plan

import (
	"fmt"
	"strings"
)

// A Console is how people sign in.
type Console struct {
	OIDC *OIDC // nil = by password only
}

// An OIDC is an identity provider by which people sign in beside their passwords. It prints
// and encodes without its secret.
type OIDC struct {
	Issuer   string // its address, which says of itself where the rest is
	ClientID string
	Secrets  Secrets           // client_secret; none for a public client
	Groups   string            // the claim of the ID token that names somebody's groups
	Roles    map[string]string // roles by group; nil = groups decide nothing
}

// ClientSecret is the name of the secret of an OIDC.
const ClientSecret = "client_secret"

// roleWords are the roles that a group can give; package account says what each may do.
func roleWords() []string { return []string{"viewer", "user", "operator", "admin"} }

func consoleKeys() []key[Console] {
	return []key[Console]{{
		name: "oidc", help: "An identity provider by which people sign in (OpenID Connect).", schema: objectSchema(oidcKeys()),
		read: func(r *reader, n node, c *Console) {
			k := &OIDC{Secrets: Secrets{}, Groups: "groups"}
			readMap(r, n, n.place, "oidc", oidcKeys(), k)
			c.OIDC = k
		},
	}}
}

func oidcKeys() []key[OIDC] {
	return []key[OIDC]{
		{
			name: "issuer", required: true, help: "Its address, as its tokens name it, such as https://login.example.com/realms/main.", schema: textSchema(),
			read: func(r *reader, n node, k *OIDC) { r.issuer(n, k) },
		},
		{
			name: "client_id", required: true, help: "Of the application that you registered there, with the address PUBLIC_URL/login/oidc/callback.", schema: textSchema(),
			read: func(r *reader, n node, k *OIDC) { k.ClientID, _ = r.text(n) },
		},
		{
			name: ClientSecret, help: "Of that application; none if it is a public one.", schema: schema{"type": "string", "pattern": variablePattern},
			read: func(r *reader, n node, k *OIDC) {
				if s, ok := r.secret(n, "OIDC_CLIENT_SECRET"); ok {
					k.Secrets[ClientSecret] = s
				}
			},
		},
		{
			name: "groups", help: "The claim of its tokens that names a person's groups; default groups.", schema: textSchema(),
			read: func(r *reader, n node, k *OIDC) { k.Groups, _ = r.text(n) },
		},
		{
			name: "roles", help: "Which role a group gives: { hub-admins: admin, sales: user }. Who is in none of them may not come in. Without it an administrator adds people by their e-mail address.",
			schema: schema{"type": "object", "minProperties": 1, "additionalProperties": wordSchema(roleWords()...)},
			read:   func(r *reader, n node, k *OIDC) { k.Roles = r.roles(n) },
		},
	}
}

// issuer reads an address whose slash at the end, if it has one, belongs to it: tokens name it
// to the letter.
func (r *reader) issuer(n node, into *OIDC) {
	u, ok := r.address(n, false, "http", "https")
	if !ok {
		return
	}
	into.Issuer = u.String()
	if insecure(into.Issuer) {
		r.fail(n.place, "oidc: the issuer must begin with https://, or anybody on the way could say who somebody is")
	}
}

func (r *reader) roles(n node) map[string]string {
	if n.shape != shapeMap || len(n.pairs) == 0 {
		r.notAMap(n, n.place, "roles must be a map from groups to "+strings.Join(roleWords(), ", "))
		return nil
	}
	roles := map[string]string{}
	for _, p := range n.pairs {
		if role, ok := r.word(p.value, roleWords()...); ok {
			roles[p.key] = role
		}
	}
	return roles
}

// String returns the provider's address.
func (k OIDC) String() string { return fmt.Sprintf("%s as %s", k.Issuer, k.ClientID) }
