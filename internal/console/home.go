package console

import "net/http"

type homePage struct {
	Status Status
}

func (c *console) showHome(w http.ResponseWriter, r *http.Request) error {
	status, err := c.hub.Status(r.Context())
	if err != nil {
		return err
	}
	return c.view.page(w, r, "home", homePage{Status: status})
}
