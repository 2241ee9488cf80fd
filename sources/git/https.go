package git

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// go-git's table of protocols is the only place to set another client. Redirects are go-git's: only the first request may be redirected,
// never from https to http, and credentials stay behind when the host changes.
func init() {
	c := &https{by: map[string]transport.Transport{}}
	client.InstallProtocol("https", c)
	client.InstallProtocol("http", c)
}

// https keeps a client for each text of certificates to trust. go-git's own makes one for each conversation that has such, leaves its
// connections open, and takes no transport that counts.
type https struct {
	mu sync.Mutex
	by map[string]transport.Transport
}

// NewUploadPackSession begins a fetch.
func (h *https) NewUploadPackSession(e *transport.Endpoint, auth transport.AuthMethod) (transport.UploadPackSession, error) {
	c, err := h.client(e.CaBundle)
	if err != nil {
		return nil, err
	}
	plain := *e
	plain.CaBundle = nil
	return c.NewUploadPackSession(&plain, auth)
}

// NewReceivePackSession refuses: nothing is ever pushed.
func (h *https) NewReceivePackSession(*transport.Endpoint, transport.AuthMethod) (transport.ReceivePackSession, error) {
	return nil, transport.ErrAuthorizationFailed
}

const mostClients = 16

func (h *https) client(certificates []byte) (transport.Transport, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c, ok := h.by[string(certificates)]; ok {
		return c, nil
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	if len(certificates) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, err
		}
		pool.AppendCertsFromPEM(certificates)
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if len(h.by) >= mostClients {
		clear(h.by) // what is idle there closes by itself
	}
	c := githttp.NewClient(&http.Client{Transport: meteredTransport{t}})
	h.by[string(certificates)] = c
	return c, nil
}
