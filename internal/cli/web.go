package cli

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// web returns the server of what is answered. Whoever has a key gets more time for what it
// brings, or less, from the door; a stranger has no more than this for all of a request.
func (s *server) web() *http.Server {
	return &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
}

// routes are all addresses that the server answers.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		switch {
		case !s.ready.Load():
			answer(w, http.StatusServiceUnavailable, "stopping")
		case s.disk.full():
			answer(w, http.StatusServiceUnavailable, "the disk is full")
		default:
			answer(w, http.StatusOK, "ready")
		}
	})
	mux.Handle("/hooks/", s)
	numbers := promhttp.HandlerFor(s.meters.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		s.weigh(r.Context())
		numbers.ServeHTTP(w, r)
	})
	if s.console != nil {
		mux.Handle("/", s.console)
	}
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a caller that has gone needs no answer
}
