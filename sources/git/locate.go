package git

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// place is where a repository is: a path, or a remote endpoint.
type place struct {
	path     string
	endpoint *transport.Endpoint
}

// Host is the name or address of the machine that a repository is fetched from; "" = it is a path, or unreadable.
func Host(url string) string {
	p, err := locate(url)
	if err != nil || p.endpoint == nil {
		return ""
	}
	return strings.Trim(p.endpoint.Host, "[]")
}

// locate reads the URL of a Config.
func locate(url string) (place, error) {
	if url == "" {
		return place{}, errors.New("no URL is given")
	}
	e, err := transport.NewEndpoint(url)
	if err != nil {
		return place{}, errors.New("its URL cannot be read") // the cause would show a password
	}
	if e.Password != "" {
		return place{}, fmt.Errorf("the URL of host %s holds a password: put it in a token file", e.Host)
	}
	if strings.HasPrefix(e.Host, "-") || strings.HasPrefix(e.User, "-") {
		return place{}, fmt.Errorf("host %q or user %q begins with a dash", e.Host, e.User)
	}
	switch e.Protocol {
	case "file":
		abs, err := filepath.Abs(strings.TrimPrefix(url, "file://"))
		return place{path: abs}, err
	case "https", "ssh":
		return place{endpoint: e}, nil
	case "http":
		if loopback(e.Host) {
			return place{endpoint: e}, nil
		}
		return place{}, fmt.Errorf("http to %s is neither private nor authentic: use https or ssh", e.Host)
	}
	return place{}, fmt.Errorf("protocol %q is not known: use a path, https or ssh", e.Protocol)
}

func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
