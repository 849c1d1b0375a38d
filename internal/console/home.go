package console

import "net/http"

type homePage struct {
	Status Status
}

func (c *console) showHome(w http.ResponseWriter, r *http.Request) error {
	return c.view.page(w, r, "home", homePage{Status: c.hub.Status()})
}
