package console

import (
	"net/http"

	"github.com/tandemhub/tandem/internal/account"
)

// meBody says who a program, or a browser, is here.
type meBody struct {
	Name   string          `json:"name"`
	Role   account.Role    `json:"role"`
	Token  string          `json:"token,omitempty"` // its name
	Rights []account.Right `json:"rights"`
}

func (c *console) apiMe(w http.ResponseWriter, r *http.Request) error {
	who := visitOf(r).who
	c.view.json(w, http.StatusOK, "application/json", meBody{Name: who.Name, Role: who.Role, Token: who.Token, Rights: who.Rights})
	return nil
}
