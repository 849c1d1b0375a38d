package engine

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
)

// A counter counts what several goroutines do.
type counter struct{ n atomic.Int64 }

func (c *counter) add(n int) { c.n.Add(int64(n)) }
func (c *counter) get() int  { return int(c.n.Load()) }

// A meter counts the requests that leave, for the sync and side on whose behalf they do.
type meter struct{ next http.RoundTripper }

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	if n, ok := r.Context().Value(meterKey{}).(*counter); ok {
		n.add(1)
	}
	return m.next.RoundTrip(r)
}

// How long a vendor may take. Dolibarr needs seconds for a page on a small server.
const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 90 * time.Second
)

// transportFor returns what carries a connection's requests: base if there is one, else
// the network with the connection's own certificates and proxy.
func transportFor(pc plan.Connection, base http.RoundTripper) (http.RoundTripper, error) {
	if base != nil {
		return base, nil
	}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   2 * defaultWorkers,
		ForceAttemptHTTP2:     true,
	}
	if pc.Proxy != "" {
		u, err := url.Parse(pc.Proxy)
		if err != nil {
			return nil, fmt.Errorf("read setting proxy: %w", err)
		}
		t.Proxy = http.ProxyURL(u)
	}
	config, err := tlsFor(pc)
	if err != nil {
		return nil, err
	}
	t.TLSClientConfig = config
	return t, nil
}

func tlsFor(pc plan.Connection) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if pc.CA != "" {
		pem, err := os.ReadFile(pc.CA)
		if err != nil {
			return nil, fmt.Errorf("read setting ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read setting ca: %s holds no certificate", pc.CA)
		}
	}
	if pc.ClientCert != "" {
		cert, err := tls.LoadX509KeyPair(pc.ClientCert, pc.ClientCert)
		if err != nil {
			return nil, fmt.Errorf("read setting client_cert (certificate and key in one PEM file): %w", err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return config, nil
}
